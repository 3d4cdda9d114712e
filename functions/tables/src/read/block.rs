//! Some consecutive records of a slab, split into cells.

use std::collections::BTreeMap;

use memchr::memchr;

use super::{Fault, Repair, general::Rules, span::Span};
use crate::dialect::Dialect;

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
    pub(super) bytes: &'a [u8],
    pub(super) offset: u64,
    /// Where in them the block ends.
    pub(super) end: usize,
    pub(super) spans: &'a [Span],
    pub(super) columns: usize,
    pub(super) unescape: &'a Unescape,
    /// The records that are no rows, in order.
    pub rejects: &'a [Reject],
    /// The rows that something was done to, in order.
    pub repairs: &'a [Mended],
}

/// Where the cells of a column stand, from a row on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans<'a> {
    /// From the first of them on, those of all columns.
    spans: &'a [Span],
    columns: usize,
}

impl Spans<'_> {
    /// Where one stands, counted from that row.
    #[inline]
    pub(crate) fn get(self, row: usize) -> Span {
        let span = self.spans.get(row * self.columns);
        span.copied().unwrap_or(Span::MISSING)
    }
}

impl<'a> Block<'a> {
    /// How many rows it holds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.spans.len() / self.columns.max(1)
    }

    /// About how many rows the whole slab holds, if all of it is like this block, its first.
    #[must_use]
    pub(crate) fn rows_in_slab(&self) -> usize {
        let slab = self.bytes.len() as u64;
        let rows = self.rows() as u64 * slab / (self.end as u64).max(1);
        // A row has a byte at least.
        usize::try_from(rows.min(slab)).unwrap_or(usize::MAX)
    }

    /// The text that the cells stand in.
    #[inline]
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the cells of a column stand, from a row on.
    #[inline]
    pub(crate) fn spans_from(&self, row: usize, column: usize) -> Spans<'a> {
        Spans {
            spans: self.spans.get(row * self.columns + column..).unwrap_or_default(),
            columns: self.columns,
        }
    }

    /// Where a cell stands.
    #[inline]
    pub(crate) fn span(&self, row: usize, column: usize) -> Span {
        let span = self.spans.get(row * self.columns + column);
        span.copied().unwrap_or(Span::MISSING)
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
        let spans = self.spans_from(row, column);
        for further in 0..self.rows().saturating_sub(row) {
            let span = spans.get(further);
            take(self.resolve(span, &mut unescaped), span.is_quoted());
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
#[derive(Debug, Clone)]
pub(crate) struct Unescape {
    escape: u8,
    /// What an escape makes text of: the quote, itself and, where it is a character of its own, the delimiter.
    escaped: [u8; 3],
    /// Whether line ends are escaped too.
    own: bool,
}

impl Unescape {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        Self::by(&Rules::of(dialect))
    }

    pub(crate) fn by(rules: &Rules) -> Self {
        let quote = rules.quote.or(rules.escape).unwrap_or(b'"');
        let escape = rules.escape.unwrap_or(quote);
        let own = Some(escape) != rules.quote && rules.escape.is_some();
        let delimiter = rules.delimiter.first().copied().unwrap_or(quote);
        Self {
            escape,
            escaped: [quote, escape, if own { delimiter } else { quote }],
            own,
        }
    }

    /// Takes the escape from each escaped quote, escape, delimiter or line end. Any other keeps it: `\N` and `\t` are
    /// text of the file that is not ours to interpret.
    pub(crate) fn apply(&self, cell: &[u8], into: &mut Vec<u8>) {
        into.clear();
        let mut rest = cell;
        while let Some(at) = memchr(self.escape, rest) {
            into.extend_from_slice(rest.get(..at).unwrap_or_default());
            let skip = match rest.get(at + 1) {
                Some(next) if self.escaped.contains(next) || (self.own && matches!(next, b'\n' | b'\r')) => {
                    into.push(*next);
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
