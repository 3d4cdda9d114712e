//! One try of a delivery: what is sent, and what its outcome means.

use std::time::Duration;

use shared::webhook::RefusedTarget;
use url::Url;

/// A delivery, signed for this very try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Where to.
    pub url: Url,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: u64,
    /// `webhook-signature`.
    pub signature: String,
    /// The body, `application/json`.
    pub body: String,
}

/// What came of sending it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The endpoint answered.
    Status {
        /// The HTTP status code.
        code: u16,
        /// For how long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent: its host has no address that deliveries may go to.
    Refused(RefusedTarget),
    /// There was no answer, or none in time: what went wrong.
    None(String),
}

/// Sends signed requests, following no redirect.
pub trait Post: Send + Sync {
    /// Sends one, and waits for its answer for a limited time.
    fn post(&self, request: SignedRequest) -> impl Future<Output = Answer> + Send;
}

/// What an answer means for a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Delivered,
    /// The endpoint wants no more deliveries, ever.
    Gone,
    /// It cannot be delivered, and trying again changes nothing.
    Undeliverable(RefusedTarget),
    /// It is to be tried again, not before so long.
    Retry(Option<Duration>),
}

impl Answer {
    /// What it means, by Standard Webhooks 1.0.0, "Delivery success and failure": 2xx is success, 410 ends the
    /// endpoint, and everything else, redirects among it, is failure.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Status { code: 200..=299, .. } => Verdict::Delivered,
            Self::Status { code: 410, .. } => Verdict::Gone,
            Self::Status { retry_after, .. } => Verdict::Retry(*retry_after),
            Self::Refused(refusal) => Verdict::Undeliverable(refusal.clone()),
            Self::None(_) => Verdict::Retry(None),
        }
    }

    /// The HTTP status code, if there was one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            Self::Refused(_) | Self::None(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_success_and_only_410_ends_an_endpoint() {
        for code in 100..600 {
            let retry_after = Some(Duration::from_secs(9));
            let verdict = Answer::Status { code, retry_after }.verdict();
            let expected = match code {
                200..=299 => Verdict::Delivered,
                410 => Verdict::Gone,
                _ => Verdict::Retry(retry_after),
            };
            assert_eq!(verdict, expected, "{code}");
        }
        assert_eq!(Answer::None("timed out".into()).verdict(), Verdict::Retry(None));
    }
}
