//! Addresses of functions: a request goes to its function with nothing before it.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html>
//!
//! On AWS each has a host of its own; here it is the first part of a path beside the HTTP API, which the function does not
//! see. A streamed answer is handed on once it is whole.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::{self, RequestFacts};
use super::{cors, message, response};
use crate::lambda::{InvokeError, Lambda, Wait};
use crate::serve::{self, Body, Peer};
use crate::template::{Function, HttpApi, Route};

/// The largest request body; base64 of it must fit into an event of 6 MB.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;
/// What stands between the head of a streamed answer, JSON, and its body.
const END_OF_HEAD: [u8; 8] = [0; 8];

/// Answers a request to `<name>/<path>`.
pub(super) async fn answer(
    lambda: &Lambda,
    address: &str,
    request: Request<Body>,
    request_id: &str,
) -> Response<Body> {
    let (name, path) = address.split_once('/').unwrap_or((address, ""));
    let function = lambda.function(name).cloned();
    let Some((function, url)) = function.and_then(|function| function.url.clone().map(|url| (function, url)))
    else {
        return message(StatusCode::FORBIDDEN, "Forbidden");
    };
    let origin = request.headers().get(header::ORIGIN).cloned();
    if let Some(cors) = &url.cors
        && cors::is_preflight(&request)
    {
        return cors::preflight(cors, &request);
    }
    let mut response = invoke(lambda, &function, url.streams, path, request, request_id).await;
    if let Some(cors) = &url.cors {
        cors::decorate(cors, origin.as_ref(), response.headers_mut());
    }
    response
}

async fn invoke(
    lambda: &Lambda,
    function: &Function,
    streams: bool,
    path: &str,
    request: Request<Body>,
    request_id: &str,
) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    let query = parts
        .uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let Ok(uri) = format!("/{path}{query}").parse::<Uri>() else {
        return message(StatusCode::BAD_REQUEST, "Bad Request");
    };
    parts.uri = uri;
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let body = match serve::read(body, MAX_BODY_BYTES).await {
        Ok(Some(body)) => body,
        Ok(None) => return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
        Err(_) => return message(StatusCode::BAD_REQUEST, "Bad Request"),
    };
    let (api, route) = stand_ins(function);
    let facts = RequestFacts {
        api: &api,
        route: &route,
        parts: &parts,
        body: &body,
        parameters: &BTreeMap::new(),
        jwt: None,
        request_id,
        source_ip: peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        time: Timestamp::now(),
    };
    let event = Bytes::from(event::build(&facts).to_string());
    match lambda.invoke(&function.name, event, Wait::ForLocalCap).await {
        Ok(invoked) => match invoked.outcome {
            Ok(payload) => {
                let answer = if streams { streamed(&payload) } else { None };
                answer
                    .or_else(|| response::map(&payload))
                    .unwrap_or_else(|| message(StatusCode::BAD_GATEWAY, "Internal Server Error"))
            }
            Err(_) => message(StatusCode::BAD_GATEWAY, "Internal Server Error"),
        },
        Err(InvokeError::Throttled(_) | InvokeError::Stopping) => {
            message(StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded.")
        }
        Err(InvokeError::NotFound(_)) => message(StatusCode::FORBIDDEN, "Forbidden"),
    }
}

/// What the event says in place of an API and a route of it.
fn stand_ins(function: &Function) -> (HttpApi, Route) {
    let api = HttpApi {
        logical_id: String::new(),
        id: function.name.clone(),
        stage: "$default".to_owned(),
        cors: None,
        authorizers: BTreeMap::new(),
        default_authorizer: None,
        routes: Vec::new(),
    };
    let route = Route {
        api: api.id.clone(),
        method: "ANY".to_owned(),
        path: "$default".to_owned(),
        function: function.name.clone(),
        authorizer: None,
        scopes: None,
        integration_timeout: function.timeout,
    };
    (api, route)
}

/// An answer whose head, JSON, ends with eight NULs before the body (`application/vnd.awslambda.http-integration-response`).
fn streamed(payload: &Bytes) -> Option<Response<Body>> {
    let at = payload
        .windows(END_OF_HEAD.len())
        .position(|window| window == END_OF_HEAD)?;
    let mut head: Value = serde_json::from_slice(payload.get(..at)?).ok()?;
    head.as_object_mut()?.insert("body".to_owned(), json!(""));
    let mut response = response::map(&Bytes::from(head.to_string()))?;
    *response.body_mut() = serve::full(payload.slice(at + END_OF_HEAD.len()..));
    Some(response)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_streamed_answer_is_its_head_and_its_bytes() {
        let head =
            br#"{"statusCode":200,"headers":{"content-type":"image/webp","etag":"\"a\""},"cookies":[]}"#;
        let payload = Bytes::from([&head[..], &END_OF_HEAD, b"RIFF\0\0\0\0\0\0\0\0\0\0WEBP"].concat());
        let response = streamed(&payload).unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "image/webp");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"RIFF") && body.ends_with(b"WEBP") && body.len() == 18);
        assert!(streamed(&Bytes::from_static(b"{\"statusCode\":200}")).is_none());
    }
}
