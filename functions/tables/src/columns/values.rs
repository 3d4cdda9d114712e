//! The values of a column, as they are parsed, of one type each.

use std::{cmp::Ordering, sync::Arc};

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray,
    Float64Array, Int64Array, StringArray, Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array,
    cast::AsArray,
    types::{
        Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt64Type,
    },
};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

use crate::{
    order::{key_of_digits, key_of_float, key_of_int, key_of_text},
    types::{ColumnType, Inference, NARROW_DIGITS},
};

/// Values of one type; a null among them is some value.
#[derive(Debug)]
pub(crate) enum Values {
    Bool(Vec<bool>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    F64(Vec<f64>),
    I128(Vec<i128>),
    Uuid(Vec<[u8; 16]>),
    Text(Text),
}

/// Texts, one after the other: each from one offset to the next.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    offsets: Vec<i32>,
}

impl Text {
    /// None yet, with room for so many.
    pub(crate) fn with_capacity(texts: usize) -> Self {
        let mut offsets = Vec::with_capacity(texts + 1);
        offsets.push(0);
        Self {
            bytes: Vec::new(),
            offsets,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.end();
    }

    /// Ends a text at the last byte. Never beyond 2 GiB: a slab is far smaller.
    #[inline]
    pub(crate) fn end(&mut self) {
        self.offsets
            .push(i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.offsets.len().saturating_sub(1)).map(|index| self.get(index))
    }

    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let at = |index: usize| {
            self.offsets
                .get(index)
                .map_or(0, |at| usize::try_from(*at).unwrap_or_default())
        };
        self.bytes.get(at(index)..at(index + 1)).unwrap_or_default()
    }
}

impl Values {
    pub(crate) fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(Vec::new()),
            ColumnType::Date(_) => Self::I32(Vec::new()),
            ColumnType::Int64 | ColumnType::Time | ColumnType::Timestamp { .. } => Self::I64(Vec::new()),
            ColumnType::UInt64 => Self::U64(Vec::new()),
            ColumnType::Float64 => Self::F64(Vec::new()),
            ColumnType::Decimal { precision, .. } if precision <= NARROW_DIGITS => Self::I64(Vec::new()),
            ColumnType::Decimal { .. } => Self::I128(Vec::new()),
            ColumnType::Uuid => Self::Uuid(Vec::new()),
            ColumnType::String => Self::Text(Text::with_capacity(0)),
        }
    }

    /// What [`Values::into_array`] made an array of, emptied, if nobody else has the array and it was not made of something else.
    pub(crate) fn emptied(array: ArrayRef) -> Option<Self> {
        fn numbers<T: ArrowPrimitiveType>(array: ArrayRef) -> Option<Vec<T::Native>> {
            let buffer = array.as_primitive::<T>().values().inner().clone();
            emptied(array, buffer)
        }
        fn emptied<T: ArrowNativeType>(array: ArrayRef, buffer: Buffer) -> Option<Vec<T>> {
            // The other one that has the buffer.
            drop(array);
            let mut values: Vec<T> = buffer.into_vec().ok()?;
            values.clear();
            Some(values)
        }
        match array.data_type() {
            DataType::Int64 => numbers::<Int64Type>(array).map(Self::I64),
            DataType::Time64(_) => numbers::<Time64MicrosecondType>(array).map(Self::I64),
            DataType::Timestamp(..) => numbers::<TimestampMicrosecondType>(array).map(Self::I64),
            DataType::UInt64 => numbers::<UInt64Type>(array).map(Self::U64),
            DataType::Float64 => numbers::<Float64Type>(array).map(Self::F64),
            DataType::Date32 => numbers::<Date32Type>(array).map(Self::I32),
            DataType::Utf8 => {
                let texts = array.as_string::<i32>();
                let (bytes, offsets) = (texts.values().clone(), texts.offsets().inner().inner().clone());
                drop(array);
                let (mut bytes, mut offsets): (Vec<u8>, Vec<i32>) =
                    (bytes.into_vec().ok()?, offsets.into_vec().ok()?);
                bytes.clear();
                offsets.clear();
                offsets.push(0);
                Some(Self::Text(Text { bytes, offsets }))
            }
            _ => None,
        }
    }

    /// Makes room for `expected` rows, of which there are `rows` already.
    pub(crate) fn make_room(&mut self, rows: usize, expected: usize) {
        let more = expected.saturating_sub(rows);
        match self {
            Self::Bool(values) => values.reserve(more),
            Self::I32(values) => values.reserve(more),
            Self::I64(values) => values.reserve(more),
            Self::U64(values) => values.reserve(more),
            Self::F64(values) => values.reserve(more),
            Self::I128(values) => values.reserve(more),
            Self::Uuid(values) => values.reserve(more),
            Self::Text(text) => {
                text.offsets.reserve(more);
                // As long as those before.
                text.bytes.reserve(text.bytes.len() / rows.max(1) * more);
            }
        }
    }

    /// Reads a cell that is a value, takes note of it and keeps it; whether it is of the type.
    pub(crate) fn push(&mut self, kind: ColumnType, cell: &[u8], inference: &mut Inference) -> bool {
        fn keep<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
            let fits = value.is_some();
            values.extend(value);
            fits
        }
        match (self, kind) {
            (Self::Bool(values), _) => keep(values, inference.truth(cell)),
            (Self::I32(values), ColumnType::Date(form)) => keep(values, inference.date(cell, form)),
            (Self::I64(values), ColumnType::Int64) => keep(values, inference.int(cell)),
            (Self::I64(values), ColumnType::Time) => keep(values, inference.time(cell)),
            (Self::I64(values), ColumnType::Timestamp { form, .. }) => {
                keep(values, inference.timestamp(cell, form))
            }
            (Self::I64(values), ColumnType::Decimal { scale, .. }) => {
                keep(values, inference.decimal(cell, scale))
            }
            (Self::U64(values), _) => keep(values, inference.uint(cell)),
            (Self::F64(values), _) => keep(values, inference.float(cell)),
            (Self::I128(values), ColumnType::Decimal { scale, .. }) => {
                keep(values, inference.wide_decimal(cell, scale))
            }
            (Self::Uuid(values), _) => keep(values, inference.uuid(cell)),
            (Self::Text(text), _) => {
                text.push(cell);
                true
            }
            _ => false,
        }
    }

    /// Keeps a null.
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Bool(values) => values.push(false),
            Self::I32(values) => values.push(0),
            Self::I64(values) => values.push(0),
            Self::U64(values) => values.push(0),
            Self::F64(values) => values.push(0.0),
            Self::I128(values) => values.push(0),
            Self::Uuid(values) => values.push([0; 16]),
            Self::Text(text) => text.end(),
        }
    }

    /// The values at these places, in this order.
    pub(crate) fn gather(&self, places: impl ExactSizeIterator<Item = usize>) -> Self {
        fn pick<T: Copy + Default>(values: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
            places
                .map(|place| values.get(place).copied().unwrap_or_default())
                .collect()
        }
        match self {
            Self::Bool(values) => Self::Bool(pick(values, places)),
            Self::I32(values) => Self::I32(pick(values, places)),
            Self::I64(values) => Self::I64(pick(values, places)),
            Self::U64(values) => Self::U64(pick(values, places)),
            Self::F64(values) => Self::F64(pick(values, places)),
            Self::I128(values) => Self::I128(pick(values, places)),
            Self::Uuid(values) => Self::Uuid(pick(values, places)),
            Self::Text(text) => {
                let mut gathered = Text::with_capacity(places.len());
                places.for_each(|place| gathered.push(text.get(place)));
                Self::Text(gathered)
            }
        }
    }

    /// Puts entries in the order that Parquet has for their values; gives each with whether its value is that of the one before.
    pub(crate) fn in_order(&self, entries: impl Iterator<Item = u16>) -> Vec<(u16, bool)> {
        let mut keyed: Vec<(u64, u16)> = entries
            .map(|entry| (self.key(usize::from(entry)), entry))
            .collect();
        let is_all = self.key_is_all();
        if is_all {
            keyed.sort_unstable_by_key(|(key, _)| *key);
        } else {
            keyed.sort_unstable_by(|(key, entry), (other_key, other)| {
                let compare = || self.compare(usize::from(*entry), usize::from(*other));
                key.cmp(other_key).then_with(compare)
            });
        }
        let mut before: Option<(u64, u16)> = None;
        let with_same = |(key, entry): (u64, u16)| {
            let same = before.is_some_and(|(key_before, before)| {
                key == key_before && (is_all || self.compare(usize::from(entry), usize::from(before)).is_eq())
            });
            before = Some((key, entry));
            (entry, same)
        };
        keyed.into_iter().map(with_same).collect()
    }

    /// A number in the order of the values, or of what their first eight bytes say.
    fn key(&self, index: usize) -> u64 {
        fn of<T: Copy + Default>(values: &[T], index: usize) -> T {
            values.get(index).copied().unwrap_or_default()
        }
        match self {
            Self::Bool(values) => u64::from(of(values, index)),
            Self::I32(values) => key_of_int(of(values, index).into()),
            Self::I64(values) => key_of_int(of(values, index)),
            Self::U64(values) => of(values, index),
            Self::F64(values) => key_of_float(of(values, index)),
            Self::I128(values) => (key_of_digits(of(values, index)) >> 64) as u64,
            Self::Uuid(values) => key_of_text(&of(values, index)),
            Self::Text(text) => key_of_text(text.get(index)),
        }
    }

    /// Whether values with the same key are the same.
    const fn key_is_all(&self) -> bool {
        !matches!(self, Self::I128(_) | Self::Uuid(_) | Self::Text(_))
    }

    /// Which of two values with the same key is the lesser.
    fn compare(&self, one: usize, other: usize) -> Ordering {
        match self {
            Self::I128(values) => values.get(one).cmp(&values.get(other)),
            Self::Uuid(values) => values.get(one).cmp(&values.get(other)),
            Self::Text(text) => text.get(one).cmp(text.get(other)),
            _ => Ordering::Equal,
        }
    }

    /// Memory the texts among them hold, in bytes.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.bytes.len(),
            _ => 0,
        }
    }

    /// An Arrow array of them.
    pub(crate) fn into_array(
        self,
        kind: ColumnType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            Self::I32(values) => Arc::new(Date32Array::try_new(values.into(), nulls)?),
            Self::I64(values) => match kind {
                ColumnType::Time => Arc::new(Time64MicrosecondArray::try_new(values.into(), nulls)?),
                ColumnType::Timestamp { zone, .. } => {
                    let array = TimestampMicrosecondArray::try_new(values.into(), nulls)?;
                    Arc::new(array.with_timezone_opt(zone.name()))
                }
                ColumnType::Decimal { precision, scale } => {
                    let wide: Vec<i128> = values.into_iter().map(i128::from).collect();
                    decimals(wide, precision, scale, nulls)?
                }
                _ => Arc::new(Int64Array::try_new(values.into(), nulls)?),
            },
            Self::U64(values) => Arc::new(UInt64Array::try_new(values.into(), nulls)?),
            Self::F64(values) => Arc::new(Float64Array::try_new(values.into(), nulls)?),
            Self::I128(values) => match kind {
                ColumnType::Decimal { precision, scale } => decimals(values, precision, scale, nulls)?,
                _ => {
                    return Err(ArrowError::InvalidArgumentError(format!(
                        "{kind} has no 128-bit values"
                    )));
                }
            },
            Self::Uuid(values) => {
                let bytes = Buffer::from_vec(values.into_flattened());
                Arc::new(FixedSizeBinaryArray::try_new(16, bytes, nulls)?)
            }
            Self::Text(Text { bytes, offsets }) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?)
            }
        })
    }
}

fn decimals(
    values: Vec<i128>,
    precision: u8,
    scale: u8,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let array = Decimal128Array::try_new(values.into(), nulls)?;
    Ok(Arc::new(
        array.with_precision_and_scale(precision, scale.cast_signed())?,
    ))
}
