//! The Lambda Runtime API, version 2018-06-01: what the function binaries speak.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
//!
//! Every process has a port of its own, so that `AWS_LAMBDA_RUNTIME_API` is a host and a port and nothing more,
//! as on Lambda: no runtime has to know how to keep a path prefix, and no answer can be taken for another
//! process's.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use crate::serve::{self, Body};
use crate::stop::Stop;

const VERSION: &str = "2018-06-01";
/// A response of a function, buffered or streamed: the Invoke API gives at most 6 MB to its caller.
pub(super) const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024;
/// A response that is streamed, which no limit of the Invoke API meets.
/// Reference: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_STREAMED_BYTES: usize = 200 * 1024 * 1024;
const RESPONSE_MODE: &str = "lambda-runtime-function-response-mode";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// One event on its way to a process.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    /// Milliseconds since 1970.
    pub(super) deadline_ms: u128,
    pub(super) function_arn: String,
    pub(super) client_context: Option<String>,
}

/// What a process said.
#[derive(Debug)]
pub(super) enum Signal {
    /// It asked for an event.
    Ready,
    /// It answered one.
    Response { request_id: String, payload: Bytes },
    /// Its answer was longer than Lambda takes.
    ResponseTooLarge { request_id: String, size: usize },
    /// It reported that it failed with one.
    Error {
        request_id: String,
        kind: Option<String>,
        payload: Bytes,
    },
    /// It could not start.
    InitError { kind: Option<String>, payload: Bytes },
}

/// The line to a process. Dropping it closes the port.
pub(super) struct Line {
    /// `127.0.0.1:port`.
    pub(super) address: String,
    /// One event at a time.
    pub(super) work: mpsc::Sender<Event>,
    /// What the process says.
    pub(super) signals: mpsc::UnboundedReceiver<Signal>,
    _open: watch::Sender<bool>,
}

/// The server's end of a line.
struct Port {
    work: tokio::sync::Mutex<mpsc::Receiver<Event>>,
    signals: mpsc::UnboundedSender<Signal>,
}

/// Opens a line for a process that is to be started.
pub(super) async fn open() -> Result<Line> {
    let listener = serve::listen(0, "").await?;
    let address = listener
        .local_addr()
        .context("cannot tell the port of the Runtime API")?;
    let (work, work_receiver) = mpsc::channel(1);
    let (signal_sender, signals) = mpsc::unbounded_channel();
    let port = Arc::new(Port {
        work: tokio::sync::Mutex::new(work_receiver),
        signals: signal_sender,
    });
    let handler = serve::handler(move |request| {
        let port = port.clone();
        async move { port.answer(request).await }
    });
    let (open, stop) = Stop::new();
    tokio::spawn(serve::run(listener, handler, stop));
    Ok(Line {
        address: address.to_string(),
        work,
        signals,
        _open: open,
    })
}

impl Port {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        // Only a browser sends these: no page may take an event from a function.
        if ["origin", "sec-fetch-site"]
            .iter()
            .any(|name| request.headers().contains_key(*name))
        {
            return error(
                StatusCode::FORBIDDEN,
                "Forbidden",
                "browsers have no business here",
            );
        }
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let [VERSION, "runtime", rest @ ..] = parts.as_slice() else {
            return error(StatusCode::NOT_FOUND, "InvalidPath", "there is no such path");
        };
        match (request.method(), rest) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", request_id, "response"]) => {
                self.response(request_id, request).await
            }
            (&Method::POST, ["invocation", request_id, "error"]) => {
                let request_id = (*request_id).to_owned();
                let (kind, payload) = error_report(request).await;
                self.signal(Signal::Error {
                    request_id,
                    kind,
                    payload,
                })
            }
            (&Method::POST, ["init", "error"]) => {
                let (kind, payload) = error_report(request).await;
                self.signal(Signal::InitError { kind, payload })
            }
            _ => error(StatusCode::NOT_FOUND, "InvalidPath", "there is no such path"),
        }
    }

    async fn next(&self) -> Response<Body> {
        // Before the wait: this is also how a process says that it is done with the event before.
        if self.signals.send(Signal::Ready).is_err() {
            return error(
                StatusCode::FORBIDDEN,
                "InvalidInstance",
                "this instance was ended",
            );
        }
        match self.work.lock().await.recv().await {
            Some(event) => event_response(event),
            None => error(
                StatusCode::FORBIDDEN,
                "InvalidInstance",
                "this instance was ended",
            ),
        }
    }

    async fn response(&self, request_id: &str, request: Request<Body>) -> Response<Body> {
        let request_id = request_id.to_owned();
        let streamed = text(request.headers(), RESPONSE_MODE).as_deref() == Some("streaming");
        let cap = if streamed {
            MAX_STREAMED_BYTES
        } else {
            MAX_RESPONSE_BYTES
        };
        let whole = match serve::read_whole(request.into_body(), cap).await {
            Ok(Some(whole)) => whole,
            Ok(None) => {
                let size = cap + 1;
                let _ = self.signals.send(Signal::ResponseTooLarge { request_id, size });
                let message = format!("a response may have {cap} bytes");
                return error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &message);
            }
            // The process died in the middle of its answer: the end of the process says the rest.
            Err(problem) => return error(StatusCode::BAD_REQUEST, "BrokenBody", &problem.to_string()),
        };
        // A streamed response that fails half-way says so in a trailer.
        let failed = whole
            .trailers
            .as_ref()
            .and_then(|trailers| text(trailers, ERROR_TYPE));
        let payload = whole.bytes;
        self.signal(match failed {
            Some(kind) => Signal::Error {
                request_id,
                kind: Some(kind),
                payload,
            },
            None => Signal::Response { request_id, payload },
        })
    }

    fn signal(&self, signal: Signal) -> Response<Body> {
        match self.signals.send(signal) {
            Ok(()) => serve::json(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
            Err(_) => error(
                StatusCode::FORBIDDEN,
                "InvalidInstance",
                "this instance was ended",
            ),
        }
    }
}

fn event_response(event: Event) -> Response<Body> {
    let mut response = Response::new(serve::full(event.payload));
    let trace = format!(
        "Root=1-{:08x}-{:.24};Sampled=0",
        event.deadline_ms / 1000,
        compact(&event.request_id)
    );
    let fields = [
        ("content-type", Some("application/json".to_owned())),
        ("lambda-runtime-aws-request-id", Some(event.request_id)),
        ("lambda-runtime-deadline-ms", Some(event.deadline_ms.to_string())),
        ("lambda-runtime-invoked-function-arn", Some(event.function_arn)),
        ("lambda-runtime-trace-id", Some(trace)),
        ("lambda-runtime-client-context", event.client_context),
    ];
    for (name, value) in fields {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn compact(request_id: &str) -> String {
    request_id.replace('-', "")
}

async fn error_report(request: Request<Body>) -> (Option<String>, Bytes) {
    let kind = text(request.headers(), ERROR_TYPE);
    let payload = match serve::read(request.into_body(), MAX_RESPONSE_BYTES).await {
        Ok(Some(payload)) => payload,
        Ok(None) | Err(_) => Bytes::new(),
    };
    (kind, payload)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Body> {
    serve::json(status, &json!({ "errorType": kind, "errorMessage": message }))
}
