//! One file's entry in the catalogue.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{HistoryEntry, Sequencer};
use crate::{
    failure::Failure,
    keys::{FileId, FileRef, Owner},
    time::UnixMillis,
};

/// What became of a file so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Announced but not arrived, or overwritten and waiting for its newer event.
    Pending,
    /// An attempt holds the lease.
    Processing,
    /// Unloaded: the record names the outputs.
    Done,
    /// The file is at fault: never retried.
    Rejected,
    /// We were at fault: retried, then left in the failure destination.
    Failed,
    /// The upload was deleted before it was unloaded.
    Removed,
    /// Announced, but nothing was uploaded in time.
    Expired,
    /// Its owner deleted it: what is left keeps late events from bringing it back, and nobody sees it.
    Deleted,
}

impl Status {
    /// The name in the catalogue and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Removed => "removed",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }

    /// Whether nothing more happens to the file by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Processing)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The object that was uploaded, one version of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Size of the object.
    pub size_bytes: u64,
    /// The object's entity tag, without quotes: what reads are pinned to.
    pub etag: String,
    /// Where the version stands among the changes to its key.
    pub sequencer: Sequencer,
}

/// The right to work on a file, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The invocation that holds it: Lambda gives a retry the same request id.
    pub holder: String,
    /// When it ends by itself.
    pub until: UnixMillis,
}

/// One thing that a file was turned into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its name, such as `table.parquet`.
    pub name: String,
    /// Its key in the results bucket.
    pub key: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its media type.
    pub content_type: String,
}

/// What a file was taken for, by its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Identified {
    /// The kind that unloads it; none if nothing does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// Its format in a word, such as `csv`.
    pub format: String,
    /// What it looks like, for people: `CSV delimited by semicolons, in Windows-1252, gzip-compressed`.
    pub looks_like: String,
    /// Its media type.
    pub media_type: String,
    /// How sure that is: from 0 to 1.
    pub confidence: f64,
    /// The media type that its uploader declared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declared_type: Option<String>,
    /// Whether the declared type says something else than the bytes.
    pub mismatch: bool,
}

/// A multipart upload by which an announced file arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multipart {
    /// S3's id of it.
    pub upload_id: String,
    /// Size of each part but the last.
    pub part_bytes: u64,
    /// How many parts there are.
    pub parts: u16,
}

/// One file's entry in the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Whom it belongs to.
    pub owner: Owner,
    /// Its id.
    pub id: FileId,
    /// The function that unloads it.
    pub kind: String,
    /// Its name, as its uploader gave it.
    #[serde(default)]
    pub name: String,
    /// Where the upload lies.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// What became of it so far.
    pub status: Status,
    /// When it was announced, or first seen.
    #[serde(default)]
    pub created_at: UnixMillis,
    /// When the record last changed.
    pub updated_at: UnixMillis,
    /// The size that was announced, before the upload arrived.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub announced_bytes: Option<u64>,
    /// The media type that was announced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub declared_type: Option<String>,
    /// The SHA-256 that was announced, in hex: S3 takes no other bytes for the upload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// What its owner asked of the functions, by kind ([`crate::options`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub options: Option<serde_json::Value>,
    /// Until when the announced upload can arrive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upload_expires_at: Option<UnixMillis>,
    /// The multipart upload by which it arrives, until it has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub multipart: Option<Multipart>,
    /// What it was taken for, if it was sorted by its bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub identified: Option<Identified>,
    /// The version of the upload that the record speaks of; none before it arrived.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub upload: Option<Upload>,
    /// Attempts made so far, over all versions of the upload: the fence token of the latest.
    #[serde(default)]
    pub fence: u64,
    /// Who works on it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lease: Option<Lease>,
    /// Version of the processor that claimed it last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub processor_version: Option<u32>,
    /// What it was turned into, all by one attempt. Speaks of the current upload only while `status` is `done`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub outputs: Vec<Output>,
    /// The processor's summary.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<serde_json::Value>,
    /// Why it was rejected or failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Failure>,
    /// When the upload was deleted after it had been unloaded or rejected.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upload_removed_at: Option<UnixMillis>,
    /// When the record is forgotten, in seconds since 1970: only for an upload that was announced and never came,
    /// and for what is left of a deleted file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<u64>,
    /// What happened to it, the latest last ([`super::history`]).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub history: Vec<HistoryEntry>,
}

impl FileRecord {
    /// A file that was announced and has not arrived.
    #[must_use]
    pub fn announced(file: FileRef, kind: &str, name: &str, at: (&str, &str), now: UnixMillis) -> Self {
        let (bucket, key) = at;
        Self {
            owner: file.owner,
            id: file.id,
            kind: kind.to_owned(),
            name: name.to_owned(),
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            status: Status::Pending,
            created_at: now,
            updated_at: now,
            announced_bytes: None,
            declared_type: None,
            sha256: None,
            options: None,
            upload_expires_at: None,
            multipart: None,
            identified: None,
            upload: None,
            fence: 0,
            lease: None,
            processor_version: None,
            outputs: Vec::new(),
            report: None,
            failure: None,
            upload_removed_at: None,
            expires_at: None,
            history: Vec::new(),
        }
    }

    /// Which file it speaks of.
    #[must_use]
    pub fn file(&self) -> FileRef {
        FileRef {
            owner: self.owner.clone(),
            id: self.id,
        }
    }

    /// Where it stands in its owner's list: sorts by time, then by id.
    #[must_use]
    pub fn listed_as(&self) -> String {
        format!("{}#{}", self.created_at, self.id)
    }

    /// The size of the upload: as it arrived, else as it was announced.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        self.upload
            .as_ref()
            .map(|upload| upload.size_bytes)
            .or(self.announced_bytes)
    }

    /// What a reader should be told of what nobody could write down: an attempt that died cannot say so, but its
    /// lease runs out, and from then until a retry claims the file `processing` reads as `failed`; an upload that
    /// did not come in time reads as `expired`, before the catalogue's own clock gets to it.
    #[must_use]
    pub fn seen_at(mut self, now: UnixMillis) -> Self {
        match (self.status, &self.lease, self.upload_expires_at) {
            (Status::Processing, Some(lease), _) if lease.until <= now => {
                self.failure = Some(Failure::internal(
                    "attempt-lost",
                    format!("attempt {} ended without a word, by {}", self.fence, lease.until),
                ));
                self.status = Status::Failed;
            }
            (Status::Pending, _, Some(until)) if self.upload.is_none() && until <= now => {
                self.status = Status::Expired;
            }
            _ => {}
        }
        self
    }
}
