//! Where a cell stands.

use std::ops::Range;

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

/// Where a cell stands in its slab, quotes not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end_and_flags: u32,
}

impl Span {
    /// A cell that its record does not have.
    pub(crate) const MISSING: Self = Self {
        start: 0,
        end_and_flags: 0,
    };

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a slab is shorter than 2^30 bytes: MAX_RECORD_BYTES"
    )]
    pub(crate) const fn plain(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end_and_flags: end as u32,
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a slab is shorter than 2^30 bytes: MAX_RECORD_BYTES"
    )]
    pub(crate) const fn quoted(start: usize, end: usize, escaped: bool) -> Self {
        Self {
            start: start as u32,
            end_and_flags: end as u32 | if escaped { QUOTED | ESCAPED } else { QUOTED },
        }
    }

    /// The same, holding escapes.
    pub(crate) const fn escaped(self) -> Self {
        Self {
            end_and_flags: self.end_and_flags | ESCAPED,
            ..self
        }
    }

    /// The same, so many bytes further on.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a slab is shorter than 2^30 bytes: MAX_RECORD_BYTES"
    )]
    pub(crate) const fn moved(self, by: usize) -> Self {
        Self {
            start: self.start + by as u32,
            end_and_flags: self.end_and_flags + by as u32,
        }
    }

    /// The cell's bytes within the slab.
    pub(crate) const fn range(self) -> Range<usize> {
        self.start as usize..(self.end_and_flags & !(QUOTED | ESCAPED)) as usize
    }

    /// Whether the cell stood in quotes.
    pub(crate) const fn is_quoted(self) -> bool {
        self.end_and_flags & QUOTED != 0
    }

    /// Twice its length, and one more if it stood in quotes; where it holds escapes, more than that of any cell without.
    #[inline]
    pub(crate) const fn form(self) -> u32 {
        self.end_and_flags.wrapping_sub(self.start).rotate_left(1)
    }

    /// Whether it holds escapes that mean something else.
    pub(crate) const fn is_escaped(self) -> bool {
        self.end_and_flags & ESCAPED != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.start == (self.end_and_flags & !(QUOTED | ESCAPED))
    }
}
