//! The chunks of a WebP (RFC 9649, 2).

use super::{Found, exif, le32, shown};

/// What is in these chunks, or before a frame's own, and nothing else.
const EXTENDED_BYTES: usize = 10;
const ANIMATION_BYTES: usize = 6;
const FRAME_BYTES: usize = 16;

pub(super) fn check(bytes: &[u8], copyright: Option<&str>) -> Result<(), Found> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    if !is_webp || le32(bytes, 4).map(|length| length + 8) != Some(bytes.len()) {
        return Err((0, "no WebP of this length".to_owned()));
    }
    let end = chunks(bytes, 12, bytes.len(), true, copyright)?;
    if end == bytes.len() {
        Ok(())
    } else {
        Err((end, "bytes behind the end".to_owned()))
    }
}

fn chunks(
    bytes: &[u8],
    begin: usize,
    end: usize,
    is_file: bool,
    copyright: Option<&str>,
) -> Result<usize, Found> {
    let mut at = begin;
    while at < end {
        let name = bytes.get(at..at + 4).ok_or((at, "no chunk".to_owned()))?;
        let length = le32(bytes, at + 4).ok_or((at, "no chunk".to_owned()))?;
        let data = at + 8;
        let stop = data
            .checked_add(length)
            .filter(|stop| *stop <= end)
            .ok_or((at, "a chunk cut short".to_owned()))?;
        match name {
            b"VP8 " | b"VP8L" | b"ALPH" => {}
            b"VP8X" if is_file && length == EXTENDED_BYTES => {}
            b"ANIM" if is_file && length == ANIMATION_BYTES => {}
            // A frame: its place and time, then chunks, of which the last may lack its even end.
            b"ANMF" if is_file && length > FRAME_BYTES => {
                let end = chunks(bytes, data + FRAME_BYTES, stop, false, copyright)?;
                if end != stop.next_multiple_of(2) {
                    return Err((end, "a frame cut short".to_owned()));
                }
            }
            b"EXIF" if is_file && exif::holds_only(bytes.get(data..stop).unwrap_or_default(), copyright) => {}
            other => return Err((at, format!("a chunk {}", shown(other)))),
        }
        at = stop + length % 2;
    }
    Ok(at)
}
