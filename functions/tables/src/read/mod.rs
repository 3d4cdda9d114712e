//! Delimited text to cells: slabs of whole records, and in each of them where every cell stands.
//!
//! One thread reads the text and cuts it into [`Slabs`] (`slabs`, `cut`); any number of others takes a [`Slab`] each and
//! splits it into [`Block`]s of cells (`scan` for dialects like RFC 4180's, `general` for all others). Nothing is copied
//! per cell: a block is the slab's bytes and, for each cell, where in them it stands.
//!
//! ## What a record is
//! RFC 4180 with what files in the wild add to it. A record ends in LF, CRLF or a lone CR, mixed at will; the last one needs
//! no line end. Blank lines are no records (in a table of one column they are: a null). A quote opens a quoted field only
//! as the field's first byte and is text elsewhere (`5"`).
//!
//! ## What becomes of one that does not fit
//! Every record is a row or a [`Reject`], and no row is changed without saying so ([`Block::repairs`], [`Counts`]):
//!
//! | the record | becomes |
//! |---|---|
//! | has fewer fields, one in 64 at least, and those it has are of their columns' kinds | a row, the rest null ([`Repair::Padded`]) |
//! | has more fields, and the surplus at its end is empty | a row without it ([`Repair::Trimmed`]) |
//! | has more fields, and one reading without so many empty ones is of the columns' kinds | that row ([`Repair::EmptyDropped`]) |
//! | has a quote that is not closed, or text after a closing one, and one reading of its quotes has the right number of fields | that row, the odd quotes being text ([`Repair::Quotes`]) |
//! | has one field for the whole line, and another delimiter splits it into the right number | that row ([`Repair::Delimiter`]) |
//! | is the header again, its first names at least | a reject: [`Fault::RepeatedHeader`] |
//! | anything else | a reject: [`Fault`] |
//!
//! A quote that does not close costs no more than its own line: reading goes on behind it.

mod block;
mod cut;
mod delimited;
mod field;
pub(crate) mod general;
mod repair;
mod scan;
mod slabs;
pub(crate) mod span;
mod split;

pub use block::{Block, Counts, Mended, Reject};
pub(crate) use block::{Spans, Unescape};
pub use delimited::Delimited;
pub(crate) use field::field_at;
pub(crate) use repair::requote;
pub use slabs::{SLAB_BYTES, Slab, Slabs};

/// The largest record cap taken, in bytes: positions within a slab have 30 bits.
pub const MAX_RECORD_BYTES: usize = 256 << 20;

/// Why a record is no row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Another number of fields than the table has columns, and not one that can be made good.
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
    /// The header again, as where files were put together, or a second table's.
    RepeatedHeader,
    /// Longer than the cap.
    TooLong,
}

impl Fault {
    /// The same, its place in the record being another.
    pub(crate) fn map_place(self, mut place: impl FnMut(usize) -> usize) -> Self {
        match self {
            Self::NotUtf8 { at } => Self::NotUtf8 { at: place(at) },
            Self::Nul { at } => Self::Nul { at: place(at) },
            Self::StrayQuote { at } => Self::StrayQuote { at: place(at) },
            Self::FieldCount { .. } | Self::UnterminatedQuote | Self::RepeatedHeader | Self::TooLong => self,
        }
    }
}

/// What was done to make a row of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// Its missing last cells are null.
    Padded,
    /// Its surplus last cells, all empty, were left out.
    Trimmed,
    /// Empty cells within it were left out.
    EmptyDropped,
    /// Quotes that neither open nor close a field are text.
    Quotes,
    /// It is delimited otherwise than the rest of the file.
    Delimiter,
}

impl Repair {
    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Padded => "padded",
            Self::Trimmed => "trimmed",
            Self::EmptyDropped => "empty-dropped",
            Self::Quotes => "quotes",
            Self::Delimiter => "delimiter",
        }
    }
}

#[cfg(test)]
mod tests;
