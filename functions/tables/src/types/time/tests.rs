//! Dates, times and instants as text.

use super::*;

#[test]
fn every_day_of_the_calendar_reads_back() {
    let first = read_date(b"0001-01-01").unwrap();
    let last = read_date(b"9999-12-31").unwrap();
    assert_eq!((read_date(b"1970-01-01"), last - first), (Some(0), 3_652_058));
    for days in first..=last {
        assert_eq!(read_date(ShowDate(days).to_string().as_bytes()), Some(days));
    }
}

#[test]
fn days_that_never_were_are_no_dates() {
    for text in [
        "2023-02-29",
        "1900-02-29",
        "2023-02-30",
        "2023-13-01",
        "2023-00-10",
        "2023-01-00",
        "2023-04-31",
        "0000-01-01",
        "2023-1-1",
        "20230101",
        "2023/01/01",
        "12023-01-01",
        "2023-01-01 ",
        "",
        "2023-01-0a",
    ] {
        assert_eq!(read_date(text.as_bytes()), None, "{text}");
    }
    assert!(read_date(b"2000-02-29").is_some());
}

#[test]
fn timestamps_read_to_the_microsecond() {
    let micros = |text: &str| read_timestamp(text.as_bytes()).map(|read| read.micros);
    assert_eq!(micros("1970-01-01T00:00:00"), Some(0));
    assert_eq!(micros("1970-01-01 00:01"), Some(60_000_000));
    assert_eq!(micros("1969-12-31T23:59:59.999999Z"), Some(-1));
    assert_eq!(micros("1970-01-01T00:00:00.5+00:00"), Some(500_000));
    assert_eq!(micros("1970-01-01T00:00:00.123456000"), Some(123_456));
    assert_eq!(micros("1970-01-01T01:00:00+01:00"), Some(0));
    assert_eq!(micros("1969-12-31T18:30:00-05:30"), Some(0));
    for text in [
        "1970-01-01T00:00:00.1234567",
        "1970-01-01T00:00:60",
        "1970-01-01T24:00:00",
        "1970-01-01T00:60:00",
        "1970-01-01T00",
        "1970-01-01T00:00:00.",
        "1970-01-01T00:00:00+1:00",
        "1970-01-01T00:00:00-00:00",
        "1970-01-01T00:00:00+0100",
        "1970-01-01t00:00:00",
        "1970-01-01T00:00:00 ",
        "1970-01-01",
        "1970-02-30T00:00:00",
        "1970-01-01T00:00:",
        "1970-01-01T00:00:00ZZ",
    ] {
        assert_eq!(micros(text), None, "{text}");
    }
}

#[test]
fn days_are_read_in_the_form_that_they_are_said_to_have() {
    let form = |order, separator| DateForm {
        order,
        separator,
        padded: true,
    };
    let expected = read_date(b"2024-12-31");
    assert!(expected.is_some());
    for (text, order, separator) in [
        ("31.12.2024", Order::Dmy, b'.'),
        ("12/31/2024", Order::Mdy, b'/'),
        ("31/12/2024", Order::Dmy, b'/'),
        ("2024/12/31", Order::Ymd, b'/'),
    ] {
        assert_eq!(
            read_date_as(text.as_bytes(), form(order, separator)),
            expected,
            "{text}"
        );
        assert_eq!(read_date_as(text.as_bytes(), form(order, b'-')), None, "{text}");
        let at = read_timestamp_as(format!("{text} 10:00").as_bytes(), form(order, separator));
        assert_eq!(
            at.map(|at| at.micros),
            read_timestamp(b"2024-12-31T10:00").map(|at| at.micros)
        );
    }
    assert_eq!(read_date_as(b"31/12/2024", form(Order::Mdy, b'/')), None);
    assert_eq!(form(Order::Dmy, b'.').to_string(), "DD.MM.YYYY");
    for text in [
        "1/2/24",
        "1/2-2024",
        "1//2024",
        "12024/1/1",
        "1/2/2024x",
        "001/2/2024",
    ] {
        assert_eq!(
            read_date_as(text.as_bytes(), form(Order::Dmy, b'/')),
            None,
            "{text}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn every_instant_reads_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000, utc: bool) {
        let shown = ShowTimestamp { micros, utc }.to_string();
        proptest::prop_assert_eq!(read_timestamp(shown.as_bytes()).map(|read| read.micros), Some(micros), "{}", shown);
    }
}
