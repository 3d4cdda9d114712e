//! `table.parquet`: zstd, row groups closed by the memory they hold.

pub mod proto;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::{EnabledStatistics, WriterProperties},
};
use shared::{Failure, OutputWriter};

/// The most rows of a row group: enough for a reader to skip by, few enough for it to hold.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// What readers take for a page.
const MAX_PAGE_BYTES: usize = 1 << 20;
const MIN_PAGE_BYTES: usize = 8 << 10;

/// Up to so many columns are compressed side by side, a page at a time. A compressor (some 200 KiB that no estimate
/// counts) stays with a column from its first page on, and a dictionary's hash table from its first value on. In a
/// wider table a column has no dictionary and is one page in each row group, compressed when the group ends: then
/// one compressor lives at a time.
const MAX_SIDE_BY_SIDE: usize = 128;
/// What the writer holds for a column before it has a value, in a narrow table and in a wide one: measured.
const NARROW_COLUMN_BYTES: usize = 48 << 10;
const WIDE_COLUMN_BYTES: usize = 6 << 10;

/// Writes one table.
pub struct TableWriter {
    writer: ArrowWriter<Box<dyn OutputWriter>>,
    schema: SchemaRef,
    group_bytes: usize,
    /// Memory that the open group's rows took before they were encoded, and how much they may.
    raw_bytes: usize,
    max_raw_bytes: usize,
    rows: u64,
}

impl TableWriter {
    /// Starts a table. An open row group holds about `group_bytes` of memory at most.
    pub fn new(output: Box<dyn OutputWriter>, schema: Schema, group_bytes: usize) -> Result<Self, Failure> {
        let schema = Arc::new(schema);
        let columns = schema.fields().len();
        let is_wide = columns > MAX_SIDE_BY_SIDE;
        let fixed = columns
            * if is_wide {
                WIDE_COLUMN_BYTES
            } else {
                NARROW_COLUMN_BYTES
            };
        // A page and a dictionary are open for every column at once.
        let share = group_bytes / 4 / columns.max(1);
        let page_bytes = if is_wide {
            MAX_PAGE_BYTES
        } else {
            share.clamp(MIN_PAGE_BYTES, MAX_PAGE_BYTES)
        };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_dictionary_enabled(!is_wide)
            // An index of one page says what the chunk's statistics say, and is held until the file ends.
            .set_statistics_enabled(if is_wide {
                EnabledStatistics::Chunk
            } else {
                EnabledStatistics::Page
            })
            .set_offset_index_disabled(is_wide)
            .set_dictionary_page_size_limit(page_bytes)
            .set_data_page_size_limit(page_bytes)
            .set_created_by(concat!("longshore tables version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties)).map_err(failure)?;
        Ok(Self {
            writer,
            schema,
            // Or a wide table would close a group at every batch.
            group_bytes: group_bytes + fixed,
            raw_bytes: 0,
            // Half, as buffers double when they grow.
            max_raw_bytes: if is_wide { group_bytes / 2 } else { usize::MAX },
            rows: 0,
        })
    }

    /// Writes some rows, one array a column.
    pub fn write(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<(), Failure> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|error| Failure::internal("arrow", error.to_string()))?;
        self.writer.write(&batch).map_err(failure)?;
        self.rows += batch.num_rows() as u64;
        self.raw_bytes += batch.get_array_memory_size();
        if self.writer.memory_size() > self.group_bytes || self.raw_bytes > self.max_raw_bytes {
            self.writer.flush().map_err(failure)?;
            self.raw_bytes = 0;
        }
        Ok(())
    }

    /// Ends the table; gives the rows that its row groups count.
    pub fn finish(mut self) -> Result<u64, Failure> {
        self.writer.flush().map_err(failure)?;
        let groups = self.writer.flushed_row_groups();
        let rows = groups
            .iter()
            .map(|group| u64::try_from(group.num_rows()).unwrap_or_default());
        let rows = rows.sum();
        if rows != self.rows {
            let message = format!("{} rows were written and the row groups count {rows}", self.rows);
            return Err(Failure::internal("row-groups", message));
        }
        self.writer.into_inner().map_err(failure)?.finish()?;
        Ok(rows)
    }
}

/// What an error of the Parquet writer means: the output's own failure if that is inside.
fn failure(error: ParquetError) -> Failure {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => Failure::from_write(&io),
            Err(inner) => Failure::internal("parquet", inner.to_string()),
        },
        error => Failure::internal("parquet", error.to_string()),
    }
}
