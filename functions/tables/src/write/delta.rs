//! Parquet's encodings by differences, for values of which no dictionary is made: integers as packed differences, texts as
//! packed lengths and their bytes one after the other
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC>). What they leave to be compressed is
//! shorter, and there is less to be found in it: on the wide table of the bench that took half the time.

use super::varint;

/// Values of a block, which has a least difference of its own.
const BLOCK: usize = 128;
/// And of a part of one, which has a width of its own.
const PART: usize = 32;
const PARTS: usize = BLOCK / PART;
/// One of so many differences is looked at for its own width.
const LOOKED_AT: usize = 4;
/// Whether packing pays is asked from this block on.
const FIRST_ASKED: usize = 8;

/// What packing comes to, in bits.
#[derive(Default)]
struct Cost {
    packed: usize,
    /// About that with each difference as wide as itself: what a compressor could make of them.
    single: usize,
    plain: usize,
}

impl Cost {
    /// Whether packed differences are by an eighth shorter than the plain values, and are not mostly as wide as few that stand out,
    /// where a compressor finds more in plain ones.
    fn pays(&self) -> bool {
        self.plain > 0 && self.packed * 8 <= self.plain * 7 && self.packed * 2 <= self.single * 3
    }
}

/// Appends integers of `bytes` bytes, 4 or 8 (`DELTA_BINARY_PACKED`), if that pays; else appends nothing and gives `false`.
pub(super) fn put_if_it_pays(values: &[i64], bytes: usize, into: &mut Vec<u8>) -> bool {
    let start = into.len();
    let pays = put_while(values, bytes, Cost::pays, into);
    if !pays {
        into.truncate(start);
    }
    pays
}

/// Appends the lengths of texts, whose bytes come next (`DELTA_LENGTH_BYTE_ARRAY`).
pub(super) fn put_lengths(lengths: &[i64], into: &mut Vec<u8>) {
    put_while(lengths, 4, |_| true, into);
}

/// Appends the integers as long as they are worth it; gives whether they were to the end.
fn put_while(values: &[i64], bytes: usize, is_worth: fn(&Cost) -> bool, into: &mut Vec<u8>) -> bool {
    let (first, others) = values.split_first().unwrap_or((&0, &[]));
    let count = values.len() as u64;
    for header in [BLOCK as u64, PARTS as u64, count, varint::zigzag(*first)] {
        varint::put(header, into);
    }
    let mut cost = Cost::default();
    let mut differences = [0; BLOCK];
    let blocks = others.chunks(BLOCK).zip(values.chunks(BLOCK));
    for (index, (values, ones_before)) in blocks.enumerate() {
        let pairs = values.iter().zip(ones_before);
        for (to, (value, one_before)) in differences.iter_mut().zip(pairs) {
            let difference = value.wrapping_sub(*one_before);
            // They wrap around as integers of their size do.
            #[expect(clippy::cast_possible_truncation, reason = "wraps")]
            let wrapped = difference as i32;
            *to = if bytes == 4 { wrapped.into() } else { difference };
        }
        cost.plain += values.len() * bytes * 8;
        put_block(
            differences.get(..values.len()).unwrap_or_default(),
            &mut cost,
            into,
        );
        if index >= FIRST_ASKED && !is_worth(&cost) {
            return false;
        }
    }
    is_worth(&cost)
}

/// Appends a block of differences.
fn put_block(differences: &[i64], cost: &mut Cost, into: &mut Vec<u8>) {
    let least = differences.iter().copied().fold(i64::MAX, i64::min);
    varint::put(varint::zigzag(least), into);
    let widths_at = into.len();
    into.extend_from_slice(&[0; PARTS]);
    for (index, part) in differences.chunks(PART).enumerate() {
        let mut above = [0; PART];
        let mut all = 0;
        for (above, difference) in above.iter_mut().zip(part) {
            *above = difference.wrapping_sub(least).cast_unsigned();
            all |= *above;
        }
        let width = width_of(all);
        if let Some(to) = into.get_mut(widths_at + index) {
            *to = u8::try_from(width).unwrap_or(u8::MAX);
        }
        pack(above, width, into);
        cost.packed += width as usize * PART;
        for difference in part.iter().step_by(LOOKED_AT) {
            cost.single += width_of(varint::zigzag(*difference)) as usize * LOOKED_AT;
        }
    }
}

/// Appends the least `width` bits of each value, which has no more, the least first.
fn pack(mut values: [u64; PART], mut width: u32, into: &mut Vec<u8>) {
    let mut count = PART;
    // Two that fit into one word become one.
    while width * 2 <= u64::BITS && count > 1 {
        count /= 2;
        for index in 0..count {
            let pair = values.get(index * 2..index * 2 + 2);
            let [low, high] = *pair.and_then(|pair| pair.as_array()).unwrap_or(&[0; 2]);
            if let Some(to) = values.get_mut(index) {
                *to = low | high << width;
            }
        }
        width *= 2;
    }
    let mut packed = [0_u8; PART * size_of::<u64>()];
    let mut whole = packed.as_chunks_mut::<8>().0.iter_mut();
    let mut bits = 0;
    let mut word = 0_u64;
    for value in values.iter().take(count) {
        word |= value << bits;
        bits += width;
        if bits >= u64::BITS {
            if let Some(to) = whole.next() {
                *to = word.to_le_bytes();
            }
            bits -= u64::BITS;
            word = value.checked_shr(width - bits).unwrap_or_default();
        }
    }
    if let Some(to) = whole.next() {
        *to = word.to_le_bytes();
    }
    // Of 32 values, whole bytes.
    let length = count * width as usize / 8;
    into.extend_from_slice(packed.get(..length).unwrap_or_default());
}

const fn width_of(value: u64) -> u32 {
    u64::BITS - value.leading_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_zigzag(bytes: &mut &[u8]) -> i64 {
        let value = varint::take(bytes);
        (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
    }

    /// As the format describes it, a bit at a time.
    fn decode(bytes: &mut &[u8]) -> Vec<i64> {
        let (block, parts) = (varint::take(bytes), varint::take(bytes));
        let part = usize::try_from(block / parts).unwrap();
        assert_eq!((block % 128, part % 32), (0, 0));
        let count = usize::try_from(varint::take(bytes)).unwrap();
        let mut last = read_zigzag(bytes);
        let mut values = vec![last];
        while values.len() < count {
            let lowest = read_zigzag(bytes);
            let widths = bytes[..usize::try_from(parts).unwrap()].to_vec();
            *bytes = &bytes[widths.len()..];
            for width in widths.into_iter().map(usize::from) {
                if values.len() == count {
                    assert_eq!(width, 0, "nothing is there for a part without a value");
                }
                let packed = &bytes[..part * width / 8];
                *bytes = &bytes[packed.len()..];
                for index in 0..part.min(count - values.len()) {
                    let bit = |at: usize| u64::from(packed[at / 8] >> (at % 8) & 1);
                    let above = (0..width).fold(0, |sum, at| sum | bit(index * width + at) << at);
                    last = last.wrapping_add(lowest).wrapping_add(above.cast_signed());
                    values.push(last);
                }
            }
        }
        values.truncate(count);
        values
    }

    fn encode(values: &[i64], bytes: usize) -> Vec<u8> {
        let mut encoded = Vec::new();
        assert!(put_while(values, bytes, |_| true, &mut encoded));
        encoded
    }

    fn pays(values: &[i64]) -> bool {
        let mut into = vec![7];
        let pays = put_if_it_pays(values, 8, &mut into);
        assert_eq!(into.len() > 1, pays);
        pays
    }

    /// Numbers without a rule, as a hash gives them.
    fn noise(below: u64) -> impl Iterator<Item = i64> {
        (1_u64..).map(move |row| {
            let mixed = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            ((mixed ^ mixed >> 32) % below).cast_signed()
        })
    }

    #[test]
    fn what_is_packed_is_as_the_specification_shows_it() {
        // The specification's second example, in blocks of 128 (its minimal difference is -2).
        let mut expected = vec![128, 1, 4, 8, 14, 3, 2, 0, 0, 0];
        // Differences -2 -2 -2 1 1 1 1, above the least: 0 0 0 3 3 3 3 in two bits each.
        expected.extend([0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encode(&[7, 5, 3, 1, 2, 3, 4, 5], 8), expected);
        // A single value has no block.
        assert_eq!(encode(&[-1], 8), [128, 1, 4, 1, 1]);
        // Equal differences take no bit.
        assert_eq!(encode(&(1..=1000).collect::<Vec<_>>(), 8).len(), 5 + 8 * 5 + 1);
    }

    #[test]
    fn numbers_are_packed_where_that_pays() {
        let take = |values: &mut dyn Iterator<Item = i64>| values.take(5000).collect::<Vec<_>>();
        assert!(pays(&take(&mut (0..))), "numbers that count");
        assert!(pays(&take(&mut noise(100_000_000))), "amounts");
        assert!(
            pays(&take(&mut noise(30_000_000).map(|second| second * 1_000_000))),
            "instants"
        );
        assert!(!pays(&take(&mut noise(1 << 62))), "as wide as they come");
        let rare = noise(1 << 40).zip(noise(33)).zip(noise(1000));
        let rare = &mut rare.map(|((large, chance), small)| if chance == 0 { large } else { small });
        assert!(!pays(&take(rare)), "few that are far wider than the others");
        assert!(!pays(&[]) && !pays(&[1]), "nothing to take a difference of");
    }

    proptest! {
        #[test]
        fn integers_read_back(
            values in prop::collection::vec(
                prop_oneof![any::<i64>(), -9_i64..9, Just(i64::MIN), Just(i64::MAX), 0_i64..1 << 40], 1..700,
            ),
        ) {
            let bytes = encode(&values, 8);
            let mut rest = bytes.as_slice();
            prop_assert_eq!(decode(&mut rest), values);
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn short_integers_wrap_around_in_32_bits(values in prop::collection::vec(any::<i32>(), 1..300)) {
            let values: Vec<i64> = values.into_iter().map(i64::from).collect();
            let bytes = encode(&values, 4);
            let decoded = decode(&mut bytes.as_slice());
            #[expect(clippy::cast_possible_truncation, reason = "wraps")]
            let wrapped: Vec<i64> = decoded.into_iter().map(|value| i64::from(value as i32)).collect();
            prop_assert_eq!(wrapped, values);
        }
    }
}
