//! Text that was decoded by the wrong encoding.
//!
//! UTF-8 read as Windows-1252 or Latin-1 turns each character beyond ASCII into two or three: `é` into `Ã©`, `’` into
//! `â€™`. And what a decoder could not read at all it replaced by U+FFFD.

use memchr::memchr_iter;

/// Where in UTF-8 bytes a sign of it begins.
pub(crate) fn find(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let replaced = memchr_iter(0xEF, bytes).filter(|at| starts(bytes, *at, &[0xEF, 0xBF, 0xBD]));
    // `Â` and `Ã` before what the second byte of two became.
    let two = memchr_iter(0xC3, bytes).filter(|at| {
        let next = bytes.get(at + 2..).unwrap_or_default();
        (starts(bytes, *at, &[0xC3, 0x82]) || starts(bytes, *at, &[0xC3, 0x83]))
            && is_continuation_misread(next)
    });
    // `â` and what 0x80 became: `€` or U+0080.
    let three = memchr_iter(0xC3, bytes).filter(|at| {
        starts(bytes, *at, &[0xC3, 0xA2, 0xE2, 0x82, 0xAC]) || starts(bytes, *at, &[0xC3, 0xA2, 0xC2, 0x80])
    });
    replaced.chain(two).chain(three)
}

pub(crate) fn is_in(text: &str) -> bool {
    !text.is_ascii() && find(text.as_bytes()).next().is_some()
}

fn starts(bytes: &[u8], at: usize, with: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(with))
}

/// Whether a character comes that a byte from 0x80 to 0xBF becomes in Latin-1 (U+0080 to U+00BF) or Windows-1252.
fn is_continuation_misread(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xC2, 0x80..=0xBF, ..]
            // Œ œ Š š Ÿ Ž ž ƒ, ˆ ˜, dashes to ‹ ›, € and ™.
            | [0xC5, 0x92 | 0x93 | 0xA0 | 0xA1 | 0xB8 | 0xBD | 0xBE, ..]
            | [0xC6, 0x92, ..]
            | [0xCB, 0x86 | 0x9C, ..]
            | [0xE2, 0x80, 0x93..=0xBA, ..]
            | [0xE2, 0x82, 0xAC, ..]
            | [0xE2, 0x84, 0xA2, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decoded_wrong_is_found_and_what_was_not_is_left() {
        for text in [
            "cafÃ©",
            "itâ€™s",
            "Ã\u{a0} la",
            "FranÃ§ois",
            "Â°C",
            "MÃ¼nchen",
            "Å�",
            "a\u{FFFD}",
        ] {
            assert!(is_in(text), "{text}");
        }
        for text in [
            "café",
            "it’s",
            "SÃO PAULO",
            "NÃO",
            "Ângela",
            "â",
            "München",
            "漢字",
            "€ 5",
            "£",
            "",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
