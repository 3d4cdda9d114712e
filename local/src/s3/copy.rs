//! `CopyObject` and `UploadPartCopy`.

use std::sync::Arc;

use http::HeaderMap;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, ETagCondition,
    UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::blobs::{Digested, Digests, NewBlob, Reader};
use super::checksum::Algorithm;
use super::conditions::{ReadConditions, shown};
use super::event::EventKind;
use super::fault::{self, Fault};
use super::get;
use super::index::{buckets, objects, uploads};
use super::model::{Attributes, Headers, NewObject, PartRow, Segment, Versioning};
use super::multipart;
use super::put::{self, checksum_type, etag, origin, show_checksum};
use super::receive::{MAX_PART_BYTES, algorithm_named};
use super::store::Store;
use super::tagging;

struct Source {
    bucket: String,
    key: String,
    version_id: Option<String>,
}

fn source(from: CopySource) -> S3Result<Source> {
    match from {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => Ok(Source {
            bucket: bucket.into(),
            key: key.into(),
            version_id: version_id.map(Into::into),
        }),
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => Err(fault::s3(
            S3ErrorCode::NotImplemented,
            "Copying from access points is not implemented",
        )),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// `If-Match` and `If-None-Match` of the object to be replaced; `s3s` does not read them for copies.
fn target_condition(headers: &HeaderMap) -> S3Result<objects::WriteCondition> {
    let parse = |name: &str| -> S3Result<Option<ETagCondition>> {
        text(headers, name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|_| fault::invalid_argument(format!("invalid header: {name}")))
            })
            .transpose()
    };
    put::write_condition(parse("if-match")?, parse("if-none-match")?)
}

/// A directive is `COPY` unless it says `REPLACE`.
fn replaces(directive: Option<&str>) -> S3Result<bool> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(_) => Err(fault::invalid_argument("Unknown metadata directive.")),
    }
}

/// A copy of an object onto itself is there to change something about it.
fn check_changes_something(given: &Attributes) -> S3Result<()> {
    let changes = given.storage_class.is_some()
        || given.encryption.is_some()
        || given.headers.website_redirect_location.is_some();
    if changes {
        return Ok(());
    }
    Err(fault::s3(
        S3ErrorCode::InvalidRequest,
        "This copy request is illegal because it is trying to copy an object to itself without changing the \
         object's metadata, storage class, website redirect location or encryption attributes.",
    ))
}

/// What is larger has to be copied in parts.
fn check_copyable(size_bytes: u64) -> S3Result<()> {
    if size_bytes <= MAX_PART_BYTES {
        return Ok(());
    }
    Err(fault::s3(
        S3ErrorCode::InvalidRequest,
        "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
    ))
}

/// What a copy keeps of its source; the redirect is never copied.
fn with_headers_of(mut given: Attributes, source: &Attributes) -> Attributes {
    let redirect = given.headers.website_redirect_location.take();
    given.headers = Headers {
        website_redirect_location: redirect,
        ..source.headers.clone()
    };
    given
}

/// `CopyObject`. The copy names the same blobs; only their digest is computed anew, since the `ETag` of a
/// copy is that of an object put in one piece.
pub(super) async fn copy_object(
    store: &Arc<Store>,
    request: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let origin = origin(&request);
    let headers = request.headers;
    let input = request.input;
    let from = source(input.copy_source)?;
    let replaces_metadata = replaces(text(&headers, "x-amz-metadata-directive"))?;
    let replaces_tags = replaces(text(&headers, "x-amz-tagging-directive"))?;
    let algorithm = text(&headers, "x-amz-checksum-algorithm")
        .map(algorithm_named)
        .transpose()?;
    let condition = target_condition(&headers)?;
    let given = put::attributes(&headers)?;
    let onto_itself = from.bucket == input.bucket && from.key == input.key && from.version_id.is_none();
    if onto_itself && !replaces_metadata {
        check_changes_something(&given)?;
    }
    let target_bucket = input.bucket.clone();
    store
        .read(move |connection| buckets::bucket(connection, &target_bucket))
        .await?;
    let (object, versioning, pinned) = get::find(store, from.bucket, from.key, from.version_id).await?;
    ReadConditions {
        matches: input.copy_source_if_match,
        matches_none: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    }
    .check_source(&object)?;
    check_copyable(object.size_bytes)?;

    let attributes = if replaces_metadata {
        given
    } else {
        with_headers_of(given, &object.attributes)
    };
    let tags = if replaces_tags {
        tagging::from_header(input.tagging.as_deref())?
    } else {
        object.tags.clone()
    };
    let algorithm = algorithm
        .or(object
            .attributes
            .checksum
            .as_ref()
            .map(|checksum| checksum.algorithm))
        .unwrap_or(Algorithm::Crc64Nvme);
    let encryption = put::encryption(&attributes);
    let kms_key_id = attributes.kms_key_id.clone();
    let segments = object.segments.clone();
    let size_bytes = object.size_bytes;
    let writer = Arc::clone(store);
    // In one task: the blobs stay pinned until the new row names them.
    let task = move || -> Result<_, Fault> {
        let mut reader = Reader::new(pinned, &segments, &(0..size_bytes));
        let mut digests = Digests::new(Some(algorithm));
        while let Some(chunk) = reader.next_chunk()? {
            digests.update(&chunk);
        }
        let digested = digests.finish();
        let attributes = Attributes {
            checksum: digested.checksum.clone(),
            ..attributes
        };
        let copy = NewObject {
            bucket: input.bucket,
            key: input.key,
            size_bytes,
            etag: digested.etag(),
            segments,
            attributes,
            tags,
        };
        let put = writer.write_blocking(|change| {
            change.check_named(&copy.segments)?;
            objects::put(change, &origin, EventKind::CreatedCopy, copy, &condition)
        })?;
        Ok((put, digested))
    };
    let ((modified, version_id), digested) =
        tokio::task::spawn_blocking(task).await.map_err(Fault::from)??;
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&digested.etag())),
        last_modified: Some(shown(modified)),
        checksum_type: checksum_type(digested.checksum.as_ref()),
        ..CopyObjectResult::default()
    };
    show_checksum!(result, &digested.checksum);
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: (versioning != Versioning::Unversioned).then_some(object.version_id),
        version_id,
        server_side_encryption: Some(encryption),
        ssekms_key_id: kms_key_id,
        ..CopyObjectOutput::default()
    }))
}

/// `x-amz-copy-source-range`: `bytes=first-last`, both inside the source.
fn part_range(range: Option<&str>, size_bytes: u64) -> S3Result<std::ops::Range<u64>> {
    let Some(range) = range else {
        return Ok(0..size_bytes);
    };
    let invalid = || {
        fault::invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last \
             are the zero-based offsets of the first and last bytes to copy",
        )
    };
    let (first, last) = range
        .strip_prefix("bytes=")
        .and_then(|r| r.split_once('-'))
        .ok_or_else(invalid)?;
    let first: u64 = first.parse().map_err(|_| invalid())?;
    let last: u64 = last.parse().map_err(|_| invalid())?;
    if first > last {
        return Err(invalid());
    }
    if last >= size_bytes {
        return Err(fault::invalid_argument(format!(
            "Range specified is not valid for source object of size: {size_bytes}"
        )));
    }
    Ok(first..last + 1)
}

/// `UploadPartCopy`: writes the bytes anew, as the part's own.
pub(super) async fn upload_part_copy(
    store: &Arc<Store>,
    request: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = request.input;
    multipart::check_part_number(input.part_number)?;
    let from = source(input.copy_source)?;
    let (bucket, key, upload_id) = (input.bucket, input.key, input.upload_id);
    let upload = {
        let (bucket, key, upload_id) = (bucket.clone(), key.clone(), upload_id.clone());
        store
            .read(move |connection| uploads::upload(connection, &bucket, &key, &upload_id))
            .await?
    };
    let (object, versioning, pinned) = get::find(store, from.bucket, from.key, from.version_id).await?;
    ReadConditions {
        matches: input.copy_source_if_match,
        matches_none: input.copy_source_if_none_match,
        modified_since: input.copy_source_if_modified_since,
        unmodified_since: input.copy_source_if_unmodified_since,
    }
    .check_source(&object)?;
    let range = part_range(input.copy_source_range.as_deref(), object.size_bytes)?;
    if range.end - range.start > MAX_PART_BYTES {
        return Err(super::receive::too_large());
    }
    let algorithm = upload
        .checksum
        .map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm);
    let segments = object.segments;
    let writer = Arc::clone(store);
    let task = move || -> Result<_, Fault> {
        let mut reader = Reader::new(pinned, &segments, &range);
        let mut blob = writer.blobs.create(Some(algorithm))?;
        while let Some(chunk) = reader.next_chunk()? {
            blob.write(&[chunk])?;
        }
        let (blob, digested) = blob.finish();
        let part = part_row(input.part_number, &blob, &digested);
        let modified =
            writer.write_blocking(|change| uploads::put_part(change, &bucket, &key, &upload_id, &part))?;
        blob.keep();
        Ok((modified, digested))
    };
    let (modified, digested) = tokio::task::spawn_blocking(task).await.map_err(Fault::from)??;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&digested.etag())),
        last_modified: Some(shown(modified)),
        ..CopyPartResult::default()
    };
    if upload.checksum.is_some() {
        show_checksum!(result, &digested.checksum);
    }
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: (versioning != Versioning::Unversioned).then_some(object.version_id),
        server_side_encryption: Some(put::encryption(&upload.attributes)),
        ..UploadPartCopyOutput::default()
    }))
}

/// The row of a part that just was written.
pub(super) fn part_row(number: i32, blob: &NewBlob, digested: &Digested) -> PartRow {
    PartRow {
        number,
        etag: digested.etag(),
        size_bytes: digested.size_bytes,
        modified: time::OffsetDateTime::now_utc(),
        segments: vec![Segment {
            blob: blob.id().to_owned(),
            size_bytes: digested.size_bytes,
        }],
        checksum: digested.checksum.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_range_lies_inside_the_source() {
        assert_eq!(part_range(None, 7).unwrap(), 0..7);
        assert_eq!(part_range(Some("bytes=2-4"), 7).unwrap(), 2..5);
        for bad in ["bytes=2-7", "bytes=4-2", "bytes=2-", "bytes=-2", "2-4", ""] {
            assert!(part_range(Some(bad), 7).is_err(), "{bad}");
        }
    }
}
