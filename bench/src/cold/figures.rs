//! What is said of many measurements: their median and how far they spread.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::Serialize;

use super::{
    jobs::Job,
    measure::Measured,
    process::Took,
    sizes::{self, Sizes},
    subjects::{Language, Subject},
};
use crate::samples::round;

/// Of one kind of measurement: nearest-rank percentiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) p10: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

/// One subject, in figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    pub(crate) job: Job,
    pub(crate) language: Language,
    /// As deployed on arm64; absent where there was no package of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sizes: Option<Sizes>,
    pub(crate) starts: usize,
    pub(crate) init_wall_ms: Spread,
    pub(crate) init_cpu_ms: Spread,
    pub(crate) resident_after_init_bytes: u64,
    pub(crate) peak_resident_bytes: u64,
    /// What it needs, and what the cost model gives it.
    pub(crate) memory_mb: u64,
    /// By memory in MB.
    pub(crate) at: BTreeMap<u64, FiguresAt>,
}

/// At one memory.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "a figure has its unit in its name")]
pub(crate) struct FiguresAt {
    pub(crate) first_wall_ms: Spread,
    pub(crate) first_cpu_ms: Spread,
    pub(crate) warm_wall_ms: Spread,
    pub(crate) warm_cpu_ms: Spread,
}

impl Figures {
    pub(crate) fn of(measured: &Measured, packages: &Path, peers: &Path) -> Self {
        let Subject { job, language } = measured.subject;
        let at = measured.at.iter().map(|(memory_mb, at)| {
            let figures = FiguresAt {
                first_wall_ms: wall(&at.first),
                first_cpu_ms: cpu(&at.first),
                warm_wall_ms: wall(&at.warm),
                warm_cpu_ms: cpu(&at.warm),
            };
            (*memory_mb, figures)
        });
        Self {
            job,
            language,
            sizes: sizes::of(measured.subject, packages, peers),
            starts: measured.init.len(),
            init_wall_ms: wall(&measured.init),
            init_cpu_ms: cpu(&measured.init),
            resident_after_init_bytes: measured.resident_bytes,
            peak_resident_bytes: measured.peak_bytes,
            memory_mb: measured.memory_mb,
            at: at.collect(),
        }
    }

    /// `tables` or `tables (Python)`.
    pub(crate) fn name(&self) -> String {
        let Self { job, language, .. } = *self;
        Subject { job, language }.name()
    }

    /// Init and the first invocation, medians, in milliseconds; none if it was not measured at that memory.
    pub(crate) fn both_ms(&self, memory_mb: u64) -> Option<f64> {
        let at = self.at.get(&memory_mb)?;
        Some(self.init_wall_ms.p50 + at.first_wall_ms.p50)
    }
}

/// The subject among those that were measured.
pub(crate) fn find(all: &[Figures], job: Job, language: Language) -> Option<&Figures> {
    all.iter()
        .find(|figures| figures.job == job && figures.language == language)
}

fn wall(took: &[Took]) -> Spread {
    Spread::of(took.iter().map(|took| took.wall))
}

fn cpu(took: &[Took]) -> Spread {
    Spread::of(took.iter().map(|took| took.cpu))
}

impl Spread {
    /// Of times, in milliseconds.
    pub(crate) fn of(times: impl Iterator<Item = Duration>) -> Self {
        let mut sorted: Vec<f64> = times.map(|time| time.as_secs_f64() * 1e3).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let rank = |per_cent: usize| {
            let index = (sorted.len() * per_cent).div_ceil(100).saturating_sub(1);
            sorted.get(index).copied().map_or(0.0, round)
        };
        Self {
            p10: rank(10),
            p50: rank(50),
            p90: rank(90),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let spread = Spread::of((1..=15).rev().map(Duration::from_millis));
        let expected = Spread {
            p10: 2.0,
            p50: 8.0,
            p90: 14.0,
        };
        assert_eq!(spread, expected);
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }
}
