//! The structures of a footer as Thrift, by the fields' numbers in
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use parquet::{
    basic::BoundaryOrder,
    file::{
        metadata::{ColumnChunkMetaData, SortingColumn},
        page_index::offset_index::PageLocation,
    },
};

use super::compact::{Fields, Kind};

/// What follows the columns of a `RowGroup`: the rest of it.
pub(super) fn put_group(
    (rows, at): (i64, i64),
    columns: &[ColumnChunkMetaData],
    sorted_by: &[SortingColumn],
    into: &mut Vec<u8>,
) {
    let mut fields = Fields::after(into, 1);
    fields.i64(
        2,
        columns.iter().map(ColumnChunkMetaData::uncompressed_size).sum(),
    );
    fields.i64(3, rows);
    if !sorted_by.is_empty() {
        let list = fields.list(4, Kind::Struct, sorted_by.len());
        for column in sorted_by {
            let mut fields = Fields::new(list);
            fields.i32(1, column.column_idx);
            fields.bool(2, column.descending);
            fields.bool(3, column.nulls_first);
            fields.end();
        }
    }
    fields.i64(5, at);
    fields.i64(6, columns.iter().map(ColumnChunkMetaData::compressed_size).sum());
    fields.end();
}

/// What a `ColumnIndex` says of a chunk's pages, of each in turn.
#[derive(Default)]
pub(in crate::write) struct PageValues {
    is_null: Vec<bool>,
    least: Vec<Vec<u8>>,
    greatest: Vec<Vec<u8>>,
    nulls: Vec<i64>,
}

impl PageValues {
    /// Appends a page: its least and greatest value, plain, if it has values, and how many nulls.
    pub(in crate::write) fn push(&mut self, range: Option<(Vec<u8>, Vec<u8>)>, nulls: i64) {
        self.is_null.push(range.is_none());
        let (least, greatest) = range.unwrap_or_default();
        self.least.push(least);
        self.greatest.push(greatest);
        self.nulls.push(nulls);
    }

    /// As `ColumnIndex`. Of floats it says how many are no numbers, which is none.
    pub(in crate::write) fn encode(&self, order: BoundaryOrder, are_floats: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut fields = Fields::new(&mut bytes);
        fields.bools(1, &self.is_null);
        fields.binaries(2, &self.least);
        fields.binaries(3, &self.greatest);
        fields.i32(4, order as i32);
        fields.i64s(5, &self.nulls);
        if are_floats {
            fields.i64s(8, &vec![0; self.nulls.len()]);
        }
        fields.end();
        bytes
    }
}

/// `OffsetIndex`, for pages whose offsets count from byte `at` of the file.
pub(super) fn put_offsets(pages: &[PageLocation], at: i64, into: &mut Vec<u8>) {
    let mut fields = Fields::new(into);
    let list = fields.list(1, Kind::Struct, pages.len());
    for page in pages {
        let mut fields = Fields::new(list);
        fields.i64(1, page.offset + at);
        fields.i32(2, page.compressed_page_size);
        fields.i64(3, page.first_row_index);
        fields.end();
    }
    fields.end();
}
