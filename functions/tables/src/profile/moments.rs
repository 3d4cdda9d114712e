//! Mean and standard deviation, by blocks: the sums of each are added with Chan, Golub and `LeVeque`'s formula
//! ("Updating formulae and a pairwise algorithm for computing sample variances", 1979), which also merges parts.

/// Count, mean and the sum of squared distances from it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Moments {
    count: f64,
    /// One of the values, from which the mean is counted: values far from zero and close together keep their digits.
    from: f64,
    mean: f64,
    squares: f64,
}

const LANES: usize = 8;

impl Moments {
    /// Takes values: two passes over them, each the same few additions over eight lanes.
    #[inline]
    pub(crate) fn add_all(&mut self, values: &[f64]) {
        let Some(from) = values.first().copied() else {
            return;
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let count = values.len() as f64;
        let mean = sum(values, |value| value - from) / count;
        let squares = sum(values, |value| (value - from - mean) * (value - from - mean));
        self.merge(&Self {
            count,
            from,
            mean,
            squares,
        });
    }

    /// Takes a value that came `count` times.
    pub(crate) fn add(&mut self, value: f64, count: u64) {
        #[expect(clippy::cast_precision_loss, reason = "a count of values")]
        let count = count as f64;
        self.merge(&Self {
            count,
            from: value,
            mean: 0.0,
            squares: 0.0,
        });
    }

    /// Takes what the other took.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = *other;
            return;
        }
        let count = self.count + other.count;
        let apart = (other.from - self.from) + (other.mean - self.mean);
        let share = other.count / count;
        self.squares += other.squares + apart * apart * self.count * share;
        self.mean += apart * share;
        self.count = count;
    }

    /// The mean, unless there is no value.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0.0).then_some(self.from + self.mean)
    }

    /// The standard deviation of a sample (n - 1), unless there is but one value.
    pub(crate) fn standard_deviation(&self) -> Option<f64> {
        (self.count > 1.0).then(|| (self.squares / (self.count - 1.0)).max(0.0).sqrt())
    }
}

#[inline]
fn sum(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += of(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| of(*value)).sum::<f64>()
}
