//! The one thing a rendition may carry beside its pixels: a copyright notice, as EXIF (TIFF tag 33432).

/// The most of a notice that is kept, in bytes.
const MOST_BYTES: usize = 1_000;

/// The notice as it is kept: without control characters, at most 1,000 bytes.
pub(crate) fn kept(copyright: &str) -> String {
    let mut text: String = copyright
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    while text.len() > MOST_BYTES {
        text.pop();
    }
    text
}

/// A TIFF block of one directory with one entry.
pub(crate) fn exif(copyright: &str) -> Vec<u8> {
    let count = u32::try_from(copyright.len() + 1).unwrap_or_default();
    let mut block = b"MM\0\x2A\0\0\0\x08\0\x01\x82\x98\0\x02".to_vec();
    block.extend(count.to_be_bytes());
    // The text lies behind the directory, whose next one is none.
    block.extend(26_u32.to_be_bytes());
    block.extend([0; 4]);
    block.extend(copyright.as_bytes());
    block.push(0);
    block
}

/// A WebP with an EXIF chunk (RFC 9649, 2.7): extended if it is not yet.
pub(crate) fn webp_with_exif(
    file: &[u8],
    (width, height): (u32, u32),
    has_alpha: bool,
    exif: &[u8],
) -> Vec<u8> {
    const HEAD: usize = 12;
    const EXIF_FLAG: u8 = 0x08;
    const ALPHA_FLAG: u8 = 0x10;
    let mut chunks = file.get(HEAD..).unwrap_or_default().to_vec();
    if chunks.starts_with(b"VP8X") {
        if let Some(flags) = chunks.get_mut(8) {
            *flags |= EXIF_FLAG;
        }
    } else {
        let mut extended = b"VP8X\x0A\0\0\0".to_vec();
        extended.extend([EXIF_FLAG | if has_alpha { ALPHA_FLAG } else { 0 }, 0, 0, 0]);
        for side in [width, height] {
            extended.extend(side.saturating_sub(1).to_le_bytes().iter().take(3));
        }
        extended.extend(chunks);
        chunks = extended;
    }
    chunks.extend(b"EXIF");
    chunks.extend(u32::try_from(exif.len()).unwrap_or_default().to_le_bytes());
    chunks.extend(exif);
    if exif.len() % 2 == 1 {
        chunks.push(0);
    }
    let mut out = b"RIFF".to_vec();
    out.extend(u32::try_from(chunks.len() + 4).unwrap_or_default().to_le_bytes());
    out.extend(b"WEBP");
    out.extend(chunks);
    out
}
