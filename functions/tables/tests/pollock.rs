//! Pollock, a benchmark of what loaders make of polluted files, scored as its paper does.
//!
//! Vitagliano, Hameed, Jiang, Reisener, Wu and Naumann, "Pollock: A Data Loading Benchmark", PVLDB 16(8), 2023. Ten measures
//! for each file: success, and precision, recall and F1 of the header's names, of the records (each as its cells' text, one
//! after the other) and of the cells, all as multisets; a measure's score is its mean over the files, and the sum of the ten
//! is the score. Names and records are compared in lower case, where the paper normalises numbers and dates too: that can only
//! cost.
//!
//! The files are looked for under `CORPORA`, or beside the repository; where they are missing, the tests say so and are
//! reported as ignored. The variants are ours: each kind of pollution that the paper lists, made from the corpus's clean
//! source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test that cannot go on fails here, and says what it found"
)]

mod load;
mod variants;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use load::{Rows, load, read_csv};

/// What is reached on the open tenth of the benchmark.
const CORPUS_SCORE: f64 = 9.97;
/// And on our variants of all of its kinds.
const VARIANTS_SCORE: f64 = 9.97;

const MEASURES: [&str; 10] = [
    "success",
    "header precision",
    "header recall",
    "header F1",
    "record precision",
    "record recall",
    "record F1",
    "cell precision",
    "cell recall",
    "cell F1",
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = corpus();
    let trials = if folder.is_dir() {
        vec![
            Trial::test("the open tenth", {
                let folder = folder.clone();
                move || corpus_scores(&folder)
            }),
            Trial::test("variants of every kind", move || variants_score(&folder)),
        ]
    } else {
        let missing = format!("{} is missing", folder.display());
        vec![Trial::test(format!("pollock ({missing})"), move || Err(missing.into())).with_ignored_flag(true)]
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(
    clippy::disallowed_methods,
    reason = "says where test files are, and configures nothing"
)]
fn corpus() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    std::env::var_os("CORPORA")
        .map_or_else(beside, PathBuf::from)
        .join("tables/pollock")
}

fn corpus_scores(folder: &Path) -> Result<(), Failed> {
    let mut board = Board::default();
    for entry in fs::read_dir(folder.join("clean"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let polluted = fs::read(folder.join("csv").join(&name))?;
        let expected = read_csv(&fs::read(folder.join("clean").join(&name))?);
        board.add(&name, &polluted, &expected);
    }
    board.judge(200, CORPUS_SCORE)
}

fn variants_score(folder: &Path) -> Result<(), Failed> {
    let clean = read_csv(&fs::read(folder.join("clean/row_more_sep_row9_col5.csv"))?);
    let mut board = Board::default();
    for variant in variants::of(&clean) {
        board.add(&variant.name, &variant.polluted, &variant.expected);
    }
    board.judge(2_000, VARIANTS_SCORE)
}

#[derive(Default)]
struct Board {
    files: usize,
    sums: [f64; 10],
    /// By the kind of pollution: files and the sum of their scores.
    kinds: BTreeMap<String, (usize, f64)>,
}

impl Board {
    fn add(&mut self, name: &str, polluted: &[u8], expected: &Rows) {
        let measures = match load(polluted) {
            Ok(loaded) => measure(expected, &loaded),
            Err(failure) => {
                println!("{name}: {failure}");
                [0.0; 10]
            }
        };
        self.files += 1;
        for (sum, measure) in self.sums.iter_mut().zip(measures) {
            *sum += measure;
        }
        let kind: String = if name.starts_with("row") {
            name.chars().filter(|char| !char.is_ascii_digit()).collect()
        } else {
            name.to_owned()
        };
        let (files, sum) = self.kinds.entry(kind).or_default();
        *files += 1;
        *sum += measures.iter().sum::<f64>();
    }

    fn judge(&self, least_files: usize, least: f64) -> Result<(), Failed> {
        for (kind, (files, sum)) in &self.kinds {
            println!("{:8.4}  {files:4}  {kind}", sum / *files as f64);
        }
        for (measure, sum) in MEASURES.iter().zip(self.sums) {
            println!("{:8.4}  {measure}", sum / self.files as f64);
        }
        let score = self.sums.iter().sum::<f64>() / self.files as f64;
        println!("{score:8.4}  of 10, over {} files", self.files);
        if self.files < least_files {
            return Err(format!("only {} files", self.files).into());
        }
        if score < least {
            return Err(format!("{score:.4} is less than {least}").into());
        }
        Ok(())
    }
}

fn measure(expected: &Rows, loaded: &Rows) -> [f64; 10] {
    if expected.is_empty() {
        return [1.0; 10];
    }
    let lower = |row: &Vec<String>| row.iter().map(|cell| cell.to_lowercase()).collect::<Vec<_>>();
    let record = |row: &Vec<String>| lower(row).concat();
    let header = |rows: &Rows| rows.first().map(lower).unwrap_or_default();
    let records = |rows: &Rows| rows.iter().skip(1).map(record).collect::<Vec<_>>();
    let cells = |rows: &Rows| rows.iter().flatten().cloned().collect::<Vec<_>>();
    let measures = [
        compare(&header(expected), &header(loaded)),
        compare(&records(expected), &records(loaded)),
        compare(&cells(expected), &cells(loaded)),
    ];
    let mut all = [1.0; 10];
    for (to, from) in all.iter_mut().skip(1).zip(measures.as_flattened()) {
        *to = *from;
    }
    all
}

/// Precision, recall and F1 as the benchmark's own scorer computes them.
fn compare<T: Ord>(expected: &[T], loaded: &[T]) -> [f64; 3] {
    if expected.is_empty() {
        return [1.0; 3];
    }
    let (all_expected, all_loaded) = (expected.len(), loaded.len());
    let mut counts = BTreeMap::new();
    for one in expected {
        *counts.entry(one).or_insert(0_usize) += 1;
    }
    let mut common = 0_usize;
    for one in loaded {
        if let Some(count) = counts.get_mut(one).filter(|count| **count > 0) {
            *count -= 1;
            common += 1;
        }
    }
    if common == 0 {
        return [0.0; 3];
    }
    let precision = common as f64 / all_expected as f64;
    let recall = common as f64 / all_loaded as f64;
    [precision, recall, 2.0 * precision * recall / (precision + recall)]
}
