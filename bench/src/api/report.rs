//! What is written: `results/api.json`, and the table in `README.md`.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{load::Load, pairs::Pairs};
use crate::{
    machine::Machine,
    markers::{self, Markers},
    samples::Summary,
};

/// Around the table in `README.md`.
const MARKERS: Markers = Markers("bench-api");

/// Everything that was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    machine: Machine,
    pub(crate) comparison: Pairs,
    pub(crate) load: Load,
}

impl Report {
    pub(crate) fn new(load_average_before: Option<f64>, comparison: Pairs, load: Load) -> Self {
        Self {
            machine: Machine::now(load_average_before),
            comparison,
            load,
        }
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let (comparison, load) = (&self.comparison, &self.load);
        let mut text = format!("Measured {}.\n\n", self.machine.sentence());
        let within = if comparison.difference_p50_ms <= comparison.goal_ms {
            "within"
        } else {
            "beyond"
        };
        let _ = write!(
            text,
            "One client: at p50 a file takes {:.2} ms more than a hello ({:.1} times as long), {within} the goal of \
             {} ms.\n\n",
            comparison.difference_p50_ms, comparison.ratio_p50, comparison.goal_ms
        );
        text += HEAD;
        row(&mut text, "`GET /hello`", &comparison.hello);
        row(&mut text, "`GET /v1/files/{id}`", &comparison.file);
        row(
            &mut text,
            "`GET /v1/files/{id}`, `If-None-Match`: 304",
            &comparison.file_known,
        );
        let _ = write!(
            text,
            "\n{} clients for {:.0} s: {} requests, {} errors, {:.0} requests a second, by {} processes of the \
             function in the end.\n\n",
            load.clients, load.seconds, load.requests, load.errors, load.requests_per_second, load.processes
        );
        text += HEAD;
        for (route, summary) in &load.routes {
            row(&mut text, &format!("`{route}`"), summary);
        }
        row(&mut text, "all", &load.all);
        text
    }

    /// Writes `results/api.json`, and the table into `README.md`.
    pub(crate) fn write(&self, folder: &Path, table: &str) -> Result<()> {
        markers::write_json(&folder.join("results/api.json"), self)?;
        markers::write_between(&folder.join("README.md"), MARKERS, table)
    }
}

const HEAD: &str = "| request | count | p50 ms | p95 ms | p99 ms | max ms |\n|---|--:|--:|--:|--:|--:|\n";

fn row(text: &mut String, name: &str, summary: &Summary) {
    let Summary {
        count,
        p50_ms,
        p95_ms,
        p99_ms,
        max_ms,
    } = summary;
    let _ = writeln!(
        text,
        "| {name} | {count} | {p50_ms:.2} | {p95_ms:.2} | {p99_ms:.2} | {max_ms:.2} |"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_the_markers() {
        let text = include_str!("../../README.md");
        assert!(markers::between(text, MARKERS, "t").is_ok());
    }
}
