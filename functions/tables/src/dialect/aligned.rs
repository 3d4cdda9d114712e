//! Columns that spaces align.

use super::records::SAMPLE_COLUMNS;
use crate::read::general::{Next, Rules, next};

/// So many records tell whether fields are aligned.
const MOST_ALIGNED: usize = 100;

/// Whether fields stand below each other in most records, by their beginnings or by their ends: somebody made columns of them.
pub(super) fn is_aligned(text: &[u8], rules: &Rules) -> bool {
    let mut records: Vec<Vec<(usize, usize)>> = Vec::new();
    let (mut at, mut spans) = (0, Vec::new());
    while records.len() < MOST_ALIGNED {
        spans.clear();
        match next(text, at, true, rules, text.len(), SAMPLE_COLUMNS, &mut spans) {
            Next::Record { next, .. } => {
                // Characters, as those who align them count.
                let place = |to: usize| {
                    let before = text.get(at..to).unwrap_or_default();
                    before.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
                };
                let places = spans.iter().map(|span| span.range());
                records.push(
                    places
                        .map(|range| (place(range.start), place(range.end)))
                        .collect(),
                );
                at = next;
            }
            Next::Blank { next } | Next::Comment { next } => at = next,
            Next::NeedMore | Next::End => break,
        }
    }
    let Some((first, others)) = records.split_first() else {
        return false;
    };
    let below = |record: &&Vec<(usize, usize)>| {
        let mut both = record.iter().zip(first);
        record.len() == first.len() && both.all(|(one, other)| one.0 == other.0 || one.1 == other.1)
    };
    first.len() > 1 && !others.is_empty() && others.iter().filter(below).count() * 10 >= others.len() * 9
}
