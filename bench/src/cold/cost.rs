//! What a million of each costs, by Lambda's list price.

use std::fmt::Write as _;

use serde::Serialize;

use super::{figures::Figures, jobs::Job, subjects::Language};
use crate::machine::Machine;

/// US dollars for a GB-second on arm64, and for a million requests: us-east-1, first tier
/// (<https://aws.amazon.com/lambda/pricing/>).
const USD_PER_GB_SECOND: f64 = 0.000_013_333_4;
const USD_PER_MILLION_REQUESTS: f64 = 0.20;

/// Shares of invocations that are cold starts, in per cent.
const COLD_PER_CENT: [u8; 2] = [1, 10];

/// What becomes of an upload: which functions run, once each.
const WAYS: [(&str, &[Job]); 4] = [
    ("a table", &[Job::Tables, Job::Notify]),
    (
        "a table that `intake` sorts first",
        &[Job::Intake, Job::Tables, Job::Notify],
    ),
    (
        "the same, and its profile read by way of the API",
        &[Job::Intake, Job::Tables, Job::Notify, Job::Api],
    ),
    ("a picture", &[Job::Images, Job::Notify]),
];

/// What a million invocations of one function cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Cost {
    pub(crate) job: Job,
    pub(crate) language: Language,
    pub(crate) memory_mb: u64,
    /// Init and first invocation, to the next millisecond.
    pub(crate) cold_ms: f64,
    /// A later invocation, to the next millisecond.
    pub(crate) warm_ms: f64,
    /// Each by its share of cold starts in per cent.
    pub(crate) usd: [(u8, f64); 2],
}

/// Of every function that was measured.
pub(crate) fn of(all: &[Figures]) -> Vec<Cost> {
    all.iter()
        .filter(|figures| figures.job != Job::Hello)
        .filter_map(one)
        .collect()
}

fn one(figures: &Figures) -> Option<Cost> {
    let memory_mb = figures.memory_mb;
    let cold_ms = figures.both_ms(memory_mb)?.ceil();
    let warm_ms = figures.at.get(&memory_mb)?.warm_wall_ms.p50.ceil();
    let usd =
        COLD_PER_CENT.map(|per_cent| (per_cent, usd_per_million(memory_mb, cold_ms, warm_ms, per_cent)));
    Some(Cost {
        job: figures.job,
        language: figures.language,
        memory_mb,
        cold_ms,
        warm_ms,
        usd,
    })
}

/// The formula of `docs/cost.md`.
fn usd_per_million(memory_mb: u64, cold_ms: f64, warm_ms: f64, cold_per_cent: u8) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "megabytes are few")]
    let gigabytes = memory_mb as f64 / 1_024.0;
    let cold = f64::from(cold_per_cent) / 100.0;
    let seconds = (cold * cold_ms + (1.0 - cold) * warm_ms) / 1_000.0;
    1e6 * gigabytes * seconds * USD_PER_GB_SECOND + USD_PER_MILLION_REQUESTS
}

impl Cost {
    fn usd(&self, cold_per_cent: u8) -> Option<f64> {
        let found = self.usd.iter().find(|(per_cent, _)| *per_cent == cold_per_cent)?;
        Some(found.1)
    }
}

/// Of all functions on the way together; nothing if one of them is not there.
fn way(costs: &[Cost], jobs: &[Job], language: Language, cold_per_cent: u8) -> Option<f64> {
    let of = |job: &Job| {
        let cost = costs
            .iter()
            .find(|cost| cost.job == *job && cost.language == language)?;
        cost.usd(cold_per_cent)
    };
    jobs.iter().map(of).sum()
}

/// As Markdown.
pub(crate) fn table(costs: &[Cost], machine: &Machine) -> String {
    let mut text = format!(
        "From the run of {} (`bench/results/cold.json`).\n\n",
        machine.when_and_where()
    );
    text += "A million uploads, US dollars:\n\n| |";
    for per_cent in COLD_PER_CENT {
        let _ = write!(text, " {per_cent} % cold: here | Python | |");
    }
    text += "\n|---|--:|--:|--:|--:|--:|--:|\n";
    for (name, jobs) in WAYS {
        let _ = write!(text, "| {name} |");
        for per_cent in COLD_PER_CENT {
            let ours = way(costs, jobs, Language::Rust, per_cent);
            let theirs = way(costs, jobs, Language::Python, per_cent);
            let _ = write!(
                text,
                " {} | {} | {} |",
                dollars(ours),
                dollars(theirs),
                times(ours, theirs)
            );
        }
        text.push('\n');
    }
    text += "\nA million invocations of each function, US dollars:\n\n| | memory MB | cold ms | warm ms |";
    for per_cent in COLD_PER_CENT {
        let _ = write!(text, " {per_cent} % cold |");
    }
    text += "\n|---|--:|--:|--:|--:|--:|\n";
    for cost in costs {
        let _ = write!(
            text,
            "| {}, {} | {} | {:.0} | {:.0} |",
            cost.job.name(),
            cost.language.name(),
            cost.memory_mb,
            cost.cold_ms,
            cost.warm_ms
        );
        for (_, usd) in cost.usd {
            let _ = write!(text, " {usd:.2} |");
        }
        text.push('\n');
    }
    text
}

fn dollars(usd: Option<f64>) -> String {
    usd.map_or_else(|| "–".to_owned(), |usd| format!("{usd:.2}"))
}

fn times(ours: Option<f64>, theirs: Option<f64>) -> String {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => format!("{:.1} times", theirs / ours),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::{figures::find, testing};

    #[test]
    fn the_price_is_that_of_the_formula() {
        // 1 % of 100 ms and 99 % of 10 ms are 10.9 ms; half a gigabyte of that, a million times, 5,450 GB-seconds.
        let usd = usd_per_million(512, 100.0, 10.0, 1);
        assert!((usd - (5_450.0 * 0.000_013_333_4 + 0.2)).abs() < 1e-9, "{usd}");
    }

    #[test]
    fn a_way_has_a_price_if_all_of_it_was_measured() {
        let figures = testing::figures();
        let costs = of(&figures);
        assert_eq!(costs.len(), 3);
        for (_, jobs) in WAYS {
            for language in [Language::Rust, Language::Python] {
                let is_whole = jobs.iter().all(|job| find(&figures, *job, language).is_some());
                assert_eq!(way(&costs, jobs, language, 1).is_some(), is_whole);
            }
        }
        assert!(way(&costs, &[Job::Tables], Language::Rust, 10).is_some());
    }
}
