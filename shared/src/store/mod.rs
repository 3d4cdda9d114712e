//! Where files, outputs and records are kept, as traits: S3 and DynamoDB in the cloud and the local stack, memory in tests.
//!
//! The traits speak of what Longshore needs and no more. What every implementation must do is written down
//! as tests in [`conformance`], and run against each.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "aws")]
pub mod dynamodb;
pub mod endpoints;
pub mod ledger;
pub mod memory;
#[cfg(feature = "attempt")]
pub mod read;
#[cfg(feature = "aws")]
pub mod s3;
#[cfg(feature = "attempt")]
pub mod write;

use std::{collections::BTreeMap, fmt, ops::Range, pin::Pin};

use bytes::Bytes;
use futures::Stream;

use crate::{
    catalogue::{
        Attempt, Claim, Claimed, Committed, Deletion, FileRecord, Outcome, Removal, Removed, Reprocess,
        ReprocessRefusal,
    },
    keys::{FileRef, Owner},
    time::UnixMillis,
};

/// Where an object lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, decoded.
    pub key: String,
}

impl Location {
    /// A location.
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// What kind of thing went wrong in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such object or record.
    NotFound,
    /// A condition did not hold: the object is no longer the version that was asked for, or a record exists already.
    Changed,
    /// The store refuses us or our request: trying again changes nothing until someone mends it.
    Refused,
    /// The store could not be reached, is overloaded or broke off: trying again may help.
    Unavailable,
    /// A record cannot be read: it was written by something else.
    Malformed,
}

/// What went wrong in a store: during which operation, on what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {subject}: {message}")]
pub struct StoreError {
    /// What kind of thing went wrong.
    pub kind: StoreErrorKind,
    /// The operation's name in the store's own API, such as `GetObject`.
    pub operation: &'static str,
    /// What it was about: an object's location, or a file.
    pub subject: String,
    /// What the store said.
    pub message: String,
}

impl StoreError {
    /// An error.
    pub fn new(
        kind: StoreErrorKind,
        operation: &'static str,
        subject: impl fmt::Display,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation,
            subject: subject.to_string(),
            message: message.into(),
        }
    }

    /// The failure that an attempt ends with when this happens to it: never the file's fault.
    #[must_use]
    pub fn into_failure(self) -> crate::Failure {
        let message = self.to_string();
        match self.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Changed | StoreErrorKind::NotFound => {
                crate::Failure::transient("store", message)
            }
            StoreErrorKind::Refused | StoreErrorKind::Malformed => crate::Failure::internal("store", message),
        }
    }
}

/// An error and what caused it, in one line: the SDK's own text is "dispatch failure" at most.
#[cfg(feature = "aws")]
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What an object is, as its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHead {
    /// Size of the whole object, whatever range was asked for.
    pub size_bytes: u64,
    /// Entity tag, without quotes.
    pub etag: String,
    /// Media type, as its uploader declared it.
    pub content_type: Option<String>,
    /// What its uploader said of it (`x-amz-meta-…`): names without the prefix, and values.
    pub metadata: BTreeMap<String, String>,
}

/// The bytes of an object as they arrive. Ends early only with an error.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// A part of a multipart upload that the store has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedPart {
    /// Its number, from 1.
    pub number: u16,
    /// Its entity tag.
    pub etag: String,
    /// Its checksum (CRC-32), base 64.
    pub checksum: String,
}

/// A store of objects. Every write carries a checksum that the store verifies.
pub trait Objects: Clone + Send + Sync + 'static {
    /// Opens an object, or a range of its bytes, if its entity tag is still `etag`.
    ///
    /// # Errors
    /// [`StoreErrorKind::Changed`] if the tag differs, [`StoreErrorKind::NotFound`] if there is no such object.
    fn get(
        &self,
        at: &Location,
        etag: &str,
        range: Option<Range<u64>>,
    ) -> impl Future<Output = Result<(ObjectHead, ByteStream), StoreError>> + Send;

    /// Opens an object, whichever version of it is there; nothing if none is.
    fn find(
        &self,
        at: &Location,
    ) -> impl Future<Output = Result<Option<(ObjectHead, ByteStream)>, StoreError>> + Send;

    /// Writes a small object whole.
    fn put(
        &self,
        at: &Location,
        content_type: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Starts a multipart upload and gives its id. Nothing of it is visible before it is completed.
    fn start_upload(
        &self,
        at: &Location,
        content_type: &str,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Uploads one part; all but the last have at least 5 MiB.
    fn upload_part(
        &self,
        at: &Location,
        upload: &str,
        number: u16,
        body: Bytes,
    ) -> impl Future<Output = Result<UploadedPart, StoreError>> + Send;

    /// Makes the parts, in order, the object.
    fn complete_upload(
        &self,
        at: &Location,
        upload: &str,
        parts: &[UploadedPart],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a multipart upload and its parts.
    fn abort_upload(
        &self,
        at: &Location,
        upload: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes an object; one that is not there counts as deleted.
    fn delete(&self, at: &Location) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All keys under a prefix, sorted.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// A page of an owner's files, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The files.
    pub files: Vec<FileRecord>,
    /// Where the next page begins ([`FileRecord::listed_as`] of the last file seen); none after the last.
    pub next: Option<String>,
}

/// A store of records. Every change is atomic: the whole transition or nothing.
pub trait Catalogue: Clone + Send + Sync + 'static {
    /// Writes a new record, and sees to it that [`Catalogue::expire`] is called for it once
    /// [`FileRecord::upload_expires_at`] is over.
    ///
    /// # Errors
    /// [`StoreErrorKind::Changed`] if the file has one already.
    fn create(&self, record: &FileRecord) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads a record, with all changes that were acknowledged before. What is left of a deleted file is one too.
    fn get(&self, file: &FileRef) -> impl Future<Output = Result<Option<FileRecord>, StoreError>> + Send;

    /// Lists an owner's files, newest first, at most `limit` of them, from after `after` on, none created before
    /// `since`. May lag behind changes by a moment.
    fn list(
        &self,
        owner: &Owner,
        limit: u16,
        after: Option<&str>,
        since: UnixMillis,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Asks for the right to work on a file ([`crate::catalogue::transition::claim`]).
    fn claim(&self, claim: &Claim) -> impl Future<Output = Result<Claimed, StoreError>> + Send;

    /// Ends an attempt ([`crate::catalogue::transition::commit`]).
    fn commit(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        now: UnixMillis,
    ) -> impl Future<Output = Result<Committed, StoreError>> + Send;

    /// Marks that an upload was deleted ([`crate::catalogue::transition::remove`]).
    fn remove(&self, removal: &Removal) -> impl Future<Output = Result<Removed, StoreError>> + Send;

    /// Makes a file ready for another attempt ([`crate::catalogue::lifecycle::reprocess`]); gives the record as it is now.
    fn reprocess(
        &self,
        wish: &Reprocess,
    ) -> impl Future<Output = Result<Result<FileRecord, ReprocessRefusal>, StoreError>> + Send;

    /// Marks an announced upload that did not come in time ([`crate::catalogue::lifecycle::expire`]); says whether
    /// it did.
    fn expire(
        &self,
        file: &FileRef,
        now: UnixMillis,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Leaves of a file only what keeps late events from bringing it back ([`crate::catalogue::lifecycle::delete`]).
    /// Gives the fence of what is left, which no attempt has; nothing if there is no record.
    fn delete(&self, deletion: &Deletion) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;
}
