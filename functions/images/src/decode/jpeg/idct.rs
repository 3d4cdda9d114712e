//! The inverse cosine transform, to the bit as libjpeg's accurate integer one (`islow`; Loeffler, Ligtenberg, Moschytz 1989) in
//! the order of its SIMD versions: products of pairs of 16-bit samples, summed in 32 bits.

#![expect(
    clippy::inline_always,
    clippy::many_single_char_names,
    reason = "one kernel, cut into pieces that must stay in registers; shuffles of eight samples"
)]

use super::{
    scan::Block,
    vector::{Samples, Sums},
};

// Fixed-point constants of 13 bits.
const F_0_298: i16 = 2446;
const F_0_390: i16 = 3196;
const F_0_541: i16 = 4433;
const F_0_765: i16 = 6270;
const F_0_899: i16 = 7373;
const F_1_175: i16 = 9633;
const F_1_501: i16 = 12299;
const F_1_847: i16 = 15137;
const F_1_961: i16 = 16069;
const F_2_053: i16 = 16819;
const F_2_562: i16 = 20995;
const F_3_072: i16 = 25172;
const ONE: i16 = 1 << 13;

/// Sums of eight columns.
#[derive(Clone, Copy)]
struct Eight(Sums, Sums);

impl Eight {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0), self.1.plus(other.1))
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(self.0.minus(other.0), self.1.minus(other.1))
    }

    #[inline(always)]
    fn descale<const SHIFT: i32>(self) -> Samples {
        self.0.descale::<SHIFT>(self.1)
    }
}

/// Two rows, pair by pair.
#[derive(Clone, Copy)]
struct Pairs(Samples, Samples);

impl Pairs {
    #[inline(always)]
    fn of(a: Samples, b: Samples) -> Self {
        Self(a.interleave_low(b), a.interleave_high(b))
    }

    /// a × `by_a` + b × `by_b`.
    #[inline(always)]
    fn dot(self, by_a: i16, by_b: i16) -> Eight {
        let by = Samples::new([by_a, by_b, by_a, by_b, by_a, by_b, by_a, by_b]);
        Eight(self.0.dot(by), self.1.dot(by))
    }
}

/// One dimension of the transform, of eight columns at once.
#[inline(always)]
fn pass<const SHIFT: i32>([r0, r1, r2, r3, r4, r5, r6, r7]: [Samples; 8]) -> [Samples; 8] {
    let pairs = Pairs::of(r2, r6);
    let even_3 = pairs.dot(F_0_541 + F_0_765, F_0_541);
    let even_2 = pairs.dot(F_0_541, F_0_541 - F_1_847);
    let pairs = Pairs::of(r0, r4);
    let even_0 = pairs.dot(ONE, ONE);
    let even_1 = pairs.dot(ONE, -ONE);
    let (t10, t13) = (even_0.plus(even_3), even_0.minus(even_3));
    let (t11, t12) = (even_1.plus(even_2), even_1.minus(even_2));

    let pairs = Pairs::of(r7.plus(r3), r5.plus(r1));
    let z3 = pairs.dot(F_1_175 - F_1_961, F_1_175);
    let z4 = pairs.dot(F_1_175, F_1_175 - F_0_390);
    let pairs = Pairs::of(r7, r1);
    let odd_0 = pairs.dot(F_0_298 - F_0_899, -F_0_899).plus(z3);
    let odd_3 = pairs.dot(-F_0_899, F_1_501 - F_0_899).plus(z4);
    let pairs = Pairs::of(r5, r3);
    let odd_1 = pairs.dot(F_2_053 - F_2_562, -F_2_562).plus(z4);
    let odd_2 = pairs.dot(-F_2_562, F_3_072 - F_2_562).plus(z3);

    [
        t10.plus(odd_3).descale::<SHIFT>(),
        t11.plus(odd_2).descale::<SHIFT>(),
        t12.plus(odd_1).descale::<SHIFT>(),
        t13.plus(odd_0).descale::<SHIFT>(),
        t13.minus(odd_0).descale::<SHIFT>(),
        t12.minus(odd_1).descale::<SHIFT>(),
        t11.minus(odd_2).descale::<SHIFT>(),
        t10.minus(odd_3).descale::<SHIFT>(),
    ]
}

/// Rows to columns: three rounds of the same shuffle.
#[inline(always)]
fn transpose(mut rows: [Samples; 8]) -> [Samples; 8] {
    for _ in 0..3 {
        let [a, b, c, d, e, f, g, h] = rows;
        rows = [
            a.interleave_low(e),
            a.interleave_high(e),
            b.interleave_low(f),
            b.interleave_high(f),
            c.interleave_low(g),
            c.interleave_high(g),
            d.interleave_low(h),
            d.interleave_high(h),
        ];
    }
    rows
}

/// The 8 × 8 samples of a block of dequantized coefficients, row after row, two rows together.
#[inline(always)]
pub(super) fn inverse(block: &Block) -> [[u8; 16]; 4] {
    let (rows, _) = block.as_chunks::<8>();
    let mut vectors = [Samples::new([0; 8]); 8];
    for (vector, row) in vectors.iter_mut().zip(rows) {
        *vector = Samples::new(*row);
    }
    let columns = transpose(pass::<11>(vectors));
    let [r0, r1, r2, r3, r4, r5, r6, r7] = transpose(pass::<18>(columns));
    [r0.to_bytes(r1), r2.to_bytes(r3), r4.to_bytes(r5), r6.to_bytes(r7)]
}

/// The sample that all of a block have whose coefficients are zero but the first, dequantized.
#[inline]
pub(super) fn flat(dc: i16) -> u8 {
    u8::try_from((((i32::from(dc) + 4) >> 3) + 128).clamp(0, 255)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition (T.81, A.3.3).
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn by_definition(block: &Block) -> Vec<f64> {
        let basis = |at: usize, frequency: usize| {
            let scale = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
            scale * ((2 * at + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0).cos() / 2.0
        };
        let sample = |y: usize, x: usize| -> f64 {
            block
                .iter()
                .enumerate()
                .map(|(i, value)| f64::from(*value) * basis(y, i / 8) * basis(x, i % 8))
                .sum()
        };
        (0..64)
            .map(|i| (sample(i / 8, i % 8) + 128.0).clamp(0.0, 255.0))
            .collect()
    }

    #[test]
    fn is_the_transform_that_the_standard_defines() {
        let mut state = 12_345_u32;
        for round in 0..300 {
            let block: Block = std::array::from_fn(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let range = if i == 0 {
                    1000
                } else {
                    300 / (1 + i16::try_from(i).unwrap()) + round % 7
                };
                i16::try_from(state >> 16 & 0x7FFF).unwrap() % (2 * range + 1) - range
            });
            let expected = by_definition(&block);
            for (sample, expected) in inverse(&block).as_flattened().iter().zip(expected) {
                assert!(
                    (f64::from(*sample) - expected).abs() <= 1.0,
                    "{sample} for {expected}"
                );
            }
        }
    }

    #[test]
    fn a_block_of_one_coefficient_is_flat() {
        for dc in (-1100..1100).step_by(3) {
            let mut block = [0; 64];
            block[0] = dc;
            assert!(
                inverse(&block)
                    .as_flattened()
                    .iter()
                    .all(|sample| *sample == flat(dc)),
                "{dc}"
            );
        }
    }
}
