//! How the columns of `table.parquet` are encoded, and that they read back.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod run;

use std::{collections::BTreeSet, fmt::Write};

use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    basic::{Encoding, PageType},
};
use shared::{
    Limits,
    options::{ParquetVersion, TablesOptions},
};

/// Several pages in a row group.
const ROWS: u64 = 100_000;

/// A table of a column of each kind, every tenth cell of those from the second on empty.
fn table() -> String {
    let mut text = "count,amount,second,day,large,measure,code,word,key,city,flag\n".to_owned();
    for row in 0..ROWS {
        let mixed = (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let chance = (mixed ^ mixed >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let sign = if row % 3 == 0 { "-" } else { "" };
        let cells = [
            format!("{sign}{}.{:02}", chance % 999_999 + 1, chance % 100),
            format!(
                "2024-{:02}-{:02}T12:{:02}:{:02}Z",
                chance % 12 + 1,
                row % 28 + 1,
                chance % 60,
                chance % 59
            ),
            format!(
                "{:04}-{:02}-{:02}",
                1600 + chance % 4000,
                chance % 11 + 1,
                chance % 28 + 1
            ),
            (chance | 1 << 63).to_string(),
            format!("{}.{}", chance % 100_000, chance % 997 * 2 + 1),
            format!("{:07}", chance % 10_000_000),
            format!("w{:x}", chance % (1 << (row % 40 + 8))),
            format!("{:08x}-0000-4000-8000-{:012x}", chance >> 32, chance % (1 << 48)),
            ["Oslo", "Rome", "Bern"][usize::try_from(chance % 3).unwrap()].to_owned(),
            (chance % 2 == 0).to_string(),
        ];
        write!(text, "{row}").unwrap();
        for (index, cell) in (0_u64..).zip(&cells) {
            let is_empty = (row + index) % 10 == 0;
            write!(text, ",{}", if is_empty { "" } else { cell }).unwrap();
        }
        text.push('\n');
    }
    text
}

/// The columns' names and the encodings of their pages of values.
fn encodings(parquet: &[u8]) -> Vec<(String, BTreeSet<String>)> {
    let options = ArrowReaderOptions::new().with_encoding_stats_as_mask(false);
    let parquet = Bytes::copy_from_slice(parquet);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(parquet, options).unwrap();
    let group = reader.metadata().row_group(0);
    let of_pages = group.columns().iter().map(|column| {
        let pages = column.page_encoding_stats().unwrap().iter();
        let encodings: BTreeSet<Encoding> = pages
            .filter(|pages| pages.page_type == PageType::DATA_PAGE)
            .map(|pages| pages.encoding)
            .collect();
        // What the chunk says it holds, it holds.
        assert!(
            encodings
                .iter()
                .all(|encoding| column.encodings().any(|named| named == *encoding))
        );
        let names = encodings.iter().map(ToString::to_string).collect();
        (column.column_path().string(), names)
    });
    of_pages.collect()
}

fn check_rows(text: &str, parquet: &[u8]) {
    let rows = run::read_back(parquet);
    assert_eq!(rows.len() as u64, ROWS);
    for (line, row) in text.lines().skip(1).zip(rows) {
        let cells: Vec<&str> = line.split(',').collect();
        let same = cells
            .iter()
            .zip(&row)
            .all(|(cell, back)| run::is_same(cell, back));
        assert!(same && cells.len() == row.len(), "{line} came back as {row:?}");
    }
}

#[test]
fn what_does_not_repeat_itself_is_written_by_differences_and_reads_back() {
    let text = table();
    let done = run::convert(text.as_bytes()).unwrap();
    let parquet = &done.outputs["table.parquet"];
    let expected = [
        ("count", "DELTA_BINARY_PACKED"),
        ("amount", "DELTA_BINARY_PACKED"),
        ("second", "DELTA_BINARY_PACKED"),
        ("day", "DELTA_BINARY_PACKED"),
        ("large", "PLAIN"),
        ("measure", "PLAIN"),
        ("code", "DELTA_LENGTH_BYTE_ARRAY"),
        ("word", "DELTA_LENGTH_BYTE_ARRAY"),
        ("key", "PLAIN"),
        ("city", "RLE_DICTIONARY"),
        ("flag", "PLAIN"),
    ];
    let expected = expected.map(|(name, encoding)| (name.to_owned(), BTreeSet::from([encoding.to_owned()])));
    assert_eq!(encodings(parquet), expected);
    check_rows(&text, parquet);
}

#[test]
fn who_asks_for_version_one_gets_plain_values_and_dictionaries_alone() {
    let text = table();
    let options = TablesOptions {
        parquet_version: Some(ParquetVersion::V1),
        ..TablesOptions::default()
    };
    let done = run::convert_as(text.as_bytes(), &Limits::default(), &options).unwrap();
    let parquet = &done.outputs["table.parquet"];
    for (name, encodings) in encodings(parquet) {
        let known = ["PLAIN", "RLE_DICTIONARY"].map(ToOwned::to_owned);
        assert!(
            encodings.is_subset(&BTreeSet::from(known)),
            "{name}: {encodings:?}"
        );
    }
    check_rows(&text, parquet);
}
