//! Varints, as Protocol Buffers, Thrift and Parquet's levels have them: seven bits a byte, the least first, the high bit set
//! on all but the last (<https://protobuf.dev/programming-guides/encoding/#varints>).

/// How many bytes a value takes.
#[inline]
pub(super) const fn len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    // A division by 7 that is right for 1 to 64 bits.
    ((bits * 9 + 64) / 64) as usize
}

/// Appends a value.
pub(super) fn put(mut value: u64, into: &mut Vec<u8>) {
    while value > 0x7F {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
    into.push(value as u8);
}

/// A signed value as an unsigned one: those near zero, of either sign, become small ones.
#[inline]
pub(super) const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// The signed value again.
#[inline]
pub(super) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Takes a value from the front of the bytes; what is missing counts as zeros.
pub(super) fn take(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            break;
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    value
}

/// The high bit of every byte before the last, by the number of bytes.
const MARKS: [u128; 11] = {
    let mut marks = [0; 11];
    let mut rest = marks.as_mut_slice();
    let mut mark = 0;
    // The first two, of no byte and of one, have none.
    while let [_, next @ ..] = rest {
        if let [_, of_next, ..] = next {
            mark = mark << 8 | 0x80;
            *of_next = mark;
        }
        rest = next;
    }
    marks
};

/// A value's bytes, least first, in 16 bytes of which the first `len` count and the others are zero.
#[inline]
pub(super) fn spread(value: u64) -> (u128, usize) {
    let len = len(value);
    let (low, high) = (spread_56(value & ((1 << 56) - 1)), value >> 56);
    let high = (high & 0x7F) | ((high & 0x80) << 1);
    let spread = u128::from(low) | (u128::from(high) << 64);
    let marks = MARKS.get(len).copied().unwrap_or_default();
    (spread | marks, len)
}

/// The bits of 56 in groups of seven, each into a byte of its own: halves first, as they can all move at once.
#[inline]
const fn spread_56(value: u64) -> u64 {
    let value = (value & 0x0FFF_FFFF) | ((value & 0x00FF_FFFF_F000_0000) << 4);
    let value = (value & 0x0000_3FFF_0000_3FFF) | ((value & 0x0FFF_C000_0FFF_C000) << 2);
    (value & 0x007F_007F_007F_007F) | ((value & 0x3F80_3F80_3F80_3F80) << 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_the_loop_says() {
        let ends =
            (0..64).flat_map(|bit| [0, 1, 2].map(|more| (1_u64 << bit).wrapping_add(more).wrapping_sub(1)));
        for value in ends.chain([u64::MAX, u64::MAX - 1, 0x5555_5555_5555_5555]) {
            let mut expected = Vec::new();
            put(value, &mut expected);
            assert_eq!(take(&mut expected.as_slice()), value);
            assert_eq!(unzigzag(zigzag(value.cast_signed())), value.cast_signed());
            let (bytes, len) = spread(value);
            assert_eq!(&bytes.to_le_bytes()[..len], expected, "{value}");
            assert_eq!(bytes >> (8 * len), 0, "{value}");
        }
    }
}
