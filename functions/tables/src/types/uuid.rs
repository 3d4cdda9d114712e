//! UUIDs as text (RFC 9562, section 4): `8-4-4-4-12` hexadecimal digits.
//!
//! Only lower case is taken, as the RFC has programs write it and as every reader of Parquet shows it again; a column in upper
//! case or in braces stays text.

/// The mark of a UUID column in an Arrow schema: Arrow's canonical extension `arrow.uuid`.
pub const EXTENSION: (&str, &str) = ("ARROW:extension:name", "arrow.uuid");

/// How many bytes the text has.
pub const TEXT_BYTES: usize = 36;

/// Where the hyphens stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// And where groups of four digits do, two of which are read together.
const FOURS: [[usize; 2]; 4] = [[0, 4], [9, 14], [19, 24], [28, 32]];

/// Reads a UUID.
#[must_use]
pub fn read_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; TEXT_BYTES] = text.try_into().ok()?;
    let four = |at: usize| {
        let digits = text.get(at..at + 4).and_then(<[u8]>::as_array);
        u64::from(digits.map_or(0, |digits| u32::from_le_bytes(*digits)))
    };
    let mut right = HYPHENS
        .iter()
        .fold(true, |right, at| right & (text.get(*at) == Some(&b'-')));
    let mut bytes = [0; 16];
    for (to, [first, second]) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(FOURS) {
        let (value, are_digits) = read_eight(four(first) | four(second) << 32);
        *to = value;
        right &= are_digits;
    }
    right.then_some(bytes)
}

/// What eight digits say, the first in the lowest byte, and whether they are digits: all together and without a branch.
#[inline]
fn read_eight(text: u64) -> ([u8; 4], bool) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // The bit that is set in `a` to `f` and in none of `0` to `9`.
    let letters = text >> 6 & ONES;
    let high_halves = text & (ONES * 0xF0);
    let digits = (text & (ONES * 0x0F)) + letters * 9;
    // Sixteen and more: a letter beyond `f`. Ten and more, as six more say: no digit before `a`, and no less behind it.
    let beyond = digits & (ONES * 0x10);
    let from_ten = (digits + ONES * 6) >> 4 & ONES;
    let wrong = (high_halves ^ ((ONES + letters) * 0x30)) | beyond | (from_ten ^ letters);
    let pairs = (digits << 4 | digits >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    #[expect(clippy::cast_possible_truncation, reason = "its low half is all")]
    let all = (fours | fours >> 16) as u32;
    (all.to_le_bytes(), wrong == 0)
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

    #[test]
    fn a_byte_that_does_not_belong_is_found_wherever_it_stands() {
        let text = *b"09afcd12-e456-789b-a0f1-23456789abcd";
        let digit = |byte: u8| {
            char::from(byte)
                .to_digit(16)
                .filter(|_| !byte.is_ascii_uppercase())
        };
        for at in 0..TEXT_BYTES {
            for byte in 0..=u8::MAX {
                let mut other = text;
                other[at] = byte;
                let digits: Option<Vec<u32>> = other
                    .iter()
                    .filter(|byte| **byte != b'-')
                    .map(|byte| digit(*byte))
                    .collect();
                let hyphens = HYPHENS.iter().all(|at| other[*at] == b'-');
                let expected = digits.filter(|digits| hyphens && digits.len() == 32);
                let read = read_uuid(&other).map(|bytes| {
                    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
                    halves.map(u32::from).collect::<Vec<_>>()
                });
                assert_eq!(read, expected, "{byte} at {at}");
            }
        }
    }
}
