//! The dictionary of a column within a slab: the same text again gets the same code, and is neither parsed nor hashed
//! again by anyone.
//!
//! Most columns repeat themselves. A cell is found by its key, and as long as no cell has more than [`NARROW_BYTES`](super::key::NARROW_BYTES), as in
//! most columns of numbers, by a narrow one. Where all cells of a batch were the same, as in tables that are in order, the
//! next ones are compared with that one first.

use super::{
    column::is_same,
    key::{Fixed, Key, Narrow},
};
use crate::read::Spans;

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

/// The most cells that are looked for together.
pub(crate) const BATCH: usize = 32;

const LEAST_PLACES: usize = 64;

/// At a place, that no entry stands there: the code that none has.
const FREE: u16 = u16::MAX;

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
    /// An open-addressed table, a power of two: an entry's code, or [`FREE`]. See [`places_per_entry`].
    places: Vec<u16>,
    bits: u32,
    keys: Keys,
    steps: usize,
}

/// The keys of entries, by their codes.
#[derive(Debug)]
enum Keys {
    /// As long as no cell is longer than [`NARROW_BYTES`](super::key::NARROW_BYTES): half the memory, and less to do for each cell.
    Narrow(Vec<Narrow>),
    Wide(Vec<Key>),
}

impl Keys {
    const fn len(&self) -> usize {
        match self {
            Self::Narrow(keys) => keys.len(),
            Self::Wide(keys) => keys.len(),
        }
    }

    fn place(&self, code: u16, bits: u32) -> usize {
        match self {
            Self::Narrow(keys) => keys.get(usize::from(code)).map_or(0, |key| key.place(bits)),
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
            places: vec![FREE; places],
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
                return probe(&self.places, key.place(self.bits), &mut self.steps, is_it);
            }
            self.widen();
        }
        let Keys::Wide(keys) = &self.keys else {
            return Found::Free(0);
        };
        let is_it = |code: u16| keys.get(usize::from(code)) == Some(&key) && (!key.is_long() || same(code));
        probe(&self.places, key.place(self.bits), &mut self.steps, is_it)
    }

    /// Puts the codes of cells, at most [`BATCH`], into `codes`: of all that have an entry and no escapes. Gives a bit for each of the
    /// others. `run` is the entry that all cells of the batch before had, if they had one; `text` gives that of an entry.
    #[inline]
    pub(crate) fn code<'t>(
        &mut self,
        spans: Spans<'_>,
        bytes: &[u8],
        run: Option<u16>,
        text: impl Fn(u16) -> &'t [u8],
        codes: &mut [u16],
    ) -> u32 {
        let table = (self.places.as_slice(), self.bits, &mut self.steps);
        match &self.keys {
            Keys::Narrow(keys) => code_each(table, keys, (spans, bytes), run, text, codes),
            Keys::Wide(keys) => code_each(table, keys, (spans, bytes), run, text, codes),
        }
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
            *held = code;
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
            wide.extend(keys.iter().copied().map(Key::from));
            self.keys = Keys::Wide(wide);
            self.put_in_places();
        }
    }

    fn put_in_places(&mut self) {
        let mask = (1 << self.bits) - 1;
        self.places.clear();
        self.places.resize(1 << self.bits, FREE);
        for code in 0..u16::try_from(self.len()).unwrap_or(u16::MAX) {
            let mut place = self.keys.place(code, self.bits);
            while self.places.get(place).is_some_and(|held| *held != FREE) {
                place = (place + 1) & mask;
            }
            if let Some(held) = self.places.get_mut(place) {
                *held = code;
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
        let code = places.get(place).copied().unwrap_or(FREE);
        if code == FREE {
            return Found::Free(place);
        }
        if is_it(code) {
            return Found::Entry(code);
        }
        *steps += 1;
        place = (place + 1) & mask;
    }
}

/// See [`Coder::code`]. Nearly all entries stand in the first place that is looked at: these are found without a branch that
/// depends on it, so that a processor goes on to the next cells while it waits for the memory of one.
#[inline(never)]
fn code_each<'t, K: Fixed>(
    (places, bits, steps): (&[u16], u32, &mut usize),
    keys: &[K],
    (spans, bytes): (Spans<'_>, &[u8]),
    run: Option<u16>,
    text: impl Fn(u16) -> &'t [u8],
    codes: &mut [u16],
) -> u32 {
    let cell = |row: usize| K::of_span(spans.get(row), bytes);
    let same = |code: u16, cell: K, row: usize| {
        keys.get(usize::from(code)) == Some(&cell)
            && (!cell.is_long() || is_same(bytes.get(spans.get(row).range()).unwrap_or_default(), text(code)))
    };
    if let Some(run) = run
        && (0..codes.len()).all(|row| same(run, cell(row), row))
    {
        codes.fill(run);
        return 0;
    }
    let mut missed = 0;
    for (row, code) in codes.iter_mut().enumerate() {
        let cell = cell(row);
        *code = places.get(cell.place(bits)).copied().unwrap_or(FREE);
        missed |= u32::from(!same(*code, cell, row)) << row;
    }
    let mut rest = missed;
    while rest != 0 {
        let row = rest.trailing_zeros() as usize;
        rest &= rest - 1;
        let cell = cell(row);
        if cell != K::NONE
            && let Found::Entry(found) = probe(places, cell.place(bits), steps, |code| same(code, cell, row))
            && let Some(code) = codes.get_mut(row)
        {
            *code = found;
            missed &= !(1 << row);
        }
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
