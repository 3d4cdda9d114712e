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
/// How many chunks are looked at for what is no part of the picture: a still has at most eight.
const MOST_CHUNKS: usize = 16;

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
    if let Some(xmp) = decoder.xmp_metadata().map_err(|error| refused(&error))? {
        metadata::xmp::read(&xmp, &mut facts);
    }
    facts.c2pa = has_c2pa(input)?;
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

/// Looks for the chunk that C2PA 2.1 names for RIFF containers.
fn has_c2pa(input: &Input<'_>) -> Result<bool, Failure> {
    let mut at = 12;
    for _ in 0..MOST_CHUNKS {
        let mut header = [0; 8];
        if input.read_at(at, &mut header)? < header.len() {
            break;
        }
        let [k0, k1, k2, k3, s0, s1, s2, s3] = header;
        if [k0, k1, k2, k3] == *b"C2PA" {
            return Ok(true);
        }
        at += 8 + u64::from(u32::from_le_bytes([s0, s1, s2, s3])).next_multiple_of(2);
    }
    Ok(false)
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
