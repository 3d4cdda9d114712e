//! An EXIF block that may hold a copyright notice only.

use super::be16;

const COPYRIGHT: usize = 0x8298;
const ASCII: usize = 2;

/// Whether a big-endian TIFF block holds one directory of one entry, which is the notice, and nothing behind it.
pub(super) fn holds_only(block: &[u8], copyright: Option<&str>) -> bool {
    let Some(copyright) = copyright else { return false };
    let text_at = 26;
    let length = copyright.len() + 1;
    let entry = [
        (0, 0x4D4D),
        (2, 42),
        (4, 0),
        (6, 8),
        (8, 1),
        (10, COPYRIGHT),
        (12, ASCII),
        (22, 0),
        (24, 0),
    ];
    let is_as_said = entry
        .iter()
        .all(|(at, expected)| be16(block, *at) == Some(*expected));
    // The count, and where the text lies.
    let count = super::be32(block, 14);
    let offset = super::be32(block, 18);
    let text = block.get(text_at..).and_then(|rest| rest.strip_suffix(&[0]));
    is_as_said && count == Some(length) && offset == Some(text_at) && text == Some(copyright.as_bytes())
}
