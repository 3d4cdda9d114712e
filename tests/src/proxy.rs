//! A proxy between a function and the stack: sees what is called, and breaks connections on demand.

use std::{
    net::Ipv4Addr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body, Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// A request that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// DynamoDB's operation, such as `UpdateItem`.
    pub operation: Option<String>,
    /// The range asked for.
    pub range: Option<String>,
    /// The entity tag that the answer must have.
    pub if_match: Option<String>,
}

/// A running proxy. Everything behind it is one stack.
pub struct Proxy {
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    target: Mutex<String>,
    seen: Mutex<Vec<Seen>>,
    /// Answers to `GET` still to be cut, and after how many bytes.
    cuts: Mutex<(u32, u64)>,
    cut: AtomicU64,
}

impl Proxy {
    /// Starts a proxy; it forwards once it knows its [target](Self::forward_to).
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                let service = service_fn(move |request| forward(Arc::clone(&state), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, shared }
    }

    /// Sets the endpoint behind it: `http://host:port`.
    pub fn forward_to(&self, endpoint: &str) {
        endpoint
            .trim_start_matches("http://")
            .clone_into(&mut self.shared.target.lock().unwrap());
    }

    /// Breaks off the next `times` answers to `GET` that have more than `after_bytes`, there.
    pub fn cut(&self, times: u32, after_bytes: u64) {
        *self.shared.cuts.lock().unwrap() = (times, after_bytes);
    }

    /// How many answers were broken off so far.
    #[must_use]
    pub fn cuts_made(&self) -> u64 {
        self.shared.cut.load(Ordering::Relaxed)
    }

    /// The requests since this was asked last.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().unwrap())
    }
}

async fn forward(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Cut>, anyhow::Error> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let target = header("x-amz-target");
    shared.seen.lock().unwrap().push(Seen {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        operation: target.and_then(|target| target.rsplit_once('.').map(|(_, name)| name.to_owned())),
        range: header("range"),
        if_match: header("if-match"),
    });
    let get = request.method() == "GET";
    let endpoint = shared.target.lock().unwrap().clone();
    let stream = TcpStream::connect(endpoint).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await?;
    let length = answer.body().size_hint().exact().unwrap_or(u64::MAX);
    let mut cuts = shared.cuts.lock().unwrap();
    let cut = get && cuts.0 > 0 && length > cuts.1;
    let left = cut.then(|| {
        cuts.0 -= 1;
        shared.cut.fetch_add(1, Ordering::Relaxed);
        cuts.1
    });
    Ok(answer.map(|body| Cut { body, left }))
}

/// A body that breaks off after so many bytes, if any.
struct Cut {
    body: Incoming,
    left: Option<u64>,
}

impl Body for Cut {
    type Data = Bytes;
    type Error = anyhow::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == Some(0) {
            return Poll::Ready(Some(Err(anyhow::anyhow!("broken off on demand"))));
        }
        let polled = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(left) = &mut self.left else {
            return Poll::Ready(polled.map(|frame| frame.map_err(anyhow::Error::from)));
        };
        let frame = polled.map(|frame| {
            let mut data = frame?
                .into_data()
                .map_err(|_| anyhow::anyhow!("a trailer before the cut"))?;
            data.truncate(usize::try_from(*left)?);
            *left -= data.len() as u64;
            Ok(Frame::data(data))
        });
        Poll::Ready(frame)
    }
}
