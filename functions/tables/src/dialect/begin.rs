//! Which record of a sample is the first that belongs to the table.

use std::borrow::Cow;

use super::{
    Kinds, class_of,
    detect::Wanted,
    header::{is_marked, looks_like_header},
    kinds::Class,
    records::{Record, filled, misfits, tally},
    table::Rows,
};

/// How many of the first records are facts about the table that a blank line parts from it: `Station,Berlin`, `From:;2024-01-01;`.
/// They may be as wide as its rows, or more than these.
pub(super) fn facts_before_blank(records: &[Record<'_>]) -> usize {
    const MOST_LINES: usize = 30;
    let may_be_fact = |record: &&Record<'_>| {
        let key = record.cells.first().map(|key| class_of(key));
        !record.is_damaged && key.is_some_and(|key| !key.has(Class::TYPED))
    };
    let most = records.iter().take(MOST_LINES).take_while(may_be_fact).count();
    let parted = (1..=most).rev().find(|index| {
        let (facts, table) = records.split_at_checked(*index).unwrap_or_default();
        table.first().is_some_and(|head| head.after_blank)
            && are_facts(facts)
            && is_table_behind(facts, table)
    });
    parted.unwrap_or(0)
}

/// Whether most records are a key and a value, or several of them with a colon between.
fn are_facts(records: &[Record<'_>]) -> bool {
    let is_more = |record: &&Record<'_>| {
        let is_fact = |cell: &Cow<'_, [u8]>| cell.is_empty() || cell.contains(&b':');
        filled(record) > 2 && !record.cells.iter().all(is_fact)
    };
    records.iter().filter(is_more).count() * 3 <= records.len()
}

/// Whether the records behind facts are a table: a header that all behind it say is one, where none of the facts is a row.
fn is_table_behind(facts: &[Record<'_>], table: &[Record<'_>]) -> bool {
    let Some((head, rows)) = table.split_first() else {
        return false;
    };
    let columns = head.cells.len();
    let is_row = |row: &&Record<'_>| !row.is_damaged && row.cells.len() == columns;
    let rows: Vec<&Record<'_>> = rows.iter().take_while(is_row).collect();
    let kinds = tally(columns, rows.iter().copied()).kinds();
    let is_header = columns >= 2
        && filled(head) + 1 >= columns
        && !rows.is_empty()
        && !head.cells.iter().any(|cell| class_of(cell).has(Class::TYPED))
        && kinds.typed().next().is_some();
    // Facts are of all kinds: where a column of them is of one, they may be a table too, unless they are few beside the other.
    let width = facts.iter().map(|fact| fact.cells.len()).max().unwrap_or(0);
    let of_one_kind = facts.len() > 3
        && rows.len() < facts.len() * 2
        && tally(width, facts.iter().skip(1)).kinds().has_one_typed();
    let is_no_row = |fact: &Record<'_>| fact.cells.len() != columns || misfits(fact, &kinds).1 > 0;
    is_header && !of_one_kind && facts.iter().all(is_no_row)
}

/// The header's first record, or the first row; the one before it may be a header of another width.
pub(super) fn first_record(regular: &Rows<'_, '_>, wanted: &Wanted) -> usize {
    if wanted.skip_lines.is_some() {
        return 0;
    }
    let mut records = regular.records.iter();
    let first = records.position(|record| is_row(record, regular)).unwrap_or(0);
    if wanted.header_rows.is_some() {
        first
    } else {
        beginning(regular, first)
    }
}

/// Whether a record may be the table's first: a line of a preamble may have as many delimiters, but little between them.
fn is_row(record: &Record<'_>, regular: &Rows<'_, '_>) -> bool {
    let columns = regular.columns;
    let least = if columns >= 3 { 2 } else { 1 };
    let is_note = regular.is_spaced && is_marked(record);
    !record.is_damaged
        && record.cells.len() == columns
        && !is_note
        && (columns == 1 || filled(record) >= least)
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
    let fits = typed > 0 && misfits == 0;
    !record.is_damaged && is_wide && (fits || is_split_once_more(record, columns, kinds))
}

/// Whether a record has too many fields because one of its cells was split: what is typed fits, in front of it and behind it.
pub(super) fn is_split_once_more(record: &Record<'_>, columns: usize, kinds: &Kinds) -> bool {
    let Some(more) = record.cells.len().checked_sub(columns).filter(|more| *more > 0) else {
        return false;
    };
    let typed: Vec<usize> = kinds.typed().collect();
    let fits = |column: usize, at: usize| {
        let cell = record.cells.get(at).filter(|cell| !cell.trim_ascii().is_empty());
        cell.is_some_and(|cell| kinds.fits_closely(column, cell))
    };
    // At least one in front and one behind, or any line with a number in the right place would do.
    (1..typed.len()).any(|front| {
        let (front, behind) = typed.split_at(front);
        front.iter().all(|column| fits(*column, *column))
            && behind.iter().all(|column| fits(*column, column + more))
    })
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
        let is_behind = |cell: &Cow<'_, [u8]>| cell.trim_ascii().is_empty();
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
    // Where no column tells, a preamble of some length and rows without a gap do.
    let are_full = |rows: &[Record<'_>]| !rows.is_empty() && rows.iter().all(|row| filled(row) == columns);
    let is_alone = kinds.typed().next().is_none()
        && preamble.iter().filter(|record| is_filled_up(record)).count() >= 3
        && are_full(records.get(header + 1..).unwrap_or_default());
    let is_header = filled(record) == columns && ((typed > 0 && misfits * 2 >= typed) || is_alone);
    (columns >= 3 && header > first && is_preamble && is_header).then_some(header)
}
