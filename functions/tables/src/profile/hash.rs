//! One 64-bit hash a value, computed once and used for all: how many are different, which are seen most, which rows
//! are the same.

const K1: u64 = 0x9E37_79B9_7F4A_7C15;
const K2: u64 = 0xD6E8_FEB8_6659_FD93;
const K3: u64 = 0xA076_1D64_78BD_642F;

/// Spreads the bits of a number over all 64 (the finaliser of `MurmurHash3`): different numbers, different hashes.
#[inline]
#[must_use]
pub(crate) const fn hash_bits(bits: u64) -> u64 {
    let mut hash = bits ^ K1;
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

/// The hash of two words.
#[inline]
#[must_use]
pub(crate) const fn hash_pair(a: u64, b: u64) -> u64 {
    hash_bits(
        a.wrapping_mul(K1)
            .rotate_left(32)
            .wrapping_add(b.wrapping_mul(K2)),
    )
}

/// The hash of a text: of up to 16 bytes by two overlapping words and the length, beyond that XXH3.
#[inline]
#[must_use]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let (a, b) = if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        if bytes.len() > 16 {
            return twox_hash::XxHash3_64::oneshot(bytes);
        }
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (
            u64::from(u32::from_le_bytes(*first)),
            u64::from(u32::from_le_bytes(*last)),
        )
    } else {
        let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0));
        (byte(0) | byte(1) << 8 | byte(2) << 16, 0)
    };
    hash_pair(a, b.wrapping_add((bytes.len() as u64).wrapping_mul(K3)))
}

/// Puts an item's hash into its list's: where it stands matters.
#[inline]
pub(crate) const fn combine(list: u64, item: u64) -> u64 {
    list.rotate_left(7).wrapping_add(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn texts_of_all_lengths_hash_apart() {
        let mut texts = HashSet::new();
        for length in 0..40 {
            for fill in [0_u8, 1, b'a', 0xFF] {
                for at in 0..length {
                    let mut text = vec![fill; length];
                    text[at] = text[at].wrapping_add(2);
                    texts.insert(text);
                }
                texts.insert(vec![fill; length]);
            }
        }
        let hashes: HashSet<u64> = texts.iter().map(|text| hash_bytes(text)).collect();
        assert_eq!(hashes.len(), texts.len());
    }

    #[test]
    fn lists_with_swapped_or_equal_items_hash_apart() {
        let list = |items: &[u64]| items.iter().fold(0, |list, item| combine(list, hash_bits(*item)));
        assert_ne!(list(&[1, 2]), list(&[2, 1]));
        assert_ne!(list(&[1, 1]), list(&[2, 2]));
    }
}
