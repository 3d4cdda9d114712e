//! WebP, RFC 9649, by libwebp: C that sees our own pixels only.

use shared::Failure;
use webpx::{Encoder, EncoderConfig, Unstoppable};

use crate::picture::{Channels, Picture, Samples};

/// The longest side a WebP can have, in pixels.
pub(crate) const MAX_SIDE: u32 = 16_383;

/// How hard the encoder tries, 0 to 6: libwebp's own default.
const METHOD: u8 = 4;

/// A picture of 8 bits as lossy WebP. `quality` is 1 to 100, as libwebp counts it.
pub(crate) fn encode_lossy(picture: &Picture, quality: u8) -> Result<Vec<u8>, Failure> {
    let config = EncoderConfig::new().quality(f32::from(quality)).method(METHOD);
    encode(picture, config)
}

/// A picture of 8 bits as lossless WebP.
pub(crate) fn encode_lossless(picture: &Picture) -> Result<Vec<u8>, Failure> {
    encode(picture, EncoderConfig::new_lossless().method(METHOD))
}

fn encode(picture: &Picture, config: EncoderConfig) -> Result<Vec<u8>, Failure> {
    let shape = picture.shape;
    let Samples::Eight(samples) = &picture.samples else {
        return Err(Failure::internal("webp", "samples of 16 bits"));
    };
    let expanded: Vec<u8>;
    let encoder = match shape.channels {
        Channels::Rgb => Encoder::new_rgb(samples, shape.width, shape.height),
        Channels::Rgba => Encoder::new_rgba(samples, shape.width, shape.height),
        Channels::Gray => {
            expanded = samples.iter().flat_map(|gray| [*gray; 3]).collect();
            Encoder::new_rgb(&expanded, shape.width, shape.height)
        }
        Channels::GrayAlpha => {
            let pixels = samples.as_chunks::<2>().0;
            expanded = pixels
                .iter()
                .flat_map(|[gray, alpha]| [*gray, *gray, *gray, *alpha])
                .collect();
            Encoder::new_rgba(&expanded, shape.width, shape.height)
        }
    };
    encoder
        .config(config)
        .encode(Unstoppable)
        .map_err(|error| Failure::internal("webp", error.to_string()))
}
