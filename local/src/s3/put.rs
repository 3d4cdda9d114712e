//! `PutObject`, and what every way of making an object shares.

use std::sync::Arc;

use http::HeaderMap;
use s3s::dto::{ETag, ETagCondition, PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::{Body, S3ErrorCode, S3Request, S3Response, S3Result};

use super::acl;
use super::checksum::{Algorithm, Checksum};
use super::event::{EventKind, Origin};
use super::fault::{self, Fault};
use super::index::buckets;
use super::index::objects::{self, WriteCondition};
use super::model::{Attributes, Headers, NewObject, Segment, Tags};
use super::receive::{self, Claims, Received};
use super::store::Store;
use super::tagging;

/// The most bytes of user metadata, names and values together.
const MAX_METADATA_BYTES: usize = 2 * 1024;

pub(super) fn origin<T>(request: &S3Request<T>) -> Origin {
    request.extensions.get::<Origin>().cloned().unwrap_or_default()
}

/// Reads what a client stores beside the bytes from the request's headers, as they are: `s3s` would parse
/// some of them and refuse what S3 keeps without a look.
pub(super) fn headers(from: &HeaderMap) -> S3Result<Headers> {
    let text = |name: &str| {
        from.get(name)
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    let mut headers = Headers {
        content_type: text("content-type"),
        cache_control: text("cache-control"),
        content_disposition: text("content-disposition"),
        content_encoding: text("content-encoding").and_then(|value| without_aws_chunked(&value)),
        content_language: text("content-language"),
        expires: text("expires"),
        website_redirect_location: text("x-amz-website-redirect-location"),
        metadata: std::collections::BTreeMap::new(),
    };
    let mut size_bytes = 0;
    for name in from.keys() {
        let Some(short) = name
            .as_str()
            .strip_prefix("x-amz-meta-")
            .filter(|short| !short.is_empty())
        else {
            continue;
        };
        let values: Vec<_> = from
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        let value = values.join(",");
        size_bytes += short.len() + value.len();
        headers.metadata.insert(short.to_owned(), value);
    }
    if size_bytes > MAX_METADATA_BYTES {
        return Err(fault::s3(
            S3ErrorCode::MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(headers)
}

/// `aws-chunked` says how the bytes travelled, not what they are.
fn without_aws_chunked(value: &str) -> Option<String> {
    let rest: Vec<&str> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

/// Everything a new object gets from the request's headers but its checksum.
pub(super) fn attributes(from: &HeaderMap) -> S3Result<Attributes> {
    let text = |name: &str| {
        from.get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let storage_class = text("x-amz-storage-class");
    if let Some(class) = &storage_class
        && !STORAGE_CLASSES.contains(&class.as_str())
    {
        return Err(fault::s3(
            S3ErrorCode::InvalidStorageClass,
            "The storage class you specified is not valid",
        ));
    }
    Ok(Attributes {
        headers: headers(from)?,
        storage_class: storage_class.filter(|class| class != "STANDARD"),
        encryption: text("x-amz-server-side-encryption"),
        kms_key_id: text("x-amz-server-side-encryption-aws-kms-key-id"),
        checksum: None,
        parts: Vec::new(),
        grants: acl::canned(from.get("x-amz-acl").and_then(|value| value.to_str().ok()))?,
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
const STORAGE_CLASSES: [&str; 11] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
];

/// The encryption to tell: S3 encrypts everything, with its own keys unless told otherwise.
pub(super) fn encryption(attributes: &Attributes) -> s3s::dto::ServerSideEncryption {
    attributes
        .encryption
        .clone()
        .unwrap_or_else(|| "AES256".to_owned())
        .into()
}

pub(super) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// `Sets checksum_crc32` and its siblings, and `checksum_type`, of an output.
macro_rules! show_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let checksum: &$crate::s3::checksum::Checksum = checksum;
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::s3::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::s3::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::s3::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
                $crate::s3::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::s3::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
pub(super) use show_checksum;

pub(super) fn checksum_type(checksum: Option<&Checksum>) -> Option<s3s::dto::ChecksumType> {
    checksum.map(|checksum| checksum.kind.as_str().to_owned().into())
}

/// The condition of a write from `If-Match` and `If-None-Match`. S3 takes only `*` for the latter.
pub(super) fn write_condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<WriteCondition> {
    if if_none_match
        .as_ref()
        .is_some_and(|condition| !condition.is_any())
    {
        return Err(fault::s3(
            S3ErrorCode::NotImplemented,
            "A header you provided implies functionality that is not implemented",
        ));
    }
    Ok(WriteCondition {
        if_match,
        if_none_match,
    })
}

/// Commits received bytes as an object.
pub(super) async fn commit(
    store: &Arc<Store>,
    origin: Origin,
    kind: EventKind,
    target: Target,
    received: Received,
) -> S3Result<Committed> {
    let Received { blob, digested } = received;
    let etag = digested.etag();
    let mut attributes = target.attributes;
    attributes.checksum.clone_from(&digested.checksum);
    let object = NewObject {
        bucket: target.bucket,
        key: target.key,
        size_bytes: digested.size_bytes,
        etag: etag.clone(),
        segments: vec![Segment {
            blob: blob.id().to_owned(),
            size_bytes: digested.size_bytes,
        }],
        attributes,
        tags: target.tags,
    };
    let condition = target.condition;
    let (_, version_id) = store
        .write_naming(blob, move |change| {
            objects::put(change, &origin, kind, object, &condition)
        })
        .await?;
    Ok(Committed {
        etag,
        version_id,
        checksum: digested.checksum,
    })
}

/// Where received bytes go.
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
    pub(super) condition: WriteCondition,
}

/// What became of them.
pub(super) struct Committed {
    pub(super) etag: String,
    pub(super) version_id: Option<String>,
    pub(super) checksum: Option<Checksum>,
}

/// `PutObject`.
pub(super) async fn put_object(
    store: &Arc<Store>,
    mut request: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let claims = Claims::from_headers(&request.headers, request.input.content_length)?
        .or_algorithm(Some(Algorithm::Crc64Nvme));
    let target = Target {
        bucket: request.input.bucket.clone(),
        key: request.input.key.clone(),
        attributes: attributes(&request.headers)?,
        tags: tagging::from_header(request.input.tagging.as_deref())?,
        condition: write_condition(request.input.if_match.take(), request.input.if_none_match.take())?,
    };
    let bucket = target.bucket.clone();
    store
        .read(move |connection| buckets::bucket(connection, &bucket))
        .await?;
    let body = request
        .input
        .body
        .take()
        .unwrap_or_else(|| StreamingBlob::from(Body::empty()));
    let received = receive::receive(
        store,
        body,
        &claims,
        request.trailing_headers.as_ref(),
        0..=receive::MAX_PART_BYTES,
    )
    .await?;
    let encryption = encryption(&target.attributes);
    let kms_key_id = target.attributes.kms_key_id.clone();
    let done = commit(store, origin(&request), EventKind::CreatedPut, target, received).await?;
    let mut output = PutObjectOutput {
        e_tag: Some(etag(&done.etag)),
        version_id: done.version_id,
        server_side_encryption: Some(encryption),
        ssekms_key_id: kms_key_id,
        checksum_type: checksum_type(done.checksum.as_ref()),
        ..PutObjectOutput::default()
    };
    show_checksum!(output, &done.checksum);
    Ok(S3Response::new(output))
}

/// An empty key cannot be written to; `s3s` never routes one here, a form can name one.
pub(super) fn check_key(key: &str) -> Result<(), Fault> {
    if key.is_empty() {
        return Err(fault::invalid_argument("User key must have a length greater than 0.").into());
    }
    if !s3s::path::check_key(key) {
        return Err(fault::s3(S3ErrorCode::KeyTooLongError, "Your key is too long").into());
    }
    Ok(())
}
