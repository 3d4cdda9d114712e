//! What `profile.json` and `profile.html` say of a table, in bounded memory, and how the profiles of its parts become
//! the profile of the whole.
//!
//! | module | holds |
//! |---|---|
//! | `column`, `observe`, `coded` | a column; Arrow arrays in, with a dictionary or without |
//! | `ordered`, `text` | what is kept of values of fixed width, and of texts |
//! | `few` | values with their counts, while they are few: then everything is exact |
//! | `registers`, `frequent`, `quantiles`, `moments` | the sketches, for when they are many |
//! | `pattern`, `mojibake` | what a text looks like, and what went wrong with it |
//! | `lanes` | what several threads observe, put together the same way always |
//! | `distribution`, `alerts`, [`report`], `summarise` | what is said of a column in the end: the shape of `profile.json` |
//! | `html` | `profile.html` |
//!
//! A value is hashed once; the hash tells whether it is new (`few`, `registers`), counts it (`few`,
//! `frequent`) and goes into its row's (`row_hashes`), of which another set of registers tells how many are different.
//!
//! `merge` is associative, and gives what one pass over both parts would have given: the same for counts, least and
//! greatest, lengths and estimates of different values; within the errors that `precision` states for quantiles,
//! histograms and outliers; within the bounds beside each of them for the values seen most; and within a sample's
//! error for patterns once values are many. Up to `precision.exact_distinct` different values, it is the same
//! throughout.

mod alerts;
mod coded;
pub mod column;
mod distribution;
mod few;
mod frequent;
mod hash;
mod hashes;
mod html;
mod kind;
mod lanes;
mod mojibake;
mod moments;
mod observe;
mod ordered;
mod pattern;
pub mod precision;
mod quantiles;
mod registers;
pub mod report;
mod row_hashes;
mod summarise;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use arrow_schema::Schema;
use serde::Serialize;

pub use column::{ColumnProfile, Widened};
pub(crate) use lanes::{Batch, Lanes, Turn};
pub use precision::Precision;

use hashes::Hashes;
use row_hashes::RowHashes;

use crate::cells::{Cells, Rows};

/// What a file is and how it was read. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct FileFacts {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// What it holds: `delimited`, `json_lines`, `json_array`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// How it is delimited, and with what confidence that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<serde_json::Value>,
    /// The encoding of its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<serde_json::Value>,
    /// Bytes that cannot be decoded. Records that hold them were rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecodable: Option<Undecodable>,
    /// How it is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<serde_json::Value>,
    /// The texts that stand for no value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub null_tokens: Vec<String>,
}

/// Bytes that the encoding does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Undecodable {
    /// Records that hold some.
    pub records: u64,
    /// Where in the file, decompressed if it is compressed, the first of them stand in each of the first hundred such
    /// records: offsets in bytes.
    pub first_offsets: Vec<u64>,
}

/// A table, or consecutive records of one.
#[derive(Debug, Clone)]
pub struct Profile {
    /// What the file is; of parts, the first one's counts.
    pub file: FileFacts,
    /// Records rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Blank lines, which are no records.
    pub blank_lines: u64,
    /// The columns, in the file's order.
    pub columns: Vec<ColumnProfile>,
    rows: u64,
    row_hashes: Hashes,
    precision: Precision,
}

/// Two profiles that are not of the same table, or rows that are not of the profile's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the same table: {0}")]
pub struct Mismatch(String);

impl Profile {
    /// A table without a row yet. Names and types of the columns are the schema's; the caller may say more of them in
    /// [`Profile::columns`].
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let fields = schema.fields();
        let leaves = fields
            .iter()
            .map(|field| ColumnProfile::leaves(field.data_type()))
            .sum();
        Self::with_precision(schema, Precision::for_columns(leaves))
    }

    fn with_precision(schema: &Schema, precision: Precision) -> Self {
        let columns = schema.fields().iter().map(|field| {
            let described = column::describe(field.data_type());
            ColumnProfile::new(
                field.name(),
                field.name(),
                described,
                field.data_type(),
                precision,
            )
        });
        Self {
            file: FileFacts::default(),
            rejected: BTreeMap::new(),
            blank_lines: 0,
            columns: columns.collect(),
            rows: 0,
            row_hashes: Hashes::new(precision),
            precision,
        }
    }

    /// Takes note of rows that are written.
    ///
    /// # Errors
    /// When they have other columns.
    pub fn observe(&mut self, rows: &Rows) -> Result<(), Mismatch> {
        if rows.columns.len() != self.columns.len() {
            return Err(Mismatch(format!(
                "{} columns, and rows of {}",
                self.columns.len(),
                rows.columns.len()
            )));
        }
        let mut hashes = vec![0; rows.count];
        for (index, cells) in rows.columns.iter().enumerate() {
            self.observe_column(index, cells, &mut hashes)?;
        }
        self.observe_rows(hashes);
        Ok(())
    }

    /// Takes note of a column of rows, whose hashes it goes into.
    fn observe_column(&mut self, index: usize, cells: &Cells, hashes: &mut [u64]) -> Result<(), Mismatch> {
        let column = self.columns.get_mut(index);
        let column = column.ok_or_else(|| Mismatch(format!("no column {index}")))?;
        let mut rows = RowHashes::of_column(hashes, index);
        let Some(places) = &cells.places else {
            return column.observe(&cells.values, rows);
        };
        let mut sums = vec![0; places.len()];
        column.observe(&cells.values, rows.of_others(&mut sums))?;
        rows.add_at(places, &sums);
        column.add_nulls((cells.rows - places.len()) as u64);
        Ok(())
    }

    /// Takes note of rows by the hashes that all columns went into.
    fn observe_rows(&mut self, mut hashes: Vec<u64>) {
        for hash in &mut hashes {
            *hash = hash::hash_bits(*hash);
        }
        self.row_hashes.add_all(&hashes);
        self.rows += hashes.len() as u64;
    }

    /// Rows taken note of.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes what the other took, of the records that follow.
    ///
    /// # Errors
    /// When it is of another table.
    pub fn merge(&mut self, other: &Self) -> Result<(), Mismatch> {
        if self.columns.len() != other.columns.len() || self.precision != other.precision {
            return Err(Mismatch(format!(
                "{} and {} columns",
                self.columns.len(),
                other.columns.len()
            )));
        }
        for (ours, theirs) in self.columns.iter_mut().zip(&other.columns) {
            ours.merge(theirs)?;
        }
        for (reason, count) in &other.rejected {
            *self.rejected.entry(reason.clone()).or_default() += count;
        }
        self.blank_lines += other.blank_lines;
        self.rows += other.rows;
        self.row_hashes.merge(&other.row_hashes);
        Ok(())
    }

    /// What `profile.json` says.
    #[must_use]
    pub fn report(&self) -> report::Table {
        summarise::table(self)
    }

    /// `profile.json`, as `docs/profile.schema.json` describes it.
    ///
    /// # Errors
    /// When the dialect's value cannot be JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec_pretty(&self.report())
    }

    /// `profile.html`: one page for people that needs nothing else.
    #[must_use]
    pub fn to_html(&self) -> String {
        html::page(&self.report())
    }
}
