//! Fingerprints that stay near when a picture is scaled or encoded anew, as Python's `imagehash` makes them.
#![expect(clippy::cast_precision_loss, reason = "at most 100 pixels a side")]

use std::{f64::consts::PI, fmt::Write as _};

use crate::resize::lanczos_codes;

/// Luma as Pillow's `L`: Rec. 601, in 16 bits of fixed point.
pub(super) fn luma(pixels: &[[u8; 4]]) -> Vec<f32> {
    let luma = |[r, g, b, _]: &[u8; 4]| {
        let sum = u32::from(*r) * 19_595 + u32::from(*g) * 38_470 + u32::from(*b) * 7_471 + 0x8000;
        f32::from(u8::try_from(sum >> 16).unwrap_or(255))
    };
    pixels.iter().map(luma).collect()
}

fn hex(bits: impl Iterator<Item = bool>) -> String {
    let number = bits.fold(0_u64, |number, bit| number << 1 | u64::from(bit));
    let mut text = String::new();
    let _ = write!(text, "{number:016x}");
    text
}

/// Whether each of 8 × 8 cells is brighter than its left neighbour.
pub(super) fn dhash(width: usize, height: usize, luma: &[f32]) -> String {
    let cells = lanczos_codes(luma, (width, height), (9, 8));
    let rows = cells.chunks_exact(9);
    hex(rows.flat_map(|row| {
        row.iter()
            .zip(row.iter().skip(1))
            .map(|(left, right)| right > left)
    }))
}

/// Whether each of the 8 × 8 lowest cosines of 32 × 32 cells is above their median.
pub(super) fn phash(width: usize, height: usize, luma: &[f32]) -> String {
    const SIDE: usize = 32;
    const LOW: usize = 8;
    let cells = lanczos_codes(luma, (width, height), (SIDE, SIDE));
    let wave = |position: usize, count: usize| {
        (PI * count as f64 * (2 * position + 1) as f64 / (2 * SIDE) as f64).cos()
    };
    let waves: Vec<Vec<f64>> = (0..LOW)
        .map(|count| (0..SIDE).map(|position| wave(position, count)).collect())
        .collect();
    let mut low = Vec::with_capacity(LOW * LOW);
    for down in &waves {
        for across in &waves {
            let row = |row: &[u8]| {
                row.iter()
                    .zip(across)
                    .map(|(cell, wave)| f64::from(*cell) * wave)
                    .sum::<f64>()
            };
            low.push(
                cells
                    .chunks_exact(SIDE)
                    .zip(down)
                    .map(|(cells, wave)| row(cells) * wave)
                    .sum::<f64>(),
            );
        }
    }
    let mut sorted = low.clone();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let median = f64::midpoint(at(LOW * LOW / 2 - 1), at(LOW * LOW / 2));
    hex(low.into_iter().map(|cosine| cosine > median))
}
