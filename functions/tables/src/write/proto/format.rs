//! Values as text: ISO 8601 dates and times, decimals, UUIDs.

use arrow_schema::TimeUnit;

const SECONDS_PER_DAY: i64 = 86_400;

/// Seconds since 1970, rounded down, and the nanoseconds above them.
#[inline]
pub(super) const fn instant(ticks: i64, unit: TimeUnit) -> (u64, u64) {
    // A division by each constant, which compilers turn into multiplications.
    let (seconds, nanos) = match unit {
        TimeUnit::Second => (ticks, 0),
        TimeUnit::Millisecond => (ticks.div_euclid(1_000), ticks.rem_euclid(1_000) * 1_000_000),
        TimeUnit::Microsecond => (ticks.div_euclid(1_000_000), ticks.rem_euclid(1_000_000) * 1_000),
        TimeUnit::Nanosecond => (ticks.div_euclid(1_000_000_000), ticks.rem_euclid(1_000_000_000)),
    };
    (seconds.cast_unsigned(), nanos.cast_unsigned())
}

/// Dates, one after the other: the last one's text is kept, as rows of one day often follow each other.
#[derive(Debug, Default)]
pub(super) struct Dates {
    days: i64,
    text: Vec<u8>,
}

impl Dates {
    /// `YYYY-MM-DD` of the days since 1970-01-01; before the year 0 and after 9999 with a sign and more digits.
    pub(super) fn write(&mut self, days: i64, out: &mut Vec<u8>) {
        if self.days != days || self.text.is_empty() {
            self.days = days;
            self.text.clear();
            let (year, month, day) = civil(days);
            if !(0..=9_999).contains(&year) {
                self.text.push(if year < 0 { b'-' } else { b'+' });
            }
            digits(year.unsigned_abs(), 4, &mut self.text);
            self.text.push(b'-');
            digits(month, 2, &mut self.text);
            self.text.push(b'-');
            digits(day, 2, &mut self.text);
        }
        out.extend_from_slice(&self.text);
    }

    /// `YYYY-MM-DDTHH:MM:SS` and a fraction if there is one.
    pub(super) fn write_timestamp(&mut self, ticks: i64, unit: TimeUnit, out: &mut Vec<u8>) {
        let (seconds, nanos) = instant(ticks, unit);
        let seconds = seconds.cast_signed();
        self.write(seconds.div_euclid(SECONDS_PER_DAY), out);
        out.push(b'T');
        clock(seconds.rem_euclid(SECONDS_PER_DAY), nanos, out);
    }
}

/// `HH:MM:SS` and a fraction if there is one.
pub(super) fn time(ticks: i64, unit: TimeUnit, out: &mut Vec<u8>) {
    let (seconds, nanos) = instant(ticks, unit);
    clock(seconds.cast_signed(), nanos, out);
}

fn clock(seconds: i64, nanos: u64, out: &mut Vec<u8>) {
    let seconds = seconds.unsigned_abs();
    let pair = |value: u64| [digit(value / 10), digit(value)];
    let ([h1, h2], [m1, m2]) = (pair(seconds / 3_600), pair(seconds / 60 % 60));
    let [s1, s2] = pair(seconds % 60);
    out.extend_from_slice(&[h1, h2, b':', m1, m2, b':', s1, s2]);
    if nanos != 0 {
        out.push(b'.');
        match nanos {
            nanos if nanos % 1_000_000 == 0 => digits(nanos / 1_000_000, 3, out),
            nanos if nanos % 1_000 == 0 => digits(nanos / 1_000, 6, out),
            nanos => digits(nanos, 9, out),
        }
    }
}

/// A decimal with all the digits of its scale.
pub(super) fn decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let start = out.len();
    let places = usize::from(scale.unsigned_abs());
    let width = if scale > 0 { places + 1 } else { 1 };
    if let Ok(value) = u64::try_from(value.unsigned_abs()) {
        digits(value, width, out);
    } else {
        out.extend_from_slice(format!("{:0>width$}", value.unsigned_abs()).as_bytes());
    }
    if scale > 0 {
        out.insert(out.len().saturating_sub(places).max(start), b'.');
    } else if value != 0 {
        out.resize(out.len() + places, b'0');
    }
}

/// Sixteen bytes as `8-4-4-4-12` lower-case hexadecimal digits (RFC 9562).
pub(super) fn uuid(bytes: &[u8], out: &mut Vec<u8>) {
    let hexadecimal = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[hexadecimal(byte >> 4), hexadecimal(byte & 0xF)]);
    }
}

/// The last digit of a number.
fn digit(value: u64) -> u8 {
    b'0' + u8::try_from(value % 10).unwrap_or_default()
}

/// A number's digits, with zeros before them if they are fewer than `width`.
fn digits(mut value: u64, width: usize, out: &mut Vec<u8>) {
    let mut reversed = [b'0'; 20];
    let mut len = 0;
    for place in &mut reversed {
        if value == 0 {
            break;
        }
        *place = digit(value);
        value /= 10;
        len += 1;
    }
    out.resize(out.len() + width.saturating_sub(len), b'0');
    out.extend(reversed.get(..len).unwrap_or_default().iter().rev());
}

/// Year, month and day in the proleptic Gregorian calendar
/// (Hinnant, <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn civil(days: i64) -> (i64, u64, u64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month.unsigned_abs(), day.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn dates_and_times_are_iso_8601() {
        let mut dates = Dates::default();
        for (days, expected) in [
            (0, "1970-01-01"),
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (15_706, "2013-01-01"),
            (-719_162, "0001-01-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (11_016, "2000-02-29"),
        ] {
            assert_eq!(text(|out| dates.write(days, out)), expected);
        }
        let mut local = |ticks, unit| text(|out| dates.write_timestamp(ticks, unit, out));
        assert_eq!(
            local(1_357_034_400_000_000, TimeUnit::Microsecond),
            "2013-01-01T10:00:00"
        );
        assert_eq!(local(-1, TimeUnit::Microsecond), "1969-12-31T23:59:59.999999");
        assert_eq!(local(1_500, TimeUnit::Millisecond), "1970-01-01T00:00:01.500");
        assert_eq!(
            text(|out| time(3_661_000_000_001, TimeUnit::Nanosecond, out)),
            "01:01:01.000000001"
        );
    }

    #[test]
    fn decimals_keep_their_digits() {
        let decimal = |value, scale| text(|out| decimal(value, scale, out));
        assert_eq!(decimal(0, 0), "0");
        assert_eq!(decimal(0, 2), "0.00");
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(12_345, 2), "123.45");
        assert_eq!(decimal(12, -3), "12000");
        assert_eq!(decimal(i128::from(u64::MAX) * 10, 1), "18446744073709551615.0");
        assert_eq!(decimal(-(10_i128.pow(37)), 37), format!("-1.{}", "0".repeat(37)));
    }

    #[test]
    fn a_uuid_is_lower_case() {
        let bytes: Vec<u8> = (0..16).map(|byte| byte * 17).collect();
        assert_eq!(
            text(|out| uuid(&bytes, out)),
            "00112233-4455-6677-8899-aabbccddeeff"
        );
    }
}
