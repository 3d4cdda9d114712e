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
    basic::{BoundaryOrder, Compression, Encoding, PageType, ZstdLevel},
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
    hybrid::{put_codes, put_levels, width_of},
    physical::{Bool, Double, Fixed, Int32, Int64, Physical, Text, UInt64, Wide},
};
use crate::types::NARROW_DIGITS;

/// The zstd level: the fastest; the next ones cost half as much again and save a fiftieth. Measured on flights.
pub(crate) const LEVEL: i32 = 1;
/// The most rows of a page, a multiple of eight: few enough to skip by.
const PAGE_ROWS: usize = 1 << 15;
/// And about how many bytes: what readers take for a page.
const PAGE_BYTES: usize = 1 << 20;

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

    /// Appends the chunk of an array to a row group's bytes: one of the types of [`crate::types::ColumnType`], or a
    /// dictionary of one, in order.
    pub(crate) fn write(&mut self, array: &ArrayRef, into: &mut Vec<u8>) -> Result<Chunk, Failure> {
        if let Some(array) = array.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() {
            self.write_values(array.values(), Some(array.keys().values()), array.nulls(), into)
        } else {
            self.write_values(array, None, array.nulls(), into)
        }
        .map_err(failure)
    }

    fn write_values(
        &mut self,
        values: &ArrayRef,
        codes: Option<&[u16]>,
        nulls: Option<&NullBuffer>,
        into: &mut Vec<u8>,
    ) -> Result<Chunk, ParquetError> {
        match values.data_type() {
            DataType::Boolean => {
                let booleans = values.as_boolean();
                let Some(codes) = codes else {
                    return self.encode(&Bool(booleans), None, nulls, into);
                };
                // Arrow's C++ reader takes no dictionary of booleans, and a bit each is shorter anyway.
                let truth = |row: usize| {
                    let code = codes.get(row).copied().map(usize::from);
                    code.is_some_and(|code| code < booleans.len() && booleans.value(code))
                };
                let plain = BooleanArray::new(BooleanBuffer::collect_bool(codes.len(), truth), None);
                self.encode(&Bool(&plain), None, nulls, into)
            }
            DataType::Int64 => self.encode(
                &Int64(values.as_primitive::<Int64Type>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::UInt64 => self.encode(
                &UInt64(values.as_primitive::<UInt64Type>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::Float64 => self.encode(
                &Double(values.as_primitive::<Float64Type>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::Date32 => self.encode(
                &Int32(values.as_primitive::<Date32Type>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::Time64(TimeUnit::Microsecond) => self.encode(
                &Int64(values.as_primitive::<Time64MicrosecondType>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.encode(
                &Int64(values.as_primitive::<TimestampMicrosecondType>().values()),
                codes,
                nulls,
                into,
            ),
            DataType::Decimal128(precision, _) => {
                let wide = values.as_primitive::<Decimal128Type>().values();
                if *precision > NARROW_DIGITS {
                    return self.encode(&Wide(wide), codes, nulls, into);
                }
                #[expect(clippy::cast_possible_truncation, reason = "18 digits")]
                let narrow: Vec<i64> = wide.iter().map(|value| *value as i64).collect();
                self.encode(&Int64(&narrow), codes, nulls, into)
            }
            DataType::FixedSizeBinary(16) => {
                self.encode(&Fixed(values.as_fixed_size_binary()), codes, nulls, into)
            }
            DataType::Utf8 => self.encode(&Text(values.as_string::<i32>()), codes, nulls, into),
            other => Err(ParquetError::NYI(format!("a column of {other}"))),
        }
    }

    fn encode<P: Physical>(
        &mut self,
        values: &P,
        codes: Option<&[u16]>,
        nulls: Option<&NullBuffer>,
        into: &mut Vec<u8>,
    ) -> Result<Chunk, ParquetError> {
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        let rows = codes.map_or(values.len(), <[u16]>::len);
        let mut sink = TrackedWrite::new(into);
        let mut uncompressed = 0;
        let mut page_rows = PAGE_ROWS;
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
            page_rows = self.rows_of_page(values, rows);
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
            let valid = nulls
                .map(|nulls| nulls.slice(page.start, page.len()))
                .filter(|nulls| nulls.null_count() > 0);
            let (encoding, range) = self.fill(
                values,
                codes,
                &page,
                nulls.filter(|_| valid.is_some()),
                valid.as_ref(),
                width,
            );
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
            let null_count = valid.as_ref().map_or(0, NullBuffer::null_count);
            let extremes = range.map(|(least, greatest)| (values.least(least), values.greatest(greatest)));
            page_values.push(extremes, signed(null_count));
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
        let descending = if nulls.is_some() {
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
            statistics: values.statistics(whole, nulls.map_or(0, |nulls| nulls.null_count() as u64)),
        })
    }

    /// Fills the page's buffer with its levels and values; gives how these are encoded, and the places of the least and the greatest.
    fn fill<P: Physical>(
        &mut self,
        values: &P,
        codes: Option<&[u16]>,
        page: &Range<usize>,
        nulls: Option<&NullBuffer>,
        valid: Option<&NullBuffer>,
        width: u32,
    ) -> (Encoding, Option<(usize, usize)>) {
        self.page.clear();
        self.page.extend_from_slice(&[0; 4]);
        let bitmap = valid.map(|valid| valid.inner().sliced());
        put_levels(
            bitmap.as_ref().map(arrow_buffer::Buffer::as_slice),
            page.len(),
            &mut self.page,
        );
        let length = u32::try_from(self.page.len() - 4)
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        if let Some(to) = self.page.get_mut(..4) {
            to.copy_from_slice(&length);
        }
        let Some(codes) = codes else {
            return match nulls {
                None => put_page(values, page, |_| true, self.version, &mut self.page),
                Some(nulls) => put_page(
                    values,
                    page,
                    |row| nulls.is_valid(row),
                    self.version,
                    &mut self.page,
                ),
            };
        };
        let mut codes = codes.get(page.clone()).unwrap_or_default();
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
        (Encoding::RLE_DICTIONARY, range)
    }

    /// About how many rows of text a page holds.
    fn rows_of_page<P: Physical>(&mut self, values: &P, rows: usize) -> usize {
        self.page.clear();
        let sample = rows.min(1024);
        values.put_range(0..sample, |_| true, &mut self.page);
        let each = self.page.len() / sample.max(1) + 1;
        (PAGE_BYTES / each).clamp(8, PAGE_ROWS) & !7
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

/// The least and the greatest of both.
#[inline]
fn wider<P: Physical>(values: &P, range: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    (
        if values.compare(other.0, range.0).is_lt() {
            other.0
        } else {
            range.0
        },
        if values.compare(other.1, range.1).is_gt() {
            other.1
        } else {
            range.1
        },
    )
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Whether the pages' least and greatest values stand in order.
struct Order {
    last: Option<(usize, usize)>,
    ascending: bool,
    descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            last: None,
            ascending: true,
            descending: true,
        }
    }
}

impl Order {
    fn add<P: Physical>(&mut self, values: &P, range: (usize, usize)) {
        if let Some(last) = self.last {
            let (least, greatest) = (values.compare(last.0, range.0), values.compare(last.1, range.1));
            self.ascending &= least.is_le() && greatest.is_le();
            self.descending &= least.is_ge() && greatest.is_ge();
        }
        self.last = Some(range);
    }

    fn boundary(&self) -> BoundaryOrder {
        match (self.ascending, self.descending) {
            (true, _) => BoundaryOrder::ASCENDING,
            (_, true) => BoundaryOrder::DESCENDING,
            _ => BoundaryOrder::UNORDERED,
        }
    }

    /// Whether all values do, and in which direction; values that are all equal do not.
    fn sorted<P: Physical>(
        &self,
        values: &P,
        codes: Option<&[u16]>,
        whole: Option<(usize, usize)>,
    ) -> Option<bool> {
        let (least, greatest) = whole?;
        if values.compare(least, greatest).is_eq() {
            return None;
        }
        let all = |in_order: fn(std::cmp::Ordering) -> bool| match codes {
            Some(codes) => codes
                .iter()
                .zip(codes.iter().skip(1))
                .all(|(one, next)| in_order(one.cmp(next))),
            None => (1..values.len()).all(|row| in_order(values.compare(row - 1, row))),
        };
        if self.ascending && all(std::cmp::Ordering::is_le) {
            return Some(false);
        }
        (self.descending && all(std::cmp::Ordering::is_ge)).then_some(true)
    }
}
