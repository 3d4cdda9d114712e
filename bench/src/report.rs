//! What is written: `results/api.json`, and the table in `README.md`.

use std::{fmt::Write as _, path::Path, process::Command};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{load::Load, pairs::Pairs, samples::Summary};

/// Around the table in `README.md`.
const BEGIN: &str = "<!-- bench-api writes from here -->\n";
const END: &str = "<!-- to here -->\n";

/// Everything that was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// UTC, RFC 3339.
    measured_at: String,
    /// Cargo's profile of this program and of the functions beside it.
    profile: &'static str,
    /// That the stack, its functions and the clients share.
    cores: usize,
    platform: String,
    /// Programs that wanted a core in the minute before: above 0.5 or so, the cores were not ours alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_average_before: Option<f64>,
    versions: Versions,
    pub(crate) comparison: Pairs,
    pub(crate) load: Load,
}

#[derive(Debug, Clone, Serialize)]
struct Versions {
    longshore: &'static str,
    /// The commit, with `-dirty` if files differ from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rustc: Option<String>,
}

impl Report {
    pub(crate) fn new(load_average_before: Option<f64>, comparison: Pairs, load: Load) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            measured_at: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            load_average_before,
            versions: Versions {
                longshore: env!("CARGO_PKG_VERSION"),
                commit: said_by(
                    "git",
                    &["describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"],
                ),
                rustc: said_by("rustc", &["--version"]),
            },
            comparison,
            load,
        }
    }

    /// As Markdown.
    pub(crate) fn table(&self) -> String {
        let (comparison, load) = (&self.comparison, &self.load);
        let rustc = self.versions.rustc.as_deref().unwrap_or("an unknown rustc");
        let mut text = format!(
            "Measured {} on {} cores ({}), profile `{}`, {rustc}",
            self.measured_at, self.cores, self.platform, self.profile
        );
        if let Some(load_average) = self.load_average_before {
            let _ = write!(text, "; load average before the start: {load_average}");
        }
        text += ".\n\n";
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
        let path = folder.join("results/api.json");
        let json = serde_json::to_string_pretty(self).context("cannot write the results")?;
        std::fs::write(&path, json + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        let path = folder.join("README.md");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = with_table(&text, table).with_context(|| path.display().to_string())?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
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

/// The load average of the last minute, where there is one.
pub(crate) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The text with the table between its markers.
fn with_table(text: &str, table: &str) -> Result<String> {
    let (before, rest) = text
        .split_once(BEGIN)
        .with_context(|| format!("there is no line {BEGIN:?}"))?;
    let (_, after) = rest
        .split_once(END)
        .with_context(|| format!("there is no line {END:?}"))?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// The first line that a program says; nothing if it is not there.
fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let said = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let line = text.lines().next().filter(|_| said.status.success())?;
    Some(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_between_its_markers() {
        let text = format!("a\n{BEGIN}old\n{END}b\n");
        let once = with_table(&text, "| new |\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n| new |\n\n{END}b\n"));
        assert_eq!(with_table(&once, "| new |\n").unwrap(), once);
        assert!(with_table("a\n", "t").is_err());
        assert!(with_table(&format!("{END}{BEGIN}"), "t").is_err());
    }

    #[test]
    fn the_readme_has_the_markers() {
        assert!(with_table(include_str!("../README.md"), "t").is_ok());
    }
}
