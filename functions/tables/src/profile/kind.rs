//! What a column holds, as far as its profile goes: how values become keys that keep their order, and how a key is
//! shown.

use arrow_schema::{DataType, TimeUnit};

use super::report::Shown;
use crate::{
    order::{digits_of, float_of, int_of},
    types::NARROW_DIGITS,
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    UInt,
    /// Of up to [`NARROW_DIGITS`].
    Decimal {
        scale: i8,
    },
    WideDecimal {
        scale: i8,
    },
    Float,
    Date,
    Time {
        per_second: i64,
    },
    Timestamp {
        per_second: i64,
        zoned: bool,
    },
    Text,
    Uuid,
    List,
    Struct,
    Other,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl Kind {
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Int,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Self::UInt,
            DataType::Decimal128(..=NARROW_DIGITS, scale) => Self::Decimal { scale: *scale },
            DataType::Decimal128(_, scale) => Self::WideDecimal { scale: *scale },
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Date32 => Self::Date,
            DataType::Time32(unit) | DataType::Time64(unit) => Self::Time {
                per_second: per_second(*unit),
            },
            DataType::Timestamp(unit, zone) => Self::Timestamp {
                per_second: per_second(*unit),
                zoned: zone.is_some(),
            },
            DataType::Utf8 | DataType::LargeUtf8 => Self::Text,
            DataType::FixedSizeBinary(16) => Self::Uuid,
            DataType::List(_) => Self::List,
            DataType::Struct(_) => Self::Struct,
            _ => Self::Other,
        }
    }

    /// Whether sums of its values mean something.
    pub(crate) const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Int | Self::UInt | Self::Decimal { .. } | Self::WideDecimal { .. } | Self::Float
        )
    }

    /// Whether its values lie on a line: quantiles and a histogram mean something.
    pub(crate) const fn is_measure(self) -> bool {
        self.is_number() || matches!(self, Self::Date | Self::Time { .. } | Self::Timestamp { .. })
    }

    /// Where a key lies on the line, for histograms and fences: numbers as they are, days in days, times in seconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "narrow keys are 64 bits; a float is as near as one can be"
    )]
    pub(crate) fn position(self, key: u128) -> f64 {
        match self {
            Self::Int | Self::Date => int_of(key as u64) as f64,
            Self::Time { per_second } | Self::Timestamp { per_second, .. } => {
                int_of(key as u64) as f64 / per_second as f64
            }
            Self::UInt => key as u64 as f64,
            Self::Float => float_of(key as u64),
            Self::Decimal { scale } => int_of(key as u64) as f64 / 10_f64.powi(i32::from(scale)),
            Self::WideDecimal { scale } => digits_of(key) as f64 / 10_f64.powi(i32::from(scale)),
            _ => 0.0,
        }
    }

    /// What lies at a position, shown.
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    pub(crate) fn show_position(self, position: f64) -> Shown {
        match self {
            Self::Date => Shown::Text(show_day(position.round() as i64)),
            Self::Time { per_second } => {
                let parts = in_parts(position, per_second);
                let (seconds, part) = (parts.div_euclid(per_second), parts.rem_euclid(per_second));
                Shown::Text(show_clock(seconds, part, per_second))
            }
            Self::Timestamp { per_second, zoned } => {
                Shown::Text(show_instant(in_parts(position, per_second), per_second, zoned))
            }
            _ => Shown::float(position),
        }
    }

    /// Positions of keys that all are of this kind: one loop a kind.
    #[expect(clippy::cast_precision_loss, reason = "a float is as near as one can be")]
    pub(crate) fn numbers(self, keys: &[u64], into: &mut [f64]) {
        let pairs = into.iter_mut().zip(keys);
        match self {
            Self::Int => pairs.for_each(|(into, key)| *into = int_of(*key) as f64),
            Self::UInt => pairs.for_each(|(into, key)| *into = *key as f64),
            Self::Float => pairs.for_each(|(into, key)| *into = float_of(*key)),
            Self::Decimal { scale } => {
                let one = 10_f64.powi(i32::from(scale));
                pairs.for_each(|(into, key)| *into = int_of(*key) as f64 / one);
            }
            _ => {}
        }
    }

    /// A key, shown.
    #[expect(clippy::cast_possible_truncation, reason = "narrow keys are 64 bits")]
    pub(crate) fn show(self, key: u128) -> Shown {
        let int = int_of(key as u64);
        match self {
            Self::Int => Shown::Int(int),
            Self::UInt => Shown::UInt(key as u64),
            Self::Float => Shown::float(float_of(key as u64)),
            Self::Date => Shown::Text(show_day(int)),
            Self::Time { per_second } => Shown::Text(show_clock(
                int.div_euclid(per_second),
                int.rem_euclid(per_second),
                per_second,
            )),
            Self::Timestamp { per_second, zoned } => Shown::Text(show_instant(int, per_second, zoned)),
            Self::Decimal { scale } => Shown::Text(show_decimal(int.into(), scale)),
            Self::WideDecimal { scale } => Shown::Text(show_decimal(digits_of(key), scale)),
            Self::Uuid => Shown::Text(show_uuid(key)),
            _ => Shown::Text(String::new()),
        }
    }
}

/// Seconds in parts of one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "saturates; a float is as near as one can be"
)]
fn in_parts(seconds: f64, per_second: i64) -> i64 {
    (seconds * per_second as f64).round() as i64
}

const fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Days since 1970-01-01 as `YYYY-MM-DD`, in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level
/// date algorithms").
fn show_day(days: i64) -> String {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Seconds of a day as `HH:MM:SS`, with a fraction if there is one.
fn show_clock(seconds: i64, part: i64, per_second: i64) -> String {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut shown = format!("{hour:02}:{minute:02}:{second:02}");
    if part > 0 {
        let digits = per_second.ilog10() as usize;
        let fraction = format!(".{part:0digits$}");
        shown.push_str(fraction.trim_end_matches('0'));
    }
    shown
}

fn show_instant(value: i64, per_second: i64, zoned: bool) -> String {
    let (seconds, part) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (day, in_day) = (
        seconds.div_euclid(SECONDS_PER_DAY),
        seconds.rem_euclid(SECONDS_PER_DAY),
    );
    let zone = if zoned { "Z" } else { "" };
    format!("{}T{}{zone}", show_day(day), show_clock(in_day, part, per_second))
}

fn show_decimal(digits: i128, scale: i8) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = digits.unsigned_abs().to_string();
    let Ok(scale) = usize::try_from(scale) else {
        return format!("{sign}{text}{}", "0".repeat(usize::from(scale.unsigned_abs())));
    };
    let padded = format!("{text:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

fn show_uuid(key: u128) -> String {
    let hex = format!("{key:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{key_of_digits, key_of_int, key_of_narrow_digits};

    #[test]
    fn values_are_shown_as_they_are_written() {
        let text = |kind: Kind, key: u128| match kind.show(key) {
            Shown::Text(text) => text,
            other => panic!("{other:?}"),
        };
        let int = |value: i64| u128::from(key_of_int(value));
        let micros = Kind::Timestamp {
            per_second: 1_000_000,
            zoned: true,
        };
        assert_eq!(text(micros, int(-1)), "1969-12-31T23:59:59.999999Z");
        assert_eq!(text(micros, int(1_356_998_400_000_000)), "2013-01-01T00:00:00Z");
        assert_eq!(text(Kind::Date, int(19_782)), "2024-02-29");
        assert_eq!(
            text(Kind::Time { per_second: 1000 }, int(3_661_050)),
            "01:01:01.05"
        );
        let decimal = |digits, scale| {
            let wide = text(Kind::WideDecimal { scale }, key_of_digits(digits));
            if digits.unsigned_abs() < 10_u128.pow(NARROW_DIGITS.into()) {
                let narrow = text(Kind::Decimal { scale }, key_of_narrow_digits(digits).into());
                assert_eq!(narrow, wide);
            }
            wide
        };
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(1250, 2), "12.50");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(
            text(Kind::Uuid, 0x0011_2233_4455_6677_8899_AABB_CCDD_EEFF),
            "00112233-4455-6677-8899-aabbccddeeff"
        );
    }
}
