//! Each kind of column, with values known.

use super::*;
use crate::profile::report::{AlertKind, Shown};
use arrow_array::{
    BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, ListArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt64Array, types::Int64Type,
};

#[expect(clippy::unnecessary_wraps, reason = "as the fields it is compared with")]
fn text(value: &str) -> Option<Shown> {
    Some(Shown::Text(value.into()))
}

fn alerts(profile: &Profile) -> Vec<(AlertKind, Option<String>)> {
    let alerts = profile.report().alerts.into_iter();
    alerts.map(|alert| (alert.kind, alert.column)).collect()
}

#[test]
fn integers_with_nulls() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![
        Some(3),
        None,
        Some(1),
        Some(2),
        Some(3),
        None,
    ]));
    // Whatever part of an array comes.
    let column = column_of(array.slice(1, 5));
    assert_eq!((column.count, column.nulls, column.distinct), (3, 2, Some(3)));
    assert_eq!(
        (column.min, column.max),
        (Some(Shown::Int(1)), Some(Shown::Int(3)))
    );
    let column = column_of(array);
    assert_eq!((column.count, column.nulls), (4, 2));
    assert_eq!(column.mean, Some(2.25));
    let median = &column.quantiles.unwrap().values[3];
    assert_eq!((median.share, &median.value), (0.5, &Shown::Int(2)));
    let top = column.top_values.unwrap();
    assert!(top.exact);
    assert_eq!((&top.values[0].value, top.values[0].count), (&Shown::Int(3), 2));
}

#[test]
fn integers_beyond_what_floats_hold() {
    let column = column_of(Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX - 1])));
    assert_eq!(
        (column.min, column.max),
        (Some(Shown::UInt(u64::MAX - 1)), Some(Shown::UInt(u64::MAX)))
    );
    assert_eq!(column.distinct, Some(2));
    let column = column_of(ints([i64::MIN, i64::MAX]));
    assert_eq!(column.min, Some(Shown::Int(i64::MIN)));
    assert!(column.histogram.is_some());
}

#[test]
fn bins_end_where_they_say() {
    let bins = |array: ArrayRef| {
        let bins = column_of(array).histogram.unwrap().bins.into_iter();
        bins.map(|bin| (bin.from, bin.to, bin.count)).collect::<Vec<_>>()
    };
    let at = |seconds: &str| Shown::Text(format!("1970-01-01T00:00:{seconds}"));
    let seconds = TimestampMicrosecondArray::from_iter_values((0..8).map(|second| second * 1_000_000));
    let expected = [
        ("00", "01.75", 2),
        ("01.75", "03.5", 2),
        ("03.5", "05.25", 2),
        ("05.25", "07", 2),
    ];
    let expected = expected.map(|(from, to, count)| (at(from), at(to), count));
    assert_eq!(bins(Arc::new(seconds)), expected);
    // Wider ones end with a second, and so are counted.
    let hours = TimestampMicrosecondArray::from_iter_values((0..9).map(|step| step * 7_000_000 / 2));
    for (from, to, count) in bins(Arc::new(hours)) {
        let second = |shown: Shown| match shown {
            Shown::Text(text) => text[17..].parse::<i64>().unwrap(),
            other => panic!("{other:?}"),
        };
        let (from, to) = (second(from) * 2, second(to) * 2);
        let is_last = to == 56;
        let within = (0..9)
            .map(|step| step * 7)
            .filter(|at| (from..to).contains(at) || (is_last && *at == to));
        assert_eq!(within.count() as u64, count, "{from} to {to}");
    }
    let beyond = 9_007_199_254_740_993;
    assert_eq!(
        bins(ints([beyond])),
        [(Shown::Int(beyond), Shown::Int(beyond + 1), 1)]
    );
    let last = bins(ints([0, i64::MAX - 1])).pop().unwrap();
    assert_eq!((last.1, last.2), (Shown::Int(i64::MAX), 1));
}

#[test]
fn floats_that_are_not_finite_are_set_aside() {
    let column = column_of(floats([1.0, f64::NAN, f64::INFINITY, 2.0]));
    assert_eq!((column.count, column.not_finite), (4, Some(2)));
    assert_eq!(
        (column.min, column.max),
        (Some(Shown::Float(1.0)), Some(Shown::Float(2.0)))
    );
    assert_eq!(column.mean, Some(1.5));
    let column = column_of(floats([f64::MAX, f64::MIN]));
    assert_eq!(column.histogram, None, "wider than a float");
    assert_eq!(column_of(floats([])).min, None);
}

#[test]
fn decimals_days_times_and_uuids_are_shown_as_texts() {
    let decimals = Decimal128Array::from(vec![Some(-5), Some(1250), None]).with_precision_and_scale(30, 2);
    let column = column_of(Arc::new(decimals.unwrap()));
    assert_eq!((column.min, column.max), (text("-0.05"), text("12.50")));
    assert_eq!(column.r#type, "decimal(30,2)");
    assert!((column.mean.unwrap() - 6.225).abs() < 1e-12);
    let column = column_of(Arc::new(Date32Array::from(vec![0, 19_782])));
    assert_eq!((column.min, column.max), (text("1970-01-01"), text("2024-02-29")));
    let column = column_of(Arc::new(Time64MicrosecondArray::from(vec![0, 43_200_500_000])));
    assert_eq!((column.min, column.max), (text("00:00:00"), text("12:00:00.5")));
    let instants = TimestampMicrosecondArray::from(vec![-1, 0]).with_timezone("UTC");
    let column = column_of(Arc::new(instants));
    assert_eq!(column.min, text("1969-12-31T23:59:59.999999Z"));
    let uuids = FixedSizeBinaryArray::try_from_iter([[0xFF_u8; 16], [0; 16]].into_iter()).unwrap();
    let column = column_of(Arc::new(uuids));
    assert_eq!(column.min, text("00000000-0000-0000-0000-000000000000"));
    assert_eq!(
        (column.max, column.mean),
        (text("ffffffff-ffff-ffff-ffff-ffffffffffff"), None)
    );
}

#[test]
fn truth_values() {
    let column = column_of(Arc::new(BooleanArray::from(vec![
        Some(true),
        None,
        Some(false),
        Some(true),
    ])));
    let booleans = column.booleans.unwrap();
    assert_eq!((booleans.r#true, booleans.r#false, column.nulls), (2, 1, 1));
    assert_eq!(
        (column.min, column.max),
        (Some(Shown::Bool(false)), Some(Shown::Bool(true)))
    );
    let column = column_of(Arc::new(BooleanArray::from(vec![true])));
    assert_eq!((column.min, column.distinct), (Some(Shown::Bool(true)), Some(1)));
}

#[test]
fn texts_and_what_is_wrong_with_them() {
    let array = StringArray::from(vec![
        Some("é"),
        Some(""),
        None,
        Some(" b"),
        Some("cafÃ©"),
        Some("b\t"),
    ]);
    let column = column_of(Arc::new(array));
    assert_eq!((column.count, column.nulls, column.empties), (5, 1, 1));
    assert_eq!((column.padded, column.mojibake), (Some(2), Some(1)));
    assert_eq!((column.min, column.max), (text(""), text("é")));
    let (bytes, chars) = (column.lengths.unwrap(), column.characters.unwrap());
    assert_eq!((bytes.min, bytes.max, chars.max), (0, 7, 5));
}

#[test]
fn many_texts_say_the_same_as_few() {
    // The same texts, once few and once beyond what is kept exactly.
    let values: Vec<String> = (0..1000)
        .map(|at| match at % 10 {
            0 => format!(" padded {at}"),
            1 => format!("cafÃ© {at}"),
            2 => format!("über {at}"),
            _ => format!("user{at}@example.org"),
        })
        .collect();
    let report = |precision| crate::profile::summarise::column(&observed(&texts(&values), precision), 10);
    let (few, many) = (report(Precision::NARROW), report(Precision::WIDE));
    assert!(few.distinct_exact && !many.distinct_exact);
    assert_eq!((few.min, few.max), (many.min, many.max));
    assert_eq!((few.lengths, few.characters), (many.lengths, many.characters));
    assert_eq!((few.padded, few.mojibake), (many.padded, many.mojibake));
    let (few, many) = (few.patterns.unwrap(), many.patterns.unwrap());
    assert_eq!(
        (few.examined, &few.values[0].pattern),
        (1000, &"email".to_owned())
    );
    assert!(
        many.examined < 200 && many.values[0].pattern == "email",
        "{many:?}"
    );
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = format!("{}é", "a".repeat(Precision::NARROW.text_bytes - 1));
    let column = column_of(texts([long]));
    assert_eq!(column.max, text(&"a".repeat(Precision::NARROW.text_bytes - 1)));
    assert_eq!(
        column.lengths.unwrap().max,
        Precision::NARROW.text_bytes as u64 + 1
    );
}

#[test]
fn lists_and_structures() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None, Some(2)]),
        None,
        Some(vec![]),
        Some(vec![Some(1), None, Some(2)]),
    ]);
    let column = column_of(Arc::new(lists.clone()));
    let lengths = column.lengths.unwrap();
    assert_eq!(
        (column.nulls, column.distinct, lengths.min, lengths.max),
        (1, Some(2), 0, 3)
    );
    let items = column.items.unwrap();
    assert_eq!((items.count, items.nulls, items.distinct), (4, 2, Some(2)));

    let names: ArrayRef = texts(["x", "y", "x", "z"]);
    let fields = vec![
        (
            Arc::new(Field::new("name", names.data_type().clone(), true)),
            names,
        ),
        (
            Arc::new(Field::new("sizes", lists.data_type().clone(), true)),
            Arc::new(lists) as ArrayRef,
        ),
    ];
    let structs = StructArray::from(fields);
    let nulls = vec![true, true, true, false].into();
    let structs = StructArray::new(structs.fields().clone(), structs.columns().to_vec(), Some(nulls));
    let profile = profile_of(&[("s", Arc::new(structs))]);
    let column = profile.report().columns.remove(0);
    assert_eq!((column.nulls, column.distinct), (1, None));
    let [name, sizes] = column.fields.as_slice() else {
        panic!()
    };
    assert_eq!(
        (name.count, name.nulls, name.distinct),
        (3, 1, Some(2)),
        "z is of no structure"
    );
    assert_eq!((sizes.nulls, sizes.distinct), (2, Some(2)));
}

#[test]
fn a_structure_without_a_value_is_another_than_none() {
    let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None, None, None, Some(1)]));
    let fields = StructArray::from(vec![(
        Arc::new(Field::new("a", arrow_schema::DataType::Int64, true)),
        nothing,
    )]);
    let nulls = vec![true, false, true, true].into();
    let structs = StructArray::new(fields.fields().clone(), fields.columns().to_vec(), Some(nulls));
    let duplicates = profile_of(&[("s", Arc::new(structs))]).report().duplicate_rows;
    assert_eq!(
        (duplicates.count, duplicates.exact),
        (1, true),
        "the first and the third"
    );
}

#[test]
fn rows_that_equal_others_are_counted() {
    let a = ints((0..3000).map(|row| row % 700));
    let b = texts((0..3000).map(|row| (row % 700 / 10).to_string()));
    let profile = profile_of(&[("a", Arc::clone(&a)), ("b", b)]);
    let duplicates = profile.report().duplicate_rows;
    assert_eq!((duplicates.count, duplicates.exact), (2300, true));
    let unique = profile_of(&[("a", a), ("id", ints(0..3000))]);
    assert_eq!(unique.report().duplicate_rows.count, 0);
    let half = profile_of(&[("a", ints((0..100_000).map(|row| row / 2)))]);
    let duplicates = half.report().duplicate_rows;
    assert!(
        !duplicates.exact && duplicates.count.abs_diff(50_000) < 3_000,
        "{duplicates:?}"
    );
}

#[test]
fn alerts_say_what_to_look_at() {
    let mut profile = profile_of(&[
        ("id", ints(0..100)),
        ("constant", ints((0..100).map(|_| 7))),
        (
            "sparse",
            Arc::new(
                (0..100)
                    .map(|row| (row < 30).then_some(row % 3))
                    .collect::<Int64Array>(),
            ),
        ),
        (
            "empty",
            Arc::new((0..100).map(|_| None::<i64>).collect::<Int64Array>()),
        ),
        (
            "far",
            ints((0..100).map(|row| if row == 50 { 1_000_000 } else { row % 10 })),
        ),
        (
            "flag",
            texts((0..100).map(|row| if row == 3 { "y" } else { "n" })),
        ),
        (
            "name",
            texts((0..100).map(|row| if row % 2 == 0 { " a" } else { "cafÃ©" })),
        ),
        ("fine", texts((0..100).map(|row| ["x", "y", "z"][row % 3]))),
    ]);
    profile.columns[7].widened = Some(crate::profile::Widened {
        from: "int64".into(),
        value: "x".into(),
        row: Some(1),
        count: None,
    });
    profile.rejected.insert("field-count".into(), 2);
    let on = |name: &str| Some(name.to_owned());
    assert_eq!(
        alerts(&profile),
        [
            (AlertKind::RejectedRows, None),
            (AlertKind::Mojibake, on("name")),
            (AlertKind::MixedTypes, on("fine")),
            (AlertKind::Empty, on("empty")),
            (AlertKind::MostlyNull, on("sparse")),
            (AlertKind::Constant, on("constant")),
            (AlertKind::Whitespace, on("name")),
            (AlertKind::Outliers, on("far")),
            (AlertKind::Imbalanced, on("flag")),
            (AlertKind::CandidateKey, on("id")),
        ]
    );
}

#[test]
fn a_key_of_many_values_is_a_candidate_and_one_with_repeats_is_not() {
    let is_key = |array| {
        let alerts = alerts(&profile_of(&[("a", array)]));
        alerts.iter().any(|(kind, _)| *kind == AlertKind::CandidateKey)
    };
    assert!(is_key(ints(0..50_000)));
    assert!(is_key(texts((0..50_000).map(|at| format!("user {at}")))));
    assert!(!is_key(ints((0..50_000).map(|at| at / 2))));
    assert!(!is_key(floats((0..50_000).map(f64::from))));
    // One repeat is enough where the count is exact.
    assert!(is_key(ints(0..1000)));
    assert!(!is_key(ints((0..1000).map(|at| if at == 999 {
        500
    } else {
        at
    }))));
}

#[test]
fn what_only_an_estimate_calls_a_key_is_said_to_be_about_one() {
    let alert = |array| {
        let alerts = profile_of(&[("a", array)]).report().alerts;
        let found = alerts
            .into_iter()
            .find(|alert| alert.kind == AlertKind::CandidateKey);
        found.map(|alert| (alert.message, alert.count))
    };
    let (message, count) = alert(ints(0..1000)).unwrap();
    assert_eq!(
        (message.as_str(), count),
        ("each row has a value of its own", 1000)
    );
    // Ten repeats among so many are less than the estimate's error.
    for repeats in [0, 10] {
        let (message, count) = alert(ints(
            (0..50_000).map(|at| if at < repeats { 49_999 - at } else { at }),
        ))
        .unwrap();
        assert!(message.starts_with("about "), "{message}");
        assert!(count > 48_000 && message.contains("give or take"), "{message}");
    }
}
