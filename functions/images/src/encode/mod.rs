//! Pictures to files: one of a stated quality, or the best that a number of bytes can hold.

pub(crate) mod animation;
mod avif;
mod jpeg;
mod notice;
mod png;
mod webp;

use shared::{
    Failure,
    options::{ImageFormat, RenditionSpec},
};

pub(crate) use notice::kept;

use crate::{picture::Picture, ycc::Ycc};

/// The quality of lossy renditions that name none.
const DEFAULT_QUALITY: u8 = 80;
/// How often a picture is encoded at most to meet a number of bytes.
pub(crate) const MAX_TRIES: u32 = 7;

/// A file, and how good it is.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    pub(crate) bytes: Vec<u8>,
    /// 1 to 100, of lossy ones.
    pub(crate) quality: Option<u8>,
}

/// The longest side a format can have, in pixels.
pub(crate) const fn max_side(format: ImageFormat) -> u32 {
    match format {
        ImageFormat::Webp => webp::MAX_SIDE,
        ImageFormat::Jpeg => jpeg::MAX_SIDE,
        ImageFormat::Avif | ImageFormat::Png => 16_384,
    }
}

/// What is encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A picture of 8 bits.
    Pixels(&'a Picture),
    /// Luma and chroma: only for a specification that [`is_from_planes`].
    Planes(&'a Ycc),
}

/// Whether a rendition is encoded from luma and chroma: what red, green and blue would only be turned into again.
pub(crate) fn is_from_planes(spec: &RenditionSpec) -> bool {
    let is_coded_so = match spec.format() {
        ImageFormat::Jpeg => true,
        ImageFormat::Webp => spec.lossless != Some(true),
        ImageFormat::Avif | ImageFormat::Png => false,
    };
    is_coded_so && spec.filters.is_none()
}

/// Whether a rendition that [`is_from_planes`] has chroma at half the width and height, whatever quality is chosen for it.
pub(crate) fn takes_halved_chroma(spec: &RenditionSpec) -> bool {
    let is_coded_so = match spec.format() {
        ImageFormat::Jpeg => spec.target_bytes.is_none() && jpeg::halves_chroma(quality(spec)),
        _ => true,
    };
    is_coded_so && is_from_planes(spec)
}

/// How long a format's encoder takes for a pixel, about, as a multiple of JPEG's.
pub(crate) const fn cost(format: ImageFormat) -> u64 {
    match format {
        ImageFormat::Jpeg => 1,
        ImageFormat::Png => 8,
        ImageFormat::Webp => 20,
        ImageFormat::Avif => 100,
    }
}

/// Encodes a picture of 8 bits as the specification says. JPEG takes no alpha: flatten the picture first. `copyright` (see
/// [`kept`]) becomes the only metadata; AVIF carries none.
pub(crate) fn encode(
    source: Source<'_>,
    spec: &RenditionSpec,
    copyright: Option<&str>,
) -> Result<Encoded, Failure> {
    let exif = copyright.map(notice::exif);
    let exif = exif.as_deref();
    let with_exif = |bytes: Vec<u8>| match exif {
        Some(exif) => {
            let shape = match source {
                Source::Pixels(picture) => picture.shape,
                Source::Planes(planes) => planes.luma.shape,
            };
            notice::webp_with_exif(
                &bytes,
                (shape.width, shape.height),
                shape.channels.has_alpha(),
                exif,
            )
        }
        None => bytes,
    };
    let pixels = || match source {
        Source::Pixels(picture) => Ok(picture),
        Source::Planes(_) => Err(Failure::internal("encode", "luma and chroma for pixels")),
    };
    if spec.format() == ImageFormat::Png {
        return Ok(Encoded {
            bytes: png::encode(pixels()?, exif)?,
            quality: None,
        });
    }
    if spec.format() == ImageFormat::Webp && spec.lossless == Some(true) {
        return Ok(Encoded {
            bytes: with_exif(webp::encode_lossless(pixels()?)?),
            quality: None,
        });
    }
    let lossy = |quality: u8| match spec.format() {
        ImageFormat::Jpeg => {
            let settings = jpeg::Settings {
                quality,
                progressive: spec.progressive == Some(true),
            };
            jpeg::encode(source, settings, exif)
        }
        ImageFormat::Avif => avif::encode(pixels()?, quality),
        ImageFormat::Webp | ImageFormat::Png => webp::encode_lossy(source, quality).map(with_exif),
    };
    if let Some(target) = spec.target_bytes {
        let (quality, bytes) = best_within(target.get() as usize, Vec::len, &lossy)?;
        return Ok(Encoded {
            bytes,
            quality: Some(quality),
        });
    }
    let quality = quality(spec);
    Ok(Encoded {
        bytes: lossy(quality)?,
        quality: Some(quality),
    })
}

/// The quality of a lossy rendition that is held to no number of bytes.
pub(crate) fn quality(spec: &RenditionSpec) -> u8 {
    spec.quality
        .and_then(|quality| u8::try_from(quality.get()).ok())
        .unwrap_or(DEFAULT_QUALITY)
}

/// The best quality whose bytes are not more than `target`, and what it gives; the lowest tried where none is.
pub(crate) fn best_within<T>(
    target: usize,
    size_bytes: fn(&T) -> usize,
    encode: &dyn Fn(u8) -> Result<T, Failure>,
) -> Result<(u8, T), Failure> {
    let (mut low, mut high) = (1_u8, 100_u8);
    let mut best: Option<(u8, T)> = None;
    let mut smallest: Option<(u8, T)> = None;
    for attempt in 0..MAX_TRIES {
        if low > high {
            break;
        }
        // Most targets lie around what is usual.
        let quality = if attempt == 0 { 75 } else { low.midpoint(high) };
        let encoded = encode(quality)?;
        if size_bytes(&encoded) <= target {
            low = quality + 1;
            best = Some((quality, encoded));
        } else {
            high = quality - 1;
            smallest = Some((quality, encoded));
        }
    }
    match best.or(smallest) {
        Some(encoded) => Ok(encoded),
        None => Err(Failure::internal("encode", "nothing was tried")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_quality_within_is_found_in_seven_tries() {
        for target in [1_usize, 1000, 5432, 9_999, 10_000, 50_000] {
            let tries = std::cell::Cell::new(0);
            let (quality, _) = best_within(target, Vec::len, &|quality| {
                tries.set(tries.get() + 1);
                Ok(vec![0; usize::from(quality) * 100])
            })
            .unwrap();
            assert!(tries.get() <= MAX_TRIES, "{target}");
            let expected = (target / 100).clamp(1, 100);
            assert_eq!(usize::from(quality), expected, "{target}");
        }
    }
}
