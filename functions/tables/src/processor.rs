//! The adapter between this crate and what runs it.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

use serde::Serialize;
use shared::{Failure, Input, Outputs, Place, Processor, options::TablesOptions};

use crate::{
    delimited::{self, Outcome},
    dialect::{self, Dialect},
    profile::Profile,
    reader::{Header, MAX_RECORD_BYTES, Reader},
};

/// The most columns a table may have: more than databases take, few enough to hold a writer and a profile for each.
pub const MAX_COLUMNS: usize = 4_096;

/// Turns delimited text into `table.parquet`, `profile.json` and, if there is one to tell of, `rejects.jsonl`.
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
        let dialect = find_dialect(&input, *options)?;
        let open = || Ok(Box::new(input.reader()?) as Box<dyn Read + Send>);
        let outcome = delimited::run(&open, &dialect, input.limits, outputs)?;
        let Outcome { counts, mut profile, rejects, rows_written, .. } = outcome;
        let report = Report {
            rows: counts.records,
            rows_written,
            rows_rejected: rejects.count(),
            rejected_by_reason: rejects.finish()?,
            blank_lines: counts.blank_lines,
            columns: dialect.columns(),
            delimiter: dialect.delimiter.clone(),
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
        write_profile(&profile, outputs)?;
        Ok(report)
    }
}

/// What the file's first bytes say.
fn find_dialect(input: &Input<'_>, options: TablesOptions) -> Result<Dialect, Failure> {
    let record_bytes = input.limits.record_bytes.min(MAX_RECORD_BYTES);
    let mut reader = Reader::new(input.reader()?, b',', record_bytes);
    let sample = reader.peek()?;
    dialect::refuse_binary(sample)?;
    let sample_bytes = sample.len();
    let whole = reader.is_whole();
    let delimiter = match options.delimiter {
        Some(delimiter) => delimiter.byte(),
        None => dialect::find_delimiter(reader.peek()?.get(..sample_bytes).unwrap_or_default(), whole),
    };
    reader.set_delimiter(delimiter);
    let header = read_header(&mut reader, record_bytes)?;
    Ok(Dialect::simple(delimiter, header, reader.position()))
}

/// The header's fields.
fn read_header<R: Read>(reader: &mut Reader<R>, record_bytes: usize) -> Result<Vec<String>, Failure> {
    let fields = match reader.header(MAX_COLUMNS)? {
        Header::Missing => return Err(dialect::empty()),
        Header::Bad(fault, offset) => {
            let (reason, message) = (format!("{fault:?}"), record_bytes);
            let message = format!("the header cannot be read ({reason}): {message}");
            return Err(Failure::rejected("bad-header", message).at(Place::Byte { offset }));
        }
        Header::Fields(fields) => fields,
    };
    if fields.len() > MAX_COLUMNS {
        let message = format!("the header has more than {MAX_COLUMNS} columns");
        return Err(Failure::limit("too-many-columns", message).at(Place::Byte { offset: 0 }));
    }
    let text = |field: Vec<u8>| {
        String::from_utf8(field)
            .map_err(|_| Failure::internal("header", "a header that was checked is not UTF-8"))
    };
    fields.into_iter().map(text).collect()
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
    output.write_all(page.as_bytes()).map_err(|error| Failure::from_write(&error))?;
    output.finish()
}
