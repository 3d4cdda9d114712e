//! The outputs of a table that are written slab by slab, and what a worker makes of one.

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use shared::{Failure, OutputWriter, Outputs};

use super::{RowGroup, TableWriter, proto::Message};
use crate::profile::{Lanes, Mismatch, Profile, Turn};

const PARQUET: &str = "table.parquet";
const RECORDS: &str = "table.pb";
const MESSAGE: &str = "table.proto";

/// Which outputs are made of the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wants {
    pub(crate) parquet: bool,
    records: bool,
    profile: bool,
}

impl Wants {
    /// Those that are wanted.
    pub(crate) fn of(outputs: &dyn Outputs) -> Self {
        Self {
            parquet: outputs.wants(PARQUET),
            records: outputs.wants(RECORDS),
            profile: ["profile.json", "profile.html"]
                .into_iter()
                .any(|name| outputs.wants(name)),
        }
    }
}

/// What is made of rows, and how.
pub(crate) struct Recipe<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) wants: Wants,
    message: &'a Message,
    spare: &'a Spare,
}

impl<'a> Recipe<'a> {
    /// Of what is wanted.
    pub(crate) fn new(
        schema: &'a Schema,
        message: &'a Message,
        spare: &'a Spare,
        outputs: &dyn Outputs,
    ) -> Self {
        Self {
            schema,
            message,
            wants: Wants::of(outputs),
            spare,
        }
    }
}

/// Buffers that were written and can be filled again: one that is new costs more than what is put into it.
#[derive(Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop().unwrap_or_default()
    }

    fn put(&self, mut buffer: Vec<u8>) {
        // There are no more of them than were under way at a time.
        if buffer.capacity() > 0 {
            buffer.clear();
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}

/// What becomes of a slab's rows.
pub(crate) struct Part {
    rows: u64,
    group: Option<RowGroup>,
    /// The rows as Protocol Buffers.
    records: Vec<u8>,
}

impl Part {
    /// Makes of a batch what is wanted; `encode` makes its row group in a buffer. When it is its turn, the profile takes note of it.
    pub(crate) fn of(
        batch: &RecordBatch,
        encode: impl FnOnce(Vec<u8>) -> Result<RowGroup, Failure>,
        turn: &mut Turn<'_>,
        recipe: &Recipe<'_>,
    ) -> Result<Self, Failure> {
        let mut group = None;
        if recipe.wants.parquet {
            group = Some(encode(recipe.spare.take())?);
        }
        let mut records = Vec::new();
        if recipe.wants.records {
            records = recipe.spare.take();
            recipe.message.encode(batch, &mut records)?;
        }
        if recipe.wants.profile {
            turn.observe(batch).map_err(mismatch)?;
        }
        Ok(Self {
            rows: batch.num_rows() as u64,
            group,
            records,
        })
    }
}

/// Outputs that are being written. Dropped before the end, they leave nothing.
pub(crate) struct Begun {
    rows: u64,
    parquet: Option<TableWriter>,
    records: Option<Box<dyn OutputWriter>>,
    profile: Profile,
    wants: Wants,
}

impl Begun {
    /// Begins the outputs of a table; the profile is one without a row.
    pub(crate) fn new(schema: &Schema, profile: Profile, outputs: &mut dyn Outputs) -> Result<Self, Failure> {
        let wants = Wants::of(outputs);
        let mut parquet = None;
        if wants.parquet {
            let output = outputs.create(PARQUET, "application/vnd.apache.parquet")?;
            parquet = Some(TableWriter::new(output, schema.clone())?);
        }
        let mut records = None;
        if wants.records {
            records = Some(outputs.create(RECORDS, "application/x-protobuf")?);
        }
        Ok(Self {
            rows: 0,
            parquet,
            records,
            profile,
            wants,
        })
    }

    /// Appends what became of the next rows, unless what was begun was dropped.
    pub(crate) fn append_to(
        begun: Option<&mut Self>,
        part: Part,
        recipe: &Recipe<'_>,
    ) -> Result<(), Failure> {
        begun.map_or(Ok(()), |begun| begun.append(part, recipe.spare))
    }

    fn append(&mut self, part: Part, spare: &Spare) -> Result<(), Failure> {
        self.rows += part.rows;
        if let (Some(parquet), Some(group)) = (&mut self.parquet, part.group) {
            parquet.append(&group)?;
            spare.put(group.bytes);
        }
        if let Some(records) = &mut self.records {
            records
                .write_all(&part.records)
                .map_err(|error| Failure::from_write(&error))?;
        }
        spare.put(part.records);
        Ok(())
    }

    /// Ends the outputs; gives the profile, with what was observed, and how many rows the table has.
    pub(crate) fn finish(
        mut self,
        observed: Lanes,
        message: &Message,
        outputs: &mut dyn Outputs,
    ) -> Result<(Profile, u64), Failure> {
        if let Some(records) = self.records {
            records.finish()?;
        }
        if outputs.wants(MESSAGE) {
            let mut proto = outputs.create(MESSAGE, "text/plain; charset=utf-8")?;
            proto
                .write_all(message.text().as_bytes())
                .map_err(|error| Failure::from_write(&error))?;
            proto.finish()?;
        }
        // Each output counted for itself.
        let written = self.parquet.map_or(Ok(self.rows), TableWriter::finish)?;
        observed.merge_into(&mut self.profile).map_err(mismatch)?;
        let profiled = if self.wants.profile {
            self.profile.rows()
        } else {
            self.rows
        };
        if written != self.rows || profiled != self.rows {
            let message = format!("{} rows, {written} written and {profiled} profiled", self.rows);
            return Err(Failure::internal("row-count", message));
        }
        Ok((self.profile, self.rows))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn mismatch(error: Mismatch) -> Failure {
    Failure::internal("profile", error.to_string())
}
