//! The bytes of a file as text in UTF-8: decompressed, decoded, streamed.
//!
//! What the file is shows in its first bytes: a compression by its magic bytes, an encoding by its byte order mark or by
//! what its bytes can be (`encoding`). Neither its name nor its declared type is believed. What is no text is refused by
//! its name ([`binary`]).

pub mod binary;
mod encoding;
mod fill;
mod kept;
mod places;
mod signs;
mod words;

use std::io::{self, Read};

use serde::Serialize;
use shared::{Failure, Input, decompress::Compression, decompress::Decompressed};

pub(crate) use self::fill::fill;
use self::kept::KEEP_BYTES;
pub use self::{
    encoding::{Decoded, TextEncoding},
    kept::keep,
    places::{Places, Progress, Stretch},
};
use crate::dialect::Sample;

/// How much of the text's beginning is looked at, in bytes; more if no record ends within it.
const START_BYTES: usize = 256 << 10;
/// How much of each piece from inside.
const INSIDE_BYTES: usize = 32 << 10;
/// Where in a file, in parts of 16, those pieces begin.
const INSIDE: [u64; 3] = [5, 10, 15];
/// From which size on a file has an inside, in bytes.
const INSIDE_FROM_BYTES: u64 = 4 * START_BYTES as u64;
/// How far into a compressed text the piece from inside begins.
const COMPRESSED_INSIDE_BYTES: u64 = 2 << 20;

/// How a file's bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// What it is compressed with.
    pub compression: Option<Compression>,
    /// What its characters are encoded in.
    pub encoding: TextEncoding,
    /// Nothing beyond ASCII was seen of it: the encoding is still to be told by what comes.
    #[serde(skip)]
    pub(crate) is_open: bool,
}

impl Text {
    /// Looks at a file: how to read it, and a sample of its text. `encoding` is what to take for its encoding, if that is
    /// not to be found.
    ///
    /// # Errors
    /// [`Failure::rejected`]: `binary`, `utf-32`, and what [`shared::decompress`] names.
    pub fn find(input: &Input<'_>, encoding: Option<TextEncoding>) -> Result<(Self, Sample), Failure> {
        let (head, _) = first_bytes(&mut input.reader()?, 16)?;
        let compression = Compression::of(&head);
        let mut reader = decompressed(input, compression)?;
        let (mut start, mut is_whole) = first_bytes(&mut reader, START_BYTES)?;
        if !is_whole && !has_line_end(&start) {
            let record = input.limits.record_bytes.min(crate::read::MAX_RECORD_BYTES);
            let (more, ended) = first_bytes(&mut reader, record.saturating_sub(start.len()) + 1024)?;
            start.extend_from_slice(&more);
            is_whole = ended;
        }
        // UTF-16 has as many NUL bytes as a program, and of other scripts than Latin not where they would tell.
        if !encoding.is_some_and(TextEncoding::is_utf_16) {
            binary::refuse(&start)?;
        }
        let mut inside = Vec::new();
        if !is_whole && compression.is_none() && input.facts.size_bytes >= INSIDE_FROM_BYTES {
            for part in INSIDE {
                // Even, so that a piece of UTF-16 begins with a character.
                let offset = (input.facts.size_bytes / 16 * part) & !1;
                let mut piece = vec![0; INSIDE_BYTES];
                let read = input.read_at(offset, &mut piece)?;
                piece.truncate(read);
                inside.push(piece);
            }
        } else if !is_whole && compression.is_some() {
            skip(&mut reader, COMPRESSED_INSIDE_BYTES)?;
            let (piece, _) = first_bytes(&mut reader, INSIDE_BYTES)?;
            if piece.len() > INSIDE_BYTES / 2 {
                inside.push(piece);
            }
        }
        let is_known = is_whole || compression.is_some() || input.facts.size_bytes > KEEP_BYTES;
        if encoding.is_none() && !is_known && start.is_ascii() && inside.iter().all(|piece| piece.is_ascii())
        {
            inside.extend(first_beyond_ascii(&mut reader)?);
        }
        let is_ascii = start.is_ascii() && inside.iter().all(|piece| piece.is_ascii());
        let may_be_open = encoding.is_none() && !is_whole && is_ascii;
        let encoding = match encoding {
            Some(encoding) => encoding.with_mark(&start),
            None => TextEncoding::find(&start, is_whole, &inside),
        };
        // UTF-16 without a mark has bytes of ASCII, too, zeros among them.
        let is_open = may_be_open && !encoding.is_utf_16();
        let (start, places) = encoding.decode_piece(&start, true);
        let decode = |bytes: &Vec<u8>| encoding.decode_piece(bytes, false).0;
        let sample = Sample {
            start,
            places,
            is_whole,
            inside: inside.iter().map(decode).collect(),
        };
        Ok((
            Self {
                compression,
                encoding,
                is_open,
            },
            sample,
        ))
    }

    /// The same file, looked at up to where it has something beyond ASCII, as it had nothing in its sample.
    ///
    /// # Errors
    /// What reading fails with.
    pub(crate) fn look_further(
        &self,
        input: &Input<'_>,
        mut sample: Sample,
    ) -> Result<(Self, Sample), Failure> {
        let piece = first_beyond_ascii(&mut decompressed(input, self.compression)?)?;
        let inside: Vec<_> = piece.into_iter().collect();
        let text = Self {
            compression: self.compression,
            encoding: TextEncoding::find(&sample.start, false, &inside),
            is_open: false,
        };
        let decoded = inside
            .iter()
            .map(|piece| text.encoding.decode_piece(piece, false).0);
        sample.inside.extend(decoded);
        Ok((text, sample))
    }

    /// The whole text, in UTF-8, without a byte order mark. May be called again, for a second pass.
    pub fn reader<'a>(&self, input: &Input<'a>) -> Result<Decoded<Box<dyn Read + Send + 'a>>, Failure> {
        Ok(Decoded::new(
            decompressed(input, self.compression)?,
            self.encoding,
        ))
    }
}

fn decompressed<'a>(
    input: &Input<'a>,
    compression: Option<Compression>,
) -> Result<Box<dyn Read + Send + 'a>, Failure> {
    let reader = input.reader()?;
    Ok(match compression {
        None => Box::new(reader),
        Some(compression) => {
            let expanded: Decompressed<_> = compression.reader(reader, input.limits.input_bytes);
            Box::new(expanded)
        }
    })
}

/// A piece of what is left that begins with the line in which the first byte beyond ASCII stands, if there is one.
fn first_beyond_ascii(reader: &mut impl Read) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    loop {
        let (bytes, ended) = first_bytes(reader, INSIDE_BYTES)?;
        if !bytes.is_ascii() {
            let (more, _) = first_bytes(reader, INSIDE_BYTES)?;
            return Ok(Some([line, bytes, more].concat()));
        }
        if ended {
            return Ok(None);
        }
        let begin = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        line = bytes.get(begin..).unwrap_or_default().to_vec();
    }
}

fn has_line_end(bytes: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', bytes).is_some()
}

/// At most `most` bytes, and whether that is all there is.
fn first_bytes(reader: &mut impl Read, most: usize) -> Result<(Vec<u8>, bool), Failure> {
    let mut bytes = Vec::new();
    let (length, ended) = fill(reader, &mut bytes, 0, most)?;
    bytes.truncate(length);
    Ok((bytes, ended))
}

fn skip(reader: &mut impl Read, count: u64) -> Result<(), Failure> {
    io::copy(&mut reader.take(count), &mut io::sink()).map_err(|error| Failure::from_read(&error))?;
    Ok(())
}
