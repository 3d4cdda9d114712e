//! URLs that carry a permission: to upload one file, to download one output.

use std::{collections::BTreeMap, time::Duration};

use shared::store::{Location, StoreError};

/// A request that a client may send to S3 in our name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedUpload {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers that must be sent with just these values: they are part of the signature.
    pub headers: BTreeMap<String, String>,
}

/// Signs URLs.
pub trait Presign: Send + Sync + 'static {
    /// A URL to upload an object of just this size and type.
    fn upload(
        &self,
        at: &Location,
        size_bytes: u64,
        content_type: &str,
        expiry: Duration,
    ) -> impl Future<Output = Result<PresignedUpload, StoreError>> + Send;

    /// A URL to download an object, which browsers save as `file_name`.
    fn download(
        &self,
        at: &Location,
        file_name: &str,
        expiry: Duration,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;
}
