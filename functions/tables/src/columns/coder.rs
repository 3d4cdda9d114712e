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

/// The bytes that are a cell's, of 16 from its start on.
const MASKS: [u128; SHORT_BYTES + 1] = masks();

const fn masks() -> [u128; SHORT_BYTES + 1] {
    let mut masks = [0; SHORT_BYTES + 1];
    let mut length = 1;
    while length <= SHORT_BYTES {
        #[expect(clippy::indexing_slicing, reason = "constant, and in bounds")]
        {
            masks[length] = u128::MAX >> (128 - 8 * length);
        }
        length += 1;
    }
    masks
}

impl Key {
    /// The empty cell that stood in quotes.
    pub(crate) const QUOTED_EMPTY: Self = QUOTED_EMPTY;

    /// The key of the cell of `length` bytes that begins 16 bytes.
    #[inline]
    pub(crate) fn of_chunk(chunk: &[u8; 16], length: usize) -> Self {
        let mask = MASKS.get(length).copied().unwrap_or_default();
        let word = u128::from_le_bytes(*chunk) & mask;
        #[expect(clippy::cast_possible_truncation, reason = "the halves")]
        let (low, high) = (word as u64, (word >> 64) as u64);
        Self {
            low,
            high: high | (length as u64) << 56,
        }
    }

    /// The key of a cell, wherever it stands.
    pub(crate) fn of(cell: &[u8]) -> Self {
        if cell.len() <= SHORT_BYTES {
            let mut chunk = [0; 16];
            for (to, from) in chunk.iter_mut().zip(cell) {
                *to = *from;
            }
            return Self::of_chunk(&chunk, cell.len());
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

    #[inline]
    fn place(self, bits: u32) -> usize {
        let mixed =
            self.low.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ self.high.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
        #[expect(clippy::cast_possible_truncation, reason = "at most 17 bits are left")]
        let place = (mixed >> (64 - bits)) as usize;
        place
    }
}

/// A hash of more than 8 bytes, eight at a time, the last eight perhaps again. It decides where an entry is looked for
/// first and nothing else.
#[inline]
fn hash(text: &[u8]) -> u64 {
    let mix = |sum: u64, word: &[u8; 8]| {
        let product = u128::from(sum ^ u64::from_le_bytes(*word)) * 0x9E37_79B9_7F4A_7C15;
        #[expect(clippy::cast_possible_truncation, reason = "both halves, folded")]
        let folded = product as u64 ^ (product >> 64) as u64;
        folded
    };
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
    /// An open-addressed table, a power of two, at most half full: an entry's code plus one, or 0.
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

    /// The codes of short cells that stand in the first place that is looked at; the others are to be found one by one. Each step is taken
    /// for all cells before the next one, so that their memory is fetched at the same time.
    #[inline]
    pub(crate) fn guess<const N: usize>(&self, spans: &[Span], bytes: &[u8]) -> [Option<u16>; N] {
        let mut keys = [Key::QUOTED_EMPTY; N];
        for (key, span) in keys.iter_mut().zip(spans) {
            let range = span.range();
            let chunk = bytes.get(range.start..).and_then(|rest| rest.first_chunk());
            if let Some(chunk) = chunk.filter(|_| range.len() <= SHORT_BYTES && span.is_bare()) {
                *key = Key::of_chunk(chunk, range.len());
            }
        }
        let held = keys.map(|key| self.places.get(key.place(self.bits)).copied().unwrap_or_default());
        let mut codes = [None; N];
        for ((code, key), held) in codes.iter_mut().zip(keys).zip(held) {
            *code = held
                .checked_sub(1)
                .filter(|code| self.keys.get(usize::from(*code)) == Some(&key) && key != Key::QUOTED_EMPTY);
        }
        codes
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
        if self.keys.len() * 2 > self.places.len() {
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
            let chunk = text.first_chunk::<16>().unwrap();
            assert_eq!(Key::of_chunk(chunk, length), Key::of(&text[..length]));
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
