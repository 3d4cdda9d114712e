//! What a footer says of a chunk (`ColumnMetaData`), by the fields' numbers in
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use parquet::{
    file::{
        metadata::{ColumnChunkMetaData, LevelHistogram},
        statistics::Statistics,
    },
    schema::types::ColumnDescriptor,
};

use super::compact::{Fields, Kind, put_int};

/// A chunk of a column; offsets count from its row group's first byte.
pub(super) struct Chunk {
    pub(super) make: Make,
    pub(super) values: i64,
    pub(super) uncompressed_bytes: i64,
    pub(super) compressed_bytes: i64,
    pub(super) data_at: i64,
    pub(super) dictionary_at: Option<i64>,
    pub(super) nulls: i64,
    /// How many pages there are of each kind.
    pub(super) page_counts: Vec<i64>,
    /// The least and the greatest value.
    pub(super) range: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) sizes: Option<Sizes>,
}

/// How a chunk is made, which it has in common with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Make {
    encodings: Vec<i32>,
    codec: i32,
    pub(super) has_dictionary: bool,
    /// Its kinds of pages: their types and encodings.
    pub(super) pages: Option<Vec<(i32, i32)>>,
    statistics: Option<Marks>,
}

/// What statistics say besides numbers and values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Marks {
    has_range: bool,
    /// Readers of before there was an order that said what is less find the range, too.
    is_old: bool,
    /// Whether the least and the greatest value are whole.
    are_exact: [bool; 2],
    has_nulls: bool,
    distinct: Option<i64>,
    nans: Option<i64>,
}

/// `SizeStatistics`, of nested columns: bytes of texts, and how often each level comes.
pub(super) struct Sizes {
    text_bytes: Option<i64>,
    repetitions: Option<Vec<i64>>,
    definitions: Option<Vec<i64>>,
}

impl Make {
    pub(super) fn has_range(&self) -> bool {
        self.statistics.as_ref().is_some_and(|marks| marks.has_range)
    }
}

impl Chunk {
    /// What is known of a chunk, with or without its least and greatest value.
    pub(super) fn of(column: &ColumnChunkMetaData, with_range: bool) -> Self {
        let count = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
        let statistics = column.statistics();
        let nulls = count(statistics.and_then(Statistics::null_count_opt));
        let range = statistics.filter(|_| with_range);
        let range = range.and_then(|range| range.min_bytes_opt().zip(range.max_bytes_opt()));
        let marks = |statistics: &Statistics| Marks {
            has_range: range.is_some(),
            is_old: statistics.is_min_max_backwards_compatible(),
            are_exact: [statistics.min_is_exact(), statistics.max_is_exact()],
            has_nulls: nulls.is_some(),
            distinct: count(statistics.distinct_count_opt()),
            nans: count(statistics.nan_count_opt()),
        };
        let pages = column.page_encoding_stats();
        let kinds = pages.map(|pages| {
            pages
                .iter()
                .map(|page| (page.page_type as i32, page.encoding as i32))
        });
        let levels = |levels: &LevelHistogram| levels.values().to_vec();
        let sizes = Sizes {
            text_bytes: column.unencoded_byte_array_data_bytes(),
            repetitions: column.repetition_level_histogram().map(levels),
            definitions: column.definition_level_histogram().map(levels),
        };
        let has_sizes =
            sizes.text_bytes.is_some() || sizes.repetitions.is_some() || sizes.definitions.is_some();
        Self {
            make: Make {
                encodings: column.encodings().map(|encoding| encoding as i32).collect(),
                codec: column.compression_codec() as i32,
                has_dictionary: column.dictionary_page_offset().is_some(),
                pages: kinds.map(Iterator::collect),
                statistics: statistics.map(marks),
            },
            values: column.num_values(),
            uncompressed_bytes: column.uncompressed_size(),
            compressed_bytes: column.compressed_size(),
            data_at: column.data_page_offset(),
            dictionary_at: column.dictionary_page_offset(),
            nulls: nulls.unwrap_or_default(),
            page_counts: pages
                .into_iter()
                .flatten()
                .map(|page| page.count.into())
                .collect(),
            range: range.map(|(least, greatest)| (least.to_vec(), greatest.to_vec())),
            sizes: has_sizes.then_some(sizes),
        }
    }

    /// `ColumnMetaData`, for a chunk of a row group that begins at byte `at` of the file.
    pub(super) fn put(&self, column: &ColumnDescriptor, at: i64, into: &mut Vec<u8>) {
        let make = &self.make;
        let mut fields = Fields::new(into);
        fields.i32(1, column.physical_type() as i32);
        let list = fields.list(2, Kind::I32, make.encodings.len());
        for encoding in &make.encodings {
            put_int(i64::from(*encoding), list);
        }
        fields.binaries(3, column.path().parts());
        fields.i32(4, make.codec);
        fields.i64(5, self.values);
        fields.i64(6, self.uncompressed_bytes);
        fields.i64(7, self.compressed_bytes);
        fields.i64(9, self.data_at + at);
        if let Some(dictionary_at) = self.dictionary_at {
            fields.i64(11, dictionary_at + at);
        }
        if let Some(marks) = &make.statistics {
            self.put_statistics(marks, fields.structure(12));
        }
        if let Some(pages) = &make.pages {
            let list = fields.list(13, Kind::Struct, pages.len());
            for ((kind, encoding), count) in pages.iter().zip(&self.page_counts) {
                let mut fields = Fields::new(list);
                fields.i32(1, *kind);
                fields.i32(2, *encoding);
                fields.i32(3, i32::try_from(*count).unwrap_or(i32::MAX));
                fields.end();
            }
        }
        if let Some(sizes) = &self.sizes {
            let mut fields = fields.structure(16);
            if let Some(bytes) = sizes.text_bytes {
                fields.i64(1, bytes);
            }
            if let Some(levels) = &sizes.repetitions {
                fields.i64s(2, levels);
            }
            if let Some(levels) = &sizes.definitions {
                fields.i64s(3, levels);
            }
            fields.end();
        }
        fields.end();
    }

    /// `Statistics`.
    fn put_statistics(&self, marks: &Marks, mut fields: Fields<'_>) {
        if let (true, Some((least, greatest))) = (marks.is_old, &self.range) {
            fields.binary(1, greatest);
            fields.binary(2, least);
        }
        if marks.has_nulls {
            fields.i64(3, self.nulls);
        }
        if let Some(distinct) = marks.distinct {
            fields.i64(4, distinct);
        }
        if let Some((least, greatest)) = &self.range {
            fields.binary(5, greatest);
            fields.binary(6, least);
        }
        let [least_is_exact, greatest_is_exact] = marks.are_exact;
        fields.bool(7, greatest_is_exact);
        fields.bool(8, least_is_exact);
        if let Some(nans) = marks.nans {
            fields.i64(9, nans);
        }
        fields.end();
    }
}
