//! The profile against exact values, on data that is random, sorted, skewed and meant to harm.

mod errors;
mod merging;
mod schema;
mod values;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};

use super::{ColumnProfile, Precision, Profile, column::describe, report, row_hashes::RowHashes};
use crate::cells::Rows;

/// A profile of columns that each came as one array.
pub(crate) fn profile_of(columns: &[(&str, ArrayRef)]) -> Profile {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let mut profile = Profile::new(&schema);
    profile
        .observe(&Rows::from(&RecordBatch::try_new(schema, arrays).unwrap()))
        .unwrap();
    profile
}

/// What is said of a column.
fn column_of(array: ArrayRef) -> report::Column {
    profile_of(&[("a", array)]).report().columns.remove(0)
}

/// A column's profile of some precision.
fn observed(array: &dyn Array, precision: Precision) -> ColumnProfile {
    let data_type = array.data_type();
    let mut column = ColumnProfile::new("a", "a", describe(data_type), data_type, precision);
    column.observe(array, RowHashes::alone(&mut [])).unwrap();
    column
}

fn ints(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

pub(crate) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

/// xorshift64* (Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 32) % end
    }
}
