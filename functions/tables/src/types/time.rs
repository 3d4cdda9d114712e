//! Dates, times and timestamps as text (ISO 8601, RFC 3339, and days as people write them), in the proleptic Gregorian
//! calendar, years 0001 to 9999.

use std::fmt;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// How a timestamp says which clock it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Not at all: a local time of nobody says where.
    None,
    /// `Z`.
    Z,
    /// `+02:00`: so many minutes east of UTC.
    Offset(i16),
}

impl Zone {
    /// Its name in an Arrow schema.
    #[must_use]
    pub fn name(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Z | Self::Offset(0) => Some("UTC".to_owned()),
            Self::Offset(minutes) => {
                let (sign, size) = (if minutes < 0 { '-' } else { '+' }, minutes.unsigned_abs());
                Some(format!("{sign}{:02}:{:02}", size / 60, size % 60))
            }
        }
    }
}

/// In which order the parts of a day stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Year, month, day.
    Ymd,
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
}

/// How a day is spelled: one form a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateForm {
    /// The order of its parts.
    pub order: Order,
    /// What stands between them.
    pub separator: u8,
    /// Months and days have two digits always, not one where one is enough.
    pub padded: bool,
}

impl DateForm {
    /// `YYYY-MM-DD`.
    pub const ISO: Self = Self {
        order: Order::Ymd,
        separator: b'-',
        padded: true,
    };
}

impl fmt::Display for DateForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (month, day) = if self.padded { ("MM", "DD") } else { ("M", "D") };
        let between = char::from(self.separator);
        match self.order {
            Order::Ymd => write!(f, "YYYY{between}{month}{between}{day}"),
            Order::Dmy => write!(f, "{day}{between}{month}{between}YYYY"),
            Order::Mdy => write!(f, "{month}{between}{day}{between}YYYY"),
        }
    }
}

/// How a timestamp is spelled, apart from its day and its fraction: one style a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// A space between date and time instead of `T`.
    pub spaced: bool,
    /// Seconds are given, not just hours and minutes.
    pub seconds: bool,
    /// The zone.
    pub zone: Zone,
}

/// A timestamp, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Microseconds since 1970-01-01T00:00:00, in UTC where there is a zone.
    pub micros: i64,
    /// How it is spelled.
    pub style: Style,
    /// Digits of the fraction, and whether the last of them is a zero; `None` without a fraction.
    pub fraction: Option<(usize, bool)>,
}

/// Reads `YYYY-MM-DD` as days since 1970-01-01; `None` for anything else and for days that never were.
#[must_use]
pub fn read_date(text: &[u8]) -> Option<i32> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else {
        return None;
    };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    day(year, two(m1, m2)?, two(d1, d2)?)
}

/// Reads a day that is spelled in this form, as days since 1970-01-01. Whether it is padded as the form says is not
/// asked.
#[must_use]
pub fn read_date_as(text: &[u8], form: DateForm) -> Option<i32> {
    if form == DateForm::ISO {
        return read_date(text);
    }
    let (parts, rest) = Parts::read(text)?;
    (rest.is_empty() && parts.separator == form.separator)
        .then(|| parts.day(form.order))
        .flatten()
}

/// A day's text, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    numbers: [i32; 3],
    lengths: [usize; 3],
    /// What stands between the numbers: `-`, `.` or `/`.
    pub separator: u8,
}

impl Parts {
    /// Takes the day that `text` begins with apart; gives what follows it.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<(Self, &[u8])> {
        let mut rest = text;
        let mut parts = Self {
            numbers: [0; 3],
            lengths: [0; 3],
            separator: 0,
        };
        for (index, (number, length)) in parts.numbers.iter_mut().zip(&mut parts.lengths).enumerate() {
            if index > 0 {
                let (&separator @ (b'-' | b'.' | b'/'), after) = rest.split_first()? else {
                    return None;
                };
                if index == 2 && separator != parts.separator {
                    return None;
                }
                parts.separator = separator;
                rest = after;
            }
            while let Some((&digit @ b'0'..=b'9', after)) = rest.split_first() {
                *number = *number * 10 + i32::from(digit - b'0');
                *length += 1;
                rest = after;
                if *length > 4 {
                    return None;
                }
            }
        }
        matches!(parts.lengths, [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4]).then_some((parts, rest))
    }

    /// Days since 1970-01-01, read in this order; `None` if there was no such day.
    #[must_use]
    pub fn day(&self, order: Order) -> Option<i32> {
        let [first, second, third] = self.numbers;
        let year_first = self.lengths.first() == Some(&4);
        match order {
            Order::Ymd if year_first => day(first, second, third),
            Order::Dmy if !year_first => day(third, second, first),
            Order::Mdy if !year_first => day(third, first, second),
            _ => None,
        }
    }

    /// Whether a month or a day has one digit, and whether one has a zero in front.
    #[must_use]
    pub fn padding(&self) -> (bool, bool) {
        let shorter = |(number, length): (&i32, &usize)| (*length == 1, *length == 2 && *number < 10);
        let all = self.numbers.iter().zip(&self.lengths).map(shorter);
        all.fold((false, false), |sum, one| (sum.0 | one.0, sum.1 | one.1))
    }
}

/// Reads `YYYY-MM-DD`, `T` or a space, and a [`Clock`].
///
/// `None` for anything else: hour 24, leap seconds, and fractions that microseconds cannot hold.
#[must_use]
pub fn read_timestamp(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    on_day(read_date(date)?, rest)
}

/// As [`read_timestamp`], of a day that is spelled in this form.
#[must_use]
pub fn read_timestamp_as(text: &[u8], form: DateForm) -> Option<Timestamp> {
    if form == DateForm::ISO {
        return read_timestamp(text);
    }
    let (parts, rest) = Parts::read(text)?;
    if parts.separator != form.separator {
        return None;
    }
    on_day(parts.day(form.order)?, rest)
}

/// The timestamp of a day and what follows it.
#[must_use]
pub fn on_day(days: i32, rest: &[u8]) -> Option<Timestamp> {
    let (separator, rest) = rest.split_first()?;
    let spaced = match separator {
        b' ' => true,
        b'T' => false,
        _ => return None,
    };
    let clock = read_clock(rest)?;
    let east = match clock.zone {
        Zone::Offset(minutes) => i64::from(minutes) * 60 * MICROS_PER_SECOND,
        Zone::None | Zone::Z => 0,
    };
    Some(Timestamp {
        micros: i64::from(days) * MICROS_PER_DAY + clock.micros - east,
        style: Style {
            spaced,
            seconds: clock.seconds,
            zone: clock.zone,
        },
        fraction: clock.fraction,
    })
}

/// A time of day, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Microseconds since midnight.
    pub micros: i64,
    /// Seconds are given.
    pub seconds: bool,
    /// The zone.
    pub zone: Zone,
    /// Digits of the fraction, and whether the last of them is a zero.
    pub fraction: Option<(usize, bool)>,
}

/// Reads `HH:MM` or `HH:MM:SS` or `HH:MM:SS.f…`, and nothing, `Z` or `+HH:MM`.
#[must_use]
pub fn read_clock(text: &[u8]) -> Option<Clock> {
    let (&[h1, h2, b':', m1, m2], mut rest) = text.split_first_chunk::<5>()? else {
        return None;
    };
    let (hour, minute) = (two(h1, h2)?, two(m1, m2)?);
    let mut second = 0;
    let mut fraction = None;
    let mut micros = 0;
    let seconds = rest.first() == Some(&b':');
    if seconds {
        let (&[_, s1, s2], after) = rest.split_first_chunk::<3>()?;
        second = two(s1, s2)?;
        rest = after;
        if let Some((b'.', after)) = rest.split_first() {
            let length = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, after) = after.split_at_checked(length)?;
            micros = read_micros(digits)?;
            fraction = Some((length, digits.last() == Some(&b'0')));
            rest = after;
        }
    }
    let zone = match *rest {
        [] => Zone::None,
        [b'Z'] => Zone::Z,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            // `-00:00` says that the offset is not known.
            if hours > 18 || minutes > 59 || (sign == b'-' && hours + minutes == 0) {
                return None;
            }
            let minutes = i16::try_from(hours * 60 + minutes).ok()?;
            Zone::Offset(if sign == b'-' { -minutes } else { minutes })
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = i64::from(hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND + micros;
    Some(Clock {
        micros,
        seconds,
        zone,
        fraction,
    })
}

/// Days since 1970-01-01; `None` for a day that never was.
fn day(year: i32, month: i32, day: i32) -> Option<i32> {
    if year == 0 || day == 0 || day > days_in(year, month)? {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// The digits of a fraction of a second as microseconds; `None` without a digit, or with one that is finer.
fn read_micros(digits: &[u8]) -> Option<i64> {
    let (kept, finer) = digits.split_at(digits.len().min(6));
    if digits.is_empty() || finer.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let read = kept
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((kept.len()..6).fold(read, |micros, _| micros * 10))
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i32::from(tens) * 10 + i32::from(ones))
}

fn days_in(year: i32, month: i32) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms": `days_from_civil`, for years from 1 on.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The same source's `civil_from_days`: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Days since 1970-01-01, shown as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy)]
pub struct ShowDate(pub i32);

impl fmt::Display for ShowDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.into());
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Microseconds since 1970-01-01, shown as `YYYY-MM-DDTHH:MM:SS`, with a fraction if there is one.
#[derive(Debug, Clone, Copy)]
pub struct ShowTimestamp {
    /// The microseconds.
    pub micros: i64,
    /// Whether it is UTC: a `Z` follows.
    pub utc: bool,
}

impl fmt::Display for ShowTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.micros.div_euclid(MICROS_PER_DAY));
        let in_day = self.micros.rem_euclid(MICROS_PER_DAY);
        let (seconds, micros) = (in_day / MICROS_PER_SECOND, in_day % MICROS_PER_SECOND);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micros > 0 {
            let digits = format!("{micros:06}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(if self.utc { "Z" } else { "" })
    }
}

#[cfg(test)]
mod tests;
