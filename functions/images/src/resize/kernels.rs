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
