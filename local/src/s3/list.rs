//! Listings of objects, versions, uploads and parts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput, ListPartsOutput,
    MultipartUpload, Object, ObjectVersion, Owner, Part,
};
use s3s::{S3Request, S3Response, S3Result};

use super::conditions::shown;
use super::fault::invalid_argument;
use super::index::listing::{self, After, Entry, Page, Query};
use super::index::{buckets, uploads};
use super::model::{ObjectRow, UploadRow};
use super::put::{checksum_type, etag, show_checksum};
use super::store::Store;

/// The most entries of a page.
const MAX_ENTRIES: i32 = 1000;

/// The one account there is.
pub(super) fn owner() -> Owner {
    Owner {
        display_name: Some("longshore".to_owned()),
        id: Some("75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a".to_owned()),
    }
}

fn initiator() -> Initiator {
    let owner = owner();
    Initiator {
        display_name: owner.display_name,
        id: owner.id,
    }
}

/// What S3 leaves as it is with `encoding-type=url`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'/')
    .remove(b'*');

/// Encodes names for XML when the client asked for it.
#[derive(Clone, Copy)]
struct Encoder(bool);

impl Encoder {
    fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self(false)),
            Some("url") => Ok(Self(true)),
            Some(_) => Err(invalid_argument("Invalid Encoding Method specified in Request")),
        }
    }

    fn text(self, text: &str) -> String {
        if self.0 {
            utf8_percent_encode(text, KEPT).to_string()
        } else {
            text.to_owned()
        }
    }

    fn some(self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }
}

fn limit(requested: Option<i32>, name: &str) -> S3Result<i32> {
    match requested {
        None => Ok(MAX_ENTRIES),
        Some(limit) if limit >= 0 => Ok(limit.min(MAX_ENTRIES)),
        Some(_) => Err(invalid_argument(format!(
            "Argument {name} must be an integer between 0 and 2147483647"
        ))),
    }
}

fn query(bucket: &str, prefix: Option<&String>, delimiter: Option<&String>, limit: i32) -> Query {
    Query {
        bucket: bucket.to_owned(),
        prefix: prefix.cloned().unwrap_or_default(),
        delimiter: delimiter.filter(|delimiter| !delimiter.is_empty()).cloned(),
        after: None,
        limit: usize::try_from(limit).unwrap_or(0),
    }
}

fn object(row: &ObjectRow, encoder: Encoder, with_owner: bool) -> Object {
    let checksum = row.attributes.checksum.as_ref();
    Object {
        key: Some(encoder.text(&row.key)),
        last_modified: Some(shown(row.modified)),
        e_tag: Some(etag(&row.etag)),
        size: i64::try_from(row.size_bytes).ok(),
        storage_class: Some(class(row).into()),
        owner: with_owner.then(owner),
        checksum_algorithm: checksum.map(|c| vec![c.algorithm.name().to_owned().into()]),
        checksum_type: checksum_type(checksum),
        ..Object::default()
    }
}

fn class(row: &ObjectRow) -> String {
    row.attributes
        .storage_class
        .clone()
        .unwrap_or_else(|| "STANDARD".to_owned())
}

/// The rows and the common prefixes of a page, each in order.
fn split<R>(page: Page<R>, encoder: Encoder) -> (Vec<R>, Vec<CommonPrefix>) {
    let mut rows = Vec::new();
    let mut prefixes = Vec::new();
    for entry in page.entries {
        match entry {
            Entry::Row(row) => rows.push(row),
            Entry::CommonPrefix(prefix) => {
                prefixes.push(CommonPrefix {
                    prefix: Some(encoder.text(&prefix)),
                });
            }
        }
    }
    (rows, prefixes)
}

/// A continuation token says where the page before ended. Clients must not look into it.
fn token(last: &Entry<ObjectRow>) -> String {
    BASE64.encode(match last {
        Entry::Row(row) => format!("k{}", row.key),
        Entry::CommonPrefix(prefix) => format!("p{prefix}"),
    })
}

fn after_token(token: &str) -> S3Result<After> {
    let invalid = || invalid_argument("The continuation token provided is incorrect");
    let text = BASE64
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(invalid)?;
    match (text.strip_prefix('k'), text.strip_prefix('p')) {
        (Some(key), _) => Ok(After::Key(key.to_owned(), None)),
        (_, Some(prefix)) => Ok(After::Prefix(prefix.to_owned())),
        _ => Err(invalid()),
    }
}

async fn objects(store: &Arc<Store>, query: Query) -> S3Result<Page<ObjectRow>> {
    Ok(store
        .read(move |connection| {
            buckets::bucket(connection, &query.bucket)?;
            listing::objects(connection, &query)
        })
        .await?)
}

/// `ListObjectsV2`.
pub(super) async fn list_objects_v2(
    store: &Arc<Store>,
    request: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let encoder = Encoder::new(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys, "max-keys")?;
    let mut query = query(
        &input.bucket,
        input.prefix.as_ref(),
        input.delimiter.as_ref(),
        max_keys,
    );
    query.after = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => Some(after_token(token)?),
        (None, Some(key)) if !key.is_empty() => Some(After::Key(key.clone(), None)),
        (None, _) => None,
    };
    let page = objects(store, query).await?;
    let next = page.entries.last().filter(|_| page.is_truncated).map(token);
    let is_truncated = page.is_truncated;
    let (rows, prefixes) = split(page, encoder);
    let with_owner = input.fetch_owner.unwrap_or(false);
    Ok(S3Response::new(ListObjectsV2Output {
        key_count: i32::try_from(rows.len() + prefixes.len()).ok(),
        contents: Some(rows.iter().map(|row| object(row, encoder, with_owner)).collect()),
        common_prefixes: Some(prefixes),
        name: Some(input.bucket),
        prefix: Some(encoder.text(&input.prefix.unwrap_or_default())),
        delimiter: encoder.some(input.delimiter.as_ref()),
        start_after: encoder.some(input.start_after.as_ref()),
        max_keys: Some(max_keys),
        is_truncated: Some(is_truncated),
        continuation_token: input.continuation_token,
        next_continuation_token: next,
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    }))
}

/// `ListObjects`, version 1.
pub(super) async fn list_objects(
    store: &Arc<Store>,
    request: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = request.input;
    let encoder = Encoder::new(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys, "max-keys")?;
    let mut query = query(
        &input.bucket,
        input.prefix.as_ref(),
        input.delimiter.as_ref(),
        max_keys,
    );
    let has_delimiter = query.delimiter.is_some();
    query.after = input
        .marker
        .clone()
        .filter(|key| !key.is_empty())
        .map(|key| After::Key(key, None));
    let page = objects(store, query).await?;
    // Without a delimiter the last key is the next marker, and S3 leaves it to the client to see that.
    let next = page
        .entries
        .last()
        .filter(|_| page.is_truncated && has_delimiter)
        .map(|entry| match entry {
            Entry::Row(row) => encoder.text(&row.key),
            Entry::CommonPrefix(prefix) => encoder.text(prefix),
        });
    let is_truncated = page.is_truncated;
    let (rows, prefixes) = split(page, encoder);
    Ok(S3Response::new(ListObjectsOutput {
        contents: Some(rows.iter().map(|row| object(row, encoder, true)).collect()),
        common_prefixes: Some(prefixes),
        name: Some(input.bucket),
        prefix: Some(encoder.text(&input.prefix.unwrap_or_default())),
        marker: Some(encoder.text(&input.marker.unwrap_or_default())),
        delimiter: encoder.some(input.delimiter.as_ref()),
        max_keys: Some(max_keys),
        is_truncated: Some(is_truncated),
        next_marker: next,
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    }))
}

/// `ListObjectVersions`.
pub(super) async fn list_object_versions(
    store: &Arc<Store>,
    request: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = request.input;
    let encoder = Encoder::new(input.encoding_type.as_ref())?;
    let max_keys = limit(input.max_keys, "max-keys")?;
    let mut query = query(
        &input.bucket,
        input.prefix.as_ref(),
        input.delimiter.as_ref(),
        max_keys,
    );
    let version_marker = input.version_id_marker.clone().filter(|id| !id.is_empty());
    query.after = match (
        input.key_marker.clone().filter(|key| !key.is_empty()),
        version_marker,
    ) {
        (Some(key), version) => Some(After::Key(key, version)),
        (None, Some(_)) => {
            return Err(invalid_argument(
                "A version-id marker cannot be specified without a key marker.",
            ));
        }
        (None, None) => None,
    };
    let page = store
        .read(move |connection| {
            buckets::bucket(connection, &query.bucket)?;
            listing::versions(connection, &query)
        })
        .await?;
    let is_truncated = page.is_truncated;
    let (next_key, next_version) = match page.entries.last().filter(|_| is_truncated) {
        Some(Entry::Row(row)) => (Some(encoder.text(&row.key)), Some(row.version_id.clone())),
        Some(Entry::CommonPrefix(prefix)) => (Some(encoder.text(prefix)), None),
        None => (None, None),
    };
    let (rows, prefixes) = split(page, encoder);
    let (markers, versions): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.is_delete_marker);
    let version = |row: &ObjectRow| {
        let checksum = row.attributes.checksum.as_ref();
        ObjectVersion {
            key: Some(encoder.text(&row.key)),
            version_id: Some(row.version_id.clone()),
            is_latest: Some(row.is_latest),
            last_modified: Some(shown(row.modified)),
            e_tag: Some(etag(&row.etag)),
            size: i64::try_from(row.size_bytes).ok(),
            owner: Some(owner()),
            storage_class: Some(class(row).into()),
            checksum_algorithm: checksum.map(|c| vec![c.algorithm.name().to_owned().into()]),
            checksum_type: checksum_type(checksum),
            ..ObjectVersion::default()
        }
    };
    let marker = |row: &ObjectRow| DeleteMarkerEntry {
        key: Some(encoder.text(&row.key)),
        version_id: Some(row.version_id.clone()),
        is_latest: Some(row.is_latest),
        last_modified: Some(shown(row.modified)),
        owner: Some(owner()),
    };
    Ok(S3Response::new(ListObjectVersionsOutput {
        versions: Some(versions.iter().map(version).collect()),
        delete_markers: Some(markers.iter().map(marker).collect()),
        common_prefixes: Some(prefixes),
        name: Some(input.bucket),
        prefix: Some(encoder.text(&input.prefix.unwrap_or_default())),
        delimiter: encoder.some(input.delimiter.as_ref()),
        key_marker: Some(encoder.text(&input.key_marker.unwrap_or_default())),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        next_key_marker: next_key,
        next_version_id_marker: next_version,
        max_keys: Some(max_keys),
        is_truncated: Some(is_truncated),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    }))
}

/// `ListMultipartUploads`.
pub(super) async fn list_multipart_uploads(
    store: &Arc<Store>,
    request: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let encoder = Encoder::new(input.encoding_type.as_ref())?;
    let max_uploads = limit(input.max_uploads, "max-uploads")?;
    let mut query = query(
        &input.bucket,
        input.prefix.as_ref(),
        input.delimiter.as_ref(),
        max_uploads,
    );
    query.after = input
        .key_marker
        .clone()
        .filter(|key| !key.is_empty())
        .map(|key| After::Key(key, input.upload_id_marker.clone().filter(|id| !id.is_empty())));
    let page = store
        .read(move |connection| {
            buckets::bucket(connection, &query.bucket)?;
            listing::uploads(connection, &query)
        })
        .await?;
    let is_truncated = page.is_truncated;
    let (next_key, next_id) = match page.entries.last().filter(|_| is_truncated) {
        Some(Entry::Row(row)) => (Some(encoder.text(&row.key)), Some(row.id.clone())),
        Some(Entry::CommonPrefix(prefix)) => (Some(encoder.text(prefix)), None),
        None => (None, None),
    };
    let (rows, prefixes) = split(page, encoder);
    let upload = |row: &UploadRow| MultipartUpload {
        key: Some(encoder.text(&row.key)),
        upload_id: Some(row.id.clone()),
        initiated: Some(shown(row.initiated)),
        storage_class: Some(
            row.attributes
                .storage_class
                .clone()
                .unwrap_or_else(|| "STANDARD".to_owned())
                .into(),
        ),
        owner: Some(owner()),
        initiator: Some(initiator()),
        checksum_algorithm: row
            .checksum
            .map(|(algorithm, _)| algorithm.name().to_owned().into()),
        checksum_type: row.checksum.map(|(_, kind)| kind.as_str().to_owned().into()),
    };
    Ok(S3Response::new(ListMultipartUploadsOutput {
        uploads: Some(rows.iter().map(upload).collect()),
        common_prefixes: Some(prefixes),
        bucket: Some(input.bucket),
        prefix: Some(encoder.text(&input.prefix.unwrap_or_default())),
        delimiter: encoder.some(input.delimiter.as_ref()),
        key_marker: Some(encoder.text(&input.key_marker.unwrap_or_default())),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        next_key_marker: next_key,
        next_upload_id_marker: next_id,
        max_uploads: Some(max_uploads),
        is_truncated: Some(is_truncated),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    }))
}

/// `ListParts`.
pub(super) async fn list_parts(
    store: &Arc<Store>,
    request: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = request.input;
    let max_parts = limit(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let size = usize::try_from(max_parts).unwrap_or(0);
    let (bucket, key, id) = (input.bucket.clone(), input.key.clone(), input.upload_id.clone());
    let (upload, mut rows) = store
        .read(move |connection| {
            let upload = uploads::upload(connection, &bucket, &key, &id)?;
            let parts = uploads::parts(connection, &upload.id, marker, size + 1)?;
            Ok((upload, parts))
        })
        .await?;
    let is_truncated = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().map_or(marker, |part| part.number);
    let parts = rows.into_iter().map(|row| {
        let mut part = Part {
            part_number: Some(row.number),
            e_tag: Some(etag(&row.etag)),
            size: i64::try_from(row.size_bytes).ok(),
            last_modified: Some(shown(row.modified)),
            ..Part::default()
        };
        if upload.checksum.is_some() {
            show_checksum!(part, &row.checksum);
        }
        part
    });
    Ok(S3Response::new(ListPartsOutput {
        parts: Some(parts.collect()),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: Some(next),
        max_parts: Some(max_parts),
        is_truncated: Some(is_truncated),
        storage_class: Some(
            upload
                .attributes
                .storage_class
                .clone()
                .unwrap_or_else(|| "STANDARD".to_owned())
                .into(),
        ),
        owner: Some(owner()),
        initiator: Some(initiator()),
        checksum_algorithm: upload
            .checksum
            .map(|(algorithm, _)| algorithm.name().to_owned().into()),
        checksum_type: upload.checksum.map(|(_, kind)| kind.as_str().to_owned().into()),
        ..ListPartsOutput::default()
    }))
}
