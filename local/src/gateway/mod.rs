//! The HTTP front: what API Gateway's HTTP API does between a client and a function.
//! Reference: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api.html>

mod authorizer;
mod cors;
mod event;
mod function_url;
mod response;
mod routes;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use crate::lambda::{InvokeError, Lambda, Wait};
use crate::serve::{self, Body, Handler, Peer};
use crate::template::{FUNCTION_URL_PATH, HttpApi};
use crate::token::{self, ISSUER_PATH, Issuer};
use authorizer::Verdict;
use event::RequestFacts;
use routes::{Matched, Routes};

/// The largest request body.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// The largest event that Lambda takes from an invoker who waits: less than the gateway's own limit, and base64
/// counts.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;
/// The request line and all headers together.
const MAX_HEAD_BYTES: usize = 10_240;

/// One HTTP API, served.
pub(crate) struct Gateway {
    api: HttpApi,
    routes: Routes,
    issuer: Arc<Issuer>,
    /// The URL of the local issuer.
    issuer_url: String,
    lambda: Arc<Lambda>,
}

impl Gateway {
    pub(crate) fn new(
        api: HttpApi,
        issuer: Arc<Issuer>,
        issuer_url: String,
        lambda: Arc<Lambda>,
    ) -> Arc<Self> {
        let routes = Routes::new(&api.routes);
        Arc::new(Self {
            api,
            routes,
            issuer,
            issuer_url,
            lambda,
        })
    }

    pub(crate) fn handler(self: &Arc<Self>) -> Handler {
        let gateway = self.clone();
        serve::handler(move |request| {
            let gateway = gateway.clone();
            async move { gateway.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let request_id = uuid::Uuid::new_v4().to_string();
        let origin = request.headers().get("origin").cloned();
        if let Some(answer) = self.issuer_document(&request) {
            return answer;
        }
        if let Some(rest) = request.uri().path().strip_prefix(FUNCTION_URL_PATH) {
            let rest = rest.to_owned();
            return function_url::answer(&self.lambda, &rest, request, &request_id).await;
        }
        if let Some(cors) = &self.api.cors
            && cors::is_preflight(&request)
        {
            return cors::preflight(cors, &request);
        }
        let mut response = self.route(request, &request_id).await;
        if let Some(cors) = &self.api.cors {
            cors::decorate(cors, origin.as_ref(), response.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert("apigw-requestid", id);
        }
        response
    }

    /// The local issuer lives on the same port, beside the API.
    fn issuer_document(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let document = request.uri().path().strip_prefix(ISSUER_PATH)?;
        if request.method() != Method::GET {
            return None;
        }
        match document {
            "/.well-known/openid-configuration" => Some(serve::json(
                StatusCode::OK,
                &token::openid_configuration(&self.issuer_url),
            )),
            "/.well-known/jwks.json" => Some(serve::json(StatusCode::OK, &self.issuer.jwks())),
            _ => None,
        }
    }

    async fn route(&self, request: Request<Body>, request_id: &str) -> Response<Body> {
        let Some(path) = self.strip_stage(request.uri().path()) else {
            return not_found();
        };
        let Some(Matched { route, parameters }) = self.routes.find(request.method(), path) else {
            return not_found();
        };
        if head_bytes(&request) > MAX_HEAD_BYTES {
            return message(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            );
        }
        let authorizer = route
            .authorizer
            .as_deref()
            .or(self.api.default_authorizer.as_deref());
        let authorizer = authorizer.and_then(|name| self.api.authorizers.get(name));
        let jwt = match authorizer {
            None => None,
            Some(authorizer) => {
                let scopes = route.scopes.as_ref().unwrap_or(&authorizer.scopes);
                match authorizer::judge(authorizer, scopes, &self.issuer, &request) {
                    Verdict::Allowed(context) => Some(context),
                    Verdict::Unauthorized(reason) => return unauthorized(&reason),
                    Verdict::Forbidden => return message(StatusCode::FORBIDDEN, "Forbidden"),
                }
            }
        };
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let body = match serve::read(body, MAX_BODY_BYTES).await {
            Ok(Some(body)) => body,
            Ok(None) => return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Err(_) => return message(StatusCode::BAD_REQUEST, "Bad Request"),
        };
        let facts = RequestFacts {
            api: &self.api,
            route,
            parts: &parts,
            body: &body,
            parameters: &parameters,
            jwt: jwt.as_ref(),
            request_id,
            source_ip: peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            time: Timestamp::now(),
        };
        let event = Bytes::from(event::build(&facts).to_string());
        if event.len() > MAX_EVENT_BYTES {
            return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let invoked = self.lambda.invoke(&route.function, event, Wait::ForLocalCap);
        match tokio::time::timeout(route.integration_timeout, invoked).await {
            Ok(Ok(invoked)) => match invoked.outcome {
                Ok(payload) => response::map(&payload).unwrap_or_else(internal_error),
                Err(_) => internal_error(),
            },
            // Too busy, or too slow.
            Ok(Err(InvokeError::Throttled(_) | InvokeError::Stopping)) | Err(_) => {
                message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
            Ok(Err(InvokeError::NotFound(_))) => internal_error(),
        }
    }

    /// The path without the stage; `None` when it is not below the stage.
    fn strip_stage<'a>(&self, path: &'a str) -> Option<&'a str> {
        if self.api.stage == "$default" {
            return Some(path);
        }
        match path.strip_prefix('/')?.strip_prefix(self.api.stage.as_str())? {
            "" => Some("/"),
            rest => rest.starts_with('/').then_some(rest),
        }
    }
}

/// For a stack without an HTTP API: the issuer, and nothing else.
pub(crate) fn without_api(issuer: Arc<Issuer>, issuer_url: String, lambda: Arc<Lambda>) -> Arc<Gateway> {
    let api = HttpApi {
        logical_id: String::new(),
        id: String::new(),
        stage: "$default".to_owned(),
        cors: None,
        authorizers: std::collections::BTreeMap::new(),
        default_authorizer: None,
        routes: Vec::new(),
    };
    Gateway::new(api, issuer, issuer_url, lambda)
}

fn head_bytes(request: &Request<Body>) -> usize {
    let line = request
        .uri()
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    line + request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
}

fn message(status: StatusCode, text: &str) -> Response<Body> {
    serve::json(status, &json!({ "message": text }))
}

fn not_found() -> Response<Body> {
    message(StatusCode::NOT_FOUND, "Not Found")
}

fn internal_error() -> Response<Body> {
    message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
}

fn unauthorized(reason: &str) -> Response<Body> {
    let mut response = message(StatusCode::UNAUTHORIZED, "Unauthorized");
    let challenge = if reason.is_empty() {
        "Bearer".to_owned()
    } else {
        format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{reason}\"")
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert("www-authenticate", challenge);
    }
    response
}
