//! CORS, which the gateway answers by itself.
//! Reference: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::serve::{self, Body};
use crate::template::Cors;

const ALL: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

pub(super) fn is_preflight(request: &Request<Body>) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight: without CORS headers when the origin, method or header is not allowed, which is
/// how the browser learns of it.
pub(super) fn preflight(cors: &Cors, request: &Request<Body>) -> Response<Body> {
    let mut response = Response::new(serve::full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    let wanted = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = allowed_origin(cors, request.headers().get(header::ORIGIN)) else {
        return response;
    };
    let method = wanted(header::ACCESS_CONTROL_REQUEST_METHOD).unwrap_or_default();
    let names = wanted(header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or_default();
    let mut names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    if !has(&cors.allow_methods, method) || !names.all(|name| has(&cors.allow_headers, name)) {
        return response;
    }
    let headers = response.headers_mut();
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, &origin);
    set(
        headers,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        &cors.allow_methods.join(","),
    );
    if !cors.allow_headers.is_empty() {
        set(
            headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &cors.allow_headers.join(","),
        );
    }
    if let Some(seconds) = cors.max_age_seconds {
        set(headers, header::ACCESS_CONTROL_MAX_AGE, &seconds.to_string());
    }
    if cors.allow_credentials {
        set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    vary(headers, &origin);
    response
}

/// Puts the configured headers into an answer, in place of any that the function gave.
pub(super) fn decorate(cors: &Cors, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    for name in ALL {
        headers.remove(name);
    }
    let Some(origin) = allowed_origin(cors, origin) else {
        return;
    };
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, &origin);
    if cors.allow_credentials {
        set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if !cors.expose_headers.is_empty() {
        set(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            &cors.expose_headers.join(","),
        );
    }
    vary(headers, &origin);
}

/// What `Access-Control-Allow-Origin` says to that origin.
fn allowed_origin(cors: &Cors, origin: Option<&HeaderValue>) -> Option<String> {
    let origin = origin?.to_str().ok()?;
    let matched = cors
        .allow_origins
        .iter()
        .find(|allowed| match allowed.strip_suffix('*') {
            // `https://*` and `http://*` are the only patterns that API Gateway takes beside `*`.
            Some(start) => origin.starts_with(start),
            None => allowed.as_str() == origin,
        })?;
    Some(if matched == "*" && !cors.allow_credentials {
        "*".to_owned()
    } else {
        origin.to_owned()
    })
}

fn has(allowed: &[String], wanted: &str) -> bool {
    allowed
        .iter()
        .any(|name| name == "*" || name.eq_ignore_ascii_case(wanted))
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn vary(headers: &mut HeaderMap, origin: &str) {
    if origin != "*" {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}
