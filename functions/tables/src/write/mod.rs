//! `table.parquet`: row groups that were encoded anywhere, one after the other, and the footer.
//!
//! Every column is zstd, in pages of some ten thousand rows with statistics, and the file ends with the index of all
//! pages. A row group names the columns that its rows are sorted by.

mod begun;
mod chunk;
mod hybrid;
pub mod nested;
mod physical;
pub mod proto;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema};
use parquet::{
    arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema},
    basic::{LogicalType, Repetition, Type as PhysicalType},
    errors::ParquetError,
    file::{
        metadata::{
            ColumnChunkMetaData, FileMetaData, KeyValue, OffsetIndexBuilder, ParquetMetaDataBuilder,
            ParquetMetaDataWriter, RowGroupMetaData, SortingColumn, page_index::PageIndexBuilder,
        },
        page_index::{column_index::ColumnIndexMetaData, offset_index::PageLocation},
        writer::TrackedWrite,
    },
    schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr},
};
use shared::{Failure, OutputWriter};

pub(crate) use begun::{Begun, Part, Wants};

use crate::types::uuid;
use chunk::ChunkWriter;

const MAGIC: &[u8; 4] = b"PAR1";
const CREATED_BY: &str = concat!("longshore tables version ", env!("CARGO_PKG_VERSION"));
/// What the format is called since pages have indices.
const FORMAT_VERSION: i32 = 2;
/// The most columns a row group is said to be sorted by.
const MOST_SORTED: usize = 8;
/// In a table of more columns than this an index of each page is not kept: it would be held until the file ends, and
/// says little more than the statistics of the chunk where a row group has few rows.
const MOST_INDEXED: usize = 512;

/// A row group, encoded, and what the footer will say of it. Offsets count from its first byte.
#[derive(Debug)]
pub struct RowGroup {
    rows: i64,
    /// Its bytes, in parts.
    parts: Vec<Vec<u8>>,
    columns: Vec<ColumnChunkMetaData>,
    indexes: Vec<(Option<ColumnIndexMetaData>, Vec<PageLocation>)>,
    sorted_by: Option<Vec<SortingColumn>>,
}

/// Encodes row groups, on any thread.
pub struct RowGroupWriter {
    schema: SchemaDescPtr,
    chunks: ChunkWriter,
}

impl RowGroupWriter {
    /// A writer for tables of this schema.
    pub fn new(schema: &Schema) -> Result<Self, Failure> {
        Ok(Self {
            schema: descriptor(schema)?,
            chunks: ChunkWriter::new()?,
        })
    }

    /// Encodes the rows of a batch: one array a column, of its type or a dictionary of it.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<RowGroup, Failure> {
        let mut group = RowGroup {
            rows: i64::try_from(batch.num_rows()).unwrap_or(i64::MAX),
            parts: Vec::with_capacity(batch.num_columns()),
            columns: Vec::with_capacity(batch.num_columns()),
            indexes: Vec::with_capacity(batch.num_columns()),
            sorted_by: None,
        };
        let mut sorted = Vec::new();
        let mut at = 0;
        for (index, array) in batch.columns().iter().enumerate() {
            let chunk = self.chunks.write(array)?;
            group
                .columns
                .push(chunk.metadata(self.schema.column(index), at).map_err(failure)?);
            if let Some(descending) = chunk.descending {
                let column_idx = i32::try_from(index).unwrap_or(i32::MAX);
                sorted.push(SortingColumn {
                    column_idx,
                    descending,
                    nulls_first: false,
                });
            }
            let pages = chunk.pages.into_iter().map(|page| PageLocation {
                offset: page.offset + at,
                ..page
            });
            group.indexes.push((chunk.column_index, pages.collect()));
            at += i64::try_from(chunk.bytes.len()).unwrap_or(i64::MAX);
            group.parts.push(chunk.bytes);
        }
        // Columns that are each in order are in order one within the other.
        sorted.truncate(MOST_SORTED);
        group.sorted_by = (!sorted.is_empty()).then_some(sorted);
        Ok(group)
    }
}

/// Writes one table.
pub struct TableWriter {
    sink: TrackedWrite<Sink>,
    output: Sink,
    arrow_schema: Schema,
    schema: SchemaDescPtr,
    groups: Vec<RowGroupMetaData>,
    indexes: Vec<Vec<(Option<ColumnIndexMetaData>, Vec<PageLocation>)>>,
    rows: u64,
}

/// The output, which the writer of the footer takes and does not give back.
#[derive(Clone)]
struct Sink(Arc<Mutex<Open>>);

struct Open {
    output: Option<Box<dyn OutputWriter>>,
    failed: Option<Failure>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().map_err(|_| io::ErrorKind::BrokenPipe)?;
        let output = open.output.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let written = output.write(bytes);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
        {
            open.failed = Some(Failure::from_write(error));
        }
        written
    }

    /// The output itself is flushed when it ends.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn finish(self) -> Result<(), Failure> {
        let closed = || Failure::internal("parquet", "the output is closed");
        let (output, failed) = {
            let mut open = self.0.lock().map_err(|_| closed())?;
            (open.output.take(), open.failed.take())
        };
        failed.map_or(Ok(()), Err)?;
        output.ok_or_else(closed)?.finish()
    }
}

impl TableWriter {
    /// Starts a table.
    pub fn new(output: Box<dyn OutputWriter>, schema: Schema) -> Result<Self, Failure> {
        let output = Sink(Arc::new(Mutex::new(Open {
            output: Some(output),
            failed: None,
        })));
        let mut writer = Self {
            sink: TrackedWrite::new(output.clone()),
            output,
            schema: descriptor(&schema)?,
            arrow_schema: schema,
            groups: Vec::new(),
            indexes: Vec::new(),
            rows: 0,
        };
        writer.write_all(MAGIC)?;
        Ok(writer)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sink
            .write_all(bytes)
            .map_err(|error| Failure::from_write(&error))
    }

    /// Appends a row group.
    pub fn append(&mut self, group: RowGroup) -> Result<(), Failure> {
        if group.rows == 0 {
            return Ok(());
        }
        let at = i64::try_from(self.sink.bytes_written()).unwrap_or(i64::MAX);
        for part in &group.parts {
            self.write_all(part)?;
        }
        let shift = |column: ColumnChunkMetaData| {
            let (data, dictionary) = (column.data_page_offset(), column.dictionary_page_offset());
            column
                .into_builder()
                .set_data_page_offset(data + at)
                .set_dictionary_page_offset(dictionary.map(|dictionary| dictionary + at))
                .build()
        };
        let columns: Vec<_> = group
            .columns
            .into_iter()
            .map(shift)
            .collect::<Result<_, _>>()
            .map_err(failure)?;
        let metadata = RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_num_rows(group.rows)
            .set_total_byte_size(columns.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_column_metadata(columns)
            .set_sorting_columns(group.sorted_by)
            .set_ordinal(i32::try_from(self.groups.len()).unwrap_or(i32::MAX))
            .set_file_offset(at)
            .build()
            .map_err(failure)?;
        self.groups.push(metadata);
        if self.schema.num_columns() <= MOST_INDEXED {
            let shift = |(index, pages): (_, Vec<PageLocation>)| {
                let pages = pages.into_iter().map(|page| PageLocation {
                    offset: page.offset + at,
                    ..page
                });
                (index, pages.collect())
            };
            self.indexes.push(group.indexes.into_iter().map(shift).collect());
        }
        self.rows += u64::try_from(group.rows).unwrap_or_default();
        Ok(())
    }

    /// Ends the table; gives its rows.
    pub fn finish(self) -> Result<u64, Failure> {
        let mut index = PageIndexBuilder::new(self.groups.len(), self.schema.num_columns());
        let has_index = !self.indexes.is_empty();
        for (group, columns) in self.indexes.into_iter().enumerate() {
            for (column, (column_index, pages)) in columns.into_iter().enumerate() {
                let mut offset_index = OffsetIndexBuilder::new();
                let ends = pages.iter().skip(1).map(|page| page.first_row_index);
                let rows = self.groups.get(group).map(RowGroupMetaData::num_rows);
                for (page, end) in pages.iter().zip(ends.chain(rows)) {
                    offset_index.append_row_count(end - page.first_row_index);
                    offset_index.append_offset_and_size(page.offset, page.compressed_page_size);
                }
                index.put_offset_index(offset_index.build(), group, column);
                if let Some(column_index) = column_index {
                    index.put_column_index(column_index, group, column);
                }
            }
        }
        let notes = vec![
            KeyValue::new(
                ARROW_SCHEMA_META_KEY.to_owned(),
                encode_arrow_schema(&self.arrow_schema),
            ),
            KeyValue::new(
                "longshore.version".to_owned(),
                env!("CARGO_PKG_VERSION").to_owned(),
            ),
        ];
        let file = FileMetaData::new(
            FORMAT_VERSION,
            i64::try_from(self.rows).unwrap_or(i64::MAX),
            Some(CREATED_BY.to_owned()),
            Some(notes),
            self.schema,
            None,
        );
        let metadata = ParquetMetaDataBuilder::new(file).set_row_groups(self.groups);
        let metadata = if has_index {
            metadata.set_page_index(Some(Arc::new(index.build())))
        } else {
            metadata
        };
        let metadata = metadata.build();
        ParquetMetaDataWriter::new_with_tracked(self.sink, &metadata)
            .finish()
            .map_err(failure)?;
        self.output.finish()?;
        Ok(self.rows)
    }
}

/// The Parquet schema of an Arrow schema.
fn descriptor(schema: &Schema) -> Result<SchemaDescPtr, Failure> {
    let converted = ArrowSchemaConverter::new().convert(schema).map_err(failure)?;
    let fields = converted.root_schema().get_fields().iter().zip(schema.fields());
    let fields: Vec<TypePtr> = fields
        .map(|(converted, field)| logical(converted, field))
        .collect::<Result<_, _>>()
        .map_err(failure)?;
    let root = Type::group_type_builder("table")
        .with_fields(fields)
        .build()
        .map_err(failure)?;
    Ok(Arc::new(SchemaDescriptor::new(Arc::new(root))))
}

/// The converted type, with the logical type that the converter does not know of.
fn logical(converted: &TypePtr, field: &Field) -> Result<TypePtr, ParquetError> {
    if field.metadata().get(uuid::EXTENSION.0).map(String::as_str) != Some(uuid::EXTENSION.1) {
        return Ok(Arc::clone(converted));
    }
    let uuid = Type::primitive_type_builder(field.name(), PhysicalType::FIXED_LEN_BYTE_ARRAY)
        .with_length(16)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::Uuid))
        .build()?;
    Ok(Arc::new(uuid))
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
