//! Takes the bytes of an upload: to a blob file, hashed on the way, checked against what the client said of
//! them. Only what passed is ever named by a row.

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::HeaderMap;
use s3s::{S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders};
use tokio::task::JoinHandle;

use super::blobs::{BlobWriter, Digested, NewBlob};
use super::checksum::Algorithm;
use super::fault::{self, Fault, custom};
use super::store::Store;

/// The most that one PUT or one part may hold.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub(super) const MAX_PART_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// How much is gathered before it is handed to a blocking thread.
const BATCH_BYTES: usize = 512 * 1024;

/// What a client said of the bytes it sends.
#[derive(Debug, Default)]
pub(super) struct Claims {
    length: Option<u64>,
    md5: Option<[u8; 16]>,
    algorithm: Option<Algorithm>,
    /// The value from the header; absent when it comes as a trailer, or not at all.
    checksum: Option<String>,
    in_trailer: bool,
}

impl Claims {
    /// Reads the headers of a PUT: `Content-MD5`, `x-amz-checksum-*`, `x-amz-trailer`.
    pub(super) fn from_headers(headers: &HeaderMap, length: Option<i64>) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mut claims = Self {
            length: length.and_then(|length| u64::try_from(length).ok()),
            ..Self::default()
        };
        if claims.length.is_some_and(|length| length > MAX_PART_BYTES) {
            return Err(too_large());
        }
        if let Some(md5) = text("content-md5") {
            let digest = BASE64.decode(md5).ok().and_then(|bytes| bytes.try_into().ok());
            let invalid = || {
                fault::s3(
                    S3ErrorCode::InvalidDigest,
                    "The Content-MD5 you specified was invalid.",
                )
            };
            claims.md5 = Some(digest.ok_or_else(invalid)?);
        }
        for algorithm in Algorithm::ALL {
            let Some(value) = text(algorithm.header()) else {
                continue;
            };
            if claims.algorithm.is_some() {
                return Err(fault::s3(
                    S3ErrorCode::InvalidRequest,
                    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
                ));
            }
            if !algorithm.is_well_formed(value) {
                return Err(fault::s3(
                    S3ErrorCode::InvalidRequest,
                    format!("Value for {} header is invalid.", algorithm.header()),
                ));
            }
            claims.algorithm = Some(algorithm);
            claims.checksum = Some(value.to_owned());
        }
        if let Some(trailer) = text("x-amz-trailer")
            && let Some(algorithm) = Algorithm::from_header(trailer)
        {
            claims.algorithm = Some(algorithm);
            claims.in_trailer = true;
        }
        if claims.algorithm.is_none()
            && let Some(name) = text("x-amz-sdk-checksum-algorithm")
        {
            claims.algorithm = Some(algorithm_named(name)?);
        }
        Ok(claims)
    }

    /// The algorithm the client chose.
    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Computes this where the client chose none.
    pub(super) fn or_algorithm(mut self, algorithm: Option<Algorithm>) -> Self {
        self.algorithm = self.algorithm.or(algorithm);
        self
    }

    fn check(&self, found: &Digested, trailers: Option<&TrailingHeaders>) -> S3Result<()> {
        if self.length.is_some_and(|length| length != found.size_bytes) {
            return Err(incomplete_body());
        }
        if self.md5.is_some_and(|md5| md5 != found.md5) {
            return Err(fault::s3(
                S3ErrorCode::BadDigest,
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
        let Some(algorithm) = self.algorithm else {
            return Ok(());
        };
        let trailing = trailers.and_then(TrailingHeaders::take);
        let trailing = trailing
            .as_ref()
            .and_then(|headers| headers.get(algorithm.header()));
        let claimed = match (&self.checksum, self.in_trailer) {
            (Some(value), _) => value.as_str(),
            (None, true) => trailing
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
                .ok_or_else(|| {
                    custom(
                        "MalformedTrailerError",
                        http::StatusCode::BAD_REQUEST,
                        "The request contained trailing data that was not well-formed or did not conform to \
                     our published schema.",
                    )
                })?,
            (None, false) => return Ok(()),
        };
        if !algorithm.is_well_formed(claimed) {
            return Err(fault::s3(
                S3ErrorCode::InvalidRequest,
                format!("Value for {} trailing header is invalid.", algorithm.header()),
            ));
        }
        if found
            .checksum
            .as_ref()
            .is_none_or(|checksum| checksum.value != claimed)
        {
            return Err(fault::s3(
                S3ErrorCode::BadDigest,
                format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ),
            ));
        }
        Ok(())
    }
}

/// The algorithm of that name, or `InvalidRequest`.
pub(super) fn algorithm_named(name: &str) -> S3Result<Algorithm> {
    Algorithm::from_name(name).ok_or_else(|| {
        fault::s3(
            S3ErrorCode::InvalidRequest,
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
             [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
        )
    })
}

pub(super) fn too_large() -> S3Error {
    fault::s3(
        S3ErrorCode::EntityTooLarge,
        "Your proposed upload exceeds the maximum allowed size",
    )
}

pub(super) fn incomplete_body() -> S3Error {
    fault::s3(
        S3ErrorCode::IncompleteBody,
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

/// Bytes that are on disk and checked, and that no row names yet.
pub(super) struct Received {
    pub(super) blob: NewBlob,
    pub(super) digested: Digested,
}

/// Reads `body` to its end into a new blob. Holds a few hundred kilobytes of it at a time, whatever its size.
/// Fails without a trace when the connection breaks, when more or fewer bytes come than `size_bytes` allows, or
/// when the bytes are not what `claims` says.
pub(super) async fn receive<S>(
    store: &Store,
    mut body: S,
    claims: &Claims,
    trailers: Option<&TrailingHeaders>,
    size_bytes: RangeInclusive<u64>,
) -> S3Result<Received>
where
    S: Stream<Item = Result<Bytes, StdError>> + Unpin,
{
    let blobs = std::sync::Arc::clone(&store.blobs);
    let algorithm = claims.algorithm;
    let created = tokio::task::spawn_blocking(move || blobs.create(algorithm)).await;
    let mut sink = Sink::Idle(Box::new(created.map_err(Fault::from)?.map_err(Fault::from)?));
    let mut batch = Vec::new();
    let (mut batched, mut total) = (0, 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broken_body(&error))?;
        batched += chunk.len();
        total += chunk.len() as u64;
        if total > *size_bytes.end() {
            return Err(too_large());
        }
        batch.push(chunk);
        if batched >= BATCH_BYTES {
            sink = sink.write(std::mem::take(&mut batch)).await?;
            batched = 0;
        }
    }
    let writer = sink.write(batch).await?.settle().await?;
    let (blob, digested) = writer.finish();
    if digested.size_bytes < *size_bytes.start() {
        return Err(fault::s3(
            S3ErrorCode::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    claims.check(&digested, trailers)?;
    Ok(Received { blob, digested })
}

/// A writer, or one at work on a blocking thread: the next bytes arrive while the last are written.
enum Sink {
    Idle(Box<BlobWriter>),
    Busy(JoinHandle<std::io::Result<Box<BlobWriter>>>),
}

impl Sink {
    async fn settle(self) -> Result<Box<BlobWriter>, Fault> {
        match self {
            Self::Idle(writer) => Ok(writer),
            Self::Busy(task) => Ok(task.await??),
        }
    }

    async fn write(self, chunks: Vec<Bytes>) -> Result<Self, Fault> {
        let mut writer = self.settle().await?;
        Ok(Self::Busy(tokio::task::spawn_blocking(move || {
            writer.write(&chunks)?;
            Ok(writer)
        })))
    }
}

/// `s3s` keeps the types of its stream errors to itself: only their text tells them apart.
fn broken_body(error: &StdError) -> S3Error {
    let text = error.to_string();
    tracing::debug!(%text, "an upload broke off");
    if text.contains("Sha256Mismatch") {
        return custom(
            "XAmzContentSHA256Mismatch",
            http::StatusCode::BAD_REQUEST,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
    }
    if text.contains("SignatureMismatch") {
        return fault::s3(
            S3ErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key \
             and signing method.",
        );
    }
    incomplete_body()
}
