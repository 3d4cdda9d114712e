//! The whole core over files in memory: what it writes, refuses and counts.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails here")]

mod run;

use std::collections::BTreeMap;

use proptest::prelude::*;
use run::{convert, convert_as, convert_with, is_same, read_back};
use shared::{
    FailureKind, Limits,
    options::{Delimiter, TablesOptions},
};
use tables::types::token;

fn refused(bytes: &[u8]) -> (FailureKind, String, String) {
    let failure = convert(bytes).expect_err("refused");
    (failure.kind, failure.code.to_string(), failure.to_string())
}

#[test]
fn a_delimiter_that_is_asked_for_is_not_looked_for() {
    let bytes = b"a;b,c\n1;2,3\n";
    for (delimiter, header) in [
        (Delimiter::COMMA, ["a;b", "c"]),
        (Delimiter::SEMICOLON, ["a", "b,c"]),
    ] {
        let options = TablesOptions {
            delimiter: Some(delimiter.clone()),
            ..TablesOptions::default()
        };
        let done = convert_as(bytes, &Limits::default(), &options).unwrap();
        assert_eq!(done.report.delimiter.as_deref(), Some(delimiter.as_str()));
        let profile: serde_json::Value = serde_json::from_slice(&done.outputs["profile.json"]).unwrap();
        let names: Vec<_> = profile["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| &column["name"])
            .collect();
        assert_eq!(names, header);
    }
}

#[test]
fn a_table_is_written_profiled_and_its_bad_rows_set_aside() {
    let done = convert(b"id,name,at\n1,ann,2024-05-06\n2,bob,2024-05-08,x\n3,\"c,d\",2024-05-07\n").unwrap();
    assert_eq!(
        (
            done.report.rows,
            done.report.rows_written,
            done.report.rows_rejected
        ),
        (3, 2, 1)
    );
    assert_eq!(
        read_back(&done.outputs["table.parquet"]),
        [["1", "ann", "2024-05-06"], ["3", "c,d", "2024-05-07"]]
    );
    let rejects = String::from_utf8(done.outputs["rejects.jsonl"].clone()).unwrap();
    let reject: serde_json::Value = serde_json::from_str(rejects.trim_end()).unwrap();
    assert_eq!((&reject["row"], &reject["byte_offset"]), (&2.into(), &28.into()));
    assert_eq!(
        (&reject["reason"], &reject["raw"]),
        (&"field-count".into(), &"2,bob,2024-05-08,x".into())
    );
}

#[test]
fn a_reject_names_the_cell_that_is_at_fault() {
    let text = b"\xEF\xBB\xBFid,Name,name\n1,a,b\n2,\"x, \xFF\",b\n3,a,y\0z\n4,a,b\n5,\"a\"b,c,d\n6,\"a,b,c,d\n7,a,b,c\n";
    let done = convert(text).unwrap();
    let rejects = String::from_utf8(done.outputs["rejects.jsonl"].clone()).unwrap();
    let told: Vec<_> = rejects
        .lines()
        .map(|line| {
            let reject: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| reject.get(key).map(|text| text.as_str().unwrap().to_owned());
            (
                reject["row"].as_u64().unwrap(),
                text("reason").unwrap(),
                text("column"),
                text("value"),
            )
        })
        .collect();
    let at_fault = |row: u64, reason: &str, column: &str, value: &str| {
        (
            row,
            reason.to_owned(),
            Some(column.to_owned()),
            Some(value.to_owned()),
        )
    };
    assert_eq!(
        told,
        [
            at_fault(2, "not-utf8", "Name", "\"x, \u{FFFD}\""),
            at_fault(3, "nul", "name_2", "y\0z"),
            at_fault(5, "stray-quote", "Name", "\"a\"b"),
            at_fault(6, "unterminated-quote", "Name", "\"a,b,c,d"),
            (7, "field-count".to_owned(), None, None),
        ]
    );
}

#[test]
fn no_output_for_rejects_where_there_are_none() {
    let done = convert(b"a,b\n1,2\n").unwrap();
    assert_eq!(
        done.outputs.keys().collect::<Vec<_>>(),
        [
            "profile.html",
            "profile.json",
            "table.parquet",
            "table.pb",
            "table.proto"
        ]
    );
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    for text in [&b"a,b"[..], b"a,b\n", b"\xEF\xBB\xBFa,b\r\n\r\n"] {
        let done = convert(text).unwrap();
        assert_eq!((done.report.rows, done.report.columns), (0, 2));
        assert_eq!(
            read_back(&done.outputs["table.parquet"]),
            Vec::<Vec<String>>::new()
        );
    }
}

#[test]
fn what_is_no_table_is_refused_by_name() {
    for (bytes, code) in [
        (&b""[..], "empty"),
        (b"\n", "empty"),
        (b"\r\n\r\n\n\n", "empty"),
        (b"\"", "bad-header"),
        (b"\x1F\x8B\x08\x00", "truncated"),
        (b"\0", "binary"),
        (b"\xFF\xFE\0\0a\0\0\0", "utf-32"),
    ] {
        let (kind, found, message) = refused(bytes);
        assert_eq!((kind, found.as_str()), (FailureKind::Rejected, code), "{message}");
        assert!(message.contains("(at "), "{message} has no place");
    }
}

#[test]
fn headers_beyond_the_limits_are_refused() {
    let wide = format!("{}\n{}\n", "c,".repeat(5000), "1,".repeat(5000));
    assert_eq!(refused(wide.as_bytes()).1, "too-many-columns");
    let long = "c".repeat(3 << 20);
    assert_eq!(refused(long.as_bytes()).1, "bad-header");
}

#[test]
fn a_file_of_more_bytes_than_its_limit_is_refused() {
    let limits = Limits {
        input_bytes: 10,
        ..Limits::default()
    };
    let failure = convert_with(b"a,b\n1,2\n3,4\n", &limits).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Limit, "input-too-large")
    );
}

#[test]
fn a_billion_quotes_and_the_like_end() {
    let quotes = [b"a,b\n1,2\n".as_slice(), &vec![b'"'; 8 << 20]].concat();
    let done = convert(&quotes).unwrap();
    assert_eq!((done.report.rows_written, done.report.rows_rejected), (1, 1));
    let lines = [b"a,b\n1,2\n".as_slice(), &b"\"\n".repeat(1 << 20)].concat();
    let report = convert(&lines).unwrap().report;
    assert_eq!(report.rows, report.rows_written + report.rows_rejected);
    let carriage = [b"a,b\r1,2\r".as_slice(), &vec![b'\r'; 1 << 20]].concat();
    assert_eq!(convert(&carriage).unwrap().report.blank_lines, 1 << 20);
    let one_line = [b"a,b\n1,2\n".as_slice(), &vec![b'x'; 32 << 20], b"\n3,4\n"].concat();
    let done = convert(&one_line).unwrap();
    assert_eq!((done.report.rows_written, done.report.rows_rejected), (2, 1));
}

#[test]
fn a_large_file_passes_once_and_says_the_same_as_a_small_one() {
    let text = "n,t\n".to_owned() + &"12,ab\n,\"c\"\"d\"\n3,4,5\n".repeat(1 << 20);
    let done = convert(text.as_bytes()).unwrap();
    assert_eq!(
        (done.readers, done.report.rows, done.report.rows_rejected),
        (LOOKS + 1, 3 << 20, 1 << 20)
    );
    let profile: serde_json::Value = serde_json::from_slice(&done.outputs["profile.json"]).unwrap();
    let column = &profile["columns"][0];
    assert_eq!(
        (&column["type"], &column["nulls"], &column["distinct"]),
        (&"int64".into(), &(1 << 20).into(), &1.into())
    );
    // What the last cell says of its column makes it pass once more.
    let done = convert((text + "x,y\n").as_bytes()).unwrap();
    assert_eq!((done.readers, done.report.rows), (LOOKS + 2, (3 << 20) + 1));
}

/// How often a file is opened to see what it is.
const LOOKS: usize = 2;

/// A cell and how it is written.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,17})",
        3 => "-?(0|[1-9][0-9]{0,6})\\.[0-9]{1,4}",
        2 => Just(String::new()),
        2 => "(true|false)",
        2 => "(19|20)[0-9]{2}-0[1-9]-[012][0-9]",
        2 => "2024-0[1-9]-1[0-9]T0[0-9]:00:0[0-9](\\.[0-9]{3})?",
        2 => "\\PC{0,8}",
        1 => "[a-z\",;\n\r]{1,6}",
    ]
}

/// Columns whose cells are mostly of one kind, so that types are found and contradicted.
fn table() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1_usize..6, 0_usize..30).prop_flat_map(|(columns, rows)| {
        let column = prop_oneof![
            proptest::collection::vec(cell(), rows),
            proptest::collection::vec("(|-?(0|[1-9][0-9]{0,17}))", rows),
            proptest::collection::vec("(|-?(0|[1-9][0-9]{0,3})\\.[0-9]{2})", rows),
            proptest::collection::vec("(|true|false)", rows),
            proptest::collection::vec("(|20[0-9]{2}-0[1-9]-[12][0-9])", rows),
            proptest::collection::vec("(|2024-0[1-9]-1[0-9]T0[0-9]:00:0[0-9]Z)", rows),
        ];
        proptest::collection::vec(column, columns)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn what_is_written_reads_back_equal(columns in table(), delimiter in "[,;|\t]") {
        let rows = columns.iter().map(Vec::len).min().unwrap_or_default();
        let mut text = (0..columns.len()).map(|index| format!("c{index}")).collect::<Vec<_>>().join(&delimiter) + "\r\n";
        let mut source = Vec::new();
        for row in 0..rows {
            let cells: Vec<String> = columns.iter().map(|column| column[row].clone()).collect();
            let quoted = |cell: &String| {
                let plain = !cell.contains(['"', '\n', '\r', ',', ';', '|', '\t', '\0']) && !cell.is_empty();
                if plain || (cell.is_empty() && row % 2 == 0 && columns.len() > 1) {
                    cell.clone()
                } else {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                }
            };
            text += &cells.iter().map(quoted).collect::<Vec<_>>().join(&delimiter);
            text += "\r\n";
            source.push(cells);
        }
        // How a text is delimited is found, and tested, elsewhere.
        let options = serde_json::json!({"delimiter": delimiter, "quote": "\"", "header_rows": 1, "skip_lines": 0});
        let options = serde_json::from_value(options).unwrap();
        let done = convert_as(text.as_bytes(), &Limits::default(), &options).unwrap();
        prop_assert_eq!(done.report.rows_rejected, 0);
        let back = read_back(&done.outputs["table.parquet"]);
        prop_assert_eq!(back.len(), source.len());
        // A word for nothing among values comes back as nothing, and the profile tells each of them.
        let mut words = vec![BTreeMap::<String, u64>::new(); columns.len()];
        for (source, back) in source.iter().zip(&back) {
            for ((source, back), words) in source.iter().zip(back).zip(&mut words) {
                if back.is_empty() && token::find(source.as_bytes()).is_some() {
                    *words.entry(source.clone()).or_default() += 1;
                } else {
                    prop_assert!(is_same(source, back), "{:?} came back as {:?}", source, back);
                }
            }
        }
        let profile: serde_json::Value = serde_json::from_slice(&done.outputs["profile.json"]).unwrap();
        for (index, words) in words.into_iter().enumerate() {
            let told = &profile["columns"][index]["null_tokens"];
            let told: BTreeMap<String, u64> = if told.is_null() {
                BTreeMap::new()
            } else {
                serde_json::from_value(told.clone()).unwrap()
            };
            prop_assert_eq!(told, words);
        }
    }

    #[test]
    fn any_bytes_end_in_a_report_that_adds_up_or_in_a_refusal(
        header in "(|a|a,b|a;b;c)\n", bytes in proptest::collection::vec(any::<u8>(), 0..400),
        text in "[a1,;\"\n\r.é-]{0,300}", binary: bool,
    ) {
        let body = if binary { bytes } else { text.into_bytes() };
        match convert(&[header.as_bytes(), &body].concat()) {
            Ok(done) => {
                let report = done.report;
                prop_assert_eq!(report.rows, report.rows_written + report.rows_rejected);
                let lines = done.outputs.get("rejects.jsonl").map_or(0, |lines| {
                    lines.split_inclusive(|byte| *byte == b'\n').map(|line| {
                        serde_json::from_slice::<serde_json::Value>(line).unwrap();
                    }).count()
                });
                prop_assert_eq!(lines as u64, report.rows_rejected);
                prop_assert_eq!(read_back(&done.outputs["table.parquet"]).len() as u64, report.rows_written);
            }
            Err(failure) => prop_assert!(failure.kind.is_final(), "{}", failure),
        }
    }
}
