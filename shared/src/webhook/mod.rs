//! Webhooks: where owners want to be told what became of their files, and how what they are told is signed.
//!
//! The format is Standard Webhooks 1.0.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): receivers verify
//! it with that project's libraries. Where a delivery may go is decided twice ([`Targets`]): when an endpoint is
//! registered, and at each delivery, of the very address that is connected to.

pub mod address;
mod secret;
mod target;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use secret::{InvalidSecret, NoRandomness, Secret};
pub use target::{MAX_URL_BYTES, RefusedTarget, Targets, UnknownTargets};

use crate::{
    keys::{FileId, Owner},
    time::UnixMillis,
};

/// Most endpoints that an owner can have.
pub const MAX_ENDPOINTS: usize = 5;

/// An endpoint's id: a ULID, 26 characters of Crockford's base 32 (<https://github.com/ulid/spec>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")))]
#[serde(into = "String", try_from = "String")]
pub struct EndpointId(FileId);

/// A text that is not an endpoint's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a webhook's id: 26 characters of Crockford's base 32, in capitals")]
pub struct InvalidEndpointId(String);

impl EndpointId {
    /// A new id: the time, then 80 random bits.
    #[must_use]
    pub fn generate(now: UnixMillis) -> Self {
        Self(FileId::generate(now))
    }

    /// An id for what was first asked for at that time, under that name: the same each time.
    #[must_use]
    pub fn named(since: UnixMillis, owner: &Owner, name: &str) -> Self {
        Self(FileId::named(since, owner, name))
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EndpointId {
    type Err = InvalidEndpointId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Made alike, they are spelled alike.
        text.parse()
            .map(Self)
            .map_err(|_| InvalidEndpointId(text.to_owned()))
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for EndpointId {
    type Error = InvalidEndpointId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Where an owner wants to be told, and what proves that it is us who tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Where deliveries go, as [`Targets::check`] gives it back.
    pub url: String,
    /// What deliveries are signed with: this endpoint's own.
    pub secret: Secret,
    /// When it was registered.
    pub created_at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = EndpointId::generate(UnixMillis::now());
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            &id.to_string().to_lowercase(),
            "",
            "count",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        ] {
            assert!(text.parse::<EndpointId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_the_same_after_it_was_kept_and_does_not_print_its_secret() {
        let endpoint = Endpoint {
            id: EndpointId::generate(UnixMillis::now()),
            url: "https://example.com/".to_owned(),
            secret: Secret::generate().unwrap(),
            created_at: UnixMillis::new(5),
        };
        let kept = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<Endpoint>(&kept).unwrap(), endpoint);
        let secret = endpoint.secret.reveal();
        assert!(kept.contains(&secret));
        assert!(!format!("{endpoint:?}").contains(secret.trim_start_matches("whsec_")));
    }
}
