//! A cell as a key of fixed width.
//!
//! A cell of up to [`SHORT_BYTES`] bytes is a key of 16: its bytes, zeros and its length, loaded with two moves and a mask
//! and compared with two compares. One of up to [`NARROW_BYTES`] is one of 8 in the same way. A longer one has a hash of
//! its bytes, and is compared with the text that an entry stands for.

use crate::read::span::Span;

/// The longest cell that is its own key.
const SHORT_BYTES: usize = 15;
/// The longest cell that is a narrow one.
pub(super) const NARROW_BYTES: usize = 7;

/// A key of a fixed width.
pub(super) trait Fixed: Copy + Eq {
    /// That of no cell.
    const NONE: Self;

    /// The key of a cell that stands in these bytes; [`Fixed::NONE`] if it is too long for any, holds escapes, or is shorter than
    /// what is loaded at once and too near to the end of the bytes.
    fn of_span(span: Span, bytes: &[u8]) -> Self;

    /// Where it is looked for first in a table of 2^`bits` places.
    fn place(self, bits: u32) -> usize;

    /// Whether texts must be compared, as the key does not hold all of it.
    fn is_long(self) -> bool;
}

/// A cell as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    low: u64,
    high: u64,
}

/// In the last byte of a key: that it is no short text.
const LONG: u64 = 1 << 63;
const LAST_BYTE: u64 = 0xFF << 56;
/// And that it is an empty cell that stood in quotes.
const QUOTED_EMPTY: Key = Key {
    low: 0,
    high: 1 << 62,
};

/// What makes a key of a short cell's first 16 bytes.
#[derive(Clone, Copy)]
struct Frame {
    /// The bytes that are the cell's.
    low: u64,
    high: u64,
    /// What the last byte says.
    last: u64,
}

#[expect(clippy::cast_possible_truncation, reason = "that is what is wanted")]
const fn halves(word: u128) -> (u64, u64) {
    (word as u64, (word >> 64) as u64)
}

/// Both halves of a product, folded.
#[inline]
fn product(one: u64, other: u64) -> u64 {
    let (low, high) = halves(u128::from(one) * u128::from(other));
    low ^ high
}

/// By [`Span::form`].
const FRAMES: [Frame; 2 * (SHORT_BYTES + 1)] = frames();

const fn frames() -> [Frame; 2 * (SHORT_BYTES + 1)] {
    let mut frames = [Frame {
        low: 0,
        high: 0,
        last: 0,
    }; 2 * (SHORT_BYTES + 1)];
    let mut form = 0;
    while form < frames.len() {
        let length = form / 2;
        let (low, high) = halves(if length == 0 {
            0
        } else {
            u128::MAX >> (128 - 8 * length)
        });
        let last = if form == 1 {
            QUOTED_EMPTY.high
        } else {
            (length as u64) << 56
        };
        #[expect(clippy::indexing_slicing, reason = "constant, and in bounds")]
        {
            frames[form] = Frame { low, high, last };
        }
        form += 1;
    }
    frames
}

/// A cell of up to [`NARROW_BYTES`] as a key of half the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Narrow(u64);

/// A narrow key's frame, by [`Span::form`]: the bytes that are the cell's, and what the last byte says. The last frame is that of
/// all other cells, and makes [`Fixed::NONE`] of them.
const NARROW_FRAMES: [(u64, u64); 2 * (NARROW_BYTES + 1) + 1] = narrow_frames();

const fn narrow_frames() -> [(u64, u64); 2 * (NARROW_BYTES + 1) + 1] {
    let mut frames = [(0, u64::MAX); 2 * (NARROW_BYTES + 1) + 1];
    let mut form = 0;
    while form + 1 < frames.len() {
        #[expect(clippy::indexing_slicing, reason = "constant, and in bounds")]
        {
            frames[form] = (FRAMES[form].low, FRAMES[form].last);
        }
        form += 1;
    }
    frames
}

impl Fixed for Narrow {
    const NONE: Self = Self(u64::MAX);

    #[inline]
    fn of_span(span: Span, bytes: &[u8]) -> Self {
        let form = (span.form() as usize).min(NARROW_FRAMES.len() - 1);
        let at = span.range().start;
        let chunk = bytes.get(at..at + 8).and_then(|chunk| chunk.try_into().ok());
        match (chunk, NARROW_FRAMES.get(form)) {
            (Some(chunk), Some((mask, last))) => Self(u64::from_le_bytes(chunk) & mask | last),
            _ => Self::NONE,
        }
    }

    #[inline]
    fn place(self, bits: u32) -> usize {
        let hash = self.0.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        #[expect(clippy::cast_possible_truncation, reason = "at most 17 bits are left")]
        let place = (hash >> (64 - bits)) as usize;
        place
    }

    #[inline]
    fn is_long(self) -> bool {
        false
    }
}

impl Fixed for Key {
    const NONE: Self = Self {
        low: 0,
        high: u64::MAX,
    };

    #[inline]
    fn of_span(span: Span, bytes: &[u8]) -> Self {
        let at = span.range().start;
        let chunk = bytes.get(at..at + 16).and_then(|chunk| chunk.try_into().ok());
        match (chunk, FRAMES.get(span.form() as usize)) {
            (_, None) if !span.is_escaped() => bytes.get(span.range()).map_or(Self::NONE, Self::of),
            (Some(chunk), Some(frame)) => {
                let (low, high) = halves(u128::from_le_bytes(chunk));
                Self {
                    low: low & frame.low,
                    high: high & frame.high | frame.last,
                }
            }
            _ => Self::NONE,
        }
    }

    #[inline]
    fn place(self, bits: u32) -> usize {
        let hash = product(
            self.low ^ 0x9E37_79B9_7F4A_7C15,
            self.high ^ 0xC2B2_AE3D_27D4_EB4F,
        );
        #[expect(clippy::cast_possible_truncation, reason = "at most 17 bits are left")]
        let place = (hash >> (64 - bits)) as usize;
        place
    }

    #[inline]
    fn is_long(self) -> bool {
        self.high & LONG != 0
    }
}

impl From<Narrow> for Key {
    #[inline]
    fn from(Narrow(key): Narrow) -> Self {
        Self {
            low: key & !LAST_BYTE,
            high: key & LAST_BYTE,
        }
    }
}

impl Key {
    /// The empty cell that stood in quotes.
    pub(crate) const QUOTED_EMPTY: Self = QUOTED_EMPTY;

    /// The key of a cell, wherever it stands.
    pub(crate) fn of(cell: &[u8]) -> Self {
        if cell.len() <= SHORT_BYTES {
            let mut chunk = [0; 16];
            for (to, from) in chunk.iter_mut().zip(cell) {
                *to = *from;
            }
            let (low, high) = halves(u128::from_le_bytes(chunk));
            return Self {
                low,
                high: high | (cell.len() as u64) << 56,
            };
        }
        Self {
            low: hash(cell),
            high: LONG | cell.len() as u64,
        }
    }

    /// The same in 8 bytes, if it has no more.
    #[inline]
    pub(super) fn narrow(self) -> Option<Narrow> {
        let is_narrow = self.low & LAST_BYTE == 0 && self.high & !LAST_BYTE == 0 && !self.is_long();
        is_narrow.then_some(Narrow(self.low | self.high))
    }
}

/// A hash of more than 8 bytes, eight at a time, the last eight perhaps again. It decides where an entry is looked for
/// first and nothing else.
#[inline]
fn hash(text: &[u8]) -> u64 {
    let mix = |sum: u64, word: &[u8; 8]| product(sum ^ u64::from_le_bytes(*word), 0x9E37_79B9_7F4A_7C15);
    let (words, _) = text.as_chunks::<8>();
    let sum = words.iter().fold(text.len() as u64, mix);
    text.last_chunk::<8>().map_or(sum, |last| mix(sum, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_texts_apart_and_not_where_they_stand() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=SHORT_BYTES {
            for start in [0, 7] {
                let text = [&b"before "[..start], text].concat();
                for span in [
                    Span::plain(start, start + length),
                    Span::quoted(start, start + length, false),
                ] {
                    let key = match (length, span.is_quoted()) {
                        (0, true) => Key::QUOTED_EMPTY,
                        _ => Key::of(&text[start..start + length]),
                    };
                    assert_eq!(Key::of_span(span, &text), key);
                    assert_eq!(Narrow::of_span(span, &text), key.narrow().unwrap_or(Narrow::NONE));
                }
            }
            let escaped = Span::quoted(7, 7 + length, true);
            assert_eq!(Key::of_span(escaped, text), Key::NONE);
            assert_eq!(Narrow::of_span(escaped, text), Narrow::NONE);
            assert_ne!(Key::of(&text[..length]), Key::of(&text[..=length]));
        }
        assert_ne!(Key::of(b""), Key::QUOTED_EMPTY);
        for key in [b"".as_slice(), b"-1", b"1234567"].map(Key::of) {
            assert_eq!(key.narrow().map(Key::from), Some(key));
        }
        let narrow = Key::QUOTED_EMPTY.narrow().map(Key::from);
        assert_eq!(narrow, Some(Key::QUOTED_EMPTY));
        assert_eq!(Key::of(b"12345678").narrow(), None);
        assert_eq!(Key::of(&text[..20]).narrow(), None);
        assert_ne!(Key::of(b"a\0"), Key::of(b"a"));
    }
}
