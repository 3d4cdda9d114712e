//! The adapter between this crate and what runs it.

use std::{collections::BTreeMap, io::Write};

use serde::Serialize;
use shared::{Failure, Input, Outputs, Processor, options::TablesOptions};

use crate::{
    delimited,
    dialect::{self, Wanted},
    documents,
    json::{self, JsonKind},
    profile::{FileFacts, Profile},
    read::Delimited,
    source::{Text, TextEncoding, keep},
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
    /// What the file is: `delimited`, `json_lines`, `json_array`, `json_values`.
    pub format: &'static str,
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
    /// The delimiter, of delimited text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
}

impl Processor for Tables {
    const NAME: &'static str = "tables";
    const VERSION: u32 = 4;
    type Report = Report;
    type Options = TablesOptions;

    fn process(
        &self,
        input: Input<'_>,
        options: &TablesOptions,
        outputs: &mut dyn Outputs,
    ) -> Result<Report, Failure> {
        let kept = keep(&input)?;
        let bytes = kept.as_deref().unwrap_or_default();
        let input = match kept {
            Some(_) => Input::new(input.facts, input.limits, &bytes),
            None => input,
        };
        let encoding = options
            .encoding
            .as_ref()
            .and_then(|name| TextEncoding::by_name(name.as_str()));
        let (mut text, mut sample) = Text::find(&input, encoding)?;
        let version = options.parquet_version.unwrap_or_default();
        // Who says how fields are delimited says that they are.
        let kind = if options.delimiter.is_none() {
            json::looks_like(&sample.start)
        } else {
            None
        };
        let (report, mut profile) = if let Some(kind) = kind {
            let outcome = documents::run(&text, kind, version, &input, outputs)?;
            let mut profile = outcome.profile;
            profile.file = FileFacts {
                undecodable: outcome.rejects.undecodable(),
                ..facts(&input, &text, kind_name(kind))?
            };
            let report = Report {
                format: kind_name(kind),
                rows: outcome.records,
                rows_written: outcome.rows_written,
                rows_rejected: outcome.rejects.count(),
                rejected_by_reason: outcome.rejects.finish()?,
                blank_lines: outcome.blank_lines,
                columns: outcome.columns,
                delimiter: None,
            };
            (report, profile)
        } else {
            let (table, outcome) = loop {
                let dialect = dialect::detect(&sample, &Wanted::from(options))?;
                let table = Delimited { text, dialect };
                if let Some(outcome) = delimited::run(&table, version, &input, outputs)? {
                    break (table, outcome);
                }
                (text, sample) = text.look_further(&input, sample)?;
            };
            let mut profile = outcome.profile;
            let dialect = serde_json::to_value(&table.dialect).map_err(not_json)?;
            profile.file = FileFacts {
                dialect: Some(dialect),
                null_tokens: profile.file.null_tokens,
                undecodable: outcome.rejects.undecodable(),
                ..facts(&input, &text, DELIMITED)?
            };
            let report = Report {
                format: DELIMITED,
                rows: outcome.counts.records,
                rows_written: outcome.rows_written,
                rows_rejected: outcome.rejects.count(),
                rejected_by_reason: outcome.rejects.finish()?,
                blank_lines: outcome.counts.blank_lines,
                columns: table.dialect.columns(),
                delimiter: Some(table.dialect.delimiter),
            };
            (report, profile)
        };
        if report.rows != report.rows_written + report.rows_rejected {
            let message = format!(
                "{} rows read, {} written and {} rejected",
                report.rows, report.rows_written, report.rows_rejected
            );
            return Err(Failure::internal("row-count", message));
        }
        profile.blank_lines = report.blank_lines;
        for (reason, count) in &report.rejected_by_reason {
            profile.rejected.insert((*reason).to_owned(), *count);
        }
        write_profile(&profile, outputs)?;
        Ok(report)
    }
}

const DELIMITED: &str = "delimited";

const fn kind_name(kind: JsonKind) -> &'static str {
    match kind {
        JsonKind::Lines => "json_lines",
        JsonKind::Array => "json_array",
        JsonKind::Values => "json_values",
    }
}

/// What the profile says of the file.
fn facts(input: &Input<'_>, text: &Text, format: &str) -> Result<FileFacts, Failure> {
    Ok(FileFacts {
        name: Some(input.facts.name.clone()),
        size_bytes: Some(input.facts.size_bytes),
        format: Some(format.to_owned()),
        encoding: Some(serde_json::to_value(text.encoding).map_err(not_json)?),
        compression: text
            .compression
            .map(serde_json::to_value)
            .transpose()
            .map_err(not_json)?,
        ..FileFacts::default()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn not_json(error: serde_json::Error) -> Failure {
    Failure::internal("profile", error.to_string())
}

fn write_profile(profile: &Profile, outputs: &mut dyn Outputs) -> Result<(), Failure> {
    let mut put = |name: &str, content_type: &str, bytes: &dyn Fn() -> Result<Vec<u8>, Failure>| {
        if !outputs.wants(name) {
            return Ok(());
        }
        let mut output = outputs.create(name, content_type)?;
        output
            .write_all(&bytes()?)
            .map_err(|error| Failure::from_write(&error))?;
        output.finish()
    };
    put("profile.json", "application/json", &|| {
        profile
            .to_json()
            .map_err(|error| Failure::internal("profile", error.to_string()))
    })?;
    put("profile.html", "text/html; charset=utf-8", &|| {
        Ok(profile.to_html().into_bytes())
    })
}
