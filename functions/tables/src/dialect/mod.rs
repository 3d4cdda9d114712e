//! What the file is and how its fields are delimited, found on its first bytes.

mod detect;
mod kinds;
mod records;
mod score;
mod table;

use serde::Serialize;
use shared::{Failure, Place};

pub use self::detect::{Sample, Wanted, detect};
pub(crate) use self::kinds::{Kinds, class_of};

use crate::reader::{Header, Reader};

/// How a delimited file is to be read.
///
/// What a profile says of it are its fields in JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dialect {
    /// What separates fields: any text, most often one character.
    pub delimiter: String,
    /// What quotes a field.
    #[serde(serialize_with = "as_character")]
    pub quote: Option<u8>,
    /// What makes a quote within a quoted field text: the quote itself (doubled) or, as a rule, a backslash.
    #[serde(serialize_with = "as_character")]
    pub escape: Option<u8>,
    /// What begins a line that is no record.
    pub comment: Option<String>,
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

/// The delimiters that are tried, likeliest first.
pub const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];
/// How many bytes of the file are looked at.
const SAMPLE_BYTES: usize = 128 << 10;
/// More fields than any table may have: how far a sample's records are told apart.
const SAMPLE_COLUMNS: usize = 1 << 16;

/// Files that some upload as a table, by their first bytes.
const MAGIC: [(&[u8], &str); 19] = [
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"\x1F\x8B", "gzip"),
    (b"\x28\xB5\x2F\xFD", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ\0", "xz"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xD0\xCF\x11\xE0", "an old Office document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"\x7FELF", "a program"),
    (b"{\\rtf", "an RTF document"),
];

/// Refuses what is no text in UTF-8, naming what it looks like. `sample` is the file's beginning.
///
/// # Errors
/// [`Failure::rejected`]: `empty`, `binary`, `utf-16`, `utf-32`.
pub fn refuse_binary(sample: &[u8]) -> Result<(), Failure> {
    if sample.iter().all(|byte| matches!(byte, b'\r' | b'\n')) || sample == b"\xEF\xBB\xBF" {
        // All line ends so far; what follows in a file larger than the sample decides the reader.
        return if sample.len() < SAMPLE_BYTES {
            Err(empty())
        } else {
            Ok(())
        };
    }
    let start = Place::Byte { offset: 0 };
    if let Some((_, name)) = MAGIC
        .iter()
        .find(|(magic, _)| sample.starts_with(magic) && !is_text(sample, magic))
    {
        return Err(Failure::rejected("binary", format!("not a table: this is {name}")).at(start));
    }
    let utf = |code, name| {
        Err(Failure::rejected(code, format!("the text is {name}, and only UTF-8 is read")).at(start.clone()))
    };
    match sample {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => return utf("utf-32", "UTF-32"),
        [0xFF, 0xFE, ..] => return utf("utf-16", "UTF-16, little-endian"),
        [0xFE, 0xFF, ..] => return utf("utf-16", "UTF-16, big-endian"),
        _ => {}
    }
    let head = sample.get(..sample.len().min(4096)).unwrap_or_default();
    let nuls = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let (even, odd) = (nuls(0), nuls(1));
    // Latin text in UTF-16 is every other byte a NUL.
    if head.len() >= 4 && odd * 10 > head.len() * 3 && even == 0 {
        return utf("utf-16", "UTF-16, little-endian");
    }
    if head.len() >= 4 && even * 10 > head.len() * 3 && odd == 0 {
        return utf("utf-16", "UTF-16, big-endian");
    }
    // One NUL may be one bad row; a binary format has one in every few bytes.
    if (even + odd) * 20 > head.len() || head.first() == Some(&0) {
        let offset = memchr::memchr(0, head).unwrap_or(0) as u64;
        return Err(
            Failure::rejected("binary", "not a table: NUL bytes, so this is no text")
                .at(Place::Byte { offset }),
        );
    }
    Ok(())
}

/// The failure of a file without a header.
pub(crate) fn empty() -> Failure {
    Failure::rejected("empty", "the file is empty: not even a header").at(Place::Byte { offset: 0 })
}

/// Whether what begins like a binary format goes on as text: `ORC,PAR1` may be a header.
fn is_text(sample: &[u8], magic: &[u8]) -> bool {
    magic.is_ascii()
        && magic.iter().all(|byte| !byte.is_ascii_control())
        && sample
            .iter()
            .take(512)
            .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n'))
        && !magic.starts_with(b"%PDF")
        && !magic.starts_with(b"{\\rtf")
}

/// The delimiter of a table that begins with `sample`; `whole` says that the sample is all of it.
///
/// Each candidate reads the sample, quotes and all. The one under which most records have as many fields as the
/// header wins; then the one with more fields; then the likeliest. A header that none of them splits is one
/// column, and the delimiter a comma.
#[must_use]
pub fn find_delimiter(sample: &[u8], whole: bool) -> u8 {
    let cut = sample.get(..SAMPLE_BYTES).unwrap_or(sample);
    let whole = whole && cut.len() == sample.len();
    let mut best = (0, 0, DELIMITERS[0]);
    for delimiter in DELIMITERS {
        let (agreement, columns) = score(cut, whole, delimiter);
        if columns > 1 && (agreement, columns) > (best.0, best.1) {
            best = (agreement, columns, delimiter);
        }
    }
    best.2
}

/// How many of 1,000 records have as many fields as the header, and how many that is.
fn score(sample: &[u8], whole: bool, delimiter: u8) -> (u64, usize) {
    let mut reader = Reader::new(sample, delimiter, SAMPLE_BYTES);
    let Ok(Header::Fields(fields)) = reader.header(SAMPLE_COLUMNS) else {
        return (0, 0);
    };
    let (mut rows, mut last_is_row) = (0, false);
    while let Ok(Some(block)) = reader.next_block() {
        rows += block.rows() as u64;
        last_is_row = block
            .rejects
            .last()
            .is_none_or(|reject| reject.end < sample.len());
    }
    let mut records = reader.records();
    if !whole && records > 0 {
        // The sample ends within its last record, which proves nothing either way.
        records -= 1;
        rows -= u64::from(last_is_row && rows > 0);
    }
    let agreement = (rows * 1000).checked_div(records).unwrap_or(1000);
    (agreement, fields.len())
}

#[cfg(test)]
#[path = "tests.rs"]
mod exports;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: char) {
        assert_eq!(
            char::from(find_delimiter(text.as_bytes(), true)),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn the_delimiter_that_splits_every_row_alike_wins() {
        check("a,b\n1,2\n", ',');
        check("a\tb\n1\t2\n", '\t');
        check("a;b\n1,5;2,5\n", ';');
        check("a|b\n1|2\n", '|');
        check("a\n1\n", ',');
        check("a;b", ';');
        check("\"x,y,z\";b\n1;2\n", ';');
        check("name\tnote\nx\ta, b; c\ny\td, e\n", '\t');
        check("a,b;c\n1,2;3\n4,5\n6,7\n8,9;1;2\n", ',');
        check("a,\"b\n;;;;\"\n1,2\n", ',');
        check("", ',');
        check("\"", ',');
    }

    #[test]
    fn a_sample_cut_within_a_row_decides_the_same() {
        let text = "a;b;c\n".to_owned() + &"1,5;2;\"x;y\"\n".repeat(20_000);
        for length in [100_000, 100_003, 100_007, 100_011, text.len()] {
            assert_eq!(
                find_delimiter(&text.as_bytes()[..length], false),
                b';',
                "{length}"
            );
        }
    }

    fn refused(bytes: &[u8]) -> String {
        match refuse_binary(bytes) {
            Ok(()) => String::new(),
            Err(failure) => format!("{}: {}", failure.code, failure.message),
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"\n\r\n\r", "empty"),
            (b"\xEF\xBB\xBF", "empty"),
            (b"PK\x03\x04\x14\0\0\0", "zip archive"),
            (b"\x1F\x8B\x08\0", "gzip"),
            (b"PAR1\x15\x04", "Parquet"),
            (b"\x89PNG\r\n\x1A\n", "PNG"),
            (b"%PDF-1.7\n%\xE2", "PDF"),
            (b"\xFF\xFEa\0,\0b\0", "UTF-16, little"),
            (b"\xFE\xFF\0a\0,\0b", "UTF-16, big"),
            (b"a\0,\0b\0\n\0", "UTF-16, little"),
            (b"\0a\0,\0b\0\n", "UTF-16, big"),
            (b"\xFF\xFE\0\0a\0\0\0", "UTF-32"),
            (b"\x01\x00\x00\x02\x03\x00", "NUL"),
            (b"\0", "NUL"),
        ] {
            let refused = refused(bytes);
            assert!(
                refused.contains(expected),
                "{refused:?} does not name {expected:?}"
            );
        }
    }

    #[test]
    fn text_is_not_taken_for_what_it_begins_like() {
        for text in [
            &b"ORC,PAR1\n1,2\n"[..],
            b"BZh,b\n",
            b"a",
            b"\"",
            b"a,b\n1,\0\n3,4\n5,6\n7,8\n9,10\n",
        ] {
            assert_eq!(refused(text), "");
        }
    }
}
