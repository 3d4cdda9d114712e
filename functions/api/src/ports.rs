//! What the routes work with: stores, S3 and the functions, as traits.

use std::{collections::BTreeMap, time::Duration};

use shared::{
    handover::Invoke,
    store::{Catalogue, Location, StoreError, UploadedPart, endpoints::Endpoints, ledger::Ledger},
    time::UnixMillis,
};

/// Everything outside: in the cloud, on the local stack, in a test.
pub trait Ports: Send + Sync + 'static {
    /// The records.
    type Catalogue: Catalogue;
    /// Counts and answers.
    type Ledger: Ledger;
    /// Webhook endpoints.
    type Endpoints: Endpoints;
    /// Uploads and results.
    type Storage: Storage;
    /// The functions.
    type Invoke: Invoke;

    /// The records.
    fn catalogue(&self) -> &Self::Catalogue;
    /// Counts and answers.
    fn ledger(&self) -> &Self::Ledger;
    /// Webhook endpoints.
    fn endpoints(&self) -> &Self::Endpoints;
    /// Uploads and results.
    fn storage(&self) -> &Self::Storage;
    /// The functions.
    fn invoke(&self) -> &Self::Invoke;
    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// What the form of an upload must be.
#[derive(Debug, Clone, Copy)]
pub struct FormPolicy<'a> {
    /// Where the file goes.
    pub at: &'a Location,
    /// Its exact size.
    pub size_bytes: u64,
    /// Its media type.
    pub content_type: &'a str,
    /// Its SHA-256, base 64.
    pub sha256: Option<&'a str>,
    /// Now.
    pub now: UnixMillis,
    /// Until when the form can be sent.
    pub expires_at: UnixMillis,
}

/// A form that a client may send to S3 in our name, its file last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedForm {
    /// Where it is sent.
    pub url: String,
    /// Its fields, but for the file.
    pub fields: BTreeMap<String, String>,
}

/// One part of a multipart upload that a client wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPolicy {
    /// Its number, from 1.
    pub number: u16,
    /// Its exact size.
    pub size_bytes: u64,
    /// Its SHA-256, base 64.
    pub sha256: String,
}

/// A request that a client may send to S3 in our name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers that must be sent with just these values: they are part of the signature.
    pub headers: BTreeMap<String, String>,
}

/// A part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArrivedPart {
    /// Its number, entity tag, and SHA-256 in base 64.
    pub part: UploadedPart,
    /// Its size.
    pub size_bytes: u64,
}

/// S3, as the API needs it.
pub trait Storage: Send + Sync + 'static {
    /// Signs the form of an upload.
    fn sign_form(
        &self,
        policy: FormPolicy<'_>,
    ) -> impl Future<Output = Result<SignedForm, StoreError>> + Send;

    /// Signs the download of an object, which browsers save as `file_name`.
    fn sign_download(
        &self,
        at: &Location,
        file_name: &str,
        expiry: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Starts a multipart upload whose parts carry SHA-256 checksums; gives its id.
    fn start_upload(
        &self,
        at: &Location,
        content_type: &str,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Signs the upload of a part.
    fn sign_part(
        &self,
        at: &Location,
        upload: &str,
        part: &PartPolicy,
        expiry: Duration,
    ) -> impl Future<Output = Result<SignedRequest, StoreError>> + Send;

    /// The parts that have arrived, by number.
    fn arrived_parts(
        &self,
        at: &Location,
        upload: &str,
    ) -> impl Future<Output = Result<Vec<ArrivedPart>, StoreError>> + Send;

    /// Makes the parts the object.
    fn complete_upload(
        &self,
        at: &Location,
        upload: &str,
        parts: &[UploadedPart],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a multipart upload; one that is not there counts as forgotten.
    fn abort_upload(
        &self,
        at: &Location,
        upload: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether there is such an object.
    fn exists(&self, at: &Location) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads a small object whole.
    fn read(&self, at: &Location) -> impl Future<Output = Result<Vec<u8>, StoreError>> + Send;

    /// Deletes an object; one that is not there counts as deleted.
    fn delete(&self, at: &Location) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes every object under a prefix.
    fn delete_all(&self, bucket: &str, prefix: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}
