//! Capped, streaming decoders: the only ones that whole files pass through.
//!
//! Memory-safe ones (`flate2` on `miniz_oxide`, `ruzstd`), over any number of members or frames. What they expand to is
//! capped by size and by ratio, a zstd window by [`WINDOW_BYTES`]. Every failure names the byte of the *compressed* file.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    panic::{self, AssertUnwindSafe},
};

use flate2::bufread::GzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, errors::FrameDecoderError};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Place};

/// More than so many bytes for each compressed one are no honest file's, and more than DEFLATE can (1,032) by little.
pub const MAX_RATIO: u64 = 1_000;
/// Up to here any ratio is taken, in bytes: small files of one repeated line are common.
pub const RATIO_FROM_BYTES: u64 = 64 << 20;
/// The largest zstd window taken, in bytes: what `zstd -20 --ultra` uses; `-19` and below use at most 8 MiB.
pub const WINDOW_BYTES: u64 = 32 << 20;

/// A compression around a single file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952, of any number of members.
    Gzip,
    /// RFC 8878, of any number of frames, skippable ones among them.
    Zstd,
}

impl Compression {
    /// The compression that begins like `head`, by its magic bytes.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            // The third byte is the method, and 8 the only one there is.
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name: `gzip`, `zstd`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// What `reader`, a file so compressed, expands to: at most `most_bytes`.
    pub fn reader<R: Read>(self, reader: R, most_bytes: u64) -> Decompressed<R> {
        let source = Tracked {
            reader: BufReader::with_capacity(64 << 10, reader),
            offset: 0,
            failure: None,
            ended: false,
        };
        let decoder = match self {
            Self::Gzip => Decoder::Gzip(GzipState::Before(source)),
            Self::Zstd => {
                let mut frames = FrameDecoder::new();
                frames.set_max_window_size(WINDOW_BYTES);
                Decoder::Zstd {
                    source,
                    frames: Box::new(frames),
                    open: false,
                }
            }
        };
        Decompressed {
            decoder,
            compression: self,
            most_bytes,
            bytes: 0,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a compressed file expands to. Its errors carry a [`Failure`].
pub struct Decompressed<R> {
    decoder: Decoder<R>,
    compression: Compression,
    most_bytes: u64,
    /// Given so far.
    bytes: u64,
}

impl<R> fmt::Debug for Decompressed<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decompressed")
            .field("compression", &self.compression)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

enum Decoder<R> {
    Gzip(GzipState<R>),
    Zstd {
        source: Tracked<R>,
        frames: Box<FrameDecoder>,
        /// Whether a frame has begun and not ended.
        open: bool,
    },
}

enum GzipState<R> {
    /// Between two members.
    Before(Tracked<R>),
    Within(Box<GzDecoder<Tracked<R>>>),
    /// Failed or ended.
    Done(Option<Failure>),
}

/// A reader that knows how far it has come, and why it could not go on: decoders wrap errors beyond recognition.
struct Tracked<R> {
    reader: BufReader<R>,
    offset: u64,
    failure: Option<Failure>,
    ended: bool,
}

impl<R: Read> Read for Tracked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), from.get(..length)) {
            to.copy_from_slice(from);
        }
        self.consume(length);
        Ok(length)
    }
}

impl<R: Read> BufRead for Tracked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.reader.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    break;
                }
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(Failure::from_read(&error));
                    return Err(error);
                }
            }
        }
        Ok(self.reader.buffer())
    }

    fn consume(&mut self, count: usize) {
        self.offset += count as u64;
        self.reader.consume(count);
    }
}

impl<R: Read> Tracked<R> {
    /// Why decoding stopped, which `what` says if it is the file's fault.
    fn failure(&mut self, compression: Compression, what: &str) -> Failure {
        if let Some(failure) = self.failure.take() {
            return failure;
        }
        let place = Place::Byte { offset: self.offset };
        if self.ended {
            let message = format!("the {compression} file ends before its data do");
            return Failure::rejected("truncated", message).at(place);
        }
        Failure::rejected("corrupt", format!("the {compression} data are damaged: {what}")).at(place)
    }

    /// Fills `buffer`, unless the file ends before.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while let Some(free) = buffer.get_mut(length..).filter(|free| !free.is_empty()) {
            match self.read(free)? {
                0 => break,
                read => length += read,
            }
        }
        Ok(length)
    }
}

fn trailing(compression: Compression, offset: u64) -> Failure {
    let message = format!("something that is no {compression} follows the {compression} data");
    Failure::rejected("trailing-garbage", message).at(Place::Byte { offset })
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let (read, offset) = match &mut self.decoder {
            Decoder::Gzip(state) => gunzip(state, buffer)?,
            Decoder::Zstd { source, frames, open } => (
                unzstd(source, frames, open, buffer).map_err(Failure::into_io)?,
                source.offset,
            ),
        };
        self.bytes += read as u64;
        let place = Place::Byte { offset };
        if self.bytes > self.most_bytes {
            let message = format!(
                "the {} file expands to more than {} bytes",
                self.compression, self.most_bytes
            );
            return Err(Failure::limit("expansion-too-large", message).at(place).into_io());
        }
        if self.bytes > RATIO_FROM_BYTES && self.bytes / MAX_RATIO > offset {
            let message = format!(
                "the {} file expands to more than {MAX_RATIO} times its size",
                self.compression
            );
            return Err(Failure::limit("expansion-too-large", message).at(place).into_io());
        }
        Ok(read)
    }
}

/// Reads on; gives the compressed bytes passed so far too.
fn gunzip<R: Read>(state: &mut GzipState<R>, buffer: &mut [u8]) -> io::Result<(usize, u64)> {
    loop {
        match std::mem::replace(state, GzipState::Done(None)) {
            GzipState::Done(None) => return Ok((0, u64::MAX)),
            GzipState::Done(Some(failure)) => {
                *state = GzipState::Done(Some(failure.clone()));
                return Err(failure.into_io());
            }
            GzipState::Before(mut source) => {
                // Zeros fill up what was written to a tape or a block device.
                let next = loop {
                    let Ok(from) = source.fill_buf() else {
                        let failure = source.failure(Compression::Gzip, "it cannot be read");
                        *state = GzipState::Done(Some(failure.clone()));
                        return Err(failure.into_io());
                    };
                    let zeros = from.iter().take_while(|byte| **byte == 0).count();
                    let next = from.get(zeros).copied();
                    let is_empty = from.is_empty();
                    source.consume(zeros);
                    if next.is_some() || is_empty {
                        break next;
                    }
                };
                match next {
                    None => return Ok((0, u64::MAX)),
                    Some(0x1F) => *state = GzipState::Within(Box::new(GzDecoder::new(source))),
                    Some(_) => {
                        *state = GzipState::Done(Some(trailing(Compression::Gzip, source.offset)));
                    }
                }
            }
            GzipState::Within(mut decoder) => match decoder.read(buffer) {
                Ok(0) => *state = GzipState::Before(decoder.into_inner()),
                Ok(read) => {
                    let offset = decoder.get_ref().offset;
                    *state = GzipState::Within(decoder);
                    return Ok((read, offset));
                }
                Err(error) => {
                    let failure = decoder.get_mut().failure(Compression::Gzip, &error.to_string());
                    *state = GzipState::Done(Some(failure.clone()));
                    return Err(failure.into_io());
                }
            },
        }
    }
}

fn unzstd<R: Read>(
    source: &mut Tracked<R>,
    frames: &mut FrameDecoder,
    open: &mut bool,
    buffer: &mut [u8],
) -> Result<usize, Failure> {
    const ZSTD: Compression = Compression::Zstd;
    loop {
        if *open {
            if frames.can_collect() > 0 {
                let read = guarded(|| frames.read(buffer));
                return match read {
                    Some(Ok(read)) => Ok(read),
                    _ => Err(source.failure(ZSTD, "a frame cannot be read")),
                };
            }
            if frames.is_finished() {
                *open = false;
                continue;
            }
            let decoded =
                guarded(|| frames.decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1)));
            match decoded {
                Some(Ok(_)) => continue,
                Some(Err(error)) => return Err(source.failure(ZSTD, &error.to_string())),
                None => return Err(source.failure(ZSTD, "a block breaks the format")),
            }
        }
        let began = source.offset;
        let mut magic = [0; 4];
        let length = source
            .fill(&mut magic)
            .map_err(|_| source.failure(ZSTD, "it cannot be read"))?;
        match magic {
            _ if length == 0 => return Ok(0),
            [0x50..=0x5F, 0x2A, 0x4D, 0x18] => skip_frame(source)?,
            [0x28, 0xB5, 0x2F, 0xFD] => match guarded(|| frames.reset((&magic[..]).chain(&mut *source))) {
                Some(Ok(())) => *open = true,
                Some(Err(FrameDecoderError::WindowSizeTooBig { requested, .. })) => {
                    let message = format!(
                        "the zstd frame asks for a window of {requested} bytes, and {WINDOW_BYTES} are taken"
                    );
                    return Err(Failure::limit("zstd-window", message).at(Place::Byte { offset: began }));
                }
                Some(Err(FrameDecoderError::DictNotProvided { .. })) => {
                    let message = "the zstd frame needs a dictionary that is not in the file";
                    return Err(
                        Failure::rejected("zstd-dictionary", message).at(Place::Byte { offset: began })
                    );
                }
                Some(Err(error)) => return Err(source.failure(ZSTD, &error.to_string())),
                None => return Err(source.failure(ZSTD, "a frame's header breaks the format")),
            },
            _ => return Err(trailing(ZSTD, began)),
        }
    }
}

/// The decoder asserts what a valid frame keeps to: on a damaged one it may panic.
fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(decode)).ok()
}

fn skip_frame<R: Read>(source: &mut Tracked<R>) -> Result<(), Failure> {
    let mut size = [0; 4];
    let read = source.fill(&mut size);
    let mut left = match read {
        Ok(4) => u64::from(u32::from_le_bytes(size)),
        _ => return Err(source.failure(Compression::Zstd, "it cannot be read")),
    };
    while left > 0 {
        let Ok(from) = source.fill_buf().map(<[u8]>::len) else {
            return Err(source.failure(Compression::Zstd, "it cannot be read"));
        };
        if from == 0 {
            return Err(source.failure(Compression::Zstd, "it cannot be read"));
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(from);
        source.consume(count);
        left -= count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::failure::FailureKind;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn expand(bytes: &[u8], most_bytes: u64) -> Result<Vec<u8>, Failure> {
        let compression = Compression::of(bytes).unwrap();
        let mut all = Vec::new();
        io::copy(&mut compression.reader(bytes, most_bytes), &mut all)
            .map_err(|error| Failure::from_read(&error))?;
        Ok(all)
    }

    fn fault(bytes: &[u8], most_bytes: u64) -> (FailureKind, String, Option<Place>) {
        let failure = expand(bytes, most_bytes).unwrap_err();
        (failure.kind, failure.code.to_string(), failure.place)
    }

    #[test]
    fn all_members_and_frames_are_read() {
        let text = b"a,b\n1,2\n".repeat(10_000);
        for one in [gzip(&text), zstd(&text)] {
            assert_eq!(expand(&one, u64::MAX).unwrap(), text);
            assert_eq!(expand(&one.repeat(3), u64::MAX).unwrap(), text.repeat(3));
        }
        let padded = [gzip(b"x"), vec![0; 512], gzip(b"y"), vec![0; 100]].concat();
        assert_eq!(expand(&padded, 10).unwrap(), b"xy");
        let skippable = [
            &b"\x50\x2A\x4D\x18\x03\0\0\0abc"[..],
            &zstd(b"x"),
            b"\x5F\x2A\x4D\x18\0\0\0\0",
        ]
        .concat();
        assert_eq!(expand(&skippable, 10).unwrap(), b"x");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_byte() {
        let text: Vec<u8> = (0..50_000_u32)
            .flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes())
            .collect();
        for one in [gzip(&text), zstd(&text)] {
            let length = one.len() as u64;
            for cut in [12, one.len() / 2, one.len() - 1] {
                let (kind, code, place) = fault(&one[..cut], u64::MAX);
                assert_eq!(
                    (kind, code.as_str()),
                    (FailureKind::Rejected, "truncated"),
                    "{cut}"
                );
                assert_eq!(place, Some(Place::Byte { offset: cut as u64 }));
            }
            let garbage = [&one[..], b"garbage"].concat();
            let expected = (
                FailureKind::Rejected,
                "trailing-garbage".to_owned(),
                Some(Place::Byte { offset: length }),
            );
            assert_eq!(fault(&garbage, u64::MAX), expected);
            let (kind, code, _) = fault(&one, 1_000);
            assert_eq!((kind, code.as_str()), (FailureKind::Limit, "expansion-too-large"));
        }
        let mut damaged = gzip(&text);
        let middle = damaged.len() / 2;
        for byte in &mut damaged[middle..middle + 64] {
            *byte ^= 0x55;
        }
        assert_eq!(fault(&damaged, u64::MAX).1, "corrupt");
    }

    #[test]
    fn a_bomb_is_stopped_by_its_ratio() {
        let bomb = gzip(&vec![0; 100 << 20]);
        let (kind, code, _) = fault(&bomb, u64::MAX);
        assert_eq!((kind, code.as_str()), (FailureKind::Limit, "expansion-too-large"));
    }

    #[test]
    fn a_window_beyond_the_cap_is_refused() {
        // Window descriptor 0xA0: 2^(10 + 20) bytes.
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA0, 0x01, 0x00, 0x00];
        assert_eq!(fault(&frame, u64::MAX).1, "zstd-window");
    }

    #[test]
    fn a_broken_connection_is_not_the_files_fault() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(Failure::transient("s3-read", "connection reset").into_io())
            }
        }
        for one in [gzip(b"abc"), zstd(b"abc")] {
            let compression = Compression::of(&one).unwrap();
            let cut = one.get(..8).unwrap();
            let error =
                io::copy(&mut compression.reader(cut.chain(Broken), 10), &mut io::sink()).unwrap_err();
            assert_eq!(Failure::from_read(&error).kind, FailureKind::Transient);
        }
    }
}
