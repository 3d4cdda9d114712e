//! Where in a file the bytes of its text stand.
//!
//! The text is UTF-8, which the file need not be, and nobody wants a map of every character. But the text itself tells how
//! many bytes each of its characters took in the file: one in an encoding of single bytes, two or four in UTF-16. In
//! encodings of several bytes it is a guess, two for whatever is not ASCII, and what the decoder really took puts it right
//! at each line end ([`Corrections`]): there a record begins, and within a line only a character that is longer or shorter
//! than most (JIS X 0212 in EUC-JP, four bytes in GB 18030, the escape sequences of ISO-2022-JP) moves what stands behind it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How many bytes of the file a character took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Width {
    /// As many as in the text, bytes that are no UTF-8 included.
    #[default]
    Same,
    /// One.
    Single,
    /// Two, or four where UTF-8 has four.
    Utf16,
    /// One if it is ASCII, and two otherwise: a guess.
    Varying,
}

impl Width {
    pub(super) fn of(encoding: &'static Encoding) -> Self {
        match encoding {
            encoding if encoding == UTF_8 => Self::Same,
            encoding if encoding == UTF_16LE || encoding == UTF_16BE => Self::Utf16,
            encoding if encoding.is_single_byte() => Self::Single,
            _ => Self::Varying,
        }
    }

    /// How many bytes of the file this much of the text took. What a text is cut into may be cut within characters.
    pub(super) fn bytes(self, text: &[u8]) -> u64 {
        let count = |counts: fn(u8) -> bool| text.iter().filter(|byte| counts(**byte)).count() as u64;
        // A byte that goes on with a character is none of its own; 0xFF stands for what could not be decoded.
        let characters = || count(|byte| byte & 0xC0 != 0x80);
        match self {
            Self::Same => text.len() as u64,
            Self::Single => characters(),
            Self::Utf16 => 2 * (characters() + count(|byte| (0xF0..0xFF).contains(&byte))),
            Self::Varying => characters() + count(|byte| byte >= 0xC0),
        }
    }
}

/// From which byte of the text on places are by how much further on in the file than guessed, in order. The decoder adds
/// to them and [`Progress`] takes them, so that there are no more than text at hand has lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Corrections(Arc<Mutex<VecDeque<(u64, i64)>>>);

impl Corrections {
    pub(super) fn add(&self, text_offset: u64, by: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_back((text_offset, by));
    }

    fn take_until(&self, end: u64, mut take: impl FnMut(u64, i64)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((at, by)) = all.pop_front_if(|(at, _)| *at <= end) {
            take(at, by);
        }
    }
}

/// How far a text has been read, in the text and in its file.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    width: Width,
    corrections: Corrections,
    text: u64,
    file: u64,
}

impl Progress {
    /// At the beginning of a text, which begins at this byte of its file.
    pub(super) const fn new(width: Width, corrections: Corrections, file: u64) -> Self {
        Self {
            width,
            corrections,
            text: 0,
            file,
        }
    }

    /// Passes the bytes of the text that follow, and tells where they stood.
    pub(crate) fn pass(&mut self, text: &[u8]) -> Stretch {
        let start = self.text;
        let mut stretch = Stretch {
            width: self.width,
            start: self.file,
            corrections: Vec::new(),
        };
        self.text += text.len() as u64;
        self.file += self.width.bytes(text);
        if self.width == Width::Varying {
            let file = &mut self.file;
            self.corrections.take_until(self.text, |at, by| {
                *file = file.saturating_add_signed(by);
                stretch
                    .corrections
                    .push((usize::try_from(at - start).unwrap_or(usize::MAX), by));
            });
        }
        stretch
    }

    /// Where in the file the next byte of the text stands.
    pub(crate) const fn file_offset(&self) -> u64 {
        self.file
    }
}

/// Where in a file some consecutive bytes of its text stand.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    width: Width,
    start: u64,
    corrections: Vec<(usize, i64)>,
}

impl Stretch {
    /// The places of `text`, which must be the bytes that the stretch is of.
    #[must_use]
    pub fn places<'a>(&'a self, text: &'a [u8]) -> Places<'a> {
        Places {
            stretch: self,
            text,
            passed: 0,
            next: 0,
            file: self.start,
        }
    }
}

/// Looks up places, at no more cost than one pass over the text if they are asked for in order.
#[derive(Debug, Clone)]
pub struct Places<'a> {
    stretch: &'a Stretch,
    text: &'a [u8],
    passed: usize,
    /// The next correction.
    next: usize,
    file: u64,
}

impl Places<'_> {
    /// Where in the (decompressed) file a byte of the text stands.
    pub fn file_offset(&mut self, at: usize) -> u64 {
        if at < self.passed {
            *self = self.stretch.places(self.text);
        }
        let between = self.text.get(self.passed..at).unwrap_or_default();
        self.file += self.stretch.width.bytes(between);
        self.passed = at;
        while let Some((_, by)) = self
            .stretch
            .corrections
            .get(self.next)
            .filter(|(from, _)| *from <= at)
        {
            self.file = self.file.saturating_add_signed(*by);
            self.next += 1;
        }
        self.file
    }

    /// Whether the text is the file's own bytes.
    #[must_use]
    pub fn is_as_it_stands(&self) -> bool {
        self.stretch.width == Width::Same
    }
}
