//! Whether a record is a header, and what it calls the columns.
//!
//! It is told from rows by the columns whose cells are typed (numbers, dates, addresses): a header's cells there are not, unless they
//! count. It may have several rows, and may itself have a field too many or too few, or a stray quote.

use std::{borrow::Cow, collections::HashSet};

use super::{
    Kinds,
    begin::is_split_once_more,
    class_of,
    kinds::Class,
    records::{Record, filled, misfits},
};
use crate::read::{
    Unescape,
    general::{Next, Rules, WHITE_SPACE, next},
    requote,
    span::Span,
};

/// Whether a record, the `index`th, names the columns whose cells are of these kinds.
pub(super) fn looks_like_header(
    record: &Record<'_>,
    kinds: &Kinds,
    records: &[Record<'_>],
    index: usize,
) -> bool {
    if is_split_once_more(record, kinds.len(), kinds) {
        return false;
    }
    let (typed, misfits) = misfits(record, kinds);
    let rows = records.get(index + 1..).unwrap_or_default();
    let has_rows = rows.iter().any(|row| row.cells.len() == record.cells.len());
    if has_rows && counts_up(record, kinds, rows) {
        return true;
    }
    if typed > 0 && has_rows {
        return misfits * 2 >= typed;
    }
    // No column tells: a header names each of its columns, and each differently.
    let mut names = HashSet::new();
    let empty = record.cells.len() - filled(record);
    let distinct = record
        .cells
        .iter()
        .filter(|cell| !cell.is_empty())
        .all(|cell| names.insert(cell.trim_ascii()));
    let typed = record.cells.iter().any(|cell| class_of(cell).has(Class::TYPED));
    if typed || !distinct || empty > 1 || (empty > 0 && record.cells.len() == 1) {
        return false;
    }
    // A header that comes again, as where files were put one behind the other, says nothing against it.
    let others = || rows.iter().filter(|row| row.cells != record.cells);
    let again =
        record.cells.iter().enumerate().any(|(column, cell)| {
            !cell.is_empty() && others().any(|row| row.cells.get(column) == Some(cell))
        });
    !again && !looks_like_code(record, rows)
}

/// Whether a column holds codes of one length, this record's among them.
fn looks_like_code(record: &Record<'_>, rows: &[Record<'_>]) -> bool {
    let rows: Vec<&Record<'_>> = rows
        .iter()
        .filter(|row| row.cells.len() == record.cells.len())
        .collect();
    rows.len() >= 2
        && record.cells.iter().enumerate().any(|(column, cell)| {
            cell.len() > 1
                && class_of(cell).has(Class::CODE)
                && rows.iter().all(|row| {
                    row.cells
                        .get(column)
                        .is_some_and(|other| other.len() == cell.len() && class_of(other).has(Class::CODE))
                })
        })
}

/// Whether a record names columns by numbers that count, and no row does the same: `country,2019,2020,2021`, or `,0,1,2`, as pandas
/// names columns that nobody named.
fn counts_up(record: &Record<'_>, kinds: &Kinds, rows: &[Record<'_>]) -> bool {
    let Some(numbers) = numbers_that_count(record) else {
        return false;
    };
    if are_years(&numbers) {
        let is_the_same = |row: &Record<'_>| numbers_that_count(row).is_some_and(|row| are_years(&row));
        return !rows.iter().any(is_the_same);
    }
    // A row may have a 0 and a 1 in it, but hardly a 2 too, or where the names in front of them are none of their columns'.
    let mut cells = record.cells.iter().enumerate();
    let names: Vec<_> = cells.by_ref().take(record.cells.len() - numbers.len()).collect();
    let are_names = names.iter().all(|(column, name)| {
        let is_other = numbers.len() >= 3 || name.is_empty() || !kinds.fits_closely(*column, name);
        is_other && !class_of(name).has(Class::TYPED)
    });
    let counts = cells
        .map(|(_, cell)| cell.as_ref())
        .eq((0..numbers.len()).map(|number| number.to_string().into_bytes()));
    let is_alone = rows
        .iter()
        .all(|row| numbers_that_count(row).as_ref() != Some(&numbers));
    !names.is_empty() && are_names && counts && is_alone
}

fn are_years(numbers: &[i32]) -> bool {
    numbers.len() >= 2 && numbers.iter().all(|year| (1500..=2200).contains(year))
}

/// The whole numbers among a record's cells, if they stand side by side, nothing else is typed, and each is one more than that before
/// it, or one less.
fn numbers_that_count(record: &Record<'_>) -> Option<Vec<i32>> {
    let mut numbers: Vec<(usize, i32)> = Vec::new();
    for (column, cell) in record.cells.iter().enumerate() {
        match std::str::from_utf8(cell)
            .ok()
            .and_then(|cell| cell.trim().parse().ok())
        {
            Some(number) => numbers.push((column, number)),
            None if class_of(cell).has(Class::TYPED) => return None,
            None => {}
        }
    }
    let mut pairs = numbers.iter().zip(numbers.iter().skip(1));
    let step = pairs
        .clone()
        .next()
        .map(|((_, one), (_, next))| next.wrapping_sub(*one));
    let counts =
        pairs.all(|((at, one), (next_at, next))| at + 1 == *next_at && Some(next.wrapping_sub(*one)) == step);
    (!numbers.is_empty() && counts && step.is_none_or(|step| step.abs() == 1))
        .then(|| numbers.into_iter().map(|(_, number)| number).collect())
}

/// Whether a record behind a header's first row belongs to it.
pub(super) fn is_header_too(
    record: &Record<'_>,
    header: &Record<'_>,
    kinds: &Kinds,
    records: &[Record<'_>],
) -> bool {
    let is_last = records.last().is_some_and(|last| std::ptr::eq(last, record));
    if is_last || record.is_damaged || record.cells.len() != header.cells.len() || is_rule(record) {
        return false;
    }
    if record.cells == header.cells {
        return true;
    }
    let (typed, misfits) = misfits(record, kinds);
    // What the rows are called stands alone beneath what the columns are: `Date,,`.
    let names_rows = filled(record) == 1 && kinds.typed().next() == Some(0) && typed == 1;
    misfits == typed && (names_rows || (typed >= 2 && !is_row_of_words(record, header, kinds)))
}

/// Whether a record without a number in it is a row: a column has cells like the one here, and not like the header's, or all that
/// should be numbers are the same word (`TBD`).
fn is_row_of_words(record: &Record<'_>, header: &Record<'_>, kinds: &Kinds) -> bool {
    let mut both = record.cells.iter().zip(&header.cells).enumerate();
    let mut words = kinds.typed().filter_map(|column| record.cells.get(column));
    let word = words.next();
    both.any(|(column, (cell, name))| kinds.tell_apart(column, cell, name))
        || (filled(record) == record.cells.len() && words.all(|other| Some(other) == word))
}

/// Whether a record is a line drawn between the header and the rows: `--,----` or `---+----`.
pub(super) fn is_rule(record: &Record<'_>) -> bool {
    let drawn = |cell: &Cow<'_, [u8]>| cell.iter().all(|byte| b"-=+ ".contains(byte));
    let is_long = |cell: &Cow<'_, [u8]>| cell.windows(3).any(|three| three == b"---" || three == b"===");
    record.cells.iter().all(drawn) && record.cells.iter().any(is_long)
}

/// The names that a header's rows give together.
pub(super) fn join(rows: &[Record<'_>], columns: usize) -> Vec<Vec<u8>> {
    (0..columns)
        .map(|column| {
            let parts: Vec<&[u8]> = rows
                .iter()
                .filter_map(|row| row.cells.get(column))
                .map(AsRef::as_ref)
                .filter(|part| !part.is_empty())
                .collect();
            parts.join(&b' ')
        })
        .collect()
}

/// Whether spaces separate: only then a mark in front of a comment is a field.
pub(super) fn is_spaced(rules: &Rules) -> bool {
    matches!(rules.delimiter.as_slice(), b" " | WHITE_SPACE)
}

/// Whether a mark of its own makes a line a comment, or names behind it.
pub(super) fn is_marked(record: &Record<'_>) -> bool {
    let first = record.cells.first();
    first.is_some_and(|first| matches!(first.as_ref(), b"#" | b"%" | b"#Fields:"))
}

/// The names in a header with the wrong number of fields, or with quotes that do not work out; none if it is no header.
pub(super) fn mend_header(
    text: &[u8],
    record: &Record<'_>,
    rules: &Rules,
    columns: usize,
    kinds: &Kinds,
) -> Option<Vec<Vec<u8>>> {
    let raw = text.get(record.start..record.end).unwrap_or_default();
    let cells = |bytes: &[u8], spans: &[Span], rules: &Rules| -> Vec<Vec<u8>> {
        let unescape = Unescape::by(rules);
        spans
            .iter()
            .map(|span| {
                let cell = bytes.get(span.range()).unwrap_or_default();
                let mut plain = cell.to_vec();
                if span.is_escaped() {
                    unescape.apply(cell, &mut plain);
                }
                plain
            })
            .collect()
    };
    let is_header = |names: &[Vec<u8>]| {
        names
            .iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty())
            .all(|(column, name)| {
                let typed = class_of(name).has(Class::TYPED);
                !typed
                    && (column >= columns
                        || !kinds.typed().any(|typed| typed == column)
                        || !kinds.fits_closely(column, name))
            })
    };
    let mut spans = Vec::new();
    if record.is_damaged {
        if requote(raw, 0, rules, &Kinds::unknown(columns), &mut spans) {
            return Some(cells(raw, &spans, rules)).filter(|names| is_header(names));
        }
        return None;
    }
    let fields = record.cells.len();
    if fields == columns && is_spaced(rules) && is_marked(record) {
        // `% made by hand`
        return None;
    }
    if fields > columns {
        // `#Fields: date time`, as servers write it, and `# time x` or `% time x`, as numpy and MATLAB do.
        if is_marked(record) && fields == columns + 1 {
            return Some(record.names().split_off(1)).filter(|names| is_header(names));
        }
        let mut without = record.names();
        without.retain(|name| !name.is_empty());
        if without.len() <= columns {
            // Too many delimiters: empty names are left out, the last first, until there is one for each column.
            let mut names = record.names();
            while names.len() > columns {
                let at = names.iter().rposition(Vec::is_empty)?;
                names.remove(at);
            }
            return Some(names).filter(|names| is_header(names));
        }
        // More names than most rows have fields: those rows leave out what is empty at their end.
        return Some(record.names()).filter(|names| is_header(names) && fields <= columns * 2 + 2);
    }
    for delimiter in [b',', b';', b'\t', b'|', b' '] {
        let other = Rules {
            delimiter: vec![delimiter],
            ..rules.clone()
        };
        spans.clear();
        let read = next(raw, 0, true, &other, raw.len(), columns + 1, &mut spans);
        if other.delimiter != rules.delimiter
            && columns >= 3
            && matches!(read, Next::Record { fields, damage: None, .. } if fields == columns)
        {
            let names = cells(raw, &spans, &other);
            let distinct: HashSet<&Vec<u8>> = names.iter().collect();
            if distinct.len() == names.len() && is_header(&names) {
                return Some(names);
            }
        }
    }
    let enough = fields >= 2 && fields * 2 >= columns;
    let mut names = record.names();
    names.resize(columns, Vec::new());
    Some(names).filter(|names| enough && filled(record) == fields && is_header(names))
}

/// Moves names one to the right where the first column holds the rows' numbers or names and the header has no name for it, as R
/// writes its tables.
pub(super) fn name_rows<'a>(
    mut names: Vec<Vec<u8>>,
    columns: usize,
    rules: &Rules,
    rows: impl Iterator<Item = &'a Record<'a>>,
) -> Vec<Vec<u8>> {
    let only_last_is_missing = names.len() == columns
        && columns >= 2
        && names.last().is_some_and(Vec::is_empty)
        && names.iter().filter(|name| name.is_empty()).count() == 1;
    if !only_last_is_missing {
        return names;
    }
    let rows: Vec<&Record<'_>> = rows.take(100).collect();
    let firsts = || rows.iter().filter_map(|row| row.cells.first());
    let numbered = firsts().zip(1_u64..).all(|(cell, number)| {
        std::str::from_utf8(cell).ok().and_then(|cell| cell.parse().ok()) == Some(number)
    });
    // `write.table` separates by spaces, and most people who tell it something else by tabs.
    let mut different = HashSet::new();
    let has_names = matches!(rules.delimiter.as_slice(), b" " | b"\t" | WHITE_SPACE)
        && rows.len() > 1
        && firsts()
            .all(|cell| !cell.is_empty() && !class_of(cell).has(Class::TYPED) && different.insert(cell))
        && rows
            .iter()
            .all(|row| row.cells.last().is_some_and(|cell| !cell.is_empty()));
    if !rows.is_empty() && (numbered || has_names) {
        names.rotate_right(1);
    }
    names
}
