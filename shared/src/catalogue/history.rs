//! What happened to a file, kept in its record: each transition adds its entry in the same write.
//!
//! A record cannot grow without bound (an item of DynamoDB has at most 400 KB), and a key can be overwritten
//! for ever: once [`MAX_ENTRIES`] are kept, the older half is forgotten.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// Most entries that a record keeps.
pub const MAX_ENTRIES: usize = 100;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HistoryEvent {
    /// The API was told of the file.
    Announced,
    /// An attempt began.
    Claimed,
    /// The file was sorted by its bytes, and handed to the function of its kind.
    HandedOver,
    /// The attempt unloaded it.
    Done,
    /// The attempt found the file at fault.
    Rejected,
    /// The attempt failed through no fault of the file.
    Failed,
    /// The attempt found that the upload had been overwritten.
    Superseded,
    /// The upload was deleted before it was unloaded.
    Removed,
    /// The upload was deleted after it had been unloaded or rejected.
    UploadRemoved,
    /// Nothing was uploaded in time.
    Expired,
    /// Its owner asked for another attempt.
    Reprocessed,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub event: HistoryEvent,
    /// The attempt that ended so, by its fence; 0 for what is no attempt's end.
    #[serde(default)]
    pub attempt: u64,
    /// For a claim: the invocation's request id, which Lambda keeps over its retries.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// More about it: the function that claimed the file, what it was taken for, why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// Longest detail that an entry keeps, in bytes.
const MAX_DETAIL_BYTES: usize = 300;

impl HistoryEntry {
    /// An entry that belongs to no attempt.
    #[must_use]
    pub const fn new(at: UnixMillis, event: HistoryEvent) -> Self {
        Self {
            at,
            event,
            attempt: 0,
            request_id: None,
            detail: None,
        }
    }

    /// The attempt that ended so.
    #[must_use]
    pub const fn of(mut self, attempt: u64) -> Self {
        self.attempt = attempt;
        self
    }

    /// More about it, shortened if it is long.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(detail.floor_char_boundary(MAX_DETAIL_BYTES));
        self.detail = Some(detail);
        self
    }
}

/// How many of so many entries are forgotten before the next is added.
#[must_use]
pub const fn forgotten(entries: usize) -> usize {
    if entries >= MAX_ENTRIES {
        entries - MAX_ENTRIES / 2
    } else {
        0
    }
}

/// Adds an entry.
pub fn push(history: &mut Vec<HistoryEntry>, entry: HistoryEntry) {
    history.drain(..forgotten(history.len()));
    history.push(entry);
}

/// The entries of a record whose fence is `fence`, each with its attempt: a claim raises the fence, and so does the
/// news that an upload was removed.
#[must_use]
pub fn numbered(history: &[HistoryEntry], fence: u64) -> Vec<(u64, &HistoryEntry)> {
    let mut fence = fence;
    let mut entries: Vec<_> = history
        .iter()
        .rev()
        .map(|entry| match entry.event {
            HistoryEvent::Claimed => {
                fence = fence.saturating_sub(1);
                (fence + 1, entry)
            }
            HistoryEvent::Removed if entry.attempt == 0 => {
                fence = fence.saturating_sub(1);
                (0, entry)
            }
            _ => (entry.attempt, entry),
        })
        .collect();
    entries.reverse();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_keeps_the_latest_entries_and_does_not_grow() {
        let mut history = Vec::new();
        for millis in 0..1000 {
            push(
                &mut history,
                HistoryEntry::new(UnixMillis::new(millis), HistoryEvent::Claimed),
            );
            assert!(history.len() <= MAX_ENTRIES);
        }
        assert!(history.len() >= MAX_ENTRIES / 2);
        assert_eq!(history.last().unwrap().at, UnixMillis::new(999));
        assert!(history.is_sorted_by_key(|entry| entry.at));
    }

    #[test]
    fn claims_are_numbered_by_the_fence_that_they_raised() {
        let entry = |event, attempt| HistoryEntry::new(UnixMillis::new(1), event).of(attempt);
        let history = [
            entry(HistoryEvent::Announced, 0),
            entry(HistoryEvent::Claimed, 0),
            entry(HistoryEvent::Failed, 1),
            entry(HistoryEvent::Removed, 0),
            entry(HistoryEvent::Claimed, 0),
            entry(HistoryEvent::Done, 3),
        ];
        let attempts: Vec<_> = numbered(&history, 3)
            .iter()
            .map(|(attempt, _)| *attempt)
            .collect();
        assert_eq!(attempts, [0, 1, 1, 0, 3, 3]);
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let entry = HistoryEntry::new(UnixMillis::new(1), HistoryEvent::Failed).detail("ü".repeat(1000));
        assert_eq!(entry.detail.unwrap().len(), MAX_DETAIL_BYTES);
    }
}
