//! JSON as a table: JSON Lines (<https://jsonlines.org>), a top-level array, or values one after the other as `jq` prints
//! them. Each object is a row.
//!
//! [`Slabs`] cuts the text into slabs of whole records; [`Shape::infer`] finds what the records of a slab hold, and
//! [`Shape::merge`] what those of several do; [`parse()`] turns a slab into an Arrow batch of a shape's schema, or says
//! that something in it contradicts the shape.
//!
//! | JSON | column |
//! |---|---|
//! | `true`, `false` | boolean |
//! | integers | `int64`, or `uint64` if one needs it and none is negative |
//! | other numbers, integers beside them | `float64`, if it gives every one of them back ([`crate::types::number::Number::fits_f64`]) |
//! | strings | `date`, `time`, `timestamp` or UUID if all of them are, as ISO 8601, RFC 3339 and RFC 9562 have them, and each is given back ([`crate::types::infer`]); else string |
//! | objects | struct: a field for each key, in the order of first appearance |
//! | lists | list |
//! | anything else: numbers that no type above holds, kinds mixed, objects without a key, objects of more than [`MAX_FIELDS`] keys | string: a string's characters, and the JSON text of what is none |
//! | `null`, a key that is missing | null |
//!
//! A column of nothing but nulls is a string. Where a key stands twice in an object its last value counts, as in most
//! parsers (RFC 8259 §4 leaves it open). `-0` and `1e5` are no integers, and `1.50` is the number 1.5.
//!
//! A record that is no JSON text, or no object, is no row: [`Reject`] says where and why. A number in a string stays one:
//! who writes JSON knows numbers, and meant an identifier.

mod build;
mod cursor;
mod looks;
mod moments;
mod numbers;
mod parse;
mod presence;
mod scan;
mod shape;
mod slabs;

use cursor::Cursor;
pub use cursor::MAX_DEPTH;
pub use looks::looks_like;
pub use parse::{Parse, Parsed, Taken, parse, parse_in_batches};
pub use shape::{MAX_FIELDS, Shape};
pub use slabs::{SLAB_BYTES, Slab, Slabs};

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// One a line.
    Lines,
    /// As the items of one array.
    Array,
    /// One after the other, each over as many lines as it likes.
    Values,
}

/// What is wrong with a record; offsets are those in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No JSON: here something else was expected.
    Syntax {
        /// Offset.
        at: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// A JSON text, and something after it.
    Trailing {
        /// Offset.
        at: usize,
    },
    /// Objects and lists within each other beyond [`MAX_DEPTH`].
    TooDeep {
        /// Offset of the bracket that opens one too many.
        at: usize,
    },
    /// Half of a pair of surrogates (`\ud83d`): no character, and nothing that UTF-8 can say.
    LoneSurrogate {
        /// Offset.
        at: usize,
    },
    /// Not UTF-8.
    NotUtf8 {
        /// Offset.
        at: usize,
    },
    /// A JSON text, but no object.
    NotAnObject,
    /// Longer than the cap.
    TooLong,
    /// Objects in its lists lack so many of the fields that others have that it would take far more memory than it is long.
    TooSparse,
}

impl Fault {
    /// The same, its offset being another.
    #[must_use]
    pub fn map_place(self, mut place: impl FnMut(usize) -> usize) -> Self {
        match self {
            Self::Syntax { at, expected } => Self::Syntax {
                at: place(at),
                expected,
            },
            Self::Trailing { at } => Self::Trailing { at: place(at) },
            Self::TooDeep { at } => Self::TooDeep { at: place(at) },
            Self::LoneSurrogate { at } => Self::LoneSurrogate { at: place(at) },
            Self::NotUtf8 { at } => Self::NotUtf8 { at: place(at) },
            Self::NotAnObject | Self::TooLong | Self::TooSparse => self,
        }
    }

    /// A name for programs, and a sentence for people. `record_bytes` is the cap on a record; `is_decoded` says that the
    /// file is of another encoding than UTF-8.
    #[must_use]
    pub fn explain(self, record_bytes: usize, is_decoded: bool) -> (&'static str, String) {
        match self {
            Self::Syntax { at, expected } => (
                "not-json",
                format!("expected {expected} at byte {at} of the record"),
            ),
            Self::Trailing { at } => (
                "not-json",
                format!("expected nothing more after the value at byte {at} of the record"),
            ),
            Self::TooDeep { at } => (
                "too-deep",
                format!("more than {MAX_DEPTH} brackets within each other at byte {at} of the record"),
            ),
            Self::LoneSurrogate { at } => (
                "lone-surrogate",
                format!("an escaped surrogate without its pair at byte {at} of the record"),
            ),
            Self::NotUtf8 { at } => crate::rejects::undecodable(at, is_decoded),
            Self::NotAnObject => (
                "not-an-object",
                "a value that is no object, and a row needs names".to_owned(),
            ),
            Self::TooLong => (
                "too-long",
                format!("longer than the {record_bytes} bytes a record may have"),
            ),
            Self::TooSparse => (
                "too-sparse",
                format!(
                    "the objects in its lists lack more than {MOST_MISSING} of the fields that others have"
                ),
            ),
        }
    }
}

/// The most fields that the objects within a record may lack, as each takes its place in a column all the same.
const MOST_MISSING: usize = 2_000_000;

/// A record that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Number of the record in its slab, from 1; blank lines are not counted.
    pub row: u64,
    /// Number of the line of the text in which it begins, from 1.
    pub line: u64,
    /// Offset in the text of its first byte.
    pub offset: u64,
    /// Why.
    pub fault: Fault,
    /// Where its bytes are in the slab's.
    pub range: std::ops::Range<usize>,
}

/// Checks one JSON text (RFC 8259): any value, and nothing after it.
///
/// # Errors
/// The first fault.
pub fn check(text: &[u8]) -> Result<(), Fault> {
    let text = text.strip_prefix(MARK).unwrap_or(text);
    std::str::from_utf8(text).map_err(|error| Fault::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    let mut cursor = Cursor::new(text);
    cursor.skip_value(0)?;
    cursor.end()
}

/// U+FEFF in UTF-8, which a text may begin with (RFC 8259 §8.1 lets parsers ignore it).
const MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
