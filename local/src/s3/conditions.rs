//! Conditional requests.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>, RFC 9110 section 13.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::dto::{ETagCondition, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result};
use time::OffsetDateTime;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::fault;
use super::model::ObjectRow;

/// The four conditions of a read, or of a copy's source.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) matches_none: Option<ETagCondition>,
    pub(super) modified_since: Option<Timestamp>,
    pub(super) unmodified_since: Option<Timestamp>,
}

/// What a read comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Go,
    NotModified,
    Failed,
}

impl ReadConditions {
    fn judge(&self, object: &ObjectRow) -> Verdict {
        let names =
            |condition: &ETagCondition| condition.as_etag().is_none_or(|etag| etag.value() == object.etag);
        // HTTP dates have whole seconds.
        let modified = object.modified.unix_timestamp();
        let seconds = |time: &Timestamp| OffsetDateTime::from(time.clone()).unix_timestamp();
        match (&self.matches, &self.unmodified_since) {
            (Some(condition), _) if !names(condition) => return Verdict::Failed,
            // An `If-Match` that holds overrides `If-Unmodified-Since`.
            (None, Some(since)) if modified > seconds(since) => return Verdict::Failed,
            _ => {}
        }
        match (&self.matches_none, &self.modified_since) {
            (Some(condition), _) if names(condition) => Verdict::NotModified,
            (None, Some(since)) if modified <= seconds(since) => Verdict::NotModified,
            _ => Verdict::Go,
        }
    }

    /// For `GetObject` and `HeadObject`: 412, or 304 with what a cache wants to know.
    pub(super) fn check(&self, object: &ObjectRow) -> S3Result<()> {
        match self.judge(object) {
            Verdict::Go => Ok(()),
            Verdict::Failed => Err(fault::precondition_failed()),
            Verdict::NotModified => Err(not_modified(object)),
        }
    }

    /// For the source of a copy, where "not modified" fails as well.
    pub(super) fn check_source(&self, object: &ObjectRow) -> S3Result<()> {
        match self.judge(object) {
            Verdict::Go => Ok(()),
            Verdict::Failed | Verdict::NotModified => Err(fault::precondition_failed()),
        }
    }
}

fn not_modified(object: &ObjectRow) -> S3Error {
    let mut error = fault::s3(S3ErrorCode::NotModified, "Not Modified");
    error.set_status_code(StatusCode::NOT_MODIFIED);
    let mut headers = HeaderMap::new();
    let fields = [
        (header::ETAG, Some(format!("\"{}\"", object.etag))),
        (header::LAST_MODIFIED, http_date(object.modified)),
        (
            header::CACHE_CONTROL,
            object.attributes.headers.cache_control.clone(),
        ),
        (header::EXPIRES, object.attributes.headers.expires.clone()),
    ];
    for (name, value) in fields {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
    error.set_headers(headers);
    error
}

const HTTP_DATE: &[FormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// An HTTP date: whole seconds.
pub(super) fn http_date(time: OffsetDateTime) -> Option<String> {
    time.to_offset(time::UtcOffset::UTC).format(HTTP_DATE).ok()
}

/// The time as S3 shows it: whole seconds.
pub(super) fn shown(time: OffsetDateTime) -> Timestamp {
    Timestamp::from(time.replace_nanosecond(0).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::model::Attributes;

    fn object() -> ObjectRow {
        ObjectRow {
            sequence: 1,
            key: "k".into(),
            version_id: "null".into(),
            is_latest: true,
            is_delete_marker: false,
            size_bytes: 0,
            etag: "abc".into(),
            modified: OffsetDateTime::from_unix_timestamp(1_000).unwrap(),
            segments: Vec::new(),
            attributes: Attributes::default(),
            tags: Vec::new(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap().into()
    }

    fn tag(text: &str) -> ETagCondition {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_of_rfc_9110() {
        let judge = |conditions: ReadConditions| conditions.judge(&object());
        let none = ReadConditions::default;
        assert_eq!(judge(none()), Verdict::Go);
        assert_eq!(
            judge(ReadConditions {
                matches: Some(tag("\"abc\"")),
                ..none()
            }),
            Verdict::Go
        );
        assert_eq!(
            judge(ReadConditions {
                matches: Some(tag("*")),
                ..none()
            }),
            Verdict::Go
        );
        assert_eq!(
            judge(ReadConditions {
                matches: Some(tag("\"x\"")),
                ..none()
            }),
            Verdict::Failed
        );
        assert_eq!(
            judge(ReadConditions {
                matches_none: Some(tag("\"abc\"")),
                ..none()
            }),
            Verdict::NotModified
        );
        assert_eq!(
            judge(ReadConditions {
                modified_since: Some(at(1_000)),
                ..none()
            }),
            Verdict::NotModified
        );
        assert_eq!(
            judge(ReadConditions {
                modified_since: Some(at(999)),
                ..none()
            }),
            Verdict::Go
        );
        assert_eq!(
            judge(ReadConditions {
                unmodified_since: Some(at(999)),
                ..none()
            }),
            Verdict::Failed
        );
        assert_eq!(
            judge(ReadConditions {
                unmodified_since: Some(at(1_000)),
                ..none()
            }),
            Verdict::Go
        );
        // A tag decides alone.
        let both = ReadConditions {
            matches: Some(tag("abc")),
            unmodified_since: Some(at(1)),
            ..none()
        };
        assert_eq!(judge(both), Verdict::Go);
        let both = ReadConditions {
            matches_none: Some(tag("x")),
            modified_since: Some(at(2_000)),
            ..none()
        };
        assert_eq!(judge(both), Verdict::Go);
    }

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(
            http_date(object().modified).unwrap(),
            "Thu, 01 Jan 1970 00:16:40 GMT"
        );
    }
}
