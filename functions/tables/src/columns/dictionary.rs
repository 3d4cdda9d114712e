//! Arrays that were built without a dictionary, as a record of JSON has no use for one, and their dictionaries where
//! these pay.

use std::{cmp::Ordering, sync::Arc};

use arrow_array::{
    Array, ArrayRef, DictionaryArray, PrimitiveArray, StringArray, UInt16Array,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, Date32Type, Float64Type, Int64Type, Time64MicrosecondType,
        TimestampMicrosecondType, UInt16Type, UInt64Type,
    },
};
use arrow_schema::{ArrowError, DataType, TimeUnit};

use super::{
    coder::{Coder, Found, MOST_TEXT_BYTES, does_not_pay},
    key::Key,
};

/// The array as a dictionary of 16-bit keys, its values in order and all different, if they repeat themselves; the array
/// itself if not. Booleans, UUIDs, nested arrays and those that have nulls stay what they are.
///
/// # Errors
/// What Arrow fails with.
pub(crate) fn with_dictionary(array: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let coded = match array.data_type() {
        _ if array.null_count() > 0 => return Ok(array),
        DataType::Int64 => numbers::<Int64Type>(&array, i64::cast_unsigned, Ord::cmp),
        DataType::UInt64 => numbers::<UInt64Type>(&array, |value| value, Ord::cmp),
        DataType::Float64 => numbers::<Float64Type>(&array, f64::to_bits, f64::total_cmp),
        DataType::Date32 => numbers::<Date32Type>(&array, |day| i64::from(day).cast_unsigned(), Ord::cmp),
        DataType::Time64(TimeUnit::Microsecond) => {
            numbers::<Time64MicrosecondType>(&array, i64::cast_unsigned, Ord::cmp)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            numbers::<TimestampMicrosecondType>(&array, i64::cast_unsigned, Ord::cmp)
        }
        DataType::Utf8 => texts(array.as_string()),
        _ => return Ok(array),
    }?;
    Ok(coded.unwrap_or(array))
}

fn numbers<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    bits: impl Fn(T::Native) -> u64,
    compare: impl Fn(&T::Native, &T::Native) -> Ordering,
) -> Result<Option<ArrayRef>, ArrowError> {
    let array = array.as_primitive::<T>();
    let values = array.values();
    let value = |row: usize| values.get(row).copied().unwrap_or_default();
    let key = |row: usize| (Key::of(&bits(value(row)).to_le_bytes()), 0);
    let Some(codes) = Codes::of(
        array.len(),
        key,
        |_, _| false,
        |one, other| compare(&value(one), &value(other)),
    ) else {
        return Ok(None);
    };
    let entries: Vec<T::Native> = codes.entries.iter().map(|row| value(*row)).collect();
    let entries = PrimitiveArray::<T>::try_new(entries.into(), None)?;
    codes
        .array(Arc::new(entries.with_data_type(array.data_type().clone())))
        .map(Some)
}

fn texts(array: &StringArray) -> Result<Option<ArrayRef>, ArrowError> {
    let text = |row: usize| {
        if row < array.len() {
            array.value(row).as_bytes()
        } else {
            &[]
        }
    };
    let key = |row: usize| (Key::of(text(row)), text(row).len());
    let same = |one, other| text(one) == text(other);
    let compare = |one, other| text(one).cmp(text(other));
    let Some(codes) = Codes::of(array.len(), key, same, compare) else {
        return Ok(None);
    };
    let entries = codes.entries.iter().filter(|row| **row < array.len());
    let entries = StringArray::from_iter_values(entries.map(|row| array.value(*row)));
    codes.array(Arc::new(entries)).map(Some)
}

/// The rows of an array as places in a dictionary.
struct Codes {
    /// A place a row.
    places: Vec<u16>,
    /// A row for each entry, in the values' order.
    entries: Vec<usize>,
}

impl Codes {
    /// None, if a dictionary does not pay. `key` gives the key of a row's value and the bytes it takes as an entry, if it is a text;
    /// `same` compares the values of rows whose keys do not hold all of them.
    fn of(
        rows: usize,
        key: impl Fn(usize) -> (Key, usize),
        same: impl Fn(usize, usize) -> bool,
        compare: impl Fn(usize, usize) -> Ordering,
    ) -> Option<Self> {
        let mut coder = Coder::with_capacity(0);
        let mut entries = Vec::new();
        let mut row_codes = vec![0; rows];
        let (mut seen, mut text_bytes) = (0, 0);
        let mut add = |row: usize, code: &mut u16| {
            let (key, bytes) = key(row);
            let is_same = |code: u16| {
                entries
                    .get(usize::from(code))
                    .is_some_and(|other| same(row, *other))
            };
            *code = match coder.find(key, is_same) {
                Found::Entry(code) => code,
                Found::Free(place) => {
                    entries.push(row);
                    text_bytes += bytes;
                    coder.insert(key, place)?
                }
            };
            seen += 1;
            let pays = !does_not_pay(coder.len(), seen, rows);
            (pays && text_bytes <= MOST_TEXT_BYTES && !coder.is_slow(seen)).then_some(())
        };
        for (row, code) in row_codes.iter_mut().enumerate() {
            add(row, code)?;
        }
        if entries.is_empty() || entries.len() * 2 > seen {
            return None;
        }
        let mut order: Vec<u16> = (0..u16::try_from(entries.len()).ok()?).collect();
        let row = |code: u16| entries.get(usize::from(code)).copied().unwrap_or_default();
        order.sort_unstable_by(|one, other| compare(row(*one), row(*other)));
        let mut places = vec![0; order.len()];
        for (place, code) in (0..).zip(&order) {
            *places.get_mut(usize::from(*code))? = place;
        }
        let place = |code: u16| places.get(usize::from(code)).copied().unwrap_or_default();
        for code in &mut row_codes {
            *code = place(*code);
        }
        Some(Self {
            places: row_codes,
            entries: order.into_iter().map(row).collect(),
        })
    }

    fn array(self, entries: ArrayRef) -> Result<ArrayRef, ArrowError> {
        let keys = UInt16Array::try_new(self.places.into(), None)?;
        Ok(Arc::new(DictionaryArray::<UInt16Type>::try_new(keys, entries)?))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{BooleanArray, Float64Array, Int64Array};

    use super::*;

    /// What an array says again, row for row, once it has a dictionary, which is in order.
    fn check(array: impl Array + 'static, has_dictionary: bool) {
        let array: ArrayRef = Arc::new(array);
        let coded = with_dictionary(Arc::clone(&array)).unwrap();
        let Some(coded) = coded.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() else {
            assert!(!has_dictionary, "{array:?}");
            return;
        };
        assert!(has_dictionary, "{array:?}");
        assert_eq!(coded.len(), array.len());
        for row in 0..array.len() {
            let place = usize::from(coded.keys().value(row));
            assert_eq!(&coded.values().slice(place, 1), &array.slice(row, 1), "row {row}");
        }
        let again = with_dictionary(Arc::clone(coded.values())).unwrap();
        assert_eq!(again.data_type(), array.data_type(), "all are different");
    }

    #[test]
    fn what_repeats_itself_gets_a_dictionary_and_says_the_same() {
        let rows = 0..9000_i64;
        let ints = |int: fn(i64) -> i64| Int64Array::from_iter_values(rows.clone().map(int));
        let some_ints = |int: fn(i64) -> Option<i64>| rows.clone().map(int).collect::<Int64Array>();
        check(ints(|row| row % 300 - 150), true);
        let floats = [0.0, -0.0, 1.5, f64::MAX, f64::MIN].repeat(100);
        check(Float64Array::from_iter_values(floats), true);
        let text = "abcdefghijklmnopqrstuvwxyz".repeat(2);
        let words = (0..9000_usize).map(|row| text.get(..row % 30));
        check(StringArray::from_iter_values(words.flatten()), true);
        // What does not.
        check(ints(|row| row), false);
        check(ints(|row| row * 3 / 4), false);
        check(some_ints(|row| (row % 3 > 0).then_some(row % 7)), false);
        check(Int64Array::new_null(30), false);
        check(StringArray::from_iter_values([""; 0]), false);
        check(BooleanArray::from(vec![true; 9]), false);
    }
}
