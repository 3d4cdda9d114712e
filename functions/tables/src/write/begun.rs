//! The outputs of a table that are written slab by slab, and what a worker makes of one.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use shared::{Failure, OutputWriter, Outputs};

use super::{RowGroup, TableWriter, proto::Message};
use crate::profile::{Mismatch, Profile};

/// What becomes of a slab's rows.
pub(crate) struct Part {
    group: RowGroup,
    /// The rows as Protocol Buffers.
    records: Vec<u8>,
    profile: Profile,
}

impl Part {
    /// Makes what is left of a batch, once it is a row group.
    pub(crate) fn of(
        batch: &RecordBatch,
        group: RowGroup,
        schema: &Schema,
        message: &Message,
    ) -> Result<Self, Failure> {
        let mut profile = Profile::new(schema);
        profile.observe(batch).map_err(mismatch)?;
        let mut records = Vec::new();
        message.encode(batch, &mut records)?;
        Ok(Self {
            group,
            records,
            profile,
        })
    }
}

/// Outputs that are being written. Dropped before the end, they leave nothing.
pub(crate) struct Begun {
    parquet: TableWriter,
    records: Box<dyn OutputWriter>,
    profile: Profile,
}

impl Begun {
    /// Begins the outputs of a table; the profile is one without a row.
    pub(crate) fn new(schema: &Schema, profile: Profile, outputs: &mut dyn Outputs) -> Result<Self, Failure> {
        let parquet = outputs.create("table.parquet", "application/vnd.apache.parquet")?;
        let records = outputs.create("table.pb", "application/x-protobuf")?;
        Ok(Self {
            parquet: TableWriter::new(parquet, schema.clone())?,
            records,
            profile,
        })
    }

    /// Appends what became of the next slab.
    pub(crate) fn append(&mut self, part: Part) -> Result<(), Failure> {
        self.parquet.append(part.group)?;
        self.records
            .write_all(&part.records)
            .map_err(|error| Failure::from_write(&error))?;
        self.profile.merge(&part.profile).map_err(mismatch)
    }

    /// Ends the outputs; gives the profile, and how many rows the table has.
    pub(crate) fn finish(
        self,
        message: &Message,
        outputs: &mut dyn Outputs,
    ) -> Result<(Profile, u64), Failure> {
        self.records.finish()?;
        let mut proto = outputs.create("table.proto", "text/plain; charset=utf-8")?;
        proto
            .write_all(message.text().as_bytes())
            .map_err(|error| Failure::from_write(&error))?;
        proto.finish()?;
        let rows = self.parquet.finish()?;
        if rows != self.profile.rows() {
            let message = format!("{rows} rows were written and {} profiled", self.profile.rows());
            return Err(Failure::internal("row-count", message));
        }
        Ok((self.profile, rows))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn mismatch(error: Mismatch) -> Failure {
    Failure::internal("profile", error.to_string())
}
