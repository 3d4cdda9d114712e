//! Which dialect a text is in.
//!
//! Whole candidates (delimiter, quote, escape) each read the sample and are scored, as in van den Burg, Nazábal and Sutton,
//! "Wrangling messy CSV files by detecting row and type patterns" (Data Mining and Knowledge Discovery 33, 2019): by how
//! regular the records are, times how many cells look like something. Then the table's beginning is found: what stands
//! before it, and how many rows its header has.

use shared::{
    Failure, Place,
    options::{Mark, TablesOptions},
};

use super::{
    Dialect, class_of,
    kinds::Class,
    score::{InQuotes, beginning, behind_first_line, candidates, prefer_those_of_the_header, try_out},
    table::{Table, find_table},
};
use crate::{
    read::general::{Rules, line},
    source::Stretch,
};

/// What is looked at of a text: its beginning and pieces from further on.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The text's beginning.
    pub start: Vec<u8>,
    /// Where in the file that stands.
    pub places: Stretch,
    /// Whether that is all of it.
    pub is_whole: bool,
    /// Pieces from inside, each beginning and ending anywhere.
    pub inside: Vec<Vec<u8>>,
}

/// What is known of a dialect before the text is looked at. What is none is found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// What separates fields.
    pub delimiter: Option<String>,
    /// What quotes a field, or that nothing does.
    pub quote: Option<Option<u8>>,
    /// What makes a quote text, or that nothing does.
    pub escape: Option<Option<u8>>,
    /// What begins a line that is no record, or that nothing does.
    pub comment: Option<Option<String>>,
    /// How many rows make the header.
    pub header_rows: Option<usize>,
    /// How many lines stand before the header.
    pub skip_lines: Option<u64>,
}

impl From<&TablesOptions> for Wanted {
    fn from(options: &TablesOptions) -> Self {
        Self {
            delimiter: options
                .delimiter
                .as_ref()
                .map(|delimiter| delimiter.as_str().to_owned()),
            quote: options.quote.map(Mark::byte),
            escape: options.escape.map(Mark::byte),
            comment: options
                .comment
                .as_ref()
                .map(|mark| Some(mark.clone()).filter(|mark| !mark.is_empty())),
            header_rows: options.header_rows.map(|rows| rows as usize),
            skip_lines: options.skip_lines.map(u64::from),
        }
    }
}

/// The dialect of a text of which `sample` is known.
///
/// # Errors
/// [`Failure::rejected`]: `empty` where there is no record at all, `bad-header` where the header cannot be read.
pub fn detect(sample: &Sample, wanted: &Wanted) -> Result<Dialect, Failure> {
    detect_in_text(sample, wanted).map_err(|failure| match failure.place {
        Some(Place::Byte { offset }) => {
            let at = usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(sample.start.len());
            let offset = sample.places.places(&sample.start).file_offset(at);
            failure.at(Place::Byte { offset })
        }
        _ => failure,
    })
}

/// The same; places are those in the text.
fn detect_in_text(sample: &Sample, wanted: &Wanted) -> Result<Dialect, Failure> {
    let (separator, after_separator) = separator_line(&sample.start);
    let begin = after_separator.max(skipped(&sample.start, wanted.skip_lines.unwrap_or(0)));
    let text = sample.start.get(begin..).unwrap_or_default();
    let delimiter = wanted.delimiter.clone().or(separator);
    let mut tried = Vec::new();
    for rules in candidates(text, sample, delimiter.as_deref(), wanted) {
        tried.push(try_out(rules, text, sample));
    }
    prefer_those_of_the_header(&mut tried);
    tried.sort_by(|a, b| b.score.total_cmp(&a.score));
    let best = tried.first();
    let runner_up = tried
        .iter()
        .find(|other| best.is_some_and(|best| best.rules.delimiter != other.rules.delimiter));
    let asked = Rules {
        delimiter: delimiter.clone().unwrap_or_else(|| ",".into()).into_bytes(),
        quote: wanted.quote.unwrap_or(Some(b'"')),
        escape: wanted.escape.unwrap_or(wanted.quote.unwrap_or(Some(b'"'))),
        comment: None,
        comment_unless: None,
    };
    let (mut rules, mut confidence) = match best {
        Some(best) => {
            let lead = 1.0 - runner_up.map_or(0.0, |other| (other.score / best.score).clamp(0.0, 1.0));
            (best.rules.clone(), best.regular * (0.5 + 0.5 * lead))
        }
        None => (asked.clone(), 0.0),
    };
    let alone = one_column(text, sample, best.is_none_or(|best| best.score == 0.0));
    let quotes = match wanted.quote {
        None => in_quotes(text, sample.is_whole),
        Some(_) => InQuotes::default(),
    };
    let is_alone = match best {
        None => true,
        // Each line, or several, are one cell in quotes: what would split them stands within.
        Some(best) if quotes.are_all() && best.rules.quote.is_none() => true,
        // Somebody made columns of it.
        Some(best) if best.rules.is_white() => false,
        Some(best) if alone.typed => {
            // What splits numbers and times may be part of them, unless the header has it too.
            let delimiter = best.rules.delimiter.as_slice();
            let ambiguous = matches!(delimiter, b":" | b" ") || !stands_in_header(text, delimiter);
            ambiguous && best.score < ALONE_TYPED
        }
        Some(best) => best.score < ALONE,
    };
    if delimiter.is_none() && is_alone {
        rules.delimiter = b",".to_vec();
        // Read with any delimiter that it does not have, a table of one column is what it is.
        if memchr::memchr(b',', text).is_some() {
            rules.delimiter = unused(text).to_vec();
        }
        if let Some(quote) = quotes.quote() {
            let quote = quote.then_some(b'"');
            (rules.quote, rules.escape) = (quote, wanted.escape.unwrap_or(quote));
        }
        confidence = if alone.typed {
            ALONE_TYPED
        } else {
            alone.confidence()
        };
    }
    rules.comment = match &wanted.comment {
        Some(comment) => comment.as_ref().map(|prefix| prefix.as_bytes().to_vec()),
        None => None,
    };
    let behind = |failure: Failure| match failure.place {
        Some(Place::Byte { offset }) => failure.at(Place::Byte {
            offset: offset + begin as u64,
        }),
        _ => failure,
    };
    let mut table = find_table(text, sample, &rules, wanted).map_err(behind)?;
    if wanted.comment.is_none() && table.comment.is_some() {
        rules.comment.clone_from(&table.comment);
        table = find_table(text, sample, &rules, wanted).map_err(behind)?;
    }
    let dialect = finish(sample, begin, rules, table, confidence)?;
    Ok(Dialect {
        comment_is_guessed: wanted.comment.is_none() && dialect.comment.is_some(),
        ..dialect
    })
}

fn finish(
    sample: &Sample,
    begin: usize,
    rules: Rules,
    table: Table,
    confidence: f64,
) -> Result<Dialect, Failure> {
    let header = sample.start.get(begin + table.start..begin + table.body);
    let undecodable = match header.map(std::str::from_utf8) {
        Some(Err(error)) => error.valid_up_to(),
        _ => 0,
    };
    let utf8 = |bytes: Vec<u8>, what: &'static str| {
        String::from_utf8(bytes).map_err(|_| {
            Failure::rejected(
                "bad-header",
                format!("the header cannot be read: {what} cannot be decoded"),
            )
            .at(Place::Byte {
                offset: (begin + table.start + undecodable) as u64,
            })
        })
    };
    let lines = sample.start.get(..begin + table.start).unwrap_or_default();
    let mut header = Vec::with_capacity(table.header.len());
    for name in table.header {
        if name.contains(&0) {
            let message = "the header cannot be read: it holds a NUL";
            return Err(Failure::rejected("bad-header", message).at(Place::Byte {
                offset: (begin + table.start) as u64,
            }));
        }
        header.push(utf8(name, "a column's name")?);
    }
    Ok(Dialect {
        delimiter: utf8(rules.delimiter, "the delimiter")?,
        quote: rules.quote,
        escape: rules.escape,
        comment: rules
            .comment
            .map(|prefix| utf8(prefix, "the comment's mark"))
            .transpose()?,
        comment_is_guessed: false,
        header,
        header_rows: table.header_rows,
        preamble_lines: count_lines(lines),
        body_offset: (begin + table.body) as u64,
        confidence: (confidence * 100.0).round() / 100.0,
        kinds: table.kinds,
    })
}

/// How many line ends there are, CRLF counted once.
fn count_lines(text: &[u8]) -> u64 {
    let mut lines = 0;
    let mut before = 0;
    for &byte in text {
        lines += u64::from(byte == b'\r' || (byte == b'\n' && before != b'\r'));
        before = byte;
    }
    lines
}

/// Where the first `lines` lines end.
fn skipped(text: &[u8], lines: u64) -> usize {
    let mut at = 0;
    for _ in 0..lines {
        match line(text, at, true) {
            Some((_, next)) => at = next,
            None => return text.len(),
        }
    }
    at
}

/// Excel's own way of saying it: a first line `sep=;`. The delimiter, and where the line ends.
fn separator_line(text: &[u8]) -> (Option<String>, usize) {
    let Some((end, next)) = line(text, 0, true) else {
        return (None, 0);
    };
    let line = text.get(..end).unwrap_or_default();
    let line = line
        .strip_prefix(b"\"")
        .map_or(line, |line| line.strip_suffix(b"\"").unwrap_or(line));
    let separator = line
        .strip_prefix(b"sep=")
        .or_else(|| line.strip_prefix(b"SEP="))
        .and_then(|separator| std::str::from_utf8(separator).ok());
    match separator {
        Some(separator) if separator.chars().count() == 1 => (Some(separator.to_owned()), next),
        _ => (None, 0),
    }
}

/// What quotes make of a text if it is one column.
fn in_quotes(text: &[u8], is_whole: bool) -> InQuotes {
    let rules = Rules {
        delimiter: unused(text).to_vec(),
        quote: Some(b'"'),
        escape: Some(b'"'),
        comment: None,
        comment_unless: None,
    };
    InQuotes::of(&rules, text, is_whole)
}

/// A delimiter that a text does not have.
fn unused(text: &[u8]) -> &'static [u8] {
    const UNLIKELY: [&[u8]; 4] = [b"\x1F", b"\x1E", b"\x1D", b"\x1C"];
    UNLIKELY
        .into_iter()
        .find(|delimiter| memchr::memmem::find(text, delimiter).is_none())
        .unwrap_or(b"\x1F\x1E\x1D")
}

/// How likely a text is one column whose lines are all of one typed class.
const ALONE_TYPED: f64 = 0.9;
/// And how likely where they are not.
const ALONE: f64 = 0.35;

/// A text read as one column.
struct Alone {
    /// Whether its lines are all of one typed class.
    typed: bool,
    /// Whether no candidate splits it at all.
    unsplit: bool,
}

impl Alone {
    /// A text that nothing splits is one column for certain.
    fn confidence(&self) -> f64 {
        if self.unsplit { 1.0 } else { ALONE }
    }
}

/// Whether a line at the beginning that is neither number nor time, as a header's is, has a delimiter.
fn stands_in_header(text: &[u8], delimiter: &[u8]) -> bool {
    const MOST_LINES: usize = 20;
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    let mut names = lines
        .filter(|line| !line.is_empty())
        .take(MOST_LINES)
        .filter(|line| !class_of(line).has(Class::TYPED));
    names.any(|line| memchr::memmem::find(line, delimiter).is_some())
}

fn one_column(text: &[u8], sample: &Sample, unsplit: bool) -> Alone {
    let text = beginning(text);
    let mut counts = [0_usize; 16];
    let mut lines = 0;
    let pieces = sample.inside.iter().map(|piece| behind_first_line(piece));
    for (index, line) in std::iter::once(text)
        .chain(pieces)
        .flat_map(|piece| piece.split(|byte| matches!(byte, b'\n' | b'\r')))
        .filter(|line| !line.trim_ascii().is_empty())
        .enumerate()
    {
        // The first may be a header.
        if index == 0 {
            continue;
        }
        lines += 1;
        let class = class_of(line);
        if class.has(Class::TYPED)
            && let Some(count) = counts.get_mut(class_index(class))
        {
            *count += 1;
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    Alone {
        typed: lines > 0 && most * 10 >= lines * 9,
        unsplit,
    }
}

fn class_index(class: Class) -> usize {
    class.index()
}
