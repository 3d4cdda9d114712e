//! Who asks.

use axum::{extract::FromRequestParts, http::request::Parts};
use shared::keys::Owner;

use crate::problem::Problem;

/// The caller that API Gateway's authorizer verified. A request without one is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`.
    pub owner: Owner,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get().cloned().ok_or_else(Problem::unauthorized)
    }
}
