//! Slabs to batches.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::ArrowError;
use shared::Failure;

use super::{
    Reject, Shape, Slab,
    build::{Members, Stop},
    shape::check_object,
};

/// What became of a slab.
#[derive(Debug)]
pub enum Parse {
    /// Its rows, and the records that are none.
    Done(Parsed),
    /// A record holds what the shape does not know: [`Shape::infer`] of the slab, merged, does.
    Contradiction,
}

/// A slab as a batch.
#[derive(Debug)]
pub struct Parsed {
    /// The rows.
    pub batch: RecordBatch,
    /// The records that are none.
    pub rejects: Vec<Reject>,
    /// Records: as many as rows and rejects.
    pub records: u64,
    /// Lines with nothing on them, which are no records.
    pub blank_lines: u64,
}

/// What a slab held, its rows apart.
#[derive(Debug, Default)]
pub struct Taken {
    /// How many rows.
    pub rows: u64,
    /// The records that are none.
    pub rejects: Vec<Reject>,
    /// Records: as many as rows and rejects.
    pub records: u64,
    /// Lines with nothing on them, which are no records.
    pub blank_lines: u64,
}

/// Parses a slab's records into a batch of the shape's schema.
///
/// # Errors
/// [`Failure::internal`] when Arrow refuses what was built.
pub fn parse(slab: &Slab, shape: &Shape, record_bytes: usize) -> Result<Parse, Failure> {
    let mut whole = None;
    let keep = |batch| {
        whole = Some(batch);
        Ok(())
    };
    let taken = parse_in_batches(slab, shape, record_bytes, usize::MAX, keep)?;
    Ok(match (taken, whole) {
        (Some(taken), Some(batch)) => Parse::Done(Parsed {
            batch,
            rejects: taken.rejects,
            records: taken.records,
            blank_lines: taken.blank_lines,
        }),
        _ => Parse::Contradiction,
    })
}

/// Parses a slab's records into batches of the shape's schema and hands each to `take`: one at least, and a new one when one has
/// about `most_cells` values, since those that a record does not have take memory, too. Gives what the slab
/// held; nothing where a record holds what the shape does not know, and what was taken then counts for nothing.
///
/// # Errors
/// [`Failure::internal`] when Arrow refuses what was built; what `take` fails with.
pub fn parse_in_batches(
    slab: &Slab,
    shape: &Shape,
    record_bytes: usize,
    most_cells: usize,
    mut take: impl FnMut(RecordBatch) -> Result<(), Failure>,
) -> Result<Option<Taken>, Failure> {
    let schema = Arc::new(shape.schema());
    let new = || Members::new(&shape.row, schema.fields());
    // A power of two, which is where a growing vector has no room to spare.
    let most_rows = (most_cells / shape.columns().max(1)).max(1);
    let most_rows = 1_usize << most_rows.ilog2();
    let (mut row, mut rows, mut all_rows) = (new(), 0, 0);
    let mut rejects = Vec::new();
    let mut end = |row: Members, rows: usize| {
        // Of strings that were read again, or of records that were then refused, more may have been noted than counts.
        if !row.say_no_more_than(&shape.row) && tells_more(slab, shape, record_bytes) {
            return Ok(false);
        }
        let broken = |error: ArrowError| Failure::internal("arrow", error.to_string());
        let arrays = row.finish(schema.fields(), rows).map_err(broken)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        take(RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options).map_err(broken)?)?;
        Ok(true)
    };
    let mut fits = Ok(true);
    let counts = slab.for_each_record(record_bytes, |record| {
        if !matches!(fits, Ok(true)) {
            return;
        }
        let taken = record.text.map_err(Stop::Fault).and_then(|text| {
            row.take_record(text, rows).map_err(|stop| match stop {
                // It may come before a fault, and then it does not count.
                Stop::Contradiction => check_object(text).err().map_or(stop, Stop::Fault),
                stop @ Stop::Fault(_) => stop,
            })
        });
        match taken {
            Ok(()) => {
                rows += 1;
                all_rows += 1;
            }
            Err(Stop::Contradiction) => fits = Ok(false),
            Err(Stop::Fault(fault)) => {
                row.truncate(rows);
                rejects.push(record.reject(fault));
            }
        }
        if rows >= most_rows && matches!(fits, Ok(true)) {
            fits = end(std::mem::replace(&mut row, new()), std::mem::take(&mut rows));
        }
    });
    if !fits? || !end(row, rows)? {
        return Ok(None);
    }
    Ok(Some(Taken {
        rows: all_rows,
        rejects,
        records: counts.records,
        blank_lines: counts.blank_lines,
    }))
}

/// Whether a slab's strings say more of their columns than the shape knows: what one of them may still be, another
/// may rule out that neither does alone.
fn tells_more(slab: &Slab, shape: &Shape, record_bytes: usize) -> bool {
    let mut all = shape.clone();
    all.merge(Shape::infer(slab, record_bytes));
    !all.knows_strings_of(shape)
}
