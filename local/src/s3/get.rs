//! `GetObject`, `HeadObject`, `GetObjectAttributes`.

use std::ops::Range;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, header};
use s3s::dto::{
    ChecksumMode, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectPart, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::blobs::{Pinned, Reader};
use super::checksum::Checksum;
use super::conditions::{ReadConditions, shown};
use super::fault::{self, custom};
use super::front::{PlainEtag, Status};
use super::index::objects;
use super::model::{ObjectRow, Versioning};
use super::put::{checksum_type, encryption, etag, show_checksum};
use super::store::Store;

/// What S3 says of objects put without a type.
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// The object, its blobs kept from removal. A delete marker is an error that says so in its headers.
pub(super) async fn find(
    store: &Arc<Store>,
    bucket: String,
    key: String,
    version_id: Option<String>,
) -> S3Result<(ObjectRow, Versioning, Pinned)> {
    let named = version_id.is_some();
    let ((object, versioning), pinned) = store
        .read_pinned(
            move |connection| objects::lookup(connection, &bucket, &key, version_id.as_deref()),
            |(object, _)| &object.segments,
        )
        .await?;
    if object.is_delete_marker {
        return Err(hidden(&object, named));
    }
    Ok((object, versioning, pinned))
}

/// A delete marker asked for by its id cannot be read; one that merely is the newest hides the key.
fn hidden(object: &ObjectRow, named: bool) -> S3Error {
    let mut error = if named {
        fault::s3(
            S3ErrorCode::MethodNotAllowed,
            "The specified method is not allowed against this resource.",
        )
    } else {
        fault::no_such_key()
    };
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(id) = HeaderValue::from_str(&object.version_id) {
        headers.insert("x-amz-version-id", id);
    }
    if named {
        headers.insert(header::ALLOW, HeaderValue::from_static("DELETE"));
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    error.set_headers(headers);
    error
}

/// What part of an object is asked for.
struct Selection {
    range: Range<u64>,
    /// `Content-Range`, when it is not the whole.
    content_range: Option<String>,
    parts_count: Option<i32>,
    /// The checksum of the part asked for.
    part_checksum: Option<Checksum>,
    is_part: bool,
}

fn select(
    object: &ObjectRow,
    range: Option<s3s::dto::Range>,
    part_number: Option<i32>,
) -> S3Result<Selection> {
    let size = object.size_bytes;
    let whole = Selection {
        range: 0..size,
        content_range: None,
        parts_count: None,
        part_checksum: None,
        is_part: false,
    };
    let show = |range: &Range<u64>| Some(format!("bytes {}-{}/{size}", range.start, range.end - 1));
    match (range, part_number) {
        (Some(_), Some(_)) => Err(fault::s3(
            S3ErrorCode::InvalidRequest,
            "Cannot specify both Range header and partNumber query parameter",
        )),
        (None, None) => Ok(whole),
        (Some(range), None) => {
            let range = range.check(size).map_err(|_| unsatisfiable(size))?;
            if range.is_empty() {
                return Err(unsatisfiable(size));
            }
            Ok(Selection {
                content_range: show(&range),
                range,
                ..whole
            })
        }
        (None, Some(number)) => {
            let parts = &object.attributes.parts;
            if parts.is_empty() {
                // An object put in one piece is its own only part.
                return if number == 1 {
                    let content_range = if size == 0 { None } else { show(&(0..size)) };
                    Ok(Selection {
                        content_range,
                        is_part: true,
                        ..whole
                    })
                } else {
                    Err(invalid_part_number())
                };
            }
            let index = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
            let part = index
                .and_then(|index| parts.get(index))
                .ok_or_else(invalid_part_number)?;
            let start: u64 = parts
                .iter()
                .take(index.unwrap_or(0))
                .map(|part| part.size_bytes)
                .sum();
            let range = start..start + part.size_bytes;
            Ok(Selection {
                content_range: if range.is_empty() { None } else { show(&range) },
                range,
                parts_count: i32::try_from(parts.len()).ok(),
                part_checksum: part.checksum.clone(),
                is_part: true,
            })
        }
    }
}

fn unsatisfiable(size: u64) -> S3Error {
    let mut error = fault::s3(
        S3ErrorCode::InvalidRange,
        "The requested range is not satisfiable",
    );
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
        headers.insert(header::CONTENT_RANGE, value);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    error.set_headers(headers);
    error
}

fn invalid_part_number() -> S3Error {
    custom(
        "InvalidPartNumber",
        http::StatusCode::RANGE_NOT_SATISFIABLE,
        "The requested partnumber is not satisfiable",
    )
}

/// Whether the checksum is to be told: asked for, and of just the bytes sent.
fn checksum_to_show<'o>(
    object: &'o ObjectRow,
    selection: &'o Selection,
    mode: Option<&ChecksumMode>,
) -> Option<&'o Checksum> {
    if mode.is_none_or(|mode| mode.as_str() != ChecksumMode::ENABLED) {
        return None;
    }
    if selection.is_part && !object.attributes.parts.is_empty() {
        return selection.part_checksum.as_ref();
    }
    if selection.content_range.is_some() && !selection.is_part {
        return None;
    }
    object.attributes.checksum.as_ref()
}

fn shown_version(object: &ObjectRow, versioning: Versioning) -> Option<String> {
    (versioning != Versioning::Unversioned).then(|| object.version_id.clone())
}

/// Fills what `GetObjectOutput` and `HeadObjectOutput` have in common.
macro_rules! describe {
    ($output:expr, $object:expr, $versioning:expr, $selection:expr, $mode:expr) => {{
        let headers = &$object.attributes.headers;
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = i64::try_from($selection.range.end - $selection.range.start).ok();
        $output.content_range.clone_from(&$selection.content_range);
        $output.cache_control.clone_from(&headers.cache_control);
        $output
            .content_disposition
            .clone_from(&headers.content_disposition);
        $output.content_encoding.clone_from(&headers.content_encoding);
        $output.content_language.clone_from(&headers.content_language);
        $output
            .website_redirect_location
            .clone_from(&headers.website_redirect_location);
        let content_type = headers.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE);
        $output.content_type = Some(content_type.to_owned());
        $output.e_tag = Some(etag(&$object.etag));
        $output.last_modified = Some(shown($object.modified));
        let metadata = &headers.metadata;
        $output.metadata = (!metadata.is_empty()).then(|| metadata.clone().into_iter().collect());
        $output.parts_count = $selection.parts_count;
        $output.server_side_encryption = Some(encryption(&$object.attributes));
        $output.ssekms_key_id.clone_from(&$object.attributes.kms_key_id);
        $output.storage_class = $object.attributes.storage_class.clone().map(Into::into);
        $output.version_id = shown_version(&$object, $versioning);
        let checksum = checksum_to_show(&$object, &$selection, $mode);
        $output.checksum_type = checksum_type(checksum);
        show_checksum!($output, checksum);
    }};
}

/// `Expires` is kept and told as text: S3 does not mind what is in it.
fn expires(object: &ObjectRow) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(value) = &object.attributes.headers.expires
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(header::EXPIRES, value);
    }
    headers
}

/// `GetObject`.
pub(super) async fn get_object(
    store: &Arc<Store>,
    request: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = request.input;
    let expires_is_overridden = input.response_expires.is_some();
    let (object, versioning, pinned) = find(store, input.bucket, input.key, input.version_id).await?;
    let conditions = ReadConditions {
        matches: input.if_match,
        matches_none: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let selection = select(&object, input.range, input.part_number)?;
    let mut output = GetObjectOutput::default();
    describe!(
        output,
        object,
        versioning,
        selection,
        input.checksum_mode.as_ref()
    );
    output.tag_count = i32::try_from(object.tags.len()).ok().filter(|count| *count > 0);
    let length = selection.range.end - selection.range.start;
    let reader = Reader::new(pinned, &object.segments, &selection.range);
    output.body = Some(StreamingBlob::new(reader.into_stream(length)));
    let headers = if expires_is_overridden {
        HeaderMap::new()
    } else {
        expires(&object)
    };
    Ok(S3Response::with_headers(output, headers))
}

/// `HeadObject`.
pub(super) async fn head_object(
    store: &Arc<Store>,
    request: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = request.input;
    let (object, versioning, _) = find(store, input.bucket, input.key, input.version_id).await?;
    let conditions = ReadConditions {
        matches: input.if_match,
        matches_none: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let selection = select(&object, input.range, input.part_number)?;
    let mut output = HeadObjectOutput::default();
    describe!(
        output,
        object,
        versioning,
        selection,
        input.checksum_mode.as_ref()
    );
    let status = if selection.content_range.is_some() {
        http::StatusCode::PARTIAL_CONTENT
    } else {
        http::StatusCode::OK
    };
    let mut response = S3Response::with_headers(output, expires(&object));
    response.extensions.insert(Status(status));
    if !object.tags.is_empty()
        && let Ok(count) = HeaderValue::try_from(object.tags.len().to_string())
    {
        response.headers.insert("x-amz-tagging-count", count);
    }
    Ok(response)
}

/// `GetObjectAttributes`.
pub(super) async fn get_object_attributes(
    store: &Arc<Store>,
    request: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let input = request.input;
    let (object, versioning, _) = find(store, input.bucket, input.key, input.version_id).await?;
    // Several names may share one header line.
    let wanted: Vec<String> = input
        .object_attributes
        .iter()
        .flat_map(|names| names.as_str().split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    let wants = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    if wanted.is_empty() || wanted.iter().any(|name| !known.contains(&name.as_str())) {
        return Err(fault::invalid_argument("Invalid attribute name specified."));
    }
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(shown(object.modified)),
        version_id: shown_version(&object, versioning),
        ..GetObjectAttributesOutput::default()
    };
    if wants("ETag") {
        output.e_tag = Some(etag(&object.etag));
    }
    if wants("ObjectSize") {
        output.object_size = i64::try_from(object.size_bytes).ok();
    }
    if wants("StorageClass") {
        let class = object.attributes.storage_class.clone();
        output.storage_class = Some(class.unwrap_or_else(|| "STANDARD".to_owned()).into());
    }
    if wants("Checksum")
        && let Some(checksum) = &object.attributes.checksum
    {
        let mut shown = s3s::dto::Checksum {
            checksum_type: checksum_type(Some(checksum)),
            ..s3s::dto::Checksum::default()
        };
        show_checksum!(shown, Some(checksum));
        output.checksum = Some(shown);
    }
    if wants("ObjectParts") && !object.attributes.parts.is_empty() {
        output.object_parts = Some(parts(&object, input.part_number_marker, input.max_parts));
    }
    let mut response = S3Response::new(output);
    response.extensions.insert(PlainEtag);
    Ok(response)
}

fn parts(object: &ObjectRow, marker: Option<i32>, max_parts: Option<i32>) -> GetObjectAttributesParts {
    let after = marker.unwrap_or(0);
    let limit = max_parts
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(1000)
        .min(1000);
    let mut rest = object.attributes.parts.iter().filter(|part| part.number > after);
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let next = page.last().map_or(after, |part| part.number);
    // S3 names the parts only of objects that carry a checksum for each.
    let has_checksums = page.iter().all(|part| part.checksum.is_some());
    let shown = page.iter().map(|part| {
        let mut shown = ObjectPart {
            part_number: Some(part.number),
            size: i64::try_from(part.size_bytes).ok(),
            ..ObjectPart::default()
        };
        show_checksum!(shown, &part.checksum);
        shown
    });
    GetObjectAttributesParts {
        is_truncated: Some(rest.next().is_some()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: Some(next),
        part_number_marker: Some(after),
        parts: has_checksums.then(|| shown.collect()),
        total_parts_count: i32::try_from(object.attributes.parts.len()).ok(),
    }
}
