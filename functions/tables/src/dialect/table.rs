//! Where in a text its table begins, how many columns it has and what they are called.
//!
//! Before the header there may be a preamble: lines with another number of fields, or with most of them empty, unless what is
//! typed says that they are rows (`begin`).

use std::collections::BTreeMap;

use shared::{Failure, Place};

use super::{
    Kinds,
    aligned::Aligned,
    begin::{facts_before_blank, first_record},
    detect::{Sample, Wanted},
    header::{is_header_too, is_rule, is_spaced, join, looks_like_header, mend_header, name_rows},
    kinds::Tally,
    records::{Record, Records, tally},
};
use crate::read::general::Rules;

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
    /// Whether spaces separate them.
    pub(super) is_spaced: bool,
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
    if wanted.skip_lines.is_none() {
        records.drain(..facts_before_blank(&records));
    }
    if rules.is_white()
        && let Some(aligned) = Aligned::of(text)
    {
        aligned.put_header(text, &mut records);
    }
    if records.is_empty() {
        return Err(nothing(text, sample));
    }
    let inside = read_inside(sample, rules);
    let columns = most_common(records.iter().chain(&inside));
    let regular = Rows {
        records: &records,
        inside: &inside,
        columns,
        is_spaced: is_spaced(rules),
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
    let rows = wanted
        .header_rows
        .unwrap_or_else(|| header_rows(&records, first, &kinds));
    if rows == 0 {
        return Ok(bare(record.start, kinds_from(first)));
    }
    let rows = rows.min(records.len() - first);
    let header_records = records.get(first..first + rows).unwrap_or_default();
    let names = join(header_records, columns);
    let rule = records.get(first + rows).filter(|record| is_rule(record));
    let body_start = rule
        .or(header_records.last())
        .map_or(record.next, |last| last.next);
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

/// How many rows the header has that begins with a record.
fn header_rows(records: &[Record<'_>], first: usize, kinds: &Kinds) -> usize {
    let Some(record) = records
        .get(first)
        .filter(|record| looks_like_header(record, kinds, records, first))
    else {
        return 0;
    };
    let more = records.iter().skip(first + 1).take(HEADER_ROWS - 1);
    1 + more
        .take_while(|next| is_header_too(next, record, kinds, records))
        .count()
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
