//! Which samples make a sample of a reduced row, and how much each counts.

use std::f64::consts::PI;

/// The lobes of the kernel to each side: Lanczos3.
const LOBES: f64 = 3.0;

/// A part of a picture, in pixels from its left and top, not necessarily whole ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Region {
    /// All of a picture.
    #[must_use]
    pub fn whole(width: u32, height: u32) -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            width: f64::from(width),
            height: f64::from(height),
        }
    }

    /// The same part of a picture `across` times as wide and `down` times as high.
    #[must_use]
    pub fn scaled(&self, across: f64, down: f64) -> Self {
        Self {
            x: self.x * across,
            y: self.y * down,
            width: self.width * across,
            height: self.height * down,
        }
    }
}

/// The samples of one axis of a reduction: for each that comes out, which go in and their weights.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// Of each sample that comes out: the first that goes in.
    pub(super) starts: Vec<u32>,
    /// The most that go into one.
    pub(super) taps: usize,
    /// `taps` weights for each that comes out, the last of them 0 where fewer go in; each run's sum is 1.
    pub(super) weights: Vec<f32>,
}

/// How much a sample at `x` counts, in units of what comes out.
fn lanczos(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    if x.abs() >= LOBES {
        return 0.0;
    }
    let x = x * PI;
    let third = (x / LOBES).sin();
    // The sine of three times an angle.
    let sine = third * (3.0 - 4.0 * third * third);
    LOBES * sine * third / (x * x)
}

impl Axis {
    /// `length` samples of which those from `start` on, `extent` of them, become `target`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the length first; a weight needs no more than f32"
    )]
    pub(super) fn new(length: u32, start: f64, extent: f64, target: u32) -> Self {
        let scale = extent / f64::from(target);
        // Fewer samples than go in: the kernel is as wide as what one of them covers.
        let stretch = scale.max(1.0);
        let reach = LOBES * stretch;
        let most = f64::from(length);
        let mut runs: Vec<(u32, Vec<f64>)> = Vec::with_capacity(target as usize);
        for index in 0..target {
            let centre = start + (f64::from(index) + 0.5) * scale;
            let first = (centre - reach).ceil().clamp(0.0, most - 1.0) as u32;
            let last = (centre + reach).floor().clamp(1.0, most) as u32;
            let weight = |sample: u32| lanczos((f64::from(sample) + 0.5 - centre) / stretch);
            let mut from = first;
            let mut weights: Vec<f64> = (first..last.max(first + 1)).map(weight).collect();
            // What counts for nothing need not be there: a picture that keeps its size is copied.
            let negligible = |weight: &f64| weight.abs() < 1e-9;
            while weights.len() > 1 && weights.last().is_some_and(negligible) {
                weights.pop();
            }
            let zeros = weights
                .iter()
                .take_while(|weight| negligible(weight))
                .count()
                .min(weights.len() - 1);
            weights.drain(..zeros);
            from += zeros as u32;
            runs.push((from, weights));
        }
        let taps = runs.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let taps = taps.min(length as usize);
        let mut axis = Self {
            starts: Vec::with_capacity(runs.len()),
            taps,
            weights: Vec::with_capacity(runs.len() * taps),
        };
        for (first, weights) in runs {
            // A short run at the end begins sooner, so that all its samples are there.
            let begin = first.min(length - taps as u32);
            let before = (first - begin) as usize;
            let sum: f64 = weights.iter().sum();
            let sum = if sum.abs() < 1e-12 { 1.0 } else { sum };
            let after = taps.saturating_sub(before + weights.len());
            axis.starts.push(begin);
            axis.weights.extend(std::iter::repeat_n(0.0, before));
            axis.weights.extend(
                weights
                    .iter()
                    .take(taps - before)
                    .map(|weight| (weight / sum) as f32),
            );
            axis.weights.extend(std::iter::repeat_n(0.0, after));
        }
        axis
    }

    /// The run of the sample that comes out at `index`: the first that goes in, and the weights.
    pub(super) fn run(&self, index: usize) -> Option<(usize, &[f32])> {
        let start = *self.starts.get(index)? as usize;
        Some((
            start,
            self.weights.get(index * self.taps..(index + 1) * self.taps)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_lies_within_and_counts_as_one() {
        for (length, start, extent, target) in [
            (4000, 0.0, 4000.0, 2048),
            (10, 0.0, 10.0, 10),
            (7, 1.5, 3.2, 2),
            (1, 0.0, 1.0, 1),
            (5, 0.0, 5.0, 1),
            (3, 0.0, 3.0, 2),
        ] {
            let axis = Axis::new(length, start, extent, target);
            assert_eq!(axis.starts.len(), target as usize);
            for index in 0..target as usize {
                let (start, weights) = axis.run(index).unwrap();
                assert!(start + weights.len() <= length as usize);
                assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{weights:?}");
            }
        }
        let same = Axis::new(10, 0.0, 10.0, 10);
        assert_eq!((same.taps, &same.weights), (1, &vec![1.0; 10]));
    }
}
