//! The dictionary of a column within a slab: the same text again gets the same code, and is neither parsed nor hashed
//! again by anyone.
//!
//! Most columns repeat themselves. A cell of up to [`SHORT_BYTES`] bytes is a key of 16: its bytes, zeros and its length,
//! loaded with two moves and a mask and compared with two compares. A longer one is found by a hash of its bytes and
//! compared with the text that the entry stands for.

use crate::read::span::Span;

/// The longest cell that is its own key.
pub(crate) const SHORT_BYTES: usize = 15;
/// The most entries: codes have 16 bits, and one of them is no entry.
pub(crate) const MOST_ENTRIES: usize = u16::MAX as usize - 1;
/// Places are looked at so many times more often than cells before the dictionary is given up: texts made to collide.
const MOST_STEPS_PER_CELL: usize = 16;

/// A cell as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    low: u64,
    high: u64,
}

/// In the last byte of a key: that it is no short text.
const LONG: u64 = 1 << 63;
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

impl Key {
    /// The empty cell that stood in quotes.
    pub(crate) const QUOTED_EMPTY: Self = QUOTED_EMPTY;

    /// The key of the cell of this [`Span::form`] that begins 16 bytes; none, if it is not short.
    #[inline]
    fn of_chunk(chunk: [u8; 16], form: u32) -> Option<Self> {
        let frame = FRAMES.get(form as usize)?;
        let (low, high) = halves(u128::from_le_bytes(chunk));
        Some(Self {
            low: low & frame.low,
            high: high & frame.high | frame.last,
        })
    }

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

    /// Whether texts must be compared, as the key does not hold all of it.
    #[inline]
    pub(crate) const fn is_long(self) -> bool {
        self.high & LONG != 0
    }

    /// Where a key is looked for first in a table of 2^`bits` places.
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
}

/// The most cells of which the codes are guessed together.
pub(crate) const BATCH: usize = 32;

/// How many places there are at least for each entry, so that nearly all of them stand in the first one; fewer, once the places
/// would not stay in a core's cache.
const fn places_per_entry(entries: usize) -> usize {
    if entries < 1 << 14 { 4 } else { 2 }
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

/// What stands at a place that was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// This entry.
    Entry(u16),
    /// Nothing: here it may be put.
    Free(usize),
}

/// The entries' keys, and where they are found.
#[derive(Debug)]
pub(crate) struct Coder {
    /// An open-addressed table, a power of two: an entry's code plus one, or 0. See [`places_per_entry`].
    places: Vec<u16>,
    bits: u32,
    keys: Vec<Key>,
    steps: usize,
}

impl Coder {
    pub(crate) fn new() -> Self {
        let bits = 6;
        Self {
            places: vec![0; 1 << bits],
            bits,
            keys: Vec::new(),
            steps: 0,
        }
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Finds a key; `same` tells of a long one whether an entry stands for the same text.
    #[inline]
    pub(crate) fn find(&mut self, key: Key, same: impl Fn(u16) -> bool) -> Found {
        let mask = self.places.len() - 1;
        let mut place = key.place(self.bits);
        loop {
            let Some(code) = self.places.get(place).and_then(|held| held.checked_sub(1)) else {
                return Found::Free(place);
            };
            if self.keys.get(usize::from(code)) == Some(&key) && (!key.is_long() || same(code)) {
                return Found::Entry(code);
            }
            self.steps += 1;
            place = (place + 1) & mask;
        }
    }

    /// Puts the codes of cells into `codes`, at most [`BATCH`]: of those that are short and stand in the first place that is looked
    /// at, which nearly all do. Gives a bit for each of the others. Without a branch that depends on what is found, so that
    /// a processor goes on to the next cells while it waits for the memory of one.
    #[inline]
    pub(crate) fn guess<'a>(
        &self,
        spans: impl Iterator<Item = &'a Span>,
        bytes: &[u8],
        codes: &mut [u16],
    ) -> u32 {
        let (mut missed, mut bit) = (0, 1);
        for (to, span) in codes.iter_mut().zip(spans) {
            let (code, found) = self.first(*span, bytes);
            *to = code;
            missed |= if found { 0 } else { bit };
            bit <<= 1;
        }
        missed
    }

    /// The code in the first place that a cell is looked for, and whether it is the cell's.
    #[inline]
    fn first(&self, span: Span, bytes: &[u8]) -> (u16, bool) {
        let at = span.range().start;
        let chunk = bytes.get(at..at + 16).and_then(|chunk| chunk.try_into().ok());
        let Some(key) = chunk.and_then(|chunk| Key::of_chunk(chunk, span.form())) else {
            return (0, false);
        };
        let held = self.places.get(key.place(self.bits)).copied().unwrap_or_default();
        // Of none, the code that no entry has.
        let code = held.wrapping_sub(1);
        (code, self.keys.get(usize::from(code)) == Some(&key))
    }

    /// Puts a new entry where [`Coder::find`] found nothing; its code, or none if no more fit.
    pub(crate) fn insert(&mut self, key: Key, place: usize) -> Option<u16> {
        if self.keys.len() >= MOST_ENTRIES {
            return None;
        }
        let code = u16::try_from(self.keys.len()).ok()?;
        self.keys.push(key);
        if let Some(held) = self.places.get_mut(place) {
            *held = code + 1;
        }
        if self.keys.len() * places_per_entry(self.keys.len()) > self.places.len() {
            self.grow();
        }
        Some(code)
    }

    fn grow(&mut self) {
        self.bits += 1;
        let mask = (1 << self.bits) - 1;
        self.places = vec![0; 1 << self.bits];
        for (code, key) in self.keys.iter().enumerate() {
            let mut place = key.place(self.bits);
            while self.places.get(place).is_some_and(|held| *held != 0) {
                place = (place + 1) & mask;
            }
            if let (Some(held), Ok(code)) = (self.places.get_mut(place), u16::try_from(code + 1)) {
                *held = code;
            }
        }
    }

    /// Whether texts collide far more often than chance has them.
    pub(crate) fn is_slow(&self, cells: usize) -> bool {
        self.steps > (cells + 1024) * MOST_STEPS_PER_CELL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_texts_apart_and_not_where_they_stand() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=SHORT_BYTES {
            let chunk = *text.first_chunk::<16>().unwrap();
            for span in [Span::plain(7, 7 + length), Span::quoted(7, 7 + length, false)] {
                let key = match (length, span.is_quoted()) {
                    (0, true) => Key::QUOTED_EMPTY,
                    _ => Key::of(&text[..length]),
                };
                assert_eq!(Key::of_chunk(chunk, span.form()), Some(key));
            }
            assert_eq!(
                Key::of_chunk(chunk, Span::quoted(7, 7 + length, true).form()),
                None
            );
            assert_ne!(Key::of(&text[..length]), Key::of(&text[..=length]));
        }
        assert_ne!(Key::of(b""), Key::QUOTED_EMPTY);
        assert_ne!(Key::of(b"a\0"), Key::of(b"a"));
    }

    #[test]
    fn many_entries_keep_their_codes() {
        let mut coder = Coder::new();
        let key = |index: usize| Key::of(format!("{index}{}", "x".repeat(index % 20)).as_bytes());
        for index in 0..MOST_ENTRIES {
            let Found::Free(place) = coder.find(key(index), |_| false) else {
                panic!("{index} is there already");
            };
            assert_eq!(coder.insert(key(index), place).map(usize::from), Some(index));
        }
        for index in 0..MOST_ENTRIES {
            assert_eq!(
                coder.find(key(index), |_| true),
                Found::Entry(u16::try_from(index).unwrap())
            );
        }
        assert_eq!(coder.insert(key(MOST_ENTRIES), 0), None);
        assert!(!coder.is_slow(2 * MOST_ENTRIES));
    }
}
