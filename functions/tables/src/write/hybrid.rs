//! Parquet's hybrid of run lengths and packed bits, for levels and dictionary codes:
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE>.

use super::varint;

/// Codes are looked at so many at a time.
const GROUP: usize = 8;
/// Where one in so many rows has a value, runs are shorter than a bit for each row, or about as short.
const SPARSE: usize = 32;
/// So many equal groups make a run.
const LEAST_RUN: usize = 2;

/// How many bits the codes below `values` take, at least one: readers differ over none.
#[must_use]
pub(crate) fn width_of(values: usize) -> u32 {
    (usize::BITS - values.saturating_sub(1).leading_zeros()).max(1)
}

/// Appends codes of `width` bits.
pub(crate) fn put_codes(codes: &[u16], width: u32, into: &mut Vec<u8>) {
    let (groups, rest) = codes.as_chunks::<GROUP>();
    let mut literal = 0;
    let mut at = 0;
    while let Some(group) = groups.get(at) {
        let run = if is_one(group) {
            groups
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take_while(|next| *next == group)
                .count()
        } else {
            0
        };
        if run < LEAST_RUN {
            at += 1;
            continue;
        }
        put_literal(groups.get(literal..at).unwrap_or_default(), width, into);
        varint::put((run * GROUP) as u64 * 2, into);
        let bytes = group.first().copied().unwrap_or_default().to_le_bytes();
        into.extend_from_slice(bytes.get(..width.div_ceil(8) as usize).unwrap_or_default());
        at += run;
        literal = at;
    }
    let tail = groups.get(literal..).unwrap_or_default();
    if rest.is_empty() {
        put_literal(tail, width, into);
    } else {
        let mut last = [0; GROUP];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        varint::put((tail.len() as u64 + 1) * 2 + 1, into);
        tail.iter()
            .chain([&last])
            .for_each(|group| pack(group, width, into));
    }
}

#[inline]
fn is_one(group: &[u16; GROUP]) -> bool {
    let first = group.first().copied().unwrap_or_default();
    group.iter().fold(0, |differ, code| differ | (code ^ first)) == 0
}

fn put_literal(groups: &[[u16; GROUP]], width: u32, into: &mut Vec<u8>) {
    if !groups.is_empty() {
        varint::put(groups.len() as u64 * 2 + 1, into);
        into.reserve(groups.len() * width as usize);
        for group in groups {
            pack(group, width, into);
        }
    }
}

/// Eight codes are as many bytes as a code has bits.
#[inline]
fn pack(group: &[u16; GROUP], width: u32, into: &mut Vec<u8>) {
    let half = |codes: &[u16; 4]| {
        let [a, b, c, d] = codes.map(u64::from);
        u128::from(a | b << width | c << (2 * width) | d << (3 * width))
    };
    let word = match group.as_chunks::<4>().0 {
        [first, second] => half(first) | half(second) << (4 * width),
        _ => 0,
    };
    into.extend_from_slice(word.to_le_bytes().get(..width as usize).unwrap_or_default());
}

/// Appends definition levels of 0 and 1, given as a bitmap of so many rows; a bitmap that is not there is all ones.
pub(crate) fn put_levels(bitmap: Option<&[u8]>, rows: usize, into: &mut Vec<u8>) {
    match bitmap {
        None => {
            varint::put(rows as u64 * 2, into);
            into.push(1);
        }
        Some(bitmap) => {
            let bytes = rows.div_ceil(GROUP);
            varint::put(bytes as u64 * 2 + 1, into);
            into.extend_from_slice(bitmap.get(..bytes).unwrap_or_default());
        }
    }
}

/// Appends definition levels of so many rows from the `first` on: 1 at the places, which are ascending, and 0 elsewhere.
pub(crate) fn put_places(places: &[u32], first: usize, rows: usize, into: &mut Vec<u8>) {
    let rows_from = |place: &u32| (*place as usize).saturating_sub(first);
    if places.len() >= rows / SPARSE {
        let mut bitmap = vec![0; rows.div_ceil(GROUP)];
        for row in places.iter().map(rows_from) {
            if let Some(byte) = bitmap.get_mut(row / GROUP) {
                *byte |= 1 << (row % GROUP);
            }
        }
        put_levels((places.len() < rows).then_some(&bitmap), rows, into);
        return;
    }
    let mut put_run = |level: u8, length: usize| {
        if length > 0 {
            varint::put(length as u64 * 2, into);
            into.push(level);
        }
    };
    let mut at = 0;
    for run in places.chunk_by(|one, next| *next == one + 1) {
        let start = run.first().map_or(at, rows_from);
        put_run(0, start - at);
        put_run(1, run.len());
        at = start + run.len();
    }
    put_run(0, rows - at);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the format describes it, a bit at a time.
    fn decode(mut bytes: &[u8], width: u32, count: usize) -> Vec<u16> {
        let mut codes = Vec::new();
        while codes.len() < count {
            let header = varint::take(&mut bytes);
            if header & 1 == 0 {
                let length = width.div_ceil(8) as usize;
                let code = (0..length).fold(0, |sum, index| sum | u16::from(bytes[index]) << (8 * index));
                codes.extend(std::iter::repeat_n(code, (header / 2) as usize));
                bytes = &bytes[length..];
            } else {
                for index in 0..(header / 2) as usize * 8 {
                    let bit = |at: usize| u16::from(bytes[at / 8] >> (at % 8) & 1);
                    codes.push(
                        (0..width as usize).fold(0, |sum, at| sum | bit(index * width as usize + at) << at),
                    );
                }
                bytes = &bytes[(header / 2) as usize * width as usize..];
            }
        }
        assert!(bytes.is_empty());
        codes.truncate(count);
        codes
    }

    #[test]
    fn widths_hold_the_greatest_code() {
        let widths = [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 2),
            (4, 2),
            (5, 3),
            (256, 8),
            (257, 9),
            (65_535, 16),
        ];
        assert!(widths.iter().all(|(values, width)| width_of(*values) == *width));
    }

    proptest::proptest! {
        #[test]
        fn places_read_back(
            places in proptest::collection::btree_set(0_u32..500, 0..80), first in 0_u32..3, more in 0_u32..4000,
        ) {
            let rows = places.last().map_or(0, |last| *last + 1) + more;
            let expected: Vec<u16> = (0..rows).map(|row| u16::from(places.contains(&row))).collect();
            let places: Vec<u32> = places.iter().map(|place| place + first).collect();
            let mut bytes = Vec::new();
            put_places(&places, first as usize, rows as usize, &mut bytes);
            proptest::prop_assert_eq!(decode(&bytes, 1, rows as usize), expected);
        }

        #[test]
        fn codes_read_back(
            runs in proptest::collection::vec((proptest::prelude::any::<u16>(), 1_usize..40), 0..20), width in 1_u32..=16,
        ) {
            let mask = u16::MAX >> (16 - width);
            let codes: Vec<u16> = runs.iter().flat_map(|(code, length)| std::iter::repeat_n(code & mask, *length)).collect();
            let mut bytes = Vec::new();
            put_codes(&codes, width, &mut bytes);
            proptest::prop_assert_eq!(decode(&bytes, width, codes.len()), codes);
        }
    }
}
