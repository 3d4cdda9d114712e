//! WebP, RFC 9649, by libwebp: C that sees our own pixels only.

use shared::Failure;
use webpx::{Encoder, EncoderConfig, Unstoppable, YuvPlanesRef};

use super::Source;
use crate::{
    compose::codes,
    picture::{Channels, Picture, Samples},
    ycc::Ycc,
};

/// The longest side a WebP can have, in pixels.
pub(crate) const MAX_SIDE: u32 = 16_383;

/// How hard the encoder tries, 0 to 6: libwebp's own default.
const METHOD: u8 = 4;

/// As lossy WebP. `quality` is 1 to 100, as libwebp counts it.
pub(crate) fn encode_lossy(source: Source<'_>, quality: u8) -> Result<Vec<u8>, Failure> {
    let config = EncoderConfig::new().quality(f32::from(quality)).method(METHOD);
    match source {
        Source::Pixels(picture) => encode(picture, config),
        Source::Planes(planes) => encode_planes(&planes.halved(), config),
    }
}

/// WebP's luma and chroma are BT.601's as JPEG's, but luma lies between 16 and 235, and chroma between 16 and 240.
fn encode_planes(planes: &Ycc, config: EncoderConfig) -> Result<Vec<u8>, Failure> {
    let luma = scaled(&planes.luma, |code| (code * 219 + 127) / 255 + 16);
    let chroma = |code| (code * 224 + 128 * (255 - 224) + 127) / 255;
    let (blue, red) = (scaled(&planes.blue, chroma), scaled(&planes.red, chroma));
    let (shape, chroma_width) = (planes.luma.shape, planes.blue.shape.width as usize);
    let planes = YuvPlanesRef {
        y: &luma,
        y_stride: shape.width as usize,
        u: &blue,
        u_stride: chroma_width,
        v: &red,
        v_stride: chroma_width,
        a: None,
        a_stride: 0,
        width: shape.width,
        height: shape.height,
    };
    Encoder::new_yuv(planes)
        .config(config)
        .encode(Unstoppable)
        .map_err(|error| Failure::internal("webp", error.to_string()))
}

fn scaled(plane: &Picture, scale: impl Fn(u32) -> u32) -> Vec<u8> {
    let table: Vec<u8> = (0..=255)
        .map(|code| u8::try_from(scale(code)).unwrap_or(u8::MAX))
        .collect();
    let codes = codes(plane).iter();
    codes
        .map(|code| table.get(usize::from(*code)).copied().unwrap_or_default())
        .collect()
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
