//! How well a dialect fits a text.

use super::{Sample, Wanted, aligned::Aligned, class_of, kinds::Class, records::SAMPLE_COLUMNS};
use crate::read::{
    general::{Next, Rules, WHITE_SPACE, next},
    span::Span,
};

/// How many bytes of the sample each candidate reads.
const CANDIDATE_BYTES: usize = 96 << 10;
/// But these lines at least, as long as they are no longer than this.
const LEAST_LINES: usize = 3;
const LEAST_LINES_BYTES: usize = 1 << 20;

/// Delimiters, and how likely each is before the file has been looked at.
const DELIMITERS: [(&str, f64); 35] = [
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
    (r"\s+", 0.84),
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
    ("\u{14}", 0.97),
    ("¦", 0.97),
    ("§", 0.97),
    ("\\t", 0.8),
];

/// A candidate and what it made of the sample.
pub(super) struct Tried {
    pub(super) rules: Rules,
    pub(super) score: f64,
    pub(super) regular: f64,
    /// The first record is split, and most of the beginning into as many fields.
    pub(super) splits_header: bool,
    /// The first one is not split.
    pub(super) spares_first: bool,
}

/// What each candidate reads of a text.
pub(super) fn beginning(text: &[u8]) -> &[u8] {
    let head = text.get(..LEAST_LINES_BYTES).unwrap_or(text);
    let lines = memchr::memchr2_iter(b'\n', b'\r', head).nth(LEAST_LINES - 1);
    let end = lines.map_or(head.len(), |at| at + 1).max(CANDIDATE_BYTES);
    text.get(..end).unwrap_or(text)
}

/// Every dialect that is worth a try.
pub(super) fn candidates(
    text: &[u8],
    sample: &Sample,
    delimiter: Option<&str>,
    wanted: &Wanted,
) -> Vec<Rules> {
    let text = beginning(text);
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
            .filter(|delimiter| match delimiter.as_bytes() {
                WHITE_SPACE => Aligned::of(text).is_some(),
                delimiter => has(delimiter),
            })
            .collect(),
    };
    let mut found = Vec::new();
    for delimiter in delimiters {
        let quotes = wanted
            .quote
            .map_or_else(|| quotes_of(text, delimiter, &has), |quote| vec![quote]);
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
                    comment_unless: None,
                });
            }
        }
    }
    found
}

/// The quotes that a text may have.
fn quotes_of(text: &[u8], delimiter: &str, has: &impl Fn(&[u8]) -> bool) -> Vec<Option<u8>> {
    let before = match delimiter.as_bytes() {
        WHITE_SPACE => b" ",
        delimiter => delimiter,
    };
    let opens = |quote: u8| {
        text.first() == Some(&quote)
            || [before, b"\n", b"\r"]
                .iter()
                .any(|before| has(&[before, &[quote][..]].concat()))
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

/// What a candidate's records say.
#[derive(Default)]
struct Tally {
    /// The number of fields of each record in turn; 0 where it is damaged.
    fields: Vec<usize>,
    cells: f64,
    known: f64,
    /// Cells that are typed, or that quotes made whole.
    telling: f64,
    /// Cells that are typed and not all of their record.
    typed: usize,
}

/// Scores a candidate on the sample.
pub(super) fn try_out(rules: Rules, text: &[u8], sample: &Sample) -> Tried {
    let mut tally = Tally::default();
    let cut = beginning(text);
    let whole = sample.is_whole && cut.len() == text.len();
    read_into(&rules, cut, whole, &mut tally);
    let fields = std::mem::take(&mut tally.fields);
    // Words are split by spaces, and times by colons, whether that means anything or not.
    let loose = matches!(rules.delimiter.as_slice(), b" " | b":");
    let (mut regular, mut columns) = regularity(&fields, true);
    if is_astray(&fields, columns) && (loose || tally.typed == 0) {
        regular *= 0.5;
    }
    // As prose is split by a comma and a space: a header that neither is in names one column.
    let is_prose = loose || matches!(rules.delimiter.as_slice(), b", " | b"; ");
    if is_prose && fields.first() == Some(&1) && tally.telling < tally.cells * 0.6 {
        regular *= 0.5;
    }
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
    let rows = fields.iter().filter(|count| **count == columns).count();
    // A part of the lines may have a field too many.
    let splits_header = (!loose || tally.telling >= tally.cells * 0.6)
        && fields.len() > 1
        && columns > 1
        && fields.first() == Some(&columns)
        && rows * 10 >= fields.len() * 6;
    Tried {
        rules,
        score,
        regular,
        splits_header,
        spares_first: fields.first() == Some(&1),
    }
}

/// Where one delimiter splits the header as it does the rows, one that the header lacks is most likely part of the cells.
pub(super) fn prefer_those_of_the_header(tried: &mut [Tried]) {
    if tried.iter().any(|one| one.splits_header && one.score > 0.0) {
        for other in tried.iter_mut().filter(|other| other.spares_first) {
            other.score *= 0.7;
        }
    }
}

/// What quotes make of a text of one column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InQuotes {
    pub(super) records: usize,
    /// Those that are a cell in quotes.
    pub(super) quoted: usize,
    /// Those in which quotes do not work out.
    pub(super) damaged: usize,
}

impl InQuotes {
    /// Reads the beginning of a text; `whole` says that its end is the text's.
    pub(super) fn of(rules: &Rules, text: &[u8], whole: bool) -> Self {
        let whole = whole && beginning(text).len() == text.len();
        let text = beginning(text);
        let mut found = Self::default();
        let (mut at, mut spans) = (0, Vec::new());
        loop {
            spans.clear();
            match next(text, at, whole, rules, text.len(), 1, &mut spans) {
                Next::Record { next, damage, .. } => {
                    found.records += 1;
                    found.quoted += usize::from(spans.first().is_some_and(|span| span.is_quoted()));
                    found.damaged += usize::from(damage.is_some());
                    at = next;
                }
                Next::Blank { next } | Next::Comment { next } => at = next,
                Next::NeedMore | Next::End => return found,
            }
        }
    }

    /// Whether all are cells in quotes, but for the first, which may be a header.
    pub(super) const fn are_all(self) -> bool {
        self.quoted > 0 && self.damaged == 0 && self.quoted + 1 >= self.records
    }

    /// If there are cells in quotes: whether quotes quote.
    pub(super) const fn quote(self) -> Option<bool> {
        if self.quoted == 0 {
            return None;
        }
        Some(self.damaged * 10 <= self.quoted)
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

/// Whether hardly a record is split, and into few fields: those are sentences, or names, with a comma in them.
fn is_astray(fields: &[usize], columns: usize) -> bool {
    let rows = fields.iter().filter(|count| **count == columns).count();
    let is_few = columns == 2 || (columns == 3 && rows == 1);
    is_few && fields.len() >= 3 && rows * 3 <= fields.len()
}

/// What follows the first line end: a piece from inside begins within a record.
pub(super) fn behind_first_line(piece: &[u8]) -> &[u8] {
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
        match next(text, at, whole, rules, text.len(), SAMPLE_COLUMNS, &mut spans) {
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
                    let Plausibility {
                        weight,
                        known,
                        telling,
                    } = plausibility(cell, *span, rules);
                    tally.cells += weight;
                    tally.known += known * weight;
                    tally.telling += if telling { weight } else { 0.0 };
                    tally.typed += usize::from(telling && fields > 1 && !span.is_quoted());
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

/// What a cell says for the dialect that makes it one.
struct Plausibility {
    /// How much it says at all.
    weight: f64,
    /// How much it looks like a cell: 0 to 1.
    known: f64,
    /// Whether it is typed, or quotes made it whole.
    telling: bool,
}

fn plausibility(cell: &[u8], span: Span, rules: &Rules) -> Plausibility {
    let says = |weight, known, telling| Plausibility {
        weight,
        known,
        telling,
    };
    if span.is_quoted() {
        // An apostrophe that stands alone in its cell opens nothing.
        let is_apart =
            rules.quote == Some(b'\'') && (cell.starts_with(&rules.delimiter) || cell.starts_with(b"\n"));
        if is_apart {
            return says(1.5, 0.05, false);
        }
        // Quotes that begin and end a field are the best sign there is.
        return says(1.5, 1.0, true);
    }
    if cell.is_empty() {
        return says(0.5, 0.6, false);
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
    let known = if spaced { known * 0.85 } else { known };
    says(1.0, known, class.has(Class::TYPED))
}

/// Text without quotes: the more it looks as if something in it separates or quotes, the less likely.
fn text_plausibility(cell: &[u8], rules: &Rules) -> f64 {
    // A comma does not go for the `, ` that delimits, as a bar may for the `||`.
    let is_ours = |byte: u8| {
        rules.delimiter == [byte] || (rules.delimiter.contains(&byte) && !rules.delimiter.contains(&b' '))
    };
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
        // Nobody types a tab into a cell.
        return if cell.contains(&b'\t') { 0.05 } else { 0.2 };
    }
    if memchr::memmem::find(cell, b"::").is_some() && rules.delimiter != b"::" {
        return 0.4;
    }
    if cell.contains(&b',') && !is_ours(b',') {
        return 0.6;
    }
    if cell.len() > 200 { 0.7 } else { 0.85 }
}
