//! The two sums of a reduction, as vector code for whatever the machine has.
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's vectors"
)]

use fearless_simd::{Level, dispatch, f32x8, prelude::*};

/// Samples that lie side by side while rows are reduced across: two pixels of four channels, four of two, eight of one.
pub(super) const LANES: usize = 8;
/// Samples summed at a time.
const CHUNK: usize = 4 * LANES;

/// The sum of rows, each times its weight.
pub(super) fn down(level: Level, rows: &[(&[f32], f32)], out: &mut [f32]) {
    dispatch!(level, simd => down_with(simd, rows, out));
}

#[inline(always)]
fn down_with<S: Simd>(simd: S, rows: &[(&[f32], f32)], out: &mut [f32]) {
    let (chunks, rest) = out.as_chunks_mut::<CHUNK>();
    let done = chunks.len() * CHUNK;
    let mut begin = 0;
    for out in chunks {
        let zero = f32x8::splat(simd, 0.0);
        let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
        for (row, weight) in rows {
            let Some(samples) = row.get(begin..).and_then(<[f32]>::first_chunk::<CHUNK>) else {
                continue;
            };
            let weight = f32x8::splat(simd, *weight);
            a = weight.mul_add(f32x8::from_slice(simd, &samples[..8]), a);
            b = weight.mul_add(f32x8::from_slice(simd, &samples[8..16]), b);
            c = weight.mul_add(f32x8::from_slice(simd, &samples[16..24]), c);
            d = weight.mul_add(f32x8::from_slice(simd, &samples[24..]), d);
        }
        a.store_slice(&mut out[..8]);
        b.store_slice(&mut out[8..16]);
        c.store_slice(&mut out[16..24]);
        d.store_slice(&mut out[24..]);
        begin += CHUNK;
    }
    for (index, out) in rest.iter_mut().enumerate() {
        let term =
            |(row, weight): &(&[f32], f32)| row.get(done + index).copied().unwrap_or_default() * weight;
        *out = rows.iter().map(term).sum();
    }
}

/// For each sample that comes out: the sum of a run of samples, each times its weight. A sample is [`LANES`] side by side.
pub(super) fn across(
    level: Level,
    samples: &[[f32; LANES]],
    starts: &[u32],
    taps: usize,
    weights: &[f32],
    out: &mut [[f32; LANES]],
) {
    dispatch!(level, simd => across_with(simd, samples, starts, taps, weights, out));
}

#[inline(always)]
fn across_with<S: Simd>(
    simd: S,
    samples: &[[f32; LANES]],
    starts: &[u32],
    taps: usize,
    weights: &[f32],
    out: &mut [[f32; LANES]],
) {
    for ((start, weights), out) in starts.iter().zip(weights.chunks_exact(taps)).zip(out) {
        let start = *start as usize;
        let run = samples.get(start..start + taps).unwrap_or_default();
        // Two sums, so that one need not wait for the other.
        let mut even = f32x8::splat(simd, 0.0);
        let mut odd = f32x8::splat(simd, 0.0);
        let (pairs, last) = run.as_chunks::<2>();
        let (weight_pairs, last_weight) = weights.as_chunks::<2>();
        for (samples, weights) in pairs.iter().zip(weight_pairs) {
            even = f32x8::from_slice(simd, &samples[0]).mul_add(f32x8::splat(simd, weights[0]), even);
            odd = f32x8::from_slice(simd, &samples[1]).mul_add(f32x8::splat(simd, weights[1]), odd);
        }
        for (samples, weight) in last.iter().zip(last_weight) {
            even = f32x8::from_slice(simd, samples).mul_add(f32x8::splat(simd, *weight), even);
        }
        (even + odd).store_slice(out);
    }
}

/// Powers of the fourth root of light whose sum is the sRGB code of 8 bits, and a half for rounding: within 0.013 of the curve's
/// upper part, 1.055 × light ^ (1 / 2.4) − 0.055.
const CURVE: [f32; 5] = [-16.095_734, 50.988_174, 283.582_86, -82.475_08, 19.505_587];
/// Below this light the code is a multiple of it.
const LINEAR_BELOW: f32 = 0.003_130_8;

/// The sRGB code of 8 bits of each sample of light.
pub(super) fn codes(level: Level, light: &[f32], codes: &mut [u8]) {
    dispatch!(level, simd => {
        let _ = simd;
        codes_with(light, codes);
    });
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn codes_with(light: &[f32], codes: &mut [u8]) {
    let [c0, c1, c2, c3, c4] = CURVE;
    for (light, code) in light.iter().zip(codes) {
        let light = light.clamp(0.0, 1.0);
        let root = light.sqrt().sqrt();
        let above = (((c4 * root + c3) * root + c2) * root + c1) * root + c0;
        let below = light * (12.92 * 255.0) + 0.5;
        let rounded = if light <= LINEAR_BELOW { below } else { above };
        // A signed conversion is one instruction.
        *code = rounded as i32 as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition (IEC 61966-2-1).
    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "light needs no more than f32")]
    fn codes_are_those_of_the_curve() {
        let lights: Vec<f32> = (0..=100_000_u32)
            .map(|step| (f64::from(step) / 1e5).powi(2) as f32)
            .collect();
        let mut made = vec![0; lights.len()];
        codes(Level::new(), &lights, &mut made);
        for (light, code) in lights.iter().zip(made) {
            let light = f64::from(*light);
            let exact = 255.0
                * if light <= 0.003_130_8 {
                    12.92 * light
                } else {
                    1.055 * light.powf(1.0 / 2.4) - 0.055
                };
            assert!((f64::from(code) - exact).abs() < 0.52, "{code} for {exact}");
        }
    }
}
