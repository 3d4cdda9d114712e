//! Row groups of nested columns, structs and lists, which the Parquet crate's own writer encodes.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        page_index::offset_index::PageLocation,
        properties::{EnabledStatistics, WriterProperties},
    },
};
use shared::Failure;

use super::{RowGroup, chunk::LEVEL, failure};

/// Encodes the rows of a batch of any columns: a table of one row group in memory, of which the footer is left out.
pub fn encode(batch: &RecordBatch, schema: &SchemaRef) -> Result<RowGroup, Failure> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL).map_err(failure)?))
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Page)
        .build();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties)).map_err(failure)?;
    writer.write(batch).map_err(failure)?;
    let metadata = writer.finish().map_err(failure)?;
    let file = Bytes::from(std::mem::take(writer.inner_mut()));
    let group = metadata.row_groups().first();
    let columns = group.map_or(&[][..], RowGroupMetaData::columns);
    let start = columns.iter().map(first_byte).min().unwrap_or_default();
    let end = columns
        .iter()
        .map(|column| first_byte(column) + column.compressed_size())
        .max()
        .unwrap_or_default();
    let at = |offset: i64| usize::try_from(offset).unwrap_or_default();
    let bytes = file.get(at(start)..at(end)).unwrap_or_default().to_vec();
    let mut indexes = Vec::with_capacity(columns.len());
    let mut moved = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let pages = metadata
            .page_index()
            .and_then(|pages| pages.offset_index(0, index));
        let pages = pages.map_or(&[][..], |pages| pages.page_locations().as_slice());
        let pages = pages
            .iter()
            .map(|page| PageLocation {
                offset: page.offset - start,
                ..page.clone()
            })
            .collect();
        let column_index = metadata
            .page_index()
            .and_then(|pages| pages.column_index(0, index));
        indexes.push((column_index.cloned(), pages));
        let builder = column.clone().into_builder();
        let builder = builder.set_data_page_offset(column.data_page_offset() - start);
        let dictionary = column.dictionary_page_offset().map(|offset| offset - start);
        moved.push(
            builder
                .set_dictionary_page_offset(dictionary)
                .build()
                .map_err(failure)?,
        );
    }
    Ok(RowGroup {
        rows: i64::try_from(batch.num_rows()).unwrap_or(i64::MAX),
        parts: vec![bytes],
        columns: moved,
        indexes,
        sorted_by: None,
    })
}

fn first_byte(column: &ColumnChunkMetaData) -> i64 {
    column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset())
}
