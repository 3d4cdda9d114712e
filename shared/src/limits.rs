//! What a file may ask of us, and the only readers allowed on untrusted bytes.

use std::io::{self, Read};

use crate::failure::Failure;

/// The limits of one run. None is derived from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest file taken, in bytes.
    pub input_bytes: u64,
    /// The largest record (a CSV row, a log line) held in memory, in bytes.
    pub record_bytes: usize,
    /// Memory a core may plan with for its buffers, in bytes: what the function has, less what everything
    /// around the core needs.
    pub memory_bytes: u64,
    /// How many threads may work for a core beside its own; up to one, everything is done on that one.
    pub threads: usize,
}

impl Default for Limits {
    /// What a laptop run gets: 16 GiB of input, records of 1 MiB, 256 MiB of buffers, one thread.
    fn default() -> Self {
        Self {
            input_bytes: 16 << 30,
            record_bytes: 1 << 20,
            memory_bytes: 256 << 20,
            threads: 1,
        }
    }
}

impl Limits {
    /// A reader that fails with [`Failure::limit`] at the first byte past [`Limits::input_bytes`].
    pub fn cap_input<R: Read>(&self, reader: R) -> CappedReader<R> {
        CappedReader {
            reader,
            left: self.input_bytes,
            cap: self.input_bytes,
        }
    }
}

/// A reader that gives at most so many bytes and then fails, rather than end early and look complete.
#[derive(Debug)]
pub struct CappedReader<R> {
    reader: R,
    left: u64,
    cap: u64,
}

impl<R: Read> Read for CappedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // Only a byte that is really there is one too many.
            let mut probe = [0; 1];
            return match self.reader.read(&mut probe)? {
                0 => Ok(0),
                _ => {
                    Err(Failure::limit("input-too-large", format!("more than {} bytes", self.cap)).into_io())
                }
            };
        }
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.reader.read(buffer.get_mut(..length).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    #[test]
    fn a_file_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let limits = Limits {
            input_bytes: 5,
            ..Limits::default()
        };
        let read = |bytes: &[u8]| {
            let mut all = Vec::new();
            io::copy(&mut limits.cap_input(bytes), &mut all).map(|_| all)
        };
        assert_eq!(read(b"12345").unwrap(), b"12345");
        let failure = Failure::from_read(&read(b"123456").unwrap_err());
        assert_eq!(
            (failure.kind, failure.code.as_ref()),
            (FailureKind::Limit, "input-too-large")
        );
    }
}
