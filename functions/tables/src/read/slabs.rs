//! A text cut into slabs of whole records.

use std::io::Read;

use memchr::memchr2;
use shared::{Failure, Limits};

use super::{
    MAX_RECORD_BYTES,
    cut::{Cut, Damage, Quoting, cut, cut_any},
    general::{Damaged, Rules},
};
use crate::{
    dialect::Dialect,
    source::{Places, Progress, Stretch, fill},
};

/// How much text makes a slab, in bytes.
pub const SLAB_BYTES: usize = 16 << 20;
/// What is read beyond a record's cap: a quote and a CR are told by the byte that follows.
const SLACK_BYTES: usize = 64;

/// Whole records, and where in the text they stand.
#[derive(Debug)]
pub struct Slab {
    pub(super) buffer: Vec<u8>,
    pub(super) length: usize,
    stretch: Stretch,
    /// Where in the text (UTF-8, decompressed) its first byte stands.
    pub offset: u64,
    pub(super) damages: Vec<Damage>,
    pub(super) record_bytes: usize,
}

impl Slab {
    /// Its text.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Where in the (decompressed) file its bytes stand.
    #[must_use]
    pub fn places(&self) -> Places<'_> {
        self.stretch.places(self.bytes())
    }

    /// The largest record taken, in bytes: what [`super::Fault::TooLong`] breaks.
    #[must_use]
    pub const fn record_bytes(&self) -> usize {
        self.record_bytes
    }

    /// Gives up its memory, for [`Slabs::recycle`].
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

/// What a thread has to do at least, for its being shared out to pay: smaller row groups cost those who read them.
const LEAST_SHARE_BYTES: usize = 4 << 20;

/// Cuts a text into slabs of whole records, in order. Its memory is a slab's, or a record's where that is more.
#[derive(Debug)]
pub struct Slabs<R> {
    text: R,
    ended: bool,
    quoting: Quoting,
    /// Unless quotes alone decide where records end.
    rules: Option<Rules>,
    slab_bytes: usize,
    /// What is left of so many bytes is shared out among so many threads.
    shared_out: Option<(u64, usize)>,
    /// What to pass before the first record.
    skip_bytes: u64,
    /// `buffer[..length]` is what was read beyond the last slab.
    buffer: Vec<u8>,
    length: usize,
    offset: u64,
    progress: Progress,
    /// The last slab ended within a line that is too long, whose rest is to be passed.
    skipping: bool,
}

impl<R: Read> Slabs<R> {
    /// Slabs of `text` (UTF-8, from its first byte on), read as `dialect` says; records may have
    /// [`Limits::record_bytes`].
    pub fn new(text: R, dialect: &Dialect, limits: &Limits) -> Self {
        let record_bytes = limits.record_bytes.clamp(1, MAX_RECORD_BYTES);
        let rules = Rules::of(dialect);
        Self {
            text,
            rules: (!rules.is_simple()).then_some(rules),
            ended: false,
            quoting: Quoting {
                delimiter: dialect.delimiter.bytes().next().unwrap_or(b','),
                quote: dialect.quote,
                record_bytes,
            },
            slab_bytes: SLAB_BYTES,
            shared_out: None,
            skip_bytes: dialect.body_offset,
            buffer: Vec::new(),
            length: 0,
            offset: 0,
            progress: Progress::default(),
            skipping: false,
        }
    }

    /// Makes slabs of about so many bytes instead of [`SLAB_BYTES`].
    #[must_use]
    pub fn of_bytes(mut self, slab_bytes: usize) -> Self {
        self.slab_bytes = slab_bytes.clamp(1, MAX_RECORD_BYTES);
        self
    }

    /// Makes smaller slabs at the beginning and towards the end of a text of so many bytes, so that so many threads begin soon, come
    /// to its end at about the same time, and have something to do in a text of few slabs.
    #[must_use]
    pub fn shared_out(mut self, text_bytes: u64, threads: usize) -> Self {
        self.shared_out = (threads > 1).then_some((text_bytes, threads));
        self
    }

    /// About how many bytes the next slab is to have.
    fn target(&self) -> usize {
        let Some((text_bytes, threads)) = self.shared_out else {
            return self.slab_bytes;
        };
        // All threads wait for the first, which tells the types, and for the second, which is read meanwhile: into memory that is new,
        // which takes longer.
        if self.offset <= self.skip_bytes + LEAST_SHARE_BYTES as u64 {
            return self.slab_bytes.min(LEAST_SHARE_BYTES);
        }
        let left = usize::try_from(text_bytes.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        (left / (threads + 1)).max(LEAST_SHARE_BYTES).min(self.slab_bytes)
    }

    /// Tells where in its file the text stands, if it is not the file's own bytes.
    #[must_use]
    pub fn placed(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Whether all of the text is in slabs that were handed out.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.ended && self.length == 0
    }

    /// Takes the memory of a slab that is done with, for the next.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        let rest = self.buffer.get(..self.length).unwrap_or_default();
        if buffer.len() > self.buffer.len()
            && let Some(front) = buffer.get_mut(..rest.len())
        {
            front.copy_from_slice(rest);
            self.buffer = buffer;
        }
    }

    /// The next slab; `None` at the end of the text.
    pub fn next_slab(&mut self) -> Result<Option<Slab>, Failure> {
        self.pass_header()?;
        if std::mem::take(&mut self.skipping) {
            self.pass_line()?;
        }
        let mut target = self.target();
        loop {
            self.fill(target)?;
            if self.length == 0 {
                return Ok(None);
            }
            let bytes = self.buffer.get(..self.length).unwrap_or_default();
            let Cut { end, damages } = match &self.rules {
                None => cut(bytes, self.ended, self.quoting),
                Some(rules) => cut_any(bytes, self.ended, rules, self.quoting.record_bytes),
            };
            if end > 0 {
                return Ok(Some(self.take(end, damages)));
            }
            let most = self.quoting.record_bytes + SLACK_BYTES;
            if self.length >= most {
                // No line end within the cap: what is cut off makes the slab's only record too long. It is told here, as what
                // is left of it may seem to be several.
                self.skipping = true;
                let end = self.quoting.record_bytes + 1;
                let too_long = Damage {
                    start: 0,
                    end,
                    next: end,
                    how: Damaged::Unterminated,
                };
                let is_comment = self.rules.as_ref().is_some_and(|rules| rules.is_comment(bytes));
                let damages = if is_comment { Vec::new() } else { vec![too_long] };
                return Ok(Some(self.take(end, damages)));
            }
            target = (self.length * 2).max(target).min(most.max(self.slab_bytes));
        }
    }

    /// Hands out the first `end` bytes, and keeps the rest for the next slab.
    fn take(&mut self, end: usize, damages: Vec<Damage>) -> Slab {
        let rest = self.buffer.get(end..self.length).unwrap_or_default().to_vec();
        let stretch = self.progress.pass(self.buffer.get(..end).unwrap_or_default());
        let slab = Slab {
            length: end,
            stretch,
            offset: self.offset,
            damages,
            record_bytes: self.quoting.record_bytes,
            buffer: std::mem::replace(&mut self.buffer, rest),
        };
        self.length -= end;
        self.offset += end as u64;
        slab
    }

    /// Reads until the buffer holds `target` bytes or the text ends.
    fn fill(&mut self, target: usize) -> Result<(), Failure> {
        if !self.ended {
            (self.length, self.ended) = fill(&mut self.text, &mut self.buffer, self.length, target)?;
        }
        Ok(())
    }

    /// Drops the first `count` bytes of the buffer.
    fn drop_front(&mut self, count: usize) {
        self.progress.pass(self.buffer.get(..count).unwrap_or_default());
        self.buffer.copy_within(count..self.length, 0);
        self.length -= count;
        self.offset += count as u64;
    }

    fn pass_header(&mut self) -> Result<(), Failure> {
        while self.offset < self.skip_bytes {
            let left = usize::try_from(self.skip_bytes - self.offset).unwrap_or(usize::MAX);
            self.fill(left.min(self.slab_bytes))?;
            if self.length == 0 {
                return Ok(());
            }
            self.drop_front(left.min(self.length));
        }
        Ok(())
    }

    /// Passes the rest of a line that is too long, and its line end.
    fn pass_line(&mut self) -> Result<(), Failure> {
        loop {
            // Two more than are passed, so that a CR and an LF are met together.
            self.fill(self.slab_bytes.max(SLACK_BYTES))?;
            let bytes = self.buffer.get(..self.length).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            let Some(at) = memchr2(b'\n', b'\r', bytes) else {
                self.drop_front(self.length);
                continue;
            };
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b'\r'), Some(b'\n')) => self.drop_front(at + 2),
                (Some(b'\r'), None) if !self.ended && at > 0 => {
                    self.drop_front(at);
                    continue;
                }
                _ => self.drop_front(at + 1),
            }
            return Ok(());
        }
    }
}
