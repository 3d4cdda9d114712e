//! Records of any dialect, one at a time: delimiters of several characters, escapes that are not doubled quotes, comments.
//!
//! Slower than [`super::scan`], and the only way where a dialect is still being looked for.

use memchr::{memchr2, memchr3, memmem};

use super::span::Span;
use crate::dialect::Dialect;

/// The delimiter that is white space, however much of it: spaces and tabs. What stands before a record's first field and behind its last
/// is none. Spelled as pandas does.
pub(crate) const WHITE_SPACE: &[u8] = b"\\s+";

/// A dialect, as far as records depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) delimiter: Vec<u8>,
    pub(crate) quote: Option<u8>,
    /// None: nothing in a quoted field is escaped.
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<Vec<u8>>,
    /// A line that begins as comments do and has so many fields is a record all the same, as nobody said that it is none.
    pub(crate) comment_unless: Option<usize>,
}

impl Rules {
    pub(crate) fn of(dialect: &Dialect) -> Self {
        Self {
            delimiter: dialect.delimiter.as_bytes().to_vec(),
            quote: dialect.quote,
            escape: dialect.escape,
            comment: dialect.comment.as_ref().map(|prefix| prefix.as_bytes().to_vec()),
            comment_unless: dialect.comment_is_guessed.then(|| dialect.columns()),
        }
    }

    /// Whether [`super::scan`] reads it.
    pub(crate) fn is_simple(&self) -> bool {
        self.delimiter.len() == 1
            && self.comment.is_none()
            && self.delimiter.first().copied() != self.quote
            && (self.quote.is_none() || self.escape == self.quote)
            && (self.quote.is_some() || self.escape.is_none())
    }

    /// Whether fields are separated by white space, however much.
    pub(crate) fn is_white(&self) -> bool {
        self.delimiter == WHITE_SPACE
    }

    /// Whether a line is a comment.
    pub(super) fn is_comment(&self, line: &[u8]) -> bool {
        let prefix = self.comment.as_ref();
        prefix.is_some_and(|prefix| line.starts_with(prefix))
    }

    /// Whether the escape is a character of its own.
    pub(super) fn own_escape(&self) -> Option<u8> {
        self.escape.filter(|_| self.escape != self.quote)
    }
}

/// What comes next in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// A record, its line end not included, and where the next begins. The spans of its fields were added, `most` of them
    /// at most, unless it is damaged.
    Record {
        end: usize,
        next: usize,
        fields: usize,
        damage: Option<Damaged>,
    },
    /// A line without a byte; where the next begins.
    Blank { next: usize },
    /// A line that is a comment; where the next begins.
    Comment { next: usize },
    /// More of the text is needed to tell.
    NeedMore,
    /// The text's end.
    End,
}

/// How a record's quotes fail to work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// Text follows the closing quote that stands here.
    Stray(usize),
    /// There is no closing quote.
    Unterminated,
}

/// Finds the record that begins at `start`; `ended` says that no more than `bytes` will follow.
pub(crate) fn next(
    bytes: &[u8],
    start: usize,
    ended: bool,
    rules: &Rules,
    record_bytes: usize,
    most: usize,
    spans: &mut Vec<Span>,
) -> Next {
    if start >= bytes.len() {
        return if ended { Next::End } else { Next::NeedMore };
    }
    if let Some(prefix) = &rules.comment {
        let rest = bytes.get(start..).unwrap_or_default();
        if rules.is_comment(rest) {
            let Some((end, next)) = line(bytes, start, ended) else {
                return Next::NeedMore;
            };
            if !is_record_all_the_same(bytes.get(start..end).unwrap_or_default(), rules) {
                return Next::Comment { next };
            }
        }
        if !ended && rest.len() < prefix.len() && prefix.starts_with(rest) {
            return Next::NeedMore;
        }
    }
    let first = spans.len();
    let mut reading = Reading {
        bytes,
        start,
        ended,
        rules,
        record_bytes,
        most: first + most,
        fields: 0,
        spans,
    };
    let found = reading.record();
    let fields = reading.fields;
    match found {
        Found::End { end, next } if end == start || fields == 0 => {
            spans.truncate(first);
            Next::Blank { next }
        }
        Found::End { end, next } => Next::Record {
            end,
            next,
            fields,
            damage: None,
        },
        Found::NeedMore => {
            spans.truncate(first);
            Next::NeedMore
        }
        Found::Damaged { from, how } => {
            spans.truncate(first);
            match line(bytes, from, ended) {
                Some((end, next)) => Next::Record {
                    end,
                    next,
                    fields: 0,
                    damage: Some(how),
                },
                None => Next::NeedMore,
            }
        }
    }
}

/// See [`Rules::comment_unless`].
fn is_record_all_the_same(line: &[u8], rules: &Rules) -> bool {
    let Some(columns) = rules.comment_unless else {
        return false;
    };
    let mut reading = Reading {
        bytes: line,
        start: 0,
        ended: true,
        rules,
        record_bytes: line.len(),
        most: 0,
        fields: 0,
        spans: &mut Vec::new(),
    };
    matches!(reading.record(), Found::End { .. }) && reading.fields == columns
}

/// Where the line that `from` stands in ends, and where the next begins. `None` if that is not there yet.
pub(crate) fn line(bytes: &[u8], from: usize, ended: bool) -> Option<(usize, usize)> {
    let rest = bytes.get(from..).unwrap_or_default();
    match memchr2(b'\n', b'\r', rest) {
        Some(length) => line_end(bytes, from + length, ended).map(|next| (from + length, next)),
        None => ended.then_some((bytes.len(), bytes.len())),
    }
}

/// Where the next line begins behind the line end at `at`.
fn line_end(bytes: &[u8], at: usize, ended: bool) -> Option<usize> {
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Some(at + 2),
        (Some(b'\r'), None) if !ended => None,
        _ => Some(at + 1),
    }
}

enum Found {
    End {
        end: usize,
        next: usize,
    },
    NeedMore,
    /// The record ends with the line that `from` stands in.
    Damaged {
        from: usize,
        how: Damaged,
    },
}

enum Field {
    /// It ends here, at a delimiter or a line end or the text's end.
    End(usize),
    NeedMore,
    Damaged(Damaged),
    /// It passes the record's cap here.
    Beyond(usize),
}

struct Reading<'a> {
    bytes: &'a [u8],
    start: usize,
    ended: bool,
    rules: &'a Rules,
    record_bytes: usize,
    most: usize,
    fields: usize,
    spans: &'a mut Vec<Span>,
}

impl Reading<'_> {
    fn record(&mut self) -> Found {
        let mut at = self.start;
        if self.rules.is_white() {
            at = match self.pass_white_space(at) {
                Ok(at) => at,
                Err(found) => return found,
            };
            if matches!(self.bytes.get(at), None | Some(b'\n' | b'\r')) {
                return self.end(at);
            }
        }
        loop {
            if at - self.start > self.record_bytes {
                // Too long already: its end is that of this line, whatever further quotes say.
                return Found::Damaged {
                    from: at,
                    how: Damaged::Unterminated,
                };
            }
            let quoted = self.rules.quote.is_some() && self.bytes.get(at).copied() == self.rules.quote;
            let field = if quoted { self.quoted(at) } else { self.plain(at) };
            let end = match field {
                Field::End(end) => end,
                Field::NeedMore => return Found::NeedMore,
                Field::Beyond(from) => {
                    return Found::Damaged {
                        // An escape just before the cap may have hidden a line end: beyond the cap nothing is read but lines.
                        from: from.min(self.start + self.record_bytes + 1),
                        how: Damaged::Unterminated,
                    };
                }
                Field::Damaged(how) => {
                    return Found::Damaged {
                        from: self.start,
                        how,
                    };
                }
            };
            self.fields += 1;
            let (end, next) = if self.rules.is_white() {
                match self.pass_white_space(end) {
                    Ok(end) => (end, end),
                    Err(found) => return found,
                }
            } else {
                (end, end + self.rules.delimiter.len())
            };
            if matches!(self.bytes.get(end), None | Some(b'\n' | b'\r')) {
                return self.end(end);
            }
            at = next;
        }
    }

    /// Where white space ends that may begin at `at`, or why that cannot be told.
    fn pass_white_space(&self, at: usize) -> Result<usize, Found> {
        let end = behind_white_space(self.bytes, at);
        if end - self.start > self.record_bytes {
            return Err(Found::Damaged {
                from: self.start + self.record_bytes + 1,
                how: Damaged::Unterminated,
            });
        }
        if end >= self.bytes.len() && !self.ended {
            return Err(Found::NeedMore);
        }
        Ok(end)
    }

    /// The record ends at a line end or the text's.
    fn end(&self, end: usize) -> Found {
        if end >= self.bytes.len() {
            return Found::End { end, next: end };
        }
        match line_end(self.bytes, end, self.ended) {
            Some(next) => Found::End { end, next },
            None => Found::NeedMore,
        }
    }

    fn push(&mut self, span: Span) {
        if self.spans.len() < self.most {
            self.spans.push(span);
        }
    }

    /// Whether the delimiter stands at `at`; `None` if too little of the text is there to tell.
    fn is_delimiter(&self, at: usize) -> Option<bool> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let delimiter = &self.rules.delimiter;
        if self.rules.is_white() {
            return Some(matches!(rest.first(), Some(b' ' | b'\t')));
        }
        if rest.starts_with(delimiter) {
            return Some(true);
        }
        if !self.ended && rest.len() < delimiter.len() && delimiter.starts_with(rest) {
            return None;
        }
        Some(false)
    }

    /// A field that no quote opens.
    fn plain(&mut self, field: usize) -> Field {
        if self.rules.is_white() {
            return self.word(field);
        }
        let first = self.rules.delimiter.first().copied().unwrap_or(b',');
        let escape = self.rules.own_escape();
        let mut at = field;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let special = match escape {
                Some(escape) => {
                    let ends = memchr3(first, b'\n', b'\r', rest);
                    let before = rest.get(..ends.unwrap_or(rest.len())).unwrap_or_default();
                    memchr::memchr(escape, before).or(ends)
                }
                None => memchr3(first, b'\n', b'\r', rest),
            };
            let Some(special) = special.map(|special| at + special) else {
                if !self.ended {
                    return Field::NeedMore;
                }
                self.push(plain(field, self.bytes.len(), escaped));
                return Field::End(self.bytes.len());
            };
            let byte = self.bytes.get(special).copied().unwrap_or(b'\n');
            if special - self.start > self.record_bytes {
                return Field::Beyond(special);
            }
            if Some(byte) == escape {
                match self.bytes.get(special + 1) {
                    None if !self.ended => return Field::NeedMore,
                    None => at = special + 1,
                    Some(_) => {
                        escaped = true;
                        at = special + 2;
                    }
                }
                continue;
            }
            if byte == first && !matches!(byte, b'\n' | b'\r') {
                match self.is_delimiter(special) {
                    None => return Field::NeedMore,
                    Some(false) => {
                        at = special + 1;
                        continue;
                    }
                    Some(true) => {}
                }
            }
            self.push(plain(field, special, escaped));
            return Field::End(special);
        }
    }

    /// A field that white space ends.
    fn word(&mut self, field: usize) -> Field {
        let rest = self.bytes.get(field..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        let end = match length {
            None if !self.ended => return Field::NeedMore,
            length => field + length.unwrap_or(rest.len()),
        };
        if end - self.start > self.record_bytes {
            return Field::Beyond(end);
        }
        self.push(plain(field, end, false));
        Field::End(end)
    }

    /// A field that the quote at `open` opens.
    fn quoted(&mut self, open: usize) -> Field {
        let quote = self.rules.quote.unwrap_or(b'"');
        let escape = self.rules.escape.unwrap_or(quote);
        let mut at = open + 1;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(found) = memchr2(quote, escape, rest).map(|found| at + found) else {
                let beyond = self.bytes.len() - self.start > self.record_bytes;
                return if self.ended || beyond {
                    Field::Damaged(Damaged::Unterminated)
                } else {
                    Field::NeedMore
                };
            };
            if found - self.start > self.record_bytes {
                return Field::Damaged(Damaged::Unterminated);
            }
            let byte = self.bytes.get(found).copied().unwrap_or(quote);
            let next = self.bytes.get(found + 1).copied();
            if byte != quote {
                // An escape that is no quote.
                match next {
                    None if !self.ended => return Field::NeedMore,
                    None => at = found + 1,
                    Some(_) => {
                        escaped = true;
                        at = found + 2;
                    }
                }
                continue;
            }
            match next {
                None if !self.ended => return Field::NeedMore,
                None | Some(b'\n' | b'\r') => {}
                Some(next) if self.rules.escape == Some(quote) && next == quote => {
                    escaped = true;
                    at = found + 2;
                    continue;
                }
                Some(_) => match self.is_delimiter(found + 1) {
                    None => return Field::NeedMore,
                    Some(true) => {}
                    Some(false) => return Field::Damaged(Damaged::Stray(found)),
                },
            }
            self.push(Span::quoted(open + 1, found, escaped));
            return Field::End(found + 1);
        }
    }
}

/// Where a run of spaces and tabs ends that may begin at `at`.
pub(crate) fn behind_white_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

fn plain(start: usize, end: usize, escaped: bool) -> Span {
    let span = Span::plain(start, end);
    if escaped { span.escaped() } else { span }
}

/// Where in `line` the delimiter stands, however it is quoted.
pub(crate) fn delimiters<'a>(line: &'a [u8], delimiter: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(line, delimiter)
}
