//! What happened to an object: the source of bucket notifications.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use time::OffsetDateTime;

/// A committed change of one object. Fired exactly once per change, after the commit and before the client
/// is answered, in commit order.
#[derive(Debug, Clone)]
pub struct ObjectEvent {
    /// What happened.
    pub kind: EventKind,
    /// The bucket's name.
    pub bucket: String,
    /// The key as the client meant it: decoded, not form-encoded as notifications carry it.
    pub key: String,
    /// The object's size; `None` for removals.
    pub size_bytes: Option<u64>,
    /// The entity tag without quotes; `None` for removals.
    pub etag: Option<String>,
    /// The version created or removed; `None` where the bucket never was versioned.
    pub version_id: Option<String>,
    /// Upper-case hexadecimal, 18 digits, strictly increasing over the whole store and across restarts:
    /// of two events about one key, the greater (as text) is the later.
    pub sequencer: String,
    /// When the change was committed.
    pub time: OffsetDateTime,
    /// What the client was told in `x-amz-request-id`.
    pub request_id: String,
    /// Where the request came from, when the server that accepted it said so.
    pub source_ip: Option<IpAddr>,
}

/// The event types of S3 that this server fires.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// `PutObject`.
    CreatedPut,
    /// A browser's form upload.
    CreatedPost,
    /// `CopyObject`.
    CreatedCopy,
    /// `CompleteMultipartUpload`.
    CreatedCompleteMultipartUpload,
    /// An object of an unversioned bucket, or one version, is gone for good.
    RemovedDelete,
    /// A delete marker hides the object of a versioned bucket.
    RemovedDeleteMarkerCreated,
}

impl EventKind {
    /// The `eventName` of a notification record, without the `s3:` that configurations write before it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreatedPut => "ObjectCreated:Put",
            Self::CreatedPost => "ObjectCreated:Post",
            Self::CreatedCopy => "ObjectCreated:Copy",
            Self::CreatedCompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::RemovedDelete => "ObjectRemoved:Delete",
            Self::RemovedDeleteMarkerCreated => "ObjectRemoved:DeleteMarkerCreated",
        }
    }

    /// Whether a configured event such as `s3:ObjectCreated:*` or `s3:ObjectRemoved:Delete` asks for this.
    #[must_use]
    pub fn matches(self, configured: &str) -> bool {
        let Some(pattern) = configured.strip_prefix("s3:") else {
            return false;
        };
        match pattern.strip_suffix('*') {
            Some(prefix) => self.name().starts_with(prefix),
            None => self.name() == pattern,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is told of each event. Called with the index locked, on a blocking thread: it must hand the event
/// on (a channel) and return, and must not call the server.
pub type EventSink = Arc<dyn Fn(ObjectEvent) + Send + Sync>;

/// Who asked, as the front learned it; travels in the extensions of the request.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    pub(super) request_id: String,
    pub(super) source_ip: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_event_matches_exactly_or_by_star() {
        let put = EventKind::CreatedPut;
        assert!(put.matches("s3:ObjectCreated:*"));
        assert!(put.matches("s3:ObjectCreated:Put"));
        assert!(!put.matches("s3:ObjectCreated:Post"));
        assert!(!put.matches("s3:ObjectRemoved:*"));
        assert!(!put.matches("ObjectCreated:Put"));
    }
}
