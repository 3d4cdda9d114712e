//! How a record changes: who may claim a file, and whose result counts.
//!
//! Pure: each takes the record as it is and says what becomes of it. A store applies them atomically.

use super::{
    FileRecord, HistoryEntry, HistoryEvent, Identified, Lease, Output, Status, Upload,
    history::{self, push},
};
use crate::{
    failure::{Failure, FailureKind},
    keys::{AUTO, FileRef},
    store::Location,
    time::UnixMillis,
};

/// A wish to work on one version of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which file.
    pub file: FileRef,
    /// The function that wants it.
    pub kind: String,
    /// The file's name, for a record that does not exist yet.
    pub name: String,
    /// Where the upload lies.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// Which version of it.
    pub upload: Upload,
    /// [`Processor::VERSION`](crate::Processor::VERSION).
    pub processor_version: u32,
    /// The invocation's request id, which Lambda keeps over its retries.
    pub holder: String,
    /// Now.
    pub now: UnixMillis,
    /// When the lease ends: a little after the invocation's deadline.
    pub lease_until: UnixMillis,
}

impl Claim {
    /// Where the upload lies.
    #[must_use]
    pub fn at(&self) -> Location {
        Location::new(&self.bucket, &self.key)
    }
}

/// A claim that was granted: the right to commit, until someone claims the file again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which file.
    pub file: FileRef,
    /// The fence token: higher than any attempt's before.
    pub fence: u64,
    /// What the file's owner asked of the functions, by kind.
    pub options: Option<serde_json::Value>,
    /// The media type that its owner announced.
    pub declared_type: Option<String>,
}

impl Attempt {
    /// An attempt on a file of which nothing was asked.
    #[must_use]
    pub const fn new(file: FileRef, fence: u64) -> Self {
        Self {
            file,
            fence,
            options: None,
            declared_type: None,
        }
    }
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Granted.
    Granted(Attempt),
    /// This version was already unloaded or rejected. `by_holder`: by an earlier try of this very invocation.
    Already {
        /// How it ended.
        status: Status,
        /// The attempt that ended it.
        fence: u64,
        /// Whether an earlier try of this very invocation did it.
        by_holder: bool,
    },
    /// The upload has changed since: a newer event has been, or is being, seen to.
    Stale,
    /// Another invocation is at work on this version.
    Busy {
        /// When its lease ends.
        until: UnixMillis,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Unloaded: these outputs, and the processor's summary.
    Done {
        /// What the file was turned into.
        outputs: Vec<Output>,
        /// The processor's summary.
        report: serde_json::Value,
    },
    /// It could not be unloaded: the kind of the failure says whose fault that is.
    Failed(Failure),
    /// It was sorted, and nothing here unloads what it is.
    Unknown(Identified, Failure),
    /// It was sorted: the function of its kind takes over.
    HandedOver(Identified),
    /// The upload was overwritten under our hands; its own event follows.
    Superseded,
    /// The upload was deleted under our hands.
    Gone,
}

impl Outcome {
    /// The status it leaves the record in.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::Done { .. } => Status::Done,
            Self::Unknown(..)
            | Self::Failed(Failure {
                kind: FailureKind::Rejected | FailureKind::Limit,
                ..
            }) => Status::Rejected,
            Self::Failed(_) => Status::Failed,
            Self::Superseded | Self::HandedOver(_) => Status::Pending,
            Self::Gone => Status::Removed,
        }
    }

    /// Why the file was not unloaded.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) | Self::Unknown(_, failure) => Some(failure),
            _ => None,
        }
    }

    /// What the file was taken for, if it was sorted.
    #[must_use]
    pub const fn identified(&self) -> Option<&Identified> {
        match self {
            Self::Unknown(identified, _) | Self::HandedOver(identified) => Some(identified),
            _ => None,
        }
    }

    /// What the history says of it.
    #[must_use]
    pub fn entry(&self, attempt: u64, now: UnixMillis) -> HistoryEntry {
        let entry = |event| HistoryEntry::new(now, event).of(attempt);
        match self {
            Self::Done { .. } => entry(HistoryEvent::Done),
            Self::Failed(failure) | Self::Unknown(_, failure) if failure.kind.is_final() => {
                entry(HistoryEvent::Rejected).detail(failure.to_string())
            }
            // What a store said of our own fault is not for the file's owner.
            Self::Failed(failure) | Self::Unknown(_, failure) => {
                entry(HistoryEvent::Failed).detail(failure.code.as_ref())
            }
            Self::HandedOver(identified) => {
                let kind = identified.kind.as_deref().unwrap_or_default();
                entry(HistoryEvent::HandedOver).detail(format!("{} to {kind}", identified.format))
            }
            Self::Superseded => entry(HistoryEvent::Superseded),
            Self::Gone => entry(HistoryEvent::Removed),
        }
    }
}

/// Whether an attempt's outcome counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// It does: the record says so now.
    Yes,
    /// Another attempt has claimed the file since: this one's outputs must go.
    Lost,
}

/// The news that an upload was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Which file.
    pub file: FileRef,
    /// The function whose prefix it lay under.
    pub kind: String,
    /// The file's name, for a record that does not exist yet.
    pub name: String,
    /// Where the upload lay.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// Where the deletion stands among the changes to its key.
    pub sequencer: super::Sequencer,
    /// Now.
    pub now: UnixMillis,
}

/// What became of the news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// The record says so now, and names no outputs: what attempts below this fence wrote must go.
    Marked {
        /// The record's fence, which no attempt has.
        fence: u64,
        /// The kind under whose prefix they wrote.
        kind: String,
    },
    /// The record says so now, and keeps its state: results outlive their upload.
    Kept,
    /// The key was written again since.
    Stale,
}

/// Decides on a claim: the record as it becomes, if it is granted.
#[must_use]
pub fn claim(record: Option<&FileRecord>, claim: &Claim) -> (Claimed, Option<FileRecord>) {
    let refusal = record.and_then(|record| refuse(record, claim));
    if let Some(refusal) = refusal {
        return (refusal, None);
    }
    let mut next = record.cloned().unwrap_or_else(|| {
        FileRecord::announced(
            claim.file.clone(),
            &claim.kind,
            &claim.name,
            (&claim.bucket, &claim.key),
            claim.now,
        )
    });
    if next.status == Status::Deleted {
        // Uploaded anew after it was deleted: a new file under an old id.
        next.created_at = claim.now;
        next.name.clone_from(&claim.name);
    }
    next.kind.clone_from(&claim.kind);
    next.bucket.clone_from(&claim.bucket);
    next.key.clone_from(&claim.key);
    next.status = Status::Processing;
    next.updated_at = claim.now;
    next.upload = Some(claim.upload.clone());
    next.fence += 1;
    next.lease = Some(Lease {
        holder: claim.holder.clone(),
        until: claim.lease_until,
    });
    next.processor_version = Some(claim.processor_version);
    next.failure = None;
    next.upload_removed_at = None;
    next.expires_at = None;
    next.upload_expires_at = None;
    next.multipart = None;
    if claim.kind == AUTO {
        next.identified = None;
    }
    push(&mut next.history, claim_entry(claim));
    (
        Claimed::Granted(Attempt {
            file: claim.file.clone(),
            fence: next.fence,
            options: next.options.clone(),
            declared_type: next.declared_type.clone(),
        }),
        Some(next),
    )
}

/// What the history says of a claim. Its attempt is told by its place among the entries ([`super::history::numbered`]):
/// DynamoDB raises the fence in the very write that adds the entry.
#[must_use]
pub fn claim_entry(claim: &Claim) -> HistoryEntry {
    HistoryEntry {
        request_id: Some(claim.holder.clone()),
        ..HistoryEntry::new(claim.now, HistoryEvent::Claimed).detail(if claim.kind == AUTO {
            "intake"
        } else {
            &claim.kind
        })
    }
}

/// Why a claim is not granted; nothing if it is. The DynamoDB store asks this too, of the record that a failed
/// condition gives back.
#[must_use]
pub fn refuse(record: &FileRecord, claim: &Claim) -> Option<Claimed> {
    let seen = &record.upload.as_ref()?.sequencer;
    if *seen != claim.upload.sequencer {
        return (*seen > claim.upload.sequencer).then_some(Claimed::Stale);
    }
    let lease = record.lease.as_ref();
    let by_holder = lease.is_some_and(|lease| lease.holder == claim.holder);
    match record.status {
        Status::Processing => match lease {
            Some(lease) if lease.until > claim.now && !by_holder => {
                Some(Claimed::Busy { until: lease.until })
            }
            _ => None,
        },
        // Sorted before, and ended by the function of its kind: not sorted again.
        Status::Done | Status::Rejected
            if record.processor_version == Some(claim.processor_version) || record.kind != claim.kind =>
        {
            Some(Claimed::Already {
                status: record.status,
                fence: record.fence,
                by_holder,
            })
        }
        Status::Pending | Status::Failed | Status::Done | Status::Rejected => None,
        Status::Removed | Status::Expired | Status::Deleted => Some(Claimed::Stale),
    }
}

/// Decides whether an attempt's outcome counts: the record as it becomes, if it does.
///
/// A commit whose answer got lost is sent again: it counts, although the record is no longer `processing`.
#[must_use]
pub fn commit(
    record: &FileRecord,
    attempt: &Attempt,
    outcome: &Outcome,
    now: UnixMillis,
) -> Option<FileRecord> {
    if !counts(record, attempt, outcome) {
        return None;
    }
    let mut next = record.clone();
    next.status = outcome.status();
    next.updated_at = now;
    // The holder stays, without a lease, to tell a retry of the invocation that ended the file from a duplicate.
    if let Some(lease) = &mut next.lease {
        lease.until = UnixMillis::default();
    }
    next.failure = None;
    match outcome {
        Outcome::Done { outputs, report } => {
            next.outputs.clone_from(outputs);
            next.report = Some(report.clone());
        }
        Outcome::Failed(failure) | Outcome::Unknown(_, failure) => {
            next.failure = Some(failure.clone());
            if failure.kind.is_final() {
                next.outputs.clear();
                next.report = None;
            }
        }
        Outcome::HandedOver(identified) => {
            if let Some(kind) = &identified.kind {
                next.kind.clone_from(kind);
            }
        }
        Outcome::Superseded => {}
        Outcome::Gone => {
            next.outputs.clear();
            next.report = None;
        }
    }
    if let Some(identified) = outcome.identified() {
        next.identified = Some(identified.clone());
    }
    push(&mut next.history, outcome.entry(attempt.fence, now));
    Some(next)
}

/// Whether the record is still this attempt's, or already says this outcome in its name.
#[must_use]
pub fn counts(record: &FileRecord, attempt: &Attempt, outcome: &Outcome) -> bool {
    let open = record.status == Status::Processing || record.status == outcome.status();
    record.fence == attempt.fence && record.lease.is_some() && open
}

/// Marks that an upload was deleted: the record as it becomes, unless the news is old.
#[must_use]
pub fn remove(record: Option<&FileRecord>, removal: &Removal) -> Option<(Removed, FileRecord)> {
    let mut next = record.cloned().unwrap_or_else(|| {
        let at = (removal.bucket.as_str(), removal.key.as_str());
        FileRecord::announced(
            removal.file.clone(),
            &removal.kind,
            &removal.name,
            at,
            removal.now,
        )
    });
    let seen = next.upload.as_ref();
    if seen.is_some_and(|upload| upload.sequencer >= removal.sequencer) || next.status == Status::Deleted {
        return None;
    }
    let (size_bytes, etag) = seen.map_or_else(Default::default, |upload| {
        (upload.size_bytes, upload.etag.clone())
    });
    next.upload = Some(Upload {
        size_bytes,
        etag,
        sequencer: removal.sequencer.clone(),
    });
    next.updated_at = removal.now;
    next.expires_at = None;
    if matches!(next.status, Status::Done | Status::Rejected) {
        // People delete what they have had unloaded.
        next.upload_removed_at = Some(removal.now);
        push(
            &mut next.history,
            HistoryEntry::new(removal.now, HistoryEvent::UploadRemoved),
        );
        return Some((Removed::Kept, next));
    }
    next.status = Status::Removed;
    push(
        &mut next.history,
        HistoryEntry::new(removal.now, HistoryEvent::Removed),
    );
    // Whoever is at work on it loses: the next fence is not theirs.
    next.fence += 1;
    next.lease = None;
    next.outputs.clear();
    next.report = None;
    next.failure = None;
    let marked = Removed::Marked {
        fence: next.fence,
        kind: next.kind.clone(),
    };
    Some((marked, next))
}

/// How many entries of a record's history must go before a store adds another.
#[must_use]
pub fn forgotten_entries(record: &FileRecord) -> usize {
    history::forgotten(record.history.len())
}
