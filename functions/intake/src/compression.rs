//! What is inside a compression, as far as the sample goes: decoders whose output is capped before they begin.

use std::{
    fmt,
    io::{self, Read},
    panic::{self, AssertUnwindSafe},
};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use serde::Serialize;

use crate::identify::TEXT_BYTES;

/// A compression around a single file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// RFC 1952, of any number of members.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The compression that begins like `head`.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            // The third byte is the method, and 8 the only one there is.
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name: `gzip`, `zstd`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Gzip => "application/gzip",
            Self::Zstd => "application/zstd",
        }
    }

    /// The endings of names that mean it, and what each leaves behind.
    pub(crate) fn endings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gzip => &[(".tgz", ".tar"), (".svgz", ".svg"), (".gz", ""), (".gzip", "")],
            Self::Zstd => &[(".tzst", ".tar"), (".zst", ""), (".zstd", "")],
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The beginning of what was compressed.
#[derive(Debug)]
pub(crate) struct Inside {
    /// At most [`TEXT_BYTES`].
    pub(crate) bytes: Vec<u8>,
    /// Whether that is all there is.
    pub(crate) is_whole: bool,
    /// Whether decoding failed before the sample's end.
    pub(crate) is_damaged: bool,
}

/// Decodes the beginning of `head`, the sample of a file that may go on (`whole` says that it does not).
pub(crate) fn look_inside(compression: Compression, head: &[u8], whole: bool) -> Inside {
    let (bytes, end) = match compression {
        Compression::Gzip => gunzip(head),
        Compression::Zstd => unzstd(head),
    };
    Inside {
        bytes,
        is_whole: end == End::Reached && whole,
        // A sample that is cut off fails at its end, and that is no damage.
        is_damaged: end == End::Failed && whole,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Everything was decoded.
    Reached,
    /// There is more than the cap.
    Capped,
    /// The input ended early or is damaged.
    Failed,
}

fn gunzip(head: &[u8]) -> (Vec<u8>, End) {
    fill(MultiGzDecoder::new(head))
}

/// Reads until the reader ends, fails or has given [`TEXT_BYTES`].
fn fill(mut reader: impl Read) -> (Vec<u8>, End) {
    let mut bytes = vec![0; TEXT_BYTES];
    let mut length = 0;
    let end = loop {
        let Some(space) = bytes.get_mut(length..).filter(|space| !space.is_empty()) else {
            break End::Capped;
        };
        match reader.read(space) {
            Ok(0) => break End::Reached,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break End::Failed,
        }
    };
    bytes.truncate(length);
    (bytes, end)
}

/// Decodes zstd frames, block by block, until [`TEXT_BYTES`] are there.
fn unzstd(mut rest: &[u8]) -> (Vec<u8>, End) {
    let mut bytes = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = after_skippable(rest) {
            let Some(after) = rest.get(after..) else {
                return (bytes, End::Failed);
            };
            rest = after;
            continue;
        }
        // The decoder asserts what a valid frame keeps to: on a damaged one it may panic.
        let Ok((frame, end)) = panic::catch_unwind(AssertUnwindSafe(|| decode_frame(&mut rest))) else {
            return (bytes, End::Failed);
        };
        bytes.extend_from_slice(&frame);
        if bytes.len() > TEXT_BYTES {
            bytes.truncate(TEXT_BYTES);
            return (bytes, End::Capped);
        }
        if end != End::Reached {
            return (bytes, end);
        }
    }
    (bytes, End::Reached)
}

/// The length of the skippable frame that `rest` begins with.
fn after_skippable(rest: &[u8]) -> Option<usize> {
    let [0x50..=0x5F, 0x2A, 0x4D, 0x18, a, b, c, d, ..] = *rest else {
        return None;
    };
    usize::try_from(u32::from_le_bytes([a, b, c, d]))
        .ok()?
        .checked_add(8)
}

/// Decodes one frame from `rest` and moves it past the frame, or stops once the cap is reached.
fn decode_frame(rest: &mut &[u8]) -> (Vec<u8>, End) {
    let Some((header, body)) = with_small_window(rest) else {
        return (Vec::new(), End::Failed);
    };
    let (decoder, after, end) = decode_blocks(&header, body);
    *rest = after;
    if end != End::Failed {
        return (collect(decoder), end);
    }
    // The decoder holds back a window's worth until it has seen the last block: let that be the last that is whole.
    let Some(cut) = with_last_block(body, decoder.blocks_decoded()) else {
        return (Vec::new(), End::Failed);
    };
    let (decoder, ..) = decode_blocks(&header, &cut);
    (collect(decoder), End::Failed)
}

/// Decodes blocks, each of at most 128 KiB, until more than [`TEXT_BYTES`] can be collected.
fn decode_blocks<'a>(header: &[u8], body: &'a [u8]) -> (FrameDecoder, &'a [u8], End) {
    let mut source = header.chain(body);
    let mut decoder = FrameDecoder::new();
    if decoder.init(&mut source).is_err() {
        return (decoder, body, End::Failed);
    }
    let end = loop {
        match decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(_) if decoder.is_finished() => break End::Reached,
            Ok(_) if decoder.can_collect() > TEXT_BYTES => break End::Capped,
            Ok(_) => {}
            Err(_) => break End::Failed,
        }
    };
    (decoder, source.into_inner().1, end)
}

fn collect(mut decoder: FrameDecoder) -> Vec<u8> {
    decoder.collect().unwrap_or_default()
}

/// The first `blocks` blocks of `body`, the last of them marked as a frame's last.
fn with_last_block(body: &[u8], blocks: usize) -> Option<Vec<u8>> {
    const RLE: u8 = 1;
    let mut start = None;
    let mut end = 0;
    for _ in 0..blocks {
        let [a, b, c] = *body.get(end..end + 3)? else {
            return None;
        };
        let size = usize::from(a >> 3) | usize::from(b) << 5 | usize::from(c) << 13;
        start = Some(end);
        end += 3 + if (a >> 1) & 3 == RLE { 1 } else { size };
    }
    let mut cut = body.get(..end)?.to_vec();
    *cut.get_mut(start?)? |= 1;
    // A checksum may have to follow; it is read and not compared.
    cut.extend([0; 4]);
    Some(cut)
}

/// The header of the frame that `frame` begins with, made to declare a window of 128 KiB and no size, and what follows
/// it.
///
/// The decoder reserves and holds back as much as the window is large, megabytes as a rule. It looks back as far as it
/// has bytes whatever the window, and none are taken from it before the end, so that no match goes amiss; and no block
/// is larger than this.
fn with_small_window(frame: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    const SINGLE_SEGMENT: u8 = 0x20;
    const CHECKSUM_AND_DICTIONARY: u8 = 0x07;
    /// 1 KiB times two to the seventh.
    const WINDOW: u8 = 7 << 3;
    let (descriptor, rest) = frame.strip_prefix(&MAGIC)?.split_first()?;
    let is_single = descriptor & SINGLE_SEGMENT != 0;
    let dictionary_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied()?;
    let size_bytes = match descriptor >> 6 {
        0 => usize::from(is_single),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    let rest = rest.get(usize::from(!is_single)..)?;
    let (dictionary, rest) = rest.split_at_checked(dictionary_bytes)?;
    let body = rest.get(size_bytes..)?;
    let mut header = MAGIC.to_vec();
    header.extend([descriptor & CHECKSUM_AND_DICTIONARY, WINDOW]);
    header.extend_from_slice(dictionary);
    Some((header, body))
}
