//! A Runtime API (2018-06-01) that does nothing but look at the clock: one port for one process.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinSet,
};

/// What a process said.
#[derive(Debug)]
pub(crate) enum Said {
    /// It asked for an event.
    Next,
    /// It answered one.
    Answer(Bytes),
    /// It failed, with one or at the start.
    Error(Bytes),
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) payload: Bytes,
    /// How long the function may take.
    pub(crate) timeout: Duration,
}

/// The line to one process. Dropping it closes the port.
pub(crate) struct Line {
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// What the process says, and when that had arrived.
    pub(crate) said: mpsc::UnboundedReceiver<(Instant, Said)>,
    pub(crate) events: mpsc::UnboundedSender<Event>,
    _server: JoinSet<()>,
}

/// The server's end.
struct Port {
    said: mpsc::UnboundedSender<(Instant, Said)>,
    events: Mutex<mpsc::UnboundedReceiver<Event>>,
}

impl Line {
    pub(crate) async fn open() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen for the Runtime API")?;
        let address = listener
            .local_addr()
            .context("cannot tell the port of the Runtime API")?
            .to_string();
        let (said_sender, said) = mpsc::unbounded_channel();
        let (events, events_receiver) = mpsc::unbounded_channel();
        let port = Arc::new(Port {
            said: said_sender,
            events: Mutex::new(events_receiver),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, port));
        Ok(Self {
            address,
            said,
            events,
            _server: server,
        })
    }
}

async fn serve(listener: TcpListener, port: Arc<Port>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let port = port.clone();
        connections.spawn(async move {
            let service = service_fn(|request| port.answer(request));
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Port {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let now = Instant::now();
        let (head, body) = request.into_parts();
        let path: Vec<&str> = head.uri.path().trim_start_matches('/').split('/').collect();
        let [_, "runtime", rest @ ..] = path.as_slice() else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        Ok(match (head.method, rest) {
            (Method::GET, ["invocation", "next"]) => {
                let _ = self.said.send((now, Said::Next));
                let event = self.events.lock().await.recv().await;
                event.map_or_else(|| status(StatusCode::FORBIDDEN), response)
            }
            (Method::POST, ["invocation", _, "response"]) => self.take(body, Said::Answer).await,
            (Method::POST, ["invocation", _, "error"] | ["init", "error"]) => {
                self.take(body, Said::Error).await
            }
            _ => status(StatusCode::NOT_FOUND),
        })
    }

    async fn take(&self, body: Incoming, said: fn(Bytes) -> Said) -> Response<Full<Bytes>> {
        match body.collect().await {
            Ok(body) => {
                let _ = self.said.send((Instant::now(), said(body.to_bytes())));
                status(StatusCode::ACCEPTED)
            }
            // The process died in the middle of it: its end says the rest.
            Err(_) => status(StatusCode::BAD_REQUEST),
        }
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    response
}

fn response(event: Event) -> Response<Full<Bytes>> {
    let deadline = SystemTime::now() + event.timeout;
    let deadline_ms = deadline
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", request_id(deadline_ms))
        .header("lambda-runtime-deadline-ms", deadline_ms.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:bench",
        )
        .header(
            "lambda-runtime-trace-id",
            "Root=1-00000000-000000000000000000000000;Sampled=0",
        )
        .body(Full::new(event.payload));
    response.unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
}

/// In the form of a UUID, since functions keep it; unique enough for one event at a time.
fn request_id(deadline_ms: u128) -> String {
    format!("00000000-0000-4000-8000-{deadline_ms:012x}")
}
