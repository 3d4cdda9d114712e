//! Where in a text its table begins, how many columns it has and what they are called.
//!
//! Before the header there may be a preamble: lines with another number of fields, or with most of them empty, unless what is
//! typed says that they are rows (`begin`). The header is told from rows by the columns whose cells are typed (numbers, dates, addresses): a header's cells there are
//! not. It may have several rows, and may itself have a field too many or too few, or a stray quote.

use std::collections::{BTreeMap, HashSet};

use shared::{Failure, Place};

use super::{
    Kinds,
    begin::first_record,
    class_of,
    detect::{Sample, Wanted},
    kinds::{Class, Tally},
    records::{Record, Records, tally},
};
use crate::read::{
    Unescape,
    general::{Next, Rules, next},
    requote,
    span::Span,
};

/// How many records of the beginning are looked at, and of each piece from inside.
const RECORDS: usize = 1_000;
/// The most rows that a header has unless more are asked for.
const HEADER_ROWS: usize = 5;

/// What was found.
pub(super) struct Table {
    /// Where the header, or the first row of a table without one, begins.
    pub(super) start: usize,
    /// Where the first row begins.
    pub(super) body: usize,
    /// A name for each column; empty where there is none.
    pub(super) header: Vec<Vec<u8>>,
    pub(super) header_rows: usize,
    pub(super) kinds: Kinds,
    /// What comments between the rows begin with.
    pub(super) comment: Option<Vec<u8>>,
}

/// The records that have as many cells as a row.
pub(super) struct Rows<'r, 'a> {
    pub(super) records: &'r [Record<'a>],
    /// Those from inside the file.
    inside: &'r [Record<'a>],
    pub(super) columns: usize,
}

impl<'r, 'a> Rows<'r, 'a> {
    fn is_row(&self, record: &Record<'_>) -> bool {
        !record.is_damaged && record.cells.len() == self.columns
    }

    /// From which record on rows tell what the columns hold, if the header begins at `first`: its own are few.
    pub(super) fn behind_header(&self, first: usize) -> usize {
        let more = self.records.len().saturating_sub(first + 1);
        first + 1 + (more / 2).min(HEADER_ROWS)
    }

    /// Those from a record on.
    pub(super) fn from(&self, from: usize) -> impl Iterator<Item = &'r Record<'a>> {
        let records = self.records.get(from..).unwrap_or_default();
        records
            .iter()
            .chain(self.inside)
            .filter(|record| self.is_row(record))
    }

    /// What their cells look like, when it is known of those from another record on.
    fn kinds_from(&self, from: usize, (behind, known): &(usize, Tally)) -> Kinds {
        let Some(more) = self.records.get(from..*behind) else {
            return tally(self.columns, self.from(from)).kinds();
        };
        let mut all = known.clone();
        for record in more.iter().filter(|record| self.is_row(record)) {
            all.add(record.cells.iter().map(AsRef::as_ref));
        }
        all.kinds()
    }
}

pub(super) fn find_table(
    text: &[u8],
    sample: &Sample,
    rules: &Rules,
    wanted: &Wanted,
) -> Result<Table, Failure> {
    let mut records = Records::read(text, sample.is_whole, rules, RECORDS).all;
    records.retain(|record| !record.is_comment);
    if records.is_empty() {
        return Err(nothing(text, sample));
    }
    let inside = read_inside(sample, rules);
    let columns = most_common(records.iter().chain(&inside));
    let regular = Rows {
        records: &records,
        inside: &inside,
        columns,
    };
    let first = first_record(&regular, wanted);
    let comment = comment(text, &records, first, columns);
    let behind = regular.behind_header(first);
    let body = |from: usize| regular.from(from);
    let behind_header = (behind, tally(columns, body(behind)));
    let kinds = behind_header.1.kinds();
    let kinds_from = |from: usize| regular.kinds_from(from, &behind_header);
    let bare = |start: usize, kinds: Kinds| Table {
        start,
        body: start,
        header: vec![Vec::new(); columns],
        header_rows: 0,
        kinds,
        comment: comment.clone(),
    };
    let Some(record) = records.get(first) else {
        return Err(nothing(text, sample));
    };
    if wanted.header_rows == Some(0) {
        return Ok(bare(record.start, kinds_from(first)));
    }
    // The record before the first regular one may be a header that is not.
    let before = first
        .checked_sub(1)
        .and_then(|index| records.get(index))
        .filter(|_| !record.after_blank && !looks_like_header(record, &kinds, &records, first));
    if wanted.header_rows.is_none_or(|rows| rows == 1)
        && let Some(before) = before
        && let Some(names) = mend_header(text, before, rules, columns, &kinds)
    {
        let kinds = tally(names.len(), body(first)).kinds();
        return Ok(Table {
            start: before.start,
            body: before.next,
            header: name_rows(names, columns, rules, body(first)),
            header_rows: 1,
            kinds,
            comment,
        });
    }
    if record.is_damaged {
        let message = "the header cannot be read: its quotes do not work out";
        return Err(Failure::rejected("bad-header", message).at(Place::Byte {
            offset: record.start as u64,
        }));
    }
    let rows = match wanted.header_rows {
        Some(rows) => rows,
        None if looks_like_header(record, &kinds, &records, first) => {
            1 + records
                .iter()
                .skip(first + 1)
                .take(HEADER_ROWS - 1)
                .take_while(|next| is_header_too(next, record, &kinds, &records))
                .count()
        }
        None => 0,
    };
    if rows == 0 {
        return Ok(bare(record.start, kinds_from(first)));
    }
    let rows = rows.min(records.len() - first);
    let header_records = records.get(first..first + rows).unwrap_or_default();
    let names = join(header_records, columns);
    let body_start = header_records.last().map_or(record.next, |last| last.next);
    let kinds = if names.len() == columns {
        kinds_from(first + rows)
    } else {
        tally(names.len(), body(first + rows)).kinds()
    };
    let columns = names.len();
    Ok(Table {
        start: record.start,
        body: body_start,
        header: name_rows(names, columns, rules, body(first + rows)),
        header_rows: rows,
        kinds,
        comment,
    })
}

/// The records of the pieces from inside the file, whose first lines are cut.
fn read_inside<'a>(sample: &'a Sample, rules: &Rules) -> Vec<Record<'a>> {
    let pieces = sample.inside.iter().flat_map(|piece| {
        let from = crate::read::general::line(piece, 0, false).map_or(piece.len(), |(_, next)| next);
        Records::read(piece.get(from..).unwrap_or_default(), false, rules, RECORDS).all
    });
    pieces.collect()
}

fn nothing(text: &[u8], sample: &Sample) -> Failure {
    if sample.is_whole || text.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
        return super::empty();
    }
    let message = format!(
        "the header cannot be read: the first record does not end within {} bytes",
        text.len()
    );
    Failure::rejected("bad-header", message).at(Place::Byte { offset: 0 })
}

/// The number of fields that most records have: more than one if any has.
fn most_common<'a>(records: impl Iterator<Item = &'a Record<'a>>) -> usize {
    let mut counts = BTreeMap::new();
    for record in records.filter(|record| !record.is_damaged && record.cells.len() > 1) {
        *counts.entry(record.cells.len()).or_insert(0_usize) += 1;
    }
    counts
        .iter()
        .max_by_key(|(columns, count)| (**count, **columns))
        .map_or(1, |(columns, _)| *columns)
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

pub(super) fn looks_like_header(
    record: &Record<'_>,
    kinds: &Kinds,
    records: &[Record<'_>],
    index: usize,
) -> bool {
    let (typed, misfits) = misfits(record, kinds);
    let rows = records.get(index + 1..).unwrap_or_default();
    let has_rows = rows.iter().any(|row| row.cells.len() == record.cells.len());
    if typed > 0 && has_rows {
        return misfits * 2 >= typed || counts_up(record, kinds);
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

/// Whether the typed columns are named by years, one after the other: `country,2019,2020,2021`.
fn counts_up(record: &Record<'_>, kinds: &Kinds) -> bool {
    let years: Vec<i32> = kinds
        .typed()
        .filter_map(|column| {
            let cell = record.cells.get(column)?;
            std::str::from_utf8(cell).ok()?.trim().parse().ok()
        })
        .collect();
    years.len() >= 2
        && years.iter().all(|year| (1500..=2200).contains(year))
        && years.windows(2).all(|pair| match pair {
            [a, b] => (b - a).abs() == 1,
            _ => false,
        })
}

/// Whether a record behind a header's first row belongs to it.
fn is_header_too(record: &Record<'_>, header: &Record<'_>, kinds: &Kinds, records: &[Record<'_>]) -> bool {
    let is_last = records.last().is_some_and(|last| std::ptr::eq(last, record));
    if is_last || record.is_damaged || record.cells.len() != header.cells.len() {
        return false;
    }
    if record.cells == header.cells {
        return true;
    }
    let (typed, misfits) = misfits(record, kinds);
    typed >= 2 && misfits == typed && !is_row_of_words(record, header, kinds)
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

/// The names that a header's rows give together.
fn join(rows: &[Record<'_>], columns: usize) -> Vec<Vec<u8>> {
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

/// The names in a header with the wrong number of fields, or with quotes that do not work out; none if it is no header.
fn mend_header(
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
    if fields > columns {
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
fn name_rows<'a>(
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
    let has_names = matches!(rules.delimiter.as_slice(), b" " | b"\t")
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

/// What lines that begin alike and are no rows begin with, where they stand between rows.
fn comment(text: &[u8], records: &[Record<'_>], first: usize, columns: usize) -> Option<Vec<u8>> {
    if columns < 2 {
        return None;
    }
    [&b"#"[..], b"//"].into_iter().find_map(|mark| {
        let mut marked = records
            .iter()
            .skip(first + 1)
            .filter(|record| text.get(record.start..).unwrap_or_default().starts_with(mark))
            .peekable();
        marked.peek()?;
        marked
            .all(|record| record.cells.len() != columns)
            .then(|| mark.to_vec())
    })
}
