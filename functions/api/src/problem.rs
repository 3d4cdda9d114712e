//! What a client is told when something is wrong: problem documents (RFC 9457).

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::store::{StoreError, StoreErrorKind};

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field or parameter.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FieldProblem {
    /// A problem of a field.
    pub fn new(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

/// A problem document. Nothing internal is in it: what a store said stays in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which kind of problem, as a URI reference that stays the same.
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
    #[serde(skip)]
    cause: Option<Box<StoreError>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str) -> Self {
        Self {
            kind,
            title,
            status,
            detail: None,
            errors: Vec::new(),
            cause: None,
        }
    }

    fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// 400: the request's fields or parameters are wrong, each named.
    #[must_use]
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        Self {
            errors,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "/problems/invalid-request",
                "the request is not valid",
            )
        }
    }

    /// 400: the body cannot be read at all.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "/problems/unreadable-body",
            "the body cannot be read",
        )
        .detail(detail)
    }

    /// 401: the request carries no verified caller.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "/problems/unauthorized",
            "the request has no verified caller",
        )
    }

    /// 404: there is nothing here for this caller.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/not-found", "not found").detail(detail)
    }

    /// 405: the route exists, but not with this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method-not-allowed",
            "the route has no such method",
        )
    }

    /// 409: the file has no results, for now or for good.
    pub fn not_done(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "/problems/not-done", "the file is not done").detail(detail)
    }

    /// 413: the file is larger than its kind allows.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "/problems/file-too-large",
            "the file is too large",
        )
        .detail(detail)
    }

    /// 500 or 503: a store failed us. What it said is kept for the log.
    #[must_use]
    pub fn of_store(cause: StoreError) -> Self {
        let problem = if cause.kind == StoreErrorKind::Unavailable {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "/problems/unavailable",
                "try again in a moment",
            )
        } else {
            Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "/problems/internal",
                "something is wrong on our side",
            )
        };
        Self {
            cause: Some(Box::new(cause)),
            ..problem
        }
    }

    /// Its HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<StoreError> for Problem {
    fn from(cause: StoreError) -> Self {
        Self::of_store(cause)
    }
}

/// What the log should say of an answer that is a problem of ours; travels with the response.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "lambda"),
    expect(dead_code, reason = "read where there is a log")
)]
pub(crate) struct Cause(pub(crate) Box<StoreError>);

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let cause = self.cause.take().map(Cause);
        let mut response = (self.status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(
            header::CACHE_CONTROL,
            header::HeaderValue::from_static("no-store"),
        );
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
