//! Columns of strings that are days, times, instants or UUIDs.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, FixedSizeBinaryArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType};

use super::{Fault, cursor::Text};
use crate::types::{ColumnType, Inference, time::DateForm};

const UUID_BYTES: usize = 16;

/// The values of such a column.
pub(super) struct Moments {
    kind: ColumnType,
    /// What the shape says of its strings, and these ones too.
    known: Inference,
    values: Values,
    unescaped: Vec<u8>,
}

enum Values {
    Days(Vec<i32>),
    Micros(Vec<i64>),
    Uuids(Vec<u8>),
}

impl Moments {
    /// None yet, of strings of which this is known.
    pub(super) fn new(known: &Inference) -> Self {
        let kind = known.decide();
        let values = match kind {
            ColumnType::Date(_) => Values::Days(Vec::new()),
            ColumnType::Uuid => Values::Uuids(Vec::new()),
            _ => Values::Micros(Vec::new()),
        };
        Self {
            kind,
            known: known.clone(),
            values,
            unescaped: Vec::new(),
        }
    }

    /// Whether its strings, those that were let go of again included, say no more than the shape does.
    pub(super) fn say_no_more_than(&self, known: &Inference) -> bool {
        self.known == *known
    }

    /// Takes a string; whether it is of the column's type.
    #[inline]
    pub(super) fn take(&mut self, text: Text<'_>) -> Result<bool, Fault> {
        let raw = if text.is_escaped {
            self.unescaped.clear();
            text.write(&mut self.unescaped)?;
            self.unescaped.as_slice()
        } else {
            text.raw
        };
        Ok(match &mut self.values {
            Values::Days(days) => push(days, self.known.date(raw, DateForm::ISO)),
            Values::Micros(micros) if self.kind == ColumnType::Time => push(micros, self.known.time(raw)),
            Values::Micros(micros) => push(micros, self.known.timestamp(raw, DateForm::ISO)),
            Values::Uuids(uuids) => {
                let uuid = self.known.uuid(raw);
                uuids.extend(uuid.into_iter().flatten());
                uuid.is_some()
            }
        })
    }

    /// Lets go of all but the first values.
    pub(super) fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Days(days) => days.truncate(len),
            Values::Micros(micros) => micros.truncate(len),
            Values::Uuids(uuids) => uuids.truncate(len * UUID_BYTES),
        }
    }

    /// An array of this type.
    pub(super) fn finish(self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(match (self.values, kind) {
            (Values::Days(days), _) => Arc::new(Date32Array::try_new(days.into(), None)?),
            (Values::Micros(micros), DataType::Timestamp(_, zone)) => {
                let array = TimestampMicrosecondArray::try_new(micros.into(), None)?;
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
            (Values::Micros(micros), _) => Arc::new(Time64MicrosecondArray::try_new(micros.into(), None)?),
            (Values::Uuids(uuids), _) => {
                let bytes = Buffer::from_vec(uuids);
                let length = i32::try_from(UUID_BYTES).unwrap_or_default();
                Arc::new(FixedSizeBinaryArray::try_new(length, bytes, None)?)
            }
        })
    }
}

fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    let is_one = value.is_some();
    values.extend(value);
    is_one
}
