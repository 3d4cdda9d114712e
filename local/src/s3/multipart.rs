//! Multipart uploads.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>

use std::collections::HashMap;
use std::sync::Arc;

use md5::Digest as _;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    StreamingBlob, UploadPartInput, UploadPartOutput,
};
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use time::OffsetDateTime;

use super::blobs::hex;
use super::checksum::{self, Algorithm, Checksum, Kind};
use super::copy::part_row;
use super::event::EventKind;
use super::fault::{self, Outcome, invalid_argument};
use super::index::{objects, uploads};
use super::model::{NewObject, PartMap, PartRow, UploadRow};
use super::put::{self, checksum_type, etag, origin, show_checksum};
use super::receive::{self, Claims, algorithm_named};
use super::store::Store;
use super::tagging;

/// All parts but the last have at least this size.
const MIN_PART_BYTES: u64 = 5 * 1024 * 1024;
const MAX_PART_NUMBER: i32 = 10_000;

pub(super) fn check_part_number(number: i32) -> S3Result<()> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        return Ok(());
    }
    Err(invalid_argument(
        "Part number must be an integer between 1 and 10000, inclusive",
    ))
}

/// `CreateMultipartUpload`.
pub(super) async fn create(
    store: &Arc<Store>,
    request: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let input = request.input;
    let algorithm = input
        .checksum_algorithm
        .as_ref()
        .map(|name| algorithm_named(name.as_str()))
        .transpose()?;
    let kind = match input.checksum_type.as_ref().map(s3s::dto::ChecksumType::as_str) {
        None => None,
        Some("COMPOSITE") => Some(Kind::Composite),
        Some("FULL_OBJECT") => Some(Kind::FullObject),
        Some(_) => {
            return Err(fault::s3(
                S3ErrorCode::InvalidRequest,
                "Value for x-amz-checksum-type header is invalid.",
            ));
        }
    };
    let checksum = match (algorithm, kind) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(fault::s3(
                S3ErrorCode::InvalidRequest,
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            ));
        }
        (Some(algorithm), kind) => {
            let kind = kind.unwrap_or(algorithm.default_kind());
            if !algorithm.allows(kind) {
                return Err(fault::s3(
                    S3ErrorCode::InvalidRequest,
                    format!(
                        "The {} checksum type cannot be used with the {} checksum algorithm.",
                        kind.as_str(),
                        algorithm.name().to_lowercase()
                    ),
                ));
            }
            Some((algorithm, kind))
        }
    };
    let upload = UploadRow {
        id: format!("{}{}", ulid::Ulid::generate(), ulid::Ulid::generate()).to_ascii_lowercase(),
        bucket: input.bucket,
        key: input.key,
        initiated: OffsetDateTime::now_utc(),
        attributes: put::attributes(&request.headers)?,
        tags: tagging::from_header(input.tagging.as_deref())?,
        checksum,
    };
    let output = CreateMultipartUploadOutput {
        bucket: Some(upload.bucket.clone()),
        key: Some(upload.key.clone()),
        upload_id: Some(upload.id.clone()),
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned().into()),
        checksum_type: checksum.map(|(_, kind)| kind.as_str().to_owned().into()),
        server_side_encryption: Some(put::encryption(&upload.attributes)),
        ssekms_key_id: upload.attributes.kms_key_id.clone(),
        ..CreateMultipartUploadOutput::default()
    };
    store
        .write(move |change| uploads::create(change, &upload))
        .await?;
    Ok(S3Response::new(output))
}

/// `UploadPart`.
pub(super) async fn upload_part(
    store: &Arc<Store>,
    mut request: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let number = request.input.part_number;
    check_part_number(number)?;
    let (bucket, key, upload_id) = (
        request.input.bucket.clone(),
        request.input.key.clone(),
        request.input.upload_id.clone(),
    );
    let upload = {
        let (bucket, key, upload_id) = (bucket.clone(), key.clone(), upload_id.clone());
        store
            .read(move |connection| uploads::upload(connection, &bucket, &key, &upload_id))
            .await?
    };
    let claims = Claims::from_headers(&request.headers, request.input.content_length)?;
    if let (Some((expected, _)), Some(actual)) = (upload.checksum, claims.algorithm())
        && expected != actual
    {
        return Err(fault::s3(
            S3ErrorCode::InvalidRequest,
            format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                expected.name().to_lowercase(),
                actual.name().to_lowercase()
            ),
        ));
    }
    if let (Some((expected, _)), None) = (upload.checksum, claims.algorithm())
        && expected.is_digest()
    {
        return Err(fault::s3(
            S3ErrorCode::InvalidRequest,
            format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: null",
                expected.name().to_lowercase()
            ),
        ));
    }
    // Without an algorithm of its own the upload ends as S3's default, over all of it.
    let default = upload
        .checksum
        .map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm);
    let shows_checksum = upload.checksum.is_some() || claims.algorithm().is_some();
    let claims = claims.or_algorithm(Some(default));
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
    let part = part_row(number, &received.blob, &received.digested);
    let mut output = UploadPartOutput {
        e_tag: Some(etag(&part.etag)),
        server_side_encryption: Some(put::encryption(&upload.attributes)),
        ..UploadPartOutput::default()
    };
    if shows_checksum {
        show_checksum!(output, &part.checksum);
    }
    store
        .write_naming(received.blob, move |change| {
            uploads::put_part(change, &bucket, &key, &upload_id, &part)
        })
        .await?;
    Ok(S3Response::new(output))
}

fn invalid_part() -> S3Error {
    fault::s3(
        S3ErrorCode::InvalidPart,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
         specified entity tag may not match the part's entity tag.",
    )
}

fn named_checksum(part: &CompletedPart) -> Option<(Algorithm, &str)> {
    [
        (Algorithm::Crc32, &part.checksum_crc32),
        (Algorithm::Crc32c, &part.checksum_crc32c),
        (Algorithm::Crc64Nvme, &part.checksum_crc64nvme),
        (Algorithm::Sha1, &part.checksum_sha1),
        (Algorithm::Sha256, &part.checksum_sha256),
    ]
    .into_iter()
    .find_map(|(algorithm, value)| value.as_deref().map(|value| (algorithm, value)))
}

/// An upload that was begun with a digest is completed with the digest of each part.
fn check_named(algorithm: Algorithm, named: &[CompletedPart]) -> S3Result<()> {
    let missing = named.iter().find(|part| named_checksum(part).is_none());
    match missing.filter(|_| algorithm.is_digest()) {
        None => Ok(()),
        Some(part) => Err(fault::s3(
            S3ErrorCode::InvalidRequest,
            format!(
                "The upload was created using a {} checksum. The complete request must include the checksum for \
                 each part. It was missing for part {} in the request.",
                algorithm.name().to_lowercase(),
                part.part_number.unwrap_or_default()
            ),
        )),
    }
}

/// The uploaded parts that the request names, in its order, all as it says they are.
fn chosen(uploaded: Vec<PartRow>, named: &[CompletedPart]) -> S3Result<Vec<PartRow>> {
    if named.is_empty() {
        return Err(fault::s3(
            S3ErrorCode::MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    let numbers: Vec<i32> = named.iter().map(|part| part.part_number.unwrap_or(0)).collect();
    if !numbers.is_sorted_by(|a, b| a < b) {
        return Err(fault::s3(
            S3ErrorCode::InvalidPartOrder,
            "The list of parts was not in ascending order. The parts list must be specified in order by \
             part number.",
        ));
    }
    let mut uploaded: HashMap<i32, PartRow> = uploaded.into_iter().map(|part| (part.number, part)).collect();
    let mut parts = Vec::with_capacity(named.len());
    for (number, named) in numbers.into_iter().zip(named) {
        let part = uploaded.remove(&number).ok_or_else(invalid_part)?;
        if named.e_tag.as_ref().is_none_or(|etag| etag.value() != part.etag) {
            return Err(invalid_part());
        }
        if let (Some((algorithm, value)), Some(checksum)) = (named_checksum(named), &part.checksum)
            && (checksum.algorithm != algorithm || checksum.value != value)
        {
            return Err(invalid_part());
        }
        parts.push(part);
    }
    let too_small = |part: &PartRow| part.size_bytes < MIN_PART_BYTES;
    if parts.iter().rev().skip(1).any(too_small) {
        return Err(fault::s3(
            S3ErrorCode::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    Ok(parts)
}

/// The entity tag of a multipart object: the MD5 of the parts' MD5s, and their number.
fn combined_etag(parts: &[PartRow]) -> String {
    let mut md5 = md5::Md5::new();
    for part in parts {
        let etag = part.etag.as_bytes();
        let bytes: Vec<u8> = etag
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        md5.update(&bytes);
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

/// The checksum of the whole; `None` where the parts carry different ones.
fn combined_checksum(upload: &UploadRow, parts: &[PartRow]) -> Option<Checksum> {
    let first = parts.first()?.checksum.as_ref()?.algorithm;
    let (algorithm, kind) = upload.checksum.unwrap_or((first, first.default_kind()));
    let values: Option<Vec<(&str, u64)>> = parts
        .iter()
        .map(|part| {
            let checksum = part
                .checksum
                .as_ref()
                .filter(|checksum| checksum.algorithm == algorithm)?;
            Some((checksum.value.as_str(), part.size_bytes))
        })
        .collect();
    checksum::combine(algorithm, kind, &values?)
}

/// What the request says the whole comes to.
fn check_whole(
    headers: &http::HeaderMap,
    input: &CompleteMultipartUploadInput,
    checksum: Option<&Checksum>,
    size_bytes: u64,
) -> S3Result<()> {
    if input
        .mpu_object_size
        .as_ref()
        .is_some_and(|size| u64::try_from(*size).ok() != Some(size_bytes))
    {
        return Err(fault::s3(
            S3ErrorCode::InvalidRequest,
            "The provided 'x-amz-mp-object-size' header value does not match what was computed.",
        ));
    }
    for algorithm in Algorithm::ALL {
        let Some(claimed) = headers
            .get(algorithm.header())
            .and_then(|value| value.to_str().ok())
        else {
            continue;
        };
        let holds = checksum.is_some_and(|checksum| {
            let digits = checksum.value.split('-').next().unwrap_or_default();
            checksum.algorithm == algorithm && (checksum.value == claimed || digits == claimed)
        });
        if !holds {
            return Err(fault::s3(
                S3ErrorCode::BadDigest,
                format!(
                    "The {} you specified did not match the calculated checksum.",
                    algorithm.name()
                ),
            ));
        }
    }
    Ok(())
}

/// `CompleteMultipartUpload`: the object takes the parts' blobs over, no byte is copied.
pub(super) async fn complete(
    store: &Arc<Store>,
    request: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let origin = origin(&request);
    let headers = request.headers;
    let input = request.input;
    let condition = put::write_condition(input.if_match.clone(), input.if_none_match.clone())?;
    let bucket = input.bucket.clone();
    let key = input.key.clone();
    let work = move |change: &mut super::index::Change<'_>| -> Outcome<_> {
        let upload = uploads::upload(&change.transaction, &input.bucket, &input.key, &input.upload_id)?;
        let uploaded = uploads::parts(&change.transaction, &upload.id, 0, usize::MAX)?;
        let named = input
            .multipart_upload
            .as_ref()
            .and_then(|upload| upload.parts.as_deref());
        let named = named.unwrap_or_default();
        if let Some((algorithm, _)) = upload.checksum {
            check_named(algorithm, named)?;
        }
        let parts = chosen(uploaded, named)?;
        let size_bytes = parts.iter().map(|part| part.size_bytes).sum();
        let checksum = combined_checksum(&upload, &parts);
        check_whole(&headers, &input, checksum.as_ref(), size_bytes)?;
        let etag = combined_etag(&parts);
        let keeps_part_checksums = upload.checksum.is_some();
        let mut attributes = upload.attributes.clone();
        attributes.checksum.clone_from(&checksum);
        attributes.parts = parts
            .iter()
            .map(|part| PartMap {
                number: part.number,
                size_bytes: part.size_bytes,
                checksum: part.checksum.clone().filter(|_| keeps_part_checksums),
            })
            .collect();
        let object = NewObject {
            bucket: upload.bucket,
            key: upload.key,
            size_bytes,
            etag: etag.clone(),
            segments: parts.into_iter().flat_map(|part| part.segments).collect(),
            attributes,
            tags: upload.tags,
        };
        let encryption = put::encryption(&upload.attributes);
        let kind = EventKind::CreatedCompleteMultipartUpload;
        let (_, version_id) = objects::put(change, &origin, kind, object, &condition)?;
        uploads::remove(change, &upload.id)?;
        Ok((etag, version_id, checksum, encryption))
    };
    let (tag, version_id, checksum, encryption) = store.write(work).await?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{key}")),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(etag(&tag)),
        version_id,
        checksum_type: checksum_type(checksum.as_ref()),
        server_side_encryption: Some(encryption),
        ..CompleteMultipartUploadOutput::default()
    };
    show_checksum!(output, &checksum);
    Ok(S3Response::new(output))
}

/// `AbortMultipartUpload`.
pub(super) async fn abort(
    store: &Arc<Store>,
    request: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    store
        .write(move |change| {
            let upload = uploads::upload(&change.transaction, &input.bucket, &input.key, &input.upload_id)?;
            uploads::remove(change, &upload.id)
        })
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: i32, size_bytes: u64) -> PartRow {
        PartRow {
            number,
            etag: format!("{number:032x}"),
            size_bytes,
            modified: OffsetDateTime::UNIX_EPOCH,
            segments: Vec::new(),
            checksum: None,
        }
    }

    fn named(number: i32) -> CompletedPart {
        CompletedPart {
            part_number: Some(number),
            e_tag: Some(etag(&format!("{number:032x}"))),
            ..CompletedPart::default()
        }
    }

    fn code(outcome: S3Result<Vec<PartRow>>) -> String {
        outcome.unwrap_err().code().as_str().to_owned()
    }

    #[test]
    fn parts_are_validated_before_anything_is_completed() {
        let uploaded = || vec![part(1, MIN_PART_BYTES), part(2, 1), part(3, 1)];
        assert_eq!(chosen(uploaded(), &[named(1), named(3)]).unwrap().len(), 2);
        assert_eq!(code(chosen(uploaded(), &[])), "MalformedXML");
        assert_eq!(
            code(chosen(uploaded(), &[named(2), named(1)])),
            "InvalidPartOrder"
        );
        assert_eq!(code(chosen(uploaded(), &[named(1), named(4)])), "InvalidPart");
        assert_eq!(
            code(chosen(uploaded(), &[named(1), named(2), named(3)])),
            "EntityTooSmall"
        );
        let mut wrong = named(1);
        wrong.e_tag = Some(etag("0"));
        assert_eq!(code(chosen(uploaded(), &[wrong])), "InvalidPart");
    }

    #[test]
    fn the_entity_tag_is_the_digest_of_digests() {
        // printf 'd41d8cd98f00b204e9800998ecf8427e%.0s' 1 2 | xxd -r -p | md5sum
        let empty = PartRow {
            etag: "d41d8cd98f00b204e9800998ecf8427e".into(),
            ..part(1, 0)
        };
        assert_eq!(
            combined_etag(&[empty.clone(), empty]),
            "5873dd45edd01f09c1ef2e7819369e8e-2"
        );
    }
}
