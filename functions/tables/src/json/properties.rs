//! Any JSON comes back; shapes merge in any grouping; any bytes are counted.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::format_collect,
    clippy::naive_bytecount,
    reason = "small numbers and short texts"
)]

use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use super::*;

/// Any JSON, few keys, so that they meet.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("one that serde_json reads as it writes it", |float| {
            let value = Number::from_f64(float).map(Value::Number)?;
            (serde_json::from_str::<Value>(&value.to_string()).ok()? == value).then_some(value)
        }),
        "[\\PC\\n\"\\\\]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abé\"]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_rows() -> impl Strategy<Value = Vec<Value>> {
    let row = prop::collection::vec(("[a-d]", any_json()), 0..4);
    let row = row.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()));
    prop_oneof![
        3 => prop::collection::vec(row, 0..12),
        // Rows like each other, so that types other than text come about.
        2 => (any_json(), 1..5_usize).prop_map(|(value, times)| vec![json!({ "a": value }); times]),
    ]
}

/// Whether a value read says what was written: the same, or as text.
fn says(read: &Value, written: Option<&Value>) -> bool {
    match (read, written) {
        (Value::Null, None | Some(Value::Null)) => true,
        (Value::String(text), Some(Value::String(written))) => text == written,
        (Value::String(text), Some(written)) => {
            serde_json::from_str::<Value>(text).ok().as_ref() == Some(written)
        }
        (Value::Array(read), Some(Value::Array(written))) => {
            read.len() == written.len()
                && read
                    .iter()
                    .zip(written)
                    .all(|(read, written)| says(read, Some(written)))
        }
        (Value::Object(read), Some(Value::Object(written))) => {
            written.keys().all(|key| read.contains_key(key))
                && read.iter().all(|(key, value)| says(value, written.get(key)))
        }
        (Value::Number(read), Some(Value::Number(written))) => {
            read == written
                || (read.is_f64()
                    && written
                        .as_i64()
                        .is_some_and(|written| read.as_f64() == Some(written as f64)))
        }
        (read, Some(written)) => read == written,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_come_back(rows in any_rows(), pretty in any::<bool>(), slab_bytes in 1..200_usize) {
        let line = |row: &Value| serde_json::to_string(row).unwrap();
        let pretty_or_not = |row: &Value| if pretty { serde_json::to_string_pretty(row).unwrap() } else { line(row) };
        let texts = [
            (JsonKind::Lines, rows.iter().map(|row| line(row) + "\n").collect::<String>()),
            (JsonKind::Array, pretty_or_not(&Value::from(rows.clone()))),
            (JsonKind::Values, rows.iter().map(pretty_or_not).collect::<Vec<_>>().join(" ")),
        ];
        for (kind, text) in texts {
            let table = read(text.as_bytes(), kind, 2000, slab_bytes);
            prop_assert!(table.rejects.is_empty(), "{:?}", table.rejects);
            prop_assert_eq!(table.rows.len(), rows.len());
            for (read, written) in table.rows.iter().zip(&rows) {
                prop_assert!(says(read, Some(written)), "{} came back as {}", written, read);
            }
            for batch in &table.batches {
                crate::write::proto::encode(batch, &mut Vec::new()).unwrap();
            }
        }
    }

    #[test]
    fn shapes_merge_in_any_grouping(rows in any_rows(), cuts in prop::array::uniform2(0.0..1.0_f64)) {
        let shape = |rows: &[Value]| {
            let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
            slabs(text.as_bytes(), JsonKind::Lines, CAP, 1 << 20).first().map_or_else(Shape::default, |slab| Shape::infer(slab, CAP))
        };
        let at = |cut: f64| (rows.len() as f64 * cut) as usize;
        let (first, second) = (at(cuts[0].min(cuts[1])), at(cuts[0].max(cuts[1])));
        let parts = [&rows[..first], &rows[first..second], &rows[second..]].map(shape);
        let [a, b, c] = parts.clone();
        let (mut left, mut right) = (a.clone(), b.clone());
        left.merge(b);
        left.merge(c.clone());
        right.merge(c);
        let mut whole = a;
        whole.merge(right);
        prop_assert_eq!(&left, &whole);
        prop_assert_eq!(left, shape(&rows));
    }

    #[test]
    fn any_bytes_are_counted(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\",:\\\n 1an".to_vec())], 0..200), slab_bytes in 1..100_usize) {
        let _ = looks_like(&bytes);
        let _ = check(&bytes);
        for kind in [JsonKind::Lines, JsonKind::Array, JsonKind::Values] {
            let mut all = Slabs::new(bytes.as_slice(), kind, 40).of_bytes(slab_bytes);
            let mut shape = Shape::default();
            let mut slabs = Vec::new();
            while let Ok(Some(slab)) = all.next_slab() {
                shape.merge(Shape::infer(&slab, 40));
                slabs.push(slab);
            }
            for slab in slabs {
                match parse(&slab, &shape, 40).unwrap() {
                    Parse::Done(parsed) => prop_assert_eq!(parsed.records, (parsed.batch.num_rows() + parsed.rejects.len()) as u64),
                    Parse::Contradiction => prop_assert!(false, "the shape of all contradicts a part"),
                }
            }
        }
    }
}
