//! WebP (RFC 9649): lossy, lossless, and the first frame of an animation.

use image_webp::{DecodingError, WebPDecoder};
use shared::{Failure, Input};

use super::{
    Facts, Format, Opened, PictureLimits, managed::Profile, positioned::Positioned, refusal, whole::Whole,
};
use crate::{
    metadata,
    picture::{Channels, Depth, Rows, Shape},
};

/// What metadata may take.
const METADATA_BYTES: usize = 16 << 20;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let mut decoder = WebPDecoder::new(Positioned::new(input)).map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    limits.check_size(u64::from(width), u64::from(height))?;
    let channels = if decoder.has_alpha() {
        Channels::Rgba
    } else {
        Channels::Rgb
    };
    let shape = Shape {
        width,
        height,
        channels,
        depth: Depth::Eight,
    };
    let bytes = shape.row_samples() as u64 * u64::from(height);
    // Beside the picture: the planes of a lossy one, or a lossless one's RGBA; an animation holds its canvas too.
    limits.check_held(bytes + 8 * u64::from(width) * u64::from(height))?;
    decoder.set_memory_limit(METADATA_BYTES);

    let mut facts = Facts::new(Format::Webp, width, height);
    facts.frames = limits.check_frames(u64::from(decoder.num_frames().max(1)))?;
    facts.has_alpha = channels.has_alpha();
    if let Some(exif) = decoder.exif_metadata().map_err(|error| refused(&error))? {
        metadata::exif::read(&exif, &mut facts);
    }
    let profile = decoder.icc_profile().map_err(|error| refused(&error))?;
    let mut samples = vec![0; shape.row_samples() * height as usize];
    decoder
        .read_image(&mut samples)
        .map_err(|error| refused(&error))?;
    let rows: Box<dyn Rows> = Box::new(Whole::of_bytes(shape, samples));
    let rows = match profile.and_then(|profile| Profile::new(&profile)) {
        Some(profile) => profile.manage(rows, &mut facts),
        None => rows,
    };
    Ok(Opened { facts, rows })
}

fn refused(error: &DecodingError) -> Failure {
    match error {
        DecodingError::MemoryLimitExceeded => Failure::limit(
            "too-much-memory",
            format!("the WebP's metadata takes more than {METADATA_BYTES} bytes"),
        ),
        error => refusal::of_error("the WebP", error, 0),
    }
}
