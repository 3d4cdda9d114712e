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
    Dialect, Kinds, class_of,
    kinds::Class,
    table::{Table, find_table},
};
use crate::read::{
    Unescape,
    general::{Next, Rules, next},
    span::Span,
};

/// More fields than any table may have: how far a sample's records are told apart.
const SAMPLE_COLUMNS: usize = 1 << 14;
/// How many bytes of the sample each candidate reads.
const CANDIDATE_BYTES: usize = 96 << 10;

/// Delimiters, and how likely each is before the file has been looked at.
const DELIMITERS: [(&str, f64); 33] = [
    (",", 1.0),
    ("\t", 1.0),
    (";", 0.995),
    ("|", 0.99),
    (", ", 0.98),
    ("; ", 0.98),
    (" | ", 0.98),
    ("||", 0.98),
    ("\t\t", 0.9),
    ("::", 0.95),
    (":", 0.8),
    (" ", 0.7),
    ("^", 0.9),
    ("~", 0.9),
    ("|~|", 0.98),
    ("~|~", 0.98),
    ("|^|", 0.98),
    ("^|^", 0.98),
    ("|#|", 0.98),
    ("#|#", 0.98),
    ("@@", 0.9),
    ("##", 0.9),
    ("$$", 0.9),
    ("^^", 0.95),
    ("~~", 0.95),
    (";;", 0.95),
    ("<>", 0.9),
    ("\u{1}", 0.97),
    ("\u{1F}", 0.97),
    ("\u{1E}", 0.9),
    ("¦", 0.97),
    ("§", 0.97),
    ("\\t", 0.8),
];

/// What is looked at of a text: its beginning and pieces from further on.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The text's beginning.
    pub start: Vec<u8>,
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

/// A candidate and what it made of the sample.
struct Tried {
    rules: Rules,
    score: f64,
    regular: f64,
}

/// The dialect of a text of which `sample` is known.
///
/// # Errors
/// [`Failure::rejected`]: `empty` where there is no record at all, `bad-header` where the header cannot be read.
pub fn detect(sample: &Sample, wanted: &Wanted) -> Result<Dialect, Failure> {
    let (separator, after_separator) = separator_line(&sample.start);
    let begin = after_separator.max(skipped(&sample.start, wanted.skip_lines.unwrap_or(0)));
    let text = sample.start.get(begin..).unwrap_or_default();
    let delimiter = wanted.delimiter.clone().or(separator);
    let mut tried = Vec::new();
    for rules in candidates(text, sample, delimiter.as_deref(), wanted) {
        tried.push(try_out(rules, text, sample));
    }
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
    };
    let (mut rules, mut confidence) = match best {
        Some(best) => {
            let lead = 1.0 - runner_up.map_or(0.0, |other| (other.score / best.score).clamp(0.0, 1.0));
            (best.rules.clone(), best.regular * (0.5 + 0.5 * lead))
        }
        None => (asked.clone(), 0.0),
    };
    let alone = one_column(text, sample, best.is_none_or(|best| best.score == 0.0));
    let is_alone = match best {
        None => true,
        Some(best) if alone.typed => {
            // What splits numbers and times may be part of them, unless the header has it too.
            let ambiguous = matches!(best.rules.delimiter.as_slice(), b":" | b" ")
                || !first_line(text)
                    .windows(best.rules.delimiter.len())
                    .any(|window| window == best.rules.delimiter);
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
    let mut table = find_table(text, sample, &rules, wanted)?;
    if wanted.comment.is_none() && table.comment.is_some() {
        rules.comment = table.comment.clone();
        table = find_table(text, sample, &rules, wanted)?;
    }
    finish(sample, begin, rules, table, confidence)
}

fn finish(
    sample: &Sample,
    begin: usize,
    rules: Rules,
    table: Table,
    confidence: f64,
) -> Result<Dialect, Failure> {
    let utf8 = |bytes: Vec<u8>, what: &'static str| {
        String::from_utf8(bytes).map_err(|_| {
            Failure::rejected(
                "bad-header",
                format!("the header cannot be read: {what} is not UTF-8"),
            )
            .at(Place::Byte {
                offset: (begin + table.start) as u64,
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
        match crate::read::general::line(text, at, true) {
            Some((_, next)) => at = next,
            None => return text.len(),
        }
    }
    at
}

/// Excel's own way of saying it: a first line `sep=;`. The delimiter, and where the line ends.
fn separator_line(text: &[u8]) -> (Option<String>, usize) {
    let Some((end, next)) = crate::read::general::line(text, 0, true) else {
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

/// A delimiter that a text does not have.
fn unused(text: &[u8]) -> &'static [u8] {
    const UNLIKELY: [&[u8]; 4] = [b"\x1F", b"\x1E", b"\x1D", b"\x1C"];
    UNLIKELY
        .into_iter()
        .find(|delimiter| memchr::memmem::find(text, delimiter).is_none())
        .unwrap_or(b"\x1F\x1E\x1D")
}

/// Every dialect that is worth a try.
fn candidates(text: &[u8], sample: &Sample, delimiter: Option<&str>, wanted: &Wanted) -> Vec<Rules> {
    let text = text.get(..CANDIDATE_BYTES).unwrap_or(text);
    let has = |needle: &[u8]| {
        memchr::memmem::find(text, needle).is_some()
            || sample
                .inside
                .iter()
                .any(|piece| memchr::memmem::find(piece, needle).is_some())
    };
    let delimiters: Vec<&str> = match delimiter {
        Some(delimiter) => vec![delimiter],
        None => DELIMITERS
            .iter()
            .map(|(delimiter, _)| *delimiter)
            .filter(|delimiter| has(delimiter.as_bytes()))
            .collect(),
    };
    let mut found = Vec::new();
    for delimiter in delimiters {
        let quotes: Vec<Option<u8>> = match wanted.quote {
            Some(quote) => vec![quote],
            None => {
                let opens = |quote: u8| {
                    let at_start = text.first() == Some(&quote);
                    let behind = [delimiter.as_bytes(), b"\n", b"\r"]
                        .iter()
                        .any(|before| has(&[before, &[quote][..]].concat()));
                    at_start || behind
                };
                let mut quotes = vec![Some(b'"')];
                if opens(b'\'') {
                    quotes.push(Some(b'\''));
                }
                if opens(b'"') {
                    quotes.push(None);
                }
                quotes
            }
        };
        for quote in quotes {
            let escapes: Vec<Option<u8>> = match (wanted.escape, quote) {
                (Some(escape), _) => vec![escape],
                (None, None) => vec![None],
                (None, Some(quote)) => {
                    let mut escapes = vec![Some(quote)];
                    if has(&[b'\\', quote]) {
                        escapes.push(Some(b'\\'));
                    }
                    escapes
                }
            };
            for escape in escapes {
                found.push(Rules {
                    delimiter: delimiter.as_bytes().to_vec(),
                    quote,
                    escape,
                    comment: None,
                });
            }
        }
    }
    found
}

/// What a candidate's records say.
#[derive(Default)]
struct Tally {
    /// The number of fields of each record in turn; 0 where it is damaged.
    fields: Vec<usize>,
    cells: f64,
    known: f64,
    /// Cells that are typed, or that quotes made whole.
    telling: f64,
}

/// Scores a candidate on the sample.
fn try_out(rules: Rules, text: &[u8], sample: &Sample) -> Tried {
    let mut tally = Tally::default();
    let cut = text.get(..CANDIDATE_BYTES).unwrap_or(text);
    let whole = sample.is_whole && cut.len() == text.len();
    read_into(&rules, cut, whole, &mut tally);
    let (mut regular, mut columns) = regularity(&tally.fields, true);
    for piece in &sample.inside {
        let mut inside = Tally::default();
        read_into(&rules, behind_first_line(piece), false, &mut inside);
        let same = inside.fields.iter().filter(|fields| **fields == columns).count();
        if columns < 2 {
            (_, columns) = regularity(&inside.fields, false);
        }
        if !inside.fields.is_empty() {
            regular = regular.min(1.0) * 0.7 + 0.3 * ratio(same, inside.fields.len());
        }
        tally.cells += inside.cells;
        tally.known += inside.known;
        tally.telling += inside.telling;
    }
    let types = if tally.cells > 0.0 {
        tally.known / tally.cells
    } else {
        0.0
    };
    let prior = DELIMITERS
        .iter()
        .find(|(delimiter, _)| delimiter.as_bytes() == rules.delimiter)
        .map_or(1.0, |(_, prior)| *prior);
    #[expect(clippy::cast_precision_loss, reason = "a number of columns is small")]
    let breadth = 1.0 - 0.4 / columns.max(1) as f64;
    // Quotes that work say more than none; a backslash is an escape only where it helps.
    let quoting = match (rules.quote, rules.escape) {
        (None, _) => 0.97,
        (Some(b'"'), Some(b'"')) => 1.0,
        (Some(_), _) => 0.995,
    };
    // Words are split by spaces, and times by colons, whether that means anything or not.
    let loose = matches!(rules.delimiter.as_slice(), b" " | b":");
    let evidence = if loose && tally.telling < tally.cells * 0.15 {
        0.4
    } else {
        1.0
    };
    let score = if columns < 2 {
        0.0
    } else {
        regular * types * prior * breadth * quoting * evidence
    };
    Tried {
        rules,
        score,
        regular,
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample are small")]
    let ratio = part as f64 / whole.max(1) as f64;
    ratio
}

/// How many of the records, from the first to the last that has the number of fields which most have, do have it; and that
/// number.
fn regularity(fields: &[usize], from_first: bool) -> (f64, usize) {
    let mut counts = std::collections::BTreeMap::new();
    for &count in fields.iter().filter(|count| **count > 1) {
        *counts.entry(count).or_insert(0_usize) += 1;
    }
    let Some((&columns, _)) = counts.iter().max_by_key(|(columns, count)| (**count, **columns)) else {
        return (0.0, 1);
    };
    let is_row = |count: &usize| *count == columns;
    let first = if from_first {
        fields.iter().position(is_row).unwrap_or(0)
    } else {
        0
    };
    let last = fields.iter().rposition(is_row).unwrap_or(fields.len());
    let within = fields.get(first..=last).unwrap_or_default();
    let rows = within.iter().filter(|count| is_row(count)).count();
    // What stands before and after counts too, but less: a preamble may be longer than a short table.
    let outside = fields.len() - within.len();
    (
        ratio(rows, within.len()) * (0.6 + 0.4 * ratio(rows, rows + outside)),
        columns,
    )
}

/// What follows the first line end: a piece from inside begins within a record.
fn behind_first_line(piece: &[u8]) -> &[u8] {
    match crate::read::general::line(piece, 0, false) {
        Some((_, next)) => piece.get(next..).unwrap_or_default(),
        None => &[],
    }
}

/// Reads a piece of text; `whole` says that its end is the text's.
fn read_into(rules: &Rules, text: &[u8], whole: bool, tally: &mut Tally) {
    let mut spans = Vec::new();
    let mut at = 0;
    loop {
        spans.clear();
        match next(
            text,
            at,
            whole,
            rules,
            CANDIDATE_BYTES,
            SAMPLE_COLUMNS,
            &mut spans,
        ) {
            Next::Record {
                next, fields, damage, ..
            } => {
                // A comment, most likely: it says nothing.
                if fields == 1 && text.get(at) == Some(&b'#') {
                    at = next;
                    continue;
                }
                tally.fields.push(if damage.is_some() { 0 } else { fields });
                for span in &spans {
                    let cell = text.get(span.range()).unwrap_or_default();
                    let (weight, known) = plausibility(cell, *span, rules);
                    tally.cells += weight;
                    tally.known += known * weight;
                    if span.is_quoted() || class_of(cell).has(Class::TYPED) {
                        tally.telling += weight;
                    }
                }
                if damage.is_some() {
                    tally.cells += 1.0;
                }
                at = next;
            }
            Next::Blank { next } | Next::Comment { next } => at = next,
            Next::NeedMore | Next::End => return,
        }
    }
}

/// How much a cell says, and how much it looks like one: 0 to 1.
fn plausibility(cell: &[u8], span: Span, rules: &Rules) -> (f64, f64) {
    if span.is_quoted() {
        // Quotes that begin and end a field are the best sign there is.
        return (1.5, 1.0);
    }
    if cell.is_empty() {
        return (0.5, 0.6);
    }
    let class = class_of(cell);
    let spaced = cell.first() == Some(&b' ') || cell.last() == Some(&b' ');
    let known = match class {
        Class::NONE => 0.8,
        Class::WORD => 0.95,
        Class::CODE => 0.9,
        Class::TEXT => text_plausibility(cell, rules),
        _ => 1.0,
    };
    (1.0, if spaced { known * 0.85 } else { known })
}

/// Text without quotes: the more it looks as if something in it separates or quotes, the less likely.
fn text_plausibility(cell: &[u8], rules: &Rules) -> f64 {
    let is_ours = |byte: u8| rules.delimiter.contains(&byte);
    if !cell
        .iter()
        .any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
    {
        // Part of a longer delimiter, most likely.
        return 0.1;
    }
    let edges = [cell.first().copied(), cell.last().copied()];
    if edges.contains(&Some(b'"')) || cell.windows(2).any(|pair| pair == b"\\\"") {
        return 0.05;
    }
    let suspicious = cell
        .iter()
        .filter(|byte| {
            matches!(byte, b'\t' | b';' | b'|' | b'"' | 0x01..=0x08 | 0x1C..=0x1F) && !is_ours(**byte)
        })
        .count();
    if suspicious > 0 {
        return 0.2;
    }
    if cell.contains(&b',') && !is_ours(b',') {
        return 0.6;
    }
    if cell.len() > 200 { 0.7 } else { 0.85 }
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

fn first_line(text: &[u8]) -> &[u8] {
    let end = crate::read::general::line(text, 0, true).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

fn one_column(text: &[u8], sample: &Sample, unsplit: bool) -> Alone {
    let text = text.get(..CANDIDATE_BYTES).unwrap_or(text);
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

/// The records of a piece of text, each as its cells.
pub(super) struct Records {
    pub(super) all: Vec<Record>,
}

/// A record of the sample.
pub(super) struct Record {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) next: usize,
    pub(super) cells: Vec<Vec<u8>>,
    pub(super) is_damaged: bool,
    pub(super) is_comment: bool,
    /// Whether blank lines stand before it.
    pub(super) after_blank: bool,
}

impl Records {
    /// Reads at most `most` records.
    pub(super) fn read(text: &[u8], whole: bool, rules: &Rules, most: usize) -> Self {
        let unescape = Unescape::by(rules);
        let mut spans = Vec::new();
        let mut all = Vec::new();
        let mut at = 0;
        let mut after_blank = false;
        while all.len() < most {
            spans.clear();
            match next(text, at, whole, rules, text.len(), SAMPLE_COLUMNS, &mut spans) {
                Next::Record {
                    end, next, damage, ..
                } => {
                    let cells = spans
                        .iter()
                        .map(|span| {
                            let cell = text.get(span.range()).unwrap_or_default();
                            let mut plain = cell.to_vec();
                            if span.is_escaped() {
                                unescape.apply(cell, &mut plain);
                            }
                            plain
                        })
                        .collect();
                    all.push(Record {
                        start: at,
                        end,
                        next,
                        cells,
                        is_damaged: damage.is_some(),
                        is_comment: false,
                        after_blank: std::mem::take(&mut after_blank),
                    });
                    at = next;
                }
                Next::Blank { next } => {
                    after_blank = true;
                    at = next;
                }
                Next::Comment { next } => {
                    all.push(Record {
                        start: at,
                        end: at,
                        next,
                        cells: Vec::new(),
                        is_damaged: false,
                        is_comment: true,
                        after_blank: std::mem::take(&mut after_blank),
                    });
                    at = next;
                }
                Next::NeedMore | Next::End => break,
            }
        }
        Self { all }
    }
}

/// Kinds of the columns of some records.
pub(super) fn kinds_of<'a>(columns: usize, records: impl Iterator<Item = &'a Record>) -> Kinds {
    let rows: Vec<Vec<&[u8]>> = records
        .map(|record| record.cells.iter().map(Vec::as_slice).collect())
        .collect();
    Kinds::of(columns, rows.iter().map(Vec::as_slice))
}
