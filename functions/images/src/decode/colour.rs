//! Colours of files to red, green and blue.

use super::jpeg;
use crate::picture::{Channels, Samples};

/// CMYK without a profile, as Pillow converts it: (255 − c) × (255 − k) / 255, rounded.
pub(super) fn cmyk_to_rgb(samples: &Samples) -> Samples {
    match samples {
        Samples::Eight(samples) => {
            let (pixels, _) = samples.as_chunks::<4>();
            Samples::Eight(pixels.iter().flat_map(|pixel| cmyk_pixel(*pixel)).collect())
        }
        Samples::Sixteen(samples) => {
            let (pixels, _) = samples.as_chunks::<4>();
            let rgb = |[c, m, y, k]: [u16; 4]| {
                [c, m, y].map(|ink| {
                    let light = u32::from(65_535 - ink) * u32::from(65_535 - k);
                    u16::try_from((light + 32_767) / 65_535).unwrap_or(u16::MAX)
                })
            };
            Samples::Sixteen(pixels.iter().flat_map(|pixel| rgb(*pixel)).collect())
        }
    }
}

/// One pixel of [`cmyk_to_rgb`].
pub(super) fn cmyk_pixel([c, m, y, k]: [u8; 4]) -> [u8; 3] {
    let white = 255 - u32::from(k);
    [c, m, y].map(|ink| {
        let product = u32::from(ink) * white + 128;
        let dark = ((product >> 8) + product) >> 8;
        u8::try_from(white.saturating_sub(dark)).unwrap_or(u8::MAX)
    })
}

/// Alpha out of the colours that it was multiplied into.
pub(super) fn unpremultiply(samples: &mut Samples, channels: Channels) {
    fn each<T: Copy + Into<u64> + TryFrom<u64>>(samples: &mut [T], channels: usize, most: T) {
        for pixel in samples.chunks_exact_mut(channels) {
            let Some((alpha, colours)) = pixel.split_last_mut() else {
                continue;
            };
            let alpha: u64 = (*alpha).into();
            if alpha == 0 {
                continue;
            }
            for colour in colours {
                let value: u64 = (*colour).into() * most.into() / alpha;
                *colour = T::try_from(value.min(most.into())).unwrap_or(most);
            }
        }
    }
    match samples {
        Samples::Eight(samples) => each(samples, channels.count(), u8::MAX),
        Samples::Sixteen(samples) => each(samples, channels.count(), u16::MAX),
    }
}

/// YCbCr of 8 bits, as JPEG means it, to RGB.
pub(super) fn ycc_to_rgb(samples: Samples) -> Samples {
    match samples {
        Samples::Eight(mut samples) => {
            let (pixels, _) = samples.as_chunks_mut::<3>();
            for [y, cb, cr] in pixels {
                [*y, *cb, *cr] = jpeg::ycc_pixel(*y, *cb, *cr);
            }
            Samples::Eight(samples)
        }
        sixteen @ Samples::Sixteen(_) => sixteen,
    }
}
