//! Values as Parquet has them: plain bytes, an order, statistics.

mod text;

use std::{cmp::Ordering, ops::Range};

use arrow_array::{Array, BooleanArray, FixedSizeBinaryArray};
use parquet::{
    basic::{Encoding, Type},
    data_type::FixedLenByteArray,
    file::statistics::{Statistics, ValueStatistics},
};

pub(crate) use text::Text;

use super::delta;
use crate::order::{key_of_float, key_of_int, key_of_text};

/// Values of one physical type.
pub(crate) trait Physical {
    /// The physical type.
    const TYPE: Type;
    /// Whether an index of the column counts values that are no numbers.
    const COUNTS_NAN: bool = false;

    fn len(&self) -> usize;

    /// Which of two values is the lesser.
    fn compare(&self, one: usize, other: usize) -> Ordering;

    /// A number of the values' order: of two values with different ones, the value with the lesser is the lesser.
    fn key(&self, index: usize) -> u64;

    /// Where the least and the greatest of the values stand that are in a range and kept.
    fn extremes(&self, range: Range<usize>, keep: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
        let mut places = range.filter(|index| keep(*index));
        let first = places.next()?;
        let (mut least, mut greatest) = ((self.key(first), first), (self.key(first), first));
        for place in places {
            let key = self.key(place);
            if key < least.0 || (key == least.0 && self.compare(place, least.1).is_lt()) {
                least = (key, place);
            }
            if key > greatest.0 || (key == greatest.0 && self.compare(place, greatest.1).is_gt()) {
                greatest = (key, place);
            }
        }
        Some((least.1, greatest.1))
    }

    /// Appends a value (`PLAIN`).
    fn put(&self, index: usize, into: &mut Vec<u8>);

    /// Appends those of the values, from one to another, that are kept (`PLAIN`).
    fn put_range(&self, range: Range<usize>, keep: impl Fn(usize) -> bool, into: &mut Vec<u8>) {
        range
            .filter(|index| keep(*index))
            .for_each(|index| self.put(index, into));
    }

    /// Appends those of the values, from one to another, that are kept, as a page without a dictionary has them; says how.
    fn put_page(&self, range: Range<usize>, keep: impl Fn(usize) -> bool, into: &mut Vec<u8>) -> Encoding {
        self.put_range(range, keep, into);
        Encoding::PLAIN
    }

    /// The value as a least one in an index: its plain bytes, or a beginning of them.
    fn least(&self, index: usize) -> Vec<u8>;

    /// And as a greatest one.
    fn greatest(&self, index: usize) -> Vec<u8> {
        self.least(index)
    }

    /// Statistics of a chunk whose least and greatest values stand at these places.
    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics;
}

macro_rules! number {
    ($name:ident, $value:ty, $kind:expr, $new:ident, $cast:expr, $key:expr) => {
        pub(crate) struct $name<'a>(pub(crate) &'a [$value]);

        impl Physical for $name<'_> {
            const TYPE: Type = $kind;

            fn len(&self) -> usize {
                self.0.len()
            }

            #[inline]
            fn compare(&self, one: usize, other: usize) -> Ordering {
                self.0.get(one).cmp(&self.0.get(other))
            }

            #[inline]
            fn key(&self, index: usize) -> u64 {
                $key(self.0.get(index).copied().unwrap_or_default())
            }

            // Any place of an equal value will do, be it that of a null.
            fn extremes(&self, range: Range<usize>, keep: impl Fn(usize) -> bool) -> Option<(usize, usize)> {
                let all = self.0.get(range.clone())?;
                let kept = || {
                    range
                        .clone()
                        .zip(all)
                        .filter(|(index, _)| keep(*index))
                        .map(|(_, value)| *value)
                };
                kept().next()?;
                let wider = |(least, greatest): ($value, $value), value: $value| {
                    (least.min(value), greatest.max(value))
                };
                let (least, greatest) = kept().fold((<$value>::MAX, <$value>::MIN), wider);
                let place = |value| Some(range.start + all.iter().position(|other| *other == value)?);
                place(least).zip(place(greatest))
            }

            #[inline]
            fn put(&self, index: usize, into: &mut Vec<u8>) {
                into.extend_from_slice(&$cast(self.0.get(index).copied().unwrap_or_default()).to_le_bytes());
            }

            fn put_page(
                &self,
                range: Range<usize>,
                keep: impl Fn(usize) -> bool,
                into: &mut Vec<u8>,
            ) -> Encoding {
                let all = self.0.get(range.clone()).unwrap_or_default();
                let kept = range.clone().zip(all).filter(|(index, _)| keep(*index));
                let mut values = Vec::with_capacity(all.len());
                values.extend(kept.map(|(_, value)| i64::from($cast(*value))));
                if delta::put_if_it_pays(&values, size_of::<$value>(), into) {
                    return Encoding::DELTA_BINARY_PACKED;
                }
                self.put_range(range, keep, into);
                Encoding::PLAIN
            }

            fn least(&self, index: usize) -> Vec<u8> {
                let mut bytes = Vec::new();
                self.put(index, &mut bytes);
                bytes
            }

            fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
                let value = |index: usize| self.0.get(index).copied().map($cast);
                let (least, greatest) = (
                    range.and_then(|range| value(range.0)),
                    range.and_then(|range| value(range.1)),
                );
                Statistics::$new(least, greatest, None, Some(nulls), false)
            }
        }
    };
}

number!(
    Int32,
    i32,
    Type::INT32,
    int32,
    |value: i32| value,
    |value: i32| key_of_int(value.into())
);
number!(Int64, i64, Type::INT64, int64, |value: i64| value, key_of_int);
number!(UInt64, u64, Type::INT64, int64, u64::cast_signed, |value: u64| {
    value
});

/// Floats, none of them NaN.
pub(crate) struct Double<'a>(pub(crate) &'a [f64]);

impl Double<'_> {
    fn value(&self, index: usize) -> f64 {
        self.0.get(index).copied().unwrap_or_default()
    }
}

impl Physical for Double<'_> {
    const TYPE: Type = Type::DOUBLE;
    const COUNTS_NAN: bool = true;

    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.value(one).total_cmp(&self.value(other))
    }

    #[inline]
    fn key(&self, index: usize) -> u64 {
        key_of_float(self.value(index))
    }

    #[inline]
    fn put(&self, index: usize, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.value(index).to_le_bytes());
    }

    // Readers need not tell the zeros apart: a least zero is written as the lesser one, a greatest as the greater.
    fn least(&self, index: usize) -> Vec<u8> {
        least_zero(self.value(index)).to_le_bytes().to_vec()
    }

    fn greatest(&self, index: usize) -> Vec<u8> {
        (self.value(index) + 0.0).to_le_bytes().to_vec()
    }

    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
        let least = range.map(|range| least_zero(self.value(range.0)));
        let greatest = range.map(|range| self.value(range.1) + 0.0);
        Statistics::Double(
            ValueStatistics::new(least, greatest, None, Some(nulls), false).with_nan_count(Some(0)),
        )
    }
}

fn least_zero(value: f64) -> f64 {
    if value == 0.0 { -0.0 } else { value }
}

/// Truth values.
pub(crate) struct Bool<'a>(pub(crate) &'a BooleanArray);

impl Bool<'_> {
    fn value(&self, index: usize) -> bool {
        index < self.0.len() && self.0.value(index)
    }
}

impl Physical for Bool<'_> {
    const TYPE: Type = Type::BOOLEAN;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.value(one).cmp(&self.value(other))
    }

    fn key(&self, index: usize) -> u64 {
        self.value(index).into()
    }

    fn put(&self, index: usize, into: &mut Vec<u8>) {
        into.push(u8::from(self.value(index)));
    }

    fn put_range(&self, range: Range<usize>, keep: impl Fn(usize) -> bool, into: &mut Vec<u8>) {
        for (bit, index) in range.filter(|index| keep(*index)).enumerate() {
            if bit % 8 == 0 {
                into.push(0);
            }
            if let Some(byte) = into.last_mut() {
                *byte |= u8::from(self.value(index)) << (bit % 8);
            }
        }
    }

    fn least(&self, index: usize) -> Vec<u8> {
        vec![u8::from(self.value(index))]
    }

    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
        let value = |index: usize| self.value(index);
        Statistics::boolean(
            range.map(|range| value(range.0)),
            range.map(|range| value(range.1)),
            None,
            Some(nulls),
            false,
        )
    }
}

/// 16 bytes: wide decimals, big-endian and signed.
pub(crate) struct Wide<'a>(pub(crate) &'a [i128]);

impl Physical for Wide<'_> {
    const TYPE: Type = Type::FIXED_LEN_BYTE_ARRAY;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.0.get(one).cmp(&self.0.get(other))
    }

    fn key(&self, index: usize) -> u64 {
        let high = self.0.get(index).copied().unwrap_or_default() >> 64;
        i64::try_from(high).map_or(0, key_of_int)
    }

    fn put(&self, index: usize, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.0.get(index).copied().unwrap_or_default().to_be_bytes());
    }

    fn least(&self, index: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.put(index, &mut bytes);
        bytes
    }

    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
        fixed(self, range, nulls)
    }
}

/// 16 bytes as they are: UUIDs.
pub(crate) struct Fixed<'a>(pub(crate) &'a FixedSizeBinaryArray);

impl Fixed<'_> {
    fn all(&self) -> &[[u8; 16]] {
        self.0.value_data().as_chunks().0
    }

    fn value(&self, index: usize) -> &[u8; 16] {
        self.all().get(index).unwrap_or(&[0; 16])
    }
}

impl Physical for Fixed<'_> {
    const TYPE: Type = Type::FIXED_LEN_BYTE_ARRAY;

    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn compare(&self, one: usize, other: usize) -> Ordering {
        self.value(one).cmp(self.value(other))
    }

    #[inline]
    fn key(&self, index: usize) -> u64 {
        key_of_text(self.value(index))
    }

    #[inline]
    fn put(&self, index: usize, into: &mut Vec<u8>) {
        into.extend_from_slice(self.value(index));
    }

    fn least(&self, index: usize) -> Vec<u8> {
        self.value(index).to_vec()
    }

    fn statistics(&self, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
        fixed(self, range, nulls)
    }
}

fn fixed(values: &impl Physical, range: Option<(usize, usize)>, nulls: u64) -> Statistics {
    let bytes = |index: usize| FixedLenByteArray::from(values.least(index));
    Statistics::fixed_len_byte_array(
        range.map(|range| bytes(range.0)),
        range.map(|range| bytes(range.1)),
        None,
        Some(nulls),
        false,
    )
}
