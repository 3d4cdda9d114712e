//! Files that are not UTF-8: what is told of a place in them is a place in their own bytes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test that cannot go on fails here, and its texts are short"
)]

mod run;

use encoding_rs::Encoding;
use run::{Done, convert, convert_as};
use serde_json::Value;
use shared::{
    Limits,
    options::{EncodingName, TablesOptions},
};

/// Names whose characters each of the encodings has, and those of one, two, three and four bytes where it has them.
const NAMES: [(&str, &[&str]); 11] = [
    ("utf-8", &["Jürgen", "漢字", "😀"]),
    ("utf-16le", &["Jürgen", "漢字", "😀"]),
    ("utf-16be", &["Jürgen", "漢字", "😀"]),
    ("windows-1252", &["Jürgen", "Œuvre €", "Zoë"]),
    ("koi8-r", &["Иван", "Ольга", "Ёж"]),
    ("shift_jis", &["漢字", "ｱｲｳ", "かな"]),
    ("euc-jp", &["漢字", "ｱｲｳ", "かな"]),
    ("gbk", &["汉字", "€", "深圳"]),
    ("gb18030", &["汉字", "Ĳß", "😀"]),
    ("big5", &["漢字", "臺北", "x"]),
    ("iso-2022-jp", &["漢字", "かな", "plain"]),
];

fn encode(label: &str, text: &str) -> Vec<u8> {
    match label {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => {
            let encoding = Encoding::for_label(label.as_bytes()).expect("an encoding");
            encoding.encode(text).0.into_owned()
        }
    }
}

/// Encodes lines one by one; gives the bytes and where each line begins.
fn encode_lines(label: &str, lines: &[String]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for line in lines {
        starts.push(bytes.len());
        bytes.extend(encode(label, line));
    }
    (bytes, starts)
}

fn options(label: &str) -> TablesOptions {
    TablesOptions {
        encoding: Some(EncodingName::try_from(label.to_owned()).expect("a label")),
        ..TablesOptions::default()
    }
}

fn rejects(done: &Done) -> Vec<Value> {
    let lines = done.outputs.get("rejects.jsonl").map(Vec::as_slice);
    let lines = String::from_utf8_lossy(lines.unwrap_or_default()).into_owned();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

fn profile(done: &Done) -> Value {
    serde_json::from_slice(&done.outputs["profile.json"]).expect("a profile")
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).expect("a small one")
}

/// More than a slab of them, every seventh one with a field too many.
fn delimited(names: &[&str]) -> Vec<String> {
    let mut lines = vec![format!("id,name,{}\n", names[0])];
    lines.extend((0..40_000).map(|row| {
        let name = names[row % names.len()];
        let surplus = if row % 7 == 3 { ",x,y" } else { "" };
        format!("{row},{name},{name}{surplus}\n")
    }));
    lines
}

#[test]
fn rejected_rows_are_placed_in_the_bytes_of_their_file() {
    for (label, names) in NAMES {
        let lines = delimited(names);
        let (bytes, starts) = encode_lines(label, &lines);
        let limits = Limits {
            memory_bytes: 2 << 20,
            ..Limits::default()
        };
        let done = convert_as(&bytes, &limits, &options(label)).expect(label);
        let rejects = rejects(&done);
        assert_eq!((done.report.rows, rejects.len()), (40_000, 5714), "{label}");
        for reject in rejects {
            let row = number(&reject["row"]);
            assert_eq!(number(&reject["byte_offset"]), starts[row], "{label}: {reject}");
            assert_eq!(reject["raw"], lines[row].trim_end(), "{label}");
        }
    }
}

#[test]
fn rejected_lines_of_json_are_placed_in_the_bytes_of_their_file() {
    for (label, names) in NAMES {
        let lines: Vec<String> = (0..2000)
            .map(|row| {
                let name = names[row % names.len()];
                let end = if row % 7 == 3 { "" } else { "}" };
                format!("{{\"id\":{row},\"name\":\"{name}\"{end}\n")
            })
            .collect();
        let (bytes, starts) = encode_lines(label, &lines);
        let done = convert_as(&bytes, &Limits::default(), &options(label)).expect(label);
        let rejects = rejects(&done);
        assert_eq!(rejects.len(), 286, "{label}");
        for reject in rejects {
            let line = number(&reject["line"]) - 1;
            assert_eq!(number(&reject["byte_offset"]), starts[line], "{label}: {reject}");
        }
    }
}

#[test]
fn a_byte_order_mark_counts() {
    let text = "a,b\né,1\né,2,3\né,4\n";
    for label in ["utf-8", "utf-16le", "utf-16be"] {
        let marked = encode(label, &format!("\u{FEFF}{text}"));
        let before = encode(label, "\u{FEFF}a,b\né,1\n").len();
        let done = convert(&marked).expect(label);
        assert_eq!(number(&rejects(&done)[0]["byte_offset"]), before, "{label}");
        let lines = encode(label, "\u{FEFF}{\"a\":\"é\"}\n{\"a\":\"é\"\n{\"a\":\"é\"}\n");
        let before = encode(label, "\u{FEFF}{\"a\":\"é\"}\n").len();
        let done = convert(&lines).expect(label);
        assert_eq!(number(&rejects(&done)[0]["byte_offset"]), before, "{label}");
    }
}

#[test]
fn offsets_in_a_compressed_file_are_those_of_what_it_expands_to() {
    let text = encode("windows-1252", "name,n\nJürgen,1\nÜ,4\nZoë,2,3\n");
    let packed = zstd::encode_all(text.as_slice(), 3).expect("compressed");
    let done = convert_as(&packed, &Limits::default(), &options("windows-1252")).expect("a table");
    assert_eq!(
        number(&rejects(&done)[0]["byte_offset"]),
        "name,n\nJurgen,1\nU,4\n".len()
    );
}

#[test]
fn undecodable_bytes_are_reported_with_their_offset() {
    // What the encoding does not have: a lone surrogate, half a character, a byte that means nothing, no UTF-8.
    for (label, bad, reason) in [
        ("utf-16le", &[0x00, 0xD8][..], "undecodable"),
        ("utf-16be", &[0xD8, 0x00], "undecodable"),
        ("shift_jis", &[0x82], "undecodable"),
        ("euc-jp", &[0xFF], "undecodable"),
        ("gbk", &[0xFF], "undecodable"),
        ("windows-1253", &[0xAA], "undecodable"),
        ("utf-8", &[0xC3], "not-utf8"),
    ] {
        let names = if label.starts_with("windows") { "Ω" } else { "漢" };
        let (mut bytes, mut places) = (encode(label, "id,name\n"), Vec::new());
        for row in 0..300 {
            bytes.extend(encode(label, &format!("{row},{names}")));
            if row % 2 == 1 {
                places.push(bytes.len());
                bytes.extend(bad);
            }
            bytes.extend(encode(label, "\n"));
        }
        let done = convert_as(&bytes, &Limits::default(), &options(label)).expect(label);
        let undecodable = &profile(&done)["file"]["undecodable"];
        assert_eq!(undecodable["records"], 150, "{label}");
        let first: Vec<usize> = undecodable["first_offsets"]
            .as_array()
            .expect("places")
            .iter()
            .map(number)
            .collect();
        assert_eq!(first, places[..100], "{label}");
        for (reject, place) in rejects(&done).iter().zip(&places) {
            assert_eq!(reject["reason"], reason, "{label}");
            assert_eq!(number(&reject["undecodable_at"]), *place, "{label}");
        }
    }
    let done = convert(b"a,b\n1,2\n").expect("a table");
    assert_eq!(profile(&done)["file"]["undecodable"], Value::Null);
}

#[test]
fn a_header_that_cannot_be_decoded_is_refused_where_it_cannot() {
    let mut bytes = encode("utf-16le", "\u{FEFF}é,b");
    let place = bytes.len() as u64;
    bytes.extend([0x00, 0xD8]);
    bytes.extend(encode("utf-16le", "\n1,2\n3,4\n"));
    let failure = convert(&bytes).expect_err("refused");
    assert_eq!(failure.code, "bad-header");
    assert_eq!(failure.place, Some(shared::Place::Byte { offset: place }));
}

#[test]
fn a_first_accent_is_found_however_late_it_comes() {
    let mut bytes = b"id,name\n".to_vec();
    bytes.extend(b"000001,Smith\n".repeat(60_000));
    bytes.extend(b"000002,M\xFCller\n");
    bytes.extend(b"000003,Smith\n".repeat(10_000));
    let done = run::convert(&bytes).unwrap();
    assert_eq!((done.report.rows, done.report.rows_rejected), (70_001, 0));
    let rows = run::read_back(&done.outputs["table.parquet"]);
    assert_eq!(rows[60_000], ["000002", "Müller"]);
}

/// More than is kept in memory to be looked at twice.
fn a_late_accent(accent: &[u8], damaged: &[u8]) -> Vec<u8> {
    let plain = b"000001,Smith,of some more text to make it large\n";
    let mut bytes = b"id,name,note\n".to_vec();
    bytes.extend(plain.repeat(200_000));
    bytes.extend([b"000002,M", accent, b"ller,late\n"].concat());
    bytes.extend(plain.repeat(1000));
    bytes.extend([b"000003,Smi", damaged, b"th,later\n"].concat());
    bytes
}

#[test]
fn a_late_accent_in_a_large_file_tells_its_encoding() {
    let bytes = a_late_accent(b"\xFC", b"");
    let packed = zstd::encode_all(bytes.as_slice(), 1).expect("compressed");
    for (bytes, threads) in [(&bytes, 1), (&bytes, 2), (&packed, 2)] {
        let limits = Limits {
            threads,
            ..Limits::default()
        };
        let done = run::convert_with(bytes, &limits).unwrap();
        assert_eq!((done.report.rows, done.report.rows_rejected), (201_002, 0));
        assert_eq!(profile(&done)["file"]["encoding"], "windows-1252");
        let rows = run::read_back(&done.outputs["table.parquet"]);
        assert_eq!(rows[200_000], ["000002", "Müller", "late"]);
        assert!(!done.outputs.contains_key("rejects.jsonl"));
    }
}

#[test]
fn a_damaged_character_behind_a_late_accent_rejects_its_record() {
    let bytes = a_late_accent("ü".as_bytes(), b"\xFF");
    let done = convert(&bytes).unwrap();
    assert_eq!((done.report.rows, done.report.rows_rejected), (201_002, 1));
    assert_eq!(profile(&done)["file"]["encoding"], "UTF-8");
    let rejects = rejects(&done);
    assert_eq!((&rejects[0]["row"], rejects.len()), (&201_002.into(), 1));
    // A sample with something beyond ASCII in it is believed.
    let text = String::from_utf8_lossy(&bytes).replacen("Smith", "Smíth", 1);
    let mut bytes = text.into_bytes();
    bytes.extend(b"000004,M\xFCller,last\n");
    let done = convert(&bytes).unwrap();
    assert_eq!(profile(&done)["file"]["encoding"], "UTF-8");
    assert_eq!(done.report.rows_rejected, 1);
}

#[test]
fn utf_16_without_a_mark_stays_what_it_is_where_a_character_is_damaged() {
    // Its zeros are ASCII, too.
    let plain = encode("utf-16le", "000001,Smith,of some more text to make it large\n");
    let mut bytes = encode("utf-16le", "id,name,note\n");
    bytes.extend(plain.repeat(100_000));
    bytes.extend(encode("utf-16le", "000002,Sm"));
    bytes.extend([0x00, 0xD8]);
    bytes.extend(encode("utf-16le", "th,late\n"));
    bytes.extend(plain.repeat(1000));
    let done = convert(&bytes).unwrap();
    assert_eq!(profile(&done)["file"]["encoding"], "UTF-16LE");
    assert_eq!((done.report.rows, done.report.rows_rejected), (101_001, 1));
}
