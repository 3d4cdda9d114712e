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

mod strings;

use super::{
    ColumnType, NARROW_DIGITS, WIDE_DIGITS,
    number::{Number, read_decimal, read_i64},
    time::{DateForm, Order, Parts, Style, Zone, on_day, read_clock, read_date_as, read_timestamp_as},
    token,
    uuid::{TEXT_BYTES, read_uuid},
};

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
        if cell.len() <= SHORT_INTEGER {
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

const YMD: u8 = 1;
const DMY: u8 = 2;
const MDY: u8 = 4;

/// How the days of a column are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    /// The orders in which every day so far was one.
    orders: u8,
    separator: One<u8>,
    /// A month or a day of one digit was met, and one with a zero in front.
    single: bool,
    zero: bool,
}

impl Default for Days {
    fn default() -> Self {
        Self {
            orders: YMD | DMY | MDY,
            separator: One::None,
            single: false,
            zero: false,
        }
    }
}

impl Days {
    /// Takes note of a day; whether it is one in any order.
    fn add(&mut self, parts: &Parts) -> bool {
        let mut orders = 0;
        for (bit, order) in [(YMD, Order::Ymd), (DMY, Order::Dmy), (MDY, Order::Mdy)] {
            orders |= if parts.day(order).is_some() { bit } else { 0 };
        }
        if orders == 0 {
            return false;
        }
        let (single, zero) = parts.padding();
        *self = self.merge(Self {
            orders,
            separator: One::Just(parts.separator),
            single,
            zero,
        });
        true
    }

    fn merge(self, other: Self) -> Self {
        Self {
            orders: self.orders & other.orders,
            separator: self.separator.merge(other.separator),
            single: self.single || other.single,
            zero: self.zero || other.zero,
        }
    }

    /// Whether another day in ISO 8601 would change nothing but, perhaps, that a zero stands in front of one.
    #[inline]
    fn is_iso(self) -> bool {
        self.orders == YMD && self.separator == One::Just(b'-') && self.zero && !self.single
    }

    /// Whether all days are spelled as in ISO 8601; then that is all there is to know of them.
    fn say_iso(&mut self) -> bool {
        self.zero |= self.orders == YMD && self.separator == One::Just(b'-') && !self.single;
        self.is_iso()
    }

    /// The one form of all days.
    fn form(self) -> Option<DateForm> {
        let separator = self.separator.get()?;
        let order = match self.orders {
            YMD => Order::Ymd,
            // Nobody writes a month first before points.
            DMY => Order::Dmy,
            MDY => Order::Mdy,
            orders if orders & DMY != 0 && separator == b'.' => Order::Dmy,
            _ => return None,
        };
        if self.single && self.zero {
            return None;
        }
        Some(DateForm {
            order,
            separator,
            padded: !self.single,
        })
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
mod tests {
    use super::*;

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
}
