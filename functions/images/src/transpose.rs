//! Eight rows of eight numbers to eight columns.
#![expect(
    clippy::inline_always,
    clippy::many_single_char_names,
    reason = "only what is inlined is compiled for the machine's vectors; eight rows"
)]

use fearless_simd::{f32x8, prelude::*};

/// Rows to columns.
#[inline(always)]
pub(crate) fn transpose<S: Simd>(mut rows: [f32x8<S>; 8]) -> [f32x8<S>; 8] {
    // Three times a riffle of the upper half with the lower one.
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
