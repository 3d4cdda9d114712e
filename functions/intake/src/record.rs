//! Splits text into records of cells, as leniently as readers of CSV do.

/// A field of a record, its quotes taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_quoted: bool,
}

/// A row: its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) cells: Vec<Cell<'a>>,
}

/// The records of `text`, blank ones left out. With `quotes`, a cell that begins with a double quote goes on to the
/// quote that closes it, line ends and delimiters and doubled quotes and all. Unless `whole`, a record that the
/// text's end cut is left out.
pub(crate) fn split(text: &str, delimiter: char, quotes: bool, whole: bool) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (record, after, is_closed) = record(rest, delimiter, quotes);
        rest = after;
        let is_blank = matches!(record.cells.as_slice(), [only] if only.text.trim().is_empty());
        if !is_blank && (is_closed || whole) {
            records.push(record);
        }
    }
    records
}

/// The first record of `text`, what follows it, and whether its last quote was closed.
fn record(text: &str, delimiter: char, quotes: bool) -> (Record<'_>, &str, bool) {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after, is_closed) = cell(rest, delimiter, quotes);
        cells.push(cell);
        let mut chars = after.chars();
        match chars.next() {
            Some(next) if next == delimiter => rest = chars.as_str(),
            Some(_) => return (Record { cells }, chars.as_str(), is_closed),
            None => return (Record { cells }, "", is_closed),
        }
    }
}

/// The first cell of `text`, what follows it (a delimiter, a line end or nothing), and whether its quote was closed.
fn cell(text: &str, delimiter: char, quotes: bool) -> (Cell<'_>, &str, bool) {
    let bare = |text: &'_ str| text.find([delimiter, '\n']).unwrap_or(text.len());
    if quotes && let Some(inside) = text.strip_prefix('"') {
        let bytes = inside.as_bytes();
        let mut from = 0;
        while let Some(found) = memchr::memchr(b'"', bytes.get(from..).unwrap_or_default()) {
            let end = from + found;
            if bytes.get(end + 1) == Some(&b'"') {
                from = end + 2;
                continue;
            }
            let (content, after) = inside.split_at_checked(end).unwrap_or((inside, ""));
            // What stands between the quote and the delimiter belongs to no cell, and is left out.
            let after = after.strip_prefix('"').unwrap_or(after);
            let after = after.get(bare(after)..).unwrap_or_default();
            let cell = Cell {
                text: content,
                is_quoted: true,
            };
            return (cell, after, true);
        }
        let cell = Cell {
            text: inside,
            is_quoted: true,
        };
        return (cell, "", false);
    }
    let (inside, after) = text.split_at_checked(bare(text)).unwrap_or((text, ""));
    let cell = Cell {
        text: inside,
        is_quoted: false,
    };
    (cell, after, true)
}

/// Whether a cell is a number, a date or a time: digits, and no more letters than such a value has.
pub(crate) fn is_typed(text: &str) -> bool {
    let (mut digits, mut letters, mut others) = (0, 0, 0);
    for char in text.chars() {
        match char {
            '0'..='9' => digits += 1,
            'A'..='Z' | 'a'..='z' => letters += 1,
            '.' | ',' | '-' | '+' | ':' | '/' | '%' | '$' | '€' | '£' | ' ' => {}
            _ => others += 1,
        }
    }
    // `2024-01-01T12:00:00Z`, `1e5`, `12 Jan 2024`; an identifier has more letters than these.
    digits > 0 && others == 0 && (letters <= 2 || (letters == 3 && digits >= 5))
}
