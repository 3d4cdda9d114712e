//! What a file is, by its first bytes.

use super::Format;

/// How many bytes tell.
pub(super) const HEAD_BYTES: usize = 1024;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recognised {
    /// A format that is decoded.
    Taken(Format),
    /// A picture, or what people take for one, of a format that is not; its name.
    Refused(&'static str),
    /// Nothing we know.
    Unknown,
}

/// What signatures tell that are not taken.
const REFUSED: [(&[u8], &str); 21] = [
    (b"\xFF\x0A", "JPEG XL"),
    (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xFF\x4F\xFF\x51", "JPEG 2000"),
    (b"%PDF-", "PDF"),
    (b"8BPS", "PSD"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"II\xBC", "JPEG XR"),
    (b"DDS ", "DDS"),
    (b"farbfeld", "farbfeld"),
    (b"\x8BJNG\r\n\x1A\n", "JNG"),
    (b"\x8AMNG\r\n\x1A\n", "MNG"),
    (b"gimp xcf", "XCF"),
    (b"%!PS", "PostScript"),
    (b"\xC5\xD0\xD3\xC6", "EPS"),
    (b"\xD7\xCD\xC6\x9A", "WMF"),
    (b"\xABKTX ", "KTX"),
    (b"BPG\xFB", "BPG"),
    (b"FUJIFILMCCD-RAW", "RAF"),
];

/// Recognises a file by its first [`HEAD_BYTES`] bytes (fewer of a shorter file).
pub(super) fn recognise(head: &[u8]) -> Recognised {
    use Recognised::{Refused, Taken, Unknown};
    if let Some(taken) = taken(head) {
        return Taken(taken);
    }
    if let Some(brand) = brand(head) {
        return Refused(brand);
    }
    if let Some((_, name)) = REFUSED.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Refused(name);
    }
    if is_svg(head) {
        return Refused("SVG");
    }
    if is_netpbm(head) {
        return Refused("Netpbm");
    }
    if is_tga(head) {
        return Refused("TGA");
    }
    Unknown
}

fn taken(head: &[u8]) -> Option<Format> {
    let begins = |signature: &[u8]| head.starts_with(signature);
    Some(match head {
        _ if begins(b"\xFF\xD8\xFF") => Format::Jpeg,
        _ if begins(b"\x89PNG\r\n\x1A\n") => Format::Png,
        _ if begins(b"GIF87a") || begins(b"GIF89a") => Format::Gif,
        _ if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") => Format::Webp,
        // Classic and BigTIFF.
        _ if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
            .iter()
            .any(|signature| begins(*signature)) =>
        {
            Format::Tiff
        }
        _ if begins(b"qoif") => Format::Qoi,
        // The size of the header that follows tells a bitmap from text that begins with BM.
        _ if begins(b"BM") && head.get(15..18) == Some(&[0; 3]) => Format::Bmp,
        // An icon or a cursor, with at least one entry whose reserved byte is as it must be.
        [0, 0, 1 | 2, 0, low, high, ..] if (*low, *high) != (0, 0) => Format::Ico,
        _ => return None,
    })
}

/// The formats in ISO base media containers, by their brands.
fn brand(head: &[u8]) -> Option<&'static str> {
    if head.get(4..8) != Some(b"ftyp") {
        return None;
    }
    let size = head
        .first_chunk()
        .map_or(0, |size| u32::from_be_bytes(*size) as usize);
    let brands = head.get(8..size.clamp(12, head.len().max(12)))?;
    let (brands, _) = brands.as_chunks::<4>();
    // The minor version stands among them, and is none of these.
    brands.iter().find_map(|brand| match brand {
        b"avif" | b"avis" => Some("AVIF"),
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" => Some("HEIC"),
        b"crx " => Some("CR3"),
        b"jxl " => Some("JPEG XL"),
        b"jp2 " | b"jpx " => Some("JPEG 2000"),
        b"mif1" | b"msf1" => Some("HEIF"),
        _ => None,
    })
}

fn is_svg(head: &[u8]) -> bool {
    let text = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    text.starts_with(b"<") && (text.starts_with(b"<svg") || text.windows(4).any(|window| window == b"<svg"))
}

fn is_netpbm(head: &[u8]) -> bool {
    matches!(head, [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace() || *space == b'#')
}

/// TGA has no signature: a header whose every field is one that the format allows.
fn is_tga(head: &[u8]) -> bool {
    let Some(
        [
            _,
            map @ (0 | 1),
            kind,
            _,
            _,
            _,
            _,
            map_bits,
            _,
            _,
            _,
            _,
            w0,
            w1,
            h0,
            h1,
            bits,
            flags,
        ],
    ) = head.first_chunk::<18>()
    else {
        return false;
    };
    let known = match kind {
        1 | 9 => *map == 1 && matches!(bits, 8 | 16),
        2 | 10 => matches!(bits, 15 | 16 | 24 | 32),
        3 | 11 => matches!(bits, 8 | 16),
        _ => false,
    };
    known
        && matches!(map_bits, 0 | 15 | 16 | 24 | 32)
        && (*w0, *w1) != (0, 0)
        && (*h0, *h1) != (0, 0)
        && flags & 0xC0 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_pictures_from_what_begins_like_one() {
        let cases: [(&[u8], Recognised); 8] = [
            (b"\xFF\xD8\xFF\xE0", Recognised::Taken(Format::Jpeg)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Recognised::Taken(Format::Webp)),
            (b"RIFF\0\0\0\0WAVEfmt ", Recognised::Unknown),
            (b"BMW sells cars, not bitmaps", Recognised::Unknown),
            (
                b"\0\0\0\x1Cftypmif1\0\0\0\0mif1avifmiaf",
                Recognised::Refused("HEIF"),
            ),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Recognised::Refused("HEIC")),
            (
                b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>",
                Recognised::Refused("SVG"),
            ),
            (b"", Recognised::Unknown),
        ];
        for (head, expected) in cases {
            assert_eq!(recognise(head), expected, "{}", head.escape_ascii());
        }
    }
}
