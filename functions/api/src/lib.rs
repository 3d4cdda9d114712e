//! The HTTP API: takes uploads, answers with status, hands out results.
//!
//! ```text
//! request ─► Caller (the owner and scopes that the gateway's authorizer verified)
//!              └─► idempotency ─► route ─► catalogue, ledger, storage, functions ─► answer
//!                                   └────► Problem (RFC 9457), with the request's id
//! ```
//!
//! No file passes through here: uploads and results go between the client and S3, by forms and URLs that we sign. Every
//! look-up names the caller's owner, so another owner's file is a file that does not exist.

mod caller;
mod cursor;
mod deletion;
mod files;
mod idempotency;
mod image;
mod kinds;
#[cfg(feature = "lambda")]
pub mod lambda;
mod openapi;
mod operations;
mod outputs;
mod parts;
mod ports;
mod problem;
mod quota;
mod reprocess;
mod request;
#[cfg(feature = "lambda")]
mod s3;
mod stats;
mod uploads;
mod webhooks;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, Response, header},
    middleware::{self, Next},
    routing::{get, post},
};
use shared::{handover::Functions, store::ledger::Quota, time::UnixMillis, webhook::Targets};

pub use caller::{Caller, Scope};
pub use cursor::SigningKey;
pub use files::MAX_WAIT;
pub use image::ImageUrls;
pub use kinds::{InvalidKinds, Kinds};
pub use operations::{OPERATIONS, Operation};
pub use ports::{ArrivedPart, FormPolicy, PartPolicy, Ports, SignedForm, SignedRequest, Storage};
pub use problem::{KINDS as PROBLEMS, Kind as ProblemKind, TYPE_PREFIX};
pub use uploads::FORM_MAX_BYTES;

/// Largest request body, in bytes: the API takes descriptions of files, never files. A multipart upload of 10,000
/// parts is completed with a megabyte of checksums.
const MAX_BODY_BYTES: usize = 2 << 20;

/// What the routes work with.
#[derive(Debug)]
pub struct App<P> {
    /// Everything outside.
    pub ports: P,
    /// What can be uploaded.
    pub kinds: Kinds,
    /// Who processes it.
    pub functions: Functions,
    /// What an owner may announce in a day.
    pub quota: Quota,
    /// Where uploads go.
    pub uploads_bucket: String,
    /// Where results lie.
    pub results_bucket: String,
    /// How long the form of an upload can be sent, and the URL of a part be used.
    pub upload_expiry: Duration,
    /// Where webhooks may go.
    pub webhook_targets: Targets,
    /// Where pictures are rendered on request.
    pub images: ImageUrls,
    /// What cursors are signed with.
    pub signing_key: SigningKey,
    /// The clock.
    pub now: fn() -> UnixMillis,
}

impl<P: Ports> App<P> {
    fn catalogue(&self) -> &P::Catalogue {
        self.ports.catalogue()
    }

    fn ledger(&self) -> &P::Ledger {
        self.ports.ledger()
    }

    fn endpoints(&self) -> &P::Endpoints {
        self.ports.endpoints()
    }

    fn storage(&self) -> &P::Storage {
        self.ports.storage()
    }

    fn invoke(&self) -> &P::Invoke {
        self.ports.invoke()
    }
}

/// Names a request in the log and in the answer.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The API. A request must carry its [`Caller`] and its [`RequestId`] as extensions.
pub fn router<P: Ports>(app: App<P>) -> Router {
    let app = Arc::new(app);
    Router::new()
        .route("/v1/uploads", post(uploads::create::<P>))
        .route("/v1/uploads/{id}", axum::routing::delete(parts::abort::<P>))
        .route(
            "/v1/uploads/{id}/parts",
            post(parts::sign::<P>).get(parts::arrived::<P>),
        )
        .route("/v1/uploads/{id}/complete", post(parts::complete::<P>))
        .route("/v1/files", get(files::list::<P>))
        .route(
            "/v1/files/{id}",
            get(files::show::<P>).delete(deletion::route::<P>),
        )
        .route("/v1/files/{id}/events", get(files::events::<P>))
        .route("/v1/files/{id}/image", get(image::show::<P>))
        .route("/v1/files/{id}/outputs/{name}", get(outputs::show::<P>))
        .route("/v1/files/{id}/reprocess", post(reprocess::route::<P>))
        .route("/v1/stats", get(stats::route::<P>))
        .route(
            "/v1/webhooks",
            post(webhooks::register::<P>).get(webhooks::list::<P>),
        )
        .route(
            "/v1/webhooks/{id}",
            axum::routing::delete(webhooks::unregister::<P>),
        )
        .route("/healthz", get(healthz))
        .route("/openapi.json", get(document::<P>))
        .fallback(async || problem::Problem::not_found("there is no such route"))
        .method_not_allowed_fallback(async || problem::Problem::new(&problem::METHOD_NOT_ALLOWED))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            idempotency::layer::<P>,
        ))
        .layer(middleware::from_fn(name_request))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(app)
}

/// Puts the request's id into what goes wrong.
async fn name_request(request: Request, next: Next) -> Response<Body> {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<problem::Problem>();
    match (problem, id) {
        (Some(problem), Some(RequestId(id))) => problem.render_for(&id),
        _ => response,
    }
}

/// Whether the function answers; it asks nothing of the stores, which have alarms of their own.
async fn healthz(parameters: request::Parameters) -> Result<Json<serde_json::Value>, problem::Problem> {
    parameters.end()?;
    Ok(Json(serde_json::json!({"status": "ok"})))
}

/// The description of this API.
async fn document<P: Ports>(
    State(app): State<Arc<App<P>>>,
    parameters: request::Parameters,
) -> Result<Response<Body>, problem::Problem> {
    parameters.end()?;
    let document = openapi::document(&app.kinds).to_string();
    let mut response = Response::new(Body::from(document));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    Ok(response)
}
