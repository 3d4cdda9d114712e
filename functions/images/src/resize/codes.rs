//! Codes averaged as they are, for fingerprints that others make so too.

use super::axis::Axis;

/// A channel of codes (`width` × `height`) resized with Lanczos3, across and then down, rounded after each as Pillow does it.
pub(crate) fn lanczos_codes(
    codes: &[f32],
    (width, height): (usize, usize),
    target: (usize, usize),
) -> Vec<u8> {
    let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    #[expect(clippy::cast_precision_loss, reason = "small pictures")]
    let axis = |length: usize, target: usize| Axis::new(side(length), 0.0, length as f64, side(target));
    let (across, down) = (axis(width, target.0), axis(height, target.1));
    let rows: Vec<Vec<u8>> = codes
        .chunks_exact(width)
        .map(|row| {
            (0..target.0)
                .map(|x| sum(&across, x, |at| row.get(at).copied().unwrap_or_default()))
                .collect()
        })
        .collect();
    let mut out = Vec::with_capacity(target.0 * target.1);
    for y in 0..target.1 {
        for x in 0..target.0 {
            let at = |row: usize| {
                rows.get(row)
                    .and_then(|row| row.get(x))
                    .map_or(0.0, |code| f32::from(*code))
            };
            out.push(sum(&down, y, at));
        }
    }
    out
}

fn sum(axis: &Axis, index: usize, sample: impl Fn(usize) -> f32) -> u8 {
    let Some((start, weights)) = axis.run(index) else {
        return 0;
    };
    let sum: f32 = weights
        .iter()
        .enumerate()
        .map(|(tap, weight)| weight * sample(start + tap))
        .sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let code = (sum.clamp(0.0, 255.0) + 0.5) as u8;
    code
}
