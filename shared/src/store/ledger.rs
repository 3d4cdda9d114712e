//! What the API counts and remembers for an owner: how much was announced today, and how a request was answered.

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::{keys::Owner, time::UnixMillis};

/// What an owner announced on one day (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Files.
    #[serde(default)]
    pub files: u64,
    /// Their bytes, as announced.
    #[serde(default)]
    pub bytes: u64,
}

/// What an owner may announce on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Quota {
    /// The usage after one more file of that size, if the quota allows it.
    #[must_use]
    pub fn admit(&self, usage: Usage, bytes: u64) -> Option<Usage> {
        let next = Usage {
            files: usage.files.checked_add(1)?,
            bytes: usage.bytes.checked_add(bytes)?,
        };
        (next.files <= self.files && next.bytes <= self.bytes).then_some(next)
    }
}

/// The answer to a request, kept for a repetition of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// A request that its client may repeat: it names it, and we tell whether a repetition is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Who asks.
    pub owner: Owner,
    /// A digest of the name that the client gave it.
    pub key: String,
    /// A digest of what is asked.
    pub fingerprint: String,
}

/// What is known of a request that may be a repetition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is new, or its first try broke off: it is to be answered now, and the answer handed to [`Ledger::finish`].
    New {
        /// When it was first tried: what is made for it can be named by this, so that no second is made.
        since: UnixMillis,
    },
    /// It was answered before.
    Answered(Answer),
    /// Its first try is under way.
    Running,
    /// Another request has its name.
    Different,
}

/// A store of counts and answers.
pub trait Ledger: Clone + Send + Sync + 'static {
    /// Counts one more file against an owner's day (`2026-11-21`), if the quota allows it; else says what was used.
    fn charge(
        &self,
        owner: &Owner,
        day: &str,
        bytes: u64,
        quota: Quota,
    ) -> impl Future<Output = Result<Result<Usage, Usage>, StoreError>> + Send;

    /// What was counted against an owner's day.
    fn usage(&self, owner: &Owner, day: &str) -> impl Future<Output = Result<Usage, StoreError>> + Send;

    /// Begins a request that its client may repeat. A first try counts as broken off after [`TRY_ENDS_AFTER`].
    fn begin(
        &self,
        request: &Repeatable,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Begun, StoreError>> + Send;

    /// Keeps the answer to a request for [`KEPT_FOR`].
    fn finish(
        &self,
        request: &Repeatable,
        answer: &Answer,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a request that came to nothing, so that it can be tried again.
    fn forget(&self, request: &Repeatable) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Longer than any invocation of the API runs.
pub const TRY_ENDS_AFTER: std::time::Duration = std::time::Duration::from_mins(1);

/// How long answers are kept.
pub const KEPT_FOR: std::time::Duration = std::time::Duration::from_hours(24);
