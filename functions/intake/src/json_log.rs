//! Whether JSON objects are the records of an access log: by what their keys are called and what those hold.
//!
//! Known by their keys: nginx and Apache as people configure them, Caddy, Traefik, Cloudflare, `CloudFront`, Google Cloud
//! load balancers, Envoy.

use serde_json::{Map, Value};

use crate::access_log::share;

/// What holds the status of the response.
const STATUS: [&str; 17] = [
    "status",
    "statuscode",
    "httpstatus",
    "httpstatuscode",
    "responsestatus",
    "responsecode",
    "responsestatuscode",
    "scstatus",
    "code",
    "downstreamstatus",
    "originstatus",
    "edgeresponsestatus",
    "elbstatuscode",
    "upstreamstatus",
    "bodystatus",
    "response",
    "resstatuscode",
];
/// What holds the request, or its method or its path.
const REQUEST: [&str; 24] = [
    "request",
    "requestmethod",
    "requesturi",
    "requesturl",
    "requestpath",
    "requestline",
    "requestverb",
    "method",
    "verb",
    "httpmethod",
    "uri",
    "url",
    "path",
    "csmethod",
    "csuristem",
    "clientrequestmethod",
    "clientrequesturi",
    "clientrequestpath",
    "reqmethod",
    "requrl",
    "httprequest",
    "httpuri",
    "endpoint",
    "routekey",
];
/// What holds who asked, or else how much was sent, how long it took or with what program.
const CLIENT: [&str; 40] = [
    "remoteaddr",
    "remoteip",
    "remotehost",
    "remoteaddress",
    "remote",
    "clientip",
    "clientaddr",
    "clientaddress",
    "clienthost",
    "client",
    "cip",
    "ip",
    "srcip",
    "sourceip",
    "host",
    "httpxforwardedfor",
    "xforwardedfor",
    "useragent",
    "httpuseragent",
    "agent",
    "csuseragent",
    "clientrequestuseragent",
    "requestuseragent",
    "referer",
    "referrer",
    "httpreferer",
    "bytes",
    "bytessent",
    "bodybytessent",
    "scbytes",
    "size",
    "responsesize",
    "downstreamcontentsize",
    "edgeresponsebytes",
    "duration",
    "requesttime",
    "latency",
    "timetaken",
    "protocol",
    "responselength",
];

/// The share of `records` that are an access log's.
pub(crate) fn share_of(records: &[Map<String, Value>]) -> f32 {
    share(
        records.iter().filter(|record| is_access(record)).count(),
        records.len(),
    )
}

fn is_access(record: &Map<String, Value>) -> bool {
    let (mut status, mut request, mut client) = (false, false, false);
    let mut look = |key: &str, value: &Value| {
        let key: String = key
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|char| char.to_ascii_lowercase())
            .collect();
        if STATUS.contains(&key.as_str()) && is_status(value) {
            status = true;
        } else if REQUEST.contains(&key.as_str()) && is_request(value) {
            request = true;
        } else if CLIENT.contains(&key.as_str()) {
            client = true;
        }
    };
    for (key, value) in record {
        look(key, value);
        // Caddy's `request`, Google's `httpRequest`: one level down is enough.
        if let Value::Object(inner) = value {
            for (key, value) in inner {
                look(key, value);
            }
        }
    }
    status && request && client
}

fn is_status(value: &Value) -> bool {
    let number = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.is_some_and(|number| number == 0 || (100..=599).contains(&number))
}

/// A method, a path, a URL, or a line that begins with one of them: not the number of a request.
fn is_request(value: &Value) -> bool {
    const METHODS: [&str; 9] = [
        "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE",
    ];
    let Value::String(text) = value else {
        return false;
    };
    text.starts_with('/')
        || text.starts_with("http://")
        || text.starts_with("https://")
        || text
            .split(' ')
            .next()
            .is_some_and(|first| METHODS.iter().any(|method| first.eq_ignore_ascii_case(method)))
}
