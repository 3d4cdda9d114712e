//! A file as its owner sees it, through the API and in webhooks: no keys, no leases, no words of a store.

use std::borrow::Cow;

use serde::Serialize;

use super::{FileRecord, HistoryEvent, Identified, Output, Status, history::numbered};
use crate::{
    failure::{Failure, FailureKind, Place},
    keys::FileId,
    time::UnixMillis,
};

/// One thing that a file was turned into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutputView {
    /// Its name, such as `table.parquet`.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its media type.
    pub content_type: String,
    /// Where the API hands it out.
    pub href: String,
}

/// Why a file was rejected or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailureView {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// A stable name for programs, such as `not-utf8`.
    pub code: Cow<'static, str>,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// Where in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A file as its owner sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileView {
    /// Its id.
    pub id: FileId,
    /// The function that unloads it; `auto` until its bytes have been looked at.
    pub kind: String,
    /// Its name, as its uploader gave it.
    pub name: String,
    /// What became of it so far.
    pub status: Status,
    /// Its size in bytes: as it arrived, else as it was announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// The media type that was announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The SHA-256 that was announced, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The options it is unloaded with, by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<serde_json::Value>,
    /// What its bytes say it is; of files that were sorted by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identified: Option<Identified>,
    /// Attempts made so far.
    pub attempts: u64,
    /// When it was announced, or first seen.
    pub created_at: UnixMillis,
    /// When its record last changed.
    pub updated_at: UnixMillis,
    /// Until when the upload can arrive; of files that have not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_expires_at: Option<UnixMillis>,
    /// What it was turned into; of files that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<OutputView>>,
    /// The function's summary; of files that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<serde_json::Value>,
    /// Why it was rejected or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureView>,
    /// When the upload was deleted after it had been unloaded or rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_removed_at: Option<UnixMillis>,
}

impl FailureView {
    /// Our own faults are named, not explained: what a store said may hold names of ours.
    fn of(failure: Failure) -> Self {
        let ours = !failure.kind.is_final();
        Self {
            kind: failure.kind,
            code: failure.code,
            message: if ours {
                Cow::Borrowed("the attempt failed; it is retried, then kept for the operator")
            } else {
                Cow::Owned(failure.message)
            },
            place: failure.place.filter(|_| !ours),
        }
    }
}

impl FileView {
    /// What the owner sees of a record at that time ([`FileRecord::seen_at`]): outputs only of the upload that is done.
    #[must_use]
    pub fn of(record: FileRecord, now: UnixMillis) -> Self {
        let record = record.seen_at(now);
        let done = record.status == Status::Done;
        let output = |output: &Output| OutputView {
            name: output.name.clone(),
            size_bytes: output.size_bytes,
            content_type: output.content_type.clone(),
            href: format!("/v1/files/{}/outputs/{}", record.id, output.name),
        };
        Self {
            outputs: done.then(|| record.outputs.iter().map(output).collect()),
            size_bytes: record.size_bytes(),
            upload_expires_at: record.upload_expires_at.filter(|_| record.upload.is_none()),
            id: record.id,
            kind: record.kind,
            name: record.name,
            status: record.status,
            content_type: record.declared_type,
            sha256: record.sha256,
            options: record.options,
            identified: record.identified,
            attempts: record.fence,
            created_at: record.created_at,
            updated_at: record.updated_at,
            report: record.report.filter(|_| done),
            failure: record.failure.map(FailureView::of),
            upload_removed_at: record.upload_removed_at,
        }
    }
}

/// One thing that happened to a file, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryView {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub event: HistoryEvent,
    /// The attempt it belongs to, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl HistoryView {
    /// What happened to a file, the earliest first.
    #[must_use]
    pub fn of(record: &FileRecord) -> Vec<Self> {
        numbered(&record.history, record.fence)
            .into_iter()
            .map(|(attempt, entry)| Self {
                at: entry.at,
                event: entry.event,
                attempt: (attempt > 0).then_some(attempt),
                detail: entry.detail.clone(),
            })
            .collect()
    }
}
