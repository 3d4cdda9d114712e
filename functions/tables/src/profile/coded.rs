//! Columns that come with a dictionary: what a value costs is paid once for each different one, whatever it costs, and a
//! row costs a count and a place in its row's hash.

use arrow_array::{
    Array, ArrayRef, DictionaryArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
        UInt16Type, UInt64Type,
    },
};
use arrow_schema::DataType;

use super::{
    Mismatch,
    column::{Body, ColumnProfile},
    hash,
    ordered::Key,
    row_hashes::RowHashes,
};
use crate::order::{key_of_digits, key_of_float, key_of_int, key_of_narrow_digits};

impl ColumnProfile {
    /// As [`ColumnProfile::observe`], of values of the column's type behind 16-bit keys. The values are all different, and
    /// of floats all are finite.
    pub(crate) fn observe_coded(
        &mut self,
        array: &DictionaryArray<UInt16Type>,
        mut row_hashes: RowHashes<'_>,
    ) -> Result<(), Mismatch> {
        let values = array.values();
        if values.data_type() != &self.data_type {
            return Err(Mismatch(format!(
                "column {:?} is {}, and a dictionary's values {}",
                self.name,
                self.data_type,
                values.data_type()
            )));
        }
        let keys: &[u16] = array.keys().values();
        let nulls = array.keys().nulls().filter(|nulls| nulls.null_count() > 0);
        let mut counts = vec![0_u64; values.len()];
        match nulls {
            None => keys.iter().for_each(|key| count(&mut counts, *key)),
            Some(nulls) => nulls.valid_indices().for_each(|row| {
                if let Some(key) = keys.get(row) {
                    count(&mut counts, *key);
                }
            }),
        }
        self.rows += array.len() as u64;
        self.nulls += nulls.map_or(0, |nulls| nulls.null_count() as u64);
        let hashes = self.count(values, &counts);
        match nulls {
            None => row_hashes.add_codes(&hashes, keys.iter().map(|key| Some(*key))),
            Some(nulls) => {
                let key = |(key, is_valid): (&u16, bool)| is_valid.then_some(*key);
                row_hashes.add_codes(&hashes, keys.iter().zip(nulls).map(key));
            }
        }
        Ok(())
    }

    /// Takes note of values that came so often each; gives their hashes.
    fn count(&mut self, values: &ArrayRef, counts: &[u64]) -> Vec<u64> {
        fn counted<K: Key>(keys: &[K], counts: &[u64], mut take: impl FnMut(&[(K, u64, u64)])) -> Vec<u64> {
            let counted: Vec<_> = keys
                .iter()
                .zip(counts)
                .map(|(key, count)| (*key, key.hash(), *count))
                .collect();
            take(&counted);
            counted.into_iter().map(|(_, hash, _)| hash).collect()
        }
        let times = |index: usize| counts.get(index).copied().unwrap_or_default();
        match &mut self.body {
            Body::Bool { trues, falses } => {
                let values = values.as_boolean();
                for (index, value) in values.values().iter().enumerate() {
                    *(if value { &mut *trues } else { &mut *falses }) += times(index);
                }
                values
                    .values()
                    .iter()
                    .map(|value| hash::hash_bits(u64::from(value)))
                    .collect()
            }
            Body::Narrow(ordered) => counted(&narrow_keys(values), counts, |all| ordered.add_counted(all)),
            Body::Wide(ordered) => {
                let keys: Vec<u128> = if let DataType::Decimal128(..) = values.data_type() {
                    values
                        .as_primitive::<Decimal128Type>()
                        .values()
                        .iter()
                        .map(|value| key_of_digits(*value))
                        .collect()
                } else {
                    let (values, _) = values.as_fixed_size_binary().value_data().as_chunks::<16>();
                    values.iter().map(|value| u128::from_be_bytes(*value)).collect()
                };
                counted(&keys, counts, |all| ordered.add_counted(all))
            }
            Body::Text(texts) => {
                let values = values.as_string::<i32>();
                let text = |index: usize| values.value(index);
                let hashes: Vec<u64> = (0..values.len())
                    .map(|index| hash::hash_bytes(text(index).as_bytes()))
                    .collect();
                texts.add_counted(
                    hashes
                        .iter()
                        .enumerate()
                        .map(|(index, hash)| (text(index), *hash, times(index))),
                );
                hashes
            }
            // Structures and lists come without a dictionary.
            Body::List { .. } | Body::Struct(_) | Body::Other => Vec::new(),
        }
    }
}

#[inline]
fn count(counts: &mut [u64], key: u16) {
    if let Some(count) = counts.get_mut(usize::from(key)) {
        *count += 1;
    }
}

fn narrow_keys(values: &ArrayRef) -> Vec<u64> {
    macro_rules! keys {
        ($type:ty, $key:expr) => {
            values
                .as_primitive::<$type>()
                .values()
                .iter()
                .map(|value| $key(*value))
                .collect()
        };
    }
    match values.data_type() {
        DataType::Int64 => keys!(Int64Type, key_of_int),
        DataType::UInt64 => keys!(UInt64Type, |value: u64| value),
        DataType::Float64 => keys!(Float64Type, key_of_float),
        DataType::Date32 => keys!(Date32Type, |value: i32| key_of_int(i64::from(value))),
        DataType::Timestamp(..) => keys!(TimestampMicrosecondType, key_of_int),
        DataType::Time64(_) => keys!(Time64MicrosecondType, key_of_int),
        DataType::Decimal128(..) => keys!(Decimal128Type, key_of_narrow_digits),
        _ => Vec::new(),
    }
}
