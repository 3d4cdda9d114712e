//! Cells to typed columns: each block's cells are parsed straight from the reader's buffer, one column after the other,
//! into what becomes Arrow arrays, and profiled on the way.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use shared::Failure;

use crate::{
    distinct::{hash_bits, hash_bytes},
    infer::{ColumnType, read_bool},
    number::{Number, read_i64},
    profile_v1::ColumnProfile,
    reader::Block,
    time::{read_date, read_timestamp},
};

/// The columns of a table: the rows that are not written yet, and the profile of all.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    rows: usize,
}

#[derive(Debug)]
struct Column {
    profile: ColumnProfile,
    values: Values,
    nulls: NullBufferBuilder,
}

#[derive(Debug)]
enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Text { bytes: Vec<u8>, ends: Vec<i32> },
}

impl Columns {
    /// Columns without a row, of the profiles' names and types.
    #[must_use]
    pub fn new(profiles: Vec<ColumnProfile>) -> Self {
        let columns = profiles
            .into_iter()
            .map(|profile| Column {
                values: Values::new(profile.kind),
                nulls: NullBufferBuilder::new(0),
                profile,
            })
            .collect();
        Self { columns, rows: 0 }
    }

    /// The Arrow schema: every column may hold nulls.
    #[must_use]
    pub fn schema(&self) -> Schema {
        let field = |column: &Column| Field::new(&column.profile.name, data_type(column.profile.kind), true);
        Schema::new(self.columns.iter().map(field).collect::<Vec<_>>())
    }

    /// Adds the rows of a block.
    ///
    /// # Errors
    /// [`Failure::internal`] for a cell that is not of its column's type: the first pass saw other bytes.
    pub fn take(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        for (index, column) in self.columns.iter_mut().enumerate() {
            if !column.take(block, index) {
                let (name, kind) = (&column.profile.name, column.profile.kind);
                let message = format!("a cell of column {name:?} is no {kind:?}, though it was");
                return Err(Failure::internal("second-pass", message));
            }
        }
        self.rows += block.rows();
        Ok(())
    }

    /// Rows that wait to be written.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Memory that the rows waiting hold, in bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.columns.iter().map(|column| column.values.held_bytes()).sum()
    }

    /// Hands over the rows waiting, one array a column.
    ///
    /// # Errors
    /// [`Failure::internal`] when Arrow refuses what was built.
    pub fn hand_over(&mut self) -> Result<Vec<ArrayRef>, Failure> {
        self.rows = 0;
        self.columns.iter_mut().map(Column::hand_over).collect()
    }

    /// The profile of every row taken.
    #[must_use]
    pub fn into_profiles(self) -> Vec<ColumnProfile> {
        self.columns.into_iter().map(|column| column.profile).collect()
    }
}

impl Column {
    /// Adds a block's cells; whether all were of the type.
    fn take(&mut self, block: &Block<'_>, index: usize) -> bool {
        let ColumnProfile {
            nulls: null_count,
            empties,
            distinct,
            range,
            ..
        } = &mut self.profile;
        let nulls = &mut self.nulls;
        let mut fits = true;
        // One loop a type: what differs is how a cell reads, and what of it is hashed and compared.
        macro_rules! typed {
            ($values:expr, $read:expr, $note:expr) => {
                block.for_each_cell(index, |cell, _| {
                    if cell.is_empty() {
                        *null_count += 1;
                        nulls.append_null();
                        $values.push(Default::default());
                        return;
                    }
                    match $read(cell) {
                        Some(value) => {
                            distinct.add($note(value));
                            nulls.append_non_null();
                            $values.push(value);
                        }
                        None => fits = false,
                    }
                })
            };
        }
        let mut int = |value: i64| {
            range.add_int(value);
            hash_bits(value.cast_unsigned())
        };
        match &mut self.values {
            Values::Int(values) => typed!(values, read_i64, int),
            Values::Date(values) => typed!(values, read_date, |days: i32| int(i64::from(days))),
            Values::Timestamp(values) => {
                let read = |cell: &[u8]| read_timestamp(cell).map(|read| read.micros);
                typed!(values, read, int);
            }
            Values::Bool(values) => {
                let read = |cell: &[u8]| read_bool(cell).map(|(value, _)| value);
                typed!(values, read, |value| int(i64::from(value)));
            }
            Values::Float(values) => {
                let read = |cell: &[u8]| Number::read(cell).map(|number| number.to_f64());
                typed!(values, read, |value: f64| {
                    range.add_float(value);
                    hash_bits(value.to_bits())
                });
            }
            Values::Text { bytes, ends } => block.for_each_cell(index, |cell, quoted| {
                if cell.is_empty() && !quoted {
                    *null_count += 1;
                    nulls.append_null();
                } else {
                    *empties += u64::from(cell.is_empty());
                    distinct.add(hash_bytes(cell));
                    range.add_text(cell);
                    nulls.append_non_null();
                    bytes.extend_from_slice(cell);
                }
                // Never beyond: rows are handed over long before 2 GiB are held.
                ends.push(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
            }),
        }
        fits
    }

    fn hand_over(&mut self) -> Result<ArrayRef, Failure> {
        let nulls = self.nulls.finish();
        let broken = |error: arrow_schema::ArrowError| Failure::internal("arrow", error.to_string());
        Ok(match &mut self.values {
            Values::Bool(values) => {
                let bits = BooleanBuffer::from(values.as_slice());
                values.clear();
                Arc::new(BooleanArray::new(bits, nulls))
            }
            Values::Int(values) => {
                let values = renew(values);
                Arc::new(Int64Array::try_new(ScalarBuffer::from(values), nulls).map_err(broken)?)
            }
            Values::Float(values) => {
                let values = renew(values);
                Arc::new(Float64Array::try_new(ScalarBuffer::from(values), nulls).map_err(broken)?)
            }
            Values::Date(values) => {
                let values = renew(values);
                Arc::new(Date32Array::try_new(ScalarBuffer::from(values), nulls).map_err(broken)?)
            }
            Values::Timestamp(values) => {
                let values = ScalarBuffer::from(renew(values));
                let array = TimestampMicrosecondArray::try_new(values, nulls).map_err(broken)?;
                let utc = self.profile.kind == ColumnType::TimestampUtc;
                Arc::new(if utc { array.with_timezone("UTC") } else { array })
            }
            Values::Text { bytes, ends } => {
                let bytes = Buffer::from_vec(renew(bytes));
                let room = ends.len();
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::take(ends)));
                ends.reserve(room);
                ends.push(0);
                Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(broken)?)
            }
        })
    }
}

/// Takes the values and leaves room for as many.
fn renew<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len();
    std::mem::replace(values, Vec::with_capacity(room))
}

impl Values {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(Vec::new()),
            ColumnType::Int64 => Self::Int(Vec::new()),
            ColumnType::Float64 => Self::Float(Vec::new()),
            ColumnType::Date => Self::Date(Vec::new()),
            ColumnType::Timestamp | ColumnType::TimestampUtc => Self::Timestamp(Vec::new()),
            ColumnType::String => Self::Text {
                bytes: Vec::new(),
                ends: vec![0],
            },
        }
    }

    fn held_bytes(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int(values) | Self::Timestamp(values) => values.len() * 8,
            Self::Float(values) => values.len() * 8,
            Self::Date(values) => values.len() * 4,
            Self::Text { bytes, ends } => bytes.len() + ends.len() * 4,
        }
    }
}

fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Date => DataType::Date32,
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnType::TimestampUtc => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::String => DataType::Utf8,
    }
}
