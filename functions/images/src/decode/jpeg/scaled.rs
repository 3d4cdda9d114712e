//! The inverse cosine transform of a block of 8 × 8 coefficients to any number of samples: fewer, where detail is left out, or
//! more, where chroma has fewer samples than luma.
//!
//! What is left out is averaged. Codes of strong, fine detail do not average as its light does, so a block with much of it is
//! transformed whole and averaged in linear light.
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's vectors"
)]

use std::f64::consts::PI;

use fearless_simd::{Level, dispatch, f32x8, prelude::*};

use super::{
    idct,
    scan::{Block, ZIGZAG},
};
use crate::resize::light;

/// What is left out is averaged in light where its variance, in codes squared, is more than the mean code times this. By the
/// curve's second derivative (a power of 2.4) codes then lie one code below light, or more.
const FINE: f32 = 2.0 / 1.4;

/// A matrix of N rows: how much each of 8 numbers counts for each of N.
type Matrix<const N: usize> = [[f32; 8]; N];

/// The transform to N × N samples; N at most 16.
pub(super) struct Scaled {
    level: Level,
    /// Frequencies to samples, as rows, and transposed.
    rows: Matrix<16>,
    columns: [[f32; 16]; 8],
    /// Samples to fewer samples, likewise; none where all samples stay, or where they are no light.
    light: Option<Box<(Matrix<16>, [[f32; 16]; 8])>>,
    /// 1 for each coefficient that is left out.
    left_out: [[f32; 8]; 8],
    /// The first coefficient, in the order of the code, that is left out.
    first_left_out: usize,
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn wave(sample: usize, frequency: usize, samples: usize) -> f64 {
    let scale = if frequency == 0 { 0.5_f64.sqrt() } else { 1.0 };
    scale * ((2 * sample + 1) as f64 * frequency as f64 * PI / (2 * samples) as f64).cos() / 2.0
}

fn transposed(rows: &Matrix<16>) -> [[f32; 16]; 8] {
    let mut columns = [[0.0; 16]; 8];
    for (y, row) in rows.iter().enumerate() {
        for (entry, column) in row.iter().zip(&mut columns) {
            if let Some(place) = column.get_mut(y) {
                *place = *entry;
            }
        }
    }
    columns
}

#[expect(clippy::cast_possible_truncation, reason = "factors below 2")]
fn matrix(samples: usize, entry: impl Fn(usize, usize) -> f64) -> Matrix<16> {
    let mut rows = [[0.0; 8]; 16];
    for (y, row) in rows.iter_mut().enumerate().take(samples) {
        for (x, place) in row.iter_mut().enumerate() {
            *place = entry(y, x) as f32;
        }
    }
    rows
}

impl Scaled {
    /// To `samples` × `samples`. `is_light` says of samples that they are codes of light, by themselves.
    pub(super) fn new(samples: usize, is_light: bool) -> Self {
        let kept = samples.min(8);
        let rows = matrix(samples, |y, x| if x < kept { wave(y, x, samples) } else { 0.0 });
        let light = (samples < 8 && is_light).then(|| {
            let through = |y: usize, x: usize| {
                (0..kept)
                    .map(|frequency| wave(y, frequency, samples) * wave(x, frequency, 8))
                    .sum()
            };
            let rows = matrix(samples, through);
            Box::new((rows, transposed(&rows)))
        });
        let left_out =
            std::array::from_fn(|y| std::array::from_fn(|x| if y.max(x) < kept { 0.0 } else { 1.0 }));
        let first_left_out = ZIGZAG
            .iter()
            .position(|place| usize::from(place / 8).max(usize::from(place % 8)) >= kept)
            .unwrap_or(64);
        Self {
            level: Level::new(),
            columns: transposed(&rows),
            rows,
            light,
            left_out,
            first_left_out,
        }
    }

    /// Puts the samples of a block into rows. All coefficients past `last`, in the order of the code, are zero.
    #[inline]
    pub(super) fn put<const N: usize>(&self, block: &Block, last: usize, out: &mut [u8], stride: usize) {
        if let Some(light) = &self.light
            && last >= self.first_left_out
            && dispatch!(self.level, simd => variance(simd, block, &self.left_out)) > FINE * mean(block)
        {
            let codes = idct::inverse(block);
            let (rows, columns) = &**light;
            let mut samples = [[0.0; 8]; 8];
            for (sample, code) in samples.as_flattened_mut().iter_mut().zip(codes.as_flattened()) {
                *sample = light::of_code(*code);
            }
            let lights = dispatch!(self.level, simd => both::<_, N, 8>(simd, &samples, rows, columns));
            for (out, lights) in out.chunks_mut(stride).zip(lights) {
                for (out, light) in out.iter_mut().zip(lights).take(N) {
                    *out = light::code(light);
                }
            }
            return;
        }
        dispatch!(self.level, simd => put_with::<_, N>(simd, self, (block, last), out, stride));
    }
}

/// The mean code of a block, at least 8: below, codes are light.
fn mean(block: &Block) -> f32 {
    let [dc, ..] = *block;
    (f32::from(dc) / 8.0 + 128.0).max(8.0)
}

/// The variance of what is left out.
#[inline(always)]
fn variance<S: Simd>(simd: S, block: &Block, left_out: &[[f32; 8]; 8]) -> f32 {
    let _ = simd;
    let mut sums = [0.0_f32; 8];
    for (row, left_out) in block.as_chunks::<8>().0.iter().zip(left_out) {
        for ((sum, value), left_out) in sums.iter_mut().zip(row).zip(left_out) {
            let value = f32::from(*value) * left_out;
            *sum += value * value;
        }
    }
    sums.iter().sum::<f32>() / 64.0
}

/// `rows` × `block` × `columns`, of whose numbers only the first K, across and down, count.
#[inline(always)]
fn both<S: Simd, const N: usize, const K: usize>(
    simd: S,
    block: &[[f32; 8]; 8],
    rows: &Matrix<16>,
    columns: &[[f32; 16]; 8],
) -> [[f32; 16]; N] {
    let mut given = [f32x8::splat(simd, 0.0); 8];
    let mut y = 0;
    // No iterator takes vectors: see `resize::kernels`.
    while y < 8 {
        if let (Some(given), Some(row)) = (given.get_mut(y), block.get(y)) {
            *given = f32x8::from_slice(simd, row);
        }
        y += 1;
    }
    let mut out = [[0.0; 16]; N];
    let mut between = [0.0; 8];
    let mut y = 0;
    while y < N {
        let (Some(factors), Some(out)) = (rows.get(y), out.get_mut(y)) else {
            break;
        };
        let mut sum = f32x8::splat(simd, 0.0);
        let mut x = 0;
        while x < K {
            if let (Some(given), Some(factor)) = (given.get(x), factors.get(x)) {
                sum = f32x8::splat(simd, *factor).mul_add(*given, sum);
            }
            x += 1;
        }
        sum.store_slice(&mut between);
        let mut left = f32x8::splat(simd, 0.0);
        let mut right = left;
        let mut x = 0;
        while x < K {
            if let (Some(between), Some(column)) = (between.get(x), columns.get(x)) {
                let between = f32x8::splat(simd, *between);
                left = between.mul_add(f32x8::from_slice(simd, &column[..8]), left);
                if N > 8 {
                    right = between.mul_add(f32x8::from_slice(simd, &column[8..]), right);
                }
            }
            x += 1;
        }
        left.store_slice(&mut out[..8]);
        if N > 8 {
            right.store_slice(&mut out[8..]);
        }
        y += 1;
    }
    out
}

#[inline(always)]
fn put_with<S: Simd, const N: usize>(
    simd: S,
    scaled: &Scaled,
    (block, last): (&Block, usize),
    out: &mut [u8],
    stride: usize,
) {
    let mut given = [[0.0; 8]; 8];
    for (given, value) in given.as_flattened_mut().iter_mut().zip(block) {
        *given = f32::from(*value);
    }
    let (rows, columns) = (&scaled.rows, &scaled.columns);
    // Most blocks have but low frequencies: three coefficients in the order of the code lie within 2 × 2, ten within 4 × 4.
    let samples = match (last, N) {
        (..3, _) => both::<S, N, 2>(simd, &given, rows, columns),
        (_, 3) => both::<S, N, 3>(simd, &given, rows, columns),
        (..10, _) => both::<S, N, 4>(simd, &given, rows, columns),
        (_, 5) => both::<S, N, 5>(simd, &given, rows, columns),
        (_, 6) => both::<S, N, 6>(simd, &given, rows, columns),
        (_, 7) => both::<S, N, 7>(simd, &given, rows, columns),
        _ => both::<S, N, 8>(simd, &given, rows, columns),
    };
    for (out, samples) in out.chunks_mut(stride).zip(samples) {
        let mut bytes = [0; 16];
        if N > 8 {
            narrow(&samples, &mut bytes);
        } else {
            narrow(&samples[..8], &mut bytes[..8]);
        }
        if let (Some(out), Some(bytes)) = (out.first_chunk_mut::<N>(), bytes.first_chunk()) {
            *out = *bytes;
        }
    }
}

/// Samples about 0 to bytes about 128.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn narrow(samples: &[f32], bytes: &mut [u8]) {
    for (byte, sample) in bytes.iter_mut().zip(samples) {
        *byte = (*sample + 128.5).clamp(0.0, 255.0) as i32 as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put<const N: usize>(block: &Block, is_light: bool) -> Vec<u8> {
        let mut out = vec![0; N * N];
        Scaled::new(N, is_light).put::<N>(block, 63, &mut out, N);
        out
    }

    #[test]
    fn a_plain_block_stays_plain() {
        let mut block = [0; 64];
        block[0] = 400;
        for samples in [
            put::<3>(&block, true),
            put::<5>(&block, true),
            put::<10>(&block, false),
            put::<14>(&block, false),
        ] {
            assert!(samples.iter().all(|sample| *sample == 178), "{samples:?}");
        }
    }

    #[test]
    fn eight_samples_are_the_transform_itself() {
        let mut block = [0; 64];
        for (index, value) in [(0, 120), (1, -90), (8, 55), (9, 31), (18, -17), (63, 9)] {
            block[index] = value;
        }
        let expected = idct::inverse(&block);
        for (sample, expected) in put::<8>(&block, false).iter().zip(expected.as_flattened()) {
            assert!(sample.abs_diff(*expected) <= 1);
        }
    }

    /// Stripes a pixel wide, black and white: half the light.
    #[test]
    fn fine_detail_is_averaged_in_light() {
        let mut block = [0; 64];
        for (frequency, place) in block.iter_mut().take(8).enumerate() {
            let sum: f64 = (0..8)
                .map(|x| if x % 2 == 0 { 127.5 } else { -127.5 } * wave(x, frequency, 8))
                .sum();
            let rounded = format!("{:.0}", sum * 8.0_f64.sqrt());
            *place = rounded.parse().unwrap();
        }
        let mean = |samples: &[u8]| samples.iter().map(|code| f64::from(*code)).sum::<f64>() / 16.0;
        let samples = put::<4>(&block, true);
        assert!((mean(&samples) - 188.0).abs() < 4.0, "{samples:?}");
        let samples = put::<4>(&block, false);
        assert!((mean(&samples) - 128.0).abs() < 4.0, "{samples:?}");
    }
}
