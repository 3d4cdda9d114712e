//! The outputs of a table that are written slab by slab, and what a worker makes of one.

use std::io::Write;

use arrow_schema::Schema;
use shared::{Failure, OutputWriter, Outputs, options::ParquetVersion};

use super::{RowGroup, RowGroupWriter, TableWriter, proto::Message};
use crate::{
    cells::{Cells, Rows},
    profile::{Batch, Lanes, Mismatch, Profile, Turn},
    spare::Spare,
};

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
    schema: &'a Schema,
    pub(crate) wants: Wants,
    version: ParquetVersion,
    message: &'a Message,
    spare: &'a Spare,
}

impl<'a> Recipe<'a> {
    /// Of what is wanted, Parquet in the encodings of this version.
    pub(crate) fn new(
        schema: &'a Schema,
        version: ParquetVersion,
        message: &'a Message,
        spare: &'a Spare,
        outputs: &dyn Outputs,
    ) -> Self {
        Self {
            schema,
            version,
            message,
            wants: Wants::of(outputs),
            spare,
        }
    }

    /// A writer of its row groups.
    pub(crate) fn groups(&self) -> Result<RowGroupWriter, Failure> {
        RowGroupWriter::new(self.schema, self.version)
    }
}

/// What becomes of a slab's rows.
pub(crate) struct Part {
    rows: u64,
    group: Option<RowGroup>,
    /// The rows as Protocol Buffers.
    records: Vec<u8>,
}

/// A part that is being made of rows, column by column: what comes of a column is made while it is in the cache.
pub(crate) struct PartMaker<'a> {
    recipe: &'a Recipe<'a>,
    groups: &'a mut RowGroupWriter,
    group: Option<RowGroup>,
    /// If a profile is wanted, what it takes note of.
    observed: Option<Batch<'a>>,
    columns: usize,
}

impl<'a> PartMaker<'a> {
    /// Begins a part of so many rows, once it is its turn.
    pub(crate) fn new<'t: 'a>(
        rows: usize,
        recipe: &'a Recipe<'a>,
        groups: &'a mut RowGroupWriter,
        turn: &Turn<'t>,
    ) -> Self {
        let wants = recipe.wants;
        Self {
            recipe,
            group: wants
                .parquet
                .then(|| groups.begin(rows, recipe.spare.take_empty())),
            groups,
            observed: wants.profile.then(|| turn.batch(rows)).flatten(),
            columns: 0,
        }
    }

    /// Adds the next column.
    pub(crate) fn add(&mut self, cells: &Cells) -> Result<(), Failure> {
        if let Some(group) = &mut self.group {
            self.groups.add(self.columns, cells, group)?;
        }
        if let Some(observed) = &mut self.observed {
            observed.column(cells).map_err(mismatch)?;
        }
        self.columns += 1;
        Ok(())
    }

    /// Ends the part of the rows whose columns were added.
    pub(crate) fn end(self, rows: &Rows) -> Result<Part, Failure> {
        if let Some(observed) = self.observed {
            observed.end().map_err(mismatch)?;
        }
        let mut records = Vec::new();
        if self.recipe.wants.records {
            records = self.recipe.spare.take_empty();
            self.recipe.message.encode_rows(rows, &mut records)?;
        }
        Ok(Part {
            rows: rows.count as u64,
            group: self.group,
            records,
        })
    }
}

/// Outputs that are being written. Dropped before the end, they leave nothing.
pub(crate) struct Begun {
    rows: u64,
    parquet: Option<TableWriter>,
    records: Option<Box<dyn OutputWriter>>,
    wants: Wants,
}

impl Begun {
    /// Begins the outputs of a table.
    pub(crate) fn new(schema: &Schema, outputs: &mut dyn Outputs) -> Result<Self, Failure> {
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
        self,
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
        let profile = observed.into_profile().map_err(mismatch)?;
        let profiled = if self.wants.profile {
            profile.rows()
        } else {
            self.rows
        };
        if written != self.rows || profiled != self.rows {
            let message = format!("{} rows, {written} written and {profiled} profiled", self.rows);
            return Err(Failure::internal("row-count", message));
        }
        Ok((profile, self.rows))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn mismatch(error: Mismatch) -> Failure {
    Failure::internal("profile", error.to_string())
}
