//! Codes of 8 bits to samples as they are, and samples to codes.
#![expect(
    clippy::inline_always,
    clippy::indexing_slicing,
    reason = "only what is inlined is compiled for the machine's vectors; a constant array under numbers below its length"
)]

use fearless_simd::{Level, dispatch, f32x8, i32x8, prelude::*, u16x16};

use super::kernels::LANES;

/// Codes of 8 bits as they are.
pub(super) fn widen(level: Level, codes: &[u8], samples: &mut [f32]) {
    dispatch!(level, simd => {
        let _ = simd;
        for (sample, code) in samples.iter_mut().zip(codes) {
            *sample = f32::from(*code);
        }
    });
}

/// How many codes are made at a time.
const CODES: usize = 4 * LANES;

/// Samples rounded to codes of 8 bits.
pub(super) fn round(level: Level, samples: &[f32], codes: &mut [u8]) {
    dispatch!(level, simd => to_codes_with::<_, false>(simd, samples, codes));
}

/// The sRGB code of 8 bits of each sample of light.
pub(super) fn codes(level: Level, light: &[f32], codes: &mut [u8]) {
    dispatch!(level, simd => to_codes_with::<_, true>(simd, light, codes));
}

#[inline(always)]
fn to_codes_with<S: Simd, const IS_LIGHT: bool>(simd: S, samples: &[f32], codes: &mut [u8]) {
    let (chunks, rest) = samples.as_chunks::<CODES>();
    let (outs, out_rest) = codes.as_chunks_mut::<CODES>();
    for (samples, out) in chunks.iter().zip(outs) {
        chunk_to_codes::<S, IS_LIGHT>(simd, samples, out);
    }
    if !rest.is_empty() && rest.len() == out_rest.len() {
        let (mut samples, mut out) = ([0.0; CODES], [0; CODES]);
        samples
            .iter_mut()
            .zip(rest)
            .for_each(|(to, sample)| *to = *sample);
        chunk_to_codes::<S, IS_LIGHT>(simd, &samples, &mut out);
        out_rest.iter_mut().zip(out).for_each(|(to, code)| *to = code);
    }
}

#[inline(always)]
fn chunk_to_codes<S: Simd, const IS_LIGHT: bool>(simd: S, samples: &[f32; CODES], out: &mut [u8; CODES]) {
    let a = whole::<S, IS_LIGHT>(simd, &samples[..8]);
    let b = whole::<S, IS_LIGHT>(simd, &samples[8..16]);
    let c = whole::<S, IS_LIGHT>(simd, &samples[16..24]);
    let d = whole::<S, IS_LIGHT>(simd, &samples[24..]);
    // Codes are not negative, whatever the sign of their type.
    let low: u16x16<S> = a.saturating_narrow(b).bitcast();
    let high: u16x16<S> = c.saturating_narrow(d).bitcast();
    low.saturating_narrow(high).store_slice(out);
}

/// Powers of the fourth root of light whose sum is the sRGB code of 8 bits, and a half for rounding: within 0.013 of the curve's
/// upper part, 1.055 × light ^ (1 / 2.4) − 0.055.
const CURVE: [f32; 5] = [-16.095_734, 50.988_174, 283.582_86, -82.475_08, 19.505_587];
/// Below this light the code is a multiple of it.
const LINEAR_BELOW: f32 = 0.003_130_8;

/// The codes of eight samples.
#[inline(always)]
fn whole<S: Simd, const IS_LIGHT: bool>(simd: S, samples: &[f32]) -> i32x8<S> {
    let samples = f32x8::from_slice(simd, samples);
    let half = f32x8::splat(simd, 0.5);
    if !IS_LIGHT {
        return (samples.max(0.0).min(255.0) + half).to_int();
    }
    let light = samples.max(0.0).min(1.0);
    let root = light.sqrt().sqrt();
    let mut above = f32x8::splat(simd, CURVE[4]);
    let mut power = 4;
    while power > 0 {
        power -= 1;
        above = above.mul_add(root, f32x8::splat(simd, CURVE[power]));
    }
    let below = light.mul_add(f32x8::splat(simd, 12.92 * 255.0), half);
    light.simd_le(LINEAR_BELOW).select(below, above).to_int()
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
