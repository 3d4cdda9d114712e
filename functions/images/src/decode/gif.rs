//! GIF (version 89a): the first frame on its screen.

use gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};
use shared::{Failure, Input};

use super::{Facts, Format, Opened, PictureLimits, positioned::Positioned, refusal, whole::Whole};
use crate::picture::{Channels, Depth, Picture, Samples, Shape};

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(MemoryLimit::Unlimited);
    options.allow_unknown_blocks(true);
    let mut decoder = options
        .read_info(file)
        .map_err(|error| refused(&error, reached.offset()))?;
    let frame = decoder
        .next_frame_info()
        .map_err(|error| refused(&error, reached.offset()))?
        .ok_or_else(|| refusal::corrupt("no-frames", "the GIF", "has no frame", reached.offset()))?
        .clone();
    // A first frame larger than the screen widens it, as in browsers.
    let width = decoder.width().max(frame.left.saturating_add(frame.width));
    let height = decoder.height().max(frame.top.saturating_add(frame.height));
    limits.check_size(u64::from(width), u64::from(height))?;
    let indices_bytes = usize::from(frame.width) * usize::from(frame.height);
    let shape = Shape {
        width: u32::from(width),
        height: u32::from(height),
        channels: Channels::Rgba,
        depth: Depth::Eight,
    };
    let canvas_bytes = shape.row_samples() * usize::from(height);
    limits.check_held((canvas_bytes + indices_bytes) as u64)?;

    let mut indices = vec![0; indices_bytes];
    decoder
        .read_into_buffer(&mut indices)
        .map_err(|error| refused(&error, reached.offset()))?;
    let palette = rgba_palette(
        decoder
            .palette()
            .map_err(|error| refused(&error, reached.offset()))?,
        frame.transparent,
    );
    let clear = frame
        .transparent
        .and_then(|index| palette.get(usize::from(index)))
        .map_or([0; 4], |colour| [colour[0], colour[1], colour[2], 0]);
    let mut canvas = clear.repeat(usize::from(width) * usize::from(height));
    let (pixels, _) = canvas.as_chunks_mut::<4>();
    let rows = pixels
        .chunks_exact_mut(usize::from(width))
        .skip(usize::from(frame.top));
    for (row, indices) in rows.zip(indices.chunks_exact(usize::from(frame.width).max(1))) {
        for (pixel, index) in row.iter_mut().skip(usize::from(frame.left)).zip(indices) {
            *pixel = palette.get(usize::from(*index)).copied().unwrap_or_default();
        }
    }

    let mut facts = Facts::new(Format::Gif, shape.width, shape.height);
    facts.frames = count_frames(input, limits)?;
    facts.has_alpha = pixels.iter().any(|pixel| pixel[3] == 0);
    let picture = Picture {
        shape,
        samples: Samples::Eight(canvas),
    };
    Ok(Opened {
        facts,
        rows: Box::new(Whole::new(picture)),
    })
}

/// All 256 colours: what the file leaves out is black. The transparent one may be beyond its palette too.
pub(super) fn rgba_palette(palette: &[u8], transparent: Option<u8>) -> Vec<[u8; 4]> {
    let (colours, _) = palette.as_chunks::<3>();
    (0..=u8::MAX)
        .map(|index| {
            let [r, g, b] = colours.get(usize::from(index)).copied().unwrap_or_default();
            let alpha = if transparent == Some(index) { 0 } else { 255 };
            [r, g, b, alpha]
        })
        .collect()
}

/// Walks the blocks without decoding them. What follows the last whole frame is of no interest to a still.
fn count_frames(input: &Input<'_>, limits: &PictureLimits) -> Result<u32, Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut options = DecodeOptions::new();
    options.skip_frame_decoding(true);
    options.allow_unknown_blocks(true);
    let mut decoder = options
        .read_info(file)
        .map_err(|error| refused(&error, reached.offset()))?;
    let mut frames = 0;
    loop {
        match decoder.next_frame_info() {
            Ok(Some(_)) => frames += 1,
            Ok(None) => break,
            Err(error) => {
                let failure = refused(&error, reached.offset());
                if refusal::is_ours(&failure) {
                    return Err(failure);
                }
                break;
            }
        }
        limits.check_frames(frames)?;
    }
    limits.check_frames(frames.max(1))
}

fn refused(error: &DecodingError, offset: u64) -> Failure {
    match error {
        DecodingError::UnexpectedEof => {
            refusal::corrupt("truncated", "the GIF", "ends before its first frame does", offset)
        }
        error => refusal::of_error("the GIF", error, offset),
    }
}
