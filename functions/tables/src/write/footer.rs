//! What follows the row groups of a Parquet file: the index of all pages, and the footer that says what stands where.
//!
//! All of it must be kept until the file ends, and it grows with the file: a row group is a slab, and each has a chunk a
//! column. So it is kept as the bytes it will be written as, packed: some 40 a chunk, where the Parquet crate's
//! structures take a thousand and more. The crate's own writer makes the frame, which is the schema and what is said of
//! the file as a whole.

mod compact;
mod encode;

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
use encode::{put_column, put_group, put_offsets};

const CREATED_BY: &str = concat!("longshore tables version ", env!("CARGO_PKG_VERSION"));
/// What the format is called since pages have indices.
const FORMAT_VERSION: i32 = 2;
/// In a table of more columns than this an index of each page is not written: it says little more than the statistics of
/// the chunk where a row group has few rows.
const MOST_INDEXED: usize = 512;
/// The zstd level of what is kept.
const LEVEL: i32 = 1;

/// What is known of the row groups so far.
pub(super) struct Footer {
    schema: SchemaDescPtr,
    groups: Vec<Group>,
    rows: i64,
    packer: zstd::bulk::Compressor<'static>,
    scratch: Sections,
}

/// What is kept of a row group.
struct Group {
    /// Its [`Sections`], packed.
    packed: Vec<u8>,
    unpacked_bytes: usize,
    /// Where the sections end.
    ends: [usize; 4],
}

/// What is written of a row group, each kind in a place of its own in the file.
#[derive(Default)]
struct Sections {
    bytes: Vec<u8>,
    ends: [usize; 4],
}

/// How long the parts of a chunk are, three numbers of 32 bits; each chunk's `ColumnMetaData`, and what follows them in `RowGroup`;
/// each chunk's `ColumnIndex`, if it has one; each one's `OffsetIndex`.
const LENGTHS: usize = 0;
const CHUNKS: usize = 1;
const VALUES: usize = 2;
const OFFSETS: usize = 3;

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

    /// The lengths of each chunk's parts.
    fn lengths(&self) -> impl ExactSizeIterator<Item = [usize; 3]> {
        let (chunks, _) = self.get(LENGTHS).as_chunks::<12>();
        chunks.iter().map(|chunk| {
            let (numbers, _) = chunk.as_chunks::<4>();
            let mut lengths = [0; 3];
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
            packer: zstd::bulk::Compressor::new(LEVEL).map_err(|error| broken(&error))?,
            scratch: Sections::default(),
        })
    }

    /// Takes note of the next row group, which stands at byte `at` of the file.
    pub(super) fn add(&mut self, group: &RowGroup, at: i64) -> Result<(), Failure> {
        let Sections { bytes, ends } = &mut self.scratch;
        bytes.clear();
        bytes.resize(group.columns.len() * 12, 0);
        let mut lengths = vec![[0_usize; 3]; group.columns.len()];
        ends[LENGTHS] = bytes.len();
        for (column, lengths) in group.columns.iter().zip(&mut lengths) {
            let before = bytes.len();
            put_column(column, at, bytes);
            lengths[0] = bytes.len() - before;
        }
        put_group((group.rows, at), &group.columns, &group.sorted_by, bytes);
        ends[CHUNKS] = bytes.len();
        if group.columns.len() <= MOST_INDEXED {
            for ((values, _), lengths) in group.indexes.iter().zip(&mut lengths) {
                bytes.extend_from_slice(values);
                lengths[1] = values.len();
            }
        }
        ends[VALUES] = bytes.len();
        if group.columns.len() <= MOST_INDEXED {
            for ((_, pages), lengths) in group.indexes.iter().zip(&mut lengths) {
                let before = bytes.len();
                put_offsets(pages, at, bytes);
                lengths[2] = bytes.len() - before;
            }
        }
        ends[OFFSETS] = bytes.len();
        let (to, _) = bytes.as_chunks_mut::<4>();
        for (to, length) in to.iter_mut().zip(lengths.as_flattened()) {
            *to = u32::try_from(*length).map_err(|_| too_large())?.to_le_bytes();
        }
        self.groups.push(Group {
            packed: self.packer.compress(bytes).map_err(|error| broken(&error))?,
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
            let mut chunks = sections.get(CHUNKS);
            Fields::new(&mut bytes).list(1, Kind::Struct, sections.lengths().len());
            for [chunk, values, offsets] in sections.lengths() {
                let (chunk, rest) = chunks.split_at_checked(chunk).unwrap_or_default();
                chunks = rest;
                let mut fields = Fields::new(&mut bytes);
                // Where a chunk's metadata stand apart from the footer: nowhere.
                fields.i64(2, 0);
                fields.encoded(3, chunk);
                if offsets > 0 {
                    fields.i64(4, at_offsets);
                    fields.i32(5, i32::try_from(offsets).map_err(|_| too_large())?);
                    at_offsets += signed(offsets)?;
                }
                if values > 0 {
                    fields.i64(6, at_values);
                    fields.i32(7, i32::try_from(values).map_err(|_| too_large())?);
                    at_values += signed(values)?;
                }
                fields.end();
            }
            bytes.extend_from_slice(chunks);
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
