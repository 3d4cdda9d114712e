//! Polluted variants of a clean table: one of each kind that Pollock lists, for each row and column where it is by row.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

use super::load::Rows;

pub struct Variant {
    pub name: String,
    pub polluted: Vec<u8>,
    pub expected: Rows,
}

/// How a table is written.
#[derive(Clone, Copy)]
struct Style<'a> {
    delimiter: &'a str,
    quote: char,
    /// What stands before a quote within a cell.
    escape: &'a str,
    end: &'a str,
}

const PLAIN: Style<'static> = Style {
    delimiter: ",",
    quote: '"',
    escape: "\"",
    end: "\r\n",
};

fn cell(cell: &str, style: Style<'_>) -> String {
    // As in the source: what holds a comma, a quote or a space is in quotes, and nothing else is.
    if cell.contains([',', '"', ' ', style.quote]) || cell.contains(style.delimiter) {
        let quote = style.quote.to_string();
        let inside = cell.replace(style.quote, &format!("{}{quote}", style.escape));
        return format!("{quote}{inside}{quote}");
    }
    cell.to_owned()
}

fn line(row: &[String], style: Style<'_>) -> String {
    let cells: Vec<String> = row.iter().map(|text| cell(text, style)).collect();
    cells.join(style.delimiter) + style.end
}

fn write(rows: &[Vec<String>], style: Style<'_>) -> String {
    rows.iter().map(|row| line(row, style)).collect()
}

#[expect(clippy::too_many_lines, reason = "a list of kinds")]
pub fn of(clean: &Rows) -> Vec<Variant> {
    let mut variants = Vec::new();
    let mut add = |name: String, polluted: String, expected: &[Vec<String>]| {
        variants.push(Variant {
            name,
            polluted: polluted.into_bytes(),
            expected: expected.to_vec(),
        });
    };
    let source = write(clean, PLAIN);
    let header = line(&clean[0], PLAIN);
    add("source".into(), source.clone(), clean);
    add("file_no_payload".into(), String::new(), &[]);
    add(
        "file_no_trailing_newline".into(),
        source.trim_end().to_owned(),
        clean,
    );
    add(
        "file_double_trailing_newline".into(),
        source.clone() + "\r\n",
        clean,
    );
    add("file_no_header".into(), write(&clean[1..], PLAIN), &clean[1..]);
    add("file_header_only".into(), header.clone(), &clean[..1]);
    add("file_one_data_row".into(), write(&clean[..2], PLAIN), &clean[..2]);
    for rows in [2, 3] {
        let mut expected = clean.clone();
        for name in &mut expected[0] {
            *name = vec![name.as_str(); rows].join(" ");
        }
        let polluted = header.repeat(rows - 1) + &source;
        add(format!("file_header_multirow_{rows}"), polluted, &expected);
    }
    let commas = ",".repeat(clean[0].len() - 1);
    let preamble = format!("PREAMBLE{commas}\r\n{commas}\r\n{source}");
    add("file_preamble".into(), preamble, clean);
    let preamble = format!("PREAMBLE\r\nmore of it, with a comma\r\n\r\n{source}");
    add("file_preamble_not_delimited".into(), preamble, clean);
    let footer = format!("{source}\r\nSource: somewhere, 2018\r\nTotal: 83 rows\r\n");
    add("file_footer".into(), footer, clean);
    for (name, columns) in [("less", 8), ("same", 9), ("more", 10)] {
        let second: Rows = clean[..clean.len() - 1]
            .iter()
            .map(|row| row.iter().cycle().take(columns).cloned().collect())
            .collect();
        let polluted = source.clone() + &write(&second, PLAIN);
        add(format!("file_multitable_{name}"), polluted, clean);
    }
    for delimiter in [" ", ", ", ";", "\t", "|", "||", "::"] {
        let style = Style { delimiter, ..PLAIN };
        add(
            format!("file_field_delimiter {delimiter:?}"),
            write(clean, style),
            clean,
        );
    }
    for end in ["\n", "\r"] {
        let style = Style { end, ..PLAIN };
        add(
            format!("file_record_delimiter {end:?}"),
            write(clean, style),
            clean,
        );
    }
    for (name, quote, escape) in [
        ("file_quotation_char '", '\'', "'"),
        ("file_escape_char \\", '"', "\\"),
        ("file_escape_char none", '"', ""),
    ] {
        let style = Style {
            quote,
            escape,
            ..PLAIN
        };
        add(name.into(), write(clean, style), clean);
    }
    let lines: Vec<String> = clean.iter().map(|row| line(row, PLAIN)).collect();
    let with_line = |row: usize, changed: String| -> String {
        let mut lines = lines.clone();
        lines[row] = changed;
        lines.concat()
    };
    for (row, cells) in clean.iter().enumerate() {
        let spaced = line(
            cells,
            Style {
                delimiter: " ",
                ..PLAIN
            },
        );
        add(
            format!("row_field_delimiter_{row}"),
            with_line(row, spaced),
            clean,
        );
        let written: Vec<String> = cells.iter().map(|text| cell(text, PLAIN)).collect();
        let join = |cells: &[String]| cells.join(",") + "\r\n";
        for column in 0..cells.len() {
            let mut more = written.clone();
            more.insert(column, String::new());
            add(
                format!("row_more_sep_row{row}_col{column}"),
                with_line(row, join(&more)),
                clean,
            );
            let mut quoted = written.clone();
            let at = usize::from(quoted[column].starts_with('"'));
            quoted[column].insert(at, '"');
            let mut expected = clean.clone();
            expected[row][column].insert(0, '"');
            add(
                format!("row_extra_quote{row}_col{column}"),
                with_line(row, join(&quoted)),
                &expected,
            );
            if column > 0 {
                let mut less = written.clone();
                let merged = less.remove(column);
                less[column - 1].push_str(&merged);
                add(
                    format!("row_less_sep_row{row}_col{column}"),
                    with_line(row, join(&less)),
                    clean,
                );
            }
        }
    }
    variants
}
