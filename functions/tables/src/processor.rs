//! The adapter between this crate and what runs it.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use serde::Serialize;
use shared::{Failure, Input, Limits, Outputs, Place, Processor, options::TablesOptions};

use crate::{
    columns::Columns,
    dialect,
    infer::{ColumnType, Inference},
    names::unique_names,
    profile::{ColumnProfile, Profile},
    reader::{Header, MAX_RECORD_BYTES, Reader},
    rejects::{Rejects, explain},
    write::TableWriter,
};

/// The most columns a table may have: more than databases take, few enough to hold a writer and a profile for each.
pub const MAX_COLUMNS: usize = 4_096;
/// Files up to this size are read once and kept, instead of being fetched for each pass.
const KEEP_BYTES: u64 = 8 << 20;
/// Rows are handed to the Parquet writer once they hold this much memory, and in a wide table this much a column.
const BATCH_BYTES: usize = 2 << 20;
const BATCH_BYTES_PER_COLUMN: usize = 4 << 10;
const MAX_BATCH_BYTES: usize = 16 << 20;
/// An open row group holds no more than this.
const MAX_GROUP_BYTES: u64 = 48 << 20;

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
    pub delimiter: char,
}

impl Processor for Tables {
    const NAME: &'static str = "tables";
    const VERSION: u32 = 1;
    type Report = Report;
    type Options = TablesOptions;

    fn process(
        &self,
        input: Input<'_>,
        options: &TablesOptions,
        outputs: &mut dyn Outputs,
    ) -> Result<Report, Failure> {
        let kept = Kept::new(&input)?;
        let (table, types, rejects, seen) = infer(&kept, &input, options, outputs)?;
        if seen.records > 0 && seen.records == rejects.count() {
            return Err(rejects.no_good_row());
        }
        let (profile, written) = write(&kept, &input, &table, &types, seen, outputs)?;
        let report = Report {
            rows: seen.records,
            rows_written: written,
            rows_rejected: rejects.count(),
            rejected_by_reason: rejects.finish()?,
            blank_lines: seen.blank_lines,
            columns: table.header.len(),
            delimiter: char::from(table.delimiter),
        };
        if report.rows != report.rows_written + report.rows_rejected {
            let message = format!(
                "{} rows read, {} written and {} rejected",
                report.rows, report.rows_written, report.rows_rejected
            );
            return Err(Failure::internal("row-count", message));
        }
        let profile = Profile {
            rows_rejected: report.rows_rejected,
            ..profile
        };
        write_profile(&profile, outputs)?;
        Ok(report)
    }
}

/// What the first records say.
struct Table {
    delimiter: u8,
    header: Vec<String>,
    record_bytes: usize,
}

/// What a pass counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    records: u64,
    blank_lines: u64,
}

impl Seen {
    fn by<R: Read>(reader: &Reader<R>) -> Self {
        Self {
            records: reader.records(),
            blank_lines: reader.blank_lines(),
        }
    }
}

/// The first pass: what the file is, what its columns hold, which records are no rows.
fn infer(
    kept: &Kept,
    input: &Input<'_>,
    options: &TablesOptions,
    outputs: &mut dyn Outputs,
) -> Result<(Table, Vec<ColumnType>, Rejects, Seen), Failure> {
    let record_bytes = input.limits.record_bytes.min(MAX_RECORD_BYTES);
    let mut reader = Reader::new(kept.reader(input)?, b',', record_bytes);
    let sample = reader.peek()?;
    dialect::refuse_binary(sample)?;
    let sample_bytes = sample.len();
    let whole = reader.is_whole();
    let delimiter = match options
        .delimiter
        .as_ref()
        .and_then(|delimiter| delimiter.as_str().bytes().next())
    {
        Some(delimiter) => delimiter,
        None => dialect::find_delimiter(reader.peek()?.get(..sample_bytes).unwrap_or_default(), whole),
    };
    reader.set_delimiter(delimiter);
    let table = Table {
        delimiter,
        header: read_header(&mut reader, record_bytes)?,
        record_bytes,
    };
    let mut columns = vec![Inference::default(); table.header.len()];
    let mut rejects = Rejects::default();
    while let Some(block) = reader.next_block()? {
        rejects.take(&block, columns.len(), record_bytes, outputs)?;
        for (index, column) in columns.iter_mut().enumerate() {
            if !column.is_settled() {
                block.for_each_cell(index, |cell, _| column.observe(cell));
            }
        }
    }
    let types = columns.iter().map(Inference::decide).collect();
    Ok((table, types, rejects, Seen::by(&reader)))
}

/// The header's fields.
fn read_header<R: Read>(reader: &mut Reader<R>, record_bytes: usize) -> Result<Vec<String>, Failure> {
    let fields = match reader.header(MAX_COLUMNS)? {
        Header::Missing => return Err(dialect::empty()),
        Header::Bad(fault, offset) => {
            let (reason, message) = explain(fault, 0, record_bytes);
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

/// The second pass: every row to Parquet, and into the profile.
fn write(
    kept: &Kept,
    input: &Input<'_>,
    table: &Table,
    types: &[ColumnType],
    seen: Seen,
    outputs: &mut dyn Outputs,
) -> Result<(Profile, u64), Failure> {
    let mut reader = Reader::new(kept.reader(input)?, table.delimiter, table.record_bytes);
    reader.header(MAX_COLUMNS)?;
    let names = unique_names(&table.header);
    let profiles = names
        .into_iter()
        .zip(&table.header)
        .zip(types)
        .map(|((name, header), kind)| ColumnProfile::new(name, header, *kind));
    let mut columns = Columns::new(profiles.collect());
    let output = outputs.create("table.parquet", "application/vnd.apache.parquet")?;
    let mut writer = TableWriter::new(output, columns.schema(), group_bytes(input.limits))?;
    let batch_bytes = (types.len() * BATCH_BYTES_PER_COLUMN).clamp(BATCH_BYTES, MAX_BATCH_BYTES);
    while let Some(block) = reader.next_block()? {
        columns.take(&block)?;
        if columns.held_bytes() >= batch_bytes {
            let rows = columns.rows();
            writer.write(columns.hand_over()?, rows)?;
        }
    }
    if columns.rows() > 0 {
        let rows = columns.rows();
        writer.write(columns.hand_over()?, rows)?;
    }
    if Seen::by(&reader) != seen {
        let message = format!(
            "{seen:?} in the first pass, {:?} in the second",
            Seen::by(&reader)
        );
        return Err(Failure::internal("second-pass", message));
    }
    let rows_written = writer.finish()?;
    let profile = Profile {
        delimiter: table.delimiter,
        rows_written,
        rows_rejected: 0,
        blank_lines: seen.blank_lines,
        columns: columns.into_profiles(),
    };
    Ok((profile, rows_written))
}

fn write_profile(profile: &Profile, outputs: &mut dyn Outputs) -> Result<(), Failure> {
    let json = serde_json::to_vec_pretty(profile)
        .map_err(|error| Failure::internal("profile", error.to_string()))?;
    let mut output = outputs.create("profile.json", "application/json")?;
    output
        .write_all(&json)
        .map_err(|error| Failure::from_write(&error))?;
    output.finish()
}

/// A share of the memory, as the rest of a run needs some too.
fn group_bytes(limits: &Limits) -> usize {
    usize::try_from((limits.memory_bytes / 4).min(MAX_GROUP_BYTES)).unwrap_or(usize::MAX)
}

/// The whole of a small file.
struct Kept(Option<Vec<u8>>);

impl Kept {
    fn new(input: &Input<'_>) -> Result<Self, Failure> {
        if input.facts.size_bytes > KEEP_BYTES.min(input.limits.memory_bytes / 8) {
            return Ok(Self(None));
        }
        let size = usize::try_from(input.facts.size_bytes).unwrap_or_default();
        // A byte of room tells the end of the file from a file larger than its facts say.
        let mut bytes = vec![0; size + 1];
        let mut length = 0;
        let mut reader = input.reader()?;
        while let Some(free) = bytes.get_mut(length..).filter(|free| !free.is_empty()) {
            match reader.read(free) {
                Ok(0) => {
                    bytes.truncate(length);
                    return Ok(Self(Some(bytes)));
                }
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::from_read(&error)),
            }
        }
        Ok(Self(None))
    }

    /// A pass over the file.
    fn reader<'a>(&'a self, input: &Input<'a>) -> Result<Box<dyn Read + 'a>, Failure> {
        Ok(match &self.0 {
            Some(bytes) => Box::new(bytes.as_slice()),
            None => Box::new(input.reader()?),
        })
    }
}
