//! What the end of `table.parquet` says of row groups and pages is what their rows say.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod run;

use std::fmt::Write;

use arrow_array::{Array, RecordBatch, cast::AsArray, types::Int64Type};
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{
        ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
        statistics::StatisticsConverter,
    },
    file::metadata::{ColumnChunkMetaData, PageIndexPolicy},
};
use shared::Limits;

const ROWS: usize = 60_000;

/// Converts in slabs as small as they come, so that there are many row groups.
fn table_of(text: &str) -> Bytes {
    let limits = Limits {
        memory_bytes: 1 << 20,
        record_bytes: 64 << 10,
        ..Limits::default()
    };
    let mut done = run::convert_with(text.as_bytes(), &limits).unwrap();
    done.outputs.remove("table.parquet").unwrap().into()
}

fn open(parquet: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    // An index that is missing is an error.
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(parquet.clone(), options)
        .unwrap()
        .with_batch_size(ROWS)
}

fn all_rows(reader: ParquetRecordBatchReaderBuilder<Bytes>) -> RecordBatch {
    let mut batches = reader.build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    batch
}

/// Who reads every third hundred of rows finds them by the index, and finds the same.
fn check_selection(parquet: &Bytes) {
    let all = all_rows(open(parquet));
    assert_eq!(all.num_rows(), ROWS);
    let select = (0..ROWS / 300).flat_map(|_| [RowSelector::skip(200), RowSelector::select(100)]);
    let some = all_rows(open(parquet).with_row_selection(RowSelection::from(select.collect::<Vec<_>>())));
    assert_eq!(some.num_rows(), ROWS / 3);
    for hundred in 0..ROWS / 300 {
        assert_eq!(
            some.slice(hundred * 100, 100),
            all.slice(hundred * 300 + 200, 100),
            "hundred {hundred}"
        );
    }
}

#[test]
fn the_index_and_the_statistics_of_a_delimited_table_are_those_of_its_rows() {
    let mut text = "number,word,some\n".to_owned();
    for row in 0..ROWS {
        let word = ["pear", "fig", "apple", "quince"][row % 4];
        let some = if row % 7 == 0 {
            String::new()
        } else {
            (row % 50).to_string()
        };
        writeln!(text, "{},{word},{some}", row * 31 % 9973).unwrap();
    }
    let parquet = table_of(&text);
    check_selection(&parquet);
    let reader = open(&parquet);
    let (metadata, schema) = (reader.metadata().clone(), reader.schema().clone());
    let groups = metadata.row_groups();
    assert!(groups.len() > 2, "{} row groups", groups.len());
    assert_eq!(metadata.file_metadata().num_rows(), i64::try_from(ROWS).unwrap());
    let converter =
        |name| StatisticsConverter::try_new(name, &schema, metadata.file_metadata().schema_descr()).unwrap();
    let all = all_rows(open(&parquet));
    let mut from = 0;
    for (index, group) in groups.iter().enumerate() {
        let rows = all.slice(from, usize::try_from(group.num_rows()).unwrap());
        from += rows.num_rows();
        let one = std::slice::from_ref(group);
        let numbers: Vec<i64> = rows["number"]
            .as_primitive::<Int64Type>()
            .iter()
            .flatten()
            .collect();
        let words: Vec<&str> = rows["word"].as_string::<i32>().iter().flatten().collect();
        let least = converter("number").row_group_mins(one).unwrap();
        let greatest = converter("number").row_group_maxes(one).unwrap();
        assert_eq!(
            (
                least.as_primitive::<Int64Type>().value(0),
                greatest.as_primitive::<Int64Type>().value(0)
            ),
            (*numbers.iter().min().unwrap(), *numbers.iter().max().unwrap()),
            "group {index}"
        );
        let least = converter("word").row_group_mins(one).unwrap();
        assert_eq!(
            least.as_string::<i32>().value(0),
            *words.iter().min().unwrap(),
            "group {index}"
        );
        let nulls = converter("some").row_group_null_counts(one).unwrap();
        assert_eq!(nulls.value(0), rows["some"].null_count() as u64, "group {index}");
        let sizes = group.columns().iter().map(ColumnChunkMetaData::compressed_size);
        assert_eq!(group.compressed_size(), sizes.sum::<i64>());
    }
    assert_eq!(from, ROWS);
}

#[test]
fn the_index_of_nested_columns_finds_their_rows() {
    let mut text = String::new();
    for row in 0..ROWS {
        let list: Vec<usize> = (0..row % 5).collect();
        writeln!(
            text,
            r#"{{"id": {row}, "o": {{"a": "w{}", "b": {{"c": {}.5}}}}, "l": {list:?}, "s": [{{"x": {row}, "y": [true]}}]}}"#,
            row % 90,
            row % 1000
        )
        .unwrap();
        if row % 3 == 0 {
            // A structure that is not there, and a list that is not.
            text.truncate(text.rfind(r#", "o""#).unwrap());
            text.push_str("}\n");
        }
    }
    let parquet = table_of(&text);
    check_selection(&parquet);
    let reader = open(&parquet);
    assert!(reader.metadata().num_row_groups() > 2);
    let leaves: Vec<String> = (reader.parquet_schema().columns().iter())
        .map(|column| column.path().string())
        .collect();
    assert_eq!(
        leaves,
        [
            "id",
            "o.a",
            "o.b.c",
            "l.list.element",
            "s.list.element.x",
            "s.list.element.y.list.element"
        ]
        .map(|path| path.replace(".element", ".item"))
    );
}
