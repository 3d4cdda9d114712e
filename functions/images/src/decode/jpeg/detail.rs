//! Detail that is left out while decoding, counted as the light that it is.
//!
//! A transform to fewer samples averages codes. Where a block has strong detail that is too dark (a pattern of black and white would come out
//! as 128, not as 188), and each sample is lifted by what the mean of the light of its part of the block is above that of the codes.

use super::{idct, scan::Block};
use crate::resize::mean_of_light;

/// From this sum of squares of a block's coefficients on (but for the first), 64 times the variance of its samples, the
/// difference can be seen: a code or so in the middle of the range.
const STRONG: i64 = 64 * 100;

/// Whether the detail of a block counts.
pub(super) fn is_strong(block: &Block) -> bool {
    let squares = block
        .iter()
        .skip(1)
        .map(|value| i64::from(*value) * i64::from(*value));
    squares.sum::<i64>() >= STRONG
}

/// Lifts the `N` × `N` samples that a block was transformed to.
pub(super) fn lift<const N: usize>(block: &Block, samples: &mut [[u8; N]; N]) {
    let whole = idct::inverse(block);
    let (rows, _) = whole.as_flattened().as_chunks::<8>();
    let side = 8 / N;
    for (out, rows) in samples.iter_mut().zip(rows.chunks_exact(side)) {
        for (across, sample) in out.iter_mut().enumerate() {
            let part = || {
                rows.iter()
                    .flat_map(|row| row.iter().skip(across * side).take(side))
                    .copied()
            };
            let count = side * side;
            let sum: usize = part().map(usize::from).sum();
            let of_codes = (sum + count / 2) / count;
            let of_light = usize::from(mean_of_light(part()));
            let lifted = usize::from(*sample) + of_light.saturating_sub(of_codes);
            *sample = u8::try_from(lifted).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_black_and_white_is_as_bright_as_its_light() {
        // The highest frequency both ways, and what else a checkerboard has.
        let mut block: Block = [0; 64];
        for (row, y) in [1, 3, 5, 7].into_iter().enumerate() {
            for (column, x) in [1, 3, 5, 7].into_iter().enumerate() {
                let weight = [33, 39, 59, 166];
                block[y * 8 + x] = i16::try_from(weight[row] * weight[column] / 27).unwrap();
            }
        }
        assert!(is_strong(&block));
        let mut samples = [[128; 2]; 2];
        lift(&block, &mut samples);
        for sample in samples.as_flattened() {
            assert!(sample.abs_diff(188) <= 6, "{samples:?}");
        }
        assert!(!is_strong(&std::array::from_fn(|at| if at == 0 {
            800
        } else {
            5
        })));
    }
}
