//! Rows one after another to rows side by side, and back.
#![expect(
    clippy::indexing_slicing,
    clippy::inline_always,
    reason = "arrays of eight under numbers below it; only what is inlined is compiled for the machine's vectors"
)]

use fearless_simd::{Level, dispatch, f32x8, prelude::*};

use super::kernels::LANES;
use crate::transpose::transpose;

/// Eight rows, one after another, to one of [`LANES`] side by side.
pub(super) fn rows_to_lanes(level: Level, rows: &[f32], lanes: &mut [[f32; LANES]]) {
    dispatch!(level, simd => rows_to_lanes_with(simd, rows, lanes));
}

#[inline(always)]
fn rows_to_lanes_with<S: Simd>(simd: S, rows: &[f32], lanes: &mut [[f32; LANES]]) {
    let width = lanes.len();
    let mut begin = 0;
    let (blocks, rest) = lanes.as_chunks_mut::<8>();
    for block in blocks {
        let mut block_rows = [f32x8::splat(simd, 0.0); 8];
        let mut row = 0;
        while row < 8 {
            if let Some(samples) = rows
                .get(row * width + begin..)
                .and_then(<[f32]>::first_chunk::<8>)
            {
                block_rows[row] = f32x8::from_slice(simd, samples);
            }
            row += 1;
        }
        let columns = transpose(block_rows);
        let mut column = 0;
        while column < 8 {
            columns[column].store_slice(&mut block[column]);
            column += 1;
        }
        begin += 8;
    }
    for (column, lane) in rest.iter_mut().enumerate() {
        for (row, sample) in lane.iter_mut().enumerate() {
            *sample = rows
                .get(row * width + begin + column)
                .copied()
                .unwrap_or_default();
        }
    }
}

/// [`LANES`] side by side to eight rows, one after another.
pub(super) fn lanes_to_rows(level: Level, lanes: &[[f32; LANES]], rows: &mut [f32]) {
    dispatch!(level, simd => lanes_to_rows_with(simd, lanes, rows));
}

#[inline(always)]
fn lanes_to_rows_with<S: Simd>(simd: S, lanes: &[[f32; LANES]], rows: &mut [f32]) {
    let width = lanes.len();
    let mut begin = 0;
    let (blocks, rest) = lanes.as_chunks::<8>();
    for block in blocks {
        let mut columns = [f32x8::splat(simd, 0.0); 8];
        let mut column = 0;
        while column < 8 {
            columns[column] = f32x8::from_slice(simd, &block[column]);
            column += 1;
        }
        let block_rows = transpose(columns);
        let mut row = 0;
        while row < 8 {
            let to = rows
                .get_mut(row * width + begin..)
                .and_then(<[f32]>::first_chunk_mut::<8>);
            if let Some(to) = to {
                block_rows[row].store_slice(to);
            }
            row += 1;
        }
        begin += 8;
    }
    for (column, lane) in rest.iter().enumerate() {
        for (row, sample) in lane.iter().enumerate() {
            if let Some(to) = rows.get_mut(row * width + begin + column) {
                *to = *sample;
            }
        }
    }
}
