//! What follows the row groups of a Parquet file: the index of all pages, and the footer that says what stands where.
//!
//! All of it must be kept until the file ends, and it grows with the file: a row group is a slab, and each has a chunk a
//! column. So it is kept packed: some three bytes a chunk, and its least and greatest value until these are many, where the
//! Parquet crate's structures take a thousand and more. The crate's own writer makes the frame, which is the schema and what
//! is said of the file as a whole.

mod chunk;
mod compact;
mod encode;
mod packed;

use std::{io::Write, sync::Arc};

use parquet::{
    errors::ParquetError,
    file::metadata::{
        FileMetaData, KeyValue, ParquetMetaDataBuilder, ParquetMetaDataWriter, RowGroupMetaData,
    },
    schema::types::{SchemaDescPtr, SchemaDescriptor, Type},
};
use shared::Failure;

use super::{MAGIC, RowGroup, failure};
use compact::{Fields, Kind};
pub(super) use encode::PageValues;
use encode::{put_group, put_offsets};
use packed::Packing;

const CREATED_BY: &str = concat!("longshore tables version ", env!("CARGO_PKG_VERSION"));
/// What the format is called since pages have indices.
const FORMAT_VERSION: i32 = 2;
/// In a table of more columns than this an index of each page is not written: it says little more than the statistics of
/// the chunk where a row group has few rows.
const MOST_INDEXED: usize = 512;
/// When so much is kept, the row groups that follow have no index and no least and greatest values, which are most of it. A table of
/// 4,000 columns of text came there at 2 GB.
const MOST_WITH_RANGES_BYTES: usize = 24 << 20;
/// The zstd level of what is kept.
const LEVEL: i32 = 1;

/// What is known of the row groups so far.
pub(super) struct Footer {
    schema: SchemaDescPtr,
    groups: Vec<Group>,
    rows: i64,
    /// What all groups take.
    kept_bytes: usize,
    packing: Packing,
    packer: zstd::bulk::Compressor<'static>,
    scratch: Sections,
}

/// What is kept of a row group.
struct Group {
    rows: i64,
    at: i64,
    /// Its [`Sections`], packed.
    packed: Box<[u8]>,
    unpacked_bytes: usize,
    /// Where the sections end.
    ends: [usize; 5],
}

/// What is written of a row group, each kind in a place of its own in the file.
#[derive(Default)]
struct Sections {
    bytes: Vec<u8>,
    ends: [usize; 5],
}

/// How long each chunk's index is, two numbers of 32 bits; the chunks, packed, and what follows them in `RowGroup`; each chunk's
/// `ColumnIndex`, if it has one; each one's `OffsetIndex`.
const LENGTHS: usize = 0;
const CHUNKS: usize = 1;
const REST: usize = 2;
const VALUES: usize = 3;
const OFFSETS: usize = 4;

impl Sections {
    fn get(&self, section: usize) -> &[u8] {
        let start = section
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied());
        let end = self.ends.get(section).copied();
        start
            .zip(end)
            .and_then(|(start, end)| self.bytes.get(start..end))
            .unwrap_or_default()
    }

    /// The lengths of each chunk's index; none where there is no index.
    fn lengths(&self) -> impl Iterator<Item = [usize; 2]> {
        let (chunks, _) = self.get(LENGTHS).as_chunks::<8>();
        chunks.iter().map(|chunk| {
            let (numbers, _) = chunk.as_chunks::<4>();
            let mut lengths = [0; 2];
            for (to, number) in lengths.iter_mut().zip(numbers) {
                *to = u32::from_le_bytes(*number) as usize;
            }
            lengths
        })
    }
}

impl Footer {
    pub(super) fn new(schema: SchemaDescPtr) -> Result<Self, Failure> {
        Ok(Self {
            schema,
            groups: Vec::new(),
            rows: 0,
            kept_bytes: 0,
            packing: Packing::default(),
            packer: zstd::bulk::Compressor::new(LEVEL).map_err(|error| broken(&error))?,
            scratch: Sections::default(),
        })
    }

    /// Takes note of the next row group, which stands at byte `at` of the file.
    pub(super) fn add(&mut self, group: &RowGroup, at: i64) -> Result<(), Failure> {
        let Sections { bytes, ends } = &mut self.scratch;
        let with_range = self.kept_bytes < MOST_WITH_RANGES_BYTES;
        let indexes = match group.indexes.as_slice() {
            indexes if with_range && indexes.len() <= MOST_INDEXED => indexes,
            _ => &[],
        };
        bytes.clear();
        bytes.resize(indexes.len() * 8, 0);
        ends[LENGTHS] = bytes.len();
        self.packing
            .pack(&group.columns, (group.rows, at), with_range, bytes);
        ends[CHUNKS] = bytes.len();
        put_group((group.rows, at), &group.columns, &group.sorted_by, bytes);
        ends[REST] = bytes.len();
        for (values, _) in indexes {
            bytes.extend_from_slice(values);
        }
        ends[VALUES] = bytes.len();
        let mut lengths = Vec::with_capacity(indexes.len());
        for (values, pages) in indexes {
            let before = bytes.len();
            put_offsets(pages, at, bytes);
            lengths.push([values.len(), bytes.len() - before]);
        }
        ends[OFFSETS] = bytes.len();
        let (to, _) = bytes.as_chunks_mut::<4>();
        for (to, length) in to.iter_mut().zip(lengths.as_flattened()) {
            *to = u32::try_from(*length).map_err(|_| too_large())?.to_le_bytes();
        }
        // A copy, which has no room to spare.
        let packed = self.packer.compress(bytes).map_err(|error| broken(&error))?;
        let packed: Box<[u8]> = packed.as_slice().into();
        self.kept_bytes += packed.len();
        self.groups.push(Group {
            rows: group.rows,
            at,
            packed,
            unpacked_bytes: bytes.len(),
            ends: *ends,
        });
        self.rows += group.rows;
        Ok(())
    }

    /// Writes it all: the file has `at` bytes so far, and ends with this. `notes` are kept in the file.
    pub(super) fn write(self, notes: Vec<KeyValue>, at: u64, sink: &mut impl Write) -> Result<(), Failure> {
        let frame = Frame::new(&self.schema, notes).map_err(failure)?;
        let mut unpacker = zstd::bulk::Decompressor::new().map_err(|error| broken(&error))?;
        let mut unpack = |group: &Group| {
            let bytes = unpacker.decompress(&group.packed, group.unpacked_bytes);
            let ends = group.ends;
            bytes
                .map(|bytes| Sections { bytes, ends })
                .map_err(|error| broken(&error))
        };
        let mut put = |bytes: &[u8]| sink.write_all(bytes).map_err(|error| Failure::from_write(&error));
        let mut at_values = i64::try_from(at).map_err(|_| too_large())?;
        let mut at_offsets = at_values;
        for group in &self.groups {
            let sections = unpack(group)?;
            put(sections.get(VALUES))?;
            at_offsets += signed(sections.get(VALUES).len())?;
        }
        for group in &self.groups {
            put(unpack(group)?.get(OFFSETS))?;
        }
        let mut bytes = frame.before;
        let mut fields = Fields::after(&mut bytes, 2);
        fields.i64(3, self.rows);
        fields.list(4, Kind::Struct, self.groups.len());
        let mut length = 0;
        for group in &self.groups {
            let sections = unpack(group)?;
            let mut lengths = sections.lengths();
            Fields::new(&mut bytes).list(1, Kind::Struct, self.schema.num_columns());
            let group_of = (group.rows, group.at);
            let mut too_long = false;
            self.packing
                .unpack(sections.get(CHUNKS), &self.schema, group_of, |chunk| {
                    let mut fields = Fields::new(&mut bytes);
                    // Where a chunk's metadata stand apart from the footer: nowhere.
                    fields.i64(2, 0);
                    fields.encoded(3, chunk);
                    let [values, offsets] = lengths.next().unwrap_or_default();
                    for (field, at, length) in [(4, &mut at_offsets, offsets), (6, &mut at_values, values)] {
                        let Ok(bytes) = i32::try_from(length) else {
                            too_long = true;
                            continue;
                        };
                        if bytes > 0 {
                            fields.i64(field, *at);
                            fields.i32(field + 1, bytes);
                            *at += i64::from(bytes);
                        }
                    }
                    fields.end();
                });
            if too_long {
                return Err(too_large());
            }
            bytes.extend_from_slice(sections.get(REST));
            put(&bytes)?;
            length += bytes.len();
            bytes.clear();
        }
        bytes.extend_from_slice(&frame.after);
        length += bytes.len();
        bytes.extend_from_slice(&u32::try_from(length).map_err(|_| too_large())?.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        put(&bytes)
    }
}

/// A file's `FileMetaData` but for its rows and row groups.
struct Frame {
    /// What comes before them: the version and the schema.
    before: Vec<u8>,
    /// What follows.
    after: Vec<u8>,
}

impl Frame {
    fn new(schema: &SchemaDescPtr, notes: Vec<KeyValue>) -> Result<Self, ParquetError> {
        let created_by = Some(CREATED_BY.to_owned());
        let file = FileMetaData::new(
            FORMAT_VERSION,
            0,
            created_by,
            Some(notes),
            Arc::clone(schema),
            None,
        );
        let encode = |groups| {
            let metadata = ParquetMetaDataBuilder::new(file.clone())
                .set_row_groups(groups)
                .build();
            let mut bytes = Vec::new();
            ParquetMetaDataWriter::new(&mut bytes, &metadata).finish()?;
            // The length and the magic bytes.
            bytes.truncate(bytes.len().saturating_sub(8));
            Ok::<_, ParquetError>(bytes)
        };
        // A group without columns or rows shows where the groups stand: there the two begin to differ.
        let nothing = Type::group_type_builder("nothing").build()?;
        let nothing = Arc::new(SchemaDescriptor::new(Arc::new(nothing)));
        let group = RowGroupMetaData::builder(nothing).set_num_rows(0).build()?;
        let (mut none, one) = (encode(Vec::new())?, encode(vec![group])?);
        let differ = none.iter().zip(&one).position(|(none, one)| none != one);
        // No rows, as field 3, and no groups, as field 4.
        let between = [0x16, 0, 0x19, 0x0C];
        let start = differ.and_then(|at| (at + 1).checked_sub(between.len()));
        match start {
            Some(start) if none.get(start..start + between.len()) == Some(&between) => {
                let after = none.split_off(start + between.len());
                none.truncate(start);
                Ok(Self { before: none, after })
            }
            _ => Err(ParquetError::General(
                "a footer is written in another way".to_owned(),
            )),
        }
    }
}

fn signed(length: usize) -> Result<i64, Failure> {
    i64::try_from(length).map_err(|_| too_large())
}

fn too_large() -> Failure {
    Failure::internal("parquet", "a footer is too large")
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::internal("zstd", error.to_string())
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Int64Array};
    use arrow_schema::{DataType, Field, Schema};
    use bytes::Bytes;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use shared::options::ParquetVersion;

    use super::*;
    use crate::write::{RowGroupWriter, descriptor};

    #[test]
    fn where_much_is_kept_row_groups_have_no_ranges_and_read_all_the_same() {
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let mut writer = RowGroupWriter::new(&schema, ParquetVersion::V2).unwrap();
        let mut footer = Footer::new(descriptor(&schema).unwrap()).unwrap();
        let mut file = MAGIC.to_vec();
        for kept_bytes in [0, MOST_WITH_RANGES_BYTES] {
            let array: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
            let mut group = writer.begin(3, Vec::new());
            writer.add(0, &array.into(), &mut group).unwrap();
            footer.kept_bytes = kept_bytes;
            footer.add(&group, i64::try_from(file.len()).unwrap()).unwrap();
            file.extend_from_slice(&group.bytes);
        }
        let at = file.len() as u64;
        footer.write(Vec::new(), at, &mut file).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
        let statistics = reader.metadata().row_groups().iter().map(|group| {
            let statistics = group.column(0).statistics().unwrap();
            let index = group.column(0).column_index_length();
            (
                statistics.min_bytes_opt().is_some(),
                statistics.null_count_opt(),
                index.is_some(),
            )
        });
        let statistics: Vec<_> = statistics.collect();
        assert_eq!(statistics, [(true, Some(1), true), (false, Some(1), false)]);
        let rows: usize = reader
            .build()
            .unwrap()
            .map(|batch| batch.unwrap().num_rows())
            .sum();
        assert_eq!(rows, 6);
    }
}
