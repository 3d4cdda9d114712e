//! Files that are no text, refused by their names.

use shared::{Failure, Place};

/// Files that some upload as a table, by their first bytes.
const MAGIC: [(&[u8], &str); 19] = [
    (b"\x1F\x8B", "gzip within what was compressed already"),
    (b"\x28\xB5\x2F\xFD", "zstd within what was compressed already"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ\0", "xz"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"PAR1", "Parquet"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\x01", "Avro"),
    (b"ORC", "ORC"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\xD0\xCF\x11\xE0", "an old Office document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF document"),
    (b"\x7FELF", "a program"),
    (b"{\\rtf", "an RTF document"),
];

/// Refuses what begins like no text. `start` is the file's beginning, decompressed.
///
/// # Errors
/// [`Failure::rejected`]: `binary`, `utf-32`.
pub fn refuse(start: &[u8]) -> Result<(), Failure> {
    let place = Place::Byte { offset: 0 };
    if let Some((_, name)) = MAGIC
        .iter()
        .find(|(magic, _)| start.starts_with(magic) && !is_text(start, magic))
    {
        return Err(Failure::rejected("binary", format!("not a table: this is {name}")).at(place));
    }
    match start {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            return Err(Failure::rejected("utf-32", "the text is UTF-32, which is not read").at(place));
        }
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Ok(()),
        _ => {}
    }
    let head = start.get(..start.len().min(4096)).unwrap_or_default();
    if super::encoding::utf_16_by_zeros(head).is_some() {
        return Ok(());
    }
    // One NUL may be one bad row; a binary format has one in every few bytes.
    let nuls = memchr::memchr_iter(0, head).count();
    if nuls * 20 > head.len() || head.first() == Some(&0) {
        let offset = memchr::memchr(0, head).unwrap_or(0) as u64;
        let message = "not a table: NUL bytes, so this is no text";
        return Err(Failure::rejected("binary", message).at(Place::Byte { offset }));
    }
    // What no text has, nor separates fields. One or two may be damage.
    let is_control = |byte: &&u8| matches!(**byte, 0x02..=0x08 | 0x0B | 0x0E..=0x13 | 0x15..=0x19 | 0x7F);
    let controls = head.iter().filter(is_control).count();
    if controls > 4 && controls * 50 > head.len() {
        let offset = head.iter().position(|byte| is_control(&byte)).unwrap_or(0) as u64;
        let message = "not a table: control characters, so this is no text";
        return Err(Failure::rejected("binary", message).at(Place::Byte { offset }));
    }
    Ok(())
}

/// Whether what begins like a binary format goes on as text: `ORC,PAR1` may be a header.
fn is_text(sample: &[u8], magic: &[u8]) -> bool {
    magic.is_ascii()
        && magic.iter().all(|byte| !byte.is_ascii_control())
        && sample
            .iter()
            .take(512)
            .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n'))
        && !magic.starts_with(b"%PDF")
        && !magic.starts_with(b"{\\rtf")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_named() {
        for (bytes, expected) in [
            (&b"PK\x03\x04\x14\0\0\0"[..], "zip archive"),
            (b"PAR1\x15\x04", "Parquet"),
            (b"\x89PNG\r\n\x1A\n", "PNG"),
            (b"%PDF-1.7\n%\xE2", "PDF"),
            (b"\xFF\xFE\0\0a\0\0\0", "UTF-32"),
            (b"\x01\x00\x00\x02\x03\x00", "NUL"),
            (b"\0", "NUL"),
            (b"\x28\xB5\x2F\xFD\x24\x01", "zstd within"),
            (b"\xB5\x02\x91\x13\x7F\xC2\x05\x0B\xAA\x18\x10z\n", "control"),
        ] {
            let message = refuse(bytes).unwrap_err().message;
            assert!(
                message.contains(expected),
                "{message:?} does not name {expected:?}"
            );
        }
    }

    #[test]
    fn text_is_not_taken_for_what_it_begins_like() {
        for text in [
            &b"ORC,PAR1\n1,2\n"[..],
            b"BZh,b\n",
            b"a",
            b"",
            b"\"",
            b"a,b\n1,\0\n3,4\n5,6\n7,8\n9,10\n",
            b"\xFF\xFEa\0,\0b\0",
            b"a\0,\0b\0\n\0",
        ] {
            assert_eq!(refuse(text), Ok(()));
        }
    }
}
