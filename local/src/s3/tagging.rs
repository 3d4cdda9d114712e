//! Tags of objects and their rules.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>

use std::collections::HashSet;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use s3s::dto::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::fault::{self, custom, invalid_argument};
use super::index::objects;
use super::model::{Tags, Versioning};
use super::store::Store;

pub(super) const MAX_OBJECT_TAGS: usize = 10;
/// Buckets take more than objects.
pub(super) const MAX_BUCKET_TAGS: usize = 50;

/// Reads `x-amz-tagging`: tags as the query part of a URL.
pub(super) fn from_header(header: Option<&str>) -> S3Result<Tags> {
    let Some(header) = header else {
        return Ok(Tags::new());
    };
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| invalid_argument("The header 'x-amz-tagging' shall be encoded as UTF-8"))
    };
    let tags = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        })
        .collect::<S3Result<Tags>>()?;
    check(&tags, MAX_OBJECT_TAGS)?;
    Ok(tags)
}

/// Reads a tag set from XML.
pub(super) fn from_set(set: TagSet, max_tags: usize) -> S3Result<Tags> {
    let tags = set
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
        .collect();
    check(&tags, max_tags)?;
    Ok(tags)
}

pub(super) fn to_set(tags: Tags) -> TagSet {
    tags.into_iter()
        .map(|(key, value)| Tag {
            key: Some(key),
            value: Some(value),
        })
        .collect()
}

fn check(tags: &Tags, max_tags: usize) -> S3Result<()> {
    let invalid = |message: &'static str| Err(fault::s3(S3ErrorCode::InvalidTag, message));
    if tags.len() > max_tags {
        return Err(custom(
            "BadRequest",
            http::StatusCode::BAD_REQUEST,
            if max_tags == MAX_OBJECT_TAGS {
                "Object tags cannot be greater than 10"
            } else {
                "Bucket tag count cannot be greater than 50"
            },
        ));
    }
    let mut seen = HashSet::new();
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 {
            return invalid("The TagKey you have provided is invalid");
        }
        if value.chars().count() > 256 {
            return invalid("The TagValue you have provided is invalid");
        }
        if key.starts_with("aws:") {
            return invalid("System tags cannot be added/updated by requester");
        }
        if !key.chars().chain(value.chars()).all(is_tag_character) {
            return invalid("The TagKey or TagValue you have provided has characters that are not allowed");
        }
        if !seen.insert(key) {
            return invalid("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(())
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "+-=._:/@".contains(c) || !c.is_ascii()
}

/// `GetObjectTagging`.
pub(super) async fn get(
    store: &Arc<Store>,
    request: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let input = request.input;
    let (object, versioning, _) = super::get::find(store, input.bucket, input.key, input.version_id).await?;
    Ok(S3Response::new(GetObjectTaggingOutput {
        tag_set: to_set(object.tags),
        version_id: (versioning != Versioning::Unversioned).then_some(object.version_id),
    }))
}

/// `PutObjectTagging`.
pub(super) async fn put(
    store: &Arc<Store>,
    request: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let input = request.input;
    let tags = from_set(input.tagging.tag_set, MAX_OBJECT_TAGS)?;
    let version_id = store
        .write(move |change| {
            objects::set_tags(
                change,
                &input.bucket,
                &input.key,
                input.version_id.as_deref(),
                &tags,
            )
        })
        .await?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

/// `DeleteObjectTagging`.
pub(super) async fn delete(
    store: &Arc<Store>,
    request: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let input = request.input;
    let version_id = store
        .write(move |change| {
            let none = Tags::new();
            objects::set_tags(
                change,
                &input.bucket,
                &input.key,
                input.version_id.as_deref(),
                &none,
            )
        })
        .await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_a_query() {
        let tags = from_header(Some("a=1&b+c=x%2Fy&d")).unwrap();
        let expected = [("a", "1"), ("b c", "x/y"), ("d", "")];
        assert_eq!(tags, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn bad_tags_are_refused() {
        for bad in [
            "a=1&a=2",
            "=x",
            "aws:x=1",
            "a=%3C",
            "1&2&3&4&5&6&7&8&9&10&11",
            "a=%ff",
        ] {
            assert!(from_header(Some(bad)).is_err(), "{bad}");
        }
    }
}
