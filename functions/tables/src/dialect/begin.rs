//! Which record of a sample is the first that belongs to the table.

use super::{
    Kinds,
    detect::Wanted,
    records::{Record, tally},
    table::{Rows, filled, looks_like_header, misfits},
};

/// The header's first record, or the first row; the one before it may be a header of another width.
pub(super) fn first_record(regular: &Rows<'_, '_>, wanted: &Wanted) -> usize {
    if wanted.skip_lines.is_some() {
        return 0;
    }
    let mut records = regular.records.iter();
    let first = records
        .position(|record| is_row(record, regular.columns))
        .unwrap_or(0);
    if wanted.header_rows.is_some() {
        first
    } else {
        beginning(regular, first)
    }
}

/// Whether a record may be the table's first: a line of a preamble may have as many delimiters, but little between them.
fn is_row(record: &Record<'_>, columns: usize) -> bool {
    let least = if columns >= 3 { 2 } else { 1 };
    !record.is_damaged && record.cells.len() == columns && (columns == 1 || filled(record) >= least)
}

/// Where a table begins whose first record that looks regular is `first`: before that there may be rows with another number of
/// fields or with little in them, and behind it lines of a preamble that was filled up with delimiters.
fn beginning(regular: &Rows<'_, '_>, first: usize) -> usize {
    let (records, columns) = (regular.records, regular.columns);
    let kinds = tally(columns, regular.from(regular.behind_header(first))).kinds();
    if let Some(header) = header_behind_preamble(records, first, columns, &kinds) {
        return header;
    }
    let mut first = first;
    while let (Some(before), Some(record)) = (
        first.checked_sub(1).and_then(|index| records.get(index)),
        records.get(first),
    ) {
        let is_header = looks_like_header(record, &kinds, records, first);
        if record.after_blank || is_header || !is_odd_row(before, columns, &kinds) {
            break;
        }
        first -= 1;
    }
    first
}

/// Whether a record with another number of fields than most, or with little in it, is a row all the same: what is typed says so.
fn is_odd_row(record: &Record<'_>, columns: usize, kinds: &Kinds) -> bool {
    let fields = record.cells.len();
    let (typed, misfits) = misfits(record, kinds);
    let is_wide = fields == columns || (fields >= 2 && fields * 2 >= columns);
    !record.is_damaged && is_wide && typed > 0 && misfits == 0
}

/// The header, if the lines before it are those of a preamble that a spreadsheet has filled up: little in them, and all of it in front.
fn header_behind_preamble(
    records: &[Record<'_>],
    first: usize,
    columns: usize,
    kinds: &Kinds,
) -> Option<usize> {
    const MOST_LINES: usize = 20;
    let is_filled_up = |record: &Record<'_>| {
        let front = filled(record);
        let is_behind = |cell: &std::borrow::Cow<'_, [u8]>| cell.trim_ascii().is_empty();
        record.cells.len() == columns
            && front * 2 <= columns
            && record.cells.iter().skip(front).all(is_behind)
    };
    let lines = records.iter().skip(first).take(MOST_LINES);
    let header = first + lines.take_while(|record| is_filled_up(record)).count();
    let record = records.get(header)?;
    let preamble = records.get(..header).unwrap_or_default();
    let says_so = |record: &Record<'_>| {
        filled(record) == 0 || record.cells.iter().any(|cell| cell.trim_ascii().ends_with(b":"))
    };
    let is_preamble =
        preamble.iter().filter(|record| is_filled_up(record)).count() > 1 || preamble.iter().any(says_so);
    let (typed, misfits) = misfits(record, kinds);
    let is_header = filled(record) == columns && typed > 0 && misfits * 2 >= typed;
    (columns >= 3 && header > first && is_preamble && is_header).then_some(header)
}
