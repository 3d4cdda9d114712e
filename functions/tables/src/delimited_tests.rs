//! However a file is cut and on however many threads: the same table, profile, records and rejects.

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, file::metadata::RowGroupMetaData};
use proptest::prelude::*;
use shared::{
    Facts, InMemory, Limits,
    options::{ParquetVersion, TablesOptions},
};

use super::*;
use crate::read::Repair;

/// What a run says and leaves, row groups apart.
#[derive(Debug, PartialEq)]
struct Left {
    counts: Counts,
    rows: Vec<String>,
    schema: String,
    records: Vec<u8>,
    rejects: Vec<u8>,
    profile: serde_json::Value,
}

fn rows(parquet: &[u8]) -> (Vec<String>, String) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(parquet)).unwrap();
    let schema = format!("{:?}", reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let row = |batch: &RecordBatch, row: usize| {
        let cells: Vec<String> = batch
            .columns()
            .iter()
            .map(|column| format!("{:?}", column.slice(row, 1)))
            .collect();
        cells.concat()
    };
    let all = batches
        .iter()
        .flat_map(|batch| (0..batch.num_rows()).map(move |index| row(batch, index)));
    (all.collect(), schema)
}

fn left(text: &str, slab_bytes: usize, threads: usize) -> Result<Left, Failure> {
    let facts = Facts {
        name: "t.csv".into(),
        size_bytes: text.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let source = text.as_bytes();
    let input = Input::new(&facts, &limits, &source);
    let found = Delimited::open(&input, &TablesOptions::default())?;
    // How a text is delimited is found, and tested, elsewhere.
    let (header, body) = text.split_once('\n').unwrap();
    let header: Vec<String> = header.split(',').map(str::to_owned).collect();
    let offset = (text.len() - body.len()) as u64;
    let file = Delimited {
        dialect: Dialect::simple(b',', header, offset),
        ..found
    };
    let mut outputs = InMemory::default();
    // Some cuts are within a slab.
    let most = (slab_bytes, slab_bytes / 8);
    let outcome = run_as(
        &file,
        ParquetVersion::default(),
        &input,
        &mut outputs,
        most,
        threads,
    )?
    .unwrap();
    assert_eq!(
        outcome.counts.records,
        outcome.rows_written + outcome.rejects.count()
    );
    outcome.rejects.finish()?;
    let mut files = outputs.files();
    let (rows, schema) = rows(&files["table.parquet"]);
    assert_eq!(rows.len() as u64, outcome.rows_written);
    Ok(Left {
        counts: outcome.counts,
        rows,
        schema,
        records: files.remove("table.pb").unwrap(),
        rejects: files.remove("rejects.jsonl").unwrap_or_default(),
        profile: serde_json::from_slice(&outcome.profile.to_json().unwrap()).unwrap(),
    })
}

/// Cells of a kind, and now and then one of another.
fn column(rows: usize) -> impl Strategy<Value = Vec<String>> {
    let kind = prop_oneof![
        Just("(0|1|2|17)"),
        Just("-?[1-9][0-9]{0,17}"),
        Just("[1-9][0-9]{0,3}[.][0-9]{2}"),
        Just("[1-9][0-9]{0,3}([.][1-9])?"),
        Just("true|false"),
        Just("2024-0[1-9]-1[0-9]"),
        Just("(1[0-9]|0[1-9])/0[1-9]/2024"),
        Just("2024-0[1-9]-1[0-9]T0[0-9]:00:0[0-9]Z"),
        Just("0[0-9]:[0-5][0-9]"),
        Just("[a-f]{8}-0000-4000-8000-00000000000[0-9]"),
        Just("[a-d]{0,2}"),
        Just("(some|longer|texts) that are not keys, [a-z]{1,3}"),
    ];
    let odd = prop_oneof![
        Just(""),
        Just("NA"),
        Just("x"),
        Just("1.5"),
        Just("18446744073709551615"),
        Just("")
    ];
    (kind, odd, 0..3_u32).prop_flat_map(move |(kind, odd, oddity)| {
        let cell = prop_oneof![20 => kind.prop_map(|cell| cell), oddity.max(1) => Just(odd.to_owned())];
        proptest::collection::vec(cell, rows)
    })
}

fn table() -> impl Strategy<Value = String> {
    (1_usize..5, 1_usize..60).prop_flat_map(|(columns, rows)| {
        (
            proptest::collection::vec(column(rows), columns),
            proptest::collection::vec(0..40_u32, rows),
        )
            .prop_map(move |(columns, faults)| {
                let mut text = (0..columns.len())
                    .map(|index| format!("c{index}"))
                    .collect::<Vec<_>>()
                    .join(",")
                    + "\n";
                for (row, fault) in faults.iter().enumerate() {
                    let cell = |column: &Vec<String>| match column[row].as_str() {
                        cell if cell.contains(',') || (cell.is_empty() && row % 2 == 0) => {
                            format!("\"{cell}\"")
                        }
                        cell => cell.to_owned(),
                    };
                    text += &columns.iter().map(cell).collect::<Vec<_>>().join(",");
                    text += if *fault == 0 { ",too,many,x\n" } else { "\n" };
                }
                text
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_cut_and_any_number_of_threads_give_the_same(text in table(), slab_bytes in 1_usize..2000, threads in 1_usize..4) {
        let whole = left(&text, 1 << 20, 1);
        let cut = left(&text, slab_bytes, threads);
        prop_assert_eq!(whole, cut);
    }
}

#[test]
fn what_is_contradicted_late_is_written_once_more_with_the_types_of_all() {
    use std::fmt::Write as _;

    let mut text = "a,b,c\n".to_owned();
    for row in 0..900 {
        writeln!(text, "{row},,{}.50", row % 7).unwrap();
    }
    text += "2.5,17,x\n";
    let cut = left(&text, 1000, 2).unwrap();
    assert_eq!(cut, left(&text, 1 << 20, 1).unwrap());
    assert_eq!(
        (cut.rows.len(), cut.profile["columns"][0]["type"].as_str()),
        (901, Some("float64"))
    );
    assert_eq!(
        (
            cut.profile["columns"][1]["type"].as_str(),
            cut.profile["columns"][2]["type"].as_str()
        ),
        (Some("int64"), Some("string"))
    );
}

#[test]
fn words_for_nothing_are_nulls_of_a_typed_column_and_counted() {
    let left = left("a,b\n1,NA\nNA,x\n,y\n-,NA\n2,z\n", 1 << 20, 1).unwrap();
    let columns = &left.profile["columns"];
    assert_eq!(
        (columns[0]["type"].as_str(), columns[0]["nulls"].as_u64()),
        (Some("int64"), Some(3))
    );
    assert_eq!(columns[0]["null_tokens"], serde_json::json!({"NA": 1, "-": 1}));
    assert_eq!(
        (columns[1]["type"].as_str(), columns[1]["nulls"].as_u64()),
        (Some("string"), Some(0))
    );
    assert_eq!(
        left.profile["file"]["null_tokens"],
        serde_json::json!(["-", "NA"])
    );
}

#[test]
fn short_rows_of_a_wide_table_take_no_more_memory_than_long_ones() {
    let header: Vec<String> = (0..4000).map(|column| format!("c{column}")).collect();
    let header_line = header.join(",") + "\n";
    let offset = header_line.len() as u64;
    // A row with less than one in 64 of its cells is none.
    let text = header_line + &(["7"; 63].join(",") + "\n").repeat(3000) + "7,8\n";
    let limits = Limits {
        memory_bytes: 1 << 20,
        ..Limits::default()
    };
    let facts = Facts {
        name: "t.csv".into(),
        size_bytes: text.len() as u64,
        declared_type: None,
    };
    let source = text.as_bytes();
    let input = Input::new(&facts, &limits, &source);
    let found = Delimited::open(&input, &TablesOptions::default()).unwrap();
    let file = Delimited {
        dialect: Dialect::simple(b',', header, offset),
        ..found
    };
    let mut outputs = InMemory::default();
    let outcome = run(&file, ParquetVersion::default(), &input, &mut outputs)
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            outcome.rows_written,
            outcome.counts.repairs[&Repair::Padded],
            outcome.rejects.count()
        ),
        (3000, 3000, 1)
    );
    let parquet = Bytes::from(outputs.files().remove("table.parquet").unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    let cells = |group: &RowGroupMetaData| group.num_rows() * 4000;
    let most = i64::try_from(pipeline::most_cells(&limits, CELL_BYTES)).unwrap();
    // One block more than there is room for.
    assert!(
        reader
            .metadata()
            .row_groups()
            .iter()
            .all(|group| cells(group) <= most + (4 << 20))
    );
    assert!(reader.metadata().num_row_groups() > 1);
}
