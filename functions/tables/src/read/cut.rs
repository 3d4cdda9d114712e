//! Where in a buffer the last whole record ends.
//!
//! A line end within quotes ends no record. Only quotes decide that, so only quotes are looked at: outside of quoted
//! fields one opens a field if a delimiter or a line end stands before it, and is text otherwise; within, a doubled one is
//! text, and one before a delimiter or a line end closes. Anything else is damage, whose extent is decided here, once, and
//! told to whoever splits the slab.

use memchr::{memchr, memrchr2};

use super::general::{Damaged, Next, Rules, line, next};

/// What a buffer begins with.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    /// Whole records, up to here.
    pub(crate) end: usize,
    /// Those whose quotes do not work out, in order.
    pub(crate) damages: Vec<Damage>,
}

/// A record whose quotes do not work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Where it begins.
    pub(crate) start: usize,
    /// Where it ends, its line end not included.
    pub(crate) end: usize,
    /// Where the next record begins.
    pub(crate) next: usize,
    /// How.
    pub(crate) how: Damaged,
}

/// What a cut needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoting {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) record_bytes: usize,
}

/// Cuts `bytes`, which begin with a record; `ended` says that no more will follow.
pub(crate) fn cut(bytes: &[u8], ended: bool, quoting: Quoting) -> Cut {
    let mut cut = Cut::default();
    let mut record = 0;
    let mut at = 0;
    if let Some(quote) = quoting.quote {
        while let Some(found) = find(quote, bytes, at) {
            let gap = bytes.get(at..found).unwrap_or_default();
            if let Some(line_end) = memrchr2(b'\n', b'\r', gap) {
                record = at + line_end + 1;
            }
            let opens = found == record || bytes.get(found - 1) == Some(&quoting.delimiter);
            if !opens {
                at = found + 1;
                continue;
            }
            // Where a record is too long already, its end is that of this line, whatever further quotes say.
            let is_long = found - record > quoting.record_bytes;
            let closing = if is_long {
                Closing::Damaged(Damaged::Unterminated)
            } else {
                closing(bytes, ended, found, record, quoting, quote)
            };
            match closing {
                Closing::At(close) => at = close + 1,
                Closing::NeedMore => {
                    cut.end = record;
                    return cut;
                }
                Closing::Damaged(how) => {
                    // It ends with this line: with its first, so that what follows is read.
                    let Some((end, next)) = line(bytes, if is_long { found } else { record }, ended) else {
                        cut.end = record;
                        return cut;
                    };
                    cut.damages.push(Damage {
                        start: record,
                        end,
                        next,
                        how,
                    });
                    record = next;
                    at = next;
                }
            }
        }
    }
    cut.end = if ended {
        bytes.len()
    } else {
        last_line_end(bytes, at).unwrap_or(record)
    };
    cut
}

fn find(byte: u8, bytes: &[u8], from: usize) -> Option<usize> {
    memchr(byte, bytes.get(from..)?).map(|at| from + at)
}

/// Behind the last line end at or after `from`. A CR at the very end is left, as an LF may follow that belongs to it.
fn last_line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let rest = rest.strip_suffix(b"\r").unwrap_or(rest);
    memrchr2(b'\n', b'\r', rest).map(|at| from + at + 1)
}

enum Closing {
    At(usize),
    NeedMore,
    Damaged(Damaged),
}

/// Finds the quote that closes the field which the one at `open` opens.
fn closing(bytes: &[u8], ended: bool, open: usize, record: usize, quoting: Quoting, quote: u8) -> Closing {
    let mut at = open + 1;
    loop {
        let Some(found) = find(quote, bytes, at) else {
            let beyond = bytes.len() - record > quoting.record_bytes;
            return if ended || beyond {
                Closing::Damaged(Damaged::Unterminated)
            } else {
                Closing::NeedMore
            };
        };
        if found - record > quoting.record_bytes {
            return Closing::Damaged(Damaged::Unterminated);
        }
        match bytes.get(found + 1) {
            Some(&next) if next == quote => at = found + 2,
            Some(&next) if next == quoting.delimiter || next == b'\n' || next == b'\r' => {
                return Closing::At(found);
            }
            None if ended => return Closing::At(found),
            None => return Closing::NeedMore,
            Some(_) => return Closing::Damaged(Damaged::Stray(found)),
        }
    }
}

/// The same for any dialect: reads the records one by one.
pub(crate) fn cut_any(bytes: &[u8], ended: bool, rules: &Rules, record_bytes: usize) -> Cut {
    let mut cut = Cut::default();
    let mut spans = Vec::new();
    loop {
        match next(bytes, cut.end, ended, rules, record_bytes, 0, &mut spans) {
            Next::Record {
                end, next, damage, ..
            } => {
                if let Some(how) = damage {
                    cut.damages.push(Damage {
                        start: cut.end,
                        end,
                        next,
                        how,
                    });
                }
                cut.end = next;
            }
            Next::Blank { next } | Next::Comment { next } => cut.end = next,
            Next::NeedMore | Next::End => return cut,
        }
    }
}
