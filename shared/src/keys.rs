//! Who a file belongs to, what it is called, and under which keys its upload and its outputs lie.
//!
//! ```text
//! uploads   tables/<owner>/~<file id>/<name>            an upload that the API announced
//!           inbox/<owner>/~<file id>/<name>             one of a kind that its bytes will tell
//!           tables/<owner>/<anything>                   dropped for an owner
//!           tables/<name>                               dropped for nobody: belongs to the drop owner
//! results   tables/<owner>/<file id>/<fence>/<output>   one attempt's outputs
//! ```
//!
//! The owner's segment is escaped ([`Owner::segment`]), so that no owner can reach into another's prefix.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::time::UnixMillis;

/// Whom a file belongs to: the `sub` of the token that uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Owner(String);

/// A text that cannot be an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an owner has 1 to 255 bytes, not {0}")]
pub struct InvalidOwner(usize);

impl Owner {
    /// An owner of 1 to 255 bytes, as `OpenID` Connect Core 1.0, section 2, limits a `sub`.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidOwner> {
        let name = name.into();
        if (1..=255).contains(&name.len()) {
            Ok(Self(name))
        } else {
            Err(InvalidOwner(name.len()))
        }
    }

    /// The name as the token gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The owner as one segment of a key: letters, digits, `-`, `_` and `.` stand for themselves, every other
    /// byte is `~` and two hex digits. The dots of `.` and `..` are escaped too, for tools that take keys for paths.
    #[must_use]
    pub fn segment(&self) -> String {
        use fmt::Write as _;
        let dots = self.0.bytes().all(|byte| byte == b'.');
        self.0
            .bytes()
            .fold(String::with_capacity(self.0.len()), |mut segment, byte| {
                if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && !dots) {
                    segment.push(char::from(byte));
                } else {
                    let _ = write!(segment, "~{byte:02x}");
                }
                segment
            })
    }

    /// Reads a segment back; what [`Owner::segment`] cannot have written is taken as it stands.
    fn from_segment(segment: &str) -> Result<Self, InvalidOwner> {
        let mut bytes = Vec::with_capacity(segment.len());
        let mut rest = segment;
        while let Some(at) = rest.find('~') {
            let (plain, escape) = rest.split_at(at);
            bytes.extend_from_slice(plain.as_bytes());
            let Some(byte) = escape.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                return Self::new(segment);
            };
            bytes.push(byte);
            rest = escape.get(3..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest.as_bytes());
        let owner = Self::new(String::from_utf8(bytes).unwrap_or_else(|_| segment.to_owned()))?;
        // Only one spelling of an owner may lead to it: a hand-written `~61lice` is not alice.
        if owner.segment() == segment {
            Ok(owner)
        } else {
            Self::new(segment)
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.0
    }
}

impl TryFrom<String> for Owner {
    type Error = InvalidOwner;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

/// A file's id: a ULID, 26 characters of Crockford's base 32 (<https://github.com/ulid/spec>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")))]
#[serde(into = "String", try_from = "String")]
pub struct FileId(Ulid);

/// A text that is not a file's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a file id: 26 characters of Crockford's base 32, in capitals")]
pub struct InvalidFileId(String);

impl FileId {
    /// A new id: the time, then 80 random bits.
    #[must_use]
    pub fn generate(now: UnixMillis) -> Self {
        Self(Ulid::from_datetime(
            std::time::UNIX_EPOCH + now.since(UnixMillis::default()),
        ))
    }

    /// An id for what was first asked for at that time, under that name: the same each time.
    #[must_use]
    pub fn named(since: UnixMillis, owner: &Owner, name: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(owner.as_str())
            .chain_update([0])
            .chain_update(name)
            .finalize();
        let random = digest
            .iter()
            .take(10)
            .fold(0_u128, |random, byte| (random << 8) | u128::from(*byte));
        Self(Ulid::from_parts(since.as_millis(), random))
    }

    /// The id of a file dropped into a bucket: the same for each event about the same key.
    #[must_use]
    pub fn of_dropped(bucket: &str, key: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(bucket)
            .chain_update([0])
            .chain_update(key)
            .finalize();
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Self(Ulid::from_bytes(id))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for FileId {
    type Err = InvalidFileId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Ulid::from_string(text).map_err(|_| InvalidFileId(text.to_owned()))?;
        // One spelling only: lower case and the letters that Crockford reads as digits would be aliases.
        if id.to_string() == text {
            Ok(Self(id))
        } else {
            Err(InvalidFileId(text.to_owned()))
        }
    }
}

impl From<FileId> for String {
    fn from(id: FileId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for FileId {
    type Error = InvalidFileId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A file in the catalogue: ids are looked up under their owner, never alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileRef {
    /// Whom it belongs to.
    pub owner: Owner,
    /// Which of the owner's files.
    pub id: FileId,
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner.segment(), self.id)
    }
}

/// A text that names no file of an owner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a file: an owner's segment, a slash, a file id")]
pub struct InvalidFileRef(String);

/// Reads what `Display` writes, in that one spelling.
impl FromStr for FileRef {
    type Err = InvalidFileRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (segment, id) = text.split_once('/')?;
            let owner = Owner::from_segment(segment).ok()?;
            let id = id.parse().ok()?;
            (owner.segment() == segment).then_some(Self { owner, id })
        };
        read().ok_or_else(|| InvalidFileRef(text.to_owned()))
    }
}

/// What the key of an upload says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadKey<'a> {
    /// Which file it is.
    pub file: FileRef,
    /// The file's name: the key's last segment that is not empty.
    pub name: Cow<'a, str>,
}

/// The kind of a file whose bytes have not been looked at.
pub const AUTO: &str = "auto";

/// The prefix of uploads of a kind, without its slash.
#[must_use]
pub fn uploads_prefix(kind: &str) -> &str {
    if kind == AUTO { "inbox" } else { kind }
}

/// The key under which the API lets a file be uploaded.
#[must_use]
pub fn upload_key(kind: &str, file: &FileRef, name: &str) -> String {
    let prefix = uploads_prefix(kind);
    format!("{prefix}/{}/~{}/{name}", file.owner.segment(), file.id)
}

/// The longest name that fits beside any owner in [`upload_key`]'s 1,024 bytes.
pub const MAX_NAME_BYTES: usize = 160;

/// Reads the key of an upload under the prefix of `kind`.
///
/// # Errors
/// Gives the key back when it does not lie under `kind/`.
pub fn read_upload_key<'a>(
    kind: &str,
    bucket: &str,
    key: &'a str,
    drop_owner: &Owner,
) -> Result<UploadKey<'a>, ForeignKey> {
    let foreign = || ForeignKey {
        prefix: uploads_prefix(kind).to_owned(),
        key: key.to_owned(),
    };
    let path = key
        .strip_prefix(uploads_prefix(kind))
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or_else(foreign)?;
    let name = path
        .rsplit('/')
        .find(|segment| !segment.is_empty())
        .unwrap_or(path);
    let dropped = |owner| FileRef {
        owner,
        id: FileId::of_dropped(bucket, key),
    };
    let file = match path.split_once('/') {
        None | Some(("", _)) => dropped(drop_owner.clone()),
        Some((segment, rest)) => match Owner::from_segment(segment) {
            // A segment too long to be an owner is part of a name.
            Err(_) => dropped(drop_owner.clone()),
            Ok(owner) => match announced(rest) {
                Some(id) => FileRef { owner, id },
                None => dropped(owner),
            },
        },
    };
    Ok(UploadKey {
        file,
        name: Cow::Borrowed(name),
    })
}

/// The id in `~<file id>/<name>`. The tilde tells it from a folder that somebody named by an id of theirs: two
/// objects of one folder are two files.
fn announced(path: &str) -> Option<FileId> {
    let (id, name) = path.strip_prefix('~')?.split_once('/')?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    id.parse().ok()
}

/// A key that does not lie under a function's prefix: its trigger is misconfigured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key {key:?} does not lie under {prefix}/")]
pub struct ForeignKey {
    prefix: String,
    key: String,
}

/// The prefix of all outputs of a file, every attempt's.
#[must_use]
pub fn outputs_prefix(kind: &str, file: &FileRef) -> String {
    format!("{kind}/{file}/")
}

/// The prefix of one attempt's outputs.
#[must_use]
pub fn attempt_prefix(kind: &str, file: &FileRef, fence: u64) -> String {
    format!("{}{fence}/", outputs_prefix(kind, file))
}

/// Which attempt's output lies under a key of [`outputs_prefix`].
#[must_use]
pub fn fence_of(prefix: &str, key: &str) -> Option<u64> {
    key.strip_prefix(prefix)?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner::new(name).unwrap()
    }

    fn read(key: &str) -> UploadKey<'_> {
        read_upload_key("tables", "uploads", key, &owner("bucket")).unwrap()
    }

    #[test]
    fn an_announced_upload_finds_its_file_again() {
        for name in [
            "alice",
            "auth0|5f7c",
            "a/b",
            "..",
            ".",
            "~",
            "~61",
            "ü",
            "a b+c%20",
        ] {
            let file = FileRef {
                owner: owner(name),
                id: FileId::generate(UnixMillis::new(1)),
            };
            let key = upload_key("tables", &file, "flights 2013.csv");
            assert_eq!(key.matches('/').count(), 3, "{key}");
            assert_eq!(
                read(&key),
                UploadKey {
                    file,
                    name: "flights 2013.csv".into()
                }
            );
        }
    }

    #[test]
    fn a_file_is_read_as_it_is_written() {
        for name in ["alice", "auth0|5f7c", "a/b", "..", "~61", "ü"] {
            let file = FileRef {
                owner: owner(name),
                id: FileId::generate(UnixMillis::new(1)),
            };
            assert_eq!(file.to_string().parse(), Ok(file.clone()));
        }
        let id = FileId::generate(UnixMillis::new(1));
        for text in [
            String::new(),
            id.to_string(),
            format!("/{id}"),
            "alice/webhooks".to_owned(),
            format!("alice/x/{id}"),
            format!("al|ce/{id}"),
            format!("~61lice/{id}"),
        ] {
            assert_eq!(
                text.parse::<FileRef>(),
                Err(InvalidFileRef(text.clone())),
                "{text}"
            );
        }
    }

    #[test]
    fn the_longest_owner_and_name_fit_a_key() {
        let file = FileRef {
            owner: owner(&"ü".repeat(127)),
            id: FileId::generate(UnixMillis::now()),
        };
        assert!(upload_key("tables", &file, &"n".repeat(MAX_NAME_BYTES)).len() <= 1024);
    }

    #[test]
    fn a_dropped_file_keeps_its_id_and_gets_an_owner() {
        let file = read("tables/flights.csv").file;
        assert_eq!(file.owner, owner("bucket"));
        assert_eq!(file, read("tables/flights.csv").file);
        assert_ne!(file.id, read("tables/other.csv").file.id);
        assert_eq!(read("tables/alice/2026/flights.csv").file.owner, owner("alice"));
        assert_eq!(read("tables/alice/2026/flights.csv").name, "flights.csv");
        assert_eq!(read("tables//x").file.owner, owner("bucket"));
        let folder = "tables/alice/01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for pair in [["a.csv", "b.csv"], ["x/a.csv", "y/a.csv"]] {
            let [first, second] = pair.map(|name| format!("{folder}/{name}"));
            assert_ne!(
                read(&first).file,
                read(&second).file,
                "a folder named like an id holds many files"
            );
        }
        assert_eq!(read("tables/").name, "");
    }

    #[test]
    fn only_one_spelling_leads_to_an_owner() {
        assert_eq!(read("tables/~61lice/x.csv").file.owner, owner("~61lice"));
        assert_eq!(read("tables/~zz/x.csv").file.owner, owner("~zz"));
        assert_eq!(read("tables/~c3/x.csv").file.owner, owner("~c3"));
        assert!(read_upload_key("tables", "b", "tablesx/y", &owner("o")).is_err());
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = FileId::generate(UnixMillis::now()).to_string();
        assert!(id.parse::<FileId>().is_ok());
        for text in [
            &id.to_lowercase(),
            "",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
            "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "../x",
        ] {
            assert!(text.parse::<FileId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_output_names_its_attempt() {
        let file = FileRef {
            owner: owner("alice"),
            id: FileId::of_dropped("b", "k"),
        };
        let key = attempt_prefix("tables", &file, 12) + "table.parquet";
        assert_eq!(fence_of(&outputs_prefix("tables", &file), &key), Some(12));
        assert_eq!(fence_of("tables/other/", &key), None);
    }
}
