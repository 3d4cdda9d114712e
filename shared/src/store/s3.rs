//! Objects in S3.

use std::ops::Range;

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::get_object::GetObjectOutput,
    primitives::ByteStream as SdkStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use futures::stream;

use super::{ByteStream, Location, ObjectHead, Objects, StoreError, StoreErrorKind, UploadedPart};

/// What every write is protected by: the checksum that the SDK computes fastest and every S3 knows.
const CHECKSUM: ChecksumAlgorithm = ChecksumAlgorithm::Crc32;

/// Objects in S3.
#[derive(Debug, Clone)]
pub struct S3Objects {
    client: Client,
}

impl S3Objects {
    /// Objects behind a client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }

    /// What a rehearsal reads from a bucket ([`crate::aws::Aws::rehearse`]).
    pub async fn rehearse_get(&self, bucket: &str) {
        let _ = self.get(&Location::new(bucket, "rehearsal"), "", None).await;
    }

    /// What a rehearsal writes into a bucket.
    pub async fn rehearse_put(&self, bucket: &str) {
        let at = Location::new(bucket, "rehearsal");
        let _ = self.put(&at, "application/json", Bytes::new()).await;
    }
}

/// Says what an error of the SDK means: by the code of the answer if there was one.
pub fn store_error<E>(operation: &'static str, at: &Location, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let answer = error.raw_response().map(|response| response.status().as_u16());
    let kind = match (error.code(), answer) {
        (Some("PreconditionFailed"), _) | (_, Some(412)) => StoreErrorKind::Changed,
        (Some("NoSuchKey" | "NoSuchUpload" | "NotFound"), _) => StoreErrorKind::NotFound,
        (
            Some(
                "SlowDown"
                | "RequestTimeout"
                | "InternalError"
                | "ServiceUnavailable"
                | "ConditionalRequestConflict",
            ),
            _,
        ) => StoreErrorKind::Unavailable,
        (_, Some(status)) if status < 500 && status != 429 => StoreErrorKind::Refused,
        _ => StoreErrorKind::Unavailable,
    };
    let message = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => super::chain(error),
    };
    StoreError::new(kind, operation, at, message)
}

/// The size of the whole object from `Content-Range: bytes 0-9/123` (RFC 9110, section 14.4).
fn size_of_range(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.parse().ok()
}

fn stream_of(body: SdkStream, at: Location) -> ByteStream {
    Box::pin(stream::unfold((body, at), |(mut body, at)| async move {
        let chunk = body.next().await?;
        let broken = |error| {
            StoreError::new(
                StoreErrorKind::Unavailable,
                "GetObject",
                &at,
                format!("body: {}", super::chain(&error)),
            )
        };
        Some((chunk.map_err(broken), (body, at)))
    }))
}

/// What an answer to `GetObject` holds.
fn opened(answer: GetObjectOutput, at: &Location) -> Result<(ObjectHead, ByteStream), StoreError> {
    let length = answer
        .content_length()
        .and_then(|length| u64::try_from(length).ok());
    let size_bytes = answer
        .content_range()
        .and_then(size_of_range)
        .or(length)
        .ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::Unavailable,
                "GetObject",
                at,
                "the answer does not say how long it is",
            )
        })?;
    let head = ObjectHead {
        size_bytes,
        etag: answer.e_tag().unwrap_or_default().trim_matches('"').to_owned(),
        content_type: answer.content_type().map(str::to_owned),
        metadata: answer.metadata.unwrap_or_default().into_iter().collect(),
    };
    Ok((head, stream_of(answer.body, at.clone())))
}

impl Objects for S3Objects {
    async fn get(
        &self,
        at: &Location,
        etag: &str,
        range: Option<Range<u64>>,
    ) -> Result<(ObjectHead, ByteStream), StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .if_match(format!("\"{etag}\""))
            .set_range(range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1))))
            .send()
            .await
            .map_err(|error| store_error("GetObject", at, &error))?;
        opened(answer, at)
    }

    async fn find(&self, at: &Location) -> Result<Option<(ObjectHead, ByteStream)>, StoreError> {
        let answer = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await;
        match answer.map_err(|error| store_error("GetObject", at, &error)) {
            Ok(answer) => opened(answer, at).map(Some),
            Err(error) if error.kind == StoreErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put(&self, at: &Location, content_type: &str, body: Bytes) -> Result<(), StoreError> {
        self.client
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .content_type(content_type)
            .checksum_algorithm(CHECKSUM)
            .body(SdkStream::from(body))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("PutObject", at, &error))
    }

    async fn start_upload(&self, at: &Location, content_type: &str) -> Result<String, StoreError> {
        let operation = "CreateMultipartUpload";
        self.client
            .create_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .content_type(content_type)
            .checksum_algorithm(CHECKSUM)
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

    async fn upload_part(
        &self,
        at: &Location,
        upload: &str,
        number: u16,
        body: Bytes,
    ) -> Result<UploadedPart, StoreError> {
        let answer = self
            .client
            .upload_part()
            .bucket(&at.bucket)
            .key(&at.key)
            .upload_id(upload)
            .part_number(i32::from(number))
            .checksum_algorithm(CHECKSUM)
            .body(SdkStream::from(body))
            .send()
            .await
            .map_err(|error| store_error("UploadPart", at, &error))?;
        Ok(UploadedPart {
            number,
            etag: answer.e_tag.unwrap_or_default(),
            checksum: answer.checksum_crc32.unwrap_or_default(),
        })
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
                .checksum_crc32(&part.checksum)
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
        let answer = self
            .client
            .abort_multipart_upload()
            .bucket(&at.bucket)
            .key(&at.key)
            .upload_id(upload)
            .send()
            .await;
        match answer.map_err(|error| store_error("AbortMultipartUpload", at, &error)) {
            Err(error) if error.kind != StoreErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.client
            .delete_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("DeleteObject", at, &error))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        let at = Location::new(bucket, prefix);
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .into_paginator()
            .send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| store_error("ListObjectsV2", &at, &error))?;
            keys.extend(
                page.contents
                    .into_iter()
                    .flatten()
                    .filter_map(|object| object.key),
            );
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_says_how_large_the_whole_is() {
        assert_eq!(size_of_range("bytes 0-9/123"), Some(123));
        assert_eq!(size_of_range("bytes 0-9/*"), None);
        assert_eq!(size_of_range(""), None);
    }
}
