//! The boxes of an AVIF (ISO/IEC 14496-12 and 23008-12).

use super::{Found, be16, be32, shown};

/// Boxes that hold boxes, and how many bytes stand before those.
const HOLDERS: [(&[u8], usize); 3] = [(b"meta", 4), (b"iprp", 0), (b"ipco", 0)];

/// Boxes that say how the pixels are to be read.
const NEEDED: [&[u8]; 14] = [
    b"ftyp", b"hdlr", b"pitm", b"iloc", b"iref", b"ipma", b"ispe", b"pixi", b"av1C", b"colr", b"auxC",
    b"mdat", b"pasp", b"prem",
];

pub(super) fn check(bytes: &[u8], _copyright: Option<&str>) -> Result<(), Found> {
    if bytes.get(4..8) != Some(b"ftyp") {
        return Err((0, "no start of an AVIF".to_owned()));
    }
    boxes(bytes, 0, bytes.len())?;
    for needed in [b"meta", b"mdat"] {
        if !outer_names(bytes).any(|name| name == needed) {
            return Err((bytes.len(), format!("no box {}", shown(needed))));
        }
    }
    Ok(())
}

/// The names of the outermost boxes.
fn outer_names(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = be32(bytes, at)?;
        let name = bytes.get(at + 4..at + 8)?;
        at += length.max(8);
        Some(name)
    })
}

fn boxes(bytes: &[u8], begin: usize, end: usize) -> Result<(), Found> {
    let mut at = begin;
    while at < end {
        let length = be32(bytes, at).ok_or((at, "no box".to_owned()))?;
        let name = bytes.get(at + 4..at + 8).ok_or((at, "no box".to_owned()))?;
        let stop = at.checked_add(length).filter(|stop| *stop <= end && length >= 8);
        let stop = stop.ok_or((at, "a box cut short".to_owned()))?;
        if let Some((_, before)) = HOLDERS.iter().find(|(holder, _)| *holder == name) {
            boxes(bytes, at + 8 + before, stop)?;
        } else if name == b"iinf" {
            items(bytes, at + 8, stop)?;
        } else if name == b"colr" && bytes.get(at + 8..at + 12) != Some(b"nclx") {
            return Err((at, "a colour profile".to_owned()));
        } else if !NEEDED.contains(&name) {
            return Err((at, format!("a box {}", shown(name))));
        }
        at = stop;
    }
    Ok(())
}

/// The items: each must be coded pixels, so that none is EXIF or XMP.
fn items(bytes: &[u8], begin: usize, end: usize) -> Result<(), Found> {
    let is_long = bytes.get(begin) != Some(&0);
    let mut at = begin + if is_long { 8 } else { 6 };
    while at < end {
        let length = be32(bytes, at).ok_or((at, "no item".to_owned()))?;
        let version = bytes.get(at + 8).copied().unwrap_or_default();
        let kind = at + 12 + if version == 3 { 4 } else { 2 } + 2;
        let name = bytes.get(kind..kind + 4).ok_or((at, "no item".to_owned()))?;
        if bytes.get(at + 4..at + 8) != Some(b"infe")
            || name != b"av01"
            || be16(bytes, kind + 4).is_none()
            || length < 20
        {
            return Err((at, format!("an item {}", shown(name))));
        }
        at += length;
    }
    Ok(())
}
