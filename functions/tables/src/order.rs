//! Keys: unsigned numbers in the order of the values that they stand for, so that values of any type are compared in one
//! step.

const SIGN: u64 = 1 << 63;
const WIDE_SIGN: u128 = 1 << 127;

/// The key of an integer: its order is the integers'.
#[inline]
pub(crate) const fn key_of_int(value: i64) -> u64 {
    value.cast_unsigned() ^ SIGN
}

/// The key of a float: its order is that of `f64::total_cmp`.
#[inline]
pub(crate) const fn key_of_float(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | SIGN)
}

/// The key of the digits of a decimal of up to [`crate::types::NARROW_DIGITS`].
#[inline]
pub(crate) const fn key_of_narrow_digits(value: i128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "18 digits")]
    key_of_int(value as i64)
}

/// The key of a wide decimal's digits.
#[inline]
pub(crate) const fn key_of_digits(value: i128) -> u128 {
    value.cast_unsigned() ^ WIDE_SIGN
}

pub(crate) const fn digits_of(key: u128) -> i128 {
    (key ^ WIDE_SIGN).cast_signed()
}

pub(crate) const fn int_of(key: u64) -> i64 {
    (key ^ SIGN).cast_signed()
}

pub(crate) const fn float_of(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

/// The first eight bytes of a text; missing ones are 0. Texts that begin alike have the same key.
#[inline]
pub(crate) fn key_of_text(bytes: &[u8]) -> u64 {
    if let Some(first) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let missing = 8 * (8 - bytes.len());
        return u64::from(u32::from_be_bytes(*first)) << 32 | u64::from(u32::from_be_bytes(*last)) << missing;
    }
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0));
    byte(0) << 56 | byte(1) << 48 | byte(2) << 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_the_order_and_the_value() {
        let floats = [f64::MIN, -1.5, -0.0, 0.0, 1e-300, 2.5, f64::MAX];
        assert!(floats.map(key_of_float).is_sorted());
        assert!(
            floats
                .iter()
                .all(|float| float_of(key_of_float(*float)).to_bits() == float.to_bits())
        );
        let ints = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(ints.map(key_of_int).is_sorted());
        assert!(ints.iter().all(|int| int_of(key_of_int(*int)) == *int));
    }

    proptest::proptest! {
        #[test]
        fn texts_are_never_told_an_order_that_is_not_theirs(a in "[a-c\u{0}é]{0,10}", b in "[a-c\u{0}é]{0,10}") {
            if key_of_text(a.as_bytes()) < key_of_text(b.as_bytes()) {
                proptest::prop_assert!(a < b);
            }
        }
    }
}
