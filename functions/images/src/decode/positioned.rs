//! A file under a reader that can seek, for decoders that jump.

use std::{
    io::{self, BufRead, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use shared::Input;

/// What is fetched at a time: in S3 every fetch is a request.
const WINDOW_BYTES: usize = 1 << 20;

/// Reads a window of the file at a time, from wherever the decoder stands. Every error carries a [`shared::Failure`].
pub(super) struct Positioned<'a> {
    input: Input<'a>,
    /// Where the part that is read begins in the file, and how long it is.
    begin: u64,
    size_bytes: u64,
    at: u64,
    window_at: u64,
    window: Vec<u8>,
    followed: Reached,
    /// Bytes that are read in place of the file's own.
    patch: Option<(u64, [u8; 2])>,
    /// How much the next fetch takes: little at first, so that a refusal from the header costs next to nothing.
    next_bytes: usize,
}

/// How far a file has been read.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached(Arc<AtomicU64>);

impl Reached {
    /// In bytes from the file's begin.
    pub(super) fn offset(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<'a> Positioned<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        Self {
            input: *input,
            begin: 0,
            size_bytes: input.facts.size_bytes,
            at: 0,
            window_at: 0,
            window: Vec::new(),
            followed: Reached::default(),
            patch: None,
            next_bytes: WINDOW_BYTES / 16,
        }
    }

    /// A part of the file, as if it were one.
    pub(super) fn part(input: &Input<'a>, begin: u64, size_bytes: u64) -> Self {
        let most = input.facts.size_bytes.saturating_sub(begin);
        Self {
            begin,
            size_bytes: size_bytes.min(most),
            ..Self::new(input)
        }
    }

    /// With these bytes in place of the file's own, for a decoder that is to see something else there.
    pub(super) fn patched(mut self, patch: Option<(u64, [u8; 2])>) -> Self {
        self.patch = patch;
        self
    }

    /// Follows how far it is read, from beside a decoder that keeps it to itself.
    pub(super) fn follow(&self) -> Reached {
        self.followed.clone()
    }

    /// Where it stands, in bytes from the file's begin.
    pub(super) fn position(&self) -> u64 {
        self.begin + self.at
    }

    fn fetch(&mut self) -> io::Result<()> {
        let left = usize::try_from(self.size_bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        self.window.clear();
        self.window.resize(left.min(self.next_bytes), 0);
        self.next_bytes = WINDOW_BYTES;
        let read = self
            .input
            .read_at(self.begin + self.at, &mut self.window)
            .map_err(shared::Failure::into_io)?;
        self.window.truncate(read);
        self.window_at = self.at;
        if let Some((at, bytes)) = self.patch {
            for (at, byte) in (at..).zip(bytes) {
                let here = at
                    .checked_sub(self.window_at)
                    .and_then(|at| usize::try_from(at).ok());
                if let Some(here) = here.and_then(|at| self.window.get_mut(at)) {
                    *here = byte;
                }
            }
        }
        Ok(())
    }

    fn ahead(&self) -> &[u8] {
        self.at
            .checked_sub(self.window_at)
            .and_then(|begin| usize::try_from(begin).ok())
            .and_then(|begin| self.window.get(begin..))
            .unwrap_or_default()
    }
}

impl BufRead for Positioned<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead().is_empty() && self.at < self.size_bytes {
            self.fetch()?;
        }
        Ok(self.ahead())
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes as u64;
        self.followed.0.store(self.begin + self.at, Ordering::Relaxed);
    }
}

impl Read for Positioned<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let length = ahead.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), ahead.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl Seek for Positioned<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size_bytes.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "an offset before the begin of the file",
            )
        })?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use shared::{Facts, Limits};

    use super::*;

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    fn reads_the_same_bytes_from_anywhere() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        let facts = Facts {
            name: String::new(),
            size_bytes: bytes.len() as u64,
            declared_type: None,
        };
        let limits = Limits::default();
        let source = bytes.as_slice();
        let mut file = Positioned::new(&Input::new(&facts, &limits, &source));
        for offset in [0, 2_999_990, 5, 1_048_570, 65_530] {
            file.seek(SeekFrom::Start(offset)).unwrap();
            let mut some = [0; 10];
            file.read_exact(&mut some).unwrap();
            assert_eq!(some[..], bytes[offset as usize..][..10]);
        }
        assert!(file.seek(SeekFrom::End(-3_000_001)).is_err());
        file.seek(SeekFrom::End(7)).unwrap();
        assert_eq!(file.read(&mut [0; 4]).unwrap(), 0);
    }
}
