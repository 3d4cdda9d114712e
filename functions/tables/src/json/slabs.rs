//! The text, cut into slabs of whole records.
//!
//! Lines are cut at line ends, so that what is wrong in one stays in it. The items of an array, and values that follow
//! each other, end where brackets and quotes say so: a quote or a bracket too many makes one record of what follows, up to
//! the cap, and of a record beyond the cap only the front is kept.

use std::{io::Read, ops::Range};

use memchr::{memchr, memrchr};
use shared::{Failure, Place};

use super::{
    Fault, JsonKind, MARK, Reject,
    scan::{Scan, State},
};
use crate::source::{Places, Progress, Stretch, fill};

/// About how many bytes a slab has.
pub const SLAB_BYTES: usize = 16 << 20;
/// No record may be longer, whatever the limits say: a slab's offsets have 31 bits.
const MAX_RECORD_BYTES: usize = 256 << 20;

/// Some whole records, one after the other.
#[derive(Debug, Clone)]
pub struct Slab {
    /// Text: the records and what parts them.
    pub bytes: Vec<u8>,
    /// Offset in the text of the first byte.
    pub offset: u64,
    /// The line of the text in which it begins, from 1.
    pub line: u64,
    /// Where the records are; `None` if each line is one.
    spans: Option<Vec<Range<usize>>>,
    stretch: Stretch,
}

/// What [`Slab::for_each_record`] counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) records: u64,
    pub(super) blank_lines: u64,
}

/// A record of a slab.
pub(super) struct Record<'a> {
    /// Its text, unless it is too long or not UTF-8.
    pub(super) text: Result<&'a [u8], Fault>,
    row: u64,
    line: u64,
    offset: u64,
    range: Range<usize>,
}

impl Record<'_> {
    pub(super) fn reject(&self, fault: Fault) -> Reject {
        Reject {
            row: self.row,
            line: self.line,
            offset: self.offset,
            fault,
            range: self.range.clone(),
        }
    }
}

impl Slab {
    /// A rejected record's bytes, as they stand in the text; of one too long, its front.
    #[must_use]
    pub fn raw(&self, reject: &Reject) -> &[u8] {
        self.bytes.get(reject.range.clone()).unwrap_or_default()
    }

    /// Where in the (decompressed) file its bytes stand.
    #[must_use]
    pub fn places(&self) -> Places<'_> {
        self.stretch.places(&self.bytes)
    }

    pub(super) fn for_each_record(&self, record_bytes: usize, mut take: impl FnMut(&Record<'_>)) -> Counts {
        let is_utf8 = std::str::from_utf8(&self.bytes).is_ok();
        let mut counts = Counts::default();
        let mut line = self.line;
        let mut pass = |range: Range<usize>, line: u64| {
            let text = self.bytes.get(range.clone()).unwrap_or_default();
            counts.records += 1;
            let text = if text.len() > record_bytes {
                Err(Fault::TooLong)
            } else if is_utf8 {
                Ok(text)
            } else {
                let not_utf8 = |error: std::str::Utf8Error| Fault::NotUtf8 {
                    at: error.valid_up_to(),
                };
                std::str::from_utf8(text).map(str::as_bytes).map_err(not_utf8)
            };
            let offset = self.offset + range.start as u64;
            take(&Record {
                text,
                row: counts.records,
                line,
                offset,
                range,
            });
        };
        let mut blank_lines = 0;
        if let Some(spans) = &self.spans {
            let mut passed = 0;
            for span in spans {
                let between = self.bytes.get(passed..span.start).unwrap_or_default();
                line += memchr::memchr_iter(b'\n', between).count() as u64;
                passed = span.start;
                pass(span.clone(), line);
            }
        } else {
            let mut start = 0;
            while let Some(rest) = self.bytes.get(start..).filter(|rest| !rest.is_empty()) {
                let end = memchr(b'\n', rest).unwrap_or(rest.len());
                let text = rest.get(..end).unwrap_or_default();
                let text = text.strip_suffix(b"\r").unwrap_or(text);
                // Of a line that is too long there may be no more than the front, which tells nothing of the rest.
                if text.len() <= record_bytes && text.iter().all(u8::is_ascii_whitespace) {
                    blank_lines += 1;
                } else {
                    pass(start..start + text.len(), line);
                }
                start += end + 1;
                line += 1;
            }
        }
        Counts {
            blank_lines,
            ..counts
        }
    }
}

/// Cuts a text into slabs.
#[derive(Debug)]
pub struct Slabs<R> {
    source: R,
    kind: JsonKind,
    record_bytes: usize,
    slab_bytes: usize,
    /// What was read and belongs to the next slab.
    rest: Vec<u8>,
    offset: u64,
    progress: Progress,
    line: u64,
    ended: bool,
    scan: Scan,
    /// The last slab ended within a line that is too long.
    in_long_line: bool,
}

impl<R: Read> Slabs<R> {
    /// Slabs of records of at most `record_bytes`.
    pub fn new(source: R, kind: JsonKind, record_bytes: usize) -> Self {
        Self {
            source,
            kind,
            record_bytes: record_bytes.clamp(1, MAX_RECORD_BYTES),
            slab_bytes: 0,
            rest: Vec::new(),
            offset: 0,
            progress: Progress::default(),
            line: 1,
            ended: false,
            scan: Scan::new(kind),
            in_long_line: false,
        }
        .of_bytes(SLAB_BYTES)
    }

    /// Makes slabs of about so many bytes instead of 16 MiB.
    #[must_use]
    pub fn of_bytes(mut self, slab_bytes: usize) -> Self {
        // A record of the greatest length and its line end fit.
        self.slab_bytes = slab_bytes.max(self.record_bytes + 8);
        self
    }

    /// Tells where in its file the text stands, if it is not the file's own bytes.
    #[must_use]
    pub fn placed(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The next slab; `None` at the end of the text.
    ///
    /// # Errors
    /// What the source gives; [`Failure::rejected`] for an array that does not end, or that something follows.
    pub fn next_slab(&mut self) -> Result<Option<Slab>, Failure> {
        loop {
            let mut bytes = std::mem::take(&mut self.rest);
            self.fill(&mut bytes)?;
            let is_first = self.offset == 0 && self.scan.at == 0;
            if is_first && bytes.starts_with(MARK) {
                self.pass(&bytes, MARK.len());
                bytes.drain(..MARK.len());
            }
            let slab = match self.kind {
                JsonKind::Lines => self.lines(bytes),
                JsonKind::Array | JsonKind::Values => self.values(bytes)?,
            };
            match slab {
                Some(slab) => return Ok(Some(slab)),
                None if self.ended && self.rest.is_empty() => return Ok(None),
                None => {}
            }
        }
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        if !self.ended {
            let held = bytes.len();
            let (length, ended) = fill(&mut self.source, bytes, held, self.slab_bytes)?;
            bytes.truncate(length);
            self.ended = ended;
        }
        Ok(())
    }

    /// Passes the first bytes.
    fn pass(&mut self, bytes: &[u8], count: usize) -> Stretch {
        self.offset += count as u64;
        self.progress.pass(bytes.get(..count).unwrap_or_default())
    }

    /// Gives the first bytes as a slab and keeps those from `rest` on.
    fn cut(&mut self, mut bytes: Vec<u8>, end: usize, rest: usize, spans: Option<Vec<Range<usize>>>) -> Slab {
        self.rest = bytes.get(rest..).unwrap_or_default().to_vec();
        let passed = bytes.get(..rest).unwrap_or(&bytes);
        let lines = memchr::memchr_iter(b'\n', passed).count() as u64;
        let (offset, line) = (self.offset, self.line);
        let stretch = self.pass(&bytes, passed.len());
        bytes.truncate(end);
        self.line += lines;
        Slab {
            bytes,
            offset,
            line,
            spans,
            stretch,
        }
    }

    fn lines(&mut self, mut bytes: Vec<u8>) -> Option<Slab> {
        if self.in_long_line {
            let Some(end) = memchr(b'\n', &bytes) else {
                self.pass(&bytes, bytes.len());
                return None;
            };
            self.in_long_line = false;
            self.pass(&bytes, end + 1);
            self.line += 1;
            bytes.drain(..=end);
        }
        if bytes.is_empty() {
            return None;
        }
        let end = if self.ended {
            Some(bytes.len())
        } else {
            memrchr(b'\n', &bytes).map(|at| at + 1)
        };
        if let Some(end) = end {
            return Some(self.cut(bytes, end, end, None));
        }
        if bytes.len() < self.slab_bytes {
            // The rest of a line that was too long: there is room for more.
            self.rest = bytes;
            return None;
        }
        // The front of a line that is too long shows that it is.
        self.in_long_line = true;
        let all = bytes.len();
        Some(self.cut(bytes, self.record_bytes + 2, all, None))
    }

    fn values(&mut self, bytes: Vec<u8>) -> Result<Option<Slab>, Failure> {
        let mut spans = Vec::new();
        self.scan.run(&bytes, &mut spans);
        if let Some(at) = self.scan.trailing {
            let failure = Failure::rejected("not-json", "something follows the array that the text is");
            self.pass(&bytes, at);
            let offset = self.progress.file_offset();
            return Err(failure.at(Place::Byte { offset }));
        }
        if self.ended {
            self.scan.end(bytes.len(), &mut spans);
            if self.kind == JsonKind::Array && !matches!(self.scan.state, State::After) {
                let message = "the array that the text is does not end: the text is cut short, or a quote or bracket is missing";
                self.pass(&bytes, bytes.len());
                let offset = self.progress.file_offset();
                return Err(Failure::rejected("unclosed-array", message).at(Place::Byte { offset }));
            }
            let all = bytes.len();
            return Ok((!spans.is_empty()).then(|| self.cut(bytes, all, all, Some(spans))));
        }
        let (mut end, mut rest) = match self.scan.start {
            Some(start) => (start, start),
            None => (bytes.len(), bytes.len()),
        };
        if let Some(start) = self.scan.start
            && (self.scan.is_cut || bytes.len() - start > self.record_bytes)
        {
            // Not the backslash, if it ends in one.
            rest = self.scan.at;
            end = start;
            if !self.scan.is_cut {
                end = (start + self.record_bytes + 1).min(rest);
                spans.push(start..end);
                self.scan.is_cut = true;
            }
        }
        self.scan.rebase(rest);
        Ok(Some(self.cut(bytes, end, rest, Some(spans))))
    }
}
