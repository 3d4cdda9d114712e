//! The proof that a rendition tells nothing beside its pixels.
//!
//! Each output is taken apart as its container says, by code that shares nothing with the encoders. Everything in it must be
//! known to be needed for the pixels: what is not known is refused, not passed over. The one exception is an EXIF block that
//! holds a copyright notice and nothing else, where its owner asked for it to be kept.

mod avif;
mod exif;
mod jpeg;
mod png;
mod webp;

use shared::{Failure, options::ImageFormat};

/// What was found that should not be there, and at which byte.
type Found = (usize, String);

/// Checks an output.
///
/// # Errors
/// Internal (`metadata-in-output`): names what was found, and where.
pub(crate) fn check(
    name: &str,
    format: ImageFormat,
    bytes: &[u8],
    copyright: Option<&str>,
) -> Result<(), Failure> {
    let checked = match format {
        ImageFormat::Jpeg => jpeg::check(bytes, copyright),
        ImageFormat::Png => png::check(bytes, copyright),
        ImageFormat::Webp => webp::check(bytes, copyright),
        ImageFormat::Avif => avif::check(bytes, copyright),
    };
    checked.map_err(|(offset, what)| {
        Failure::internal("metadata-in-output", format!("{name}, byte {offset}: {what}"))
    })
}

/// Reads numbers of a part of a file.
fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
}

fn le32(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?)).ok()
}

/// The name of a chunk or box, for people.
fn shown(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
