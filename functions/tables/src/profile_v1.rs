//! What `profile.json` says of a table, and how the profiles of its parts become the profile of the whole.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    distinct::{Distinct, STANDARD_ERROR},
    infer::ColumnType,
    time::{ShowDate, ShowTimestamp},
};

/// How many bytes of the least and greatest text are kept. Texts are compared by their bytes, up to here.
pub const TEXT_BYTES: usize = 256;
/// Raised when `profile.json` changes its shape.
const FORMAT: u32 = 1;

/// A table, or consecutive records of one. Serialises to `profile.json`.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The delimiter.
    pub delimiter: u8,
    /// Rows written.
    pub rows_written: u64,
    /// Records rejected.
    pub rows_rejected: u64,
    /// Blank lines, which are no records.
    pub blank_lines: u64,
    /// The columns, in the file's order.
    pub columns: Vec<ColumnProfile>,
}

/// Two profiles that are not of the same table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("profiles of different tables: {0}")]
pub struct Mismatch(String);

impl Profile {
    /// The profile of both parts together, in this order: exact for counts, least and greatest; for `distinct`
    /// what one pass over both would have estimated. Associative.
    pub fn merge(mut self, other: &Self) -> Result<Self, Mismatch> {
        if self.columns.len() != other.columns.len() || self.delimiter != other.delimiter {
            return Err(Mismatch(format!(
                "{} and {} columns, delimited by {:?} and {:?}",
                self.columns.len(),
                other.columns.len(),
                char::from(self.delimiter),
                char::from(other.delimiter),
            )));
        }
        for (ours, theirs) in self.columns.iter_mut().zip(&other.columns) {
            ours.merge(theirs)?;
        }
        self.rows_written += other.rows_written;
        self.rows_rejected += other.rows_rejected;
        self.blank_lines += other.blank_lines;
        Ok(self)
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut profile = serializer.serialize_struct("Profile", 8)?;
        profile.serialize_field("format", &FORMAT)?;
        profile.serialize_field("rows", &(self.rows_written + self.rows_rejected))?;
        profile.serialize_field("rows_written", &self.rows_written)?;
        profile.serialize_field("rows_rejected", &self.rows_rejected)?;
        profile.serialize_field("blank_lines", &self.blank_lines)?;
        profile.serialize_field("delimiter", &char::from(self.delimiter))?;
        profile.serialize_field("distinct_standard_error", &STANDARD_ERROR)?;
        profile.serialize_field("columns", &self.columns)?;
        profile.end()
    }
}

/// A column of the rows that were written.
#[derive(Debug, Clone)]
pub struct ColumnProfile {
    /// Its name in the Parquet file.
    pub name: String,
    /// Its name in the header, where that is another.
    pub header: Option<String>,
    /// Its type.
    pub kind: ColumnType,
    /// Cells without a value: nothing between the delimiters; in a column that is no string, `""` too.
    pub nulls: u64,
    /// Cells of a string column that hold a text of no characters: `""`.
    pub empties: u64,
    /// Its different values; nulls are none.
    pub distinct: Distinct,
    /// Its least and greatest value.
    pub range: Range,
}

impl ColumnProfile {
    /// A column without a cell yet.
    #[must_use]
    pub fn new(name: String, header: &str, kind: ColumnType) -> Self {
        Self {
            header: (header != name).then(|| header.to_owned()),
            name,
            kind,
            nulls: 0,
            empties: 0,
            distinct: Distinct::default(),
            range: Range::default(),
        }
    }

    fn merge(&mut self, other: &Self) -> Result<(), Mismatch> {
        if self.name != other.name || self.kind != other.kind {
            return Err(Mismatch(format!(
                "column {:?} ({:?}) and column {:?} ({:?})",
                self.name, self.kind, other.name, other.kind
            )));
        }
        self.nulls += other.nulls;
        self.empties += other.empties;
        self.distinct.merge(&other.distinct);
        self.range.merge(&other.range);
        Ok(())
    }
}

impl Serialize for ColumnProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (distinct, exact) = self.distinct.count();
        let (min, max) = self.range.show(self.kind);
        let mut column = serializer.serialize_struct("ColumnProfile", 9)?;
        column.serialize_field("name", &self.name)?;
        match &self.header {
            Some(header) => column.serialize_field("header", header)?,
            None => column.skip_field("header")?,
        }
        column.serialize_field("type", &self.kind)?;
        column.serialize_field("nulls", &self.nulls)?;
        column.serialize_field("empties", &self.empties)?;
        column.serialize_field("distinct", &distinct)?;
        column.serialize_field("distinct_exact", &exact)?;
        column.serialize_field("min", &min)?;
        column.serialize_field("max", &max)?;
        column.end()
    }
}

/// The least and the greatest value so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Range {
    /// None yet.
    #[default]
    Empty,
    /// Integers, truth values (0 and 1), days and microseconds.
    Int(i64, i64),
    /// Floats, `-0` below `0`.
    Float(f64, f64),
    /// The first [`TEXT_BYTES`] bytes of texts.
    Text(Vec<u8>, Vec<u8>),
}

impl Range {
    /// Takes note of an integer.
    #[inline]
    pub fn add_int(&mut self, value: i64) {
        match self {
            Self::Int(min, max) => {
                *min = value.min(*min);
                *max = value.max(*max);
            }
            _ => *self = Self::Int(value, value),
        }
    }

    /// Takes note of a float.
    #[inline]
    pub fn add_float(&mut self, value: f64) {
        match self {
            Self::Float(min, max) => {
                if value.total_cmp(min).is_lt() {
                    *min = value;
                }
                if value.total_cmp(max).is_gt() {
                    *max = value;
                }
            }
            _ => *self = Self::Float(value, value),
        }
    }

    /// Takes note of a text.
    #[inline]
    pub fn add_text(&mut self, value: &[u8]) {
        let value = value.get(..TEXT_BYTES).unwrap_or(value);
        match self {
            Self::Text(min, max) => {
                if value < min.as_slice() {
                    value.clone_into(min);
                } else if value > max.as_slice() {
                    value.clone_into(max);
                }
            }
            _ => *self = Self::Text(value.to_vec(), value.to_vec()),
        }
    }

    fn merge(&mut self, other: &Self) {
        match other {
            Self::Empty => {}
            Self::Int(min, max) => {
                self.add_int(*min);
                self.add_int(*max);
            }
            Self::Float(min, max) => {
                self.add_float(*min);
                self.add_float(*max);
            }
            Self::Text(min, max) => {
                self.add_text(min);
                self.add_text(max);
            }
        }
    }

    fn show(&self, kind: ColumnType) -> (Shown, Shown) {
        match self {
            Self::Empty => (Shown::Nothing, Shown::Nothing),
            Self::Int(min, max) => (Shown::int(*min, kind), Shown::int(*max, kind)),
            Self::Float(min, max) => (Shown::Float(*min), Shown::Float(*max)),
            Self::Text(min, max) => (Shown::text(min), Shown::text(max)),
        }
    }
}

/// A value as `profile.json` has it: days and instants in ISO 8601, texts cut at [`TEXT_BYTES`] bytes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Shown {
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Shown {
    fn int(value: i64, kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(value != 0),
            ColumnType::Date => Self::Text(ShowDate(i32::try_from(value).unwrap_or_default()).to_string()),
            ColumnType::Timestamp | ColumnType::TimestampUtc => Self::Text(
                ShowTimestamp {
                    micros: value,
                    utc: kind == ColumnType::TimestampUtc,
                }
                .to_string(),
            ),
            ColumnType::Int64 | ColumnType::Float64 | ColumnType::String => Self::Int(value),
        }
    }

    /// The cut may fall within a character, which is then left out.
    fn text(bytes: &[u8]) -> Self {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => bytes
                .get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        };
        Self::Text(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::hash_bytes;

    fn profile(cells: &[String]) -> Profile {
        let mut column = ColumnProfile::new("a".into(), "a", ColumnType::String);
        for cell in cells {
            if cell.is_empty() {
                column.nulls += 1;
            } else {
                column.distinct.add(hash_bytes(cell.as_bytes()));
                column.range.add_text(cell.as_bytes());
            }
        }
        Profile {
            delimiter: b',',
            rows_written: cells.len() as u64,
            rows_rejected: 1,
            blank_lines: 0,
            columns: vec![column],
        }
    }

    fn json(profile: &Profile) -> serde_json::Value {
        serde_json::to_value(profile).unwrap()
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = format!("{}é", "a".repeat(TEXT_BYTES - 1));
        let json = json(&profile(&[text]));
        assert_eq!(json["columns"][0]["max"], "a".repeat(TEXT_BYTES - 1));
    }

    #[test]
    fn different_tables_do_not_merge() {
        let one = profile(&[]);
        let mut other = profile(&[]);
        other.columns[0].kind = ColumnType::Int64;
        assert!(one.clone().merge(&other).is_err());
        other.columns.clear();
        assert!(one.merge(&other).is_err());
    }

    proptest::proptest! {
        #[test]
        fn profiles_of_parts_merge_to_the_profile_of_the_whole(
            cells in proptest::collection::vec("[a-zé]{0,3}", 0..40), first in 0_usize..40, second in 0_usize..40,
        ) {
            let (first, second) = (first.min(second).min(cells.len()), first.max(second).min(cells.len()));
            let (a, b, c) = (profile(&cells[..first]), profile(&cells[first..second]), profile(&cells[second..]));
            let mut whole = profile(&cells);
            whole.rows_rejected = 3;
            let left = a.clone().merge(&b).unwrap().merge(&c).unwrap();
            let right = a.merge(&b.merge(&c).unwrap()).unwrap();
            proptest::prop_assert_eq!(json(&left), json(&whole));
            proptest::prop_assert_eq!(json(&right), json(&whole));
        }
    }
}
