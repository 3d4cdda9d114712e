//! `rejects.jsonl`: the records that are no rows, each with where it stands and why.

use std::{borrow::Cow, collections::BTreeMap, io::Write};

use serde::Serialize;
use shared::{Failure, OutputWriter, Outputs, Place};

use crate::{
    dialect::Dialect,
    profile::Undecodable,
    read::{Block, Fault, field_at, general::Rules},
    source::Places,
};

/// How many bytes of a rejected record are shown.
pub const RAW_BYTES: usize = 1024;
/// How many reasons are remembered, to be told when no row was good.
const REMEMBERED: usize = 3;
/// How many places of undecodable bytes are told.
const PLACES: usize = 100;

/// A line of `rejects.jsonl`.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    /// Number of the record, from 1; the header and blank lines are not counted.
    row: u64,
    /// Offset of the record's first byte in the file; in the decompressed file, of one that is compressed.
    byte_offset: u64,
    /// Number of the line in which it begins, from 1, where lines are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// A name for programs.
    reason: &'static str,
    /// A sentence for people.
    message: &'a str,
    /// The column whose cell is at fault, if one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<&'a str>,
    /// That cell as it stands, quotes included: its first [`RAW_BYTES`] bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    /// The first of its bytes that cannot be decoded, if that is the reason; an offset in the file too.
    #[serde(skip_serializing_if = "Option::is_none")]
    undecodable_at: Option<u64>,
    /// The record's first [`RAW_BYTES`] bytes of text; what cannot be decoded is shown as U+FFFD.
    raw: Cow<'a, str>,
    /// Whether the record is longer than that.
    raw_truncated: bool,
}

/// A record that is no row.
#[derive(Debug, Clone)]
pub struct Rejected<'a> {
    /// Number of the record, from 1; the header and blank lines are not counted.
    pub row: u64,
    /// Offset in the (decompressed) file of the record's first byte.
    pub offset: u64,
    /// Number of the line in which it begins, from 1, where lines are counted.
    pub line: Option<u64>,
    /// Why: a name for programs.
    pub reason: &'static str,
    /// And a sentence for people.
    pub message: String,
    /// The cell that is at fault, if one is.
    pub cell: Option<Cell<'a>>,
    /// Offset in the (decompressed) file of its first byte that cannot be decoded, if that is why.
    pub undecodable: Option<u64>,
    /// Its bytes, one more than are shown at most.
    pub raw: Cow<'a, [u8]>,
}

/// A cell that keeps its record from being a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its column's name in the table, if the table has that many.
    pub column: Option<String>,
    /// Its bytes, quotes included, one more than are shown at most.
    pub raw: Cow<'a, [u8]>,
}

/// What a table's records are held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// How they are delimited.
    pub dialect: &'a Dialect,
    /// What the columns are called in the table.
    pub names: &'a [String],
    /// How long one may be, in bytes.
    pub record_bytes: usize,
}

impl Expected<'_> {
    /// The cell of a record in which a fault lies.
    fn cell<'a>(&self, record: &'a [u8], fault: Fault) -> Option<Cell<'a>> {
        let at = match fault {
            Fault::NotUtf8 { at } | Fault::Nul { at } | Fault::StrayQuote { at } => at,
            Fault::UnterminatedQuote => record.len(),
            Fault::FieldCount { .. } | Fault::RepeatedHeader | Fault::TooLong => return None,
        };
        let (number, place) = field_at(record, at, &Rules::of(self.dialect));
        let raw = record.get(place).unwrap_or_default();
        Some(Cell {
            column: self.names.get(number).cloned(),
            raw: Cow::Borrowed(shown(raw)),
        })
    }
}

impl<'a> Rejected<'a> {
    /// A block's rejects. Rows are numbered from the slab's first, of which `places` are.
    pub fn of(
        block: &Block<'a>,
        places: &mut Places<'_>,
        expected: Expected<'_>,
    ) -> impl Iterator<Item = Self> {
        let is_decoded = !places.is_as_it_stands();
        let (columns, record_bytes) = (expected.dialect.columns(), expected.record_bytes);
        block.rejects.iter().map(move |reject| {
            let offset = places.file_offset(reject.start);
            let in_file = |at: usize| {
                let at = places.file_offset(reject.start + at).saturating_sub(offset);
                usize::try_from(at).unwrap_or(usize::MAX)
            };
            let fault = reject.fault.map_place(in_file);
            let (reason, message) = explain(fault, columns, record_bytes, is_decoded);
            let raw = block.raw(reject.start, reject.end);
            let cell = expected.cell(raw, reject.fault);
            Rejected {
                cell,
                row: reject.row,
                offset,
                line: None,
                reason,
                message,
                undecodable: match fault {
                    Fault::NotUtf8 { at } => Some(offset + at as u64),
                    _ => None,
                },
                raw: Cow::Borrowed(shown(raw)),
            }
        })
    }

    /// The same, after so many records more.
    #[must_use]
    pub fn after(self, records: u64) -> Self {
        Self {
            row: self.row + records,
            ..self
        }
    }

    /// The same, holding its own bytes.
    #[must_use]
    pub fn into_owned(self) -> Rejected<'static> {
        Rejected {
            row: self.row,
            offset: self.offset,
            line: self.line,
            reason: self.reason,
            message: self.message,
            cell: self.cell.map(|cell| Cell {
                raw: Cow::Owned(cell.raw.into_owned()),
                ..cell
            }),
            undecodable: self.undecodable,
            raw: Cow::Owned(self.raw.into_owned()),
        }
    }
}

/// Writes rejected records and counts them. The output is created with the first of them.
#[derive(Default)]
pub struct Rejects {
    output: Option<Box<dyn OutputWriter>>,
    lines: Vec<u8>,
    by_reason: BTreeMap<&'static str, u64>,
    first: Vec<(u64, u64, String)>,
    undecodable: Undecodable,
}

impl Rejects {
    /// Writes rejects.
    pub fn take<'a>(
        &mut self,
        rejected: impl Iterator<Item = Rejected<'a>>,
        outputs: &mut dyn Outputs,
    ) -> Result<(), Failure> {
        self.lines.clear();
        for rejected in rejected {
            self.line(&rejected)?;
        }
        if self.lines.is_empty() || !outputs.wants("rejects.jsonl") {
            return Ok(());
        }
        let output = match &mut self.output {
            Some(output) => output,
            none => none.insert(outputs.create("rejects.jsonl", "application/jsonl")?),
        };
        output
            .write_all(&self.lines)
            .map_err(|error| Failure::from_write(&error))
    }

    fn line(&mut self, rejected: &Rejected<'_>) -> Result<(), Failure> {
        *self.by_reason.entry(rejected.reason).or_default() += 1;
        let raw = rejected.raw.as_ref();
        let entry = Entry {
            row: rejected.row,
            byte_offset: rejected.offset,
            line: rejected.line,
            reason: rejected.reason,
            message: &rejected.message,
            column: rejected.cell.as_ref().and_then(|cell| cell.column.as_deref()),
            value: rejected.cell.as_ref().map(|cell| show(&cell.raw)),
            undecodable_at: rejected.undecodable,
            raw: show(raw),
            raw_truncated: raw.len() > RAW_BYTES,
        };
        serde_json::to_writer(&mut self.lines, &entry)
            .map_err(|error| Failure::internal("rejects", error.to_string()))?;
        self.lines.push(b'\n');
        if let Some(offset) = rejected.undecodable {
            self.undecodable.records += 1;
            if self.undecodable.first_offsets.len() < PLACES {
                self.undecodable.first_offsets.push(offset);
            }
        }
        if self.first.len() < REMEMBERED {
            self.first
                .push((rejected.row, rejected.offset, rejected.message.clone()));
        }
        Ok(())
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.by_reason.values().sum()
    }

    /// What could not be decoded; none if all could.
    #[must_use]
    pub fn undecodable(&self) -> Option<Undecodable> {
        (self.undecodable.records > 0).then(|| self.undecodable.clone())
    }

    /// The failure of a file in which no record is a row.
    #[must_use]
    pub fn no_good_row(&self) -> Failure {
        let reasons: Vec<String> = self
            .first
            .iter()
            .map(|(row, _, message)| format!("row {row}: {message}"))
            .collect();
        let message = format!(
            "none of the {} rows could be read: {}",
            self.count(),
            reasons.join("; ")
        );
        let failure = Failure::rejected("no-good-row", message);
        match self.first.first() {
            Some(&(row, offset, _)) => failure.at(Place::Row { row, offset }),
            None => failure,
        }
    }

    /// Ends the output, if there is one; gives how many there were for each reason.
    pub fn finish(self) -> Result<BTreeMap<&'static str, u64>, Failure> {
        self.output.map_or(Ok(()), OutputWriter::finish)?;
        Ok(self.by_reason)
    }
}

/// What is kept of bytes to be shown: one more than is, which tells that there are more.
pub(crate) fn shown(raw: &[u8]) -> &[u8] {
    raw.get(..=RAW_BYTES).unwrap_or(raw)
}

/// The first bytes of a record or a cell, not cut within a character.
fn show(raw: &[u8]) -> Cow<'_, str> {
    let cut = raw.get(..RAW_BYTES).unwrap_or(raw);
    match std::str::from_utf8(cut) {
        // Nothing wrong but the cut.
        Err(error) if error.error_len().is_none() && raw.len() > RAW_BYTES => {
            String::from_utf8_lossy(cut.get(..error.valid_up_to()).unwrap_or_default())
        }
        _ => String::from_utf8_lossy(cut),
    }
}

/// A fault's name and sentence.
fn explain(fault: Fault, columns: usize, record_bytes: usize, is_decoded: bool) -> (&'static str, String) {
    match fault {
        Fault::FieldCount { found } => {
            let fields = if found == 1 { "field" } else { "fields" };
            (
                "field-count",
                format!("{found} {fields}, and the header has {columns}"),
            )
        }
        Fault::NotUtf8 { at } => undecodable(at, is_decoded),
        Fault::Nul { at } => ("nul", format!("a NUL at byte {at} of the record")),
        Fault::StrayQuote { at } => (
            "stray-quote",
            format!("text after the closing quote at byte {at} of the record"),
        ),
        Fault::UnterminatedQuote => (
            "unterminated-quote",
            "a quote opens a field and does not close it".to_owned(),
        ),
        Fault::RepeatedHeader => ("repeated-header", "the header again".to_owned()),
        Fault::TooLong => (
            "too-long",
            format!("longer than the {record_bytes} bytes a record may have"),
        ),
    }
}

/// The name and the sentence of bytes that cannot be decoded, in a file of UTF-8 or of another encoding.
pub(crate) fn undecodable(at: usize, is_decoded: bool) -> (&'static str, String) {
    if is_decoded {
        let message = format!("cannot be decoded at byte {at} of the record");
        ("undecodable", message)
    } else {
        ("not-utf8", format!("not UTF-8 from byte {at} of the record on"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_is_cut_between_characters_and_bad_bytes_are_shown() {
        let long = "é".repeat(RAW_BYTES);
        assert_eq!(
            show(format!("a{long}").as_bytes()),
            format!("a{}", "é".repeat(RAW_BYTES / 2 - 1))
        );
        assert_eq!(show(b"a\xFFb\0"), "a\u{FFFD}b\0");
        assert_eq!(show(b"\xE2\x98"), "\u{FFFD}");
    }
}
