//! What a footer says of the chunks of a row group, packed until the file ends.
//!
//! Most of it is the same in every row group (a column's name, how its chunks are made) or follows from the rest (where a chunk
//! begins). What is left stands together by its kind, as zstd takes it best: how each chunk is made, their numbers, their least and
//! greatest values.

use parquet::{file::metadata::ColumnChunkMetaData, schema::types::SchemaDescriptor};

use super::{
    chunk::{Chunk, Make},
    compact::put_int,
};
use crate::write::varint;

/// The ways in which chunks were made so far.
#[derive(Default)]
pub(super) struct Packing {
    makes: Vec<Make>,
}

impl Packing {
    /// Packs the chunks of a row group of so many rows, which begins at byte `at` of the file; with their least and greatest values, or
    /// without.
    pub(super) fn pack(
        &mut self,
        columns: &[ColumnChunkMetaData],
        (rows, at): (i64, i64),
        with_range: bool,
        into: &mut Vec<u8>,
    ) {
        let (mut makes, mut numbers, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let mut end = 0;
        for column in columns {
            let chunk = Chunk::of(column, with_range);
            if chunk.sizes.is_some() {
                // Of nested columns all is kept as it will be written.
                varint::put(0, &mut makes);
                let mut whole = Vec::new();
                chunk.put(column.column_descr(), at, &mut whole);
                put_text(&whole, &mut texts);
                continue;
            }
            varint::put(self.number(&chunk.make) as u64 + 1, &mut makes);
            let start = chunk.dictionary_at.unwrap_or(chunk.data_at);
            let of_chunk = [
                start - end,
                chunk.data_at - start,
                chunk.values - rows,
                chunk.uncompressed_bytes - chunk.compressed_bytes,
                chunk.compressed_bytes,
                chunk.nulls,
            ];
            for number in of_chunk.iter().chain(&chunk.page_counts) {
                put_int(*number, &mut numbers);
            }
            let range = chunk.range.iter().flat_map(|(least, greatest)| [least, greatest]);
            range.for_each(|text| put_text(text, &mut texts));
            end = start + chunk.compressed_bytes;
        }
        varint::put(makes.len() as u64, into);
        varint::put(numbers.len() as u64, into);
        for bytes in [makes, numbers, texts] {
            into.extend_from_slice(&bytes);
        }
    }

    /// The number of a way to make chunks.
    fn number(&mut self, make: &Make) -> usize {
        let known = self.makes.iter().position(|known| known == make);
        known.unwrap_or_else(|| {
            self.makes.push(make.clone());
            self.makes.len() - 1
        })
    }

    /// Hands over each chunk's `ColumnMetaData`, as it stands in the footer.
    pub(super) fn unpack(
        &self,
        mut packed: &[u8],
        schema: &SchemaDescriptor,
        (rows, at): (i64, i64),
        mut take: impl FnMut(&[u8]),
    ) {
        let makes = varint::take(&mut packed);
        let numbers = varint::take(&mut packed);
        let (mut makes, rest) = split(packed, makes);
        let (mut numbers, mut texts) = split(rest, numbers);
        let mut bytes = Vec::new();
        let mut end = 0;
        for column in schema.columns() {
            let number = varint::take(&mut makes).checked_sub(1);
            let make = number.and_then(|number| self.makes.get(usize::try_from(number).ok()?));
            let Some(make) = make else {
                take(take_text(&mut texts));
                continue;
            };
            let mut number = || varint::unzigzag(varint::take(&mut numbers));
            let [from, data, more_values, more_bytes, compressed_bytes, nulls] = [(); 6].map(|()| number());
            let start = end + from;
            end = start + compressed_bytes;
            let chunk = Chunk {
                make: make.clone(),
                values: more_values + rows,
                uncompressed_bytes: more_bytes + compressed_bytes,
                compressed_bytes,
                data_at: start + data,
                dictionary_at: make.has_dictionary.then_some(start),
                nulls,
                page_counts: make.pages.iter().flatten().map(|_| number()).collect(),
                range: make.has_range().then(|| {
                    let least = take_text(&mut texts).to_vec();
                    (least, take_text(&mut texts).to_vec())
                }),
                sizes: None,
            };
            bytes.clear();
            chunk.put(column, at, &mut bytes);
            take(&bytes);
        }
    }
}

fn put_text(text: &[u8], into: &mut Vec<u8>) {
    varint::put(text.len() as u64, into);
    into.extend_from_slice(text);
}

fn take_text<'a>(from: &mut &'a [u8]) -> &'a [u8] {
    let length = varint::take(from);
    let (text, rest) = split(from, length);
    *from = rest;
    text
}

/// Never short of bytes: they were packed here.
fn split(bytes: &[u8], at: u64) -> (&[u8], &[u8]) {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, ListArray, StringArray, types::Int64Type};
    use arrow_schema::{Field, Schema};
    use shared::options::ParquetVersion;

    use super::*;
    use crate::write::{RowGroupWriter, descriptor};

    #[test]
    fn what_is_packed_is_written_as_it_was() {
        let lists = [Some(vec![Some(1), None]), None, Some(vec![])];
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(0..3)),
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)),
            Arc::new(StringArray::from(vec![Some("x"), None, Some("y")])),
            Arc::new(StringArray::new_null(3)),
        ];
        let field = |(name, array): (&str, &ArrayRef)| Field::new(name, array.data_type().clone(), true);
        let fields: Vec<Field> = ["a", "b", "c", "d"].into_iter().zip(&arrays).map(field).collect();
        let schema = Schema::new(fields);
        let mut writer = RowGroupWriter::new(&schema, ParquetVersion::V2).unwrap();
        let mut group = writer.begin(3, Vec::new());
        for (index, array) in arrays.into_iter().enumerate() {
            writer.add(index, &array.into(), &mut group).unwrap();
        }
        let place = (group.rows, 4_000_000_000);
        let lengths = [true, false].map(|with_range| {
            let expected = group.columns.iter().map(|column| {
                let mut bytes = Vec::new();
                Chunk::of(column, with_range).put(column.column_descr(), place.1, &mut bytes);
                bytes
            });
            let expected: Vec<Vec<u8>> = expected.collect();
            let (mut packing, mut packed, mut chunks) = (Packing::default(), Vec::new(), Vec::new());
            packing.pack(&group.columns, place, with_range, &mut packed);
            packing.unpack(&packed, &descriptor(&schema).unwrap(), place, |chunk| {
                chunks.push(chunk.to_vec());
            });
            assert_eq!(chunks, expected);
            expected.concat().len()
        });
        assert!(lengths[1] < lengths[0]);
    }
}
