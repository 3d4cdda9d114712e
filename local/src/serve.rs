//! The one HTTP server loop behind every port of the local stack, and the types its handlers speak.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};

use crate::stop::Stop;

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The body of requests and of responses.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BoxError>;
/// Answers one request. Requests carry their [`Peer`] as an extension.
pub type Handler = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// Who sent a request: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// How long open connections may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_millis(500);

/// A handler from an async function.
pub fn handler<F, Fut>(answer: F) -> Handler
where
    F: Fn(Request<Body>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send + 'static,
{
    Arc::new(move |request| Box::pin(answer(request)))
}

/// A body of known content.
pub fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A response with a JSON text.
#[must_use]
pub fn json(status: StatusCode, value: &serde_json::Value) -> Response<Body> {
    typed(status, "application/json", value.to_string())
}

/// A response with a content type.
pub fn typed(status: StatusCode, content_type: &'static str, content: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(full(content));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

/// A whole body.
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

/// Reads a whole body with its trailers, at most `limit` bytes. `Ok(None)` when it is longer.
pub(crate) async fn read_whole(mut body: Body, limit: usize) -> Result<Option<Whole>> {
    let mut bytes = BytesMut::new();
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| anyhow!("the body broke off: {error}"))?;
        match frame.into_data() {
            Ok(data) if bytes.len() + data.len() > limit => return Ok(None),
            Ok(data) => bytes.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok(Some(Whole {
        bytes: bytes.freeze(),
        trailers,
    }))
}

/// Reads a whole body, at most `limit` bytes. `Ok(None)` when it is longer.
pub(crate) async fn read(body: Body, limit: usize) -> Result<Option<Bytes>> {
    Ok(read_whole(body, limit).await?.map(|whole| whole.bytes))
}

/// Listens on loopback. Port 0 takes any free one.
pub(crate) async fn listen(port: u16, flag: &str) -> Result<TcpListener> {
    listen_on(Ipv4Addr::LOCALHOST.into(), port, flag).await
}

/// Listens on an address of this machine; `flag` chooses the port.
pub(crate) async fn listen_on(address: IpAddr, port: u16, flag: &str) -> Result<TcpListener> {
    let place = SocketAddr::new(address, port);
    match TcpListener::bind(place).await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is in use: stop what listens there, or choose another with {flag}")
        }
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => {
            bail!("cannot listen on {place}: this machine has no address {address}")
        }
        bound => bound.with_context(|| format!("cannot listen on {place}")),
    }
}

/// Serves until `stop` says true, then lets open requests end for a moment.
pub(crate) async fn run(listener: TcpListener, handler: Handler, mut stop: Stop) {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => serve_connection(stream, Peer(peer), handler.clone(), &graceful),
                // Out of descriptors, or a peer that is gone already: the next accept may work.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            () = stop.given() => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

fn serve_connection(stream: TcpStream, peer: Peer, handler: Handler, graceful: &GracefulShutdown) {
    // Small answers in many writes otherwise wait for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(|body| body.map_err(BoxError::from).boxed_unsync());
        request.extensions_mut().insert(peer);
        let expects = request.headers().contains_key(header::EXPECT);
        let answer = handler(request);
        async move {
            let mut response = answer.await;
            // A client that waits for `100 Continue` sends no body after a refusal (RFC 9110, section 10.1.1), and
            // the connection cannot tell its next request from that body.
            if expects && !response.status().is_success() {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, http::HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    // An error here is a client that went away or spoke no HTTP: its loss.
    tokio::spawn(async move { drop(connection.await) });
}
