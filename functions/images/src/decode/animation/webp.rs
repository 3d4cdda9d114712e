//! A WebP's frames (RFC 9649, 2.7.1.1: `ANIM`, `ANMF`).
//!
//! Each frame is handed to the decoder as a file of its own: how frames are laid on one another is ours to say, for the decoder's
//! own way leaves what a lossy frame is to take away.

use std::io::{self, Cursor, Read as _, Seek as _, SeekFrom};

use image_webp::{LoopCount, WebPDecoder};
use shared::{Failure, Input};

use super::{
    Parts, Size,
    canvas::{Blend, Dispose, Part, Place},
};
use crate::{
    compose::{of_codes, rgba},
    decode::{
        managed::{Pixels, Profile},
        positioned::Positioned,
        refusal,
        webp::{METADATA_BYTES, refused},
    },
    picture::Channels,
};

/// Of a file, or of a frame's place, time and flags.
const RIFF_HEAD: usize = 12;
const FRAME_HEAD: usize = 16;
const CHUNK_HEAD: usize = 8;

struct WebpParts<'a> {
    /// Stands at the next chunk.
    file: Positioned<'a>,
    /// Bytes left from there on, as far as the file itself goes.
    size_bytes: u64,
    convert: Option<Pixels>,
}

pub(super) fn open<'a>(input: &Input<'a>) -> Result<(Box<dyn Parts + 'a>, u16), Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut decoder = WebPDecoder::new(file).map_err(|error| refused(&error, reached.offset()))?;
    decoder.set_memory_limit(METADATA_BYTES);
    let profile = decoder
        .icc_profile()
        .map_err(|error| refused(&error, reached.offset()))?;
    let loop_count = match decoder.loop_count() {
        LoopCount::Forever => 0,
        LoopCount::Times(times) => times.get(),
    };
    let mut file = Positioned::new(input);
    file.seek(SeekFrom::Start(RIFF_HEAD as u64))
        .map_err(|error| refusal::of_error("the WebP", &error, 0))?;
    let parts = WebpParts {
        file,
        size_bytes: input.facts.size_bytes,
        convert: profile
            .and_then(|profile| Profile::new(&profile))
            .and_then(|profile| profile.pixels(false)),
    };
    Ok((Box::new(parts), loop_count))
}

impl WebpParts<'_> {
    fn failed(&self, error: &io::Error) -> Failure {
        refusal::of_error("the WebP", error, self.file.position())
    }

    /// Goes to the next chunk `ANMF`, and past its name and length. Gives where it ends.
    fn next_frame(&mut self) -> Result<u64, Failure> {
        loop {
            let mut head = [0; CHUNK_HEAD];
            self.file
                .read_exact(&mut head)
                .map_err(|error| self.failed(&error))?;
            let [k0, k1, k2, k3, length @ ..] = head;
            let end = self.file.position() + u64::from(u32::from_le_bytes(length));
            if [k0, k1, k2, k3] == *b"ANMF" {
                return Ok(end);
            }
            self.skip_to(end)?;
        }
    }

    /// Chunks begin at even places.
    fn skip_to(&mut self, end: u64) -> Result<(), Failure> {
        self.file
            .seek(SeekFrom::Start(end.next_multiple_of(2)))
            .map(|_| ())
            .map_err(|error| self.failed(&error))
    }
}

impl Parts for WebpParts<'_> {
    fn next_part(&mut self, check: &mut dyn FnMut(Size) -> Result<(), Failure>) -> Result<Part, Failure> {
        let end = self.next_frame()?;
        let begin = self.file.position();
        let corrupt = |problem: &str| refusal::corrupt("corrupt", "the WebP", problem, begin);
        let mut head = [0; FRAME_HEAD];
        self.file
            .read_exact(&mut head)
            .map_err(|error| self.failed(&error))?;
        let [x0, x1, x2, y0, y1, y2, w0, w1, w2, h0, h1, h2, d0, d1, d2, flags] = head;
        let number = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        let place = Place {
            left: 2 * number([x0, x1, x2]),
            top: 2 * number([y0, y1, y2]),
            width: number([w0, w1, w2]) + 1,
            height: number([h0, h1, h2]) + 1,
        };
        let coded = end
            .checked_sub(self.file.position())
            .filter(|_| end <= self.size_bytes)
            .ok_or_else(|| refusal::corrupt("truncated", "the WebP", "ends before the frame does", begin))?;
        let pixels = u64::from(place.width) * u64::from(place.height);
        check(Size {
            width: place.width,
            height: place.height,
            // The picture as coded, twice for a moment, and the planes of a lossy one beside what they become, or a lossless one's pixels.
            held_bytes: 2 * coded + 12 * pixels,
        })?;
        let mut still = vec![0; usize::try_from(coded).unwrap_or(usize::MAX)];
        self.file
            .read_exact(&mut still)
            .map_err(|error| self.failed(&error))?;
        self.skip_to(end)?;

        let still = as_file(&still, place).ok_or_else(|| corrupt("a frame without a picture of its size"))?;
        let mut decoder = WebPDecoder::new(Cursor::new(still)).map_err(|error| refused(&error, begin))?;
        if decoder.dimensions() != (place.width, place.height) {
            return Err(corrupt("a frame without a picture of its size"));
        }
        let channels = if decoder.has_alpha() {
            Channels::Rgba
        } else {
            Channels::Rgb
        };
        let mut samples = vec![0; place.width as usize * place.height as usize * channels.count()];
        decoder
            .read_image(&mut samples)
            .map_err(|error| refused(&error, begin))?;
        let mut pixels: Vec<[u8; 4]> =
            rgba(&of_codes(place.width, place.height, channels, samples)).collect();
        if let Some(convert) = &self.convert {
            convert(&mut pixels)?;
        }
        Ok(Part {
            place,
            pixels,
            blend: if flags & 2 == 0 {
                Blend::Over
            } else {
                Blend::Source
            },
            dispose: if flags & 1 == 0 {
                Dispose::Keep
            } else {
                Dispose::Clear
            },
            duration_ms: number([d0, d1, d2]),
        })
    }
}

/// A frame's chunks as a file; none where they begin with no picture, or hold a lossy one of another size, for which the decoder
/// would make room before it compares.
fn as_file(chunks: &[u8], place: Place) -> Option<Vec<u8>> {
    const ALPHA_FLAG: u8 = 0x10;
    let chunk = |at: usize| {
        let (name, rest) = chunks.get(at..)?.split_first_chunk::<4>()?;
        let (length, data) = rest.split_first_chunk::<4>()?;
        Some((name, usize::try_from(u32::from_le_bytes(*length)).ok()?, data))
    };
    let is_lossy_of_size = |data: &[u8]| {
        // RFC 6386, 9.1: the size stands past a tag of three bytes and a start code.
        let side = |at: usize| {
            let bytes = data.get(at..)?.first_chunk::<2>()?;
            Some(u32::from(u16::from_le_bytes(*bytes) & 0x3FFF))
        };
        (side(6), side(8)) == (Some(place.width), Some(place.height))
    };
    let mut file = b"WEBP".to_vec();
    match chunk(0)? {
        (b"VP8L", ..) => {}
        (b"VP8 ", _, data) if is_lossy_of_size(data) => {}
        (b"ALPH", length, _) => {
            let behind = CHUNK_HEAD.checked_add(length)?.checked_next_multiple_of(2)?;
            let (name, _, data) = chunk(behind)?;
            if name != b"VP8 " || !is_lossy_of_size(data) {
                return None;
            }
            file.extend(b"VP8X\x0A\0\0\0");
            file.extend([ALPHA_FLAG, 0, 0, 0]);
            for side in [place.width, place.height] {
                file.extend((side - 1).to_le_bytes().iter().take(3));
            }
        }
        _ => return None,
    }
    file.extend(chunks);
    let length = u32::try_from(file.len()).ok()?.to_le_bytes();
    Some([&b"RIFF"[..], &length, &file].concat())
}
