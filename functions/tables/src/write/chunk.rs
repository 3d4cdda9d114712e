//! A column of a row group as Parquet bytes: pages, compressed, with statistics and an index.
//!
//! The columns come with their dictionaries: what remains is to pack the codes. Writers that are handed values must hash
//! each of them again, which costs more than all that is done here. A dictionary is in order, so the least and
//! the greatest value of a page are its least and greatest code.

use std::ops::Range;

use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
        UInt16Type, UInt64Type,
    },
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::{
    basic::{Compression, Encoding, PageType, ZstdLevel},
    column::page::{CompressedPage, Page, PageWriteSpec, PageWriter},
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats},
        page_index::offset_index::PageLocation,
        statistics::Statistics,
        writer::{SerializedPageWriter, TrackedWrite},
    },
    schema::types::ColumnDescPtr,
};
use shared::{Failure, options::ParquetVersion};

use super::{
    failure,
    footer::PageValues,
    hybrid::{put_codes, put_levels, put_places, width_of},
    physical::{Bool, Double, Fixed, Int32, Int64, Physical, Text, UInt64, Wide},
    sorted::{Order, wider},
};
use crate::{cells::Cells, types::NARROW_DIGITS};

/// The zstd level: the fastest; the next ones cost half as much again and save a fiftieth. Measured on flights.
pub(crate) const LEVEL: i32 = 1;
/// The most rows of a page, a multiple of eight: few enough to skip by.
const PAGE_ROWS: usize = 1 << 15;
/// And about how many bytes: what readers take for a page.
const PAGE_BYTES: usize = 1 << 20;
/// A page of rows that hardly have a value takes the place of so many at most.
const MOST_PAGES: usize = 16;

/// A column of a row group; all offsets count from its first byte.
#[derive(Debug)]
pub(crate) struct Chunk {
    compressed_bytes: i64,
    /// Whether its values stand in order, ascending or (`Some(true)`) descending, no null among them and not all equal.
    pub(crate) descending: Option<bool>,
    /// Its `ColumnIndex`, encoded.
    pub(crate) page_values: Vec<u8>,
    pub(crate) pages: Vec<PageLocation>,
    uncompressed_bytes: i64,
    dictionary: bool,
    /// How many pages of values there are of each encoding.
    encodings: Vec<(Encoding, i32)>,
    data_offset: i64,
    rows: i64,
    statistics: Statistics,
}

impl Chunk {
    /// What the footer says of it when it stands at byte `at` of the file.
    pub(crate) fn metadata(
        &self,
        column: ColumnDescPtr,
        at: i64,
    ) -> Result<ColumnChunkMetaData, ParquetError> {
        // Levels are run lengths, and so are the codes of a dictionary, whose values are plain.
        let mut encodings = vec![Encoding::RLE];
        let mut page_stats = Vec::new();
        if self.dictionary {
            encodings.push(Encoding::PLAIN);
            page_stats.push(PageEncodingStats {
                page_type: PageType::DICTIONARY_PAGE,
                encoding: Encoding::PLAIN,
                count: 1,
            });
        }
        for (encoding, count) in &self.encodings {
            encodings.push(*encoding);
            page_stats.push(PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: *encoding,
                count: *count,
            });
        }
        ColumnChunkMetaData::builder(column)
            .set_encodings(encodings)
            .set_page_encoding_stats(page_stats)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_num_values(self.rows)
            .set_total_compressed_size(self.compressed_bytes)
            .set_total_uncompressed_size(self.uncompressed_bytes)
            .set_data_page_offset(at + self.data_offset)
            .set_dictionary_page_offset(self.dictionary.then_some(at))
            .set_statistics(self.statistics.clone())
            .build()
    }
}

/// Which rows have a value.
#[derive(Clone, Copy)]
enum Present<'a> {
    All,
    /// Each has one, but those of these do not count.
    Unless(&'a NullBuffer),
    /// Those at these places, ascending, of so many.
    At(&'a [u32], usize),
}

impl Present<'_> {
    /// How many rows there are, of so many values.
    fn rows(self, values: usize) -> usize {
        match self {
            Self::At(_, rows) => rows,
            Self::All | Self::Unless(_) => values,
        }
    }

    /// The most rows of a page, a multiple of eight: more where most of so many values are not there.
    fn page_rows(self, values: usize) -> usize {
        PAGE_ROWS * (self.rows(values) / values.max(1)).clamp(1, MOST_PAGES)
    }

    /// How many have none.
    fn nulls(self) -> usize {
        match self {
            Self::All => 0,
            Self::Unless(nulls) => nulls.null_count(),
            Self::At(places, rows) => rows - places.len(),
        }
    }

    /// Which values are those of a page's rows.
    fn stored(self, page: &Range<usize>) -> Range<usize> {
        match self {
            Self::At(places, _) => {
                let before = |row: usize| places.partition_point(|place| (*place as usize) < row);
                before(page.start)..before(page.end)
            }
            Self::All | Self::Unless(_) => page.clone(),
        }
    }
}

/// What a page was filled with.
struct Filled {
    /// How its values are encoded.
    encoding: Encoding,
    /// The places of the least and the greatest.
    range: Option<(usize, usize)>,
    nulls: usize,
}

/// Makes chunks, and keeps what one leaves for the next: a compressor's tables, and buffers.
pub(crate) struct ChunkWriter {
    compressor: zstd::bulk::Compressor<'static>,
    version: ParquetVersion,
    page: Vec<u8>,
    codes: Vec<u16>,
}

impl ChunkWriter {
    /// Makes chunks of the encodings of this version.
    pub(crate) fn new(version: ParquetVersion) -> Result<Self, Failure> {
        let compressor = zstd::bulk::Compressor::new(LEVEL)
            .map_err(|error| Failure::internal("zstd", error.to_string()))?;
        Ok(Self {
            compressor,
            version,
            page: Vec::new(),
            codes: Vec::new(),
        })
    }

    /// Appends the chunk of a column to a row group's bytes: its values are of one of the types of [`crate::types::ColumnType`], or a
    /// dictionary of one, in order.
    pub(crate) fn write(&mut self, cells: &Cells, into: &mut Vec<u8>) -> Result<Chunk, Failure> {
        let array = &cells.values;
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let present = match (&cells.places, nulls) {
            (Some(places), _) => Present::At(places, cells.rows),
            (None, Some(nulls)) => Present::Unless(nulls),
            (None, None) => Present::All,
        };
        if let Some(array) = array.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() {
            self.write_values(array.values(), Some(array.keys().values()), present, into)
        } else {
            self.write_values(array, None, present, into)
        }
        .map_err(failure)
    }

    fn write_values(
        &mut self,
        values: &ArrayRef,
        codes: Option<&[u16]>,
        present: Present<'_>,
        into: &mut Vec<u8>,
    ) -> Result<Chunk, ParquetError> {
        match values.data_type() {
            DataType::Boolean => {
                let booleans = values.as_boolean();
                let Some(codes) = codes else {
                    return self.encode(&Bool(booleans), None, present, into);
                };
                // Arrow's C++ reader takes no dictionary of booleans, and a bit each is shorter anyway.
                let truth = |row: usize| {
                    let code = codes.get(row).copied().map(usize::from);
                    code.is_some_and(|code| code < booleans.len() && booleans.value(code))
                };
                let plain = BooleanArray::new(BooleanBuffer::collect_bool(codes.len(), truth), None);
                self.encode(&Bool(&plain), None, present, into)
            }
            DataType::Int64 => self.encode(
                &Int64(values.as_primitive::<Int64Type>().values()),
                codes,
                present,
                into,
            ),
            DataType::UInt64 => self.encode(
                &UInt64(values.as_primitive::<UInt64Type>().values()),
                codes,
                present,
                into,
            ),
            DataType::Float64 => self.encode(
                &Double(values.as_primitive::<Float64Type>().values()),
                codes,
                present,
                into,
            ),
            DataType::Date32 => self.encode(
                &Int32(values.as_primitive::<Date32Type>().values()),
                codes,
                present,
                into,
            ),
            DataType::Time64(TimeUnit::Microsecond) => self.encode(
                &Int64(values.as_primitive::<Time64MicrosecondType>().values()),
                codes,
                present,
                into,
            ),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.encode(
                &Int64(values.as_primitive::<TimestampMicrosecondType>().values()),
                codes,
                present,
                into,
            ),
            DataType::Decimal128(precision, _) => {
                let wide = values.as_primitive::<Decimal128Type>().values();
                if *precision > NARROW_DIGITS {
                    return self.encode(&Wide(wide), codes, present, into);
                }
                #[expect(clippy::cast_possible_truncation, reason = "18 digits")]
                let narrow: Vec<i64> = wide.iter().map(|value| *value as i64).collect();
                self.encode(&Int64(&narrow), codes, present, into)
            }
            DataType::FixedSizeBinary(16) => {
                self.encode(&Fixed(values.as_fixed_size_binary()), codes, present, into)
            }
            DataType::Utf8 => self.encode(&Text(values.as_string::<i32>()), codes, present, into),
            other => Err(ParquetError::NYI(format!("a column of {other}"))),
        }
    }

    fn encode<P: Physical>(
        &mut self,
        values: &P,
        codes: Option<&[u16]>,
        present: Present<'_>,
        into: &mut Vec<u8>,
    ) -> Result<Chunk, ParquetError> {
        let stored = codes.map_or(values.len(), <[u16]>::len);
        let rows = present.rows(stored);
        let nulls = present.nulls();
        let mut sink = TrackedWrite::new(into);
        let mut uncompressed = 0;
        let mut page_rows = present.page_rows(stored);
        if codes.is_some() {
            self.page.clear();
            values.put_range(0..values.len(), |_| true, &mut self.page);
            let page = Page::DictionaryPage {
                buf: self.compress()?,
                num_values: u32::try_from(values.len()).unwrap_or(u32::MAX),
                encoding: Encoding::PLAIN,
                is_sorted: true,
            };
            uncompressed += self.write_page(page, &mut sink)?.uncompressed_size;
        } else if P::TYPE == parquet::basic::Type::BYTE_ARRAY {
            page_rows = self.rows_of_page(values, rows, page_rows);
        }
        let data_offset = sink.bytes_written();
        let width = width_of(values.len());
        let mut page_values = PageValues::default();
        let mut offset_index = OffsetIndexBuilder::new();
        let mut encodings: Vec<(Encoding, i32)> = Vec::new();
        let mut whole: Option<(usize, usize)> = None;
        let mut order = Order::default();
        let mut from = 0;
        while from < rows {
            let page = from..rows.min(from + page_rows);
            from = page.end;
            let Filled {
                encoding,
                range,
                nulls,
            } = self.fill(values, codes, &page, present, width);
            let spec = {
                let page = Page::DataPage {
                    buf: self.compress()?,
                    num_values: u32::try_from(page.len()).unwrap_or(u32::MAX),
                    encoding,
                    def_level_encoding: Encoding::RLE,
                    rep_level_encoding: Encoding::RLE,
                    statistics: None,
                };
                self.write_page(page, &mut sink)?
            };
            uncompressed += spec.uncompressed_size;
            match encodings.iter_mut().find(|(known, _)| *known == encoding) {
                Some((_, count)) => *count += 1,
                None => encodings.push((encoding, 1)),
            }
            let extremes = range.map(|(least, greatest)| (values.least(least), values.greatest(greatest)));
            page_values.push(extremes, signed(nulls));
            offset_index.append_row_count(signed(page.len()));
            let bytes = i32::try_from(spec.bytes_written).unwrap_or(i32::MAX);
            offset_index.append_offset_and_size(i64::try_from(spec.offset).unwrap_or(i64::MAX), bytes);
            if let Some(range) = range {
                order.add(values, range);
                whole = Some(whole.map_or(range, |whole| wider(values, whole, range)));
            }
        }
        let compressed_bytes = signed(sink.bytes_written());
        // It keeps the last bytes back.
        sink.into_inner()?;
        let descending = if nulls > 0 {
            None
        } else {
            order.sorted(values, codes, whole)
        };
        Ok(Chunk {
            compressed_bytes,
            descending,
            page_values: page_values.encode(order.boundary(), P::COUNTS_NAN),
            pages: offset_index.build().page_locations,
            uncompressed_bytes: signed(uncompressed),
            dictionary: codes.is_some(),
            encodings,
            data_offset: signed(data_offset),
            rows: signed(rows),
            statistics: values.statistics(whole, nulls as u64),
        })
    }

    /// Fills the page's buffer with its levels and values.
    fn fill<P: Physical>(
        &mut self,
        values: &P,
        codes: Option<&[u16]>,
        page: &Range<usize>,
        present: Present<'_>,
        width: u32,
    ) -> Filled {
        self.page.clear();
        self.page.extend_from_slice(&[0; 4]);
        let valid = match present {
            Present::Unless(nulls) => Some(nulls.slice(page.start, page.len())),
            Present::All | Present::At(..) => None,
        };
        let valid = valid.filter(|valid| valid.null_count() > 0);
        let stored = present.stored(page);
        if let Present::At(places, _) = present {
            let places = places.get(stored.clone()).unwrap_or_default();
            put_places(places, page.start, page.len(), &mut self.page);
        } else {
            let bitmap = valid.as_ref().map(|valid| valid.inner().sliced());
            let bitmap = bitmap.as_ref().map(arrow_buffer::Buffer::as_slice);
            put_levels(bitmap, page.len(), &mut self.page);
        }
        let length = u32::try_from(self.page.len() - 4)
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        if let Some(to) = self.page.get_mut(..4) {
            to.copy_from_slice(&length);
        }
        let nulls = page.len() - stored.len() + valid.as_ref().map_or(0, NullBuffer::null_count);
        let filled = |(encoding, range)| Filled {
            encoding,
            range,
            nulls,
        };
        let Some(codes) = codes else {
            return filled(match (&valid, present) {
                (Some(_), Present::Unless(nulls)) => put_page(
                    values,
                    &stored,
                    |row| nulls.is_valid(row),
                    self.version,
                    &mut self.page,
                ),
                _ => put_page(values, &stored, |_| true, self.version, &mut self.page),
            });
        };
        let mut codes = codes.get(stored).unwrap_or_default();
        if let Some(valid) = valid {
            self.codes.clear();
            self.codes.extend(
                valid
                    .valid_indices()
                    .map(|row| codes.get(row).copied().unwrap_or_default()),
            );
            codes = &self.codes;
        }
        self.page.push(u8::try_from(width).unwrap_or(u8::MAX));
        put_codes(codes, width, &mut self.page);
        let least = codes.iter().copied().fold(u16::MAX, u16::min);
        let greatest = codes.iter().copied().fold(0, u16::max);
        let range = (!codes.is_empty()).then_some((usize::from(least), usize::from(greatest)));
        filled((Encoding::RLE_DICTIONARY, range))
    }

    /// About how many rows of text a page holds, at most so many.
    fn rows_of_page<P: Physical>(&mut self, values: &P, rows: usize, most: usize) -> usize {
        self.page.clear();
        let sample = values.len().min(1024);
        values.put_range(0..sample, |_| true, &mut self.page);
        let each = self.page.len() * values.len() / (sample * rows).max(1) + 1;
        (PAGE_BYTES / each).clamp(8, most) & !7
    }

    fn compress(&mut self) -> Result<Bytes, ParquetError> {
        let compressed = self.compressor.compress(&self.page);
        compressed
            .map(Bytes::from)
            .map_err(|error| ParquetError::General(error.to_string()))
    }

    fn write_page(
        &self,
        page: Page,
        sink: &mut TrackedWrite<&mut Vec<u8>>,
    ) -> Result<PageWriteSpec, ParquetError> {
        SerializedPageWriter::new(sink).write_page(CompressedPage::new(page, self.page.len()))
    }
}

/// Appends those values of a page that are kept, as they are; gives their encoding, and the places of the least and the greatest.
fn put_page<P: Physical>(
    values: &P,
    page: &Range<usize>,
    keep: impl Fn(usize) -> bool,
    version: ParquetVersion,
    into: &mut Vec<u8>,
) -> (Encoding, Option<(usize, usize)>) {
    let encoding = match version {
        ParquetVersion::V1 => {
            values.put_range(page.clone(), &keep, into);
            Encoding::PLAIN
        }
        ParquetVersion::V2 => values.put_page(page.clone(), &keep, into),
    };
    (encoding, values.extremes(page.clone(), &keep))
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
