//! PNG without anything beside the pixels.

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use shared::Failure;

use crate::picture::{Channels, Picture, Samples};

/// A picture of 8 bits as PNG.
pub(crate) fn encode(picture: &Picture, exif: Option<&[u8]>) -> Result<Vec<u8>, Failure> {
    let shape = picture.shape;
    let Samples::Eight(samples) = &picture.samples else {
        return Err(Failure::internal("png", "samples of 16 bits"));
    };
    let failed = |error: png::EncodingError| Failure::internal("png", error.to_string());
    let mut out = Vec::with_capacity(samples.len() / 2 + 1024);
    let mut encoder = Encoder::new(&mut out, shape.width, shape.height);
    encoder.set_color(match shape.channels {
        Channels::Gray => ColorType::Grayscale,
        Channels::GrayAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Balanced);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(failed)?;
    if let Some(exif) = exif {
        writer.write_chunk(png::chunk::eXIf, exif).map_err(failed)?;
    }
    writer.write_image_data(samples).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}
