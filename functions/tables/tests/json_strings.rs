//! Strings of JSON that are days, times, instants and UUIDs, and names that columns cannot have.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test that cannot go on fails here, and its texts are short"
)]

mod run;

use arrow_array::{Array, cast::AsArray};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use run::{convert, convert_with, is_same, read_back};
use serde_json::{Value, json};
use shared::Limits;

fn profile(outputs: &std::collections::BTreeMap<String, Vec<u8>>) -> Value {
    serde_json::from_slice(&outputs["profile.json"]).expect("a profile")
}

/// The type of the one column of these values, and its cells as they are read back.
fn column(values: &[&str]) -> (String, Vec<String>) {
    let lines: String = values
        .iter()
        .map(|value| format!("{{\"a\":{value}}}\n"))
        .collect();
    let done = convert(lines.as_bytes()).expect(&lines);
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    let as_array = convert(array.as_bytes()).expect(&array);
    let kind = |outputs| profile(outputs)["columns"][0]["type"].as_str().map(str::to_owned);
    assert_eq!(kind(&done.outputs), kind(&as_array.outputs), "{lines}");
    let cells = read_back(&done.outputs["table.parquet"]).into_iter().flatten();
    (kind(&done.outputs).expect("a type"), cells.collect())
}

#[test]
fn strings_that_all_are_moments_become_them() {
    for (values, kind, cells) in [
        (
            &["\"2024-10-10\"", "null", "\"2024-02-29\""][..],
            "date",
            ["2024-10-10", "", "2024-02-29"],
        ),
        (
            &["\"10:00:00\"", "null", "\"23:59:59\""],
            "time",
            ["10:00:00", "", "23:59:59"],
        ),
        (
            &["\"2024-10-10T10:00:00Z\"", "null", "\"2024-02-29T23:59:59Z\""],
            "timestamp_utc",
            ["2024-10-10T10:00:00Z", "", "2024-02-29T23:59:59Z"],
        ),
        (
            &[
                "\"00112233-4455-6677-8899-aabbccddeeff\"",
                "null",
                "\"ffffffff-ffff-ffff-ffff-ffffffffffff\"",
            ],
            "uuid",
            [
                "00112233-4455-6677-8899-aabbccddeeff",
                "",
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
            ],
        ),
        // An escape is another spelling of the same text.
        (
            &["\"2024\\u002d10-10\"", "null", "\"2024-10-11\""],
            "date",
            ["2024-10-10", "", "2024-10-11"],
        ),
    ] {
        assert_eq!(
            column(values),
            (kind.to_owned(), cells.map(str::to_owned).to_vec()),
            "{values:?}"
        );
    }
}

#[test]
fn what_is_in_doubt_stays_text() {
    for values in [
        &["2024-10-10", "13.10.2024"][..],
        &["2024-10-10", ""],
        &["2024-10-10", "NULL"],
        &["2024-10-10", "2024-1-2"],
        &["2024/10/10", "2024/10/11"],
        &["1", "2"],
        &["true", "false"],
        &["2024-10-10T10:00:00Z", "2024-10-10T10:00:00+01:00"],
        &[
            "00112233-4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-AABBCCDDEEFF",
        ],
    ] {
        let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        let quoted: Vec<&str> = quoted.iter().map(String::as_str).collect();
        let texts = values.iter().map(ToString::to_string).collect();
        assert_eq!(column(&quoted), ("string".to_owned(), texts));
    }
    assert_eq!(column(&["\"2024-10-10\"", "20241010"]).0, "string");
    assert_eq!(
        column(&["\"2024-10-10\"", "20241010"]).1,
        ["2024-10-10", "20241010"]
    );
}

/// Many lines, so that the last of them is far from the first slab.
#[test]
fn a_late_contradiction_widens_to_the_original_text() {
    let limits = Limits {
        record_bytes: 4096,
        memory_bytes: 2 << 20,
        threads: 2,
        ..Limits::default()
    };
    for late in [
        "2024-01-01T10:00:00.50Z",
        "2024-01-01T10:00:00+02:00",
        "never",
        "2024-01-01",
    ] {
        let pad = "x".repeat(2000);
        let mut text: String = (0..20_000)
            .map(|at| {
                format!(
                    "{{\"at\":\"2024-01-01T10:{:02}:00.5Z\",\"pad\":\"{pad}\"}}\n",
                    at % 60
                )
            })
            .collect();
        text += &format!("{{\"at\":\"{late}\",\"pad\":\"\"}}\n");
        let done = convert_with(text.as_bytes(), &limits).expect("a table");
        assert_eq!(profile(&done.outputs)["columns"][0]["type"], "string", "{late}");
        let rows = read_back(&done.outputs["table.parquet"]);
        assert_eq!(rows.len(), 20_001);
        assert_eq!(rows[0][0], "2024-01-01T10:00:00.5Z");
        assert_eq!(rows[20_000][0], late);
    }
}

#[test]
fn strings_of_rejected_records_say_nothing() {
    let text = "{\"a\":\"2024-01-01T10:00:00Z\"}\n{\"a\":\"2024-01-01T10:00Z\",}\n{\"a\":\"2024-01-02T10:00:00Z\"}\n\
                {\"a\":\"2024-01-01T10:00:00.123Z\"\n";
    let done = convert(text.as_bytes()).expect("a table");
    assert_eq!(done.report.rows_rejected, 2);
    assert_eq!(profile(&done.outputs)["columns"][0]["type"], "timestamp_utc");
}

#[test]
fn moments_within_lists_and_objects_are_read_too() {
    let text = concat!(
        "{\"o\":{\"at\":\"2024-01-01\",\"id\":\"00112233-4455-6677-8899-aabbccddeeff\"},\"l\":[\"10:00:00\",null]}\n",
        "{\"o\":{\"at\":null},\"l\":[]}\n",
        "{\"o\":null,\"l\":[\"11:00:00\"]}\n",
    );
    let done = convert(text.as_bytes()).expect("a table");
    let columns = &profile(&done.outputs)["columns"];
    assert_eq!(columns[0]["fields"][0]["type"], "date");
    assert_eq!(columns[0]["fields"][1]["type"], "uuid");
    assert_eq!(columns[1]["items"]["type"], "time");
    let bytes = Bytes::copy_from_slice(&done.outputs["table.parquet"]);
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .expect("Parquet");
    let batch = reader.next().expect("a batch").expect("a good one");
    let objects = batch.column(0).as_struct();
    let days = objects.column(0).as_primitive::<arrow_array::types::Date32Type>();
    assert_eq!(
        (days.value(0), days.is_null(1), objects.is_null(2)),
        (19_723, true, true)
    );
    let uuids = objects.column(1).as_fixed_size_binary();
    assert_eq!(uuids.value(0)[..4], [0, 0x11, 0x22, 0x33]);
    let items = batch.column(1).as_list::<i32>().values();
    let times = items.as_primitive::<arrow_array::types::Time64MicrosecondType>();
    assert_eq!(
        (times.value(0), times.is_null(1), times.value(2)),
        (36_000_000_000, true, 39_600_000_000)
    );
}

#[test]
fn names_that_are_changed_are_recorded() {
    let text = "{\"a\":1,\"A\":2,\"\":3,\" b \":{\"x\":1,\"X\":2},\"l\":[{\"y\\n\":1}]}\n";
    for text in [text.to_owned(), format!("[{}]", text.trim_end())] {
        let done = convert(text.as_bytes()).expect("a table");
        let columns = profile(&done.outputs)["columns"].clone();
        let names = |columns: &Value| -> Vec<(Value, Value)> {
            let columns = columns.as_array().expect("columns").iter();
            columns
                .map(|column| (column["name"].clone(), column["source_name"].clone()))
                .collect()
        };
        assert_eq!(
            names(&columns),
            [
                (json!("a"), Value::Null),
                (json!("A_2"), json!("A")),
                (json!("column_3"), json!("")),
                (json!("b"), json!(" b ")),
                (json!("l"), Value::Null),
            ]
        );
        assert_eq!(
            names(&columns[3]["fields"]),
            [(json!("x"), Value::Null), (json!("X_2"), json!("X"))]
        );
        assert_eq!(
            names(&columns[4]["items"]["fields"]),
            [(json!("y"), json!("y\n"))]
        );
    }
}

#[test]
fn brackets_that_are_no_table_are_refused_with_a_reason() {
    for (text, code) in [
        ("[".repeat(100_000), "unclosed-array"),
        ("[".repeat(100_000) + &"]".repeat(100_000), "no-good-row"),
        ("[".repeat(100_000) + "\n1,2\n", "unclosed-array"),
        ("[1,2,3]".to_owned(), "no-good-row"),
        ("[[1,2],[3".to_owned(), "unclosed-array"),
    ] {
        let failure = convert(text.as_bytes()).expect_err("refused");
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.to_string().contains("(at "), "{failure}");
    }
    // Brackets around names are how some databases quote them.
    let done = convert(b"[id],[name]\n1,ann\n2,bob\n").expect("a table");
    assert_eq!(
        (done.report.format, done.report.columns, done.report.rows),
        ("delimited", 2, 2)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_that_is_written_differs_from_what_was_read(
        texts in proptest::collection::vec(
            prop_oneof![
                "2024-(0[1-9]|1[0-2])-[0-2][0-9]",
                "2024-01-0[1-9]T10:00(:0[0-9](\\.[0-9]{1,7})?)?(Z|\\+01:00)?",
                "1[0-9]:[0-5][0-9](:[0-5][0-9](\\.[05]{1,2})?)?",
                "[0-9a-f]{8}-0000-0000-0000-0000000000[aA]0",
                "|NULL|1",
            ],
            1..5,
        ),
    ) {
        let quoted: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
        let (kind, cells) = column(&quoted.iter().map(String::as_str).collect::<Vec<_>>());
        for (cell, text) in cells.iter().zip(&texts) {
            let day = if kind == "time" { "1970-01-01T" } else { "" };
            let is_same = is_same(&format!("{day}{text}"), &format!("{day}{cell}"));
            prop_assert!(is_same, "{}: {} is not {}", kind, cell, text);
        }
    }
}
