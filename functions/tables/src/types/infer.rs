//! Which type a column may have, decided over every cell of the file.
//!
//! # The rule
//! A column gets a type only if the value written says as much as the text that was read: the same number, the same
//! instant, the same truth, and no two spellings that might mean two things made one. Whatever is in doubt stays text.
//!
//! | type | cells | and over the column |
//! |---|---|---|
//! | `int64` | what an `i64` prints: no leading zero, no `+`, no `-0` | |
//! | `uint64` | what a `u64` prints | one of them is beyond an `i64` |
//! | `decimal(p,s)` | a number with `s` digits after its point, `p` in all (18, or 38 where one needs more) | every fraction is of one length: `9.99` and `1.50` are prices, and read back letter for letter |
//! | `float64` | a decimal that an `f64` gives back ([`Number::fits_f64`]); integers too | no fraction ends in an extra zero: `1.9` and `1.10` may be versions |
//! | `bool` | `true`, `True`, `TRUE` and their opposites | one spelling |
//! | `date` | `YYYY-MM-DD`, or a day with other separators or in another order ([`Parts`]) | one form, and an order that some cell settles: `13/01/2024` is a day first, `01/02/2024` alone is text |
//! | `time` | `HH:MM`, `HH:MM:SS` ([`read_clock`]) | one spelling; fractions as below |
//! | `timestamp` | a date and a time of day (`time::read_timestamp`), to the microsecond | one spelling (form of the date, separator, seconds, one zone); fractions of one length, or without extra zeros |
//! | `uuid` | RFC 9562, in lower case | |
//! | `string` | anything | |
//!
//! An empty cell and a word for nothing ([`super::token`]) speak for no type. A column of nothing else is a string, and so is
//! a mix (dates and timestamps, numbers and words): every cell then reads as it stood. What a `float64` column does
//! not keep is the spelling of a number: `1e5` is written as `100000`, and `10` beside `12.50` as `10.0`.
//!
//! # The lattice
//! What is known of a column is a set of types it may still have, which only shrinks, and a few facts about spellings, which
//! only grow. [`Inference::merge`] meets the sets and joins the facts: it is associative and commutative, so the types
//! are those of one pass over the whole file, wherever that was cut.

mod days;
mod strings;

use super::{
    ColumnType, NARROW_DIGITS, WIDE_DIGITS,
    number::{Number, read_decimal, read_i64},
    time::{DateForm, Parts, Style, Zone, on_day, read_clock, read_date_as, read_timestamp_as},
    token,
    uuid::{TEXT_BYTES, read_uuid},
};
use days::Days;

const BOOL: u16 = 1;
const INT: u16 = 2;
const UINT: u16 = 4;
const DECIMAL: u16 = 8;
const FLOAT: u16 = 16;
const DATE: u16 = 32;
const TIME: u16 = 64;
const TIMESTAMP: u16 = 128;
const UUID: u16 = 256;
const NUMBER: u16 = INT | UINT | DECIMAL | FLOAT;
const ANY: u16 = BOOL | NUMBER | DATE | TIME | TIMESTAMP | UUID;

/// The longest integer that is sure to be held by an `i64` and an `f64`.
const SHORT_INTEGER: usize = 15;
/// One beyond the greatest of so many digits.
const SAFE_DECIMAL: u64 = 1_000_000_000_000_000;

/// What is known of a column after some of its cells: what it may still become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    candidates: u16,
    seen: bool,
    /// An integer was among the numbers.
    integers: bool,
    /// A decimal has more digits than a narrow one.
    wide: bool,
    decimals: Lengths,
    fractions: Lengths,
    bool_style: One<Case>,
    time_style: One<Style>,
    clock_style: One<bool>,
    days: Days,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            candidates: ANY,
            seen: false,
            integers: false,
            wide: false,
            decimals: Lengths::default(),
            fractions: Lengths::default(),
            bool_style: One::default(),
            time_style: One::default(),
            clock_style: One::default(),
            days: Days::default(),
        }
    }
}

impl Inference {
    /// Takes note of one cell.
    #[inline]
    pub fn observe(&mut self, cell: &[u8]) {
        if self.candidates != 0 && !cell.is_empty() {
            self.observe_cell(cell);
        }
    }

    fn observe_cell(&mut self, cell: &[u8]) {
        let class = self.classify(cell);
        if class != 0 || token::find(cell).is_none() {
            self.narrow(class);
        }
    }

    /// Whether nothing but text is left, so that further cells change nothing.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.candidates == 0
    }

    #[inline]
    fn narrow(&mut self, class: u16) {
        self.seen = true;
        self.candidates &= class;
    }

    /// The types that a cell may be of, of those that are left.
    fn classify(&mut self, cell: &[u8]) -> u16 {
        if cell.len() == TEXT_BYTES && self.candidates & UUID != 0 && read_uuid(cell).is_some() {
            return UUID;
        }
        match cell.first() {
            Some(b'0'..=b'9' | b'-') => {
                if self.candidates & NUMBER != 0
                    && let Some(number) = Number::read(cell)
                {
                    return self.number(&number, None);
                }
                if self.candidates & (DATE | TIME | TIMESTAMP) != 0 {
                    return self.moment(cell);
                }
                0
            }
            Some(b't' | b'T' | b'f' | b'F') => match read_bool(cell) {
                Some((_, case)) => {
                    self.bool_style.add(case);
                    BOOL
                }
                None => 0,
            },
            _ => 0,
        }
    }

    /// What a number may be; `fits` where it is known whether an `f64` holds it.
    fn number(&mut self, number: &Number<'_>, fits: Option<bool>) -> u16 {
        let mut class = 0;
        if let Some((length, ends_in_zero)) = number.scale() {
            self.decimals.add(length, ends_in_zero);
        }
        if number.is_integer() {
            self.integers = true;
            class |= if number.as_i64().is_some() { INT } else { 0 };
            class |= if number.as_u64().is_some() { UINT } else { 0 };
        } else if number.as_decimal().is_some() {
            self.wide |= number.digits() > usize::from(NARROW_DIGITS);
            class |= DECIMAL;
        }
        if self.candidates & FLOAT != 0 && fits.unwrap_or_else(|| number.fits_f64()) {
            class |= FLOAT;
        }
        class
    }

    fn moment(&mut self, cell: &[u8]) -> u16 {
        if cell.get(2) == Some(&b':') {
            return match read_clock(cell) {
                Some(clock) if clock.zone == Zone::None => {
                    self.clock_style.add(clock.seconds);
                    self.fraction(clock.fraction);
                    TIME
                }
                _ => 0,
            };
        }
        let Some((parts, rest)) = Parts::read(cell) else {
            return 0;
        };
        if !self.days.add(&parts) {
            return 0;
        }
        if rest.is_empty() {
            return DATE;
        }
        // Which day it is matters to nobody yet.
        let Some(stamp) = on_day(0, rest) else {
            return 0;
        };
        self.time_style.add(stamp.style);
        self.fraction(stamp.fraction);
        TIMESTAMP
    }

    fn fraction(&mut self, fraction: Option<(usize, bool)>) {
        if let Some((length, ends_in_zero)) = fraction {
            self.fractions.add(length, ends_in_zero);
        }
    }

    /// Reads an integer and takes note of it; `None`, and nothing noted, if the cell is none.
    #[inline]
    pub fn int(&mut self, cell: &[u8]) -> Option<i64> {
        let value = read_i64(cell)?;
        // Where it is no float already, nobody asks whether one would hold it.
        if cell.len() <= SHORT_INTEGER || self.candidates & FLOAT == 0 {
            self.integers = true;
            self.narrow(INT | FLOAT | if value < 0 { 0 } else { UINT });
        } else {
            self.observe_cell(cell);
        }
        Some(value)
    }

    /// As [`Inference::int`], an unsigned integer.
    pub fn uint(&mut self, cell: &[u8]) -> Option<u64> {
        let value = Number::read(cell)?.as_u64()?;
        self.observe_cell(cell);
        Some(value)
    }

    /// As [`Inference::int`], a decimal with `scale` digits after its point, 18 in all at most.
    #[inline]
    pub fn decimal(&mut self, cell: &[u8], scale: u8) -> Option<i64> {
        let value = read_decimal(cell, scale)?;
        let size = value.unsigned_abs();
        if size < SAFE_DECIMAL && usize::from(scale) < SHORT_INTEGER {
            self.decimals
                .add(scale.into(), scale > 1 && cell.last() == Some(&b'0'));
            self.narrow(DECIMAL | FLOAT);
        } else {
            self.observe_cell(cell);
        }
        Some(value)
    }

    /// As [`Inference::int`], a decimal with `scale` digits after its point, 38 in all at most.
    pub fn wide_decimal(&mut self, cell: &[u8], scale: u8) -> Option<i128> {
        let number = Number::read(cell)?;
        let value = number
            .as_decimal()
            .filter(|_| number.decimals() == usize::from(scale))?;
        self.observe_cell(cell);
        Some(value)
    }

    /// As [`Inference::int`], a number that an `f64` holds.
    #[inline]
    pub fn float(&mut self, cell: &[u8]) -> Option<f64> {
        let number = Number::read(cell)?;
        let value = number.as_f64();
        let class = self.number(&number, Some(value.is_some()));
        self.narrow(class);
        value.filter(|_| class & FLOAT != 0)
    }

    /// As [`Inference::int`], a truth value.
    pub fn truth(&mut self, cell: &[u8]) -> Option<bool> {
        let (value, case) = read_bool(cell)?;
        self.bool_style.add(case);
        self.narrow(BOOL);
        Some(value)
    }

    /// As [`Inference::int`], a day.
    #[inline]
    pub fn date(&mut self, cell: &[u8], form: DateForm) -> Option<i32> {
        let days = read_date_as(cell, form)?;
        if form == DateForm::ISO && self.days.is_iso() {
            self.narrow(DATE);
        } else {
            self.observe_cell(cell);
        }
        Some(days)
    }

    /// As [`Inference::int`], a time of day in microseconds.
    pub fn time(&mut self, cell: &[u8]) -> Option<i64> {
        let clock = read_clock(cell).filter(|clock| clock.zone == Zone::None)?;
        self.clock_style.add(clock.seconds);
        self.fraction(clock.fraction);
        self.narrow(TIME);
        Some(clock.micros)
    }

    /// As [`Inference::int`], an instant in microseconds.
    #[inline]
    pub fn timestamp(&mut self, cell: &[u8], form: DateForm) -> Option<i64> {
        let stamp = read_timestamp_as(cell, form)?;
        if form == DateForm::ISO && self.days.is_iso() {
            self.time_style.add(stamp.style);
            self.fraction(stamp.fraction);
            self.narrow(TIMESTAMP);
        } else {
            self.observe_cell(cell);
        }
        Some(stamp.micros)
    }

    /// As [`Inference::int`], a UUID.
    pub fn uuid(&mut self, cell: &[u8]) -> Option<[u8; 16]> {
        let value = read_uuid(cell)?;
        self.narrow(UUID);
        Some(value)
    }

    /// What one pass over both parts would know. Associative and commutative.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        Self {
            candidates: self.candidates & other.candidates,
            seen: self.seen || other.seen,
            integers: self.integers || other.integers,
            wide: self.wide || other.wide,
            decimals: self.decimals.merge(other.decimals),
            fractions: self.fractions.merge(other.fractions),
            bool_style: self.bool_style.merge(other.bool_style),
            time_style: self.time_style.merge(other.time_style),
            clock_style: self.clock_style.merge(other.clock_style),
            days: self.days.merge(other.days),
        }
    }

    /// The type, once every cell has been seen.
    #[must_use]
    pub fn decide(&self) -> ColumnType {
        let may_be = |candidate| self.seen && self.candidates & candidate != 0;
        if may_be(INT) {
            ColumnType::Int64
        } else if may_be(UINT) {
            ColumnType::UInt64
        } else if may_be(DECIMAL)
            && let Some(scale) = self.decimals.one().and_then(|length| u8::try_from(length).ok())
            && !self.integers
        {
            let precision = if self.wide { WIDE_DIGITS } else { NARROW_DIGITS };
            ColumnType::Decimal { precision, scale }
        } else if may_be(FLOAT) && self.decimals.are_plain() {
            ColumnType::Float64
        } else if may_be(BOOL) && self.bool_style.get().is_some() {
            ColumnType::Bool
        } else if may_be(DATE) {
            self.days.form().map_or(ColumnType::String, ColumnType::Date)
        } else if may_be(TIME) && self.fractions.are_plain() && self.clock_style.get().is_some() {
            ColumnType::Time
        } else if may_be(TIMESTAMP)
            && self.fractions.are_plain()
            && let (Some(style), Some(form)) = (self.time_style.get(), self.days.form())
        {
            ColumnType::Timestamp {
                form,
                zone: style.zone,
            }
        } else if may_be(UUID) {
            ColumnType::Uuid
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

    /// The one length, if all are of it.
    fn one(self) -> Option<usize> {
        self.least_and_most
            .and_then(|(least, most)| (least == most).then_some(least))
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
mod tests;
