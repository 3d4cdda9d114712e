//! Slabs to batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use shared::Failure;

use super::{
    Reject, Shape, Slab,
    build::{Members, Stop},
    shape::check_object,
};
use crate::cells::Rows;

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
    let keep = |rows: Rows| {
        whole = Some(rows.to_batch().map_err(|error| broken(&error))?);
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

/// Parses a slab's records into rows of the shape's schema and hands them to `take`, at least once, and whenever there are about
/// `most_cells` values, as those that objects within records lack take memory, too. Gives what the slab held; nothing where a
/// record holds what the shape does not know, and what was taken then counts for nothing.
///
/// # Errors
/// [`Failure::internal`] when Arrow refuses what was built; what `take` fails with.
pub fn parse_in_batches(
    slab: &Slab,
    shape: &Shape,
    record_bytes: usize,
    most_cells: usize,
    mut take: impl FnMut(Rows) -> Result<(), Failure>,
) -> Result<Option<Taken>, Failure> {
    let schema = Arc::new(shape.schema());
    let new = || Members::new(&shape.row, schema.fields());
    let (mut row, mut rows, mut cells, mut all_rows) = (new(), 0, 0, 0);
    let mut rejects = Vec::new();
    let mut end = |row: Members, rows: usize| {
        // Of strings that were read again, or of records that were then refused, more may have been noted than counts.
        if !row.say_no_more_than(&shape.row) && tells_more(slab, shape, record_bytes) {
            return Ok(false);
        }
        take(Rows {
            schema: Arc::clone(&schema),
            count: rows,
            columns: row
                .finish(schema.fields(), rows)
                .map_err(|error| broken(&error))?,
        })?;
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
            Ok(taken) => {
                cells += taken;
                rows += 1;
                all_rows += 1;
            }
            Err(Stop::Contradiction) => fits = Ok(false),
            Err(Stop::Fault(fault)) => {
                row.truncate(rows);
                rejects.push(record.reject(fault));
            }
        }
        if cells >= most_cells && matches!(fits, Ok(true)) {
            cells = 0;
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

fn broken(error: &ArrowError) -> Failure {
    Failure::internal("arrow", error.to_string())
}

/// Whether a slab's strings say more of their columns than the shape knows: what one of them may still be, another
/// may rule out that neither does alone.
fn tells_more(slab: &Slab, shape: &Shape, record_bytes: usize) -> bool {
    let mut all = shape.clone();
    all.merge(Shape::infer(slab, record_bytes));
    !all.knows_strings_of(shape)
}
