//! The dictionary of a column within a slab: the same text again gets the same code, and is neither parsed nor hashed
//! again by anyone.
//!
//! Most columns repeat themselves. A cell is found by its key, and as long as no cell has more than [`NARROW_BYTES`](super::key::NARROW_BYTES), as in
//! most columns of numbers, by a narrow one. Where all cells of a batch were the same, as in tables that are in order, the
//! next ones are compared with that one first.

use super::{
    column::is_same,
    key::{Key, NARROW_FRAMES, narrow_place},
};
use crate::read::span::Span;

/// The most entries: codes have 16 bits, and one of them is no entry.
pub(crate) const MOST_ENTRIES: usize = u16::MAX as usize - 1;
/// After so many rows, a dictionary that has entries for more than so many sixteenths of them does not pay. A column of few hundred
/// rows may yet repeat itself a lot; where nearly every one was new, it will not.
const DOES_NOT_PAY: [(usize, usize); 3] = [(512, 15), (1024, 14), (4096, 8)];
/// The same where there will not be more rows than this: they have no time to repeat themselves later.
const FEW_ROWS: usize = 1024;
const DOES_NOT_PAY_FEW: (usize, usize) = (64, 15);
/// The most bytes of text in a dictionary: what readers take for a page.
pub(crate) const MOST_TEXT_BYTES: usize = 1 << 20;

/// Whether a dictionary of so many entries for so many rows, of about `expected`, does not pay.
#[inline]
pub(crate) fn does_not_pay(entries: usize, rows: usize, expected: usize) -> bool {
    let is_beyond = |(from, sixteenths)| rows >= from && entries * 16 > rows * sixteenths;
    DOES_NOT_PAY.into_iter().any(is_beyond) || (expected <= FEW_ROWS && is_beyond(DOES_NOT_PAY_FEW))
}

/// Places are looked at so many times more often than cells before the dictionary is given up: texts made to collide.
const MOST_STEPS_PER_CELL: usize = 16;

/// The most cells of which the codes are guessed together.
pub(crate) const BATCH: usize = 32;

const LEAST_PLACES: usize = 64;

/// How many places there are at least for each entry, so that nearly all of them stand in the first one; fewer, once the places
/// would not stay in a core's cache.
const fn places_per_entry(entries: usize) -> usize {
    if entries < 1 << 14 { 4 } else { 2 }
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
    keys: Keys,
    steps: usize,
}

/// The keys of entries, by their codes.
#[derive(Debug)]
enum Keys {
    /// As long as no cell is longer than [`NARROW_BYTES`](super::key::NARROW_BYTES): half the memory, and less to do for each cell.
    Narrow(Vec<u64>),
    Wide(Vec<Key>),
}

impl Keys {
    const fn len(&self) -> usize {
        match self {
            Self::Narrow(keys) => keys.len(),
            Self::Wide(keys) => keys.len(),
        }
    }

    fn get(&self, code: u16) -> Option<Key> {
        match self {
            Self::Narrow(keys) => keys.get(usize::from(code)).copied().map(Key::of_narrow),
            Self::Wide(keys) => keys.get(usize::from(code)).copied(),
        }
    }

    fn place(&self, code: u16, bits: u32) -> usize {
        match self {
            Self::Narrow(keys) => keys
                .get(usize::from(code))
                .map_or(0, |key| narrow_place(*key, bits)),
            Self::Wide(keys) => keys.get(usize::from(code)).map_or(0, |key| key.place(bits)),
        }
    }
}

impl Coder {
    /// No entries yet, and room for about so many.
    pub(crate) fn with_capacity(entries: usize) -> Self {
        let entries = entries.min(MOST_ENTRIES);
        let places = (entries * places_per_entry(entries))
            .next_power_of_two()
            .max(LEAST_PLACES);
        Self {
            places: vec![0; places],
            bits: places.ilog2(),
            keys: Keys::Narrow(Vec::with_capacity(entries)),
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
        if let Keys::Narrow(keys) = &self.keys {
            if let Some(key) = key.narrow() {
                let is_it = |code: u16| keys.get(usize::from(code)) == Some(&key);
                let first = narrow_place(key, self.bits);
                return probe(&self.places, first, &mut self.steps, is_it);
            }
            self.widen();
        }
        let Keys::Wide(keys) = &self.keys else {
            return Found::Free(0);
        };
        let is_it = |code: u16| keys.get(usize::from(code)) == Some(&key) && (!key.is_long() || same(code));
        probe(&self.places, key.place(self.bits), &mut self.steps, is_it)
    }

    /// Puts the codes of cells, each at its `span`, into `codes`, at most [`BATCH`]: of those that are short and stand in the first place that is looked
    /// at, which nearly all do. Gives a bit for each of the others. Without a branch that depends on what is found, so that
    /// a processor goes on to the next cells while it waits for the memory of one.
    #[inline]
    pub(crate) fn guess(&self, span: impl Fn(usize) -> Span, bytes: &[u8], codes: &mut [u16]) -> u32 {
        match &self.keys {
            Keys::Narrow(keys) => guess_each(codes, |cell| self.first_narrow(keys, span(cell), bytes)),
            Keys::Wide(keys) => guess_each(codes, |cell| self.first(keys, span(cell), bytes)),
        }
    }

    /// Whether cells all are this entry's, which stands for this text. It takes less than a guess: nothing is looked up.
    #[inline]
    pub(crate) fn all_are(
        &self,
        code: u16,
        text: &[u8],
        mut spans: impl Iterator<Item = Span>,
        bytes: &[u8],
    ) -> bool {
        let Some(key) = self.keys.get(code) else {
            return false;
        };
        if key.is_long() {
            return spans.all(|span| {
                !span.is_escaped() && is_same(bytes.get(span.range()).unwrap_or_default(), text)
            });
        }
        let differs = |span: Span| {
            let at = span.range().start;
            let chunk = bytes.get(at..at + 16).and_then(|chunk| chunk.try_into().ok());
            let other = chunk.and_then(|chunk| Key::of_chunk(chunk, span.form()));
            other.map_or(1, |other| other.differs(key))
        };
        spans.fold(0, |sum, span| sum | differs(span)) == 0
    }

    /// The code in the first place that a cell is looked for, and whether it is the cell's.
    #[inline]
    fn first(&self, keys: &[Key], span: Span, bytes: &[u8]) -> (u16, bool) {
        let at = span.range().start;
        let chunk = bytes.get(at..at + 16).and_then(|chunk| chunk.try_into().ok());
        let Some(key) = chunk.and_then(|chunk| Key::of_chunk(chunk, span.form())) else {
            return (0, false);
        };
        let held = self.places.get(key.place(self.bits)).copied().unwrap_or_default();
        // Of none, the code that no entry has.
        let code = held.wrapping_sub(1);
        (code, keys.get(usize::from(code)) == Some(&key))
    }

    /// The same among narrow keys.
    #[inline]
    fn first_narrow(&self, keys: &[u64], span: Span, bytes: &[u8]) -> (u16, bool) {
        let at = span.range().start;
        let chunk = bytes.get(at..at + 8).and_then(|chunk| chunk.try_into().ok());
        let (Some(chunk), Some((mask, last))) = (chunk, NARROW_FRAMES.get(span.form() as usize)) else {
            return (0, false);
        };
        let key = u64::from_le_bytes(chunk) & mask | last;
        let held = self
            .places
            .get(narrow_place(key, self.bits))
            .copied()
            .unwrap_or_default();
        let code = held.wrapping_sub(1);
        (code, keys.get(usize::from(code)) == Some(&key))
    }

    /// Puts a new entry where [`Coder::find`] found nothing; its code, or none if no more fit.
    pub(crate) fn insert(&mut self, key: Key, place: usize) -> Option<u16> {
        if self.len() >= MOST_ENTRIES {
            return None;
        }
        let code = u16::try_from(self.len()).ok()?;
        match &mut self.keys {
            Keys::Narrow(keys) => keys.push(key.narrow()?),
            Keys::Wide(keys) => keys.push(key),
        }
        if let Some(held) = self.places.get_mut(place) {
            *held = code + 1;
        }
        if self.len() * places_per_entry(self.len()) > self.places.len() {
            self.bits += 1;
            self.put_in_places();
        }
        Some(code)
    }

    /// Makes all keys wide.
    #[cold]
    fn widen(&mut self) {
        if let Keys::Narrow(keys) = &self.keys {
            let mut wide = Vec::with_capacity(keys.capacity());
            wide.extend(keys.iter().copied().map(Key::of_narrow));
            self.keys = Keys::Wide(wide);
            self.put_in_places();
        }
    }

    fn put_in_places(&mut self) {
        let mask = (1 << self.bits) - 1;
        self.places.clear();
        self.places.resize(1 << self.bits, 0);
        for code in 0..u16::try_from(self.len()).unwrap_or(u16::MAX) {
            let mut place = self.keys.place(code, self.bits);
            while self.places.get(place).is_some_and(|held| *held != 0) {
                place = (place + 1) & mask;
            }
            if let Some(held) = self.places.get_mut(place) {
                *held = code + 1;
            }
        }
    }

    /// Whether texts collide far more often than chance has them.
    pub(crate) fn is_slow(&self, cells: usize) -> bool {
        self.steps > (cells + 1024) * MOST_STEPS_PER_CELL
    }
}

/// Looks for an entry from a place on.
#[inline]
fn probe(places: &[u16], first: usize, steps: &mut usize, is_it: impl Fn(u16) -> bool) -> Found {
    let mask = places.len() - 1;
    let mut place = first;
    loop {
        let Some(code) = places.get(place).and_then(|held| held.checked_sub(1)) else {
            return Found::Free(place);
        };
        if is_it(code) {
            return Found::Entry(code);
        }
        *steps += 1;
        place = (place + 1) & mask;
    }
}

#[inline]
fn guess_each(codes: &mut [u16], first: impl Fn(usize) -> (u16, bool)) -> u32 {
    let (mut missed, mut bit) = (0, 1);
    for (cell, to) in codes.iter_mut().enumerate() {
        let (code, found) = first(cell);
        *to = code;
        missed |= if found { 0 } else { bit };
        bit <<= 1;
    }
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_entries_keep_their_codes() {
        let mut coder = Coder::with_capacity(0);
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
