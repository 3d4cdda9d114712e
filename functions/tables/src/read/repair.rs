//! What a damaged or ragged record may have meant.
//!
//! A record is repaired only if one reading of it is better than every other: the right number of fields, with the fewest
//! quotes out of place, each cell of its column's kind. Otherwise it is left alone, and rejected.

use super::{
    general::{Next, Rules, delimiters, next},
    span::Span,
};
use crate::dialect::{Kinds, class_of};

/// Longer records are not looked into.
const MAX_BYTES: usize = 64 << 10;
/// Nor those with more places where a field may begin, times columns.
const MAX_STATES: usize = 1 << 18;
/// Nor are more bytes than this looked at for one record.
const MAX_STEPS: usize = 4 << 20;
/// A quote within a quoted field that should have been escaped.
const LONE_QUOTE: u32 = 2;
/// A quote at a field's start that opens nothing.
const LITERAL_QUOTE: u32 = 3;
/// A cell that is not of its column's kind.
const MISFIT: u32 = 4;

/// How a state was reached.
#[derive(Clone, Copy)]
struct Step {
    cost: u32,
    /// Whether another way costs as little.
    tied: bool,
    /// Index of the field's start.
    from: usize,
    quoted: bool,
}

/// Reads `record` (at `offset` in its slab) so that it has as many fields as `kinds`, whatever its quotes say: each may be
/// what it should be or text. Adds the spans of the best reading; whether there is one.
pub(crate) fn requote(
    record: &[u8],
    offset: usize,
    rules: &Rules,
    kinds: &Kinds,
    spans: &mut Vec<Span>,
) -> bool {
    let columns = kinds.len();
    let Some(quote) = rules
        .quote
        .filter(|_| record.len() <= MAX_BYTES && !rules.is_white())
    else {
        return false;
    };
    // Fields begin at 0 and behind each delimiter; field `index` may end before delimiter `index` or a later one.
    let ends: Vec<usize> = delimiters(record, &rules.delimiter)
        .chain([record.len()])
        .collect();
    if ends.len() < columns || ends.len().saturating_mul(columns + 1) > MAX_STATES {
        return false;
    }
    let width = columns + 1;
    let mut states: Vec<Option<Step>> = vec![None; (ends.len() + 1) * width];
    if let Some(first) = states.first_mut() {
        *first = Some(Step {
            cost: 0,
            tied: false,
            from: 0,
            quoted: false,
        });
    }
    let mut steps = 0;
    for index in 0..ends.len() {
        let here: Vec<(usize, u32, bool)> = (0..columns)
            .filter_map(|count| {
                let step = states.get(index * width + count).copied().flatten()?;
                Some((count, step.cost, step.tied))
            })
            .collect();
        if here.is_empty() {
            continue;
        }
        let start = begin(index, &ends, rules.delimiter.len());
        let opens = record.get(start) == Some(&quote);
        let mut reach = |to: usize, quoted: bool, cost: u32, cell: &[u8]| {
            for &(count, before, tied) in &here {
                let misfit = if kinds.fits(count, cell) { 0 } else { MISFIT };
                let step = Step {
                    cost: before + cost + misfit,
                    tied,
                    from: index,
                    quoted,
                };
                let Some(state) = states.get_mut(to * width + count + 1) else {
                    continue;
                };
                match state {
                    Some(known) if known.cost < step.cost => {}
                    Some(known) if known.cost == step.cost => known.tied = true,
                    _ => *state = Some(step),
                }
            }
        };
        if let Some(&end) = ends.get(index) {
            let cell = record.get(start..end).unwrap_or_default();
            let cost = if opens { LITERAL_QUOTE } else { 0 };
            reach(index + 1, false, cost, cell);
        }
        if !opens {
            continue;
        }
        let mut quotes = Quotes::new(rules, quote);
        let mut at = start + 1;
        for (later, &end) in ends.iter().enumerate().skip(index) {
            // What stands between the quotes is looked at once, up to the quote that may close.
            let close = end.saturating_sub(1);
            if close <= start || record.get(close) != Some(&quote) {
                continue;
            }
            steps += close.saturating_sub(at);
            if steps > MAX_STEPS {
                return false;
            }
            quotes.pass(record.get(at..close).unwrap_or_default());
            at = close.max(at);
            let cell = record.get(start + 1..close).unwrap_or_default();
            reach(later + 1, true, quotes.lone() * LONE_QUOTE, cell);
        }
    }
    way_back(&states, columns, &ends, rules.delimiter.len(), offset, spans)
}

/// Adds the spans of the way by which the last state was reached; whether there is one, and no other as good.
fn way_back(
    states: &[Option<Step>],
    columns: usize,
    ends: &[usize],
    delimiter_bytes: usize,
    offset: usize,
    spans: &mut Vec<Span>,
) -> bool {
    let mut at = ends.len();
    let mut found = Vec::with_capacity(columns);
    for count in (1..=columns).rev() {
        let Some(step) = states.get(at * (columns + 1) + count).copied().flatten() else {
            return false;
        };
        if step.tied {
            return false;
        }
        let start = offset + begin(step.from, ends, delimiter_bytes);
        let end = offset + ends.get(at.saturating_sub(1)).copied().unwrap_or_default();
        found.push(if step.quoted {
            Span::quoted(start + 1, end - 1, true)
        } else {
            Span::plain(start, end)
        });
        at = step.from;
    }
    spans.extend(found.iter().rev());
    true
}

/// Where field `index` begins: the first at 0, each other behind the delimiter before.
fn begin(index: usize, ends: &[usize], delimiter_bytes: usize) -> usize {
    index
        .checked_sub(1)
        .and_then(|before| ends.get(before))
        .map_or(0, |end| end + delimiter_bytes)
}

/// Counts the quotes that should have been escaped.
struct Quotes<'a> {
    rules: &'a Rules,
    quote: u8,
    settled: u32,
    /// The length of the run of quotes that what was passed ends with.
    run: u32,
    escaping: bool,
}

impl<'a> Quotes<'a> {
    fn new(rules: &'a Rules, quote: u8) -> Self {
        Self {
            rules,
            quote,
            settled: 0,
            run: 0,
            escaping: false,
        }
    }

    fn pass(&mut self, bytes: &[u8]) {
        let doubled = self.rules.escape == Some(self.quote);
        for &byte in bytes {
            if byte == self.quote && !self.escaping {
                self.run += 1;
                continue;
            }
            self.settled += self.count();
            self.run = 0;
            self.escaping = !self.escaping && !doubled && Some(byte) == self.rules.escape;
        }
    }

    fn count(&self) -> u32 {
        if self.rules.escape == Some(self.quote) {
            self.run % 2
        } else {
            self.run
        }
    }

    fn lone(&self) -> u32 {
        self.settled + self.count()
    }
}

/// What a record of too many fields, `spans`, is when empty ones are left out: the spans that remain, if all of them are of
/// their columns' kinds and no other choice is.
pub(crate) fn without_empty(bytes: &[u8], spans: &[Span], kinds: &Kinds) -> Option<Vec<Span>> {
    let surplus = spans.len().checked_sub(kinds.len())?;
    // One delimiter too many is a slip; several may be anything.
    if surplus != 1 {
        return None;
    }
    let fits = |remaining: &[Span]| {
        remaining
            .iter()
            .enumerate()
            .all(|(column, span)| kinds.fits_closely(column, bytes.get(span.range()).unwrap_or_default()))
    };
    let mut found: Option<Vec<Span>> = None;
    let mut last_was_empty = false;
    for (index, span) in spans.iter().enumerate() {
        let is_empty = span.is_empty() && !span.is_quoted();
        // Of several in a row it does not matter which.
        if is_empty && !std::mem::replace(&mut last_was_empty, is_empty) {
            let mut remaining = spans.to_vec();
            remaining.remove(index);
            if fits(&remaining) {
                if found.is_some() {
                    return None;
                }
                found = Some(remaining);
            }
        }
        last_was_empty = is_empty;
    }
    found
}

/// The delimiters that single records of a file may have instead of its own.
const OTHER_DELIMITERS: [u8; 5] = [b',', b';', b'\t', b'|', b' '];

/// Reads `record` (at `offset` in its slab) with another delimiter, if one gives it exactly as many fields as `kinds` has,
/// each of its column's kind, and no other does. Adds the spans; whether there is one.
pub(crate) fn redelimit(
    record: &[u8],
    offset: usize,
    rules: &Rules,
    kinds: &Kinds,
    spans: &mut Vec<Span>,
) -> bool {
    let columns = kinds.len();
    if columns < 3 || record.len() > MAX_BYTES || !kinds.tell() || rules.is_white() {
        return false;
    }
    let mut best: Option<Vec<Span>> = None;
    for delimiter in OTHER_DELIMITERS {
        if rules.delimiter == [delimiter] {
            continue;
        }
        let other = Rules {
            delimiter: vec![delimiter],
            comment: None,
            comment_unless: None,
            ..rules.clone()
        };
        let mut found = Vec::new();
        let read = next(record, 0, true, &other, MAX_BYTES, columns + 1, &mut found);
        let whole = matches!(read, Next::Record { next, fields, damage: None, .. } if next == record.len() && fields == columns);
        let fits = |found: &[Span]| {
            found.iter().enumerate().all(|(column, span)| {
                kinds.fits_closely(column, record.get(span.range()).unwrap_or_default())
            })
        };
        if whole && fits(&found) {
            if best.is_some() {
                return false;
            }
            best = Some(found);
        }
    }
    let Some(best) = best else {
        return false;
    };
    spans.extend(best.iter().map(|span| span.moved(offset)));
    true
}

/// Whether the cells that a short record has are of their columns' kinds, so that those at its end are what is missing.
pub(crate) fn is_prefix(bytes: &[u8], spans: &[Span], kinds: &Kinds) -> bool {
    // In a table of three columns or more a line of one cell is a heading or a footer rather than a row.
    if kinds.len() >= 3 && spans.len() < 2 {
        return false;
    }
    spans.iter().enumerate().all(|(column, span)| {
        let cell = bytes.get(span.range()).unwrap_or_default();
        kinds.fits(column, cell) || class_of(cell).is_empty()
    })
}
