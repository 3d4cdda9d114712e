//! Decimal digits, eight at a time.

/// Reads the digits that `text` begins with, as if they stood behind those of `number`. Gives both as one number, and how many
/// it read. Of more than 19 digits in all, the number is wrong.
#[inline]
pub(super) fn read_digits(text: &[u8], mut number: u64) -> (u64, usize) {
    let mut rest = text;
    while let Some((eight, after)) = rest.split_first_chunk()
        && let Some(value) = read_eight(*eight)
    {
        number = number.wrapping_mul(100_000_000).wrapping_add(value);
        rest = after;
    }
    while let Some((&digit @ b'0'..=b'9', after)) = rest.split_first() {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = after;
    }
    (number, text.len() - rest.len())
}

/// Eight digits, all together: neighbours are joined to pairs, pairs to fours, fours to the number. (Johnny Lee, "Fast
/// numeric string to int", 2016; the test for digits is Daniel Lemire's, "Quickly determining whether a string
/// is made of digits", 2018.)
#[inline]
fn read_eight(text: [u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(text);
    let high = 0xF0F0_F0F0_F0F0_F0F0;
    let beyond = word.wrapping_add(0x0606_0606_0606_0606);
    if (word & high) | ((beyond & high) >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    let digits = word & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_digit_ends_them_wherever_it_stands() {
        for length in 0..=19 {
            let text = &b"1234567890123456789"[..length];
            let number = std::str::from_utf8(text).unwrap().parse().unwrap_or(0);
            assert_eq!(read_digits(text, 0), (number, length));
            for at in 0..length {
                let before = std::str::from_utf8(&text[..at]).unwrap().parse().unwrap_or(0);
                for byte in (0..=255).filter(|byte: &u8| !byte.is_ascii_digit()) {
                    let mut text = text.to_vec();
                    text[at] = byte;
                    assert_eq!(read_digits(&text, 0), (before, at), "{byte} at {at} of {length}");
                }
            }
        }
        assert_eq!(read_digits(b"23456789a", 1), (123_456_789, 8));
    }
}
