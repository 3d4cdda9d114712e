//! Any bytes become a table all of whose outputs say the same, or are refused; the fault is never ours.
#![no_main]

mod memory;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use shared::{
    Facts, Failure, InMemory, Input, Limits, Processor,
    options::{ParquetVersion, TablesOptions},
};
use tables::{Report, Tables};

fn convert(
    bytes: &[u8],
    parquet_version: Option<ParquetVersion>,
) -> Result<(Report, BTreeMap<String, Vec<u8>>), Failure> {
    let facts = Facts {
        name: String::new(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits {
        input_bytes: 1 << 20,
        record_bytes: 1 << 12,
        memory_bytes: 16 << 20,
        ..Limits::default()
    };
    let options = TablesOptions {
        parquet_version,
        ..TablesOptions::default()
    };
    let mut outputs = InMemory::default();
    let report = Tables.process(Input::new(&facts, &limits, &bytes), &options, &mut outputs)?;
    Ok((report, outputs.files()))
}

fn batches_of_parquet(file: &[u8]) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("Parquet of ours opens");
    reader.map(|batch| batch.expect("Parquet of ours reads")).collect()
}

/// Each begins with its length, as a varint.
fn messages(mut records: &[u8]) -> u64 {
    let mut count = 0;
    while !records.is_empty() {
        let (mut length, mut shift) = (0, 0);
        while let Some((byte, rest)) = records.split_first() {
            records = rest;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        records = records.get(length..).expect("a message is whole");
        count += 1;
    }
    count
}

fuzz_target!(|bytes: &[u8]| {
    let (report, files) = match convert(bytes, None) {
        Ok(made) => made,
        Err(failure) => {
            assert!(failure.kind.is_final(), "{failure:?}");
            return;
        }
    };
    assert_eq!(report.rows, report.rows_written + report.rows_rejected);
    assert_eq!(
        report.rows_rejected,
        report.rejected_by_reason.values().sum::<u64>()
    );
    let rows = batches_of_parquet(&files["table.parquet"]);
    let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(count as u64, report.rows_written);
    // Plain, they are the same.
    let (_, plain) = convert(bytes, Some(ParquetVersion::V1)).expect("it was converted");
    assert_eq!(batches_of_parquet(&plain["table.parquet"]), rows);
    assert_eq!(messages(&files["table.pb"]), report.rows_written);
    let rejects = files.get("rejects.jsonl").map_or(&[][..], Vec::as_slice);
    let is_json = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).is_ok();
    let lines: Vec<&[u8]> = rejects.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len() as u64, report.rows_rejected);
    assert!(lines.iter().all(|line| is_json(line)) && is_json(&files["profile.json"]));
    assert!(
        std::str::from_utf8(&files["profile.html"]).is_ok()
            && std::str::from_utf8(&files["table.proto"]).is_ok()
    );
});
