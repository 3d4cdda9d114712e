//! The segments of a JPEG (ITU-T T.81, Annex B).

use super::{Found, be16, exif};

pub(super) fn check(bytes: &[u8], copyright: Option<&str>) -> Result<(), Found> {
    if bytes.get(..2) != Some(&[0xFF, 0xD8]) {
        return Err((0, "no start of a JPEG".to_owned()));
    }
    let mut at = 2;
    let mut exif_seen = false;
    loop {
        let Some([0xFF, marker]) = bytes.get(at..at + 2) else {
            return Err((at, "no marker".to_owned()));
        };
        if *marker == 0xD9 {
            let rest = bytes.len() - at - 2;
            return if rest == 0 {
                Ok(())
            } else {
                Err((at + 2, format!("{rest} bytes behind the end")))
            };
        }
        let length = be16(bytes, at + 2)
            .filter(|length| *length >= 2)
            .ok_or((at, "no length".to_owned()))?;
        let body = bytes
            .get(at + 4..at + 2 + length)
            .ok_or((at, "a segment cut short".to_owned()))?;
        match marker {
            // JFIF's version, density, and no thumbnail.
            0xE0 if body.len() == 14 && body.starts_with(b"JFIF\0") && body.ends_with(&[0, 0]) => {}
            0xE1 if !exif_seen
                && body
                    .strip_prefix(b"Exif\0\0")
                    .is_some_and(|block| exif::holds_only(block, copyright)) =>
            {
                exif_seen = true;
            }
            // Tables, frames of the two kinds that are made.
            0xC0 | 0xC2 | 0xC4 | 0xDB | 0xDD => {}
            0xDA => {
                at += 2 + length;
                at += scan(bytes.get(at..).unwrap_or_default());
                continue;
            }
            0xFE => return Err((at, "a comment".to_owned())),
            0xE0..=0xEF => return Err((at, format!("an APP{} segment", marker - 0xE0))),
            other => return Err((at, format!("a segment FF{other:02X}"))),
        }
        at += 2 + length;
    }
}

/// How many bytes of coded pixels there are.
fn scan(bytes: &[u8]) -> usize {
    let is_marker =
        |pair: &[u8]| matches!(pair, [0xFF, marker] if *marker != 0 && !(0xD0..=0xD7).contains(marker));
    bytes.windows(2).position(is_marker).unwrap_or(bytes.len())
}
