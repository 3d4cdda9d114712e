//! UUIDs as text (RFC 9562, section 4): `8-4-4-4-12` hexadecimal digits.
//!
//! Only lower case is taken, as the RFC has programs write it and as every reader of Parquet shows it again; a column in upper
//! case or in braces stays text.

/// The mark of a UUID column in an Arrow schema: Arrow's canonical extension `arrow.uuid`.
pub const EXTENSION: (&str, &str) = ("ARROW:extension:name", "arrow.uuid");

/// How many bytes the text has.
pub const TEXT_BYTES: usize = 36;

/// The digit a byte is; 255 for what is none.
const DIGITS: [u8; 256] = digits();

const fn digits() -> [u8; 256] {
    let mut table = [255; 256];
    let mut digit = 0;
    while digit < 16 {
        #[expect(clippy::indexing_slicing, reason = "constant, and in bounds")]
        {
            table[b"0123456789abcdef"[digit as usize] as usize] = digit;
        }
        digit += 1;
    }
    table
}

/// Reads a UUID.
#[must_use]
pub fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; TEXT_BYTES] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    let mut wrong = 0;
    let mut at = 0;
    for (index, byte) in bytes.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            wrong |= u8::from(text.get(at) != Some(&b'-')) << 7;
            at += 1;
        }
        let digit = |at: usize| {
            DIGITS
                .get(usize::from(text.get(at).copied().unwrap_or_default()))
                .copied()
                .unwrap_or(255)
        };
        let (high, low) = (digit(at), digit(at + 1));
        wrong |= (high | low) & 0x80;
        *byte = high << 4 | low & 0xF;
        at += 2;
    }
    (wrong == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_spelling_is_read() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let expected = [
            0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255,
        ];
        assert_eq!(read_uuid(text.as_bytes()), Some(expected));
        for wrong in [
            "00112233-4455-6677-8899-AABBCCDDEEFF",
            "00112233x4455-6677-8899-aabbccddeeff",
            "0011223g-4455-6677-8899-aabbccddeeff",
            "00112233445566778899aabbccddeeff",
            "",
        ] {
            assert_eq!(read_uuid(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
