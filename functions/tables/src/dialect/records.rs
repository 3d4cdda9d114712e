//! The records of a sample, as their cells.

use std::borrow::Cow;

use super::kinds::{Kinds, Tally};
use crate::read::{
    Unescape,
    general::{Next, Rules, next},
};

/// More fields than any table may have: how far a sample's records are told apart.
pub(super) const SAMPLE_COLUMNS: usize = 1 << 14;
/// The records of a piece of text, each as its cells.
pub(super) struct Records<'a> {
    pub(super) all: Vec<Record<'a>>,
}

/// A record of the sample.
pub(super) struct Record<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) next: usize,
    pub(super) cells: Vec<Cow<'a, [u8]>>,
    pub(super) is_damaged: bool,
    pub(super) is_comment: bool,
    /// Whether blank lines stand before it.
    pub(super) after_blank: bool,
}

impl<'a> Records<'a> {
    /// Reads at most `most` records.
    pub(super) fn read(text: &'a [u8], whole: bool, rules: &Rules, most: usize) -> Self {
        let unescape = Unescape::by(rules);
        let mut spans = Vec::new();
        let mut all = Vec::new();
        let mut at = 0;
        let mut after_blank = false;
        while all.len() < most {
            spans.clear();
            match next(text, at, whole, rules, text.len(), SAMPLE_COLUMNS, &mut spans) {
                Next::Record {
                    end, next, damage, ..
                } => {
                    let cells = spans
                        .iter()
                        .map(|span| {
                            let cell = text.get(span.range()).unwrap_or_default();
                            if !span.is_escaped() {
                                return Cow::Borrowed(cell);
                            }
                            let mut plain = Vec::with_capacity(cell.len());
                            unescape.apply(cell, &mut plain);
                            Cow::Owned(plain)
                        })
                        .collect();
                    all.push(Record {
                        start: at,
                        end,
                        next,
                        cells,
                        is_damaged: damage.is_some(),
                        is_comment: false,
                        after_blank: std::mem::take(&mut after_blank),
                    });
                    at = next;
                }
                Next::Blank { next } => {
                    after_blank = true;
                    at = next;
                }
                Next::Comment { next } => {
                    all.push(Record {
                        start: at,
                        end: at,
                        next,
                        cells: Vec::new(),
                        is_damaged: false,
                        is_comment: true,
                        after_blank: std::mem::take(&mut after_blank),
                    });
                    at = next;
                }
                Next::NeedMore | Next::End => break,
            }
        }
        Self { all }
    }
}

impl Record<'_> {
    /// Its cells, as names that outlive the text.
    pub(super) fn names(&self) -> Vec<Vec<u8>> {
        self.cells.iter().map(|cell| cell.to_vec()).collect()
    }
}

/// What the cells of some records look like.
pub(super) fn tally<'a>(columns: usize, records: impl Iterator<Item = &'a Record<'a>>) -> Tally {
    let mut tally = Tally::new(columns);
    records.for_each(|record| tally.add(record.cells.iter().map(AsRef::as_ref)));
    tally
}

pub(super) fn filled(record: &Record<'_>) -> usize {
    record
        .cells
        .iter()
        .filter(|cell| !cell.trim_ascii().is_empty())
        .count()
}

/// How many cells of the typed columns are filled, and how many of those are not of their column's kind.
pub(super) fn misfits(record: &Record<'_>, kinds: &Kinds) -> (usize, usize) {
    let mut counts = (0, 0);
    for column in kinds.typed() {
        if let Some(cell) = record.cells.get(column)
            && !cell.trim_ascii().is_empty()
        {
            counts.0 += 1;
            counts.1 += usize::from(!kinds.fits_closely(column, cell));
        }
    }
    counts
}
