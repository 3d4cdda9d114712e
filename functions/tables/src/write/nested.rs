//! Columns of structs and lists, which the Parquet crate's own writer encodes.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray, cast::AsArray};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema};
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

/// Appends a column of any type to a row group, one leaf after the other.
pub(super) fn append(field: &FieldRef, array: &ArrayRef, group: &mut RowGroup) -> Result<(), Failure> {
    for_each_leaf(field, array, &mut |field, array| append_leaf(field, array, group))
}

/// Hands over a column's leaves, each within what it is in, as a column of its own: the crate's writer takes some 200 kB a
/// leaf, and there may be thousands.
fn for_each_leaf(
    field: &FieldRef,
    array: &ArrayRef,
    take: &mut dyn FnMut(FieldRef, ArrayRef) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let broken = |error: ArrowError| Failure::internal("arrow", error.to_string());
    let within = |kind| Arc::new(Field::clone(field).with_data_type(kind));
    match field.data_type() {
        DataType::Struct(members) => {
            let outer = array.as_struct();
            for (member, array) in members.iter().zip(outer.columns()) {
                for_each_leaf(member, array, &mut |leaf, array| {
                    let fields = Fields::from(vec![leaf]);
                    let inner = StructArray::try_new(fields.clone(), vec![array], outer.nulls().cloned());
                    take(within(DataType::Struct(fields)), Arc::new(inner.map_err(broken)?))
                })?;
            }
            Ok(())
        }
        DataType::List(item) => {
            let outer = array.as_list::<i32>();
            for_each_leaf(item, outer.values(), &mut |leaf, array| {
                let (offsets, nulls) = (outer.offsets().clone(), outer.nulls().cloned());
                let inner = ListArray::try_new(Arc::clone(&leaf), offsets, array, nulls);
                take(within(DataType::List(leaf)), Arc::new(inner.map_err(broken)?))
            })
        }
        _ => take(Arc::clone(field), Arc::clone(array)),
    }
}

/// Appends a column of one leaf: a table of it alone is written in memory, and its footer left out.
fn append_leaf(field: FieldRef, array: ArrayRef, group: &mut RowGroup) -> Result<(), Failure> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL).map_err(failure)?))
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Page)
        .build();
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]);
    let batch = batch.map_err(|error| Failure::internal("arrow", error.to_string()))?;
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map_err(failure)?;
    writer.write(&batch).map_err(failure)?;
    let metadata = writer.finish().map_err(failure)?;
    let file = Bytes::from(std::mem::take(writer.inner_mut()));
    let columns = metadata.row_groups().first();
    let columns = columns.map_or(&[][..], RowGroupMetaData::columns);
    let start = columns.iter().map(first_byte).min().unwrap_or_default();
    let end = columns
        .iter()
        .map(|column| first_byte(column) + column.compressed_size())
        .max()
        .unwrap_or_default();
    let place = |offset: i64| usize::try_from(offset).unwrap_or_default();
    let bytes = file.get(place(start)..place(end)).unwrap_or_default();
    // Where a byte of that file stands in the row group.
    let group_end = group.end();
    let at = |offset: i64| offset - start + group_end;
    for (index, column) in columns.iter().enumerate() {
        let pages = metadata
            .page_index()
            .and_then(|pages| pages.offset_index(0, index));
        let pages = pages.map_or(&[][..], |pages| pages.page_locations().as_slice());
        let pages = pages.iter().map(|page| PageLocation {
            offset: at(page.offset),
            ..page.clone()
        });
        let values = column.column_index_range().unwrap_or_default();
        let place = |offset: u64| usize::try_from(offset).unwrap_or_default();
        let values = file.get(place(values.start)..place(values.end));
        group
            .indexes
            .push((values.unwrap_or_default().to_vec(), pages.collect()));
        let moved = column
            .clone()
            .into_builder()
            .set_data_page_offset(at(column.data_page_offset()))
            .set_dictionary_page_offset(column.dictionary_page_offset().map(at));
        group.columns.push(moved.build().map_err(failure)?);
    }
    group.bytes.extend_from_slice(bytes);
    Ok(())
}

fn first_byte(column: &ColumnChunkMetaData) -> i64 {
    column
        .dictionary_page_offset()
        .unwrap_or_else(|| column.data_page_offset())
}
