//! Texts as Parquet has them.

use std::{cmp::Ordering, ops::Range};

use arrow_array::{Array, StringArray};
use parquet::{
    basic::{Encoding, Type},
    data_type::ByteArray,
    file::statistics::{Statistics, ValueStatistics},
};

use super::Physical;
use crate::{order::key_of_text, write::delta};

/// The most bytes of a text in statistics: as other writers have it.
const MOST_STATISTICS_BYTES: usize = 64;

/// Texts.
pub(crate) struct Text<'a>(pub(crate) &'a StringArray);

impl Text<'_> {
    fn value(&self, index: usize) -> &str {
        if index < self.0.len() {
            self.0.value(index)
        } else {
            ""
        }
    }
}

impl Physical for Text<'_> {
    const TYPE: Type = Type::BYTE_ARRAY;

    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.value(one).as_bytes().cmp(self.value(other).as_bytes())
    }

    #[inline]
    fn key(&self, index: usize) -> u64 {
        key_of_text(self.value(index).as_bytes())
    }

    #[inline]
    fn put(&self, index: usize, into: &mut Vec<u8>) {
        let text = self.value(index).as_bytes();
        into.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        into.extend_from_slice(text);
    }

    fn put_page(&self, range: Range<usize>, keep: impl Fn(usize) -> bool, into: &mut Vec<u8>) -> Encoding {
        let ends = self.0.value_offsets().get(range.start..=range.end);
        let ends = ends.unwrap_or_default();
        let texts = range.zip(ends.iter().zip(ends.iter().skip(1)));
        let kept = || {
            texts
                .clone()
                .filter(|(index, _)| keep(*index))
                .map(|(_, ends)| ends)
        };
        let mut lengths = Vec::with_capacity(ends.len());
        lengths.extend(kept().map(|(start, end)| i64::from(end - start)));
        if lengths.is_empty() {
            return Encoding::PLAIN;
        }
        delta::put_lengths(&lengths, into);
        let bytes = |start: i32, end: i32| {
            let place = |offset| usize::try_from(offset).unwrap_or_default();
            self.0
                .value_data()
                .get(place(start)..place(end))
                .unwrap_or_default()
        };
        let (first, last) = (
            ends.first().copied().unwrap_or(0),
            ends.last().copied().unwrap_or(0),
        );
        if lengths.iter().sum::<i64>() == i64::from(last - first) {
            // Nothing stands between them.
            into.extend_from_slice(bytes(first, last));
        } else {
            kept().for_each(|(start, end)| into.extend_from_slice(bytes(*start, *end)));
        }
        Encoding::DELTA_LENGTH_BYTE_ARRAY
    }

    fn least(&self, index: usize) -> Vec<u8> {
        cut(self.value(index)).as_bytes().to_vec()
    }

    fn greatest(&self, index: usize) -> Vec<u8> {
        cut_above(self.value(index))
    }

    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
        let bytes = |bytes: Vec<u8>| ByteArray::from(bytes);
        let least = range.map(|range| bytes(self.least(range.0)));
        let greatest = range.map(|range| bytes(self.greatest(range.1)));
        let is_exact = |index: usize| self.value(index).len() <= MOST_STATISTICS_BYTES;
        Statistics::ByteArray(
            ValueStatistics::new(least, greatest, None, Some(nulls), false)
                .with_min_is_exact(range.is_none_or(|range| is_exact(range.0)))
                .with_max_is_exact(range.is_none_or(|range| is_exact(range.1))),
        )
    }
}

/// The beginning of a text, not cut within a character.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(MOST_STATISTICS_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A short text that is not below this one: its beginning, with the last character that has a successor of as many bytes
/// raised to it. The whole text, if none has.
fn cut_above(text: &str) -> Vec<u8> {
    let cut = cut(text);
    if cut.len() == text.len() {
        return cut.as_bytes().to_vec();
    }
    for (at, character) in cut.char_indices().rev() {
        let next = char::from_u32(u32::from(character) + 1);
        if let Some(next) = next.filter(|next| next.len_utf8() == character.len_utf8()) {
            let mut above = cut.get(..at).unwrap_or_default().to_owned();
            above.push(next);
            return above.into_bytes();
        }
    }
    text.as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_below_and_above() {
        let long = format!("{}zz", "a".repeat(63));
        assert_eq!(cut(&long), format!("{}z", "a".repeat(63)));
        assert_eq!(cut_above(&long), format!("{}{{", "a".repeat(63)).into_bytes());
        let wide = "é".repeat(40);
        assert_eq!(cut(&wide).len(), 64);
        assert!(cut_above(&wide).as_slice() > wide.as_bytes());
        assert!(std::str::from_utf8(&cut_above(&wide)).is_ok());
        assert_eq!(cut_above("short"), b"short");
        let last = "\u{10FFFF}".repeat(20);
        assert_eq!(cut_above(&last), last.as_bytes());
    }
}
