//! The rows of the index, as the operations see them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::checksum::{Algorithm, Checksum, Kind};

/// The version id of objects written while versioning was off or suspended.
pub(super) const NULL_VERSION: &str = "null";

/// Some bytes of a blob file. An object is a list of them, one for each part it was completed from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) blob: String,
    pub(super) size_bytes: u64,
}

/// Where one part lies in a multipart object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PartMap {
    pub(super) number: i32,
    pub(super) size_bytes: u64,
    pub(super) checksum: Option<Checksum>,
}

/// What a client stores beside the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Headers {
    pub(super) content_type: Option<String>,
    pub(super) cache_control: Option<String>,
    pub(super) content_disposition: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) content_language: Option<String>,
    /// An HTTP date.
    pub(super) expires: Option<String>,
    pub(super) website_redirect_location: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// One grant of an access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GrantRow {
    /// `CanonicalUser`, `Group` or `AmazonCustomerByEmail`.
    pub(super) grantee_type: String,
    /// The canonical id, the group's URI or the address.
    pub(super) grantee: String,
    pub(super) permission: String,
}

/// What else is kept of an object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attributes {
    pub(super) headers: Headers,
    pub(super) storage_class: Option<String>,
    pub(super) encryption: Option<String>,
    pub(super) kms_key_id: Option<String>,
    pub(super) checksum: Option<Checksum>,
    /// Empty unless the object was uploaded in parts.
    pub(super) parts: Vec<PartMap>,
    /// Grants besides the owner's full control.
    #[serde(default)]
    pub(super) grants: Vec<GrantRow>,
}

/// A tag set, in the order given.
pub(super) type Tags = Vec<(String, String)>;

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct ObjectRow {
    /// Also the order of versions: greater is later.
    pub(super) sequence: i64,
    pub(super) key: String,
    pub(super) version_id: String,
    pub(super) is_latest: bool,
    pub(super) is_delete_marker: bool,
    pub(super) size_bytes: u64,
    pub(super) etag: String,
    pub(super) modified: OffsetDateTime,
    pub(super) segments: Vec<Segment>,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
}

/// An object about to be written.
#[derive(Debug, Clone)]
pub(super) struct NewObject {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) size_bytes: u64,
    pub(super) etag: String,
    pub(super) segments: Vec<Segment>,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
}

/// A bucket's versioning: never on, on, or off again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versioning {
    Unversioned,
    Enabled,
    Suspended,
}

impl Versioning {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unversioned => "",
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "Enabled" => Self::Enabled,
            "Suspended" => Self::Suspended,
            _ => Self::Unversioned,
        }
    }
}

/// A bucket.
#[derive(Debug, Clone)]
pub(super) struct BucketRow {
    pub(super) name: String,
    pub(super) created: OffsetDateTime,
    pub(super) region: String,
    pub(super) versioning: Versioning,
}

/// A multipart upload that was neither completed nor aborted.
#[derive(Debug, Clone)]
pub(super) struct UploadRow {
    pub(super) id: String,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) initiated: OffsetDateTime,
    pub(super) attributes: Attributes,
    pub(super) tags: Tags,
    /// What the upload was created with; the parts then carry the same.
    pub(super) checksum: Option<(Algorithm, Kind)>,
}

/// One part of an upload.
#[derive(Debug, Clone)]
pub(super) struct PartRow {
    pub(super) number: i32,
    pub(super) etag: String,
    pub(super) size_bytes: u64,
    pub(super) modified: OffsetDateTime,
    pub(super) segments: Vec<Segment>,
    pub(super) checksum: Option<Checksum>,
}
