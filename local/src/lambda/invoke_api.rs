//! The part of the Lambda API that `aws lambda invoke` and the SDKs need.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::pool::Call;
use super::queue::AsyncQueue;
use super::service::{InvokeError, Invoked, Lambda, Wait};
use crate::serve::{self, Body, Handler};
use crate::template::Function;

/// Request payloads of synchronous invocations.
const SYNC_BYTES: usize = 6 * 1024 * 1024;
/// Of asynchronous ones: 1 MB since October 2025.
const ASYNC_BYTES: usize = 1024 * 1024;

/// The path under which the API lives.
pub(crate) const PREFIX: &str = "/2015-03-31/functions";

pub(crate) fn handler(lambda: Arc<Lambda>, queue: Arc<AsyncQueue>) -> Handler {
    serve::handler(move |request| {
        let (lambda, queue) = (lambda.clone(), queue.clone());
        async move { answer(&lambda, &queue, request).await }
    })
}

async fn answer(lambda: &Lambda, queue: &Arc<AsyncQueue>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path();
    let rest = path.strip_prefix(PREFIX).unwrap_or_default().trim_matches('/');
    let parts: Vec<String> = rest
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| {
            percent_encoding::percent_decode_str(part)
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (request.method().clone(), parts.as_slice()) {
        (Method::POST, [name, "invocations"]) => invoke(lambda, queue, name, request).await,
        (Method::GET, []) => {
            let functions: Vec<Value> = lambda.functions().map(configuration).collect();
            serve::json(StatusCode::OK, &json!({ "Functions": functions }))
        }
        (Method::GET, [name]) => match lambda.function(name) {
            Some(function) => serve::json(
                StatusCode::OK,
                &json!({ "Configuration": configuration(function), "Code": { "RepositoryType": "Local" } }),
            ),
            None => not_found(name),
        },
        (Method::GET, [name, "configuration"]) => match lambda.function(name) {
            Some(function) => serve::json(StatusCode::OK, &configuration(function)),
            None => not_found(name),
        },
        _ => error(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplementedException",
            "the local stack serves Invoke, GetFunction, GetFunctionConfiguration and ListFunctions",
        ),
    }
}

async fn invoke(
    lambda: &Lambda,
    queue: &Arc<AsyncQueue>,
    name: &str,
    request: Request<Body>,
) -> Response<Body> {
    if lambda.function(name).is_none() {
        return not_found(name);
    }
    let (parts, body) = request.into_parts();
    let header = |name: &str| header_text(&parts.headers, name);
    let kind = header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let limit = match kind {
        "RequestResponse" => SYNC_BYTES,
        "Event" => ASYNC_BYTES,
        "DryRun" => return empty(StatusCode::NO_CONTENT),
        other => {
            let message = format!("{other:?} is none of RequestResponse, Event, DryRun");
            return error(
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                &message,
            );
        }
    };
    let payload = match serve::read(body, limit).await {
        Ok(Some(payload)) => payload,
        Ok(None) => {
            let message =
                format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
            return error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestTooLargeException",
                &message,
            );
        }
        Err(problem) => {
            return error(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                &problem.to_string(),
            );
        }
    };
    let payload = if payload.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        payload
    };
    if let Err(problem) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        let message = format!("Could not parse request body into json: {problem}");
        return error(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &message,
        );
    }
    if kind == "Event" {
        return match queue.accept(name, payload) {
            Ok(request_id) => with(empty(StatusCode::ACCEPTED), "x-amzn-requestid", &request_id),
            Err(problem) => refused(&problem),
        };
    }
    let context = header("x-amz-client-context").and_then(|text| STANDARD.decode(text).ok());
    let context = context.and_then(|bytes| String::from_utf8(bytes).ok());
    let tail = header("x-amz-log-type") == Some("Tail");
    let call = Call {
        payload,
        client_context: context,
        wants_log: tail,
    };
    match lambda.invoke(name, call, Wait::Never).await {
        Ok(invoked) => invoked_response(invoked, tail),
        Err(problem) => refused(&problem),
    }
}

fn invoked_response(invoked: Invoked, tail: bool) -> Response<Body> {
    let id = &invoked.request_id;
    let log = tail.then(|| {
        let log = format!(
            "START RequestId: {id} Version: $LATEST\n{}END RequestId: {id}\n{}\n",
            invoked.log_tail, invoked.report
        );
        STANDARD.encode(log)
    });
    let (payload, failed) = match invoked.outcome {
        Ok(payload) => (payload, false),
        Err(error) => (error.payload, true),
    };
    let mut response = serve::typed(StatusCode::OK, "application/json", payload);
    response = with(response, "x-amzn-requestid", id);
    response = with(response, "x-amz-executed-version", "$LATEST");
    if failed {
        response = with(response, "x-amz-function-error", "Unhandled");
    }
    match log {
        Some(log) => with(response, "x-amz-log-result", &log),
        None => response,
    }
}

fn configuration(function: &Function) -> Value {
    json!({
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": "provided.al2023",
        "Handler": function.handler,
        "MemorySize": function.memory_mb,
        "Timeout": function.timeout.as_secs(),
        "Version": "$LATEST",
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "Environment": { "Variables": function.environment },
    })
}

fn refused(problem: &InvokeError) -> Response<Body> {
    match problem {
        InvokeError::NotFound(name) => not_found(name),
        InvokeError::Throttled(_) => error(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            "Rate Exceeded.",
        ),
        InvokeError::Stopping => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceException",
            &problem.to_string(),
        ),
    }
}

fn not_found(name: &str) -> Response<Body> {
    let arn = if name.starts_with("arn:") {
        name.to_owned()
    } else {
        crate::template::function_arn(name)
    };
    error(
        StatusCode::NOT_FOUND,
        "ResourceNotFoundException",
        &format!("Function not found: {arn}"),
    )
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    let mut body = json!({ "Type": if status.is_server_error() { "Service" } else { "User" } });
    if let Some(map) = body.as_object_mut() {
        // Models spell it one way or the other, by error; SDKs read both.
        map.insert("Message".to_owned(), message.into());
        map.insert("message".to_owned(), message.into());
        if kind == "TooManyRequestsException" {
            map.insert(
                "Reason".to_owned(),
                "ReservedFunctionConcurrentInvocationLimitExceeded".into(),
            );
        }
    }
    with(serve::json(status, &body), "x-amzn-errortype", kind)
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(serve::full(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn with(mut response: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    response
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
