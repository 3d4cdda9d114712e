//! The inverse cosine transform to fewer samples, to the bit as libjpeg's: 4 × 4 and 2 × 2 of a block of 8 × 8.

#![expect(
    clippy::indexing_slicing,
    clippy::inline_always,
    reason = "one kernel; constant shapes: 8 columns of 8 coefficients, 4 or 2 samples"
)]

use super::scan::Block;

const F_0_211: i32 = 1730;
const F_0_509: i32 = 4176;
const F_0_601: i32 = 4926;
const F_0_720: i32 = 5906;
const F_0_765: i32 = 6270;
const F_0_850: i32 = 6967;
const F_0_899: i32 = 7373;
const F_1_061: i32 = 8697;
const F_1_272: i32 = 10426;
const F_1_451: i32 = 11893;
const F_1_847: i32 = 15137;
const F_2_172: i32 = 17799;
const F_2_562: i32 = 20995;
const F_3_624: i32 = 29692;

#[inline(always)]
fn descale(sum: i32, shift: u32) -> i32 {
    sum.wrapping_add(1 << (shift - 1)) >> shift
}

#[inline(always)]
fn sample(value: i32) -> u8 {
    u8::try_from(value.wrapping_add(128).clamp(0, 255)).unwrap_or_default()
}

/// The sum of products; what no picture has wraps.
#[inline(always)]
fn sum<const N: usize>(products: [(i32, i32); N]) -> i32 {
    products
        .iter()
        .fold(0, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)))
}

/// Four samples of eight coefficients, the fifth of which is left out.
#[inline(always)]
fn four([c0, c1, c2, c3, c5, c6, c7]: [i32; 7], shift: u32) -> [i32; 4] {
    let t0 = c0 << 14;
    let t2 = sum([(c2, F_1_847), (c6, -F_0_765)]);
    let (t10, t12) = (t0.wrapping_add(t2), t0.wrapping_sub(t2));
    let t0 = sum([(c7, -F_0_211), (c5, F_1_451), (c3, -F_2_172), (c1, F_1_061)]);
    let t2 = sum([(c7, -F_0_509), (c5, -F_0_601), (c3, F_0_899), (c1, F_2_562)]);
    [
        descale(t10.wrapping_add(t2), shift),
        descale(t12.wrapping_add(t0), shift),
        descale(t12.wrapping_sub(t0), shift),
        descale(t10.wrapping_sub(t2), shift),
    ]
}

/// 4 × 4 samples.
pub(super) fn inverse_4(block: &Block) -> [[u8; 4]; 4] {
    let at = |row: usize, column: usize| i32::from(block[row * 8 + column]);
    let mut columns = [[0; 4]; 8];
    for (x, column) in columns.iter_mut().enumerate() {
        *column = four(
            [
                at(0, x),
                at(1, x),
                at(2, x),
                at(3, x),
                at(5, x),
                at(6, x),
                at(7, x),
            ],
            12,
        );
    }
    let mut samples = [[0; 4]; 4];
    for (y, row) in samples.iter_mut().enumerate() {
        *row = four([0, 1, 2, 3, 5, 6, 7].map(|x: usize| columns[x][y]), 19).map(sample);
    }
    samples
}

#[inline(always)]
fn two([c0, c1, c3, c5, c7]: [i32; 5], shift: u32) -> [i32; 2] {
    let t10 = c0 << 15;
    let t0 = sum([(c7, -F_0_720), (c5, F_0_850), (c3, -F_1_272), (c1, F_3_624)]);
    [
        descale(t10.wrapping_add(t0), shift),
        descale(t10.wrapping_sub(t0), shift),
    ]
}

/// 2 × 2 samples.
pub(super) fn inverse_2(block: &Block) -> [[u8; 2]; 2] {
    let at = |row: usize, column: usize| i32::from(block[row * 8 + column]);
    let column = |x: usize| two([at(0, x), at(1, x), at(3, x), at(5, x), at(7, x)], 13);
    let columns = [0, 1, 3, 5, 7].map(column);
    [0, 1].map(|y: usize| two(columns.map(|column| column[y]), 20).map(sample))
}
