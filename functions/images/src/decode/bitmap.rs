//! Windows bitmaps.

use std::io::{self, Cursor};

use image::{
    ColorType, ImageDecoder, ImageError,
    codecs::{bmp::BmpDecoder, ico::IcoDecoder},
};
use shared::{Failure, Input};

use super::{
    Facts, Format, Opened, PictureLimits,
    positioned::{Positioned, Reached},
    refusal,
    whole::Whole,
};
use crate::picture::{Channels, Depth, Shape};

pub(super) fn open_bmp<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let mut file = Positioned::new(input);
    let reached = file.follow();
    let decoder =
        BmpDecoder::new(&mut file).map_err(|error| refused("the bitmap", &error, reached.offset()))?;
    open(decoder, Format::Bmp, limits, &reached)
}

/// The bitmap of an icon that has no other picture.
pub(super) fn open_icon<'a>(icon: &[u8], limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let decoder = IcoDecoder::new(Cursor::new(icon)).map_err(|error| refused("the icon", &error, 0))?;
    open(decoder, Format::Ico, limits, &Reached::default())
}

fn open<'a>(
    decoder: impl ImageDecoder,
    format: Format,
    limits: &PictureLimits,
    reached: &Reached,
) -> Result<Opened<'a>, Failure> {
    let name = if format == Format::Bmp {
        "the bitmap"
    } else {
        "the icon"
    };
    let (width, height) = decoder.dimensions();
    limits.check_size(u64::from(width), u64::from(height))?;
    limits.check_held(2 * decoder.total_bytes())?;
    let color = decoder.color_type();
    let (channels, depth) = match color {
        ColorType::L8 => (Channels::Gray, Depth::Eight),
        ColorType::La8 => (Channels::GrayAlpha, Depth::Eight),
        ColorType::Rgb8 => (Channels::Rgb, Depth::Eight),
        ColorType::Rgba8 => (Channels::Rgba, Depth::Eight),
        ColorType::L16 => (Channels::Gray, Depth::Sixteen),
        ColorType::La16 => (Channels::GrayAlpha, Depth::Sixteen),
        ColorType::Rgb16 => (Channels::Rgb, Depth::Sixteen),
        ColorType::Rgba16 => (Channels::Rgba, Depth::Sixteen),
        other => {
            return Err(Failure::rejected(
                "samples-not-taken",
                format!("{name} has samples of {other:?}"),
            ));
        }
    };
    let shape = Shape {
        width,
        height,
        channels,
        depth,
    };
    let bytes = usize::try_from(decoder.total_bytes()).unwrap_or(usize::MAX);
    let mut facts = Facts::new(format, width, height);
    facts.has_alpha = channels.has_alpha();
    let mut samples = vec![0; bytes];
    decoder
        .read_image(&mut samples)
        .map_err(|error| refused(name, &error, reached.offset()))?;
    Ok(Opened {
        facts,
        rows: Box::new(Whole::of_bytes(shape, samples)),
    })
}

fn refused(name: &str, error: &ImageError, offset: u64) -> Failure {
    match error {
        ImageError::IoError(error) => {
            let error = io::Error::new(error.kind(), error.to_string());
            refusal::of_error(name, &error, offset)
        }
        error => refusal::of_error(name, error, offset),
    }
}
