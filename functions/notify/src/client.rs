//! The HTTP client that deliveries leave by.
//!
//! It connects to no address that [`Targets`] does not allow: names are resolved here, and the very addresses that
//! were checked are connected to, so that a name which leads elsewhere the next moment gains nothing. It follows no
//! redirect, uses no proxy, keeps no connection, and reads little of an answer.

use std::{error::Error, io, net::SocketAddr, pin::Pin, sync::Arc, task, time::Duration, vec};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    header,
};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use rustls::RootCertStore;
use shared::{
    aws,
    webhook::{RefusedTarget, Targets},
};
use tower::Service;
use url::{Host, Url};

use crate::post::{Answer, Post, SignedRequest};

/// How long a connection may take to come about, TLS not counted.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a try may take in all, until the head of the answer: what Standard Webhooks recommends at least.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long and how much of an answer's body is read: enough for a polite server to end, and nobody looks at it.
const BODY_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_BODY_BYTES: usize = 4096;

/// What deliveries say they are from.
const USER_AGENT: &str = concat!("Longshore-Webhooks/", env!("CARGO_PKG_VERSION"));

/// Sends deliveries over HTTP(S).
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    targets: Targets,
    answer_timeout: Duration,
}

impl HttpClient {
    /// A client that trusts these certificate authorities.
    #[must_use]
    pub fn new(targets: Targets, roots: Arc<RootCertStore>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver(targets));
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.enforce_http(false);
        let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(aws::tls(roots));
        let connector = match targets {
            Targets::Public => builder.https_only().enable_http1().wrap_connector(tcp),
            Targets::Any => builder.https_or_http().enable_http1().wrap_connector(tcp),
        };
        let client = Client::builder(TokioExecutor::new())
            // Between invocations the process stands still, and so would a kept connection's other end wait in vain.
            .pool_max_idle_per_host(0)
            .build(connector);
        Self {
            client,
            targets,
            answer_timeout: ANSWER_TIMEOUT,
        }
    }

    /// The same client, with another time for a try.
    #[must_use]
    pub const fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }

    /// Checks what the resolver is never asked: hosts that are addresses.
    fn check_literal(&self, url: &Url) -> Result<(), RefusedTarget> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.targets.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.targets.check_address(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }
}

impl Post for HttpClient {
    async fn post(&self, request: SignedRequest) -> Answer {
        if let Err(refusal) = self.check_literal(&request.url) {
            return Answer::Refused(refusal);
        }
        let request = match http_request(request) {
            Ok(request) => request,
            Err(error) => return Answer::None(format!("the request cannot be made: {error}")),
        };
        match tokio::time::timeout(self.answer_timeout, self.client.request(request)).await {
            Err(_) => Answer::None(format!("no answer within {:?}", self.answer_timeout)),
            Ok(Err(error)) => match refusal(&error) {
                Some(refusal) => Answer::Refused(refusal.clone()),
                None => Answer::None(chain(&error)),
            },
            Ok(Ok(response)) => {
                let answer = Answer::Status {
                    code: response.status().as_u16(),
                    retry_after: retry_after(&response),
                };
                // The answer counts, whatever becomes of its body.
                let _ = tokio::time::timeout(BODY_TIMEOUT, read_little(response.into_body())).await;
                answer
            }
        }
    }
}

fn http_request(request: SignedRequest) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    Request::post(request.url.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, USER_AGENT)
        .header("webhook-id", request.id)
        .header("webhook-timestamp", request.timestamp)
        .header("webhook-signature", request.signature)
        .body(Full::from(request.body))
}

/// `Retry-After` in seconds; the other form, a date, counts as not said (RFC 9110, section 10.2.3).
fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// Reads on until the end, or until it has been enough. Then the connection is closed.
async fn read_little(mut body: Incoming) {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, Bytes::len);
        if bytes > MAX_BODY_BYTES {
            return;
        }
    }
}

/// Why a target was refused, if that is what an error is about.
fn refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a RefusedTarget> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(ResolveError::Refused(refusal)) = error.downcast_ref() {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

/// An error and what caused it, in one line: the client's own text is "client error (Connect)".
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Resolves names by the system's resolver, and lets only allowed addresses through.
#[derive(Debug, Clone)]
struct Resolver(Targets);

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
enum ResolveError {
    /// The resolver failed.
    #[error("the host's name cannot be resolved: {0}")]
    Unresolved(#[from] io::Error),
    /// All its addresses are refused.
    #[error("the host {0}")]
    Refused(#[source] RefusedTarget),
}

impl Resolver {
    async fn resolve(self, name: Name) -> Result<vec::IntoIter<SocketAddr>, ResolveError> {
        // The port is the connector's business.
        let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
        self.allowed(found).map(Vec::into_iter)
    }

    /// The addresses that may be connected to; an error if there are others only.
    fn allowed(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut allowed = Vec::new();
        let mut refusal = None;
        for address in found {
            match self.0.check_address(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refusal) if allowed.is_empty() => Err(ResolveError::Refused(refusal)),
            _ => Ok(allowed),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), ResolveError>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}

#[cfg(test)]
mod tests {
    use shared::config::Environment;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_public_addresses_of_a_name_are_connected_to() {
        let public = addresses(&["8.8.8.8:0", "[2001:4860:4860::8888]:0"]);
        let private = addresses(&["127.0.0.1:0", "[fd00:ec2::254]:0", "169.254.169.254:0"]);
        let mixed = [&private[..], &public[..]].concat();
        assert_eq!(Resolver(Targets::Public).allowed(mixed.clone()).unwrap(), public);
        assert_eq!(Resolver(Targets::Any).allowed(mixed.clone()).unwrap(), mixed);
        assert!(matches!(
            Resolver(Targets::Public).allowed(private),
            Err(ResolveError::Refused(_))
        ));
    }

    fn request(url: &str) -> SignedRequest {
        SignedRequest {
            url: url.parse().unwrap(),
            id: "id".into(),
            timestamp: 1,
            signature: "v1,x".into(),
            body: "{}".into(),
        }
    }

    /// `localhost` is resolved, and refused: that is what a name which leads to a private address gets.
    #[tokio::test]
    async fn nothing_is_sent_to_a_private_host_by_address_or_by_name() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = HttpClient::new(Targets::Public, aws::roots(&Environment::default()).unwrap());
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost"] {
            let answer = client.post(request(&format!("https://{host}:{port}/"))).await;
            assert!(
                matches!(answer, Answer::Refused(RefusedTarget::Address { .. })),
                "{host}: {answer:?}"
            );
        }
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "nobody connected");
    }

    #[tokio::test]
    async fn a_public_client_speaks_no_http() {
        let client = HttpClient::new(Targets::Public, aws::roots(&Environment::default()).unwrap());
        let answer = client.post(request("http://8.8.8.8:1/")).await;
        assert!(
            matches!(&answer, Answer::None(problem) if problem.contains("scheme")),
            "{answer:?}"
        );
    }
}
