//! Access logs of a record a line, by a strict parser for each format: Apache and nginx, AWS load balancers, S3
//! and VPC flow logs.
//!
//! A file is a log if at least half of its sampled lines parse: real ones have lines that no server should have
//! written. The share is the confidence.

use crate::{
    encoding::Text,
    identify::{Guess, Kind},
};

/// How many lines are looked at.
const LINES: usize = 500;
/// The share of lines that must parse, in percent.
const SHARE_PERCENT: usize = 50;

type Parser = fn(&[Field<'_>]) -> bool;

/// The formats, the ones that others would pass for first.
const FORMATS: [(&str, &str, Parser); 9] = [
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
    ("squid", "a Squid access log", is_squid),
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

/// A field of a line: bare up to a space, in quotes, or in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field<'a> {
    Bare(&'a str),
    Quoted(&'a str),
    Bracketed(&'a str),
}

impl<'a> Field<'a> {
    fn bare(self) -> Option<&'a str> {
        match self {
            Self::Bare(text) => Some(text),
            _ => None,
        }
    }

    fn quoted(self) -> Option<&'a str> {
        match self {
            Self::Quoted(text) => Some(text),
            _ => None,
        }
    }

    fn bracketed(self) -> Option<&'a str> {
        match self {
            Self::Bracketed(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a bare field passes `test`.
    fn is(self, test: impl Fn(&str) -> bool) -> bool {
        self.bare().is_some_and(test)
    }
}

/// More fields than any format has.
const FIELDS: usize = 64;

/// Splits a line at its spaces, quotes and brackets kept together; a quote may be escaped by a backslash.
fn fields(line: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() && fields.len() < FIELDS {
        let (field, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let end = quote_end(quoted);
            let (inside, after) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
            (Field::Quoted(inside), after.strip_prefix('"').unwrap_or(after))
        } else if let Some((inside, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            (Field::Bracketed(inside), after)
        } else {
            let (bare, after) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            (Field::Bare(bare), after)
        };
        fields.push(field);
        rest = after.trim_start();
    }
    fields
}

/// Where the quote that has just been opened closes.
fn quote_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return index,
            _ => {}
        }
    }
    text.len()
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

/// Squid's native format: `time elapsed remotehost code/status bytes method URL rfc931 peerstatus/peerhost type`.
fn is_squid(fields: &[Field<'_>]) -> bool {
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

/// `22/Jan/2019:03:56:14 +0330`, or the same time as ISO 8601 has it.
fn is_log_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_apache = bytes.len() >= 20
        && bytes
            .iter()
            .zip(b"dd/Mmm/dddd:dd:dd:dd")
            .all(|(byte, like)| match like {
                b'd' => byte.is_ascii_digit(),
                b'M' | b'm' => byte.is_ascii_alphabetic(),
                _ => byte == like,
            });
    is_apache || is_iso_time(text)
}

/// `2015-05-13T23:39:43`, with whatever follows.
pub(crate) fn is_iso_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes
            .iter()
            .zip(b"dddd-dd-ddTdd:dd:dd")
            .all(|(byte, like)| match like {
                b'd' => byte.is_ascii_digit(),
                b'T' => matches!(byte, b'T' | b' '),
                _ => byte == like,
            })
}

fn is_none(text: &str) -> bool {
    text == "-"
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number_or_none(text: &str) -> bool {
    is_none(text) || is_number(text)
}

/// A duration in seconds, or -1 where there was none.
fn is_seconds(text: &str) -> bool {
    text == "-1"
        || is_none(text)
        || (text.starts_with(|first: char| first.is_ascii_digit()) && text.parse::<f64>().is_ok())
}

/// Three digits; `000` is `CloudFront`'s and nginx's for a client that had gone.
fn is_status(text: &str) -> bool {
    text.len() == 3 && is_number(text)
}

fn is_hex_id(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An IP address, with a port or without.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
        || text.parse::<std::net::SocketAddr>().is_ok()
        // AWS writes IPv6 addresses with ports without brackets.
        || text
            .rsplit_once(':')
            .is_some_and(|(host, port)| is_number(port) && host.parse::<std::net::IpAddr>().is_ok())
}
