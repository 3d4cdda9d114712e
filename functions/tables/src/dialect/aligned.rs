//! Columns that spaces align, and where they stand.

use std::{collections::BTreeMap, ops::Range};

use super::{
    class_of,
    kinds::Class,
    records::{Record, SAMPLE_COLUMNS},
};
use crate::read::general::{Next, Rules, WHITE_SPACE, next};

/// So many records tell whether fields are aligned.
const MOST_RECORDS: usize = 200;
/// The most lines before the first of them: a title, a header with fewer names than there are columns.
const MOST_BEFORE: usize = 5;
/// One record in so many may have another number of fields.
const ODD: usize = 20;

/// From where to where each column's fields stand, in characters.
pub(super) struct Aligned(Vec<Range<usize>>);

impl Aligned {
    /// The columns of a text whose fields stand below each other, none in the way of another column's; none if they do not, or only
    /// as words of prose do by chance.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let lines = lines(text);
        let mut counts = BTreeMap::new();
        for line in &lines {
            *counts.entry(line.words.len()).or_insert(0_usize) += 1;
        }
        let (&columns, _) = counts
            .iter()
            .max_by_key(|(columns, count)| (**count, **columns))?;
        let is_row = |line: &&Line| line.words.len() == columns;
        let first = lines.iter().position(|line| is_row(&line))?;
        let body = lines.get(first..)?;
        let rows: Vec<&Line> = body.iter().filter(is_row).collect();
        let odd = body.len() - rows.len();
        if columns < 2 || rows.len() < 2 || first > MOST_BEFORE || odd * ODD > body.len() {
            return None;
        }
        let mut places = rows.first()?.words.clone();
        for row in &rows {
            for (place, word) in places.iter_mut().zip(&row.words) {
                *place = place.start.min(word.start)..place.end.max(word.end);
            }
        }
        let mut pairs = places.iter().zip(places.iter().skip(1));
        if !pairs.all(|(one, next)| one.end < next.start) {
            return None;
        }
        // Words of prose are one space apart.
        let is_wide = |column: &usize| {
            rows.iter().any(|row| {
                let both = row.words.get(*column).zip(row.words.get(column + 1));
                both.is_some_and(|(one, next)| one.end + 1 < next.start)
            })
        };
        let wide = (0..columns - 1).filter(is_wide).count();
        let typed: usize = rows.iter().map(|row| row.typed).sum();
        // Where there is no more than one space at a time, that is what separates.
        let is_indented = rows
            .iter()
            .any(|row| row.words.first().is_some_and(|word| word.start > 0));
        let gaps = wide + usize::from(is_indented);
        let are_columns = gaps * 2 >= columns - 1 || typed * 2 >= columns * rows.len();
        // A list of two words a line, with a name above it that is above the first of them.
        let second = places.get(1).map_or(0, |second| second.start);
        let is_above_second = |line: &Line| line.words.iter().any(|word| word.end > second);
        let before = lines.get(..first).unwrap_or_default();
        let is_list = columns == 2 && typed == 0 && first > 0 && !before.iter().any(is_above_second);
        (gaps > 0 && are_columns && !is_list).then_some(Self(places))
    }

    /// Gives the header as many cells as there are columns, by where its words stand, if it is in the line before the first row: with
    /// names of several words, or none above what the rows are called.
    pub(super) fn put_header(&self, text: &[u8], records: &mut Vec<Record<'_>>) {
        let is_row = |record: &Record<'_>| !record.is_damaged && record.cells.len() == self.0.len();
        let first = records
            .iter()
            .position(is_row)
            .filter(|first| *first <= MOST_BEFORE);
        let names = |index: usize| {
            let is_next = |behind: &&Record<'_>| !behind.after_blank;
            records.get(index + 1).filter(is_next)?;
            self.names(text, records.get(index)?.start)
        };
        let is_header = |names: &Vec<Vec<u8>>| names.iter().skip(1).all(|name| !name.is_empty());
        let is_typed = |record: &Record<'_>| record.cells.iter().any(|cell| class_of(cell).has(Class::TYPED));
        let mut rows = records.iter().skip(first.unwrap_or_default());
        let names_itself = rows.next().is_some_and(|row| !is_typed(row)) && rows.any(is_typed);
        if names_itself {
            // What stands before it is a title.
            return;
        }
        let Some(last) = first.and_then(|first| first.checked_sub(1)) else {
            return;
        };
        let Some(found) = names(last) else { return };
        if is_header(&found) {
            if let Some(record) = records.get_mut(last) {
                record.cells = found.into_iter().map(Into::into).collect();
            }
            return;
        }
        // What the rows are called stands alone beneath what the columns are, as pandas prints it.
        let mut found = found.into_iter();
        let rows_name = found
            .next()
            .filter(|name| !name.is_empty() && found.all(|name| name.is_empty()));
        let above = last.checked_sub(1).and_then(names).filter(is_header);
        if let (Some(rows_name), Some(mut above)) = (rows_name, above)
            && let Some(name) = above.first_mut().filter(|name| name.is_empty())
        {
            *name = rows_name;
            let Record { end, next, .. } = records.remove(last);
            if let Some(record) = records.get_mut(last - 1) {
                record.cells = above.into_iter().map(Into::into).collect();
                (record.end, record.next) = (end, next);
            }
        }
    }

    /// What a line has above each column; none, if a word is above the wrong one.
    fn names(&self, text: &[u8], at: usize) -> Option<Vec<Vec<u8>>> {
        let (words, _) = words(text, at, &rules())?;
        let mut names: Vec<Vec<u8>> = vec![Vec::new(); self.0.len()];
        let mut last: Option<(usize, usize)> = None;
        for Word { place, bytes } in words {
            let is_above = |column: &Range<usize>| place.start < column.end && column.start < place.end;
            // One space is within a name, more are between two.
            let goes_on = last
                .filter(|(_, end)| end + 1 == place.start)
                .map(|(column, _)| column);
            let next = last.map_or(0, |(column, _)| column + 1);
            let nearest = || {
                let distance = |(_, column): &(usize, &Range<usize>)| {
                    column.start.saturating_sub(place.end) + place.start.saturating_sub(column.end)
                };
                let columns = self.0.iter().enumerate();
                columns.min_by_key(distance).map(|(column, _)| column)
            };
            let above = self.0.iter().position(is_above);
            let column = above.or(goes_on).or_else(nearest)?;
            let name = names.get_mut(column)?;
            if goes_on == Some(column) {
                name.push(b' ');
            } else if column < next {
                return None;
            }
            name.extend_from_slice(text.get(bytes)?);
            last = Some((column, place.end));
        }
        Some(names)
    }
}

/// A line: where its words stand, and how many of them are numbers, times and the like.
struct Line {
    words: Vec<Range<usize>>,
    typed: usize,
}

/// A word: where it stands in its line, in characters, and in the text, in bytes.
struct Word {
    place: Range<usize>,
    bytes: Range<usize>,
}

fn lines(text: &[u8]) -> Vec<Line> {
    let rules = rules();
    let mut lines = Vec::new();
    let mut at = 0;
    while lines.len() < MOST_RECORDS {
        let Some((words, next)) = words(text, at, &rules) else {
            break;
        };
        // Comments stand anywhere.
        if !words.is_empty() && !matches!(text.get(at), Some(b'#' | b'%')) {
            let is_typed = |word: &&Word| {
                let word = text.get(word.bytes.clone()).unwrap_or_default();
                class_of(word).has(Class::TYPED)
            };
            lines.push(Line {
                typed: words.iter().filter(is_typed).count(),
                words: words.into_iter().map(|word| word.place).collect(),
            });
        }
        at = next;
    }
    lines
}

/// The words of the line at a place, and where the next line begins; none at the end.
fn words(text: &[u8], at: usize, rules: &Rules) -> Option<(Vec<Word>, usize)> {
    let mut spans = Vec::new();
    let behind = match next(text, at, true, rules, text.len(), SAMPLE_COLUMNS, &mut spans) {
        Next::Record { next, .. } | Next::Blank { next } | Next::Comment { next } => next,
        Next::NeedMore | Next::End => return None,
    };
    let (mut from, mut characters) = (at, 0);
    let mut place = |to: usize| {
        let passed = text.get(from..to).unwrap_or_default();
        characters += passed.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        from = to;
        characters
    };
    let words = spans.iter().map(|span| Word {
        place: place(span.range().start)..place(span.range().end),
        bytes: span.range(),
    });
    Some((words.collect(), behind))
}

fn rules() -> Rules {
    Rules {
        delimiter: WHITE_SPACE.to_vec(),
        quote: Some(b'"'),
        escape: Some(b'"'),
        comment: None,
        comment_unless: None,
    }
}
