//! Access logs of a record a line, by a strict parser for each format: Apache and nginx, AWS load balancers, S3
//! and VPC flow logs.
//!
//! A file is a log if at least half of its sampled lines parse: real ones have lines that no server should have
//! written. The share is the confidence.

use crate::{
    encoding::Text,
    field::{
        Field, fields, is_address, is_hex_id, is_iso_time, is_log_time, is_none, is_number,
        is_number_or_none, is_seconds, is_status,
    },
    identify::{Guess, Kind},
    other_log,
};

/// How many lines are looked at.
const LINES: usize = 500;
/// The share of lines that must parse, in percent.
const SHARE_PERCENT: usize = 50;

type Parser = fn(&[Field<'_>]) -> bool;

/// The formats, the ones that others would pass for first.
const FORMATS: [(&str, &str, Parser); 13] = [
    ("s3", "an Amazon S3 server access log", is_s3),
    ("alb", "an AWS Application Load Balancer access log", is_alb),
    ("nlb", "an AWS Network Load Balancer access log", is_nlb),
    ("elb", "an AWS Classic Load Balancer access log", is_elb),
    (
        "vhost_combined",
        "an access log in the combined format with virtual hosts",
        is_vhost_combined,
    ),
    ("combined", "an access log in the combined format", is_combined),
    ("common", "an access log in the Common Log Format", is_common),
    ("vpc_flow", "an AWS VPC flow log", is_vpc_flow),
    ("squid", "a Squid access log", other_log::is_squid),
    (
        "cloudfront",
        "an Amazon CloudFront access log without its directives",
        other_log::is_cloudfront,
    ),
    (
        "w3c",
        "a log in the W3C extended format without its directives",
        other_log::is_w3c,
    ),
    (
        "iis",
        "an access log in the IIS log file format",
        other_log::is_iis,
    ),
    (
        "access_log",
        "an access log in a format of its own",
        other_log::is_access,
    ),
];

/// The access log that most lines of `text` are of.
pub(crate) fn identify(text: &Text) -> Option<Guess> {
    let mut counts = [0_usize; FORMATS.len()];
    let mut lines = 0;
    for line in text.lines().take(LINES) {
        let fields = fields(line);
        // The header of a flow log, which each file has: what it names is what follows.
        if lines == 0 && is_vpc_header(&fields) {
            return Some(guess("vpc_flow", "an AWS VPC flow log", 0.99));
        }
        lines += 1;
        if let Some(count) = FORMATS
            .iter()
            .zip(&mut counts)
            .find_map(|((_, _, is_format), count)| is_format(&fields).then_some(count))
        {
            *count += 1;
        }
    }
    let all: usize = counts.iter().sum();
    if lines == 0 || all * 100 < lines * SHARE_PERCENT {
        return None;
    }
    let (best, _) = counts
        .iter()
        .enumerate()
        .max_by_key(|(index, count)| (**count, usize::MAX - index))?;
    let (format, looks_like, _) = FORMATS.get(best)?;
    Some(guess(format, looks_like, share(all, lines)))
}

fn guess(format: &'static str, looks_like: &str, confidence: f32) -> Guess {
    Guess::new(Some(Kind::Logs), format, looks_like, "text/plain", confidence)
}

/// `part` of `all`, from 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "a share of some hundred lines")]
pub(crate) fn share(part: usize, all: usize) -> f32 {
    if all == 0 { 0.0 } else { part as f32 / all as f32 }
}

/// Whether `fields` go on as `host ident user [time] "request" status bytes`, and how many fields follow.
///
/// The user may hold spaces, and nginx formats may leave fields out before the time.
fn common_rest(fields: &[Field<'_>]) -> Option<usize> {
    let time = fields
        .iter()
        .take(8)
        .position(|field| field.bracketed().is_some_and(is_log_time))?;
    if time < 3 {
        return None;
    }
    let [request, status, bytes, rest @ ..] = fields.get(time + 1..)? else {
        return None;
    };
    (request.quoted().is_some() && status.is(is_status) && bytes.is(is_number_or_none)).then_some(rest.len())
}

/// Apache's `%h %l %u %t "%r" %>s %b`: <https://httpd.apache.org/docs/2.4/logs.html#common>.
fn is_common(fields: &[Field<'_>]) -> bool {
    common_rest(fields).is_some()
}

/// The same with `"%{Referer}i" "%{User-agent}i"`, and whatever fields its owner added behind them.
fn is_combined(fields: &[Field<'_>]) -> bool {
    common_rest(fields).is_some_and(|rest| {
        let [referrer, agent, ..] = fields.get(fields.len() - rest..).unwrap_or_default() else {
            return false;
        };
        referrer.quoted().is_some() && agent.quoted().is_some()
    })
}

/// Apache's `vhost_combined` and `vhost_common`: the same behind a `%v:%p`.
fn is_vhost_combined(fields: &[Field<'_>]) -> bool {
    let [host, client, ..] = fields else {
        return false;
    };
    let has_host = host.is(|host| {
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "0"));
        is_number(port) && !name.is_empty() && name != "-" && !is_address(host)
    });
    has_host && client.is(is_address) && fields.get(1..).is_some_and(is_common)
}

/// AWS: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>.
fn is_s3(fields: &[Field<'_>]) -> bool {
    let [
        owner,
        bucket,
        time,
        _client,
        requester,
        _request_id,
        operation,
        _key,
        request,
        status,
        ..,
    ] = fields
    else {
        return false;
    };
    let is_operation = |operation: &str| {
        ["REST.", "SOAP.", "BATCH.", "WEBSITE.", "S3."]
            .iter()
            .any(|prefix| operation.starts_with(prefix))
    };
    owner.bare().is_some()
        && bucket.bare().is_some()
        && time.bracketed().is_some_and(is_log_time)
        && requester.bare().is_some()
        && operation.is(is_operation)
        && (request.quoted().is_some() || request.is(is_none))
        && status.is(|status| is_status(status) || is_none(status))
}

/// AWS: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>.
fn is_alb(fields: &[Field<'_>]) -> bool {
    let [scheme, time, balancer, client, target, seconds @ ..] = fields else {
        return false;
    };
    let [a, b, c, status, target_status, received, sent, request, agent, ..] = seconds else {
        return false;
    };
    scheme.is(|scheme| matches!(scheme, "http" | "https" | "h2" | "grpcs" | "ws" | "wss"))
        && time.is(is_iso_time)
        && balancer.bare().is_some()
        && client.is(is_address)
        && target.bare().is_some()
        && [a, b, c].iter().all(|seconds| seconds.is(is_seconds))
        && status.is(is_status)
        && target_status.bare().is_some()
        && received.is(is_number_or_none)
        && sent.is(is_number_or_none)
        && request.quoted().is_some()
        && agent.quoted().is_some()
}

/// AWS: <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html>.
fn is_nlb(fields: &[Field<'_>]) -> bool {
    let [kind, version, time, _balancer, _listener, client, target, ..] = fields else {
        return false;
    };
    kind.is(|kind| kind == "tls")
        && version.is(|version| version.parse::<f32>().is_ok())
        && time.is(is_iso_time)
        && client.is(is_address)
        && target.is(is_address)
}

/// AWS: <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html>.
fn is_elb(fields: &[Field<'_>]) -> bool {
    let [
        time,
        balancer,
        client,
        backend,
        a,
        b,
        c,
        status,
        backend_status,
        received,
        sent,
        request,
        ..,
    ] = fields
    else {
        return false;
    };
    time.is(is_iso_time)
        && balancer.bare().is_some()
        && client.is(is_address)
        && backend.bare().is_some()
        && [a, b, c].iter().all(|seconds| seconds.is(is_seconds))
        && [status, backend_status]
            .iter()
            .all(|status| status.is(|status| is_status(status) || is_none(status)))
        && received.is(is_number_or_none)
        && sent.is(is_number_or_none)
        && request.quoted().is_some()
}

/// The fields of a flow log: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>. Those added
/// later have names of the same build, and need not be known here.
const VPC_FIELDS: [&str; 29] = [
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "vpc-id",
    "subnet-id",
    "instance-id",
    "tcp-flags",
    "type",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "region",
    "az-id",
    "sublocation-type",
    "sublocation-id",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "flow-direction",
    "traffic-path",
];

fn is_vpc_header(fields: &[Field<'_>]) -> bool {
    let known = fields
        .iter()
        .filter(|field| field.is(|name| VPC_FIELDS.contains(&name.replace('_', "-").as_str())))
        .count();
    // `start end action` may be the header of anything.
    let has_own = fields.iter().any(|field| {
        field.is(|name| {
            matches!(
                name,
                "srcaddr" | "dstaddr" | "interface-id" | "log-status" | "pkt-srcaddr" | "flow-direction"
            )
        })
    });
    fields.len() >= 2 && has_own && known * 4 >= fields.len() * 3
}

/// The default fields, or others in which a network interface or a verdict and a status are to be seen.
fn is_vpc_flow(fields: &[Field<'_>]) -> bool {
    let is_bare = fields.iter().all(|field| field.bare().is_some());
    if !is_bare || fields.len() < 4 {
        return false;
    }
    let any = |test: fn(&str) -> bool| fields.iter().any(|field| field.is(test));
    let count = |test: fn(&str) -> bool| fields.iter().filter(|field| field.is(test)).count();
    let has_verdict = any(|text| matches!(text, "ACCEPT" | "REJECT"));
    let has_status = any(|text| matches!(text, "OK" | "NODATA" | "SKIPDATA"));
    let has_interface = any(|text| {
        ["eni-", "vpc-", "subnet-"]
            .iter()
            .any(|prefix| text.strip_prefix(prefix).is_some_and(is_hex_id))
    });
    let addresses = count(is_address);
    let numbers = count(is_number_or_none);
    let signs = [has_verdict, has_status, has_interface, addresses >= 2]
        .iter()
        .filter(|sign| **sign)
        .count();
    signs >= 2 && addresses + numbers + 2 * signs >= fields.len() / 2 && (has_interface || numbers >= 2)
}
