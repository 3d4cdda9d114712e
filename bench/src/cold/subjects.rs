//! What is measured: each function, what its users would write in Python instead, and the least in both languages.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::{jobs::Job, stage::Stage};

/// In what a subject is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    Rust,
    Python,
}

impl Language {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) job: Job,
    pub(crate) language: Language,
}

/// What a job is in each language: a new function is one row.
pub(crate) struct Row {
    pub(crate) job: Job,
    /// The binary.
    pub(crate) binary: &'static str,
    /// What both are told is the environment of that function; the hellos and the peers of functions that
    /// are still to come borrow one.
    pub(crate) environment_of: &'static str,
    /// The libraries of the peer.
    pub(crate) peer: &'static str,
}

/// Every job.
pub(crate) const ROWS: [Row; 6] = [
    row(Job::Hello, "hello-bare", "Notify", "awslambdaric alone"),
    row(Job::Api, "api", "Api", "boto3"),
    row(Job::Intake, "intake", "Intake", "boto3"),
    row(Job::Notify, "notify", "Notify", "boto3"),
    row(Job::Tables, "tables", "Tables", "boto3, pandas, pyarrow"),
    row(Job::Images, "images", "Tables", "boto3, Pillow"),
];

const fn row(job: Job, binary: &'static str, environment_of: &'static str, peer: &'static str) -> Row {
    Row {
        job,
        binary,
        environment_of,
        peer,
    }
}

impl Subject {
    /// `tables` or `tables (Python)`.
    pub(crate) fn name(self) -> String {
        match self.language {
            Language::Rust => self.job.name().to_owned(),
            Language::Python => format!("{} (Python)", self.job.name()),
        }
    }

    pub(crate) fn row(self) -> &'static Row {
        let [hello, api, intake, notify, tables, images] = &ROWS;
        match self.job {
            Job::Hello => hello,
            Job::Api => api,
            Job::Intake => intake,
            Job::Notify => notify,
            Job::Tables => tables,
            Job::Images => images,
        }
    }
}

/// The subjects whose job is among `only`, or all: in Rust those that the template, or nobody, asks for.
pub(crate) fn subjects(stage: &Stage, only: &[String], bin_dir: &Path, peers: &Path) -> Result<Vec<Subject>> {
    let names: Vec<_> = ROWS.iter().map(|row| row.job.name()).collect();
    for name in only {
        ensure!(
            names.contains(&name.as_str()),
            "there is nothing called {name:?} to measure, only {}",
            names.join(", ")
        );
    }
    let mut subjects = Vec::new();
    for row in &ROWS {
        let job = row.job;
        if !only.is_empty() && !only.iter().any(|name| name == job.name()) {
            continue;
        }
        if job == Job::Hello || stage.memory_mb(row.binary).is_some() {
            let binary = binary(bin_dir, row.binary);
            ensure!(
                binary.is_file(),
                "{} is missing: `make package ARCH={}` makes it",
                binary.display(),
                std::env::consts::ARCH
            );
            subjects.push(Subject {
                job,
                language: Language::Rust,
            });
        }
        let handler = peers.join(job.name()).join("task/handler.py");
        ensure!(
            handler.is_file(),
            "{} is missing: `make bench-cold` makes it",
            handler.display()
        );
        subjects.push(Subject {
            job,
            language: Language::Python,
        });
    }
    Ok(subjects)
}

/// `NAME/bootstrap`, as packages have it, or `NAME`, as cargo leaves it.
pub(crate) fn binary(bin_dir: &Path, name: &str) -> std::path::PathBuf {
    let packaged = bin_dir.join(name).join("bootstrap");
    if packaged.is_file() || !bin_dir.join(name).is_file() {
        packaged
    } else {
        bin_dir.join(name)
    }
}
