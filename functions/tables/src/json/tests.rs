//! Texts through slabs, shapes and batches, and back to JSON.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::format_collect,
    clippy::naive_bytecount,
    reason = "small numbers and short texts"
)]

use arrow_array::{Array, RecordBatch, cast::AsArray, types::*};
use arrow_schema::DataType;
use serde_json::{Value, json};

use super::*;
use crate::cells::Rows;

const CAP: usize = 1 << 20;

/// What a text gives: its rows as JSON, its rejects, and the schema.
#[derive(Debug)]
struct Table {
    rows: Vec<Value>,
    rejects: Vec<(u64, u64, Fault, String)>,
    batches: Vec<RecordBatch>,
}

fn slabs(text: &[u8], kind: JsonKind, record_bytes: usize, slab_bytes: usize) -> Vec<Slab> {
    let mut slabs = Slabs::new(text, kind, record_bytes).of_bytes(slab_bytes);
    let mut all = Vec::new();
    while let Some(slab) = slabs.next_slab().unwrap() {
        all.push(slab);
    }
    all
}

fn read(text: &[u8], kind: JsonKind, record_bytes: usize, slab_bytes: usize) -> Table {
    let slabs = slabs(text, kind, record_bytes, slab_bytes);
    let mut shape = Shape::default();
    for slab in &slabs {
        shape.merge(Shape::infer(slab, record_bytes));
    }
    let mut table = Table {
        rows: Vec::new(),
        rejects: Vec::new(),
        batches: Vec::new(),
    };
    for slab in &slabs {
        let Parse::Done(parsed) = parse(slab, &shape, record_bytes).unwrap() else {
            panic!("the shape of all contradicts a part");
        };
        assert_eq!(
            parsed.records,
            (parsed.batch.num_rows() + parsed.rejects.len()) as u64
        );
        // The same, in batches of a few cells.
        let mut few = Vec::new();
        let take = |rows: Rows| {
            let batch = rows.to_batch().unwrap();
            few.extend((0..batch.num_rows()).map(|row| row_of(&batch, row)));
            Ok(())
        };
        let taken = parse_in_batches(slab, &shape, record_bytes, 5, take)
            .unwrap()
            .unwrap();
        let whole: Vec<_> = (0..parsed.batch.num_rows())
            .map(|row| row_of(&parsed.batch, row))
            .collect();
        assert_eq!(
            (&few, taken.rows, &taken.rejects),
            (&whole, parsed.batch.num_rows() as u64, &parsed.rejects)
        );
        for reject in &parsed.rejects {
            let raw = String::from_utf8_lossy(slab.raw(reject)).into_owned();
            assert!(text[reject.offset as usize..].starts_with(slab.raw(reject)));
            let line = 1 + text[..reject.offset as usize]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            assert_eq!(reject.line, line as u64);
            table
                .rejects
                .push((reject.line, reject.offset, reject.fault, raw));
        }
        table
            .rows
            .extend((0..parsed.batch.num_rows()).map(|row| row_of(&parsed.batch, row)));
        table.batches.push(parsed.batch);
    }
    table
}

fn lines(text: &str) -> Table {
    read(text.as_bytes(), JsonKind::Lines, CAP, 1 << 20)
}

fn row_of(batch: &RecordBatch, row: usize) -> Value {
    let fields = batch.schema_ref().fields().iter().zip(batch.columns());
    Value::Object(
        fields
            .map(|(field, array)| (field.name().clone(), value(array, row)))
            .collect(),
    )
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            Value::Object(
                columns
                    .map(|(field, array)| (field.name().clone(), value(array, row)))
                    .collect(),
            )
        }
        other => panic!("{other}"),
    }
}

fn kinds(table: &Table) -> Vec<(String, String)> {
    let fields = table.batches[0].schema_ref().fields();
    fields
        .iter()
        .map(|field| (field.name().clone(), field.data_type().to_string()))
        .collect()
}

/// The type of one column of such values.
fn kind(values: &[&str]) -> (String, Vec<Value>) {
    let text: String = values
        .iter()
        .map(|value| format!("{{\"a\":{value}}}\n"))
        .collect();
    let mut table = lines(&text);
    assert!(table.rejects.is_empty());
    let rows = table.rows.iter_mut().map(|row| row["a"].take()).collect();
    (kinds(&table).remove(0).1, rows)
}

#[test]
fn a_column_is_what_all_its_values_can_be() {
    let check = |values: &[&str], expected: &str, written: Value| {
        let (kind, values) = kind(values);
        assert_eq!((kind.as_str(), Value::from(values)), (expected, written));
    };
    check(&["true", "null", "false"], "Boolean", json!([true, null, false]));
    check(&["1", "-2"], "Int64", json!([1, -2]));
    check(&["1", "18446744073709551615"], "UInt64", json!([1, u64::MAX]));
    check(
        &["-1", "18446744073709551615"],
        "Utf8",
        json!(["-1", "18446744073709551615"]),
    );
    check(
        &["1", "18446744073709551616"],
        "Utf8",
        json!(["1", "18446744073709551616"]),
    );
    check(&["1", "2.50", "1e2"], "Float64", json!([1.0, 2.5, 100.0]));
    check(&["-0"], "Float64", json!([-0.0]));
    check(
        &["9007199254740992", "0.5"],
        "Float64",
        json!([9_007_199_254_740_992.0, 0.5]),
    );
    check(
        &["9007199254740993", "0.5"],
        "Utf8",
        json!(["9007199254740993", "0.5"]),
    );
    check(
        &["0.1234567890123456789"],
        "Utf8",
        json!(["0.1234567890123456789"]),
    );
    check(&["1e400", "1"], "Utf8", json!(["1e400", "1"]));
    check(
        &["\"x\"", "1.50", "true", "[1, 2]", "{ }"],
        "Utf8",
        json!(["x", "1.50", "true", "[1, 2]", "{ }"]),
    );
    check(&["null"], "Utf8", json!([null]));
    check(&["{}", "null", "{ }"], "Utf8", json!(["{}", null, "{ }"]));
    check(
        &["{}", "{\"b\": 1}"],
        "Struct(\"b\": Int64)",
        json!([{"b": null}, {"b": 1}]),
    );
    check(&["\"\\u00e9\\ud83d\\ude00\\n\""], "Utf8", json!(["é😀\n"]));
}

#[test]
fn lists_say_whether_nulls_and_empties_are_in_them() {
    let field = |values: &[&str]| {
        let text: String = values
            .iter()
            .map(|value| format!("{{\"a\":{value}}}\n"))
            .collect();
        let table = lines(&text);
        let field = table.batches[0].schema_ref().field(0).clone();
        let DataType::List(item) = field.data_type() else {
            panic!()
        };
        let never_empty = field.metadata().contains_key(crate::write::proto::NEVER_EMPTY);
        (field.is_nullable(), never_empty, item.is_nullable())
    };
    assert_eq!(field(&["[1]"]), (true, true, false));
    assert_eq!(field(&["[1]", "null"]), (true, true, false));
    assert_eq!(field(&["[1]", "[]"]), (false, false, false));
    assert_eq!(field(&["[null]", "[]", "null"]), (true, false, true));
}

#[test]
fn keys_come_in_the_order_of_their_first_appearance_and_may_be_missing() {
    let table =
        lines("{\"b\":1,\"a\":{\"x\":[1]}}\n\n{\"c\":\"\",\"a\":{\"y\":null}}\r\n{\"a\":null,\"b\":2}");
    let names: Vec<_> = kinds(&table).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b", "a", "c"]);
    assert_eq!(
        Value::from(table.rows),
        json!([
            {"b": 1, "a": {"x": [1], "y": null}, "c": null},
            {"b": null, "a": {"x": null, "y": null}, "c": ""},
            {"b": 2, "a": null, "c": null},
        ])
    );
}

#[test]
fn of_a_key_that_is_there_twice_the_last_value_counts() {
    let table = lines(
        "{\"a\":1,\"b\":{\"c\":[1,2]},\"\\u0061\":2,\"b\":{\"c\":[3]}}\n{\"b\":null,\"a\":3,\"b\":{}}\n",
    );
    assert_eq!(
        Value::from(table.rows),
        json!([{"a": 2, "b": {"c": [3]}}, {"a": 3, "b": {"c": null}}])
    );
}

#[test]
fn a_bad_line_is_told_of_and_leaves_nothing() {
    let text = b"\xEF\xBB\xBF{\"a\":1,\"l\":[1]}\n{\"a\":2,\"l\":[2,}\n7\n\n{\"a\":3,\"new\":1\n{\"a\":\"\xFF\"}\n{\"a\":\"\\ud800\"}\n{\"a\":4} {}\n{\"a\":5}";
    let table = read(text, JsonKind::Lines, CAP, 1 << 20);
    assert_eq!(
        Value::from(table.rows),
        json!([{"a": 1, "l": [1]}, {"a": 5, "l": null}])
    );
    let rejects: Vec<_> = table
        .rejects
        .iter()
        .map(|reject| (reject.0, reject.1, reject.2))
        .collect();
    let comma = "a comma or the closing brace";
    assert_eq!(
        rejects,
        [
            (
                2,
                19,
                Fault::Syntax {
                    at: 14,
                    expected: "a value"
                }
            ),
            (3, 35, Fault::NotAnObject),
            (
                5,
                38,
                Fault::Syntax {
                    at: 14,
                    expected: comma
                }
            ),
            (6, 53, Fault::NotUtf8 { at: 6 }),
            (7, 63, Fault::LoneSurrogate { at: 6 }),
            (8, 78, Fault::Trailing { at: 8 }),
        ]
    );
    assert_eq!(table.rejects[1].3, "7");
}

#[test]
fn what_comes_later_contradicts_the_shape() {
    let parse = |first: &str, second: &str| {
        let slab = |text: &str| slabs(text.as_bytes(), JsonKind::Lines, CAP, 1 << 20).remove(0);
        let mut shape = Shape::infer(&slab(first), CAP);
        let second = slab(second);
        let parsed = parse(&second, &shape, CAP).unwrap();
        shape.merge(Shape::infer(&second, CAP));
        assert!(matches!(
            super::parse(&second, &shape, CAP).unwrap(),
            Parse::Done(_)
        ));
        matches!(parsed, Parse::Contradiction)
    };
    let of = |first: &str, second: &str| parse(&format!("{{\"a\":{first}}}"), &format!("{{\"a\":{second}}}"));
    assert!(parse("{\"a\":1}", "{\"b\":1}"));
    assert!(!parse("{\"a\":1,\"b\":1}", "{\"b\":1}"));
    for (first, second) in [
        ("1", "1.5"),
        ("1", "18446744073709551615"),
        ("1.5", "9007199254740993"),
        ("1", "true"),
        ("null", "1"),
        ("{}", "{\"b\":1}"),
        ("[1]", "[]"),
        ("[]", "null"),
        ("[1]", "[null]"),
        ("[[1]]", "[[1.5]]"),
        ("{\"b\":1}", "2"),
    ] {
        assert!(of(first, second), "{first} and then {second}");
        // A fault that follows makes it no contradiction.
        assert!(
            !parse(&format!("{{\"a\":{first}}}"), &format!("{{\"a\":{second},}}")),
            "{second}"
        );
    }
    for (first, second) in [
        ("1", "null"),
        ("1.5", "1"),
        ("\"x\"", "1"),
        ("null", "\"x\""),
        ("[1]", "null"),
    ] {
        assert!(!of(first, second), "{first} and then {second}");
    }
}

#[test]
fn the_caps_hold() {
    let deep = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let text = format!("{}\n{}\n", deep(MAX_DEPTH), deep(MAX_DEPTH - 1));
    let table = lines(&text);
    assert_eq!(
        (table.rows.len(), table.rejects[0].2),
        (
            1,
            Fault::TooDeep {
                at: 5 + MAX_DEPTH - 1
            }
        )
    );

    let wide: String = (0..=MAX_FIELDS)
        .map(|key| format!("{{\"a\":{{\"k{key}\":1}}}}\n"))
        .collect();
    let table = lines(&wide);
    assert_eq!(kinds(&table), [("a".to_owned(), "Utf8".to_owned())]);
    assert_eq!(table.rows[7], json!({"a": "{\"k7\":1}"}));

    let many: String = (0..5000).map(|key| format!("{{\"k{key}\":1}}\n")).collect();
    let mut shape = Shape::default();
    for slab in slabs(many.as_bytes(), JsonKind::Lines, CAP, 1 << 20) {
        shape.merge(Shape::infer(&slab, CAP));
    }
    assert_eq!(shape.check().unwrap_err().code, "too-many-columns");
    assert_eq!(Shape::default().check().unwrap_err().code, "no-columns");

    for kind in [JsonKind::Lines, JsonKind::Array, JsonKind::Values] {
        let long = format!("{{\"a\":\"{}\\\"]}}\"}}", "x".repeat(100));
        let (open, comma, close) = if kind == JsonKind::Array {
            ("[", ",", "]")
        } else {
            ("", "\n", "\n")
        };
        let text = format!("{open}{{\"a\":1}}{comma}{long}{comma}{{\"a\":2}}{close}");
        for slab_bytes in [1, 30, 1000] {
            let table = read(text.as_bytes(), kind, 20, slab_bytes);
            assert_eq!(
                Value::from(table.rows),
                json!([{"a": 1}, {"a": 2}]),
                "{kind:?} {slab_bytes}"
            );
            assert_eq!((table.rejects.len(), table.rejects[0].2), (1, Fault::TooLong));
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_not_blank_however_it_begins() {
    for blank in [" ", "\r", "\t"] {
        let text = format!("{}[\n{{\"a\":1}}\n", blank.repeat(40));
        for slab_bytes in [1, 1000] {
            let table = read(text.as_bytes(), JsonKind::Lines, 20, slab_bytes);
            assert_eq!(
                Value::from(table.rows),
                json!([{"a": 1}]),
                "{blank:?} {slab_bytes}"
            );
            let rejects: Vec<_> = table.rejects.iter().map(|reject| (reject.0, reject.2)).collect();
            assert_eq!(rejects, [(1, Fault::TooLong)], "{blank:?} {slab_bytes}");
        }
    }
}

#[test]
fn an_array_is_read_item_by_item_and_must_end() {
    let read = |text: &str| read(text.as_bytes(), JsonKind::Array, CAP, 16);
    let table = read(" [ {\"a\": \"],[\"} ,\n{\"a\":\"\\\"\"},5,, {\"a\":null}\n,] ");
    assert_eq!(
        Value::from(table.rows),
        json!([{"a": "],["}, {"a": "\""}, {"a": null}])
    );
    let lines: Vec<_> = table.rejects.iter().map(|reject| (reject.0, reject.2)).collect();
    let empty = Fault::Syntax {
        at: 0,
        expected: "a value",
    };
    assert_eq!(lines, [(2, Fault::NotAnObject), (2, empty), (3, empty)]);
    assert!(read("[]").rows.is_empty());
    let failure = |text: &str| {
        let mut slabs = Slabs::new(text.as_bytes(), JsonKind::Array, CAP);
        loop {
            match slabs.next_slab() {
                Ok(slab) => assert!(slab.is_some(), "{text} is taken"),
                Err(failure) => return failure.code,
            }
        }
    };
    assert_eq!(failure("[{\"a\":1}"), "unclosed-array");
    assert_eq!(failure("[{\"a\":\"1}]"), "unclosed-array");
    assert_eq!(failure(""), "unclosed-array");
    assert_eq!(failure("[] []"), "not-json");
    assert_eq!(failure("{}"), "not-json");
}

#[test]
fn values_may_be_over_many_lines() {
    let text = "{\n  \"a\": [\n 1,\n 2 ]\n}\n{\"a\":[]} {\"a\":\"}\"}\n? x\n}\n{\"a\":null";
    let table = read(text.as_bytes(), JsonKind::Values, CAP, 8);
    assert_eq!(
        Value::from(table.rows),
        json!([{"a": "[\n 1,\n 2 ]"}, {"a": "[]"}, {"a": "}"}])
    );
    let lines: Vec<_> = table
        .rejects
        .iter()
        .map(|reject| (reject.0, reject.3.as_str()))
        .collect();
    assert_eq!(lines, [(7, "? x"), (8, "}"), (9, "{\"a\":null")]);
}

#[test]
fn texts_are_told_by_how_they_begin() {
    let kind = |text: &str| looks_like(text.as_bytes());
    assert_eq!(kind("{\"a\":1}\n{\"a\":2}\n{\"a"), Some(JsonKind::Lines));
    assert_eq!(kind("\u{FEFF}\n {\"a\":1}"), Some(JsonKind::Lines));
    assert_eq!(kind("{oops\n{\"a\":2}\n"), Some(JsonKind::Lines));
    assert_eq!(
        kind("{\"a\": \"a line longer than the sam"),
        Some(JsonKind::Lines)
    );
    assert_eq!(kind("{\n  \"a\": 1\n}\n"), Some(JsonKind::Values));
    assert_eq!(kind("[{\"a\":1}"), Some(JsonKind::Array));
    assert_eq!(kind(" [\n  {"), Some(JsonKind::Array));
    assert_eq!(kind("[]"), Some(JsonKind::Array));
    for text in ["[1,2]", "[[1", "[", "[\"a\", [{}]"] {
        assert_eq!(kind(text), Some(JsonKind::Array), "{text}");
    }
    assert_eq!(kind(&"[".repeat(1000)), Some(JsonKind::Array));
    for text in [
        "",
        "a,b\n1,2\n",
        "[x],[y]\n1,2\n",
        "{x},y\n1,2",
        "[1],[2]\n",
        "[1,2\n3,4\n",
        "[[a]],b\n",
        "\"a\",\"b\"\n",
        "{a}",
    ] {
        assert_eq!(kind(text), None, "{text}");
    }
}

#[path = "properties.rs"]
mod properties;
