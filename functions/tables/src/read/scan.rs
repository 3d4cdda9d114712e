//! The innermost loop: where in a slab the next record's fields stand.

use std::ops::Range;

use memchr::memchr;
use wide::u8x16;

use super::{Fault, span::Span};

/// The bytes that are looked at together.
const LANES: usize = 64;

/// What comes next in a slab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// A record, `start..end` without its line end, of so many fields; their spans were added.
    Record {
        start: usize,
        end: usize,
        fields: usize,
        fault: Option<Fault>,
    },
    /// A line without a byte; the span of the empty cell that it may be was added.
    Blank,
    /// A line that is a comment.
    Comment,
    /// The slab's end.
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

/// A position within a slab, and the 64 bytes around it that have been looked at.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    position: usize,
    /// Start of the 64 bytes that the masks speak of.
    base: usize,
    /// A bit for each delimiter, quote, LF and CR at or after the position.
    specials: u64,
    /// A bit for each delimiter.
    delimiters: u64,
    /// A bit for each quote.
    quotes: u64,
    /// Whether a byte of the 64 is NUL or not ASCII.
    base_is_odd: bool,
    loaded: bool,
    delimiter: u8,
    /// The delimiter again where there is none: it is never met as a quote.
    quote: u8,
    has_quote: bool,
    columns: usize,
}

impl Scan {
    /// A scan from the start of a slab.
    pub(crate) const fn new(delimiter: u8, quote: Option<u8>, columns: usize) -> Self {
        let (quote, has_quote) = match quote {
            Some(quote) => (quote, true),
            None => (delimiter, false),
        };
        Self {
            position: 0,
            base: 0,
            specials: 0,
            delimiters: 0,
            quotes: 0,
            base_is_odd: false,
            loaded: false,
            delimiter,
            quote,
            has_quote,
            columns,
        }
    }

    /// Where the next record begins.
    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    /// Goes on from here.
    pub(crate) const fn skip_to(&mut self, position: usize) {
        self.position = position;
        self.loaded = false;
    }

    /// Finds the next record, adding the spans of its fields.
    #[inline]
    pub(crate) fn next(&mut self, bytes: &[u8], spans: &mut Vec<Span>) -> Scanned {
        let start = self.position;
        if start >= bytes.len() {
            return Scanned::End;
        }
        let first = spans.len();
        let most = first + most_fields(self.columns);
        let mut beyond = 0;
        let mut field = start;
        let mut stray = None;
        let mut odd = self.base_is_odd;
        if !self.loaded || start >= self.base + LANES {
            self.load(bytes, start);
            odd = self.base_is_odd;
        }
        loop {
            // The way of nearly all bytes: no quote in sight.
            if self.quotes & self.specials == 0 {
                let (base, delimiters, mut specials) = (self.base, self.delimiters, self.specials);
                while specials != 0 {
                    let lowest = specials & specials.wrapping_neg();
                    let at = base + specials.trailing_zeros() as usize;
                    specials ^= lowest;
                    spans.push(Span::plain(field, at));
                    field = at + 1;
                    if delimiters & lowest == 0 {
                        self.specials = specials;
                        self.end_record(bytes, at);
                        return record(bytes, start..at, spans.len() + beyond - first, odd, stray);
                    }
                }
                self.specials = 0;
            } else if let Some(end) = self.quoted(bytes, &mut field, spans, &mut odd, &mut stray) {
                return record(bytes, start..end, spans.len() + beyond - first, odd, stray);
            }
            if spans.len() > most {
                beyond += spans.len() - most;
                spans.truncate(most);
            }
            let next = self.base + LANES;
            if next >= bytes.len() {
                spans.push(Span::plain(field, bytes.len()));
                self.skip_to(bytes.len());
                let fields = spans.len() + beyond - first;
                return record(bytes, start..bytes.len(), fields, odd, stray);
            }
            self.load(bytes, next);
            odd |= self.base_is_odd;
        }
    }

    /// Goes over 64 bytes with quotes in them, and on to where no quote is open. Gives the record's end if it is met.
    fn quoted(
        &mut self,
        bytes: &[u8],
        field: &mut usize,
        spans: &mut Vec<Span>,
        odd: &mut bool,
        stray: &mut Option<usize>,
    ) -> Option<usize> {
        let mut quote = Quote::Unopened;
        // A byte before this one has been dealt with, though its bit is still set.
        let mut done = 0;
        loop {
            while self.specials != 0 {
                let lowest = self.specials & self.specials.wrapping_neg();
                let at = self.base + self.specials.trailing_zeros() as usize;
                self.specials ^= lowest;
                if at < done {
                    continue;
                }
                if self.quotes & lowest != 0 {
                    match quote {
                        Quote::Open(escaped) => {
                            if bytes.get(at + 1) == Some(&self.quote) {
                                quote = Quote::Open(true);
                                done = at + 2;
                            } else {
                                quote = Quote::Closed(at, escaped);
                            }
                        }
                        Quote::Unopened if at == *field => quote = Quote::Open(false),
                        Quote::Unopened | Quote::Closed(..) => {}
                    }
                    continue;
                }
                if matches!(quote, Quote::Open(_)) {
                    continue;
                }
                spans.push(cell(*field, at, quote, stray));
                *field = at + 1;
                quote = Quote::Unopened;
                if self.delimiters & lowest == 0 {
                    self.end_record(bytes, at);
                    return Some(at);
                }
            }
            if matches!(quote, Quote::Unopened) {
                return None;
            }
            let next = self.base + LANES;
            if next >= bytes.len() {
                spans.push(cell(*field, bytes.len(), quote, stray));
                self.skip_to(bytes.len());
                return Some(bytes.len());
            }
            self.load(bytes, next);
            *odd |= self.base_is_odd;
        }
    }

    /// Goes past the line end that a record ended with.
    #[inline]
    fn end_record(&mut self, bytes: &[u8], at: usize) {
        self.position = at + 1;
        if bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n') {
            self.position = at + 2;
            if self.position <= self.base + LANES {
                self.specials &= self.specials.wrapping_sub(1);
            } else {
                self.loaded = false;
            }
        }
    }

    /// Looks at the 64 bytes from `base` on.
    #[inline]
    fn load(&mut self, bytes: &[u8], base: usize) {
        let rest = bytes.get(base..).unwrap_or_default();
        if let Some(chunk) = rest.first_chunk::<LANES>() {
            self.classify(chunk);
        } else {
            let mut chunk = [0; LANES];
            for (to, from) in chunk.iter_mut().zip(rest) {
                *to = *from;
            }
            self.classify(&chunk);
            // What stands beyond the end was made up.
            let real = (1_u64 << rest.len()) - 1;
            self.specials &= real;
            self.delimiters &= real;
            self.quotes &= real;
            self.base_is_odd = rest.iter().any(|byte| *byte == 0 || !byte.is_ascii());
        }
        self.base = base;
        self.loaded = true;
    }

    #[inline]
    fn classify(&mut self, chunk: &[u8; LANES]) {
        let splat = |byte| u8x16::new([byte; 16]);
        let (delimiter, quote, feed, carriage) = (
            splat(self.delimiter),
            splat(self.quote),
            splat(b'\n'),
            splat(b'\r'),
        );
        let (mut delimiters, mut quotes, mut ends) = (0, 0, 0);
        let mut odd = splat(0);
        let (lanes, _) = chunk.as_chunks::<16>();
        for (index, lane) in lanes.iter().enumerate() {
            let lane = u8x16::new(*lane);
            let shift = 16 * index;
            delimiters |= u64::from(lane.simd_eq(delimiter).to_bitmask()) << shift;
            quotes |= u64::from(lane.simd_eq(quote).to_bitmask()) << shift;
            ends |= u64::from((lane.simd_eq(feed) | lane.simd_eq(carriage)).to_bitmask()) << shift;
            odd = odd | lane | lane.simd_eq(splat(0));
        }
        self.quotes = if self.has_quote { quotes } else { 0 };
        self.delimiters = delimiters;
        self.specials = delimiters | ends | self.quotes;
        self.base_is_odd = odd.to_bitmask() != 0;
    }
}

fn record(bytes: &[u8], place: Range<usize>, fields: usize, odd: bool, stray: Option<usize>) -> Scanned {
    let Range { start, end } = place;
    if end == start {
        return Scanned::Blank;
    }
    let fault = if odd {
        check(bytes.get(start..end).unwrap_or_default())
    } else {
        None
    };
    Scanned::Record {
        start,
        end,
        fields,
        fault: fault.or(stray.map(|at| Fault::StrayQuote { at: at - start })),
    }
}

/// How many fields of a record are noted at least. A line of delimiters has as many fields as bytes: those beyond are only
/// counted.
pub(crate) const fn most_fields(columns: usize) -> usize {
    columns * 2 + LANES
}

/// The cell that began at `field` and ends at `end`.
#[inline]
fn cell(field: usize, end: usize, quote: Quote, stray: &mut Option<usize>) -> Span {
    match quote {
        Quote::Closed(close, escaped) => {
            if close + 1 != end {
                stray.get_or_insert(close);
            }
            Span::quoted(field + 1, close, escaped)
        }
        Quote::Open(_) => {
            stray.get_or_insert(field);
            Span::plain(field, end)
        }
        Quote::Unopened => Span::plain(field, end),
    }
}

/// What is wrong with a record's bytes, whatever their dialect.
pub(crate) fn check(record: &[u8]) -> Option<Fault> {
    if let Err(error) = std::str::from_utf8(record) {
        return Some(Fault::NotUtf8 {
            at: error.valid_up_to(),
        });
    }
    memchr(0, record).map(|at| Fault::Nul { at })
}
