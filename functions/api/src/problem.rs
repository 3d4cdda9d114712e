//! What a client is told when something is wrong: problem documents (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use shared::store::{StoreError, StoreErrorKind};

/// A kind of problem: its name, its status, its title. The name never changes its meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The last part of `type`.
    pub name: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A sentence for people.
    pub title: &'static str,
}

/// What every `type` begins with.
pub const TYPE_PREFIX: &str = "urn:problem-type:longshore:";

macro_rules! kinds {
    ($($constant:ident $status:literal $name:literal $title:literal)*) => {
        $(pub(crate) const $constant: Kind = Kind { name: $name, status: $status, title: $title };)*
        /// Every kind of problem that there is; `docs/errors.md` says what to do about each.
        pub const KINDS: &[&Kind] = &[$(&$constant),*];
    };
}

kinds! {
    INVALID_REQUEST 400 "invalid-request" "the request is not valid"
    UNREADABLE_BODY 400 "unreadable-body" "the body cannot be read"
    UNAUTHORIZED 401 "unauthorized" "the request has no verified caller"
    MISSING_SCOPE 403 "missing-scope" "the token does not allow this"
    NOT_FOUND 404 "not-found" "not found"
    METHOD_NOT_ALLOWED 405 "method-not-allowed" "the route has no such method"
    NOT_AN_IMAGE 409 "not-an-image" "the file is no picture"
    NOT_DONE 409 "not-done" "the file is not done"
    AT_WORK 409 "at-work" "the file is being worked on"
    NOT_UPLOADED 409 "not-uploaded" "nothing has been uploaded"
    UPLOAD_GONE 409 "upload-gone" "the upload has been deleted"
    ALREADY_UPLOADED 409 "already-uploaded" "the file has been uploaded"
    NOT_MULTIPART 409 "not-multipart" "the upload is not a multipart upload"
    UPLOAD_INCOMPLETE 409 "upload-incomplete" "the parts are not what was announced"
    UPLOAD_EXPIRED 409 "upload-expired" "the time to upload the file is over"
    STILL_RUNNING 409 "still-running" "the request with this idempotency key is still running"
    TOO_MANY_ENDPOINTS 409 "too-many-endpoints" "there are as many webhook endpoints as there may be"
    TOO_LARGE 413 "file-too-large" "the file is too large"
    KEY_REUSED 422 "idempotency-key-reused" "another request had this idempotency key"
    QUOTA_EXCEEDED 429 "quota-exceeded" "today's quota is used up"
    INTERNAL 500 "internal" "something is wrong on our side"
    UNAVAILABLE 503 "unavailable" "try again in a moment"
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FieldProblem {
    /// The field or parameter, by its path, such as `options.tables.delimiter`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FieldProblem {
    /// A problem of a field.
    pub(crate) fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// A problem document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Document<'a> {
    /// Which kind of problem, as a URI that stays the same.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri"))]
    kind: String,
    /// The kind in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What is wrong this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The fields and parameters that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty", default)]
    errors: &'a [FieldProblem],
    /// Names the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// What is wrong with a request, or with us. Nothing internal gets into the answer: what a store said stays in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    retry_after_seconds: Option<u64>,
    cause: Option<Box<StoreError>>,
}

impl Problem {
    pub(crate) const fn new(kind: &'static Kind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            retry_after_seconds: None,
            cause: None,
        }
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// 400: the request's fields or parameters are wrong, each named.
    pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Self {
        Self {
            errors,
            ..Self::new(&INVALID_REQUEST)
        }
    }

    /// 400: one field or parameter is wrong.
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem::new(field, problem)])
    }

    /// 404: there is nothing here for this caller.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(&NOT_FOUND).detail(detail)
    }

    fn render(&self, request_id: Option<&str>) -> Response {
        let document = Document {
            kind: format!("{TYPE_PREFIX}{}", self.kind.name),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail.as_deref(),
            errors: &self.errors,
            request_id,
        };
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(document)).into_response();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, problem_json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The same answer, naming the request that it belongs to.
    pub(crate) fn render_for(mut self, request_id: &str) -> Response {
        let mut response = self.render(Some(request_id));
        if let Some(cause) = self.cause.take() {
            response.extensions_mut().insert(Cause(cause));
        }
        response
    }
}

/// A store failed us: 503 if it may go better next time. What it said is kept for the log.
impl From<StoreError> for Problem {
    fn from(cause: StoreError) -> Self {
        let problem = if cause.kind == StoreErrorKind::Unavailable {
            Self::new(&UNAVAILABLE).retry_after(1)
        } else {
            Self::new(&INTERNAL)
        };
        Self {
            cause: Some(Box::new(cause)),
            ..problem
        }
    }
}

/// What the log should say of an answer that is a problem of ours; travels with the response.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "lambda"),
    expect(dead_code, reason = "read where there is a log")
)]
pub(crate) struct Cause(pub(crate) Box<StoreError>);

/// The problem travels with the response too, for [`Problem::render_for`].
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(self);
        response
    }
}
