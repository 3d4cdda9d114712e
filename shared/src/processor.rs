//! The contract between a function's core and what runs it.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

use crate::{failure::Failure, limits::Limits, options::Asked};

/// A function's core: turns one input into outputs and a report.
///
/// Synchronous, and free of AWS, tokio, the clock, the environment and the file system. It runs on a thread
/// of its own; the readers and writers it is handed block, and fail with a [`Failure::transient`] when the
/// time is up, so that a core that passes their errors on stops by itself.
pub trait Processor: Send + Sync + 'static {
    /// The function's name: its crate, its folder, its key prefix, the `kind` of a file.
    const NAME: &'static str;
    /// Raised when the same input would give other outputs: part of what "already done" means.
    const VERSION: u32;
    /// A summary for the catalogue (at most a few KiB of JSON); the details belong in an output.
    type Report: Serialize + Send + 'static;
    /// What its owner may ask of it ([`crate::options`]).
    type Options: Asked + DeserializeOwned + Default + Send + 'static;

    /// Unloads one file.
    ///
    /// Outputs become visible together, after this returns `Ok`; after an error none of them does.
    fn process(
        &self,
        input: Input<'_>,
        options: &Self::Options,
        outputs: &mut dyn Outputs,
    ) -> Result<Self::Report, Failure>;
}

/// What is known of a file before its bytes are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The file's name as its uploader gave it; untrusted, never a path.
    pub name: String,
    /// The file's size.
    pub size_bytes: u64,
    /// The media type its uploader declared; untrusted, a hint at most.
    pub declared_type: Option<String>,
}

/// Where an input's bytes come from: an S3 object, a local file, a slice in memory.
///
/// Both ways of reading see the same bytes: the source is pinned to one version of the file. Errors that
/// are not the file's fault carry a [`Failure`] ([`Failure::into_io`]).
pub trait Source: Send + Sync {
    /// A sequential reader from the first byte. May be called again, for a second pass.
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure>;

    /// Fills `buffer` from `offset` (bytes) on; gives how many bytes, fewer than asked only at the end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure>;
}

/// One file to unload: its facts, its bytes and the limits it must keep.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// What is known of the file.
    pub facts: &'a Facts,
    /// The limits of this run.
    pub limits: &'a Limits,
    source: &'a dyn Source,
}

impl<'a> Input<'a> {
    /// An input over a source.
    #[must_use]
    pub fn new(facts: &'a Facts, limits: &'a Limits, source: &'a dyn Source) -> Self {
        Self {
            facts,
            limits,
            source,
        }
    }

    /// A sequential reader from the first byte, which refuses to pass [`Limits::input_bytes`]. May be called
    /// again, for a second pass over the same bytes.
    pub fn reader(&self) -> Result<impl Read + Send + use<'a>, Failure> {
        Ok(self.limits.cap_input(self.source.reader()?))
    }

    /// Fills `buffer` from `offset` (bytes) on; gives how many bytes, fewer than asked only at the end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        self.source.read_at(offset, buffer)
    }
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("facts", self.facts)
            .field("limits", self.limits)
            .finish_non_exhaustive()
    }
}

/// Where a core puts what it made. All outputs of one attempt become visible together, or none does.
pub trait Outputs {
    /// Starts an output. Several may be open at once; a writer dropped before [`OutputWriter::finish`] leaves
    /// nothing behind, and its name may be used again.
    ///
    /// `name` is unique within the run and made of `a-z`, `0-9`, `.`, `-` and `_`, such as `table.parquet`;
    /// `content_type` is its media type.
    ///
    /// # Errors
    /// [`Failure::internal`] for a name that breaks these rules; what the store behind it says.
    fn create(&mut self, name: &str, content_type: &str) -> Result<Box<dyn OutputWriter>, Failure>;

    /// Whether anybody wants the output of this name. One that nobody wants is not to be created; a core saves the
    /// work it would cost.
    fn wants(&self, name: &str) -> bool {
        let _ = name;
        true
    }
}

/// The bytes of one output. Errors of [`Write`] carry a [`Failure`]; [`Failure::from_write`] recovers it.
pub trait OutputWriter: Write + Send {
    /// Ends the output: its bytes are complete.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// A source in memory, for tests and small inputs.
impl Source for &[u8] {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(io::Cursor::new(*self)))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.get(offset..))
            .unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }
}

/// Whether `name` may name an output: 1 to 100 of `a-z`, `0-9`, `.`, `-` and `_`, the first a letter or digit.
#[must_use]
pub fn is_output_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    (1..=100).contains(&name.len())
        && name.bytes().all(allowed)
        && name
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_names_cannot_leave_their_prefix() {
        for name in ["table.parquet", "profile.json", "w320.webp", "a"] {
            assert!(is_output_name(name), "{name}");
        }
        for name in [
            "",
            "../x",
            "a/b",
            ".hidden",
            "-x",
            "A",
            "ü",
            "a b",
            &"a".repeat(101),
        ] {
            assert!(!is_output_name(name), "{name}");
        }
    }

    #[test]
    fn a_slice_reads_at_any_offset() {
        let source: &[u8] = b"0123456789";
        let mut buffer = [0; 4];
        assert_eq!(source.read_at(8, &mut buffer), Ok(2));
        assert_eq!(&buffer[..2], b"89");
        assert_eq!(source.read_at(99, &mut buffer), Ok(0));
        assert_eq!(source.read_at(u64::MAX, &mut buffer), Ok(0));
    }
}
