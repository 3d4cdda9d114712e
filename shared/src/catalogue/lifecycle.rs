//! What becomes of a record beside attempts: another attempt is asked for, an announcement expires, the file is deleted.
//!
//! Pure, as [`super::transition`] is: a store applies these atomically.

use super::{FileRecord, HistoryEntry, HistoryEvent, Sequencer, Status, Upload, history::push};
use crate::{keys::FileRef, time::UnixMillis};

/// An owner's wish for another attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reprocess {
    /// Which file.
    pub file: FileRef,
    /// What to ask of the functions this time; none for the same as before.
    pub options: Option<serde_json::Value>,
    /// Now.
    pub now: UnixMillis,
}

/// Why there is no other attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReprocessRefusal {
    /// There is no such file.
    Unknown,
    /// Nothing was uploaded.
    NotArrived,
    /// The upload has been deleted.
    Gone,
    /// An attempt is at work.
    Busy,
}

/// An owner's wish to be rid of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Which file.
    pub file: FileRef,
    /// Later than every change to the upload so far: older events are not to bring the file back.
    pub sequencer: Sequencer,
    /// Now.
    pub now: UnixMillis,
    /// When what is left of it is forgotten, in seconds since 1970.
    pub forgotten_at: u64,
}

/// Makes a file ready for another attempt: the record as it becomes.
///
/// # Errors
/// Why there is no other attempt.
pub fn reprocess(record: Option<&FileRecord>, wish: &Reprocess) -> Result<FileRecord, ReprocessRefusal> {
    let record = record.ok_or(ReprocessRefusal::Unknown)?;
    refuse_reprocess(record, wish.now).map_or(Ok(()), Err)?;
    let mut next = record.clone();
    next.status = Status::Pending;
    next.updated_at = wish.now;
    // A lost attempt that wakes up is not to commit.
    next.lease = None;
    next.failure = None;
    if let Some(options) = &wish.options {
        next.options = Some(options.clone());
    }
    push(
        &mut next.history,
        HistoryEntry::new(wish.now, HistoryEvent::Reprocessed),
    );
    Ok(next)
}

/// Why a record is not made ready for another attempt; nothing if it is.
#[must_use]
pub fn refuse_reprocess(record: &FileRecord, now: UnixMillis) -> Option<ReprocessRefusal> {
    let removed = record.upload_removed_at.is_some();
    let lease_runs = record.lease.as_ref().is_some_and(|lease| lease.until > now);
    match record.status {
        Status::Deleted => Some(ReprocessRefusal::Unknown),
        Status::Removed => Some(ReprocessRefusal::Gone),
        _ if removed => Some(ReprocessRefusal::Gone),
        _ if record.upload.is_none() => Some(ReprocessRefusal::NotArrived),
        Status::Processing if lease_runs => Some(ReprocessRefusal::Busy),
        _ => None,
    }
}

/// Marks an announced upload that did not come in time: the record as it becomes, unless it came or has time left.
#[must_use]
pub fn expire(record: &FileRecord, now: UnixMillis) -> Option<FileRecord> {
    let over = record.upload_expires_at.is_some_and(|until| until <= now);
    if record.status != Status::Pending || record.upload.is_some() || !over {
        return None;
    }
    let mut next = record.clone();
    next.status = Status::Expired;
    next.updated_at = now;
    push(&mut next.history, HistoryEntry::new(now, HistoryEvent::Expired));
    Some(next)
}

/// Leaves of a file only what keeps late events from bringing it back.
#[must_use]
pub fn delete(record: &FileRecord, deletion: &Deletion) -> FileRecord {
    let at = (record.bucket.as_str(), record.key.as_str());
    let upload = Upload {
        size_bytes: 0,
        etag: String::new(),
        sequencer: deletion.sequencer.clone(),
    };
    FileRecord {
        status: Status::Deleted,
        updated_at: deletion.now,
        upload: Some(upload),
        // Whoever is at work on it loses.
        fence: record.fence + 1,
        expires_at: Some(deletion.forgotten_at),
        ..FileRecord::announced(record.file(), &record.kind, "", at, UnixMillis::default())
    }
}
