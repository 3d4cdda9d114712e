//! The request as a function sees it: payload format version 2.0.
//! Reference: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::template::{ACCOUNT_ID, HttpApi, Route};

/// All that goes into an event.
pub(super) struct RequestFacts<'a> {
    pub(super) api: &'a HttpApi,
    pub(super) route: &'a Route,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) parameters: &'a BTreeMap<String, String>,
    pub(super) jwt: Option<&'a Value>,
    pub(super) request_id: &'a str,
    pub(super) source_ip: IpAddr,
    pub(super) time: Timestamp,
}

pub(super) fn build(facts: &RequestFacts<'_>) -> Value {
    let uri = &facts.parts.uri;
    // API Gateway decodes the path of HTTP APIs before anybody sees it.
    let path = percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
    let query = uri.query().unwrap_or_default();
    let (headers, cookies) = headers(facts);
    let host = headers
        .get("host")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let user_agent = headers.get("user-agent").cloned().unwrap_or_else(|| json!(""));
    let domain = host.split(':').next().unwrap_or_default().to_owned();
    let mut context = json!({
        "accountId": ACCOUNT_ID,
        "apiId": facts.api.id,
        "domainName": host,
        "domainPrefix": domain.split('.').next().unwrap_or_default(),
        "http": {
            "method": facts.parts.method.as_str(),
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": facts.source_ip.to_string(),
            "userAgent": user_agent,
        },
        "requestId": facts.request_id,
        "routeKey": facts.route.key(),
        "stage": facts.api.stage,
        "time": crate::clock::common_log(facts.time),
        "timeEpoch": facts.time.as_millisecond(),
    });
    if let (Some(jwt), Some(map)) = (facts.jwt, context.as_object_mut()) {
        map.insert("authorizer".to_owned(), json!({ "jwt": jwt }));
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": facts.route.key(),
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": false,
    });
    let Some(map) = event.as_object_mut() else {
        return event;
    };
    if !cookies.is_empty() {
        map.insert("cookies".to_owned(), json!(cookies));
    }
    let parameters = joined(query_pairs(query));
    if !parameters.is_empty() {
        map.insert("queryStringParameters".to_owned(), json!(parameters));
    }
    if !facts.parameters.is_empty() {
        map.insert("pathParameters".to_owned(), json!(facts.parameters));
    }
    if !facts.body.is_empty() {
        let (body, encoded) = body(facts);
        map.insert("body".to_owned(), json!(body));
        map.insert("isBase64Encoded".to_owned(), json!(encoded));
    }
    event
}

/// Lower-cased names, several values joined by commas; cookies by themselves.
fn headers(facts: &RequestFacts<'_>) -> (Map<String, Value>, Vec<String>) {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    let mut cookies = Vec::new();
    for (name, value) in &facts.parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        if name == http::header::COOKIE {
            cookies.extend(
                value
                    .split(';')
                    .map(|cookie| cookie.trim().to_owned())
                    .filter(|c| !c.is_empty()),
            );
            continue;
        }
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert_with(|| value.into_owned());
    }
    // What the gateway adds itself.
    let port = joined
        .get("host")
        .and_then(|host| host.rsplit_once(':'))
        .map_or("80", |(_, port)| port);
    let forwarded = [
        ("x-forwarded-port", port.to_owned()),
        ("x-forwarded-proto", "http".to_owned()),
    ];
    joined.extend(forwarded.map(|(name, value)| (name.to_owned(), value)));
    let source = facts.source_ip.to_string();
    joined
        .entry("x-forwarded-for".to_owned())
        .and_modify(|chain| {
            chain.push_str(", ");
            chain.push_str(&source);
        })
        .or_insert_with(|| source.clone());
    joined
        .entry("content-length".to_owned())
        .or_insert_with(|| facts.body.len().to_string());
    (
        joined
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect(),
        cookies,
    )
}

/// Texts as they are, everything else in base64: API Gateway goes by the content type.
fn body(facts: &RequestFacts<'_>) -> (String, bool) {
    let content_type = facts.parts.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match std::str::from_utf8(facts.body) {
        Ok(text) if is_text(content_type) => (text.to_owned(), false),
        _ => (STANDARD.encode(facts.body), true),
    }
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.is_empty()
        || essence.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&essence.as_str())
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
}

fn joined(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        joined
            .entry(name)
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    joined
}

/// The pairs of a query string, decoded.
pub(super) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}
