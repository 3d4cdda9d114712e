//! Presigned URLs of S3.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::RequestChecksumCalculation,
    presigning::{PresignedRequest, PresigningConfig},
};
use shared::store::{Location, StoreError, StoreErrorKind};

use crate::presign::{Presign, PresignedUpload};

/// The headers of an upload that are signed; what else the SDK would send is nothing to the client.
const SIGNED: [&str; 2] = ["content-length", "content-type"];

/// Signs with a client's credentials.
#[derive(Debug, Clone)]
pub(crate) struct S3Presigner {
    client: Client,
}

impl S3Presigner {
    /// Signs with the credentials of a configuration.
    pub(crate) fn new(client: &Client) -> Self {
        // The SDK would sign the checksum of the body it has, which is none: the client's own body has another.
        let config = client
            .config()
            .to_builder()
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }
}

fn expires_in(
    operation: &'static str,
    at: &Location,
    expiry: Duration,
) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(expiry)
        .map_err(|error| StoreError::new(StoreErrorKind::Refused, operation, at, error.to_string()))
}

fn signed<E: std::error::Error>(
    operation: &'static str,
    at: &Location,
    request: Result<PresignedRequest, E>,
) -> Result<PresignedRequest, StoreError> {
    // Nothing is sent: what fails is finding credentials.
    request.map_err(|error| StoreError::new(StoreErrorKind::Unavailable, operation, at, error.to_string()))
}

impl Presign for S3Presigner {
    async fn upload(
        &self,
        at: &Location,
        size_bytes: u64,
        content_type: &str,
        expiry: Duration,
    ) -> Result<PresignedUpload, StoreError> {
        let operation = "presign PutObject";
        let request = self
            .client
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .content_length(i64::try_from(size_bytes).unwrap_or(i64::MAX))
            .content_type(content_type)
            .presigned(expires_in(operation, at, expiry)?)
            .await;
        let request = signed(operation, at, request)?;
        Ok(PresignedUpload {
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: SIGNED
                .iter()
                .filter_map(|name| {
                    let (_, value) = request
                        .headers()
                        .find(|(header, _)| header.eq_ignore_ascii_case(name))?;
                    Some(((*name).to_owned(), value.to_owned()))
                })
                .collect(),
        })
    }

    async fn download(&self, at: &Location, file_name: &str, expiry: Duration) -> Result<String, StoreError> {
        let operation = "presign GetObject";
        let request = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .response_content_disposition(format!("attachment; filename=\"{file_name}\""))
            .presigned(expires_in(operation, at, expiry)?)
            .await;
        Ok(signed(operation, at, request)?.uri().to_owned())
    }
}
