//! The adapter between this crate and what runs it.

use std::{collections::BTreeMap, io::Write};

use serde::Serialize;
use shared::{Failure, Input, Outputs, Processor, options::TablesOptions};

use crate::{
    delimited::{self, Outcome},
    profile::{FileFacts, Profile},
    read::Delimited,
};

/// The most columns a table may have: more than databases take, few enough to hold a writer and a profile for each.
pub const MAX_COLUMNS: usize = 4_096;

/// Turns a table into `table.parquet`, `table.proto`, `table.pb`, `profile.json`, `profile.html` and, if there is one to
/// tell of, `rejects.jsonl`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tables;

/// What the catalogue keeps of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records of the file, the header not counted: always `rows_written` + `rows_rejected`.
    pub rows: u64,
    /// Rows in `table.parquet`.
    pub rows_written: u64,
    /// Lines in `rejects.jsonl`.
    pub rows_rejected: u64,
    /// How many of them for which reason.
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
    /// Blank lines, which are no records.
    pub blank_lines: u64,
    /// The number of columns.
    pub columns: usize,
    /// The delimiter.
    pub delimiter: String,
}

impl Processor for Tables {
    const NAME: &'static str = "tables";
    const VERSION: u32 = 2;
    type Report = Report;
    type Options = TablesOptions;

    fn process(
        &self,
        input: Input<'_>,
        options: &TablesOptions,
        outputs: &mut dyn Outputs,
    ) -> Result<Report, Failure> {
        let table = Delimited::open(&input, options)?;
        let outcome = delimited::run(&table, &input, outputs)?;
        let Outcome {
            counts,
            mut profile,
            rejects,
            rows_written,
        } = outcome;
        let report = Report {
            rows: counts.records,
            rows_written,
            rows_rejected: rejects.count(),
            rejected_by_reason: rejects.finish()?,
            blank_lines: counts.blank_lines,
            columns: table.dialect.columns(),
            delimiter: table.dialect.delimiter.clone(),
        };
        if report.rows != report.rows_written + report.rows_rejected {
            let message = format!(
                "{} rows read, {} written and {} rejected",
                report.rows, report.rows_written, report.rows_rejected
            );
            return Err(Failure::internal("row-count", message));
        }
        profile.blank_lines = counts.blank_lines;
        for (reason, count) in &report.rejected_by_reason {
            profile.rejected.insert((*reason).to_owned(), *count);
        }
        profile.file = FileFacts {
            null_tokens: profile.file.null_tokens,
            ..facts(&input, &table)?
        };
        write_profile(&profile, outputs)?;
        Ok(report)
    }
}

/// What the profile says of the file.
fn facts(input: &Input<'_>, table: &Delimited) -> Result<FileFacts, Failure> {
    let ours = |error: serde_json::Error| Failure::internal("profile", error.to_string());
    Ok(FileFacts {
        name: Some(input.facts.name.clone()),
        size_bytes: Some(input.facts.size_bytes),
        format: Some("delimited".to_owned()),
        dialect: Some(serde_json::to_value(&table.dialect).map_err(ours)?),
        encoding: Some(serde_json::to_value(table.text.encoding).map_err(ours)?),
        compression: table
            .text
            .compression
            .map(serde_json::to_value)
            .transpose()
            .map_err(ours)?,
        ..FileFacts::default()
    })
}

fn write_profile(profile: &Profile, outputs: &mut dyn Outputs) -> Result<(), Failure> {
    let json = profile
        .to_json()
        .map_err(|error| Failure::internal("profile", error.to_string()))?;
    let mut output = outputs.create("profile.json", "application/json")?;
    output
        .write_all(&json)
        .map_err(|error| Failure::from_write(&error))?;
    output.finish()?;
    let mut output = outputs.create("profile.html", "text/html; charset=utf-8")?;
    let page = profile.to_html();
    output
        .write_all(page.as_bytes())
        .map_err(|error| Failure::from_write(&error))?;
    output.finish()
}
