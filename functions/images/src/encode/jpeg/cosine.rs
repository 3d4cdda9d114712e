//! The forward cosine transform of 8 × 8 samples (Arai, Agui and Nakajima, 1988), and quantisation.
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of 8 and 64 under constants and numbers below them"
)]
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's vectors"
)]

use fearless_simd::{f32x8, i16x16, i32x8, prelude::*};

use super::tables::ZIGZAG;
use crate::transpose::transpose;

/// What a block's coefficients are divided by.
#[derive(Debug, Clone)]
pub(super) struct Quantiser {
    /// In zigzag order, as the file has it.
    pub(super) table: [u8; 64],
    /// One over the divisor and what the transform leaves to be scaled, transposed.
    factors: [[f32; 8]; 8],
}

/// For each place of the zigzag: where it is in a transposed block.
const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut index = 0;
    while index < 64 {
        let place = ZIGZAG[index];
        places[index] = place % 8 * 8 + place / 8;
        index += 1;
    }
    places
};

/// For each place in a transposed block: where it is in the zigzag.
const ORDER: [u8; 64] = {
    let mut order = [0; 64];
    let mut index: u8 = 0;
    while index < 64 {
        order[PLACES[index as usize] as usize] = index;
        index += 1;
    }
    order
};

impl Quantiser {
    /// A table of Annex K (row by row) scaled to a quality of 1 to 100, as libjpeg does it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "1 to 255; f32 is what is multiplied with"
    )]
    pub(super) fn new(base: &[u8; 64], quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let scale = if quality < 50 {
            5000 / quality
        } else {
            200 - 2 * quality
        };
        let divisor = |place: usize| ((u32::from(base[place]) * scale + 50) / 100).clamp(1, 255) as u8;
        let mut table = [0; 64];
        for (entry, place) in table.iter_mut().zip(ZIGZAG) {
            *entry = divisor(usize::from(place));
        }
        let step = |index: u32| {
            if index == 0 {
                1.0
            } else {
                (f64::from(index) * std::f64::consts::PI / 16.0).cos() * std::f64::consts::SQRT_2
            }
        };
        let mut factors = [[0.0; 8]; 8];
        for row in 0..8 {
            for column in 0..8 {
                let divisor = f64::from(divisor((row * 8 + column) as usize));
                factors[column as usize][row as usize] =
                    (1.0 / (divisor * step(row) * step(column) * 8.0)) as f32;
            }
        }
        Self { table, factors }
    }

    /// The quantised coefficients of 8 rows of 8 samples (-128 to 127).
    #[inline(always)]
    pub(super) fn transform<S: Simd>(&self, simd: S, rows: [f32x8<S>; 8]) -> Coefficients {
        let rows = transpose(pass(simd, rows));
        let rows = pass(simd, rows);
        let mut values = [0_i16; 64];
        let mut places = 0_u64;
        let mut pair = 0;
        while pair < 4 {
            // No closure: it would not be compiled for the machine's vectors.
            let (upper, lower) = (2 * pair, 2 * pair + 1);
            let upper = rows[upper] * f32x8::from_slice(simd, &self.factors[upper]);
            let lower = rows[lower] * f32x8::from_slice(simd, &self.factors[lower]);
            let upper: i32x8<S> = upper.round_ties_even().to_int();
            let lower: i32x8<S> = lower.round_ties_even().to_int();
            // Coefficients of 8-bit samples are below 2^15.
            let narrow = upper.saturating_narrow(lower);
            narrow.store_slice(&mut values[pair * 16..pair * 16 + 16]);
            let is_zero = narrow.simd_eq(i16x16::splat(simd, 0));
            places |= (!is_zero.to_bitmask() & 0xFFFF) << (pair * 16);
            pair += 1;
        }
        let mut present = 0_u64;
        while places != 0 {
            present |= 1 << ORDER[places.trailing_zeros() as usize & 63];
            places &= places - 1;
        }
        Coefficients { values, present }
    }
}

/// A block's quantised coefficients.
#[derive(Debug, Clone)]
pub(super) struct Coefficients {
    /// Transposed.
    values: [i16; 64],
    /// Which ones are not zero: a bit for each place of the zigzag, the first one lowest.
    pub(super) present: u64,
}

impl Coefficients {
    /// The one at a place of the zigzag, below 64.
    #[inline(always)]
    pub(super) fn at(&self, index: u32) -> i16 {
        self.values[usize::from(PLACES[index as usize & 63]) & 63]
    }

    /// All in zigzag order.
    pub(super) fn in_zigzag(&self) -> [i16; 64] {
        PLACES.map(|place| self.values[usize::from(place)])
    }
}

/// The transform of eight columns at once.
#[inline(always)]
fn pass<S: Simd>(simd: S, rows: [f32x8<S>; 8]) -> [f32x8<S>; 8] {
    let constant = |number: f32| f32x8::splat(simd, number);
    let [d0, d1, d2, d3, d4, d5, d6, d7] = rows;
    let (s0, t7) = (d0 + d7, d0 - d7);
    let (s1, t6) = (d1 + d6, d1 - d6);
    let (s2, t5) = (d2 + d5, d2 - d5);
    let (s3, t4) = (d3 + d4, d3 - d4);
    // The even part.
    let (e0, e3) = (s0 + s3, s0 - s3);
    let (e1, e2) = (s1 + s2, s1 - s2);
    let z = (e2 + e3) * constant(std::f32::consts::FRAC_1_SQRT_2);
    // The odd part.
    let (o0, o1, o2) = (t4 + t5, t5 + t6, t6 + t7);
    let z5 = (o0 - o2) * constant(0.382_683_43);
    let z2 = o0 * constant(0.541_196_1) + z5;
    let z4 = o2 * constant(1.306_563) + z5;
    let z3 = o1 * constant(std::f32::consts::FRAC_1_SQRT_2);
    let (z11, z13) = (t7 + z3, t7 - z3);
    [
        e0 + e1,
        z11 + z4,
        e3 + z,
        z13 - z2,
        e0 - e1,
        z13 + z2,
        e3 - z,
        z11 - z4,
    ]
}
