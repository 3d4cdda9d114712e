//! Delimited text: whether the lines of a text are rows of a table, and what divides their fields.
//!
//! Each candidate delimiter splits the sample twice, with quotes and without (one stray quote swallows all rows
//! behind it). The split is scored by how many records have the same number of fields, whatever lies before the
//! first of them, and by whether the fields look like values. What the text looks like otherwise (`prose`) weighs
//! against it, and the name settles what is left open.

use crate::{
    access_log::share,
    encoding::Text,
    identify::{Guess, Kind},
    prose::{self, Evidence},
    record::{self, Cell, Record},
};

/// The delimiters that are tried, likeliest first, and how readily each is believed.
const DELIMITERS: [(char, f32); 11] = [
    (',', 1.0),
    ('\t', 1.0),
    (';', 0.99),
    ('|', 0.98),
    ('\u{1}', 0.95),
    ('\u{1F}', 0.95),
    ('\u{1E}', 0.95),
    ('^', 0.8),
    ('~', 0.8),
    (':', 0.65),
    (' ', 0.6),
];
/// The score from which a text is a table.
const THRESHOLD: f32 = 0.5;
/// The most that a name adds to what the bytes say.
const BY_NAME: f32 = 0.5;

/// The table that `text` is. `name` is lower-case.
pub(crate) fn identify(text: &Text, name: &str) -> Option<Guess> {
    let evidence = prose::evidence(text);
    let called = called(name);
    let best = DELIMITERS
        .iter()
        .filter_map(|(delimiter, weight)| {
            let score = weight * score(text, *delimiter, &evidence)?;
            Some((score, *delimiter))
        })
        .fold(None, |best: Option<(f32, char)>, candidate| match best {
            Some(best) if best.0 >= candidate.0 => Some(best),
            _ => Some(candidate),
        });
    let penalty = match called {
        Called::Table => 1.0,
        Called::Unknown => 1.0 - 0.8 * evidence.against,
        Called::OtherText => 0.55 * (1.0 - 0.8 * evidence.against),
    };
    match best {
        Some((score, delimiter)) if score * penalty >= THRESHOLD => Some(table(delimiter, score * penalty)),
        _ if called == Called::Table && evidence.against < 0.6 => {
            let (score, delimiter) = best.unwrap_or((0.3, ','));
            Some(table(delimiter, score.clamp(0.3, BY_NAME)))
        }
        _ if called != Called::OtherText && evidence.against < 0.5 => {
            single_column(text).map(|confidence| table(',', confidence))
        }
        _ => None,
    }
}

fn table(delimiter: char, confidence: f32) -> Guess {
    let (format, looks_like, media_type) = match delimiter {
        ',' => ("csv", "CSV".to_owned(), "text/csv"),
        '\t' => (
            "tsv",
            "tab-separated values".to_owned(),
            "text/tab-separated-values",
        ),
        _ => {
            let by = match delimiter {
                ';' => "semicolons".to_owned(),
                '|' => "vertical bars".to_owned(),
                ':' => "colons".to_owned(),
                ' ' => "spaces".to_owned(),
                '^' => "carets".to_owned(),
                '~' => "tildes".to_owned(),
                other => format!("U+{:04X}", u32::from(other)),
            };
            ("csv", format!("CSV delimited by {by}"), "text/csv")
        }
    };
    Guess {
        delimiter: Some(delimiter),
        ..Guess::new(Some(Kind::Tables), format, looks_like, media_type, confidence)
    }
}

/// What a name says of its file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    Table,
    OtherText,
    Unknown,
}

fn called(name: &str) -> Called {
    const TABLES: [&str; 5] = ["csv", "tsv", "tab", "psv", "ssv"];
    const OTHERS: [&str; 54] = [
        "asm",
        "bash",
        "bat",
        "c",
        "cc",
        "cfg",
        "conf",
        "cpp",
        "cs",
        "css",
        "diff",
        "eml",
        "go",
        "gradle",
        "h",
        "hpp",
        "htm",
        "html",
        "ics",
        "ini",
        "ipynb",
        "java",
        "js",
        "json",
        "jsx",
        "kt",
        "lock",
        "lua",
        "m",
        "markdown",
        "md",
        "patch",
        "pem",
        "php",
        "pl",
        "po",
        "properties",
        "ps1",
        "py",
        "r",
        "rb",
        "rs",
        "rst",
        "scala",
        "sh",
        "sql",
        "srt",
        "swift",
        "tex",
        "toml",
        "ts",
        "xml",
        "yaml",
        "yml",
    ];
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if TABLES.contains(&ending) {
        Called::Table
    } else if OTHERS.binary_search(&ending).is_ok() || ["makefile", "dockerfile", "license"].contains(&name) {
        Called::OtherText
    } else {
        Called::Unknown
    }
}

/// How much of `text` is a table under `delimiter`, from 0 to 1; none if it divides nothing.
fn score(text: &Text, delimiter: char, evidence: &Evidence) -> Option<f32> {
    if !text.content.contains(delimiter) {
        return None;
    }
    // Every Markdown table has its row of dashes, and no other table has one.
    if delimiter == '|' && evidence.has_markdown_table {
        return None;
    }
    [true, false]
        .into_iter()
        .filter_map(|quotes| {
            let records = record::split(&text.content, delimiter, quotes, text.whole);
            // A table that only splits without its quotes is one with a stray quote in it.
            Some(score_records(&records, delimiter)? * if quotes { 1.0 } else { 0.97 })
        })
        .fold(None, |best: Option<f32>, score| {
            Some(best.map_or(score, |best| best.max(score)))
        })
}

fn score_records(records: &[Record<'_>], delimiter: char) -> Option<f32> {
    let mode = commonest_width(records)?;
    // Comments above a table are no rows of it.
    let is_comment = |record: &Record<'_>| {
        record.cells.len() != mode
            && record
                .cells
                .first()
                .is_some_and(|cell| cell.text.starts_with('#'))
    };
    let comments = records.iter().take_while(|record| is_comment(record)).count();
    let records = records.get(comments..)?;
    let first = records.iter().position(|record| record.cells.len() == mode)?;
    let table = records.get(first..)?;
    let full: Vec<&Record<'_>> = table.iter().filter(|record| record.cells.len() == mode).collect();
    // A delimiter at the end of every line divides nothing from nothing.
    let ends_empty = full
        .iter()
        .filter(|record| {
            record
                .cells
                .last()
                .is_some_and(|cell| cell.text.trim().is_empty())
        })
        .count();
    let width = if ends_empty == full.len() { mode - 1 } else { mode };
    if width < 2 {
        return None;
    }
    let (is_space, is_colon) = (delimiter == ' ', delimiter == ':');
    if (is_space || is_colon) && (width < 3 || full.len() < 3) {
        return None;
    }
    let slack = (mode / 4).max(1);
    let near = if mode < 3 {
        0
    } else {
        table
            .iter()
            .filter(|record| record.cells.len() != mode && record.cells.len().abs_diff(mode) <= slack)
            .count()
    };
    let agreeing = share(2 * full.len() + near, 2 * table.len());
    let in_runs = 0.9 * share(in_runs(records), records.len());
    let consistency = (agreeing * share(table.len(), records.len()).sqrt()).max(in_runs);
    let mut score = consistency * values(&full, delimiter)?;
    if width == 2 {
        score *= 0.95;
    }
    if full.len() == 1 {
        score *= header_alone(&full, records.len());
    }
    Some(score)
}

/// The number of fields, two or more, that most records have; of two as common, the larger.
fn commonest_width(records: &[Record<'_>]) -> Option<usize> {
    let mut widths: Vec<usize> = records
        .iter()
        .map(|record| record.cells.len())
        .filter(|width| *width >= 2)
        .collect();
    widths.sort_unstable();
    widths
        .chunk_by(|a, b| a == b)
        .max_by_key(|chunk| chunk.len())
        .and_then(|chunk| chunk.first())
        .copied()
}

/// How many records lie in runs of at least three that have the same number of fields, two or more: the rows of a
/// file that holds several tables.
fn in_runs(records: &[Record<'_>]) -> usize {
    records
        .chunk_by(|a, b| a.cells.len() == b.cells.len())
        .filter(|run| run.len() >= 3 && run.first().is_some_and(|record| record.cells.len() >= 2))
        .map(<[Record<'_>]>::len)
        .sum()
}

/// How much the fields look like values, from 0.5 to 1; none if what is split are words.
fn values(full: &[&Record<'_>], delimiter: char) -> Option<f32> {
    let (mut cells, mut atomic, mut typed, mut spaced, mut divided) = (0, 0, 0, 0, 0);
    for record in full {
        for (index, cell) in record.cells.iter().enumerate() {
            cells += 1;
            atomic += usize::from(is_atomic(cell));
            typed += usize::from(record::is_typed(cell.text.trim()));
            if index > 0 {
                divided += 1;
                spaced += usize::from(cell.text.starts_with(' ') && !record::is_typed(cell.text.trim()));
            }
        }
    }
    match delimiter {
        // Words lie between spaces; so do aligned numbers.
        ' ' if share(typed, cells) < 0.5 => return None,
        // `2024-01-31 12:30:00 a message` is no row.
        ':' if share(clocks(full), full.len()) > 0.5 => return None,
        ':' if share(spaced, divided) > 0.1 || share(typed, cells) > 0.95 => return None,
        _ => {}
    }
    let is_spaced = matches!(delimiter, ',' | ';') && share(spaced, divided) > 0.8;
    let spacing = if is_spaced { 0.75 } else { 1.0 };
    let indent = if share(indented(full), full.len()) > 0.5 {
        0.5
    } else {
        1.0
    };
    Some((0.5 + 0.5 * share(atomic, cells)) * spacing * indent)
}

/// How many records, split at colons, begin with the hour and the minute of a time.
fn clocks(full: &[&Record<'_>]) -> usize {
    let is_pair = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    full.iter()
        .filter(|record| {
            matches!(record.cells.as_slice(), [hour, minute, ..]
                if is_pair(minute.text) && hour.text.get(hour.text.len().saturating_sub(2)..).is_some_and(is_pair))
        })
        .count()
}

/// How many records begin with a blank cell and do not end with one: tabs that indent, the gutter of a compiler's
/// message. A row between two vertical bars begins and ends with one.
fn indented(full: &[&Record<'_>]) -> usize {
    let is_blank =
        |cell: Option<&Cell<'_>>| cell.is_some_and(|cell| cell.text.trim().is_empty() && !cell.is_quoted);
    full.iter()
        .filter(|record| is_blank(record.cells.first()) && !is_blank(record.cells.last()))
        .count()
}

/// Whether a cell is a value rather than a part of a sentence.
fn is_atomic(cell: &Cell<'_>) -> bool {
    let text = cell.text.trim();
    cell.is_quoted
        || text.is_empty()
        || (text.split_whitespace().take(6).count() <= 5 && !text.ends_with(['.', '!', '?', '{', '(']))
        || text.parse::<f64>().is_ok()
}

/// What a single row is worth: a header of names, or part of a sentence.
fn header_alone(full: &[&Record<'_>], records: usize) -> f32 {
    let Some(record) = full.first() else {
        return 0.0;
    };
    let is_header = record.cells.iter().all(|cell| {
        let text = cell.text;
        cell.is_quoted
            || (!text.is_empty()
                && !text.starts_with(' ')
                && !text.ends_with(['.', ' ', '!', '?'])
                && text.split(' ').count() <= 4)
    });
    match (is_header, records) {
        (true, 1) => 0.8,
        (true, _) => 0.7,
        _ => 0.3,
    }
}

/// A column alone: a value a line, numbers or times for the most part, perhaps below a name.
fn single_column(text: &Text) -> Option<f32> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (_, values) = lines.split_first()?;
    let typed = values.iter().filter(|value| record::is_typed(value)).count();
    (values.len() >= 3 && typed * 10 >= values.len() * 9).then(|| 0.7 * share(typed, values.len()))
}
