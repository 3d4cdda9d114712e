//! Access logs that are told by what their lines hold rather than by one layout: those whose header is gone, and
//! those that their owner laid out.

use crate::field::{
    Field, is_address, is_clock, is_day, is_iso_time, is_log_time, is_none, is_number, is_status,
};

/// The methods of HTTP that are seen.
const METHODS: [&str; 9] = [
    "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
];

/// Squid's native format: `time elapsed remotehost code/status bytes method URL rfc931 peerstatus/peerhost type`.
pub(crate) fn is_squid(fields: &[Field<'_>]) -> bool {
    let [time, elapsed, client, code, bytes, method, _url, _user, peer, ..] = fields else {
        return false;
    };
    time.is(|time| {
        time.split_once('.')
            .is_some_and(|(whole, part)| whole.len() >= 9 && is_number(whole) && is_number(part))
    }) && elapsed.is(is_number)
        && client.bare().is_some()
        && code.is(|code| {
            code.split_once('/')
                .is_some_and(|(name, status)| name.contains('_') && is_number(status))
        })
        && bytes.is(is_number)
        && method.is(|method| {
            method
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
        && peer.is(|peer| peer.contains('/'))
}

/// `date time edge-location bytes client method host path status ...`, as `CloudFront` writes them by default.
pub(crate) fn is_cloudfront(fields: &[Field<'_>]) -> bool {
    let [_, _, edge, bytes, client, method, ..] = fields else {
        return false;
    };
    let is_edge = |edge: &str| {
        let code = edge.get(..3).unwrap_or_default();
        code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    begins_with_day_and_clock(fields)
        && edge.is(is_edge)
        && bytes.is(is_number)
        && client.is(is_address)
        && method.is(|method| METHODS.contains(&method))
}

/// A day, a time, an address, a method, a path and a status, in any order behind the first two.
pub(crate) fn is_w3c(fields: &[Field<'_>]) -> bool {
    let any = |test: &dyn Fn(&str) -> bool| fields.iter().any(|field| field.is(test));
    begins_with_day_and_clock(fields)
        && any(&is_address)
        && any(&|field| METHODS.contains(&field))
        && any(&|field| field.starts_with('/'))
        && any(&is_status)
}

fn begins_with_day_and_clock(fields: &[Field<'_>]) -> bool {
    matches!(fields, [day, clock, ..] if day.is(is_day) && clock.is(is_clock))
}

/// IIS's own format: `client, user, day, time, service, server, ...`, each followed by a comma.
///
/// <https://learn.microsoft.com/en-us/previous-versions/iis/6.0-sdk/ms525807(v=vs.90)>
pub(crate) fn is_iis(fields: &[Field<'_>]) -> bool {
    let [client, _user, day, clock, service, ..] = fields else {
        return false;
    };
    let before_comma = |field: &Field<'_>, test: &dyn Fn(&str) -> bool| {
        field.is(|text| text.strip_suffix(',').is_some_and(test))
    };
    before_comma(client, &is_address)
        && before_comma(day, &|day| day.split('/').count() == 3)
        && before_comma(clock, &is_clock)
        && before_comma(service, &|service| {
            service.starts_with("W3SVC") || service.starts_with("MSFTPSVC")
        })
}

/// A request line in quotes, a status of three digits, and an address or a time, wherever they stand; or the same
/// as labelled values (<http://ltsv.org>).
pub(crate) fn is_access(fields: &[Field<'_>]) -> bool {
    let is_request = |text: &str| {
        let (method, rest) = text.split_once(' ').unwrap_or((text, ""));
        METHODS.contains(&method) && rest.contains("HTTP/")
    };
    let any = |test: &dyn Fn(&str) -> bool| fields.iter().any(|field| field.is(test));
    let has_request = fields.iter().any(|field| field.quoted().is_some_and(is_request));
    let has_time = fields
        .iter()
        .any(|field| field.bracketed().is_some_and(is_log_time) || field.is(is_iso_time));
    let labelled = |labels: &[&str], test: &dyn Fn(&str) -> bool| {
        any(&|field| {
            field
                .split_once(':')
                .is_some_and(|(label, value)| labels.contains(&label) && test(value))
        })
    };
    (has_request && any(&is_status) && (has_time || any(&is_address)))
        || (labelled(&["status"], &is_status)
            && labelled(
                &["req", "method", "uri", "reqmethod", "request_method"],
                &|value| !value.is_empty(),
            )
            && labelled(&["host", "remote_addr", "time", "ip"], &|value| !is_none(value)))
}
