//! Chroma to the size of luma, to the bit as libjpeg's "fancy" upsampling: triangle filters, a sample's weight ¾ and its
//! neighbour's ¼ in each direction that is doubled; plain repetition for other ratios.

#![expect(clippy::inline_always, reason = "one kernel for three types of sums")]

/// Twice as wide. `row` has at least 3 samples, `out` as many as wanted of twice that.
pub(super) fn h2v1(row: &[u8], out: &mut [u8]) {
    triangle(row, out, u16::from, 1, 2, 2);
}

/// Twice as wide and twice as high: `near` is the row that the wanted one lies in, `other` its neighbour on that side.
pub(super) fn h2v2(near: &[u8], other: &[u8], sums: &mut [u16], out: &mut [u8]) {
    for ((sum, near), other) in sums.iter_mut().zip(near).zip(other) {
        *sum = u16::from(*near) * 3 + u16::from(*other);
    }
    triangle(sums, out, |sum| sum, 8, 7, 4);
}

/// Twice as high.
pub(super) fn h1v2(near: &[u8], other: &[u8], is_upper: bool, out: &mut [u8]) {
    let bias = if is_upper { 1 } else { 2 };
    for ((out, near), other) in out.iter_mut().zip(near).zip(other) {
        *out = narrow((u16::from(*near) * 3 + u16::from(*other) + bias) >> 2);
    }
}

/// Repeats each sample so often.
pub(super) fn repeat(row: &[u8], times: usize, out: &mut [u8]) {
    for (out, sample) in out.chunks_mut(times.max(1)).zip(row) {
        out.fill(*sample);
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "a weighted mean of samples")]
fn narrow(value: u16) -> u8 {
    value as u8
}

/// The horizontal filter; the biases of even and odd samples, and how many bits the weights add.
#[inline(always)]
fn triangle<T: Copy>(row: &[T], out: &mut [u8], wide: impl Fn(T) -> u16, even: u16, odd: u16, shift: u32) {
    let (Some(first), Some(last)) = (row.first(), row.last()) else {
        return;
    };
    let (pairs, rest) = out.as_chunks_mut::<2>();
    if let Some([left, _]) = pairs.first_mut() {
        *left = narrow((wide(*first) * 4 + even) >> shift);
    }
    let (here, next) = (row.iter().skip(1), row.iter().skip(2));
    for (((pair, before), here), next) in pairs.iter_mut().skip(1).zip(row).zip(here).zip(next) {
        let near = wide(*here) * 3;
        *pair = [
            narrow((near + wide(*before) + even) >> shift),
            narrow((near + wide(*next) + odd) >> shift),
        ];
    }
    // The first pair's right sample, and the last one's left, have their neighbours as well.
    if let (Some([_, right]), Some(next)) = (pairs.first_mut(), row.get(1)) {
        *right = narrow((wide(*first) * 3 + wide(*next) + odd) >> shift);
    }
    let before = row
        .len()
        .checked_sub(2)
        .and_then(|at| row.get(at))
        .unwrap_or(first);
    let left = narrow((wide(*last) * 3 + wide(*before) + even) >> shift);
    if pairs.len() == row.len() {
        if let Some(pair) = pairs.last_mut() {
            *pair = [left, narrow((wide(*last) * 4 + odd) >> shift)];
        }
    } else if let Some(out) = rest.first_mut() {
        *out = left;
    }
}
