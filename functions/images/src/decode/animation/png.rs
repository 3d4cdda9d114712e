//! A PNG's frames (third edition, 11.3.4: `acTL`, `fcTL`, `fdAT`).

use png::{BlendOp, DecodeOptions, Decoder, DisposeOp, Reader, Transformations};
use shared::{Failure, Input};

use super::{
    Parts, Size,
    canvas::{Blend, Dispose, Part, Place},
};
use crate::{
    compose::{of_codes, rgba},
    decode::{
        managed::{Pixels, Profile},
        png::{CHUNKS_BYTES, refused, shape},
        positioned::{Positioned, Reached},
        refusal,
    },
    picture::Channels,
};

/// What a delay without a denominator is in: hundredths of a second.
const DEFAULT_DENOMINATOR: u32 = 100;

struct PngParts<'a> {
    reader: Reader<Positioned<'a>>,
    reached: Reached,
    channels: Channels,
    /// To sRGB.
    convert: Option<Pixels>,
    /// Whether the reader stands before the next frame's pixels already.
    is_ready: bool,
    samples: Vec<u8>,
}

pub(super) fn open<'a>(input: &Input<'a>) -> Result<(Box<dyn Parts + 'a>, u16), Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    let mut decoder = Decoder::new_with_options(file, options);
    decoder.set_limits(png::Limits { bytes: CHUNKS_BYTES });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let reader = decoder
        .read_info()
        .map_err(|error| refused(&error, reached.offset()))?;
    let channels = shape(&reader)?.channels;
    let is_gray = matches!(channels, Channels::Gray | Channels::GrayAlpha);
    let info = reader.info();
    let convert = info
        .icc_profile
        .as_deref()
        .and_then(Profile::new)
        .and_then(|profile| profile.pixels(is_gray));
    let loop_count = info.animation_control().map_or(1, |control| control.num_plays);
    let parts = PngParts {
        // A picture without an `fcTL` before it is for decoders that know of no animations, and no frame.
        is_ready: info.frame_control().is_some(),
        channels,
        convert,
        reader,
        reached,
        samples: Vec::new(),
    };
    Ok((Box::new(parts), u16::try_from(loop_count).unwrap_or(u16::MAX)))
}

impl Parts for PngParts<'_> {
    fn next_part(&mut self, check: &mut dyn FnMut(Size) -> Result<(), Failure>) -> Result<Part, Failure> {
        let reached = self.reached.clone();
        let refused = |error: &png::DecodingError| refused(error, reached.offset());
        if !std::mem::take(&mut self.is_ready) {
            self.reader.next_frame_info().map_err(|error| refused(&error))?;
        }
        let info = self.reader.info();
        let (across, is_interlaced) = (info.width, info.interlaced);
        let control = info.frame_control().copied().ok_or_else(|| {
            refusal::corrupt("corrupt", "the PNG", "a frame without a place", reached.offset())
        })?;
        let missing = || Failure::limit("too-much-memory", "the PNG does not fit into memory");
        let bytes = self.reader.output_buffer_size().ok_or_else(missing)?;
        check(Size {
            width: control.width,
            height: control.height,
            held_bytes: bytes as u64,
        })?;
        self.samples.clear();
        self.samples.resize(bytes, 0);
        let output = self
            .reader
            .next_frame(&mut self.samples)
            .map_err(|error| refused(&error))?;
        // Interlaced frames come in rows as wide as the whole picture.
        let count = self.channels.count();
        let row = output.width as usize * count;
        let stride = if is_interlaced {
            across as usize * count
        } else {
            row
        };
        let samples = self
            .samples
            .chunks_exact(stride)
            .take(output.height as usize)
            .flat_map(|samples| samples.get(..row).unwrap_or_default())
            .copied()
            .collect();
        let picture = of_codes(output.width, output.height, self.channels, samples);
        let mut pixels: Vec<[u8; 4]> = rgba(&picture).collect();
        if let Some(convert) = &self.convert {
            convert(&mut pixels)?;
        }
        Ok(Part {
            place: Place {
                left: control.x_offset,
                top: control.y_offset,
                width: control.width,
                height: control.height,
            },
            pixels,
            blend: match control.blend_op {
                BlendOp::Source => Blend::Source,
                BlendOp::Over => Blend::Over,
            },
            dispose: match control.dispose_op {
                DisposeOp::None => Dispose::Keep,
                DisposeOp::Background => Dispose::Clear,
                DisposeOp::Previous => Dispose::Previous,
            },
            duration_ms: milliseconds(control.delay_num, control.delay_den),
        })
    }
}

/// Of a fraction of a second.
fn milliseconds(numerator: u16, denominator: u16) -> u32 {
    let denominator = match denominator {
        0 => DEFAULT_DENOMINATOR,
        denominator => u32::from(denominator),
    };
    (u32::from(numerator) * 1000 + denominator / 2) / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_fractions_of_a_second() {
        for (numerator, denominator, expected) in [
            (1, 10, 100),
            (7, 0, 70),
            (1, 30, 33),
            (2, 3, 667),
            (u16::MAX, 1, 65_535_000),
        ] {
            assert_eq!(milliseconds(numerator, denominator), expected);
        }
    }
}
