//! Some consecutive records of a slab, split into cells.

use std::collections::BTreeMap;

use memchr::memchr;

use super::{
    Fault, Repair, Slab,
    scan::{Scan, Scanned, most_fields},
    span::Span,
};
use crate::dialect::Dialect;

/// About how many bytes make a block: few enough for the spans to stay in a core's cache.
const BLOCK_BYTES: usize = 256 << 10;
/// For a wide table, this much more per column: or a block would hold a few rows only.
const BLOCK_BYTES_PER_COLUMN: usize = 1 << 10;
/// And never more than this.
const MAX_BLOCK_BYTES: usize = 2 << 20;

/// A record that is no row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// Number of the record within the slab, from 1; blank lines and comments are not counted.
    pub row: u64,
    /// Why.
    pub fault: Fault,
    /// Where its bytes begin in the slab.
    pub start: usize,
    /// And end, its line end not included. Short of the record's end when it is [`Fault::TooLong`].
    pub end: usize,
}

/// A record that something was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mended {
    /// Number of the record within the slab, from 1; blank lines and comments are not counted.
    pub row: u64,
    /// What.
    pub repair: Repair,
    /// Where its bytes begin in the slab.
    pub start: usize,
    /// And end.
    pub end: usize,
}

/// What a slab held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records: always `rows` + `rejects`.
    pub records: u64,
    /// Those that are rows.
    pub rows: u64,
    /// Those that are none.
    pub rejects: u64,
    /// Lines without a byte, which are no records.
    pub blank_lines: u64,
    /// Lines that are comments, which are no records.
    pub comments: u64,
    /// Rows that something was done to, by what.
    pub repairs: BTreeMap<Repair, u64>,
}

impl Counts {
    /// Adds what another slab held.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.rows += other.rows;
        self.rejects += other.rejects;
        self.blank_lines += other.blank_lines;
        self.comments += other.comments;
        for (repair, count) in &other.repairs {
            *self.repairs.entry(*repair).or_default() += count;
        }
    }
}

/// Some consecutive records: the rows, and the records that are none.
#[derive(Debug)]
pub struct Block<'a> {
    bytes: &'a [u8],
    offset: u64,
    spans: &'a [Span],
    columns: usize,
    unescape: Unescape,
    /// The records that are no rows, in order.
    pub rejects: &'a [Reject],
    /// The rows that something was done to, in order.
    pub repairs: &'a [Mended],
}

impl<'a> Block<'a> {
    /// How many rows it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.spans.len() / self.columns.max(1)
    }

    /// The text that the cells stand in.
    #[inline]
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the cells of a column stand.
    #[inline]
    pub(crate) fn spans(&self, column: usize) -> impl Iterator<Item = &'a Span> {
        self.spans.iter().skip(column).step_by(self.columns.max(1))
    }

    /// A cell's text, escapes resolved.
    #[inline]
    pub(crate) fn resolve<'b>(&self, span: Span, unescaped: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        let cell = self.bytes.get(span.range()).unwrap_or_default();
        if span.is_escaped() {
            self.unescape.apply(cell, unescaped);
            unescaped
        } else {
            cell
        }
    }

    /// Calls `take(cell, quoted)` with every cell of a column: quotes taken off, escapes resolved. A cell that its record
    /// does not have is empty and not quoted.
    #[inline]
    pub fn for_each_cell(&self, column: usize, take: impl FnMut(&[u8], bool)) {
        self.for_each_cell_from(column, 0, take);
    }

    /// As [`Block::for_each_cell`], from a row on.
    #[inline]
    pub(crate) fn for_each_cell_from(&self, column: usize, row: usize, mut take: impl FnMut(&[u8], bool)) {
        let mut unescaped = Vec::new();
        for span in self.spans(column).skip(row) {
            take(self.resolve(*span, &mut unescaped), span.is_quoted());
        }
    }

    /// The bytes of a rejected or mended record, as they stand in the text.
    #[must_use]
    pub fn raw(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The byte of the text at which a byte of the slab stands.
    #[must_use]
    pub const fn offset(&self, at: usize) -> u64 {
        self.offset + at as u64
    }
}

/// How escapes within a cell are resolved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unescape {
    pub(crate) quote: u8,
    pub(crate) escape: u8,
}

impl Unescape {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        let quote = dialect.quote.unwrap_or(b'"');
        Self {
            quote,
            escape: dialect.escape.unwrap_or(quote),
        }
    }

    /// Turns each escaped quote or escape into itself; what is escaped otherwise keeps its escape, being text of the
    /// file that this is not to interpret.
    pub(crate) fn apply(self, cell: &[u8], into: &mut Vec<u8>) {
        into.clear();
        let mut rest = cell;
        while let Some(at) = memchr(self.escape, rest) {
            into.extend_from_slice(rest.get(..at).unwrap_or_default());
            let skip = match rest.get(at + 1) {
                Some(&next) if next == self.quote || next == self.escape => {
                    into.push(next);
                    2
                }
                _ => {
                    into.push(self.escape);
                    1
                }
            };
            rest = rest.get(at + skip..).unwrap_or_default();
        }
        into.extend_from_slice(rest);
    }
}

impl Slab {
    /// Splits the slab and calls `take` with every block of it, in order; gives what it held.
    ///
    /// # Errors
    /// What `take` fails with.
    pub fn for_each_block<E>(
        &self,
        dialect: &Dialect,
        mut take: impl FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<Counts, E> {
        let columns = dialect.columns();
        let wide = columns.saturating_mul(BLOCK_BYTES_PER_COLUMN);
        let block_bytes = wide.clamp(BLOCK_BYTES, MAX_BLOCK_BYTES);
        let mut splitter = Splitter::new(self, dialect);
        loop {
            let more = splitter.fill(block_bytes);
            if !splitter.is_empty() {
                take(&splitter.block())?;
            }
            if !more {
                return Ok(splitter.counts);
            }
        }
    }
}

/// Splits a slab.
struct Splitter<'a> {
    slab: &'a Slab,
    bytes: &'a [u8],
    scan: Scan,
    columns: usize,
    unescape: Unescape,
    damages: usize,
    spans: Vec<Span>,
    rejects: Vec<Reject>,
    repairs: Vec<Mended>,
    counts: Counts,
}

impl<'a> Splitter<'a> {
    fn new(slab: &'a Slab, dialect: &Dialect) -> Self {
        let delimiter = dialect.delimiter.bytes().next().unwrap_or(b',');
        Self {
            slab,
            bytes: slab.bytes(),
            scan: Scan::new(delimiter, dialect.quote, dialect.columns()),
            columns: dialect.columns(),
            unescape: Unescape::of(dialect),
            damages: 0,
            spans: Vec::new(),
            rejects: Vec::new(),
            repairs: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.rejects.is_empty()
    }

    fn block(&self) -> Block<'_> {
        Block {
            bytes: self.bytes,
            offset: self.slab.offset,
            spans: &self.spans,
            columns: self.columns,
            unescape: self.unescape,
            rejects: &self.rejects,
            repairs: &self.repairs,
        }
    }

    /// Splits about so many bytes of records; whether there are more.
    fn fill(&mut self, block_bytes: usize) -> bool {
        self.spans.clear();
        self.rejects.clear();
        self.repairs.clear();
        let until = self.scan.position() + block_bytes;
        while self.scan.position() < until {
            let damage = self.slab.damages.get(self.damages);
            if let Some(damage) = damage.filter(|damage| damage.start == self.scan.position()) {
                self.damages += 1;
                let fault = match damage.stray {
                    Some(at) => Fault::StrayQuote {
                        at: at.saturating_sub(damage.start),
                    },
                    None => Fault::UnterminatedQuote,
                };
                self.counts.records += 1;
                if damage.end - damage.start > self.slab.record_bytes {
                    self.too_long(damage.start);
                } else {
                    self.reject(fault, damage.start, damage.end);
                }
                self.scan.skip_to(damage.next);
                continue;
            }
            let first = self.spans.len();
            match self.scan.next(self.bytes, &mut self.spans) {
                Scanned::End => return false,
                Scanned::Blank if self.columns == 1 => {
                    self.counts.records += 1;
                    self.counts.rows += 1;
                }
                Scanned::Blank => {
                    self.spans.truncate(first);
                    self.counts.blank_lines += 1;
                }
                Scanned::Record {
                    start,
                    end,
                    fields,
                    fault,
                } => {
                    self.counts.records += 1;
                    if fault.is_none() && fields == self.columns && end - start <= self.slab.record_bytes {
                        self.counts.rows += 1;
                    } else {
                        self.odd(start, end, fields, fault, first);
                    }
                }
            }
        }
        true
    }

    /// A record that is not as it should be; its spans are those from `first` on.
    fn odd(&mut self, start: usize, end: usize, fields: usize, fault: Option<Fault>, first: usize) {
        if end - start > self.slab.record_bytes {
            self.spans.truncate(first);
            self.too_long(start);
            return;
        }
        if let Some(fault) = fault {
            self.spans.truncate(first);
            self.reject(fault, start, end);
            return;
        }
        let repair = if fields < self.columns {
            self.spans.resize(first + self.columns, Span::MISSING);
            Some(Repair::Padded)
        } else {
            let surplus = self.spans.get(first + self.columns..).unwrap_or_default();
            let is_blank = fields <= most_fields(self.columns) && surplus.iter().all(|span| span.is_empty());
            self.spans.truncate(first + self.columns);
            is_blank.then_some(Repair::Trimmed)
        };
        match repair {
            Some(repair) => self.mended(repair, start, end),
            None => {
                self.spans.truncate(first);
                self.reject(Fault::FieldCount { found: fields }, start, end);
            }
        }
    }

    fn too_long(&mut self, start: usize) {
        self.reject(Fault::TooLong, start, start + self.slab.record_bytes + 1);
    }

    fn reject(&mut self, fault: Fault, start: usize, end: usize) {
        self.counts.rejects += 1;
        self.rejects.push(Reject {
            row: self.counts.records,
            fault,
            start,
            end,
        });
    }

    fn mended(&mut self, repair: Repair, start: usize, end: usize) {
        self.counts.rows += 1;
        *self.counts.repairs.entry(repair).or_default() += 1;
        self.repairs.push(Mended {
            row: self.counts.records,
            repair,
            start,
            end,
        });
    }
}
