//! The HTTP API: hands out uploads, answers with status, hands out results.
//!
//! ```text
//! request ─► Caller (the owner that the gateway's authorizer verified) ─► route ─► catalogue, presigner ─► answer
//!                                                                           └────► Problem (RFC 9457)
//! ```
//!
//! No file passes through here: uploads and results go between the client and S3, by presigned URLs. Every
//! look-up names the caller's owner, so another owner's file is a file that does not exist.

mod caller;
mod files;
mod kinds;
#[cfg(feature = "lambda")]
pub mod lambda;
mod outputs;
mod presign;
mod problem;
#[cfg(feature = "lambda")]
mod s3;
mod uploads;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use shared::{store::Catalogue, time::UnixMillis};

pub use caller::Caller;
pub use kinds::{InvalidKinds, Kinds};
pub use presign::{Presign, PresignedUpload};
pub use problem::{FieldProblem, Problem};

/// Largest request body, in bytes: the API takes descriptions of files, never files.
const MAX_BODY_BYTES: usize = 64 << 10;

/// What the routes work with.
#[derive(Debug)]
pub struct App<C, P> {
    /// The records.
    pub catalogue: C,
    /// Signs URLs for uploads and results.
    pub presigner: P,
    /// What can be uploaded.
    pub kinds: Kinds,
    /// Where uploads go.
    pub uploads_bucket: String,
    /// Where results lie.
    pub results_bucket: String,
    /// How long the URL of an upload can be used.
    pub upload_expiry: Duration,
    /// The clock.
    pub now: fn() -> UnixMillis,
}

/// The routes, as `template.yaml` lists them for API Gateway: method and path.
pub const ROUTES: [(&str, &str); 5] = [
    ("POST", "/v1/uploads"),
    ("GET", "/v1/files"),
    ("GET", "/v1/files/{id}"),
    ("GET", "/v1/files/{id}/outputs/{name}"),
    ("GET", "/healthz"),
];

/// The API over a catalogue and a presigner. A request must carry its [`Caller`] as an extension.
pub fn router<C: Catalogue, P: Presign>(app: App<C, P>) -> Router {
    Router::new()
        .route("/v1/uploads", post(uploads::create::<C, P>))
        .route("/v1/files", get(files::list::<C, P>))
        .route("/v1/files/{id}", get(files::show::<C, P>))
        .route("/v1/files/{id}/outputs/{name}", get(outputs::redirect::<C, P>))
        .route("/healthz", get(healthz))
        .fallback(async || Problem::not_found("there is no such route"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(app))
}

/// Whether the function answers; it asks nothing of the stores, which have alarms of their own.
async fn healthz() -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}
