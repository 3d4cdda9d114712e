//! What a function answered, as an HTTP response: payload format version 2.0.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Map, Value};

use crate::serve::{self, Body};

/// `None` when the answer cannot be one: the client gets a 500.
pub(super) fn map(payload: &Bytes) -> Option<Response<Body>> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    match value {
        Value::Object(map) if map.contains_key("statusCode") => structured(&map),
        // Anything else is the body itself, and JSON; a JSON text loses its quotes.
        Value::String(text) => Some(serve::typed(StatusCode::OK, "application/json", text)),
        _ => Some(serve::typed(StatusCode::OK, "application/json", payload.clone())),
    }
}

fn structured(map: &Map<String, Value>) -> Option<Response<Body>> {
    let status = match map.get("statusCode")? {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok())?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let status = StatusCode::from_u16(status)
        .ok()
        .filter(|status| status.as_u16() >= 200)?;
    let encoded = map
        .get("isBase64Encoded")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let body = match map.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if encoded => Bytes::from(STANDARD.decode(text).ok()?),
        Some(Value::String(text)) => Bytes::from(text.clone()),
        // API Gateway refuses a body that is no text.
        Some(_) => return None,
    };
    let mut response = Response::new(serve::full(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // `multiValueHeaders` belongs to format 1.0: API Gateway does not read it here.
    for (name, value) in map
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if let Some((name, value)) = field(name, value) {
            headers.insert(name, value);
        }
    }
    for cookie in map.get("cookies").and_then(Value::as_array).into_iter().flatten() {
        if let Some((name, value)) = field("set-cookie", cookie) {
            headers.append(name, value);
        }
    }
    // The server sets these itself.
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ] {
        headers.remove(name);
    }
    if !headers.contains_key(header::CONTENT_TYPE) && status != StatusCode::NO_CONTENT {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain;charset=UTF-8"),
        );
    }
    Some(response)
}

fn field(name: &str, value: &Value) -> Option<(HeaderName, HeaderValue)> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    Some((
        HeaderName::try_from(name).ok()?,
        HeaderValue::try_from(text).ok()?,
    ))
}
