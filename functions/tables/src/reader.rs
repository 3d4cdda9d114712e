//! Records over a byte stream, a block at a time.
//!
//! RFC 4180 with what files in the wild add to it: records end in LF, CRLF or a lone CR; a UTF-8 byte order mark is
//! skipped; the last record needs no line end; blank lines are no records (in a table of one column they are: a null).
//! A quote opens a quoted field only as the field's first byte and is text elsewhere (`5"`); after the closing quote only
//! a delimiter or the record's end may follow, or the record is [`Fault::StrayQuote`].
//!
//! A quote that does not close before the file or the record's cap ends costs its own line only: the record is
//! [`Fault::UnterminatedQuote`] up to its first line end, and reading goes on there. A line that is too long by itself is
//! [`Fault::TooLong`] up to its end.
//!
//! Nothing is copied per field: a [`Block`] is the reader's buffer and, for each cell, where in it the cell stands.
//! Delimiters, quotes and line ends are found 64 bytes at a time.

use std::io::{self, Read};

use memchr::memchr2;
use shared::Failure;

use crate::scan::{Scan, Scanned, Span};

/// The largest record cap taken, in bytes: positions within a block have 30 bits.
pub const MAX_RECORD_BYTES: usize = 256 << 20;
/// How much is read at a time, in bytes, unless a record is longer.
const BLOCK_BYTES: usize = 256 << 10;
/// For a wide table, this much more per column: or a block would hold a few rows only.
const BLOCK_BYTES_PER_COLUMN: usize = 1 << 10;
/// And never more than this.
const MAX_BLOCK_BYTES: usize = 2 << 20;

/// Why a record is no row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another number of fields than the header has.
    FieldCount {
        /// How many it has.
        found: usize,
    },
    /// Not UTF-8, from this byte of the record on.
    NotUtf8 {
        /// Offset within the record.
        at: usize,
    },
    /// A NUL byte at this byte of the record.
    Nul {
        /// Offset within the record.
        at: usize,
    },
    /// Text between a closing quote and the delimiter.
    StrayQuote {
        /// Offset of the closing quote within the record.
        at: usize,
    },
    /// A quote that does not close.
    UnterminatedQuote,
    /// Longer than the cap.
    TooLong,
}

/// A record that is no row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// Number of the record, from 1; the header and blank lines are not counted.
    pub row: u64,
    /// Why.
    pub fault: Fault,
    /// Where its bytes begin in the block.
    pub start: usize,
    /// And end. Short of the record's end when it is [`Fault::TooLong`].
    pub end: usize,
}

/// Some consecutive records: the rows, and the records that are none.
#[derive(Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    offset: u64,
    spans: &'a [Span],
    columns: usize,
    /// The records that are no rows, in order.
    pub rejects: &'a [Reject],
}

impl<'a> Block<'a> {
    /// How many rows it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.spans.len() / self.columns.max(1)
    }

    /// Calls `take(cell, quoted)` with every cell of a column, quotes taken off.
    #[inline]
    pub fn for_each_cell(&self, column: usize, mut take: impl FnMut(&[u8], bool)) {
        let mut unescaped = Vec::new();
        for span in self.spans.iter().skip(column).step_by(self.columns.max(1)) {
            let cell = self.bytes.get(span.range()).unwrap_or_default();
            if span.is_escaped() {
                unescape(cell, &mut unescaped);
                take(&unescaped, true);
            } else {
                take(cell, span.is_quoted());
            }
        }
    }

    /// The bytes of a rejected record, as they stand in the file.
    #[must_use]
    pub fn raw(&self, reject: &Reject) -> &'a [u8] {
        self.bytes.get(reject.start..reject.end).unwrap_or_default()
    }

    /// The byte of the file at which a rejected record begins.
    #[must_use]
    pub fn offset(&self, reject: &Reject) -> u64 {
        self.offset + reject.start as u64
    }
}

/// Turns `""` into `"`.
fn unescape(cell: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'"', rest) {
        into.extend_from_slice(rest.get(..=at).unwrap_or_default());
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
}

/// The first record of a file.
#[derive(Debug)]
pub enum Header {
    /// There is none: the file is empty, or all line ends.
    Missing,
    /// Its fields, quotes taken off.
    Fields(Vec<Vec<u8>>),
    /// It is at fault, at this byte of the file.
    Bad(Fault, u64),
}

/// Reads records.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    ended: bool,
    /// `buffer[..length]` holds bytes of the file.
    buffer: Vec<u8>,
    length: usize,
    /// Offset in the file of `buffer[0]`.
    offset: u64,
    scan: Scan,
    block_bytes: usize,
    record_bytes: usize,
    columns: usize,
    /// The last block ended in a line that is too long, whose rest is to be passed.
    skipping: bool,
    /// The last block ended where the buffer did, within a record.
    starved: bool,
    spans: Vec<Span>,
    rejects: Vec<Reject>,
    records: u64,
    blank_lines: u64,
}

impl<R: Read> Reader<R> {
    /// A reader of records of at most `record_bytes` (without their line end), delimited by `delimiter`.
    pub fn new(source: R, delimiter: u8, record_bytes: usize) -> Self {
        Self {
            source,
            ended: false,
            buffer: Vec::new(),
            length: 0,
            offset: 0,
            scan: Scan::new(delimiter, record_bytes.clamp(1, MAX_RECORD_BYTES)),
            block_bytes: BLOCK_BYTES,
            record_bytes: record_bytes.clamp(1, MAX_RECORD_BYTES),
            columns: 1,
            skipping: false,
            starved: false,
            spans: Vec::new(),
            rejects: Vec::new(),
            records: 0,
            blank_lines: 0,
        }
    }

    /// The first bytes of the file, as many as one read of a block gives, for those who decide how to read on.
    pub fn peek(&mut self) -> Result<&[u8], Failure> {
        if self.length == 0 {
            self.fill()?;
        }
        Ok(self.buffer.get(..self.length).unwrap_or_default())
    }

    /// Whether [`Reader::peek`] showed the whole file.
    pub const fn is_whole(&self) -> bool {
        self.ended
    }

    /// Decides on the delimiter, before the first record.
    pub fn set_delimiter(&mut self, delimiter: u8) {
        self.scan = Scan::new(delimiter, self.record_bytes);
    }

    /// Reads the first record that is not blank, and no more than `max_columns` + 1 fields of it. From then on every
    /// record must have as many fields.
    pub fn header(&mut self, max_columns: usize) -> Result<Header, Failure> {
        if self.length == 0 {
            self.fill()?;
        }
        self.skip_mark();
        self.scan.set_columns(max_columns + 1, false);
        loop {
            self.spans.clear();
            let bytes = self.buffer.get(..self.length).unwrap_or_default();
            match self.scan.next(bytes, self.ended, &mut self.spans) {
                Scanned::Record { start, fault, .. } => {
                    if let Some(fault) = fault {
                        return Ok(Header::Bad(fault, self.offset + start as u64));
                    }
                    let mut fields = Vec::with_capacity(self.spans.len());
                    for span in &self.spans {
                        let cell = bytes.get(span.range()).unwrap_or_default();
                        let mut field = cell.to_vec();
                        if span.is_escaped() {
                            unescape(cell, &mut field);
                        }
                        fields.push(field);
                    }
                    self.columns = fields.len().max(1);
                    self.scan.set_columns(self.columns, true);
                    let wide = self.columns.saturating_mul(BLOCK_BYTES_PER_COLUMN);
                    self.block_bytes = wide.clamp(BLOCK_BYTES, MAX_BLOCK_BYTES);
                    return Ok(Header::Fields(fields));
                }
                Scanned::Blank => {}
                Scanned::NeedMore => self.fill()?,
                Scanned::End => return Ok(Header::Missing),
            }
        }
    }

    /// Reads on; `None` at the end of the file.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, Failure> {
        self.spans.clear();
        self.rejects.clear();
        if self.skipping {
            self.skip_line()?;
        }
        if std::mem::take(&mut self.starved) {
            self.fill()?;
        }
        loop {
            let bytes = self.buffer.get(..self.length).unwrap_or_default();
            match self.scan.next(bytes, self.ended, &mut self.spans) {
                Scanned::Record { start, end, fault } => {
                    self.records += 1;
                    if let Some(fault) = fault {
                        self.rejects.push(Reject {
                            row: self.records,
                            fault,
                            start,
                            end,
                        });
                        if fault == Fault::TooLong {
                            self.skipping = true;
                            break;
                        }
                    }
                }
                Scanned::Blank => self.blank_lines += 1,
                Scanned::NeedMore if self.spans.is_empty() && self.rejects.is_empty() => self.fill()?,
                Scanned::NeedMore => {
                    self.starved = true;
                    break;
                }
                Scanned::End if self.spans.is_empty() && self.rejects.is_empty() => return Ok(None),
                Scanned::End => break,
            }
        }
        Ok(Some(Block {
            bytes: self.buffer.get(..self.length).unwrap_or_default(),
            offset: self.offset,
            spans: &self.spans,
            columns: self.columns,
            rejects: &self.rejects,
        }))
    }

    /// The byte of the file at which the next record begins.
    pub const fn position(&self) -> u64 {
        self.offset + self.scan.position() as u64
    }

    /// Records read so far: rows and rejects.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Blank lines passed so far, those before the header not counted.
    pub const fn blank_lines(&self) -> u64 {
        self.blank_lines
    }

    fn skip_mark(&mut self) {
        if self.offset == 0 && self.buffer.get(..self.length.min(3)) == Some(b"\xEF\xBB\xBF") {
            self.scan.skip_to(3);
        }
    }

    /// Moves what is not yet read to the front and reads until the buffer is full or the file ends. A record that
    /// does not fit makes the buffer grow, up to the record's cap and a block.
    fn fill(&mut self) -> Result<(), Failure> {
        let from = self.scan.position();
        self.buffer.copy_within(from..self.length, 0);
        self.length -= from;
        self.offset += from as u64;
        self.scan.rebase();
        // A few more, as a quote and a CR are told by the byte that follows.
        let most = self.record_bytes + self.block_bytes + 8;
        let room = if self.length * 2 >= self.buffer.len() {
            self.length * 2
        } else {
            self.buffer.len()
        };
        let room = room.max(self.block_bytes).min(most);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        while self.length < self.buffer.len() {
            let free = self.buffer.get_mut(self.length..).unwrap_or_default();
            match self.source.read(free) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::from_read(&error)),
            }
        }
        Ok(())
    }

    /// Passes the rest of a line that is too long.
    fn skip_line(&mut self) -> Result<(), Failure> {
        self.skipping = false;
        loop {
            let from = self.scan.position();
            let rest = self.buffer.get(from..self.length).unwrap_or_default();
            if let Some(at) = memchr2(b'\n', b'\r', rest) {
                self.scan.skip_to(from + at);
                let bytes = self.buffer.get(..self.length).unwrap_or_default();
                self.scan.pass_line_end(bytes);
                return Ok(());
            }
            self.scan.skip_to(self.length);
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
