//! AVIF by rav1e: memory-safe, and many times slower than the others; made only when asked for.

use ravif::{Encoder, Img, RGB8, RGBA8};
use shared::Failure;

use crate::picture::{Channels, Picture, Samples};

/// 1 (slowest) to 10: a compromise of a second or so a megapixel.
const SPEED: u8 = 8;

/// A picture of 8 bits as AVIF. `quality` is 1 to 100.
pub(crate) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, Failure> {
    let shape = picture.shape;
    let Samples::Eight(samples) = &picture.samples else {
        return Err(Failure::internal("avif", "samples of 16 bits"));
    };
    let (width, height) = (shape.width as usize, shape.height as usize);
    let encoder = Encoder::new()
        .with_quality(f32::from(quality))
        .with_alpha_quality(f32::from(quality))
        .with_speed(SPEED)
        .with_num_threads(Some(1));
    let opaque = |pixels: &[RGB8]| encoder.encode_rgb(Img::new(pixels, width, height));
    let clear = |pixels: &[RGBA8]| encoder.encode_rgba(Img::new(pixels, width, height));
    let made = match shape.channels {
        Channels::Gray => opaque(
            &samples
                .iter()
                .map(|gray| RGB8::new(*gray, *gray, *gray))
                .collect::<Vec<_>>(),
        ),
        Channels::Rgb => {
            let pixels = samples.as_chunks::<3>().0;
            opaque(
                &pixels
                    .iter()
                    .map(|[r, g, b]| RGB8::new(*r, *g, *b))
                    .collect::<Vec<_>>(),
            )
        }
        Channels::GrayAlpha => {
            let pixels = samples.as_chunks::<2>().0;
            clear(
                &pixels
                    .iter()
                    .map(|[gray, a]| RGBA8::new(*gray, *gray, *gray, *a))
                    .collect::<Vec<_>>(),
            )
        }
        Channels::Rgba => {
            let pixels = samples.as_chunks::<4>().0;
            clear(
                &pixels
                    .iter()
                    .map(|[r, g, b, a]| RGBA8::new(*r, *g, *b, *a))
                    .collect::<Vec<_>>(),
            )
        }
    };
    made.map(|made| made.avif_file)
        .map_err(|error| Failure::internal("avif", error.to_string()))
}
