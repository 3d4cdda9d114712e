//! Records as bytes. What protoc's parsers read from them is tested in `tests/clients`.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::format_collect,
    clippy::naive_bytecount,
    reason = "small numbers and short texts"
)]

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray, UInt64Array,
    builder::{Int64Builder, ListBuilder, StringBuilder},
};
use arrow_schema::{DataType, Field, Fields, Schema};
use proptest::prelude::*;

use super::super::{Message, NEVER_EMPTY, encode};
use super::*;

fn batch(columns: Vec<(Field, ArrayRef)>) -> RecordBatch {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn column(array: impl Array + 'static) -> (Field, ArrayRef) {
    let array: ArrayRef = Arc::new(array);
    (Field::new("a", array.data_type().clone(), true), array)
}

/// The records, their lengths taken off.
fn records(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let mut out = b"before".to_vec();
    encode(batch, &mut out).unwrap();
    let mut rest = out.strip_prefix(b"before").unwrap();
    let mut records = Vec::new();
    while !rest.is_empty() {
        let len = varint::take(&mut rest);
        let (record, after) = rest.split_at(len as usize);
        records.push(record.to_vec());
        rest = after;
    }
    records
}

#[test]
fn a_null_is_absent_and_zero_is_not() {
    let batch = batch(vec![
        column(Int64Array::from(vec![Some(0), None, Some(-1)])),
        column(StringArray::from(vec![Some(""), None, Some("seven")])),
        column(BooleanArray::from(vec![Some(false), None, Some(true)])),
        column(Float64Array::from(vec![Some(0.0), None, Some(1.0)])),
        column(UInt64Array::from(vec![Some(0), None, Some(u64::MAX)])),
    ]);
    let zeros = [8, 0, 18, 0, 24, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 40, 0].to_vec();
    let mut values = vec![8];
    values.extend([255; 9]);
    values.extend([1, 18, 5]);
    values.extend(b"seven");
    values.extend([24, 1, 33, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 40]);
    values.extend([255; 9]);
    values.push(1);
    assert_eq!(records(&batch), [zeros, vec![], values]);
}

#[test]
fn an_instant_has_its_zeros_left_out() {
    let array = TimestampMicrosecondArray::from(vec![0, -1, 1_500_000]).with_timezone("UTC");
    // 999,999,000 nanoseconds after the second before 1970.
    let before = vec![
        10, 17, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 16, 152, 140, 235, 220, 3,
    ];
    assert_eq!(
        records(&batch(vec![column(array)])),
        [vec![10, 0], before, vec![10, 8, 8, 1, 16, 128, 202, 181, 238, 1]]
    );
}

#[test]
fn lists_are_repeated_and_say_null_where_they_must() {
    let mut lists =
        ListBuilder::new(Int64Builder::new()).with_field(Field::new("item", DataType::Int64, false));
    lists.append_value([Some(1), Some(300)]);
    lists.append_null();
    lists.append_value([]);
    let lists = lists.finish();
    let kind = lists.data_type().clone();
    let never_empty = HashMap::from([(NEVER_EMPTY.to_owned(), String::new())]);
    let plain = Field::new("a", kind.clone(), true).with_metadata(never_empty);
    assert_eq!(
        records(&batch(vec![(plain, Arc::new(lists.clone()))])),
        [vec![10, 3, 1, 172, 2], vec![], vec![]]
    );
    let wrapped = Field::new("a", kind, true);
    assert_eq!(
        records(&batch(vec![(wrapped, Arc::new(lists))])),
        [vec![10, 5, 10, 3, 1, 172, 2], vec![], vec![10, 0]]
    );
    let mut texts = ListBuilder::new(StringBuilder::new());
    texts.append_value([Some("x"), None]);
    let texts = texts.finish();
    let field = Field::new("a", texts.data_type().clone(), false);
    assert_eq!(
        records(&batch(vec![(field, Arc::new(texts))])),
        [vec![10, 3, 10, 1, b'x', 10, 0]]
    );
}

#[test]
fn what_lies_behind_a_null_is_not_written() {
    let item = Arc::new(Field::new("item", DataType::Utf8, true));
    let lists = ListArray::new(
        item,
        OffsetBuffer::new(vec![0, 1, 3].into()),
        Arc::new(StringArray::from(vec!["x", "y", "z"])),
        Some(NullBuffer::from(vec![true, false])),
    );
    let fields = Fields::from(vec![
        Field::new("b", DataType::Int32, true),
        Field::new("c", lists.data_type().clone(), true),
    ]);
    let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![5, 6])), Arc::new(lists)];
    let structs =
        |valid: Vec<bool>| StructArray::new(fields.clone(), columns.clone(), Some(NullBuffer::from(valid)));
    let full = vec![10, 9, 8, 5, 18, 5, 10, 3, 10, 1, b'x'];
    assert_eq!(
        records(&batch(vec![column(structs(vec![true, true]))])),
        [full.clone(), vec![10, 2, 8, 6]]
    );
    assert_eq!(
        records(&batch(vec![column(structs(vec![true, false]))])),
        [full, vec![]]
    );
    assert_eq!(
        records(&batch(vec![column(structs(vec![false, true]))])),
        [vec![], vec![10, 2, 8, 6]]
    );
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let message = Message::of(&Schema::new(vec![Field::new("a", DataType::Int64, true)])).unwrap();
    let other = batch(vec![column(StringArray::from(vec!["x"]))]);
    assert!(message.encode(&other, &mut Vec::new()).is_err());
}

#[test]
fn numbers_pass_over_those_that_are_reserved() {
    use super::super::number;
    assert_eq!(
        [0, 18_998, 18_999, 19_999].map(number),
        [1, 18_999, 20_000, 21_000]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_slice_gives_the_records_of_the_whole(
        rows in prop::collection::vec((any::<Option<i64>>(), "\\PC{0,20}", prop::collection::vec(any::<Option<i64>>(), 0..4)), 0..1500),
        cut in 0.0..1.0,
    ) {
        let mut lists = ListBuilder::new(Int64Builder::new());
        for (_, _, list) in &rows {
            lists.append_value(list.iter().copied());
        }
        let whole = batch(vec![
            column(rows.iter().map(|row| row.0).collect::<Int64Array>()),
            column(rows.iter().map(|row| Some(&row.1)).collect::<StringArray>()),
            column(lists.finish()),
        ]);
        let expected = records(&whole);
        prop_assert_eq!(expected.len(), rows.len());
        for ((number, text, list), record) in rows.iter().zip(&expected) {
            let rest = &mut record.as_slice();
            if let Some(number) = number {
                prop_assert_eq!(varint::take(rest), 8);
                prop_assert_eq!(varint::take(rest).cast_signed(), *number);
            }
            prop_assert_eq!(varint::take(rest), 18);
            prop_assert_eq!(varint::take(rest), text.len() as u64);
            let (found, after) = rest.split_at(text.len());
            prop_assert_eq!(found, text.as_bytes());
            *rest = after;
            prop_assert_eq!(varint::take(rest), 26);
            prop_assert_eq!(varint::take(rest), rest.len() as u64);
            for item in list {
                prop_assert_eq!(varint::take(rest), 10);
                let len = varint::take(rest) as usize;
                let (mut found, after) = rest.split_at(len);
                *rest = after;
                if let Some(item) = item {
                    prop_assert_eq!(varint::take(&mut found), 8);
                    prop_assert_eq!(varint::take(&mut found).cast_signed(), *item);
                }
                prop_assert!(found.is_empty());
            }
            prop_assert!(rest.is_empty());
        }
        let at = (rows.len() as f64 * cut) as usize;
        let mut halves = records(&whole.slice(0, at));
        halves.extend(records(&whole.slice(at, rows.len() - at)));
        prop_assert_eq!(halves, expected);
    }
}
