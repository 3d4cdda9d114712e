//! The forward cosine transform of 8 × 8 samples (Arai, Agui and Nakajima, 1988), and quantisation.
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of 8 and 64 under constants and numbers below them"
)]
#![expect(
    clippy::many_single_char_names,
    reason = "eight rows, and what the paper names"
)]
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's vectors"
)]

use fearless_simd::{f32x8, i32x8, prelude::*};

use super::tables::ZIGZAG;

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

    /// The quantised coefficients of 8 rows of 8 samples (-128 to 127), in zigzag order.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "coefficients of 8-bit samples are below 2^15"
    )]
    pub(super) fn transform<S: Simd>(&self, simd: S, rows: [f32x8<S>; 8]) -> [i16; 64] {
        let rows = transpose(pass(simd, rows));
        let rows = pass(simd, rows);
        let mut block = [0_i32; 64];
        let mut row = 0;
        while row < 8 {
            let scaled = rows[row] * f32x8::from_slice(simd, &self.factors[row]);
            let rounded: i32x8<S> = scaled.round_ties_even().to_int();
            rounded.store_slice(&mut block[row * 8..row * 8 + 8]);
            row += 1;
        }
        let mut zigzag = [0; 64];
        for (out, place) in zigzag.iter_mut().zip(PLACES) {
            *out = block[usize::from(place)] as i16;
        }
        zigzag
    }
}

#[inline(always)]
fn transpose<S: Simd>(rows: [f32x8<S>; 8]) -> [f32x8<S>; 8] {
    // Three times a riffle of the upper half with the lower one.
    let mut rows = rows;
    let mut turn = 0;
    while turn < 3 {
        turn += 1;
        let [a, b, c, d, e, f, g, h] = rows;
        let ((r0, r1), (r2, r3), (r4, r5), (r6, r7)) =
            (a.interleave(e), b.interleave(f), c.interleave(g), d.interleave(h));
        rows = [r0, r1, r2, r3, r4, r5, r6, r7];
    }
    rows
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
