//! Runs the core in memory, and reads its Parquet back as text.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test crate uses its part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

use std::{
    collections::BTreeMap,
    io::Read,
    sync::atomic::{AtomicUsize, Ordering},
};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float64Array,
    Int64Array, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use shared::{Facts, Failure, InMemory, Input, Limits, Processor, Source, options::TablesOptions};
use tables::{
    Report, Tables,
    types::time::{ShowDate, ShowTimestamp, Zone, read_timestamp},
};

/// What a run left.
#[derive(Debug)]
pub struct Done {
    pub report: Report,
    pub outputs: BTreeMap<String, Vec<u8>>,
    /// How often the source was opened.
    pub readers: usize,
}

pub fn convert(bytes: &[u8]) -> Result<Done, Failure> {
    convert_with(bytes, &Limits::default())
}

pub fn convert_with(bytes: &[u8], limits: &Limits) -> Result<Done, Failure> {
    convert_as(bytes, limits, &TablesOptions::default())
}

pub fn convert_as(bytes: &[u8], limits: &Limits, options: &TablesOptions) -> Result<Done, Failure> {
    let facts = Facts {
        name: "table.csv".into(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let source = Counted(bytes, AtomicUsize::new(0));
    let mut outputs = InMemory::default();
    let report = Tables.process(Input::new(&facts, limits, &source), options, &mut outputs)?;
    assert!(outputs.is_complete(), "every output is finished");
    Ok(Done {
        report,
        outputs: outputs.files(),
        readers: source.1.into_inner(),
    })
}

struct Counted<'a>(&'a [u8], AtomicUsize);

impl Source for Counted<'_> {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(self.0))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.0.read_at(offset, buffer)
    }
}

/// Every row of a Parquet file, each value as text; nulls are empty.
pub fn read_back(parquet: &[u8]) -> Vec<Vec<String>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(parquet))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .unwrap();
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| show(column, row)).collect());
        }
    }
    rows
}

fn show(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    let any = column.as_any();
    if let Some(column) = any.downcast_ref::<StringArray>() {
        column.value(row).to_owned()
    } else if let Some(column) = any.downcast_ref::<Int64Array>() {
        column.value(row).to_string()
    } else if let Some(column) = any.downcast_ref::<UInt64Array>() {
        column.value(row).to_string()
    } else if let Some(column) = any.downcast_ref::<Decimal128Array>() {
        column.value_as_string(row)
    } else if let Some(column) = any.downcast_ref::<Time64MicrosecondArray>() {
        let shown = ShowTimestamp {
            micros: column.value(row),
            utc: false,
        }
        .to_string();
        shown.trim_start_matches("1970-01-01T").to_owned()
    } else if let Some(column) = any.downcast_ref::<FixedSizeBinaryArray>() {
        let digits = column.value(row).iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex: String = digits
            .map(|digit| char::from_digit(digit.into(), 16).unwrap())
            .collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    } else if let Some(column) = any.downcast_ref::<Float64Array>() {
        column.value(row).to_string()
    } else if let Some(column) = any.downcast_ref::<BooleanArray>() {
        column.value(row).to_string()
    } else if let Some(column) = any.downcast_ref::<Date32Array>() {
        ShowDate(column.value(row)).to_string()
    } else if let Some(column) = any.downcast_ref::<TimestampMicrosecondArray>() {
        let (micros, utc) = (column.value(row), column.timezone().is_some());
        ShowTimestamp { micros, utc }.to_string()
    } else {
        panic!("unexpected type {}", column.data_type())
    }
}

/// Whether what was read back says what the source said: the same text, the same number or the same instant.
pub fn is_same(source: &str, back: &str) -> bool {
    let same_number = || {
        source
            .parse::<f64>()
            .is_ok_and(|number| back.parse() == Ok(number))
            && !source.starts_with('+')
    };
    let instant =
        |text: &str| read_timestamp(text.as_bytes()).map(|read| (read.micros, read.style.zone == Zone::None));
    source == back || same_number() || instant(source).is_some_and(|source| instant(back) == Some(source))
}
