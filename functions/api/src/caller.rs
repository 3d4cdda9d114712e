//! Who asks, and what they may do.

use axum::{extract::FromRequestParts, http::request::Parts};
use shared::keys::Owner;

use crate::problem::{MISSING_SCOPE, Problem, UNAUTHORIZED};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// To see files and their results.
    Read,
    /// To upload, process and delete files.
    Write,
}

impl Scope {
    /// Its name in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "files:read",
            Self::Write => "files:write",
        }
    }
}

/// The caller that API Gateway's authorizer verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub`.
    pub owner: Owner,
    /// The token's scopes.
    pub scopes: Vec<String>,
}

impl Caller {
    fn of(parts: &Parts, scope: Scope) -> Result<Owner, Problem> {
        let caller = parts
            .extensions
            .get::<Self>()
            .ok_or_else(|| Problem::new(&UNAUTHORIZED))?;
        // The gateway asks for the scope too (`AuthorizationScopes` in the template); a route that was forgotten there
        // is closed here.
        if caller.scopes.iter().any(|granted| granted == scope.as_str()) {
            Ok(caller.owner.clone())
        } else {
            Err(Problem::new(&MISSING_SCOPE).detail(format!("the token lacks the scope {}", scope.as_str())))
        }
    }
}

/// A caller who may see files.
pub(crate) struct Reader(pub(crate) Owner);

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Caller::of(parts, Scope::Read).map(Self)
    }
}

/// A caller who may change files.
pub(crate) struct Writer(pub(crate) Owner);

impl<S: Send + Sync> FromRequestParts<S> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Caller::of(parts, Scope::Write).map(Self)
    }
}
