//! What the file is and how its fields are delimited, found on its first bytes.

mod aligned;
mod begin;
mod detect;
mod header;
mod kinds;
mod records;
mod score;
mod table;

use serde::Serialize;
use shared::{Failure, Place};

pub use self::detect::{Sample, Wanted, detect};
pub(crate) use self::kinds::{Kinds, class_of};

/// How a delimited file is to be read.
///
/// What a profile says of it are its fields in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dialect {
    /// What separates fields: any text, most often one character. `\s+` is spaces and tabs, however many.
    pub delimiter: String,
    /// What quotes a field.
    #[serde(serialize_with = "as_character")]
    pub quote: Option<u8>,
    /// What makes a quote within a quoted field text: the quote itself (doubled) or, as a rule, a backslash.
    #[serde(serialize_with = "as_character")]
    pub escape: Option<u8>,
    /// What begins a line that is no record.
    pub comment: Option<String>,
    /// Nobody said so: a line that begins like that and has as many fields as there are columns is one.
    #[serde(skip)]
    pub(crate) comment_is_guessed: bool,
    /// The header's fields as the file has them, joined where it has several rows; generated if it has none.
    pub header: Vec<String>,
    /// How many records at the start make the header.
    pub header_rows: usize,
    /// Lines before the header that are no part of the table.
    pub preamble_lines: u64,
    /// Where in the text (UTF-8, decompressed) the first record after the header begins.
    pub body_offset: u64,
    /// How sure all of this is: 0 (guessed) to 1 (every record of the sample agrees).
    pub confidence: f64,
    /// What the columns' cells look like in the sample.
    #[serde(skip)]
    pub(crate) kinds: Kinds,
}

impl Dialect {
    /// RFC 4180's with this delimiter, and the first line a header of these fields.
    #[must_use]
    pub fn simple(delimiter: u8, header: Vec<String>, body_offset: u64) -> Self {
        let kinds = Kinds::unknown(header.len().max(1));
        Self {
            kinds,
            delimiter: char::from(delimiter).to_string(),
            quote: Some(b'"'),
            escape: Some(b'"'),
            comment: None,
            comment_is_guessed: false,
            header,
            header_rows: 1,
            preamble_lines: 0,
            body_offset,
            confidence: 1.0,
        }
    }

    /// How many columns the table has.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.header.len().max(1)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::ref_option,
    reason = "serde's signature"
)]
fn as_character<S: serde::Serializer>(byte: &Option<u8>, serializer: S) -> Result<S::Ok, S::Error> {
    byte.map(char::from).serialize(serializer)
}

/// The failure of a file without a header.
pub(crate) fn empty() -> Failure {
    Failure::rejected("empty", "the file is empty: not even a header").at(Place::Byte { offset: 0 })
}

#[cfg(test)]
mod tests;
