//! Which type a column has.

use super::*;
use crate::types::time::Order;

const CELL: &str = "(|NA|-?[0-9]{1,3}(\\.[0-9]{1,2})?|1844674407370955161[4-7]|-?[0-9]{17,20}\\.[0-9]{2}|true|TRUE|[012][0-9]:[0-9]{2}|2024-0[12]-0[1-3]([T ]00:00(:00(\\.[0-9]{1,2})?)?(Z|\\+0[01]:00)?)?|[0-9]{1,2}[/.][0-9]{1,2}/2024)";

fn observe(cells: &[&str]) -> Inference {
    let mut inference = Inference::default();
    for cell in cells {
        inference.observe(cell.as_bytes());
    }
    inference
}

fn check(cells: &[&str], expected: ColumnType) {
    assert_eq!(observe(cells).decide(), expected, "{cells:?}");
    let mut backwards = cells.to_vec();
    backwards.reverse();
    assert_eq!(observe(&backwards).decide(), expected, "{backwards:?}");
}

fn decimal(scale: u8) -> ColumnType {
    ColumnType::Decimal {
        precision: NARROW_DIGITS,
        scale,
    }
}

fn stamp(zone: Zone) -> ColumnType {
    ColumnType::Timestamp {
        form: DateForm::ISO,
        zone,
    }
}

#[test]
fn numbers() {
    use ColumnType::{Float64, Int64, String, UInt64};
    check(&["1", "", "-2"], Int64);
    check(&["0", "1"], Int64);
    check(&["1", "2.5"], Float64);
    check(&["1", "-0"], Float64);
    check(&["9.99", "1.50", "10"], Float64);
    check(&["9.99", "1.50", "-10.00"], decimal(2));
    check(&["9.99", "-0.00"], Float64);
    check(&["1.0", "2.25"], Float64);
    check(&["1e5", "2"], Float64);
    check(&["1.5e5", "2.5"], Float64);
    check(&["1.9", "1.10"], String);
    check(&["1.00", "2.5"], String);
    check(&["007", "8"], String);
    check(&["1", "9223372036854775808"], UInt64);
    check(&["-1", "9223372036854775808"], String);
    check(&["18446744073709551615", "0"], UInt64);
    check(&["18446744073709551616", "0"], String);
    check(&["9007199254740993", "1.5"], String);
    check(&["9007199254740993", "1"], Int64);
    check(
        &["1234567890123456789.25", "0.50"],
        ColumnType::Decimal {
            precision: WIDE_DIGITS,
            scale: 2,
        },
    );
    check(&["0.123456789012345678901234567890123456789"], String);
    for odd in ["+1", "inf", "0x10", "1,000", " 1", "1 ", "$1", ".5", "1-2", "na "] {
        check(&["1", odd], String);
        check(&[odd], String);
    }
}

#[test]
fn a_decimal_of_nothing_but_decimals_has_all_digits_of_one() {
    for text in [
        "0.123456789012345678",
        "-0.999999999999999999",
        "9.12345678901234567",
    ] {
        let scale = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let scale = u8::try_from(scale).unwrap();
        check(&[text], decimal(scale));
        let read = Inference::default().decimal(text.as_bytes(), scale);
        assert_eq!(read, text.replace('.', "").parse().ok(), "{text}");
    }
}

#[test]
fn words_for_nothing_speak_for_no_type_and_are_text_alone() {
    for word in token::TOKENS {
        check(&["1", word], ColumnType::Int64);
        check(&["2024-02-29", word, ""], ColumnType::Date(DateForm::ISO));
        check(&["a", word], ColumnType::String);
        check(&[word, word], ColumnType::String);
    }
}

#[test]
fn truth_values() {
    check(&["true", "false", ""], ColumnType::Bool);
    check(&["TRUE", "FALSE"], ColumnType::Bool);
    check(&["True", "False"], ColumnType::Bool);
    check(&["TRUE", "true"], ColumnType::String);
    check(&["true", "1"], ColumnType::String);
    check(&["t", "f"], ColumnType::String);
    check(&["yes", "no"], ColumnType::String);
}

#[test]
fn days_and_instants() {
    use ColumnType::{Date, String};
    let timestamp = stamp(Zone::None);
    check(&["2024-02-29", ""], Date(DateForm::ISO));
    check(&["2023-02-29", "2023-02-28"], String);
    check(&["2024-02-29", "2024-02-29 00:00:00"], String);
    check(&["2024-02-29", "5"], String);
    check(&["2024-02-29 00:00:00", "2024-02-29 01:00:00.5"], timestamp);
    check(&["2024-02-29T00:00:00.120", "2024-02-29T01:00:00.500"], timestamp);
    check(&["2024-02-29T00:00:00.12", "2024-02-29T01:00:00.500"], String);
    check(&["2024-02-29T00:00:00Z", "2024-02-29T01:00:00Z"], stamp(Zone::Z));
    check(&["2024-02-29T00:00:00+00:00"], stamp(Zone::Offset(0)));
    check(
        &["2024-02-29T00:00:00+02:00", "2024-02-29T00:00:01+02:00"],
        stamp(Zone::Offset(120)),
    );
    check(
        &["2024-02-29T00:00:00+02:00", "2024-02-29T00:00:01+01:00"],
        String,
    );
    check(&["2024-02-29T00:00:00Z", "2024-02-29T01:00:00"], String);
    check(&["2024-02-29T00:00:00Z", "2024-02-29 01:00:00Z"], String);
    check(&["2016-12-31T23:59:60Z"], String);
    check(&["2024-02-29T00:00:00.0000001"], String);
    check(&["2024", "2024-01"], String);
    check(&["10:00", "23:59"], ColumnType::Time);
    check(&["10:00:00", "23:59:59.25"], ColumnType::Time);
    check(&["10:00:00", "23:59"], String);
    check(&["10:00", "24:00"], String);
    check(&["10:00", "2024-02-29"], String);
}

#[test]
fn days_of_other_forms_only_where_their_order_is_sure() {
    let day = |order, separator, padded| {
        ColumnType::Date(DateForm {
            order,
            separator,
            padded,
        })
    };
    check(&["31.12.2024", "01.02.2024"], day(Order::Dmy, b'.', true));
    check(&["01.02.2024", "03.04.2024"], day(Order::Dmy, b'.', true));
    check(&["12/31/2024", "01/02/2024"], day(Order::Mdy, b'/', true));
    check(&["12/31/2024", "1/2/2024"], day(Order::Mdy, b'/', false));
    check(&["31/12/2024", "01/02/2024"], day(Order::Dmy, b'/', true));
    check(&["2024/12/31", "2024/01/02"], day(Order::Ymd, b'/', true));
    check(&["01/02/2024", "03/04/2024"], ColumnType::String);
    check(&["31/12/2024", "12/31/2024"], ColumnType::String);
    check(&["31/12/2024", "1/02/2024"], ColumnType::String);
    check(&["31/12/2024", "31.12.2024"], ColumnType::String);
    check(&["31.02.2024"], ColumnType::String);
    let form = DateForm {
        order: Order::Dmy,
        separator: b'.',
        padded: true,
    };
    check(
        &["31.12.2024 10:00", "01.02.2024 11:30"],
        ColumnType::Timestamp {
            form,
            zone: Zone::None,
        },
    );
}

#[test]
fn uuids() {
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    check(
        &[uuid, "f0112233-4455-6677-8899-aabbccddeeff", ""],
        ColumnType::Uuid,
    );
    check(
        &[uuid, "F0112233-4455-6677-8899-AABBCCDDEEFF"],
        ColumnType::String,
    );
    check(&[uuid, "1"], ColumnType::String);
}

#[test]
fn nothing_is_a_string() {
    check(&[], ColumnType::String);
    check(&["", ""], ColumnType::String);
}

proptest::proptest! {
    #[test]
    fn a_column_seen_in_parts_is_the_column_seen_at_once(
        cells in proptest::collection::vec(CELL, 0..12),
        first in 0_usize..12, second in 0_usize..12,
    ) {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let (first, second) = (first.min(second).min(cells.len()), first.max(second).min(cells.len()));
        let (a, b, c) = (observe(&cells[..first]), observe(&cells[first..second]), observe(&cells[second..]));
        let whole = observe(&cells).decide();
        proptest::prop_assert_eq!(a.merge(&b).merge(&c).decide(), whole);
        proptest::prop_assert_eq!(a.merge(&b.merge(&c)).decide(), whole);
    }

    /// The short ways that know the type must note what the long way notes.
    #[test]
    fn cells_read_as_their_type_leave_what_observing_them_leaves(
        cells in proptest::collection::vec(CELL, 1..8),
    ) {
        let cells: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty() && *cell != "NA").collect();
        let observed = observe(&cells);
        let mut read = Inference::default();
        for cell in cells.iter().map(|cell| cell.as_bytes()) {
            let known = match observed.decide() {
                ColumnType::Bool => read.truth(cell).is_some(),
                ColumnType::Int64 => read.int(cell).is_some(),
                ColumnType::UInt64 => read.uint(cell).is_some(),
                ColumnType::Decimal { precision: NARROW_DIGITS, scale } => read.decimal(cell, scale).is_some(),
                ColumnType::Decimal { scale, .. } => read.wide_decimal(cell, scale).is_some(),
                ColumnType::Float64 => read.float(cell).is_some(),
                ColumnType::Date(form) => read.date(cell, form).is_some(),
                ColumnType::Time => read.time(cell).is_some(),
                ColumnType::Timestamp { form, .. } => read.timestamp(cell, form).is_some(),
                ColumnType::Uuid => read.uuid(cell).is_some(),
                ColumnType::String => { read.observe(cell); true }
            };
            proptest::prop_assert!(known, "{:?} of {:?} is not read as {}", cell, cells, observed.decide());
        }
        proptest::prop_assert_eq!(read.decide(), observed.decide());
        if observed.decide() != ColumnType::String {
            proptest::prop_assert_eq!(read, observed);
        }
    }
}
