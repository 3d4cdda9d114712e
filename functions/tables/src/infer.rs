//! What a column holds, decided over every cell of the file.
//!
//! # The rule
//! A column gets a type only if the value written says as much as the text that was read: the same number, the same
//! instant, the same truth, and no two spellings that might mean two things made one. Whatever is in doubt stays text.
//!
//! | type | cells | and over the column |
//! |---|---|---|
//! | `int64` | what an `i64` prints: no leading zero, no `+`, no `-0`, nothing beyond 64 bits | |
//! | `float64` | a decimal that an `f64` gives back ([`Number::fits_f64`]); integers too | fractions that end in an extra zero (`1.10`) only if all fractions are of one length: `9.99` and `1.50` are prices, `1.9` and `1.10` may be versions |
//! | `bool` | `true`, `True`, `TRUE` and their opposites | one spelling |
//! | `date` | `YYYY-MM-DD`, a day that was | |
//! | `timestamp` | [`read_timestamp`]: to the microsecond, without zone or in UTC | one spelling (separator, seconds, zone); fractions as for `float64` |
//! | `string` | anything | |
//!
//! An empty cell speaks for no type. A column of nothing but empty cells is a string, and so is a mix (dates and
//! timestamps, numbers and words): every cell then reads as it stood. What a `float64` column does not keep is the
//! spelling of a number: `1e5` is written as `100000`, and `10` beside `12.50` as `10.0`.

use serde::Serialize;

use crate::{
    number::{Number, read_i64},
    time::{self, Style, Zone, read_timestamp},
};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// True or false.
    Bool,
    /// Signed, 64 bits.
    Int64,
    /// IEEE 754, 64 bits; never NaN, never infinite.
    Float64,
    /// A day.
    Date,
    /// Microseconds, of a local clock.
    Timestamp,
    /// Microseconds, in UTC.
    TimestampUtc,
    /// UTF-8.
    String,
}

const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 4;
const DATE: u8 = 8;
const TIMESTAMP: u8 = 16;
const ANY: u8 = BOOL | INT | FLOAT | DATE | TIMESTAMP;

/// What is known of a column after some of its cells: what it may still become.
///
/// [`Inference::merge`] of two parts of a column is what one pass over both would know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    candidates: u8,
    seen: bool,
    decimals: Lengths,
    fractions: Lengths,
    bool_style: One<Case>,
    time_style: One<Style>,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            candidates: ANY,
            seen: false,
            decimals: Lengths::default(),
            fractions: Lengths::default(),
            bool_style: One::default(),
            time_style: One::default(),
        }
    }
}

impl Inference {
    /// Takes note of one cell.
    #[inline]
    pub fn observe(&mut self, cell: &[u8]) {
        if self.candidates == 0 || cell.is_empty() {
            return;
        }
        self.seen = true;
        self.candidates &= match cell.first() {
            Some(b'0'..=b'9' | b'-') => self.number_or_time(cell),
            Some(b't' | b'T' | b'f' | b'F') => self.truth(cell),
            _ => 0,
        };
    }

    /// Whether nothing but text is left, so that further cells change nothing.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.candidates == 0
    }

    fn number_or_time(&mut self, cell: &[u8]) -> u8 {
        if self.candidates & (DATE | TIMESTAMP) != 0 && cell.get(4) == Some(&b'-') {
            if cell.len() == 10 {
                return if time::read_date(cell).is_some() { DATE } else { 0 };
            }
            let Some(read) = read_timestamp(cell) else {
                return 0;
            };
            if let Some((length, ends_in_zero)) = read.fraction {
                self.fractions.add(length, ends_in_zero);
            }
            self.time_style.add(read.style);
            return TIMESTAMP;
        }
        if self.candidates & (INT | FLOAT) == 0 {
            return 0;
        }
        // Most numbers are short integers, which an `f64` holds too.
        if self.candidates & INT != 0 && cell.len() <= 15 && read_i64(cell).is_some() {
            return INT | FLOAT;
        }
        let Some(number) = Number::read(cell) else {
            return 0;
        };
        if let Some((length, ends_in_zero)) = number.scale() {
            self.decimals.add(length, ends_in_zero);
        }
        let mut fits = 0;
        if self.candidates & INT != 0 && number.as_i64().is_some() {
            fits |= INT;
        }
        if self.candidates & FLOAT != 0 && number.fits_f64() {
            fits |= FLOAT;
        }
        fits
    }

    fn truth(&mut self, cell: &[u8]) -> u8 {
        let Some((_, case)) = read_bool(cell) else {
            return 0;
        };
        self.bool_style.add(case);
        BOOL
    }

    /// What one pass over both parts would know. Associative and commutative.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self {
            candidates: self.candidates & other.candidates,
            seen: self.seen || other.seen,
            decimals: self.decimals.merge(other.decimals),
            fractions: self.fractions.merge(other.fractions),
            bool_style: self.bool_style.merge(other.bool_style),
            time_style: self.time_style.merge(other.time_style),
        }
    }

    /// The type, once every cell has been seen.
    #[must_use]
    pub fn decide(&self) -> ColumnType {
        let may_be = |candidate| self.seen && self.candidates & candidate != 0;
        if may_be(INT) {
            ColumnType::Int64
        } else if may_be(FLOAT) && self.decimals.are_plain() {
            ColumnType::Float64
        } else if may_be(BOOL) && self.bool_style.get().is_some() {
            ColumnType::Bool
        } else if may_be(DATE) {
            ColumnType::Date
        } else if may_be(TIMESTAMP) && self.fractions.are_plain() {
            match self.time_style.get() {
                Some(style) if style.zone == Zone::None => ColumnType::Timestamp,
                Some(_) => ColumnType::TimestampUtc,
                None => ColumnType::String,
            }
        } else {
            ColumnType::String
        }
    }
}

/// How a truth value is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `true`.
    Lower,
    /// `True`.
    Title,
    /// `TRUE`.
    Upper,
}

/// Reads a truth value and how it was spelled.
#[must_use]
pub fn read_bool(cell: &[u8]) -> Option<(bool, Case)> {
    Some(match cell {
        b"true" => (true, Case::Lower),
        b"True" => (true, Case::Title),
        b"TRUE" => (true, Case::Upper),
        b"false" => (false, Case::Lower),
        b"False" => (false, Case::Title),
        b"FALSE" => (false, Case::Upper),
        _ => return None,
    })
}

/// The lengths of a column's fractions: a zero at the end says nothing if all are equally long, or if none has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lengths {
    least_and_most: Option<(usize, usize)>,
    any_ends_in_zero: bool,
}

impl Lengths {
    fn add(&mut self, length: usize, ends_in_zero: bool) {
        *self = self.merge(Self {
            least_and_most: Some((length, length)),
            any_ends_in_zero: ends_in_zero,
        });
    }

    fn merge(self, other: Self) -> Self {
        let least_and_most = match (self.least_and_most, other.least_and_most) {
            (Some((least, most)), Some((least2, most2))) => Some((least.min(least2), most.max(most2))),
            (one, None) | (None, one) => one,
        };
        Self {
            least_and_most,
            any_ends_in_zero: self.any_ends_in_zero || other.any_ends_in_zero,
        }
    }

    fn are_plain(self) -> bool {
        !self.any_ends_in_zero || self.least_and_most.is_none_or(|(least, most)| least == most)
    }
}

/// None seen, the one seen, or several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum One<T> {
    #[default]
    None,
    Just(T),
    Several,
}

impl<T: Copy + PartialEq> One<T> {
    fn add(&mut self, value: T) {
        *self = self.merge(Self::Just(value));
    }

    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (one, Self::None) | (Self::None, one) => one,
            (Self::Just(one), Self::Just(other)) if one == other => Self::Just(one),
            _ => Self::Several,
        }
    }

    fn get(self) -> Option<T> {
        match self {
            Self::Just(value) => Some(value),
            Self::None | Self::Several => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn numbers() {
        use ColumnType::{Float64, Int64, String};
        check(&["1", "", "-2"], Int64);
        check(&["0", "1"], Int64);
        check(&["1", "2.5"], Float64);
        check(&["1", "-0"], Float64);
        check(&["9.99", "1.50", "10"], Float64);
        check(&["1.0", "2.25"], Float64);
        check(&["1e5", "2"], Float64);
        check(&["1.9", "1.10"], String);
        check(&["1.00", "2.5"], String);
        check(&["007", "8"], String);
        check(&["1", "9223372036854775808"], String);
        check(&["9007199254740993", "1.5"], String);
        check(&["9007199254740993", "1"], Int64);
        for odd in [
            "+1", "NaN", "inf", "NA", "null", "0x10", "1,000", " 1", "1 ", "$1", ".5", "-", "1-2",
        ] {
            check(&["1", odd], String);
            check(&[odd], String);
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
        use ColumnType::{Date, String, Timestamp, TimestampUtc};
        check(&["2024-02-29", ""], Date);
        check(&["2023-02-29", "2023-02-28"], String);
        check(&["2024-02-29", "2024-02-29 00:00:00"], String);
        check(&["2024-02-29", "5"], String);
        check(&["2024-02-29 00:00:00", "2024-02-29 01:00:00.5"], Timestamp);
        check(&["2024-02-29T00:00:00.120", "2024-02-29T01:00:00.500"], Timestamp);
        check(&["2024-02-29T00:00:00.12", "2024-02-29T01:00:00.500"], String);
        check(&["2024-02-29T00:00:00Z", "2024-02-29T01:00:00Z"], TimestampUtc);
        check(&["2024-02-29T00:00:00+00:00"], TimestampUtc);
        check(&["2024-02-29T00:00:00Z", "2024-02-29T01:00:00"], String);
        check(&["2024-02-29T00:00:00Z", "2024-02-29 01:00:00Z"], String);
        check(&["2024-02-29T00:00:00+02:00"], String);
        check(&["2016-12-31T23:59:60Z"], String);
        check(&["2024-02-29T00:00:00.0000001"], String);
        check(&["2024", "2024-01"], String);
    }

    #[test]
    fn nothing_is_a_string() {
        check(&[], ColumnType::String);
        check(&["", ""], ColumnType::String);
    }

    proptest::proptest! {
        #[test]
        fn a_column_seen_in_parts_is_the_column_seen_at_once(
            cells in proptest::collection::vec("(|-?[0-9]{1,3}(\\.[0-9]{1,2})?|true|TRUE|2024-0[12]-0[1-3]([T ]00:00(:00(\\.[0-9]{1,2})?)?Z?)?)", 0..12),
            first in 0_usize..12, second in 0_usize..12,
        ) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let (first, second) = (first.min(second).min(cells.len()), first.max(second).min(cells.len()));
            let (a, b, c) = (observe(&cells[..first]), observe(&cells[first..second]), observe(&cells[second..]));
            let whole = observe(&cells).decide();
            proptest::prop_assert_eq!(a.merge(&b).merge(&c).decide(), whole);
            proptest::prop_assert_eq!(a.merge(&b.merge(&c)).decide(), whole);
        }
    }
}
