//! The innermost loop: where in a buffer the next record's fields stand.

use std::ops::Range;

use memchr::{memchr, memchr2};
use wide::u8x16;

use crate::reader::Fault;

const QUOTED: u32 = 1 << 31;
const ESCAPED: u32 = 1 << 30;

/// Where a cell stands in its buffer, quotes not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end_and_flags: u32,
}

impl Span {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a buffer is shorter than 2^30 bytes: MAX_RECORD_BYTES"
    )]
    const fn new(start: usize, end: usize, flags: u32) -> Self {
        Self {
            start: start as u32,
            end_and_flags: end as u32 | flags,
        }
    }

    /// The cell's bytes within the buffer.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..(self.end_and_flags & !(QUOTED | ESCAPED)) as usize
    }

    /// Whether the cell stood in quotes.
    #[must_use]
    pub const fn is_quoted(self) -> bool {
        self.end_and_flags & QUOTED != 0
    }

    /// Whether it holds `""` that mean `"`.
    #[must_use]
    pub const fn is_escaped(self) -> bool {
        self.end_and_flags & ESCAPED != 0
    }
}

/// What comes next in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scanned {
    /// A record, `start..end` without its line end. Its cells were added, unless it is at fault.
    Record {
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// Why it is no row.
        fault: Option<Fault>,
    },
    /// A line without a byte.
    Blank,
    /// The next record is not whole yet: the buffer must be filled.
    NeedMore,
    /// Nothing.
    End,
}

/// Where the state of a field stands.
#[derive(Clone, Copy)]
enum Quote {
    /// No quote opened it.
    Unopened,
    /// Within quotes; whether a `""` was met.
    Open(bool),
    /// The closing quote was met here; whether a `""` was.
    Closed(usize, bool),
}

/// A position within a buffer, and the 64 bytes around it that have been looked at.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the innermost loop, not one state"
)]
pub struct Scan {
    position: usize,
    /// Start of the 64 bytes that `specials` speaks of.
    base: usize,
    /// A bit for each delimiter, quote, LF and CR at or after the position.
    specials: u64,
    /// Whether a byte of the 64 is NUL or not ASCII.
    base_is_odd: bool,
    /// Whether one of the current record may be.
    odd: bool,
    loaded: bool,
    /// A CR ended the buffer: an LF that follows belongs to it.
    swallow_line_feed: bool,
    delimiter: u8,
    record_bytes: usize,
    columns: usize,
    exact: bool,
}

impl Scan {
    /// A scan from the start of a buffer.
    #[must_use]
    pub const fn new(delimiter: u8, record_bytes: usize) -> Self {
        Self {
            position: 0,
            base: 0,
            specials: 0,
            base_is_odd: false,
            odd: false,
            loaded: false,
            swallow_line_feed: false,
            delimiter,
            record_bytes,
            columns: usize::MAX,
            exact: false,
        }
    }

    /// How many cells of a record to note at most; when `exact`, a record of more or fewer is at fault, and a blank
    /// line is a record where there is one column.
    pub const fn set_columns(&mut self, columns: usize, exact: bool) {
        self.columns = columns;
        self.exact = exact;
    }

    /// Where the next record begins.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The buffer's bytes from the position on were moved to its front.
    pub const fn rebase(&mut self) {
        self.position = 0;
        self.loaded = false;
    }

    /// Goes on from here.
    pub const fn skip_to(&mut self, position: usize) {
        self.position = position;
        self.loaded = false;
    }

    /// Goes past the line end at the position.
    pub fn pass_line_end(&mut self, bytes: &[u8]) {
        let at = self.position;
        let length = match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(b'\r'), None) => {
                self.swallow_line_feed = true;
                1
            }
            _ => 1,
        };
        self.skip_to((at + length).min(bytes.len()));
    }

    /// Finds the next record of `bytes`; `ended` says that no more will follow.
    pub fn next(&mut self, bytes: &[u8], ended: bool, spans: &mut Vec<Span>) -> Scanned {
        if self.swallow_line_feed && self.position < bytes.len() {
            self.swallow_line_feed = false;
            if bytes.get(self.position) == Some(&b'\n') {
                self.skip_to(self.position + 1);
            }
        }
        let start = self.position;
        if start >= bytes.len() {
            return if ended { Scanned::End } else { Scanned::NeedMore };
        }
        let first_span = spans.len();
        let found = self.record(bytes, ended, spans);
        let (end, count, stray) = match found {
            Found::Record { end, count, stray } => (end, count, stray),
            Found::NeedMore => {
                spans.truncate(first_span);
                self.skip_to(start);
                return Scanned::NeedMore;
            }
            Found::TooLong | Found::Unclosed => {
                spans.truncate(first_span);
                return self.give_up(bytes, start, ended, matches!(found, Found::Unclosed));
            }
        };
        if end == start && !(self.exact && self.columns == 1) {
            spans.truncate(first_span);
            return Scanned::Blank;
        }
        let fault = self.check(
            bytes.get(start..end).unwrap_or_default(),
            count,
            stray.map(|at| at - start),
        );
        if fault.is_some() {
            spans.truncate(first_span);
        }
        Scanned::Record { start, end, fault }
    }

    fn check(&self, record: &[u8], count: usize, stray: Option<usize>) -> Option<Fault> {
        if self.odd {
            if let Err(error) = std::str::from_utf8(record) {
                return Some(Fault::NotUtf8 {
                    at: error.valid_up_to(),
                });
            }
            if let Some(at) = memchr(0, record) {
                return Some(Fault::Nul { at });
            }
        }
        if let Some(at) = stray {
            return Some(Fault::StrayQuote { at });
        }
        (self.exact && count != self.columns).then_some(Fault::FieldCount { found: count })
    }

    /// What to do with a record that has no end within reach: its first line alone is lost.
    fn give_up(&mut self, bytes: &[u8], start: usize, ended: bool, unclosed: bool) -> Scanned {
        let within = bytes.get(start..).unwrap_or_default();
        let within = within.get(..self.record_bytes + 1).unwrap_or(within);
        let line = if unclosed {
            memchr2(b'\n', b'\r', within)
        } else {
            None
        };
        if let Some(length) = line {
            let end = start + length;
            self.skip_to(end);
            self.pass_line_end(bytes);
            return Scanned::Record {
                start,
                end,
                fault: Some(Fault::UnterminatedQuote),
            };
        }
        let end = start + within.len();
        self.skip_to(end);
        let whole = ended && unclosed && within.len() <= self.record_bytes;
        Scanned::Record {
            start,
            end,
            fault: Some(if whole {
                Fault::UnterminatedQuote
            } else {
                Fault::TooLong
            }),
        }
    }

    /// Finds the record's fields and its end, and goes past its line end.
    #[inline]
    fn record(&mut self, bytes: &[u8], ended: bool, spans: &mut Vec<Span>) -> Found {
        let start = self.position;
        let mut field = start;
        let mut quote = Quote::Unopened;
        let mut count = 0;
        let mut stray = None;
        // A byte before this one has been dealt with, though its bit is still set.
        let mut done = start;
        if self.loaded && start < self.base + 64 {
            // What the last record left of its 64 bytes is this record's beginning.
            self.odd = self.base_is_odd;
        } else {
            self.odd = false;
            self.load(bytes, start);
        }
        loop {
            while self.specials != 0 {
                let at = self.base + self.specials.trailing_zeros() as usize;
                self.specials &= self.specials - 1;
                if at < done {
                    continue;
                }
                if at - start > self.record_bytes {
                    return Found::beyond(quote);
                }
                let byte = bytes.get(at).copied().unwrap_or(b'\n');
                if let Quote::Open(escaped) = quote {
                    if byte == b'"' {
                        match bytes.get(at + 1) {
                            Some(b'"') => {
                                quote = Quote::Open(true);
                                done = at + 2;
                            }
                            None if !ended => return Found::NeedMore,
                            _ => quote = Quote::Closed(at, escaped),
                        }
                    }
                    continue;
                }
                if byte == b'"' {
                    if at == field {
                        quote = Quote::Open(false);
                    }
                    continue;
                }
                let span = cell(field, at, quote, &mut stray);
                if count < self.columns {
                    spans.push(span);
                }
                count += 1;
                if byte == self.delimiter {
                    field = at + 1;
                    quote = Quote::Unopened;
                    continue;
                }
                self.end_record(bytes, at);
                return Found::Record {
                    end: at,
                    count,
                    stray,
                };
            }
            let next = self.base + 64;
            if next >= bytes.len() {
                break;
            }
            if next - start > self.record_bytes + 64 {
                return Found::beyond(quote);
            }
            self.load(bytes, next);
        }
        if bytes.len() - start > self.record_bytes {
            return Found::beyond(quote);
        }
        if !ended {
            return Found::NeedMore;
        }
        if matches!(quote, Quote::Open(_)) {
            return Found::Unclosed;
        }
        let span = cell(field, bytes.len(), quote, &mut stray);
        if count < self.columns {
            spans.push(span);
        }
        self.skip_to(bytes.len());
        Found::Record {
            end: bytes.len(),
            count: count + 1,
            stray,
        }
    }

    /// Goes past the line end that a record ended with.
    #[inline]
    fn end_record(&mut self, bytes: &[u8], at: usize) {
        self.position = at + 1;
        if bytes.get(at) != Some(&b'\r') {
            return;
        }
        match bytes.get(at + 1) {
            Some(b'\n') => {
                self.position = at + 2;
                if self.position <= self.base + 64 {
                    self.specials &= self.specials - 1;
                } else {
                    self.loaded = false;
                }
            }
            Some(_) => {}
            None => self.swallow_line_feed = true,
        }
    }

    /// Looks at the 64 bytes from `base` on.
    #[inline]
    fn load(&mut self, bytes: &[u8], base: usize) {
        let rest = bytes.get(base..).unwrap_or_default();
        let (specials, odd) = if let Some(chunk) = rest.first_chunk::<64>() {
            self.classify(chunk)
        } else {
            // Beyond the end stand spaces, which are never special.
            let mut chunk = [b' '; 64];
            for (to, from) in chunk.iter_mut().zip(rest) {
                *to = *from;
            }
            self.classify(&chunk)
        };
        self.base = base;
        self.specials = specials;
        self.base_is_odd = odd;
        self.odd |= odd;
        self.loaded = true;
    }

    #[inline]
    fn classify(&self, chunk: &[u8; 64]) -> (u64, bool) {
        let splat = |byte| u8x16::new([byte; 16]);
        let (delimiter, quote, feed, carriage) =
            (splat(self.delimiter), splat(b'"'), splat(b'\n'), splat(b'\r'));
        let mut specials = 0;
        let mut odd = splat(0);
        let (lanes, _) = chunk.as_chunks::<16>();
        for (index, lane) in lanes.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let found =
                lane.simd_eq(delimiter) | lane.simd_eq(quote) | lane.simd_eq(feed) | lane.simd_eq(carriage);
            specials |= u64::from(found.to_bitmask()) << (16 * index);
            odd = odd | lane | lane.simd_eq(splat(0));
        }
        (specials, odd.to_bitmask() != 0)
    }
}

/// How the search for a record ended.
#[derive(Clone, Copy)]
enum Found {
    Record {
        end: usize,
        count: usize,
        stray: Option<usize>,
    },
    NeedMore,
    TooLong,
    Unclosed,
}

impl Found {
    /// The record passed its cap: within a quoted field or not.
    const fn beyond(quote: Quote) -> Self {
        match quote {
            Quote::Open(_) => Self::Unclosed,
            Quote::Unopened | Quote::Closed(..) => Self::TooLong,
        }
    }
}

/// The cell that began at `field` and ends at `end`.
#[inline]
fn cell(field: usize, end: usize, quote: Quote, stray: &mut Option<usize>) -> Span {
    match quote {
        Quote::Closed(close, escaped) => {
            if close + 1 != end {
                stray.get_or_insert(close);
            }
            Span::new(field + 1, close, if escaped { QUOTED | ESCAPED } else { QUOTED })
        }
        Quote::Unopened | Quote::Open(_) => Span::new(field, end, 0),
    }
}
