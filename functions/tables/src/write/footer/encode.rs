//! The structures of a footer as Thrift, by the fields' numbers in
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use parquet::{
    basic::BoundaryOrder,
    file::{
        metadata::{ColumnChunkMetaData, SortingColumn},
        page_index::offset_index::PageLocation,
        statistics::Statistics,
    },
};

use super::compact::{Fields, Kind, put_int};

/// `ColumnMetaData`, for a chunk whose offsets count from byte `at` of the file.
pub(super) fn put_column(column: &ColumnChunkMetaData, at: i64, into: &mut Vec<u8>) {
    let mut fields = Fields::new(into);
    fields.i32(1, column.column_type() as i32);
    let encodings: Vec<i64> = column.encodings().map(|encoding| encoding as i64).collect();
    let list = fields.list(2, Kind::I32, encodings.len());
    for encoding in encodings {
        put_int(encoding, list);
    }
    fields.binaries(3, column.column_path().parts());
    fields.i32(4, column.compression_codec() as i32);
    fields.i64(5, column.num_values());
    fields.i64(6, column.uncompressed_size());
    fields.i64(7, column.compressed_size());
    fields.i64(9, column.data_page_offset() + at);
    if let Some(offset) = column.dictionary_page_offset() {
        fields.i64(11, offset + at);
    }
    if let Some(statistics) = column.statistics() {
        put_statistics(statistics, fields.structure(12));
    }
    if let Some(pages) = column.page_encoding_stats() {
        let list = fields.list(13, Kind::Struct, pages.len());
        for page in pages {
            let mut fields = Fields::new(list);
            fields.i32(1, page.page_type as i32);
            fields.i32(2, page.encoding as i32);
            fields.i32(3, page.count);
            fields.end();
        }
    }
    let (text_bytes, repetitions, definitions) = (
        column.unencoded_byte_array_data_bytes(),
        column.repetition_level_histogram(),
        column.definition_level_histogram(),
    );
    if text_bytes.is_some() || repetitions.is_some() || definitions.is_some() {
        let mut sizes = fields.structure(16);
        if let Some(bytes) = text_bytes {
            sizes.i64(1, bytes);
        }
        if let Some(histogram) = repetitions {
            sizes.i64s(2, histogram.values());
        }
        if let Some(histogram) = definitions {
            sizes.i64s(3, histogram.values());
        }
        sizes.end();
    }
    fields.end();
}

/// `Statistics`.
fn put_statistics(statistics: &Statistics, mut fields: Fields<'_>) {
    let (least, greatest) = (statistics.min_bytes_opt(), statistics.max_bytes_opt());
    let count = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    if statistics.is_min_max_backwards_compatible() {
        // For readers of before there was an order that said what is less.
        if let Some(greatest) = greatest {
            fields.binary(1, greatest);
        }
        if let Some(least) = least {
            fields.binary(2, least);
        }
    }
    if let Some(count) = count(statistics.null_count_opt()) {
        fields.i64(3, count);
    }
    if let Some(count) = count(statistics.distinct_count_opt()) {
        fields.i64(4, count);
    }
    if let Some(greatest) = greatest {
        fields.binary(5, greatest);
    }
    if let Some(least) = least {
        fields.binary(6, least);
    }
    fields.bool(7, statistics.max_is_exact());
    fields.bool(8, statistics.min_is_exact());
    if let Some(count) = count(statistics.nan_count_opt()) {
        fields.i64(9, count);
    }
    fields.end();
}

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
