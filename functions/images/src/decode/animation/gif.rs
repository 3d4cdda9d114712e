//! A GIF's images (version 89a, 20 and 23).

use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit, Repeat};
use shared::{Failure, Input};

use super::{
    Parts, Size,
    canvas::{Blend, Dispose, Part, Place},
};
use crate::decode::{
    gif::rgba_palette,
    positioned::{Positioned, Reached},
    refusal,
};

/// What browsers make of a delay of no or of a hundredth of a second, which nobody means.
const HASTY_MS: u32 = 100;

struct GifParts<'a> {
    decoder: Decoder<Positioned<'a>>,
    reached: Reached,
    indices: Vec<u8>,
}

pub(super) fn open<'a>(input: &Input<'a>) -> Result<(Box<dyn Parts + 'a>, u16), Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.allow_unknown_blocks(true);
    let decoder = options
        .read_info(file)
        .map_err(|error| refused(&error, reached.offset()))?;
    // NETSCAPE2.0 counts how often it is played *again*, 0 being for ever; a file without one is played once.
    let loop_count = match decoder.repeat() {
        Repeat::Infinite => 0,
        Repeat::Finite(again) => again.saturating_add(1),
    };
    let parts = GifParts {
        decoder,
        reached,
        indices: Vec::new(),
    };
    Ok((Box::new(parts), loop_count))
}

impl Parts for GifParts<'_> {
    fn next_part(&mut self, check: &mut dyn FnMut(Size) -> Result<(), Failure>) -> Result<Part, Failure> {
        let frame = self
            .decoder
            .next_frame_info()
            .map_err(|error| refused(&error, self.reached.offset()))?
            .ok_or_else(|| {
                refusal::corrupt(
                    "truncated",
                    "the GIF",
                    "has no more frames",
                    self.reached.offset(),
                )
            })?;
        let place = Place {
            left: u32::from(frame.left),
            top: u32::from(frame.top),
            width: u32::from(frame.width),
            height: u32::from(frame.height),
        };
        let (transparent, delay, disposal) = (frame.transparent, frame.delay, frame.dispose);
        let pixels = usize::from(frame.width) * usize::from(frame.height);
        self.indices.clear();
        // A frame without pixels shows what is there for longer.
        if pixels > 0 {
            check(Size {
                width: place.width,
                height: place.height,
                held_bytes: pixels as u64,
            })?;
            self.indices.resize(pixels, 0);
            self.decoder
                .read_into_buffer(&mut self.indices)
                .map_err(|error| refused(&error, self.reached.offset()))?;
        }
        let palette = self
            .decoder
            .palette()
            .map_err(|error| refused(&error, self.reached.offset()))?;
        let palette = rgba_palette(palette, transparent);
        let pixel = |index: &u8| palette.get(usize::from(*index)).copied().unwrap_or_default();
        Ok(Part {
            place,
            pixels: self.indices.iter().map(pixel).collect(),
            blend: Blend::Over,
            dispose: match disposal {
                DisposalMethod::Any | DisposalMethod::Keep => Dispose::Keep,
                DisposalMethod::Background => Dispose::Clear,
                DisposalMethod::Previous => Dispose::Previous,
            },
            duration_ms: if delay <= 1 {
                HASTY_MS
            } else {
                u32::from(delay) * 10
            },
        })
    }
}

fn refused(error: &DecodingError, offset: u64) -> Failure {
    match error {
        DecodingError::UnexpectedEof => {
            refusal::corrupt("truncated", "the GIF", "ends before the frame does", offset)
        }
        error => refusal::of_error("the GIF", error, offset),
    }
}
