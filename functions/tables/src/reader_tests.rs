use std::{io::Cursor, ops::ControlFlow};

use super::*;

/// Gives at most so many bytes a read.
struct Trickle<'a>(Cursor<&'a [u8]>, usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.1);
        self.0.read(&mut buffer[..length])
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Read2 {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    rejects: Vec<(u64, u64, Fault, String)>,
    blank_lines: u64,
}

/// Reads everything with a block of `block_bytes`.
fn read_with(text: &[u8], record_bytes: usize, block_bytes: usize, step: usize) -> Read2 {
    let mut reader = Reader::new(Trickle(Cursor::new(text), step), b',', record_bytes);
    reader.block_bytes = block_bytes;
    let mut read = Read2::default();
    let Header::Fields(header) = reader.header(1000).unwrap() else {
        return read;
    };
    reader.block_bytes = block_bytes;
    let columns = header.len();
    read.header = header
        .iter()
        .map(|field| String::from_utf8_lossy(field).into_owned())
        .collect();
    while let Some(block) = reader.next_block().unwrap() {
        let first = read.rows.len();
        read.rows.resize(first + block.rows(), Vec::new());
        for column in 0..columns {
            let mut row = first;
            block.for_each_cell(column, |cell, _| {
                read.rows[row].push(String::from_utf8(cell.to_vec()).unwrap());
                row += 1;
            });
            assert_eq!(row, read.rows.len());
        }
        for reject in block.rejects {
            let raw = String::from_utf8_lossy(block.raw(reject)).into_owned();
            read.rejects
                .push((reject.row, block.offset(reject), reject.fault, raw));
        }
    }
    assert_eq!(reader.records(), (read.rows.len() + read.rejects.len()) as u64);
    read.blank_lines = reader.blank_lines();
    read
}

fn read(text: &str) -> Read2 {
    read_with(text.as_bytes(), 1 << 20, BLOCK_BYTES, usize::MAX)
}

fn rows(text: &str) -> Vec<Vec<String>> {
    let read = read(text);
    assert_eq!(read.rejects, [], "{text:?}");
    read.rows
}

fn faults(text: &str) -> Vec<(u64, u64, Fault, String)> {
    read(text).rejects
}

#[test]
fn every_line_end_ends_a_record() {
    for text in [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4\r",
        "a,b\n1,2\r\n3,4",
        "\u{FEFF}a,b\n1,2\r3,4",
    ] {
        assert_eq!(rows(text), [["1", "2"], ["3", "4"]], "{text:?}");
        assert_eq!(read(text).header, ["a", "b"]);
    }
}

#[test]
fn quotes_hold_delimiters_line_ends_and_quotes() {
    assert_eq!(rows("a,b\n\"x,y\",\"l1\nl2\"\n"), [["x,y", "l1\nl2"]]);
    assert_eq!(rows("a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n"), [["say \"hi\"", "\""]]);
    assert_eq!(rows("a,b\n\"\",\"x\""), [["", "x"]]);
    assert_eq!(rows("a,b\n5\",x \"y\" z\n"), [["5\"", "x \"y\" z"]]);
}

#[test]
fn blank_lines_are_no_records_but_in_one_column() {
    assert_eq!(rows("\n\na,b\n\n1,2\n\r\n\n3,4\n\n"), [["1", "2"], ["3", "4"]]);
    assert_eq!(read("a,b\n\n1,2\n\r\n\n").blank_lines, 3);
    assert_eq!(rows("a\n1\n\n2\n\"\"\n"), [["1"], [""], ["2"], [""]]);
}

#[test]
fn bad_records_say_why_and_where() {
    assert_eq!(
        faults("a,b\n1,2\n1\n"),
        [(2, 8, Fault::FieldCount { found: 1 }, "1".into())]
    );
    assert_eq!(
        faults("a,b\n1,2,3\n4,5\n"),
        [(1, 4, Fault::FieldCount { found: 3 }, "1,2,3".into())]
    );
    assert_eq!(
        faults("a,b\n1,\0\n"),
        [(1, 4, Fault::Nul { at: 2 }, "1,\0".into())]
    );
    assert_eq!(
        faults("a,b\n\"x\"y,2\n"),
        [(1, 4, Fault::StrayQuote { at: 2 }, "\"x\"y,2".into())]
    );
    assert_eq!(
        faults("a,b\n1,\"2\n3,4\n"),
        [(1, 4, Fault::UnterminatedQuote, "1,\"2".into())]
    );
    assert_eq!(read("a,b\n1,\"2\n3,4\n").rows, [["3", "4"]]);
    assert_eq!(
        faults("a,b\n1,\"2"),
        [(1, 4, Fault::UnterminatedQuote, "1,\"2".into())]
    );
    let bad = read_with(b"a,b\n1,\xFF\n\xC3\xA9,2\n", 100, BLOCK_BYTES, 7);
    assert_eq!(bad.rejects[0].2, Fault::NotUtf8 { at: 2 });
    assert_eq!(bad.rows, [["é", "2"]]);
}

#[test]
fn records_over_the_cap_are_passed_whole_and_no_others() {
    for length in 95..105 {
        let text = format!("a,b\n1,2\n3,{}\n5,6\n", "x".repeat(length));
        let read = read_with(text.as_bytes(), 100, 64, 13);
        let expected = length + 2 > 100;
        assert_eq!(read.rejects.len(), usize::from(expected), "{length}");
        assert_eq!(read.rows.last().unwrap(), &["5", "6"]);
        if expected {
            assert_eq!(
                (read.rejects[0].0, read.rejects[0].1, read.rejects[0].2),
                (2, 8, Fault::TooLong)
            );
        }
    }
    let text = format!("a,b\r\n{}\r\n5,6", "y".repeat(100_000));
    assert_eq!(read_with(text.as_bytes(), 100, 64, 13).rows, [["5", "6"]]);
}

#[test]
fn a_quote_that_never_closes_costs_one_line() {
    let text = format!("a,b\n1,\"2\n{}", "3,4\n".repeat(1000));
    let read = read_with(text.as_bytes(), 100, 64, usize::MAX);
    assert_eq!((read.rows.len(), read.rejects.len()), (1000, 1));
}

#[test]
fn a_header_alone_and_no_header() {
    assert_eq!(read("a,b").header, ["a", "b"]);
    assert_eq!(read("").header, Vec::<String>::new());
    assert_eq!(read("\n\r\n\r").header, Vec::<String>::new());
    let mut bad = Reader::new(&b"a,\"b"[..], b',', 100);
    assert!(matches!(
        bad.header(10).unwrap(),
        Header::Bad(Fault::UnterminatedQuote, 0)
    ));
    let mut wide = Reader::new(&b"a,b,c,d,e\n"[..], b',', 100);
    assert!(matches!(wide.header(2).unwrap(), Header::Fields(fields) if fields.len() == 3));
}

/// The same rules, one byte at a time, over a file in memory.
fn reference(text: &[u8], record_bytes: usize) -> Read2 {
    let mut at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    let mut read = Read2::default();
    let mut columns = None;
    let mut row = 0;
    while at < text.len() {
        let start = at;
        let (end, next, outcome) = reference_record(&text[start..], record_bytes);
        at = start + next;
        let raw = &text[start..start + end];
        if end == 0 && columns != Some(1) {
            read.blank_lines += u64::from(columns.is_some());
            continue;
        }
        let found = match &outcome {
            ControlFlow::Continue(fields) => fields.len(),
            ControlFlow::Break(_) => 0,
        };
        let outcome = match outcome {
            ControlFlow::Break(fault @ (Fault::TooLong | Fault::UnterminatedQuote)) => Err(fault),
            other => match (
                std::str::from_utf8(raw),
                raw.iter().position(|byte| *byte == 0),
                other,
            ) {
                (Err(error), ..) => Err(Fault::NotUtf8 {
                    at: error.valid_up_to(),
                }),
                (_, Some(at), _) => Err(Fault::Nul { at }),
                (_, _, ControlFlow::Break(fault)) => Err(fault),
                (_, _, ControlFlow::Continue(fields)) => match columns {
                    Some(columns) if columns != found => Err(Fault::FieldCount { found }),
                    _ => Ok(fields),
                },
            },
        };
        match (columns, outcome) {
            (None, Err(_)) => return Read2::default(),
            (None, Ok(fields)) => {
                columns = Some(fields.len());
                read.header = fields;
            }
            (Some(_), outcome) => {
                row += 1;
                match outcome {
                    Ok(fields) => read.rows.push(fields),
                    Err(fault) => {
                        let raw = String::from_utf8_lossy(raw).into_owned();
                        read.rejects.push((row, start as u64, fault, raw));
                    }
                }
            }
        }
    }
    read
}

/// Where the record ends, where the next begins, and its fields.
fn reference_record(text: &[u8], cap: usize) -> (usize, usize, ControlFlow<Fault, Vec<String>>) {
    let line_end = |at: usize| match (text.get(at), text.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(_), _) => at + 1,
        _ => at,
    };
    let first_line = |from: usize| {
        (from..text.len())
            .find(|at| matches!(text[*at], b'\n' | b'\r'))
            .unwrap_or(text.len())
    };
    let (mut fields, mut field, mut at) = (Vec::new(), Vec::new(), 0);
    let (mut open, mut begun, mut closed, mut stray) = (false, false, None, None);
    loop {
        let over = at > cap;
        if over || (at == text.len() && open) {
            let line = first_line(0);
            if open && line <= cap && line < text.len() {
                return (line, line_end(line), ControlFlow::Break(Fault::UnterminatedQuote));
            }
            if open && !over {
                return (at, at, ControlFlow::Break(Fault::UnterminatedQuote));
            }
            return (
                cap + 1,
                line_end(first_line(cap + 1)),
                ControlFlow::Break(Fault::TooLong),
            );
        }
        let byte = text.get(at).copied();
        match byte {
            Some(b'"') if open && text.get(at + 1) == Some(&b'"') => {
                // A pair that straddles the cap is met at the cap.
                field.push(b'"');
                at += 1;
            }
            Some(b'"') if open => (open, closed) = (false, Some(at)),
            Some(byte) if open => field.push(byte),
            Some(b'"') if !begun => (open, begun) = (true, true),
            None | Some(b',' | b'\n' | b'\r') => {
                if closed.is_some_and(|closed| closed + 1 != at) {
                    stray = stray.or(closed);
                }
                fields.push(String::from_utf8_lossy(&std::mem::take(&mut field)).into_owned());
                (begun, closed) = (false, None);
                if byte != Some(b',') {
                    let outcome = match stray {
                        Some(at) => ControlFlow::Break(Fault::StrayQuote { at }),
                        None => ControlFlow::Continue(fields),
                    };
                    return (at, line_end(at), outcome);
                }
            }
            Some(byte) => {
                begun = true;
                field.push(byte);
            }
        }
        at += 1;
    }
}

fn bytes() -> impl proptest::strategy::Strategy<Value = Vec<u8>> {
    use proptest::prelude::*;
    let byte = prop_oneof![
        3 => Just(b','), 3 => Just(b'"'), 2 => Just(b'\n'), 1 => Just(b'\r'), 4 => Just(b'a'), 1 => Just(0), 1 => any::<u8>(),
    ];
    let run =
        (byte, prop_oneof![8 => Just(1_usize), 1 => 1..90_usize]).prop_map(|(byte, times)| vec![byte; times]);
    proptest::collection::vec(run, 0..200).prop_map(|runs| runs.concat())
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(2000))]
    #[test]
    fn any_bytes_read_as_one_byte_at_a_time_would(
        text in bytes(), header in "(a|a,b|a,b,c)\n", cap in 3_usize..200, block in 1_usize..300, step in 1_usize..50,
    ) {
        for text in [[header.as_bytes(), &text].concat(), text] {
            let expected = reference(&text, cap.max(6));
            proptest::prop_assert_eq!(&read_with(&text, cap.max(6), block, step), &expected);
            proptest::prop_assert_eq!(&read_with(&text, cap.max(6), BLOCK_BYTES, usize::MAX), &expected);
        }
    }
}
