//! Arrays in, in loops of one type each: hashes first, a chunk of them, then what each sketch makes of it.

use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, GenericStringArray, ListArray, OffsetSizeTrait, StructArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{ArrowNativeType, NullBuffer};
use arrow_schema::{DataType, TimeUnit};

use super::{
    Mismatch,
    column::ColumnProfile,
    hash,
    hashes::Hashes,
    ordered::{CHUNK, Key, Ordered},
    row_hashes::RowHashes,
    text::{Rows, Span, Texts},
};
use crate::order::{key_of_float, key_of_int, key_of_narrow_digits};

/// Runs the loop for the array's type.
pub(crate) fn narrow(
    ordered: &mut Ordered<u64>,
    array: &dyn Array,
    row_hashes: RowHashes<'_>,
    not_finite: &mut u64,
) {
    macro_rules! ints {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            let key = |value| key_of_int(i64::from(value));
            fixed(ordered, values, array.nulls(), key, |_| true, row_hashes);
        }};
    }
    macro_rules! uints {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            fixed(ordered, values, array.nulls(), u64::from, |_| true, row_hashes);
        }};
    }
    macro_rules! floats {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            let key = |value| key_of_float(f64::from(value));
            *not_finite += fixed(
                ordered,
                values,
                array.nulls(),
                key,
                |value| value.is_finite(),
                row_hashes,
            );
        }};
    }
    match array.data_type() {
        DataType::Int64 => ints!(Int64Type),
        DataType::Float64 => floats!(Float64Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => ints!(TimestampMicrosecondType),
        DataType::Time64(TimeUnit::Microsecond) => ints!(Time64MicrosecondType),
        DataType::UInt64 => uints!(UInt64Type),
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>().values();
            fixed(
                ordered,
                values,
                array.nulls(),
                key_of_narrow_digits,
                |_| true,
                row_hashes,
            );
        }
        DataType::Int8 => ints!(Int8Type),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::UInt8 => uints!(UInt8Type),
        DataType::UInt16 => uints!(UInt16Type),
        DataType::UInt32 => uints!(UInt32Type),
        DataType::Float32 => floats!(Float32Type),
        DataType::Time32(TimeUnit::Second) => ints!(Time32SecondType),
        DataType::Time32(_) => ints!(Time32MillisecondType),
        DataType::Time64(_) => ints!(Time64NanosecondType),
        DataType::Timestamp(TimeUnit::Second, _) => ints!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => ints!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => ints!(TimestampNanosecondType),
        _ => {}
    }
}

/// Values of fixed width; gives how many are there and do not fit.
#[inline]
pub(crate) fn fixed<T: Copy, K: Key>(
    ordered: &mut Ordered<K>,
    values: &[T],
    nulls: Option<&NullBuffer>,
    key: impl Fn(T) -> K,
    fits: impl Fn(T) -> bool,
    mut row_hashes: RowHashes<'_>,
) -> u64 {
    let mut unfit = 0;
    let mut keys = [K::default(); CHUNK];
    let mut hashes = [0; CHUNK];
    let mut rows = [0; CHUNK];
    let value = |row: u32| {
        values
            .get(row as usize)
            .map_or_else(K::default, |value| key(*value))
    };
    for (number, chunk) in values.chunks(CHUNK).enumerate() {
        let base = number * CHUNK;
        let mut row_hashes = row_hashes.of_rows(base, chunk.len());
        let nulls = nulls_of(nulls, base, chunk.len());
        let mut kept = 0;
        if nulls.is_none() && chunk.iter().all(|value| fits(*value)) {
            for (place, value) in keys.iter_mut().zip(chunk) {
                *place = key(*value);
            }
            for (place, key) in hashes.iter_mut().zip(&keys) {
                *place = key.hash();
            }
            for (place, row) in rows.iter_mut().zip(row_number(base)..) {
                *place = row;
            }
            row_hashes.add_all(hashes);
            kept = chunk.len();
        } else if nulls
            .as_ref()
            .is_none_or(|nulls| nulls.null_count() < nulls.len())
        {
            let valid = nulls.as_ref().map(|nulls| nulls.iter());
            let valid = valid.into_iter().flatten().chain(std::iter::repeat(true));
            for (((at, value), valid), row) in chunk.iter().enumerate().zip(valid).zip(row_number(base)..) {
                let key = key(*value);
                let hash = key.hash();
                row_hashes.add(at, if valid { hash } else { 0 });
                if let (Some(to_key), Some(to_hash), Some(to_row)) =
                    (keys.get_mut(kept), hashes.get_mut(kept), rows.get_mut(kept))
                {
                    (*to_key, *to_hash, *to_row) = (key, hash, row);
                }
                let fits = fits(*value);
                kept += usize::from(valid & fits);
                unfit += u64::from(valid && !fits);
            }
        }
        if let (Some(keys), Some(hashes), Some(rows)) =
            (keys.get(..kept), hashes.get(..kept), rows.get(..kept))
        {
            ordered.add_all(keys, hashes, rows, value);
        }
    }
    ordered.settle(value);
    unfit
}

pub(crate) fn uuids(ordered: &mut Ordered<u128>, array: &FixedSizeBinaryArray, row_hashes: RowHashes<'_>) {
    let (values, _) = array.value_data().as_chunks::<16>();
    fixed(
        ordered,
        values,
        array.nulls(),
        u128::from_be_bytes,
        |_| true,
        row_hashes,
    );
}

pub(crate) fn bools(array: &BooleanArray, mut row_hashes: RowHashes<'_>) -> (u64, u64) {
    let (yes, no) = (hash::hash_bits(1), hash::hash_bits(0));
    let hash = |value| if value { yes } else { no };
    match array.nulls() {
        None => row_hashes.add_all(array.values().iter().map(hash)),
        Some(_) => row_hashes.add_all(array.iter().map(|value| value.map_or(0, hash))),
    }
    (array.true_count() as u64, array.false_count() as u64)
}

struct TextRows<'a, O: OffsetSizeTrait> {
    array: &'a GenericStringArray<O>,
    offsets: &'a [O],
    bytes: &'a [u8],
}

impl<'a, O: OffsetSizeTrait> Rows<'a> for TextRows<'a, O> {
    #[inline]
    fn bytes(&self, row: u32) -> &'a [u8] {
        let row = row as usize;
        let span = self.offsets.get(row).zip(self.offsets.get(row + 1));
        let bytes = span.and_then(|(from, to)| self.bytes.get(from.as_usize()..to.as_usize()));
        bytes.unwrap_or_default()
    }

    fn text(&self, row: u32) -> &'a str {
        self.array.value(row as usize)
    }

    fn is_ascii(&self, first: u32, last: u32) -> bool {
        let span = self
            .offsets
            .get(first as usize)
            .zip(self.offsets.get(last as usize + 1));
        let bytes = span.and_then(|(from, to)| self.bytes.get(from.as_usize()..to.as_usize()));
        bytes.is_some_and(<[u8]>::is_ascii)
    }
}

pub(crate) fn texts<O: OffsetSizeTrait>(
    texts: &mut Texts,
    array: &GenericStringArray<O>,
    mut row_hashes: RowHashes<'_>,
) {
    let values = TextRows {
        array,
        offsets: array.value_offsets(),
        bytes: array.value_data(),
    };
    let mut hashes = [0; CHUNK];
    let mut rows = [0; CHUNK];
    for base in (0..array.len()).step_by(CHUNK) {
        let length = CHUNK.min(array.len() - base);
        let mut row_hashes = row_hashes.of_rows(base, length);
        let nulls = nulls_of(array.nulls(), base, length);
        let numbers = row_number(base)..row_number(base + length);
        let mut kept = 0;
        if let Some(nulls) = nulls {
            for ((at, row), valid) in numbers.enumerate().zip(&nulls) {
                let hash = if valid {
                    hash::hash_bytes(values.bytes(row))
                } else {
                    0
                };
                row_hashes.add(at, hash);
                if let (Some(to_hash), Some(to_row)) = (hashes.get_mut(kept), rows.get_mut(kept)) {
                    (*to_hash, *to_row) = (hash, row);
                }
                kept += usize::from(valid);
            }
        } else {
            for ((to_hash, to_row), row) in hashes.iter_mut().zip(&mut rows).zip(numbers) {
                *to_hash = hash::hash_bytes(values.bytes(row));
                *to_row = row;
            }
            row_hashes.add_all(hashes);
            kept = length;
        }
        if let (Some(hashes), Some(rows)) = (hashes.get(..kept), rows.get(..kept)) {
            texts.add_all(hashes, rows, &values);
        }
    }
    texts.settle(&values);
}

pub(crate) fn lists(
    lengths: &mut Span,
    distinct: &mut Hashes,
    items: &mut ColumnProfile,
    array: &ListArray,
    mut row_hashes: RowHashes<'_>,
) -> Result<(), Mismatch> {
    let offsets = array.value_offsets();
    let (first, last) = (offsets.first(), offsets.last());
    let (first, last) = (
        first.map_or(0, |at| at.as_usize()),
        last.map_or(0, |at| at.as_usize()),
    );
    // What null lists span is no item of any.
    let mut item_hashes = vec![0; last - first];
    let items_in_lists = array.values().slice(first, last - first);
    items.observe(&items_in_lists, RowHashes::alone(&mut item_hashes))?;
    let mut all = Vec::with_capacity(array.len());
    for (row, span) in offsets.windows(2).enumerate() {
        let &[from, to] = span else { continue };
        if array.is_valid(row) {
            let (from, to) = (from.as_usize() - first, to.as_usize() - first);
            let items = item_hashes.get(from..to).unwrap_or_default();
            lengths.add(items.len() as u64, 1);
            let combined = items
                .iter()
                .fold(items.len() as u64, |list, item| hash::combine(list, *item));
            let hash = hash::hash_bits(combined);
            all.push(hash);
            row_hashes.add(row, hash);
        }
    }
    distinct.add_all(&all);
    Ok(())
}

pub(crate) fn structs(
    fields: &mut [ColumnProfile],
    array: &StructArray,
    mut row_hashes: RowHashes<'_>,
) -> Result<(), Mismatch> {
    // One that is not there is another than one of which nothing is known.
    row_hashes.add_all((0..array.len()).map(|row| u64::from(array.is_valid(row))));
    for (part, (field, column)) in fields.iter_mut().zip(array.columns()).enumerate() {
        let row_hashes = row_hashes.of_part(part);
        let nulls = NullBuffer::union(array.nulls(), column.nulls());
        if nulls.as_ref().map(NullBuffer::null_count) == column.nulls().map(NullBuffer::null_count) {
            field.observe(column, row_hashes)?;
        } else {
            // A field of a null structure is null, whatever its own array says.
            let data = column.to_data().into_builder().nulls(nulls).build();
            let data = data.map_err(|error| Mismatch(error.to_string()))?;
            field.observe(&arrow_array::make_array(data), row_hashes)?;
        }
    }
    Ok(())
}

fn row_number(row: usize) -> u32 {
    // Arrays are far shorter: their text has 32-bit offsets.
    u32::try_from(row).unwrap_or(u32::MAX - 1)
}

/// The nulls of a chunk, if it has any.
fn nulls_of(nulls: Option<&NullBuffer>, base: usize, length: usize) -> Option<NullBuffer> {
    let nulls = nulls?.slice(base, length);
    (nulls.null_count() > 0).then_some(nulls)
}
