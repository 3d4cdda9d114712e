//! Where in a buffer the last whole record ends.
//!
//! A line end within quotes ends no record. Only quotes decide that, so only quotes are looked at: outside of quoted
//! fields one opens a field if a delimiter or a line end stands before it, and is text otherwise; within, a doubled one is
//! text, and one before a delimiter or a line end closes. Anything else is damage, whose extent is decided here, once, and
//! told to whoever splits the slab.

use memchr::{memchr, memchr2, memrchr2};

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
    /// The closing quote that text follows; none if there is no closing quote.
    pub(crate) stray: Option<usize>,
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
                Closing::Damaged(None)
            } else {
                closing(bytes, ended, found, record, quoting, quote)
            };
            match closing {
                Closing::At(close) => at = close + 1,
                Closing::NeedMore => {
                    cut.end = record;
                    return cut;
                }
                Closing::Damaged(stray) => {
                    let Some(damage) =
                        line(bytes, ended, record, if is_long { found } else { record }, stray)
                    else {
                        cut.end = record;
                        return cut;
                    };
                    cut.damages.push(damage);
                    record = damage.next;
                    at = damage.next;
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
    /// With the quote that is stray, if that is the damage.
    Damaged(Option<usize>),
}

/// Finds the quote that closes the field which the one at `open` opens.
fn closing(bytes: &[u8], ended: bool, open: usize, record: usize, quoting: Quoting, quote: u8) -> Closing {
    let mut at = open + 1;
    loop {
        let Some(found) = find(quote, bytes, at) else {
            let beyond = bytes.len() - record > quoting.record_bytes;
            return if ended || beyond {
                Closing::Damaged(None)
            } else {
                Closing::NeedMore
            };
        };
        if found - record > quoting.record_bytes {
            return Closing::Damaged(None);
        }
        match bytes.get(found + 1) {
            Some(&next) if next == quote => at = found + 2,
            Some(&next) if next == quoting.delimiter || next == b'\n' || next == b'\r' => {
                return Closing::At(found);
            }
            None if ended => return Closing::At(found),
            None => return Closing::NeedMore,
            Some(_) => return Closing::Damaged(Some(found)),
        }
    }
}

/// The damaged record ends with the line that `from` stands in: with its first, so that what follows is read. `None` if
/// that line's end is not there yet.
fn line(bytes: &[u8], ended: bool, record: usize, from: usize, stray: Option<usize>) -> Option<Damage> {
    let rest = bytes.get(from..).unwrap_or_default();
    let (end, next) = match memchr2(b'\n', b'\r', rest) {
        Some(length) => {
            let end = from + length;
            match (bytes.get(end), bytes.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => (end, end + 2),
                (Some(b'\r'), None) if !ended => return None,
                _ => (end, end + 1),
            }
        }
        None if ended => (bytes.len(), bytes.len()),
        None => return None,
    };
    Some(Damage {
        start: record,
        end,
        next,
        stray,
    })
}
