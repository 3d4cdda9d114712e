use std::io::{self, Cursor, Read};

use proptest::prelude::*;
use shared::Limits;

use super::*;
use crate::dialect::Dialect;

/// Gives at most so many bytes a read.
struct Trickle<'a>(Cursor<&'a [u8]>, usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

/// What was read, rejects and repairs with the number of their record in the text and their offset.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    rows: Vec<Vec<String>>,
    quoted: Vec<Vec<bool>>,
    rejects: Vec<(u64, u64, Fault, String)>,
    repairs: Vec<(u64, u64, Repair)>,
    counts: Counts,
}

fn read_with(text: &[u8], dialect: &Dialect, record_bytes: usize, slab_bytes: usize, step: usize) -> Outcome {
    let limits = Limits {
        record_bytes,
        ..Limits::default()
    };
    let mut slabs = Slabs::new(Trickle(Cursor::new(text), step), dialect, &limits).of_bytes(slab_bytes);
    let columns = dialect.columns();
    let mut outcome = Outcome::default();
    while let Some(slab) = slabs.next_slab().unwrap() {
        let before = outcome.counts.records;
        let counts = slab
            .for_each_block(dialect, |block| {
                let first = outcome.rows.len();
                outcome.rows.resize(first + block.rows(), Vec::new());
                outcome.quoted.resize(first + block.rows(), Vec::new());
                for column in 0..columns {
                    let mut row = first;
                    block.for_each_cell(column, |cell, quoted| {
                        outcome.rows[row].push(String::from_utf8(cell.to_vec()).unwrap());
                        outcome.quoted[row].push(quoted);
                        row += 1;
                    });
                    assert_eq!(row, outcome.rows.len());
                }
                for reject in block.rejects {
                    let raw = String::from_utf8_lossy(block.raw(reject.start, reject.end)).into_owned();
                    outcome.rejects.push((
                        before + reject.row,
                        block.offset(reject.start),
                        reject.fault,
                        raw,
                    ));
                }
                for mended in block.repairs {
                    outcome
                        .repairs
                        .push((before + mended.row, block.offset(mended.start), mended.repair));
                }
                Ok::<_, ()>(())
            })
            .unwrap();
        assert_eq!(counts.records, counts.rows + counts.rejects);
        outcome.counts.add(&counts);
        slabs.recycle(slab.into_buffer());
    }
    assert_eq!(outcome.counts.rows, outcome.rows.len() as u64);
    assert_eq!(outcome.counts.rejects, outcome.rejects.len() as u64);
    assert_eq!(
        outcome.counts.repairs.values().sum::<u64>(),
        outcome.repairs.len() as u64
    );
    outcome
}

fn columns(count: usize) -> Dialect {
    Dialect::simple(b',', (0..count).map(|index| format!("c{index}")).collect(), 0)
}

fn read(text: &str, count: usize) -> Outcome {
    read_with(text.as_bytes(), &columns(count), 1 << 20, 1 << 20, usize::MAX)
}

fn rows(text: &str, count: usize) -> Vec<Vec<String>> {
    let outcome = read(text, count);
    assert_eq!((outcome.rejects, outcome.repairs), (vec![], vec![]), "{text:?}");
    outcome.rows
}

#[test]
fn what_is_left_of_a_text_is_shared_out() {
    let header = "one,two\n";
    let text = header.to_owned() + &"some cell,another\n".repeat(2 << 20);
    let dialect = Dialect {
        body_offset: header.len() as u64,
        ..columns(2)
    };
    let slabs = |threads| {
        let slabs = Slabs::new(Cursor::new(text.as_bytes()), &dialect, &Limits::default()).of_bytes(14 << 20);
        let mut slabs = slabs.shared_out(text.len() as u64, threads);
        std::iter::from_fn(move || slabs.next_slab().unwrap().map(|slab| slab.bytes().len()))
            .collect::<Vec<_>>()
    };
    // All of it, whatever the threads are.
    assert!((1..5).all(|threads| slabs(threads).iter().sum::<usize>() == text.len() - header.len()));
    let (one, two) = (slabs(1), slabs(2));
    assert_eq!(one.len(), text.len().div_ceil(14 << 20));
    let (begin, rest) = two.split_first_chunk::<2>().unwrap();
    assert!(
        begin.iter().all(|slab| *slab < 5 << 20) && rest.is_sorted_by(|slab, next| slab >= next),
        "{two:?}"
    );
    assert!(
        two.len() > one.len() && two.iter().rev().skip(1).all(|slab| *slab > 3 << 20),
        "{two:?}"
    );
}

#[test]
fn every_line_end_ends_a_record() {
    for text in [
        "1,2\n3,4\n",
        "1,2\r\n3,4\r\n",
        "1,2\r3,4\r",
        "1,2\r\n3,4",
        "1,2\r3,4",
    ] {
        assert_eq!(rows(text, 2), [["1", "2"], ["3", "4"]], "{text:?}");
    }
}

#[test]
fn quotes_hold_delimiters_line_ends_and_quotes() {
    assert_eq!(rows("\"x,y\",\"l1\nl2\"\n", 2), [["x,y", "l1\nl2"]]);
    assert_eq!(rows("\"say \"\"hi\"\"\",\"\"\"\"\n", 2), [["say \"hi\"", "\""]]);
    assert_eq!(rows("\"\",\"x\"", 2), [["", "x"]]);
    assert_eq!(rows("5\",x \"y\" z\n", 2), [["5\"", "x \"y\" z"]]);
    assert_eq!(read("\"\",\n", 2).quoted, [[true, false]]);
}

#[test]
fn blank_lines_are_no_records_but_in_one_column() {
    assert_eq!(rows("\n\n1,2\n\r\n\n3,4\n\n", 2), [["1", "2"], ["3", "4"]]);
    assert_eq!(read("\n1,2\n\r\n\n", 2).counts.blank_lines, 3);
    assert_eq!(rows("1\n\n2\n\"\"\n", 1), [["1"], [""], ["2"], [""]]);
}

#[test]
fn missing_cells_are_null_and_blank_surplus_is_left_out() {
    let outcome = read("1,2,3\n1\n1,2\n1,2,3,,\n1,2,3,4\n", 3);
    assert_eq!(outcome.rows, [["1", "2", "3"], ["1", "2", ""], ["1", "2", "3"]]);
    assert_eq!(
        outcome.repairs,
        [(3, 8, Repair::Padded), (4, 12, Repair::Trimmed)]
    );
    assert_eq!(
        outcome.rejects,
        [
            (2, 6, Fault::FieldCount { found: 1 }, "1".into()),
            (5, 20, Fault::FieldCount { found: 4 }, "1,2,3,4".into())
        ]
    );
}

#[test]
fn bad_records_say_why_and_where() {
    assert_eq!(
        read("1,2\n1,\0\n", 2).rejects,
        [(2, 4, Fault::Nul { at: 2 }, "1,\0".into())]
    );
    let bad = read_with(b"1,\xFF\n\xC3\xA9,2\n", &columns(2), 100, 100, 7);
    assert_eq!(bad.rejects[0].2, Fault::NotUtf8 { at: 2 });
    assert_eq!(bad.rows, [["é", "2"]]);
}

#[test]
fn records_over_the_cap_are_passed_whole_and_no_others() {
    for length in 95..105 {
        let text = format!("1,2\n3,{}\n5,6\n", "x".repeat(length));
        for slab in [10, 64, 1000] {
            let read = read_with(text.as_bytes(), &columns(2), 100, slab, 13);
            let expected = length + 2 > 100;
            assert_eq!(read.rejects.len(), usize::from(expected), "{length} {slab}");
            assert_eq!(read.rows.last().unwrap(), &["5", "6"]);
            if expected {
                assert_eq!(
                    (read.rejects[0].0, read.rejects[0].1, read.rejects[0].2),
                    (2, 4, Fault::TooLong)
                );
                assert_eq!(read.rejects[0].3.len(), 101);
            }
        }
    }
    let text = format!("{}\r\n5,6", "y".repeat(100_000));
    assert_eq!(
        read_with(text.as_bytes(), &columns(2), 100, 64, 13).rows,
        [["5", "6"]]
    );
}

#[test]
fn a_quote_that_never_closes_costs_one_line_at_most() {
    let text = format!("1,2,\"2\n{}", "3,4\n".repeat(1000));
    let read = read_with(text.as_bytes(), &columns(2), 100, 64, usize::MAX);
    assert_eq!((read.rows.len(), read.rejects.len()), (1000, 1));
}

#[test]
fn what_stands_before_the_first_record_is_passed() {
    let mut dialect = columns(2);
    dialect.body_offset = 7;
    let read = read_with(b"x\na,b\n\n1,2\n", &dialect, 100, 3, 2);
    assert_eq!(read.rows, [["1", "2"]]);
}

#[test]
fn a_header_that_comes_again_is_no_row() {
    let text = "1,x\nc0,c1\n2,y\nc0\nc0,c1,c2\nc0,z\n";
    let read = read(text, 2);
    assert_eq!(read.rows, [["1", "x"], ["2", "y"], ["c0", ""], ["c0", "z"]]);
    let faults: Vec<_> = read.rejects.iter().map(|reject| (reject.0, reject.2)).collect();
    assert_eq!(faults, [(2, Fault::RepeatedHeader), (5, Fault::RepeatedHeader)]);
}

#[test]
fn what_is_too_long_is_no_header_however_it_begins() {
    let text = format!("c0,c1,{}\0\n1,2\n", "x".repeat(200));
    for slab in [1, 1 << 20] {
        let read = read_with(text.as_bytes(), &columns(2), 100, slab, usize::MAX);
        assert_eq!(read.rejects[0].2, Fault::TooLong, "in slabs of {slab} bytes");
        assert_eq!(read.rows, [["1", "2"]]);
    }
}

#[test]
fn one_quote_too_many_is_text_where_only_that_makes_sense() {
    let quotes = |text: &str| {
        let read = read(text, 3);
        assert_eq!(read.rejects, [], "{text:?}");
        assert_eq!(read.repairs.len(), 1, "{text:?}");
        assert_eq!(read.repairs[0].2, Repair::Quotes);
        read.rows
    };
    assert_eq!(quotes("1,\"2,3\n"), [["1", "\"2", "3"]]);
    assert_eq!(quotes("1,\"a \"b\" c, d\",3\n"), [["1", "a \"b\" c, d", "3"]]);
    assert_eq!(quotes("1,\"\"a, b\",3\n"), [["1", "\"a, b", "3"]]);
    assert_eq!(quotes("1,\"5\" pipe\",3\n"), [["1", "5\" pipe", "3"]]);
    // The next line is not drawn in.
    assert_eq!(
        quotes("1,2,\"\n3,\"x, y\",4\n"),
        [["1", "2", "\""], ["3", "x, y", "4"]]
    );
}

#[test]
fn damage_that_may_mean_several_things_is_left_alone() {
    for text in ["1,\"2\n", "1,\"2,3,4,5\n", "\"a\"b\"\n", "1,\"a,b\",\"c,d\n"] {
        let read = read(text, 3);
        assert_eq!((read.rows.len(), read.rejects.len()), (0, 1), "{text:?} {read:?}");
    }
}

/// A dialect that only [`general`] reads.
fn odd(delimiter: &str, quote: Option<u8>, escape: Option<u8>, comment: Option<&str>) -> Dialect {
    Dialect {
        delimiter: delimiter.into(),
        quote,
        escape,
        comment: comment.map(Into::into),
        ..columns(3)
    }
}

#[test]
fn odd_dialects_read_like_simple_ones() {
    let read = |text: &str, dialect: &Dialect| {
        let read = read_with(text.as_bytes(), dialect, 1 << 20, 5, 3);
        assert_eq!(read.rejects, [], "{text:?}");
        (read.rows, read.counts.comments)
    };
    let dialect = odd("||", Some(b'"'), Some(b'"'), None);
    assert_eq!(
        read("1||a|b||\"x||y\"\n2||||z\n", &dialect).0,
        [["1", "a|b", "x||y"], ["2", "", "z"]]
    );
    let dialect = odd(",", Some(b'"'), Some(b'\\'), Some("#"));
    assert_eq!(
        read("1,\"a \\\"b\\\"\",c\\\\\n# 1,2\n2,d\\,e,\"f\ng\"\n", &dialect),
        (
            vec![
                vec!["1".into(), "a \"b\"".into(), "c\\".into()],
                vec!["2".into(), "d,e".into(), "f\ng".into()],
            ],
            1
        )
    );
    let dialect = odd(r"\s+", Some(b'"'), Some(b'"'), None);
    assert_eq!(
        read("  1  \"a b\"\t c \n2 d   \"\"\n", &dialect).0,
        [["1", "a b", "c"], ["2", "d", ""]]
    );
    let dialect = odd("§", None, None, None);
    assert_eq!(read("\"1§2\"§\n", &dialect).0, [["\"1", "2\"", ""]]);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => Just(b','), 3 => Just(b'"'), 2 => Just(b'\n'), 1 => Just(b'\r'), 4 => Just(b'a'), 1 => Just(0), 1 => any::<u8>(),
    ];
    let run =
        (byte, prop_oneof![8 => Just(1_usize), 1 => 1..90_usize]).prop_map(|(byte, times)| vec![byte; times]);
    proptest::collection::vec(run, 0..200).prop_map(|runs| runs.concat())
}

/// A cell as RFC 4180 writes it; `always` in quotes.
fn write_cell(cell: &str, always: bool, into: &mut String) {
    if always || cell.is_empty() || cell.contains([',', '"', '\n', '\r']) {
        into.push('"');
        into.push_str(&cell.replace('"', "\"\""));
        into.push('"');
    } else {
        into.push_str(cell);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn any_bytes_read_the_same_however_they_are_cut(
        text in bytes(), count in 1_usize..4, cap in 3_usize..200, slab in 1_usize..300, step in 1_usize..50,
    ) {
        let whole = read_with(&text, &columns(count), cap, 1 << 20, usize::MAX);
        let cut = read_with(&text, &columns(count), cap, slab, step);
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn any_bytes_read_the_same_in_odd_dialects_too(
        text in bytes(), which in 0..6_usize, cap in 3_usize..200, slab in 1_usize..300, step in 1_usize..50,
    ) {
        let dialect = match which {
            0 => odd(",,", Some(b'"'), Some(b'"'), None),
            1 => odd(",", Some(b'"'), Some(b'a'), None),
            2 => odd(",", Some(b'"'), Some(b'"'), Some("aa")),
            3 => odd("a", None, Some(b','), None),
            4 => odd(r"\s+", Some(b'"'), Some(b'"'), None),
            _ => odd(",\"", Some(b'"'), None, Some("a")),
        };
        let text: Vec<u8> = if which == 4 {
            text.iter().map(|byte| if *byte == b',' { b' ' } else { *byte }).collect()
        } else {
            text
        };
        let whole = read_with(&text, &dialect, cap, 1 << 20, usize::MAX);
        let cut = read_with(&text, &dialect, cap, slab, step);
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn words_are_read_back_however_far_they_stand_apart(
        table in proptest::collection::vec(proptest::collection::vec(("[a,é\"]{0,3}[b1]", "[ \t]{1,4}"), 3), 0..20),
        slab in 1_usize..300, ends in any::<bool>(), begins in any::<bool>(),
    ) {
        let mut text = String::new();
        for row in &table {
            text += if begins { " \t" } else { "" };
            for (column, (word, space)) in row.iter().enumerate() {
                text += if word.starts_with('"') { "x" } else { "" };
                text += word;
                text += if column < 2 || ends { space } else { "" };
            }
            text += "\n \n";
        }
        let rows: Vec<Vec<String>> = table.iter().map(|row| row.iter().map(|(word, _)| {
            if word.starts_with('"') { format!("x{word}") } else { word.clone() }
        }).collect()).collect();
        let outcome = read_with(text.as_bytes(), &odd(r"\s+", Some(b'"'), Some(b'"'), None), 1 << 20, slab, 17);
        prop_assert_eq!(&outcome.rejects, &vec![]);
        prop_assert_eq!(outcome.counts.blank_lines, table.len() as u64);
        prop_assert_eq!(outcome.rows, rows);
    }

    #[test]
    fn what_is_written_in_an_odd_dialect_is_read_back(
        table in proptest::collection::vec(proptest::collection::vec("[a|,:\"'\\\\\n é]{0,6}", 3), 0..20),
        delimiter in proptest::sample::select(vec!["||", "::", ", ", "|", "¦", "|~|"]),
        quote in proptest::sample::select(vec!['"', '\'']), own_escape in any::<bool>(), slab in 1_usize..300,
    ) {
        let escape = if own_escape { '\\' } else { quote };
        let dialect = odd(delimiter, Some(quote as u8), Some(escape as u8), None);
        let mut text = String::new();
        for row in &table {
            let cells: Vec<String> = row.iter().map(|cell| {
                let mut inside = cell.clone();
                if own_escape {
                    inside = inside.replace('\\', "\\\\");
                }
                format!("{quote}{}{quote}", inside.replace(quote, &format!("{escape}{quote}")))
            }).collect();
            text += &cells.join(delimiter);
            text.push('\n');
        }
        let outcome = read_with(text.as_bytes(), &dialect, 1 << 20, slab, 17);
        prop_assert_eq!(&outcome.rejects, &vec![]);
        prop_assert_eq!(&outcome.repairs, &vec![]);
        prop_assert_eq!(outcome.rows, table);
    }

    #[test]
    fn what_is_written_is_read_back(
        table in proptest::collection::vec(proptest::collection::vec("[a,\"\n\r é]{0,5}|x{60,70}", 3), 0..20),
        always in any::<bool>(), ends in 0..3_usize, slab in 1_usize..300, last in any::<bool>(),
    ) {
        let mut text = String::new();
        for (index, row) in table.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    text.push(',');
                }
                write_cell(cell, always, &mut text);
            }
            if last || index + 1 < table.len() {
                text.push_str(["\n", "\r\n", "\r"][ends]);
            }
        }
        let outcome = read_with(text.as_bytes(), &columns(3), 1 << 20, slab, 17);
        prop_assert_eq!(&outcome.rejects, &vec![]);
        prop_assert_eq!(&outcome.repairs, &vec![]);
        prop_assert_eq!(outcome.rows, table);
    }
}

#[test]
fn a_quote_within_a_line_that_is_too_long() {
    for text in [
        "aaaaaaaaaaaa,\"",
        "a,aaaaaaaaaaaa\n,\"\nb",
        "aaaaaaaa,\"\nb\n\"x\"\n",
    ] {
        let whole = read_with(text.as_bytes(), &columns(1), 3, 1 << 20, usize::MAX);
        assert_eq!(
            read_with(text.as_bytes(), &columns(1), 3, 1, 1),
            whole,
            "{text:?}"
        );
    }
}

#[test]
fn a_delimiter_across_the_end_of_what_a_record_may_have() {
    let text = format!("\"\n\",,{}\n1,,2,,3\n", "a".repeat(80));
    let dialect = odd(",,", Some(b'"'), Some(b'"'), None);
    let whole = read_with(text.as_bytes(), &dialect, 7, 1 << 20, usize::MAX);
    assert_eq!(whole.rows, [["1", "2", "3"]]);
    assert_eq!(whole.rejects.len(), 1);
    for cap in 3..7 {
        let whole = read_with(text.as_bytes(), &dialect, cap, 1 << 20, usize::MAX);
        assert_eq!(read_with(text.as_bytes(), &dialect, cap, 1, 1), whole, "{cap}");
    }
}

#[test]
fn what_begins_like_a_guessed_comment_is_a_row_if_it_has_all_fields() {
    let text = "1,2,3\n# note\n#love,5,6\n# a, b\n";
    let told = odd(",", Some(b'"'), Some(b'"'), Some("#"));
    let guessed = Dialect {
        comment_is_guessed: true,
        ..told.clone()
    };
    for slab in [1, 1 << 20] {
        let read = read_with(text.as_bytes(), &guessed, 1 << 20, slab, 7);
        assert_eq!(read.rows, [["1", "2", "3"], ["#love", "5", "6"]]);
        assert_eq!(read.counts.comments, 2);
        let read = read_with(text.as_bytes(), &told, 1 << 20, slab, 7);
        assert_eq!((read.rows.len(), read.counts.comments), (1, 3));
    }
}
