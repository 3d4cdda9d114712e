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
pub(super) const METADATA_BYTES: usize = 16 << 20;
/// How many chunks are looked at for what is no part of the picture: a still has at most eight.
const MOST_CHUNKS: usize = 16;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let file = Positioned::new(input);
    let reached = file.follow();
    let mut decoder = WebPDecoder::new(file).map_err(|error| refused(&error, reached.offset()))?;
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
    if let Some(exif) = decoder
        .exif_metadata()
        .map_err(|error| refused(&error, reached.offset()))?
    {
        metadata::exif::read(&exif, &mut facts);
    }
    if let Some(xmp) = decoder
        .xmp_metadata()
        .map_err(|error| refused(&error, reached.offset()))?
    {
        metadata::xmp::read(&xmp, &mut facts);
    }
    facts.c2pa = inspect(input, (width, height))?;
    let profile = decoder
        .icc_profile()
        .map_err(|error| refused(&error, reached.offset()))?;
    let mut samples = vec![0; shape.row_samples() * height as usize];
    decoder
        .read_image(&mut samples)
        .map_err(|error| refused(&error, reached.offset()))?;
    let rows: Box<dyn Rows> = Box::new(Whole::of_bytes(shape, samples));
    let rows = match profile.and_then(|profile| Profile::new(&profile)) {
        Some(profile) => profile.manage(rows, &mut facts),
        None => rows,
    };
    Ok(Opened { facts, rows })
}

/// A chunk's name, and where its data begins and ends.
fn chunk(input: &Input<'_>, at: u64) -> Result<Option<([u8; 4], u64, u64)>, Failure> {
    let mut header = [0; 8];
    if input.read_at(at, &mut header)? < header.len() {
        return Ok(None);
    }
    let [k0, k1, k2, k3, size @ ..] = header;
    let begin = at + 8;
    Ok(Some((
        [k0, k1, k2, k3],
        begin,
        begin + u64::from(u32::from_le_bytes(size)),
    )))
}

/// Sees that lossy frames are as large as what holds them says, for the decoder makes room for them before it compares. Gives
/// whether there is the chunk that C2PA 2.1 names for RIFF containers.
fn inspect(input: &Input<'_>, canvas: (u32, u32)) -> Result<bool, Failure> {
    let mut at = 12;
    let mut has_c2pa = false;
    let mut has_frame = false;
    for _ in 0..MOST_CHUNKS {
        let Some((name, begin, end)) = chunk(input, at)? else {
            break;
        };
        match &name {
            b"C2PA" => has_c2pa = true,
            b"VP8L" => has_frame = true,
            b"VP8 " => {
                has_frame = true;
                check_lossy(input, begin, canvas)?;
            }
            b"ANMF" if !has_frame => {
                has_frame = true;
                let mut header = [0; 16];
                input.read_at(begin, &mut header)?;
                let [_, _, _, _, _, _, w0, w1, w2, h0, h1, h2, ..] = header;
                let length = |bytes: [u8; 3]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) + 1;
                let size = (length([w0, w1, w2]), length([h0, h1, h2]));
                let mut inner = chunk(input, begin + 16)?;
                if let Some((name, _, end)) = inner
                    && name == *b"ALPH"
                {
                    inner = chunk(input, end.next_multiple_of(2))?;
                }
                match inner {
                    Some((name, begin, _)) if name == *b"VP8 " => check_lossy(input, begin, size)?,
                    Some((name, _, _)) if name == *b"VP8L" => {}
                    _ => {
                        return Err(refusal::corrupt(
                            "corrupt",
                            "the WebP",
                            "a frame without a picture",
                            begin,
                        ));
                    }
                }
            }
            _ => {}
        }
        at = end.next_multiple_of(2);
    }
    if !has_frame {
        return Err(refusal::corrupt(
            "corrupt",
            "the WebP",
            "no picture among its first chunks",
            at,
        ));
    }
    Ok(has_c2pa)
}

/// RFC 6386, 9.1: the size stands past a tag of three bytes and a start code.
fn check_lossy(input: &Input<'_>, begin: u64, (width, height): (u32, u32)) -> Result<(), Failure> {
    let mut header = [0; 10];
    input.read_at(begin, &mut header)?;
    let [_, _, _, _, _, _, w0, w1, h0, h1] = header;
    let side = |bytes: [u8; 2]| u32::from(u16::from_le_bytes(bytes) & 0x3FFF);
    let (is_wide, is_high) = (side([w0, w1]), side([h0, h1]));
    if (is_wide, is_high) == (width, height) {
        return Ok(());
    }
    let message = format!("a frame of {is_wide} × {is_high} pixels where {width} × {height} must be");
    Err(refusal::corrupt("corrupt", "the WebP", &message, begin))
}

pub(super) fn refused(error: &DecodingError, offset: u64) -> Failure {
    match error {
        DecodingError::MemoryLimitExceeded => Failure::limit(
            "too-much-memory",
            format!("the WebP's metadata takes more than {METADATA_BYTES} bytes"),
        ),
        error => refusal::of_error("the WebP", error, offset),
    }
}
