//! What is written: `results/cold.json`, `results/cold.svg`, and tables in `README.md` and `docs/cost.md`.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;
use serde::Serialize;

use super::{
    chart,
    cost::{self, Cost},
    figures::{Figures, Spread},
    jobs::Job,
    measure::{MEMORIES_MB, WARM_INVOCATIONS},
    share::{PERIOD_US, Share},
    stage::Places,
    subjects::{Language, Subject},
    targets::{self, Target, What},
};
use crate::{
    machine::{Machine, said_by},
    markers::{self, Markers},
};

/// Around what this program writes, in both files.
const MARKERS: Markers = Markers("bench-cold");

/// What a function's zip may unpack to.
const UNZIPPED_MAX_BYTES: u64 = 262_144_000;

/// Everything that was measured, and on what.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    machine: Machine,
    /// The folder of the Rust functions.
    functions: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    python: Option<String>,
    /// How Lambda's share of a core was kept.
    cpu_share: String,
    cpu_period_us: u64,
    /// Processes of each subject at each memory.
    rounds: u32,
    /// Invocations of each process after its first.
    warm_invocations: usize,
    subjects: Vec<Figures>,
    targets: Vec<Target>,
    costs: Vec<Cost>,
}

impl Report {
    pub(crate) fn new(
        load_average_before: Option<f64>,
        share: &Share,
        places: &Places,
        rounds: u32,
        subjects: Vec<Figures>,
    ) -> Self {
        let functions = places.bin_dir.strip_prefix(&places.workspace);
        Self {
            machine: Machine::now(load_average_before),
            functions: functions.map_or_else(|_| "elsewhere".to_owned(), |path| path.display().to_string()),
            python: said_by(&places.python.to_string_lossy(), &["--version"]),
            cpu_share: share.describe(),
            cpu_period_us: PERIOD_US,
            rounds,
            warm_invocations: WARM_INVOCATIONS,
            targets: targets::evaluate(&subjects),
            costs: cost::of(&subjects),
            subjects,
        }
    }

    /// As Markdown, for `README.md`.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "Measured {}; functions from `{}`, {}, share of a core by {} (period {} ms), {} processes of each at each memory.\n\n",
            self.machine.sentence(),
            self.functions,
            self.python.as_deref().unwrap_or("an unknown Python"),
            self.cpu_share,
            self.cpu_period_us / 1_000,
            self.rounds,
        );
        text += "![Init and first invocation at 512 MB](results/cold.svg)\n\n";
        text += "Each time is a median, with its 10th and 90th percentile. MB are 1,000,000 bytes in sizes, 1,048,576 in memory.\n\n";
        text +=
            "| | zip MB | unzipped MB | init ms | init CPU ms | resident MB |\n|---|--:|--:|--:|--:|--:|\n";
        for subject in &self.subjects {
            let (zip, unzipped) = subject.sizes.map_or_else(
                || ("not packaged".to_owned(), "not packaged".to_owned()),
                |sizes| (megabytes(sizes.zip_bytes), megabytes(sizes.unzipped_bytes)),
            );
            let _ = writeln!(
                text,
                "| {} | {zip} | {unzipped} | {} | {} | {:.1} |",
                label(subject),
                cell(subject.init_wall_ms),
                cell(subject.init_cpu_ms),
                mebibytes(subject.resident_after_init_bytes),
            );
        }
        text += "\nThe first invocation, and one after it:\n\n| |";
        for memory_mb in MEMORIES_MB {
            let _ = write!(text, " {memory_mb} MB: first ms | warm ms |");
        }
        text += "\n|---|--:|--:|--:|--:|--:|--:|\n";
        for subject in &self.subjects {
            let _ = write!(text, "| {} |", label(subject));
            for memory_mb in MEMORIES_MB {
                let at = subject.at.get(&memory_mb).copied().unwrap_or_default();
                let _ = write!(
                    text,
                    " {} | {} |",
                    cell(at.first_wall_ms),
                    short(at.warm_wall_ms.p50)
                );
            }
            text.push('\n');
        }
        self.add_remarks(&mut text);
        self.add_targets(&mut text);
        text
    }

    /// What stands behind some rows.
    fn add_remarks(&self, text: &mut String) {
        text.push('\n');
        for subject in &self.subjects {
            let (name, peak_bytes) = (subject.name(), subject.peak_resident_bytes);
            if peak_bytes > 128 << 20 {
                let _ = writeln!(
                    text,
                    "- {name} had {:.0} MB resident at most: Lambda would have ended it at 128 MB. Its figures there are those of the \
                     share of a core alone.",
                    mebibytes(peak_bytes)
                );
            }
            if let Some(sizes) = subject.sizes
                && sizes.unzipped_bytes > UNZIPPED_MAX_BYTES
            {
                let _ = writeln!(
                    text,
                    "- {name} is larger than the 250 MB that Lambda unpacks: as it is, it is deployed as a container image, or \
                     parts of its libraries are cut out by hand.",
                );
            }
        }
    }

    fn add_targets(&self, text: &mut String) {
        let met = self.targets.iter().filter(|target| target.is_met).count();
        let _ = writeln!(
            text,
            "\n{met} of {} targets are met: init at most {} ms of CPU over the bare hello; the first invocation no slower than \
             the peer's; both together at most a tenth of the peer's.\n",
            self.targets.len(),
            targets::INIT_CPU_MS_OVER_HELLO,
        );
        text.push_str("| | init CPU over hello, ms |");
        for what in ["first / peer's", "both / peer's"] {
            for memory_mb in MEMORIES_MB {
                let _ = write!(text, " {what}, {memory_mb} MB |");
            }
        }
        text.push_str("\n|---|--:|--:|--:|--:|--:|--:|--:|\n");
        let mut jobs: Vec<Job> = self.targets.iter().map(|target| target.job).collect();
        jobs.dedup();
        for job in jobs {
            let _ = write!(text, "| {} |", job.name());
            let columns = [(What::InitCpuMsOverHello, None)]
                .into_iter()
                .chain(MEMORIES_MB.map(|memory_mb| (What::FirstMs, Some(memory_mb))))
                .chain(MEMORIES_MB.map(|memory_mb| (What::PartOfPeer, Some(memory_mb))));
            for (what, memory_mb) in columns {
                let found = self
                    .targets
                    .iter()
                    .find(|target| (target.job, target.what, target.memory_mb) == (job, what, memory_mb));
                let _ = write!(text, " {} |", found.map_or_else(|| "–".to_owned(), verdict));
            }
            text.push('\n');
        }
    }

    /// As Markdown, for `docs/cost.md`.
    pub(crate) fn costs(&self) -> String {
        cost::table(&self.costs, &self.machine)
    }

    /// Writes all files.
    pub(crate) fn write(&self, workspace: &Path) -> Result<()> {
        let folder = workspace.join("bench");
        markers::write_json(&folder.join("results/cold.json"), self)?;
        markers::write(&folder.join("results/cold.svg"), &chart::draw(&self.subjects))?;
        markers::write_between(&folder.join("README.md"), MARKERS, &self.table())?;
        markers::write_between(&workspace.join("docs/cost.md"), MARKERS, &self.costs())
    }
}

/// `tables`, or `— Python: boto3, pandas, pyarrow` below it.
fn label(figures: &Figures) -> String {
    let Figures { job, language, .. } = *figures;
    match language {
        Language::Rust => format!("**{}**", job.name()),
        Language::Python => format!("{}, Python: {}", job.name(), Subject { job, language }.row().peer),
    }
}

fn verdict(target: &Target) -> String {
    let number = match target.what {
        What::InitCpuMsOverHello => short(target.measured),
        What::FirstMs => format!("{:.2}", target.measured / target.at_most),
        What::PartOfPeer => format!("{:.3}", target.measured),
    };
    if target.is_met {
        number
    } else {
        format!("**missed: {number}**")
    }
}

fn cell(spread: Spread) -> String {
    format!(
        "{} ({}–{})",
        short(spread.p50),
        short(spread.p10),
        short(spread.p90)
    )
}

/// Three digits that count.
fn short(ms: f64) -> String {
    if ms.abs() < 9.995 {
        format!("{ms:.2}")
    } else if ms.abs() < 99.95 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::testing;

    #[test]
    fn both_files_have_the_markers() {
        for text in [
            include_str!("../../README.md"),
            include_str!("../../../docs/cost.md"),
        ] {
            assert!(markers::between(text, MARKERS, "t").is_ok());
        }
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_head() {
        let places = Places {
            workspace: "/w".into(),
            bin_dir: "/w/target/package/x86_64".into(),
            peers: "/w/target/peers".into(),
            python: "no-such-python".into(),
        };
        let share = Share::None {
            reason: "a test".to_owned(),
        };
        let report = Report::new(None, &share, &places, 3, testing::figures());
        for text in [report.table(), report.costs()] {
            let mut cells = None;
            let mut rows = 0;
            for line in text.lines() {
                if !line.starts_with('|') {
                    cells = None;
                    continue;
                }
                let count = line.matches('|').count();
                assert_eq!(*cells.get_or_insert(count), count, "{line}");
                rows += 1;
            }
            assert!(rows > 6, "{text}");
        }
        assert!(report.table().contains("functions from `target/package/x86_64`"));
        assert!(report.table().contains("**missed: 0.125**"));
    }
}
