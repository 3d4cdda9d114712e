//! `table.parquet`: row groups that were encoded anywhere, one after the other, and the footer.
//!
//! Every column has a dictionary (`chunk`) or differences (`delta`) where that is shorter, and is zstd, in pages of some ten
//! thousand rows with statistics; the file ends with the index of all pages. A row group names the columns that its rows
//! are sorted by.

mod begun;
mod chunk;
mod delta;
mod footer;
mod hybrid;
mod nested;
mod physical;
pub mod proto;
mod sorted;
mod varint;

use std::{io::Write, sync::Arc};

use arrow_schema::{Field, Fields, Schema};
use parquet::{
    arrow::{ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema},
    basic::{LogicalType, Repetition, Type as PhysicalType},
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, KeyValue, SortingColumn},
        page_index::offset_index::PageLocation,
    },
    schema::types::{SchemaDescPtr, SchemaDescriptor, Type, TypePtr},
};
use shared::{Failure, OutputWriter, options::ParquetVersion};

pub(crate) use begun::{Begun, Part, PartMaker, Recipe, Wants};

use crate::{cells::Cells, types::uuid};
use chunk::ChunkWriter;
use footer::Footer;

const MAGIC: &[u8; 4] = b"PAR1";
/// The most columns a row group is said to be sorted by.
const MOST_SORTED: usize = 8;
/// So much is written at once.
const PIECE_BYTES: usize = 64 << 10;

/// A row group, encoded, and what the footer will say of it. Offsets count from its first byte.
#[derive(Debug)]
pub struct RowGroup {
    rows: i64,
    bytes: Vec<u8>,
    columns: Vec<ColumnChunkMetaData>,
    /// Of each column its `ColumnIndex`, encoded, and where its pages are.
    indexes: Vec<(Vec<u8>, Vec<PageLocation>)>,
    /// Empty, if it is not known to be sorted.
    sorted_by: Vec<SortingColumn>,
}

impl RowGroup {
    /// Where what is appended next will stand.
    fn end(&self) -> i64 {
        i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)
    }
}

/// Encodes row groups, on any thread.
pub struct RowGroupWriter {
    fields: Fields,
    schema: SchemaDescPtr,
    chunks: ChunkWriter,
}

impl RowGroupWriter {
    /// A writer for tables of this schema, in the encodings of this version.
    pub fn new(schema: &Schema, version: ParquetVersion) -> Result<Self, Failure> {
        Ok(Self {
            fields: schema.fields().clone(),
            schema: descriptor(schema)?,
            chunks: ChunkWriter::new(version)?,
        })
    }

    /// Begins a row group of so many rows, whose bytes are put into the buffer, which is empty. All columns are added in their order.
    #[must_use]
    pub fn begin(&self, rows: usize, buffer: Vec<u8>) -> RowGroup {
        RowGroup {
            rows: i64::try_from(rows).unwrap_or(i64::MAX),
            bytes: buffer,
            columns: Vec::with_capacity(self.schema.num_columns()),
            indexes: Vec::with_capacity(self.schema.num_columns()),
            sorted_by: Vec::new(),
        }
    }

    /// Encodes a column, the `index`th: its values are an array of its type, or a dictionary of it.
    pub fn add(&mut self, index: usize, cells: &Cells, group: &mut RowGroup) -> Result<(), Failure> {
        let Some(field) = self.fields.get(index) else {
            return Err(Failure::internal("parquet", format!("no column {index}")));
        };
        if field.data_type().is_nested() {
            let array = cells.to_array();
            let array = array.map_err(|error| Failure::internal("arrow", error.to_string()))?;
            return nested::append(field, &array, group);
        }
        let leaf = group.columns.len();
        let start = group.end();
        let chunk = self.chunks.write(cells, &mut group.bytes)?;
        group
            .columns
            .push(chunk.metadata(self.schema.column(leaf), start).map_err(failure)?);
        if let Some(descending) = chunk.descending
            && group.sorted_by.len() < MOST_SORTED
        {
            // Columns that are each in order are in order one within the other.
            group.sorted_by.push(SortingColumn {
                column_idx: i32::try_from(leaf).unwrap_or(i32::MAX),
                descending,
                nulls_first: false,
            });
        }
        let pages = chunk.pages.into_iter().map(|page| PageLocation {
            offset: page.offset + start,
            ..page
        });
        group.indexes.push((chunk.page_values, pages.collect()));
        Ok(())
    }
}

/// Writes one table.
pub struct TableWriter {
    output: Box<dyn OutputWriter>,
    /// How many bytes it has so far.
    at: u64,
    arrow_schema: Schema,
    footer: Footer,
    rows: u64,
}

impl TableWriter {
    /// Starts a table.
    pub fn new(output: Box<dyn OutputWriter>, schema: Schema) -> Result<Self, Failure> {
        let mut writer = Self {
            output,
            at: 0,
            footer: Footer::new(descriptor(&schema)?)?,
            arrow_schema: schema,
            rows: 0,
        };
        writer.write_all(MAGIC)?;
        Ok(writer)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.at += bytes.len() as u64;
        // In pieces that a buffer behind the output takes: the kernel copied megabytes that had left the cache at a fifth of the
        // speed.
        let mut pieces = bytes.chunks(PIECE_BYTES);
        pieces.try_for_each(|piece| {
            self.output
                .write_all(piece)
                .map_err(|error| Failure::from_write(&error))
        })
    }

    /// Appends a row group.
    pub fn append(&mut self, group: &RowGroup) -> Result<(), Failure> {
        if group.rows == 0 {
            return Ok(());
        }
        self.footer
            .add(group, i64::try_from(self.at).unwrap_or(i64::MAX))?;
        self.write_all(&group.bytes)?;
        self.rows += u64::try_from(group.rows).unwrap_or_default();
        Ok(())
    }

    /// Ends the table; gives its rows.
    pub fn finish(mut self) -> Result<u64, Failure> {
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
        self.footer.write(notes, self.at, &mut self.output)?;
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
