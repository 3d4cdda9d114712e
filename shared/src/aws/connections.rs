//! The connections that all clients share: HTTP/1.1 over TLS by rustls with ring.
//!
//! The SDK's own HTTP client cannot take trust anchors that are compiled in, brings HTTP/2 (which neither S3 nor
//! `DynamoDB` speaks) and proxies, and cannot connect without a request; this one is a thin coat over the same hyper.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    retries::ErrorKind,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use http::{Method, Request, Response, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{CaptureConnection, HttpConnector as TcpConnector, HttpInfo, capture_connection},
    },
    rt::{TokioExecutor, TokioTimer},
};
use rustls::RootCertStore;

/// How long a connection may take to come about, TLS not counted.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a connection is kept without a request, before the other end is likely to have closed it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a rehearsal may take; what is not connected by then connects when it is needed.
const REHEARSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections, kept for the requests to come; clones share them.
#[derive(Debug, Clone)]
pub struct Connections {
    client: Client<HttpsConnector<TcpConnector>, SdkBody>,
    rehearsing: Arc<AtomicBool>,
}

impl Connections {
    /// No connections yet; those to come trust `roots`.
    #[must_use]
    pub fn new(roots: Arc<RootCertStore>) -> Self {
        let mut tcp = TcpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // The scheme is the endpoint's: the local stack's is `http`.
        tcp.enforce_http(false);
        let tls = super::roots::tls(roots);
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(https);
        Self {
            client,
            rehearsing: Arc::default(),
        }
    }
}

impl Connections {
    /// Runs `requests` as a rehearsal ([`super::Aws::rehearse`]).
    pub(super) async fn rehearse<T>(&self, requests: impl Future<Output = T>) {
        self.rehearsing.store(true, Ordering::Relaxed);
        if tokio::time::timeout(REHEARSAL_TIMEOUT, requests).await.is_err() {
            tracing::warn!("not connected within {REHEARSAL_TIMEOUT:?} of the start");
        }
        self.rehearsing.store(false, Ordering::Relaxed);
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        if self.rehearsing.load(Ordering::Relaxed) {
            // Whether the host is there shows when it matters; an error now would only be tried again.
            let _ = self.client.request(knock(request.uri())?).await;
            return answer_of(Response::new(SdkBody::empty()));
        }
        let connection = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&connection));
        }
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| connector_error(error.into()))?;
        answer_of(answer.map(SdkBody::from_body_1_x))
    }
}

fn answer_of(answer: Response<SdkBody>) -> Result<HttpResponse, ConnectorError> {
    HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
}

/// A request that asks for nothing, to the host that a real one goes to.
fn knock(uri: &Uri) -> Result<Request<SdkBody>, ConnectorError> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let uri = Uri::from_parts(parts).map_err(|error| ConnectorError::user(error.into()))?;
    Request::builder()
        .method(Method::HEAD)
        .uri(uri)
        .body(SdkBody::empty())
        .map_err(|error| ConnectorError::user(error.into()))
}

/// What the SDK wants to know of the connection that a request took, so that it can give up a bad one.
fn metadata(capture: &CaptureConnection) -> Option<ConnectionMetadata> {
    let mut extensions = http::Extensions::new();
    capture
        .connection_metadata()
        .as_ref()?
        .get_extras(&mut extensions);
    let info = extensions.get::<HttpInfo>();
    let capture = capture.clone();
    let mut metadata = ConnectionMetadata::builder().proxied(false).poison_fn(move || {
        if let Some(connection) = capture.connection_metadata().as_ref() {
            connection.poison();
        }
    });
    metadata
        .set_local_addr(info.map(HttpInfo::local_addr))
        .set_remote_addr(info.map(HttpInfo::remote_addr));
    Some(metadata.build())
}

/// What an error of hyper means to the SDK, which decides by that whether to try again.
fn connector_error(error: Box<dyn Error + Send + Sync>) -> ConnectorError {
    let connect = cause::<hyper_util::client::legacy::Error>(&*error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    let of_hyper = |test: fn(&hyper::Error) -> bool| cause::<hyper::Error>(&*error).is_some_and(test);
    if of_hyper(hyper::Error::is_timeout) || cause::<tokio::time::error::Elapsed>(&*error).is_some() {
        ConnectorError::timeout(error)
    } else if of_hyper(hyper::Error::is_user) {
        ConnectorError::user(error)
    } else if of_hyper(hyper::Error::is_incomplete_message) {
        ConnectorError::other(error, Some(ErrorKind::TransientError))
    } else if connect
        || cause::<std::io::Error>(&*error).is_some()
        || of_hyper(hyper::Error::is_closed)
        || of_hyper(hyper::Error::is_canceled)
    {
        ConnectorError::io(error)
    } else {
        ConnectorError::other(error, None)
    }
}

/// The first error of a type among an error and its causes.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The connections, for requests whose answers must begin in time.
#[derive(Debug)]
struct InTime {
    connections: Connections,
    answer_timeout: Option<Duration>,
}

impl HttpConnector for InTime {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connections = self.connections.clone();
        let answer_timeout = self.answer_timeout;
        HttpConnectorFuture::new(async move {
            let answer = connections.send(request);
            match answer_timeout {
                None => answer.await,
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into()))),
            }
        })
    }
}

impl HttpClient for Connections {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(InTime {
            connections: self.clone(),
            answer_timeout: settings.read_timeout(),
        })
    }
}
