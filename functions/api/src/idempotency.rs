//! `Idempotency-Key`: a request that is sent twice is answered once.
//!
//! Source: the Internet draft "The Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header),
//! with the key as Stripe takes it: a bare string. The answer to a request that did what was asked is kept for a day; one
//! that was refused can be mended and sent again under its key.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, header},
    middleware::Next,
    response::IntoResponse as _,
};
use sha2::{Digest, Sha256};
use shared::{
    store::ledger::{Answer, Begun, Ledger as _, Repeatable},
    time::UnixMillis,
};

use crate::{
    App, MAX_BODY_BYTES,
    caller::Caller,
    ports::Ports,
    problem::{KEY_REUSED, Problem, STILL_RUNNING, UNREADABLE_BODY},
};

/// The header that names a request.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that tells a repeated answer.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Headers of an answer that are repeated.
const REPEATED: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::CACHE_CONTROL];
/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// What a client named the request, and when it was first tried.
#[derive(Debug, Clone)]
pub(crate) struct RequestName {
    pub(crate) key: String,
    pub(crate) since: UnixMillis,
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    use std::fmt::Write as _;
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Answers a repeated `POST` as it was answered the first time.
pub(crate) async fn layer<P: Ports>(
    State(app): State<Arc<App<P>>>,
    request: Request,
    next: Next,
) -> Result<Response<Body>, Problem> {
    let caller = request.extensions().get::<Caller>().cloned();
    let (Some(key), Some(caller), &Method::POST) = (request.headers().get(KEY), caller, request.method())
    else {
        return Ok(next.run(request).await);
    };
    let key = key
        .to_str()
        .ok()
        // A tab is no character of a key, though a header may hold one.
        .filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()) && !key.contains('\t'))
        .ok_or_else(|| {
            Problem::field(
                "Idempotency-Key",
                format!("must have 1 to {MAX_KEY_BYTES} printable ASCII characters"),
            )
        })?
        .to_owned();
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES)
        .await
        .map_err(|error| Problem::new(&UNREADABLE_BODY).detail(error.to_string()))?;
    let asked = parts.uri.path_and_query().map_or("", |asked| asked.as_str());
    let name = Repeatable {
        owner: caller.owner,
        key: digest([key.as_bytes()]),
        fingerprint: digest([asked.as_bytes(), &body]),
    };
    let since = match app.ledger().begin(&name, (app.now)()).await? {
        Begun::New { since } => since,
        Begun::Answered(answer) => return Ok(replay(answer)),
        Begun::Running => return Err(Problem::new(&STILL_RUNNING).retry_after(1)),
        Begun::Different => return Err(Problem::new(&KEY_REUSED)),
    };
    parts.extensions.insert(RequestName {
        key: name.key.clone(),
        since,
    });
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(&app, &name, response).await
}

/// Keeps the answer to a request that did what was asked.
async fn keep<P: Ports>(
    app: &App<P>,
    name: &Repeatable,
    response: Response<Body>,
) -> Result<Response<Body>, Problem> {
    let status = response.status();
    if !status.is_success() {
        app.ledger().forget(name).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let headers = REPEATED.iter().filter_map(|name| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let answer = Answer {
        status: status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    app.ledger().finish(name, &answer).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(answer: Answer) -> Response<Body> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.clear();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
