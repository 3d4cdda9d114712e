//! Records that lack most of their columns: what they hold comes back from `table.parquet`, and what they lack takes next to nothing.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod run;

use std::fmt::Write;

use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector},
    file::metadata::PageIndexPolicy,
};
use shared::{
    Limits,
    options::{ParquetVersion, TablesOptions},
};

const ROWS: usize = 90_000;
/// Keys, and that of how many records one has it; the values repeat themselves or do not.
const KEYS: [(&str, usize); 9] = [
    ("word", 700),
    ("text", 41),
    ("count", 9000),
    ("digit", 33),
    ("share", 1111),
    ("flag", 90),
    ("day", 300),
    ("often", 5),
    ("last", ROWS),
];

/// The record's value of a key, as JSON and as a reader shows it.
fn value(key: &str, every: usize, row: usize) -> Option<(String, String)> {
    let is_there = row % every == every - 1 || (key == "word" && (40_000..40_900).contains(&row));
    let chance = (row as u64 + 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let quoted = |text: String| (format!("\"{text}\""), text);
    let plain = |text: String| (text.clone(), text);
    is_there.then(|| match key {
        "word" => quoted(["Oslo", "Rome", "Bern"][row % 3].to_owned()),
        "text" | "last" => quoted(format!("{chance:x}")),
        "count" => plain(chance.to_string()),
        "digit" => plain((row % 10).to_string()),
        "share" => plain(format!("{}.5", chance % 1000)),
        "flag" => plain((row % 4 == 1).to_string()),
        "day" => quoted(format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1)),
        _ => plain((row * 3).to_string()),
    })
}

fn records() -> String {
    let mut text = String::new();
    for row in 0..ROWS {
        let values = KEYS
            .iter()
            .filter_map(|(key, every)| Some((key, value(key, *every, row)?.0)));
        let members: Vec<String> = values.map(|(key, value)| format!("\"{key}\":{value}")).collect();
        writeln!(text, "{{{}}}", members.join(",")).unwrap();
    }
    text
}

fn check(version: ParquetVersion) {
    let options = TablesOptions {
        parquet_version: Some(version),
        ..TablesOptions::default()
    };
    let done = run::convert_as(records().as_bytes(), &Limits::default(), &options).unwrap();
    let parquet = &done.outputs["table.parquet"];
    let bytes = Bytes::copy_from_slice(parquet);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let names: Vec<String> = reader
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let rows = run::read_back(parquet);
    assert_eq!(rows.len(), ROWS);
    for (number, row) in rows.iter().enumerate() {
        for (name, back) in names.iter().zip(row) {
            let (_, every) = KEYS.iter().find(|(key, _)| key == name).unwrap();
            let expected = value(name, *every, number)
                .map(|(_, shown)| shown)
                .unwrap_or_default();
            assert!(
                run::is_same(&expected, back),
                "row {number}, {name}: {expected:?} came back as {back:?}"
            );
        }
    }
    // Statistics and pages count the rows, too, and who skips by pages finds the same.
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap();
    let pages = reader.metadata().page_index().unwrap();
    for (index, name) in names.iter().enumerate() {
        let (mut nulls, mut in_pages) = (0, 0);
        for (group, of_group) in reader.metadata().row_groups().iter().enumerate() {
            let statistics = of_group.column(index).statistics().unwrap();
            nulls += statistics.null_count_opt().unwrap();
            let of_pages = pages.column_index(group, index).unwrap().null_counts().unwrap();
            in_pages += u64::try_from(of_pages.iter().sum::<i64>()).unwrap();
        }
        let missing = rows.iter().filter(|row| row[index].is_empty()).count() as u64;
        assert_eq!((nulls, in_pages), (missing, missing), "{name}");
    }
    let select = (0..ROWS / 900).flat_map(|_| [RowSelector::skip(700), RowSelector::select(200)]);
    let some = reader
        .with_row_selection(RowSelection::from(select.collect::<Vec<_>>()))
        .with_batch_size(200);
    let all = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(parquet)).unwrap();
    let all = all
        .with_batch_size(ROWS)
        .build()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for (number, batch) in some.build().unwrap().enumerate() {
        assert_eq!(batch.unwrap(), all.slice(number * 900 + 700, 200));
    }
}

#[test]
fn what_few_records_have_reads_back() {
    check(ParquetVersion::V2);
}

#[test]
fn in_the_encodings_of_version_one_too() {
    check(ParquetVersion::V1);
}

#[test]
fn what_records_lack_takes_hardly_any_room() {
    let mut text = String::new();
    for row in 0_u64..40_000 {
        let key = (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
        writeln!(text, "{{\"k{key}\":\"v{row}\"}}").unwrap();
    }
    let done = run::convert(text.as_bytes()).unwrap();
    let parquet = &done.outputs["table.parquet"];
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(parquet)).unwrap();
    let (columns, groups) = (reader.schema().fields().len(), reader.metadata().num_row_groups());
    assert!(
        columns > 4000 && groups == 1,
        "{columns} columns, {groups} row groups"
    );
    // Some 400 bytes a column are what the schema, a page and the footer take.
    assert!(parquet.len() < columns * 600, "{} bytes", parquet.len());
}

#[test]
fn a_record_whose_objects_lack_millions_of_fields_is_rejected() {
    let names: Vec<String> = (0..900).map(|key| format!("\"x{key}\":{key}")).collect();
    let full = format!("{{\"id\":1,\"a\":[{{{}}}]}}\n", names.join(","));
    let empties = |count: usize| format!("{{\"id\":2,\"a\":[{}]}}\n", vec!["{}"; count].join(","));
    let text = [full, empties(1000), empties(100_000), empties(5)].concat();
    let done = run::convert(text.as_bytes()).unwrap();
    assert_eq!((done.report.rows, done.report.rows_rejected), (4, 1));
    assert_eq!(done.report.rejected_by_reason["too-sparse"], 1);
    let rejects = String::from_utf8(done.outputs["rejects.jsonl"].clone()).unwrap();
    assert!(rejects.starts_with("{\"row\":3,"), "{rejects}");
}
