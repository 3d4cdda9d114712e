//! Times of one kind of request, and what is said of them.

use std::time::Duration;

use serde::Serialize;

/// Times of one kind of request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<Duration>);

/// What is said of them, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
}

impl Samples {
    pub(crate) fn push(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn summary(mut self) -> Summary {
        self.0.sort_unstable();
        Summary {
            count: self.0.len(),
            p50_ms: percentile(&self.0, 50),
            p95_ms: percentile(&self.0, 95),
            p99_ms: percentile(&self.0, 99),
            max_ms: percentile(&self.0, 100),
        }
    }
}

/// The nearest-rank percentile of sorted times: the least one that so many per cent do not exceed. In milliseconds,
/// to the microsecond; 0 of none.
fn percentile(sorted: &[Duration], per_cent: usize) -> f64 {
    let rank = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
    sorted
        .get(rank)
        .map_or(0.0, |took| round(took.as_secs_f64() * 1e3))
}

/// To three digits after the point.
pub(crate) fn round(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let mut samples = Samples::default();
        for ms in (1..=200).rev() {
            samples.push(Duration::from_millis(ms));
        }
        let mut last = Samples::default();
        last.push(Duration::from_micros(1_500));
        let expected = Summary {
            count: 200,
            p50_ms: 100.0,
            p95_ms: 190.0,
            p99_ms: 198.0,
            max_ms: 200.0,
        };
        assert_eq!(samples.clone().summary(), expected);
        samples.append(last.clone());
        assert_eq!(samples.summary().count, 201);
        assert!((last.summary().p99_ms - 1.5).abs() < 1e-9);
        assert!(Samples::default().summary().max_ms.abs() < 1e-9);
    }
}
