//! What has a signature: our own checks where a few ASCII letters would not do, the signature library for the rest.

use file_format::FileFormat;

use crate::{
    archive,
    encoding::{Encoding, Text},
    identify::{Guess, Kind},
};

/// What the bytes are by their signature. `text` is the same bytes as text, if they are text.
pub(crate) fn identify(head: &[u8], whole: bool, name: &str, text: Option<&Text>) -> Option<Guess> {
    if let Some(guess) = archive::identify(head, whole).or_else(|| image(head, name)) {
        return Some(guess);
    }
    let format = FileFormat::from_bytes(head);
    // What begins with the letters of a signature and goes on as text is text: `ORC,PAR1` may be a header.
    let begins_like_text = head
        .iter()
        .take(4)
        .all(|byte| (b' '..0x7F).contains(byte) || matches!(byte, b'\t' | b'\r' | b'\n'));
    let is_text = text.is_some_and(|text| begins_like_text || text.encoding != Encoding::Windows1252);
    if is_text && !is_signed_text(format) {
        return None;
    }
    match format {
        FileFormat::ArbitraryBinaryData
        | FileFormat::Empty
        | FileFormat::PlainText
        // These two have no more than the letters `BM` and four small bytes: `image` knows them better.
        | FileFormat::WindowsBitmap
        | FileFormat::WindowsIcon => None,
        FileFormat::Bzip2 | FileFormat::Xz => Some(compressed_tar(format, name)),
        _ => Some(named(format)),
    }
}

/// Formats that may be all text and are no less themselves for it.
fn is_signed_text(format: FileFormat) -> bool {
    matches!(
        format,
        FileFormat::PortableDocumentFormat
            | FileFormat::RichTextFormat
            | FileFormat::PortableGraymap
            | FileFormat::PortableBitmap
            | FileFormat::PortablePixmap
            | FileFormat::RadianceHdr
            | FileFormat::XPixmap
    )
}

/// What the library knows, in our words.
fn named(format: FileFormat) -> Guess {
    let media_type = format.media_type();
    if media_type.starts_with("image/") {
        let short = match format {
            FileFormat::AnimatedPortableNetworkGraphics => "png",
            FileFormat::JointPhotographicExpertsGroup => "jpeg",
            FileFormat::TagImageFileFormat => "tiff",
            _ => format.extension(),
        };
        return Guess::new(
            Some(Kind::Images),
            short.to_owned(),
            format!("{} image", format.short_name().unwrap_or(format.name())),
            media_type.to_owned(),
            0.98,
        );
    }
    Guess::new(
        None,
        format.extension().to_owned(),
        format.name(),
        media_type.to_owned(),
        0.95,
    )
}

/// A tar in a compression that nothing here looks into: its name is all there is to go by.
fn compressed_tar(format: FileFormat, name: &str) -> Guess {
    let lower = name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    match format {
        FileFormat::Bzip2 if ends(&[".tar.bz2", ".tbz2", ".tbz", ".tb2"]) => Guess::new(
            Some(Kind::Audit),
            "tar.bz2",
            "a bzip2-compressed tar archive by its name",
            format.media_type().to_owned(),
            0.5,
        ),
        FileFormat::Xz if ends(&[".tar.xz", ".txz"]) => Guess::new(
            Some(Kind::Audit),
            "tar.xz",
            "an xz-compressed tar archive by its name",
            format.media_type().to_owned(),
            0.5,
        ),
        _ => named(format),
    }
}

/// Images whose signature is short or none, by the structure behind it.
fn image(head: &[u8], name: &str) -> Option<Guess> {
    let images = |format: &'static str, looks_like: &str, media_type, confidence| {
        Some(Guess::new(
            Some(Kind::Images),
            format,
            looks_like,
            media_type,
            confidence,
        ))
    };
    match head {
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => images("gif", "GIF image", "image/gif", 0.98),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
            images("webp", "WebP image", "image/webp", 0.98)
        }
        [b'q', b'o', b'i', b'f', _, _, _, _, _, _, _, _, 3 | 4, 0 | 1, ..] => {
            images("qoi", "QOI image", "image/qoi", 0.98)
        }
        // The size of the header that follows the file header is one of a few.
        [b'B', b'M', ..] => match head.get(14..18)? {
            [12 | 16 | 40 | 48 | 52 | 56 | 64 | 108 | 124, 0, 0, 0] => {
                images("bmp", "BMP image", "image/bmp", 0.95)
            }
            _ => None,
        },
        // No width of an icon is told from another, but its first entry's reserved byte is 0 (or, seldom, 255).
        [0, 0, 1, 0, count, high, _, _, _, 0 | 255, ..] if (*count, *high) != (0, 0) && *high < 4 => {
            images("ico", "ICO image", "image/vnd.microsoft.icon", 0.9)
        }
        _ if is_targa(head, name) => images("tga", "TGA image", "image/x-tga", 0.6),
        _ => None,
    }
}

/// Whether this is a Truevision TGA image: it has no signature, so its header must be one and its name say so, or
/// its footer.
fn is_targa(head: &[u8], name: &str) -> bool {
    let has_footer = head.ends_with(b"TRUEVISION-XFILE.\0");
    let is_called_so = name.rsplit_once('.').is_some_and(|(_, ending)| {
        ["tga", "targa", "vda", "icb", "vst"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    });
    let [
        _,
        0 | 1,
        1 | 2 | 3 | 9 | 10 | 11,
        _,
        _,
        _,
        _,
        map_depth,
        _,
        _,
        _,
        _,
        w0,
        w1,
        h0,
        h1,
        depth,
        _,
        ..,
    ] = head
    else {
        return false;
    };
    (has_footer || is_called_so)
        && (*w0, *w1) != (0, 0)
        && (*h0, *h1) != (0, 0)
        && matches!(map_depth, 0 | 15 | 16 | 24 | 32)
        && matches!(depth, 8 | 15 | 16 | 24 | 32)
}

/// Bytes that nothing here knows.
pub(crate) fn unknown(head: &[u8]) -> Guess {
    let looks_like = if head.iter().all(|byte| *byte == 0) {
        "nothing but NUL bytes"
    } else {
        "unknown binary data"
    };
    Guess::new(None, "binary", looks_like, "application/octet-stream", 0.5)
}
