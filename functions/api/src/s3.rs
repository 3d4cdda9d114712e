//! S3: forms and URLs that we sign, and what else the API does there.

mod policy;

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::{ProvideCredentials as _, Region, RequestChecksumCalculation, SharedCredentialsProvider},
    presigning::{PresignedRequest, PresigningConfig},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use shared::store::{
    Location, Objects as _, StoreError, StoreErrorKind, UploadedPart,
    s3::{S3Objects, store_error},
};

use crate::ports::{ArrivedPart, FormPolicy, PartPolicy, SignedForm, SignedRequest, Storage};

/// The headers of a part that its client must send as they were signed.
const SIGNED: [&str; 2] = ["content-length", "x-amz-checksum-sha256"];

/// S3 behind a client, and its credentials to sign with.
#[derive(Debug, Clone)]
pub(crate) struct S3Storage {
    client: Client,
    objects: S3Objects,
    region: Option<Region>,
    credentials: Option<SharedCredentialsProvider>,
}

impl S3Storage {
    /// S3 behind a client; forms are signed with these credentials.
    pub(crate) fn new(
        client: Client,
        region: Option<Region>,
        credentials: Option<SharedCredentialsProvider>,
    ) -> Self {
        // The SDK would sign the checksum of the body it has, which is none: the client's own body has another.
        let config = client
            .config()
            .to_builder()
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            objects: S3Objects::new(client),
            client: Client::from_conf(config),
            region,
            credentials,
        }
    }

    /// Where the bucket answers: in the manner of the deployment's endpoint, by host name or by path.
    async fn bucket_url(&self, at: &Location) -> Result<String, StoreError> {
        let operation = "presign HeadObject";
        let request = self
            .client
            .head_object()
            .bucket(&at.bucket)
            .key("k")
            .presigned(expires_in(operation, at, Duration::from_mins(1))?)
            .await;
        let request = signed(operation, at, request)?;
        let url = request.uri().split('?').next().unwrap_or_default();
        Ok(url.strip_suffix('k').unwrap_or(url).to_owned())
    }
}

fn refused(operation: &'static str, at: &Location, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Refused, operation, at, message)
}

fn expires_in(
    operation: &'static str,
    at: &Location,
    expiry: Duration,
) -> Result<PresigningConfig, StoreError> {
    PresigningConfig::expires_in(expiry).map_err(|error| refused(operation, at, error.to_string()))
}

fn signed<E: std::error::Error>(
    operation: &'static str,
    at: &Location,
    request: Result<PresignedRequest, E>,
) -> Result<PresignedRequest, StoreError> {
    // Nothing is sent: what fails is finding credentials.
    request.map_err(|error| StoreError::new(StoreErrorKind::Unavailable, operation, at, error.to_string()))
}

impl Storage for S3Storage {
    async fn sign_form(&self, form: FormPolicy<'_>) -> Result<SignedForm, StoreError> {
        let operation = "sign a form";
        let at = form.at;
        let region = self
            .region
            .as_ref()
            .ok_or_else(|| refused(operation, at, "there is no region"))?;
        let provider = self
            .credentials
            .as_ref()
            .ok_or_else(|| refused(operation, at, "there are no credentials"))?;
        let credentials = provider.provide_credentials().await.map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, operation, at, error.to_string())
        })?;
        let fields = policy::sign(&form, &credentials, region.as_ref());
        Ok(SignedForm {
            url: self.bucket_url(at).await?,
            fields,
        })
    }

    async fn sign_download(
        &self,
        at: &Location,
        file_name: &str,
        expiry: Duration,
    ) -> Result<String, StoreError> {
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

    async fn start_upload(&self, at: &Location, content_type: &str) -> Result<String, StoreError> {
        let operation = "CreateMultipartUpload";
        self.client
            .create_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .content_type(content_type)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .map_err(|error| store_error(operation, at, &error))?
            .upload_id
            .ok_or_else(|| {
                StoreError::new(
                    StoreErrorKind::Unavailable,
                    operation,
                    at,
                    "the answer has no upload id",
                )
            })
    }

    async fn sign_part(
        &self,
        at: &Location,
        upload: &str,
        part: &PartPolicy,
        expiry: Duration,
    ) -> Result<SignedRequest, StoreError> {
        let operation = "presign UploadPart";
        let request = self
            .client
            .upload_part()
            .bucket(&at.bucket)
            .key(&at.key)
            .upload_id(upload)
            .part_number(i32::from(part.number))
            .content_length(i64::try_from(part.size_bytes).unwrap_or(i64::MAX))
            .checksum_sha256(&part.sha256)
            .presigned(expires_in(operation, at, expiry)?)
            .await;
        let request = signed(operation, at, request)?;
        Ok(SignedRequest {
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

    async fn arrived_parts(&self, at: &Location, upload: &str) -> Result<Vec<ArrivedPart>, StoreError> {
        let mut pages = self
            .client
            .list_parts()
            .bucket(&at.bucket)
            .key(&at.key)
            .upload_id(upload)
            .into_paginator()
            .send();
        let mut arrived = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| store_error("ListParts", at, &error))?;
            for part in page.parts.unwrap_or_default() {
                arrived.push(ArrivedPart {
                    part: UploadedPart {
                        number: part
                            .part_number
                            .and_then(|number| u16::try_from(number).ok())
                            .unwrap_or(0),
                        etag: part.e_tag.unwrap_or_default(),
                        checksum: part.checksum_sha256.unwrap_or_default(),
                    },
                    size_bytes: part.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                });
            }
        }
        Ok(arrived)
    }

    async fn complete_upload(
        &self,
        at: &Location,
        upload: &str,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError> {
        let part = |part: &UploadedPart| {
            CompletedPart::builder()
                .part_number(i32::from(part.number))
                .e_tag(&part.etag)
                .checksum_sha256(&part.checksum)
                .build()
        };
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts.iter().map(part).collect()))
            .build();
        self.client
            .complete_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .upload_id(upload)
            .multipart_upload(parts)
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("CompleteMultipartUpload", at, &error))
    }

    async fn abort_upload(&self, at: &Location, upload: &str) -> Result<(), StoreError> {
        self.objects.abort_upload(at, upload).await
    }

    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        let answer = self
            .client
            .head_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await;
        match answer.map_err(|error| store_error("HeadObject", at, &error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, at: &Location) -> Result<Vec<u8>, StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .map_err(|error| store_error("GetObject", at, &error))?;
        let body = answer.body.collect().await.map_err(|error| {
            StoreError::new(
                StoreErrorKind::Unavailable,
                "GetObject",
                at,
                format!("body: {error}"),
            )
        })?;
        Ok(body.to_vec())
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.objects.delete(at).await
    }

    async fn delete_all(&self, bucket: &str, prefix: &str) -> Result<(), StoreError> {
        for key in self.objects.list(bucket, prefix).await? {
            self.objects.delete(&Location::new(bucket, key)).await?;
        }
        Ok(())
    }
}
