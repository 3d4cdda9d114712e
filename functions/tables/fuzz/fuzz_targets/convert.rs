//! Any bytes become a table all of whose outputs say the same, or are refused; the fault is never ours.
#![no_main]

mod memory;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use shared::{Facts, InMemory, Input, Limits, Processor, options::TablesOptions};
use tables::Tables;

fn rows_of_parquet(file: &[u8]) -> u64 {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("Parquet of ours opens");
    let rows = reader.map(|batch| batch.expect("Parquet of ours reads").num_rows() as u64);
    rows.sum()
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
    let mut outputs = InMemory::default();
    let made = Tables.process(
        Input::new(&facts, &limits, &bytes),
        &TablesOptions::default(),
        &mut outputs,
    );
    let report = match made {
        Ok(report) => report,
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
    let files = outputs.files();
    assert_eq!(rows_of_parquet(&files["table.parquet"]), report.rows_written);
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
