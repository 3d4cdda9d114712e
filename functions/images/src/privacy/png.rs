//! The chunks of a PNG (W3C PNG, 11).

use super::{Found, be32, exif, shown};

pub(super) fn check(bytes: &[u8], copyright: Option<&str>) -> Result<(), Found> {
    const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    if !bytes.starts_with(SIGNATURE) {
        return Err((0, "no start of a PNG".to_owned()));
    }
    let mut at = SIGNATURE.len();
    loop {
        let length = be32(bytes, at).ok_or((at, "no chunk".to_owned()))?;
        let name = bytes.get(at + 4..at + 8).ok_or((at, "no chunk".to_owned()))?;
        let data = at + 8;
        let end = data
            .checked_add(length)
            .and_then(|end| end.checked_add(4))
            .filter(|end| *end <= bytes.len());
        let end = end.ok_or((at, "a chunk cut short".to_owned()))?;
        let block = bytes.get(data..data + length).unwrap_or_default();
        match name {
            b"IHDR" | b"PLTE" | b"IDAT" | b"tRNS" => {}
            b"eXIf" if exif::holds_only(block, copyright) => {}
            b"IEND" => {
                let rest = bytes.len() - end;
                return if rest == 0 {
                    Ok(())
                } else {
                    Err((end, format!("{rest} bytes behind the end")))
                };
            }
            other => return Err((at, format!("a chunk {}", shown(other)))),
        }
        at = end;
    }
}
