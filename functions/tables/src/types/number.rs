//! Numbers as text: which spellings count, and when a binary number holds one without loss.
//!
//! A number is `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?` and nothing else. A leading zero (`007`), a `+`
//! sign, spaces, digit separators, `.5`, `5.`, hexadecimal and the words `NaN` and `inf` are text: each of them says
//! something that a number would forget.

mod digits;
mod doubles;

use digits::read_digits;
use doubles::{EXACT_POWERS, printed_alike, shortest, without_trailing_zeros};

/// The most significant digits a decimal may have and still be compared with its `f64`.
const MAX_DIGITS: usize = 40;
/// Every decimal of so many significant digits survives the way through an `f64` (`f64::DIGITS`).
const SAFE_DIGITS: usize = f64::DIGITS as usize;
/// Every integer of so many digits is a `u64`.
const EXACT_DIGITS: usize = 19;

/// A number's text, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    text: &'a [u8],
    negative: bool,
    /// The digits as one integer; wrong once there are more than 19 of them.
    mantissa: u64,
    /// Digits after the leading zeros, trailing zeros counted.
    significant: usize,
    /// Digits after the point.
    decimals: usize,
    exponent: i32,
    has_exponent: bool,
    ends_in_zero: bool,
}

impl<'a> Number<'a> {
    /// Takes `text` apart; `None` when it is no number by this module's rules.
    #[must_use]
    pub fn read(text: &'a [u8]) -> Option<Self> {
        let (negative, digits) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            _ => (false, text),
        };
        let (mut mantissa, whole) = read_digits(digits, 0);
        let is_zero = digits.first() == Some(&b'0');
        if whole == 0 || (whole > 1 && is_zero) {
            return None;
        }
        let mut rest = digits.get(whole..)?;
        let mut significant = if is_zero { 0 } else { whole };
        let (mut decimals, mut ends_in_zero) = (0, false);
        if let Some((b'.', fraction)) = rest.split_first() {
            (mantissa, decimals) = read_digits(fraction, mantissa);
            let (fraction, after) = fraction.split_at_checked(decimals)?;
            ends_in_zero = *fraction.last()? == b'0';
            let zeros = fraction.iter().take_while(|digit| **digit == b'0').count();
            let zeros = if is_zero { zeros } else { 0 };
            significant += decimals - zeros;
            rest = after;
        }
        let has_exponent = !rest.is_empty();
        let exponent = if has_exponent { read_exponent(rest)? } else { 0 };
        Some(Self {
            text,
            negative,
            mantissa,
            significant,
            decimals,
            exponent,
            has_exponent,
            ends_in_zero,
        })
    }

    /// The integer, when this is one and an `i64` holds it. `-0` is none: an integer would forget its sign.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        if self.decimals > 0 || self.has_exponent || self.significant > 19 {
            return None;
        }
        if self.negative {
            (self.mantissa != 0)
                .then(|| 0_i64.checked_sub_unsigned(self.mantissa))
                .flatten()
        } else {
            i64::try_from(self.mantissa).ok()
        }
    }

    /// The integer, when this is one beyond an `i64` that a `u64` holds, or one that both hold.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.decimals > 0 || self.has_exponent || self.negative || self.significant > 20 {
            return None;
        }
        if self.significant < 20 {
            return Some(self.mantissa);
        }
        std::str::from_utf8(self.text).ok()?.parse().ok()
    }

    /// The number times ten to its [`Number::scale`], when it has a fraction and no exponent, and an `i128` of 38 digits
    /// holds it. `-0.00` is none: an integer would forget its sign.
    #[must_use]
    pub fn as_decimal(&self) -> Option<i128> {
        if self.decimals == 0
            || self.has_exponent
            || self.significant > usize::from(super::WIDE_DIGITS)
            || self.decimals > usize::from(super::WIDE_DIGITS)
            || (self.negative && self.significant == 0)
        {
            return None;
        }
        let size = if self.significant <= 19 {
            i128::from(self.mantissa)
        } else {
            let digits = self.text.iter().filter(|byte| byte.is_ascii_digit());
            digits.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
        };
        Some(if self.negative { -size } else { size })
    }

    /// How many digits a decimal of this number needs: those after leading zeros, and at least those after the point.
    #[must_use]
    pub fn digits(&self) -> usize {
        self.significant.max(self.decimals)
    }

    /// Digits after the point.
    #[must_use]
    pub const fn decimals(&self) -> usize {
        self.decimals
    }

    /// Whether it is written as an integer.
    #[must_use]
    pub const fn is_integer(&self) -> bool {
        self.decimals == 0 && !self.has_exponent
    }

    /// Whether an `f64` holds this number: printed in the shortest way, or with as many significant digits as were
    /// read, it gives the same digits. True of every decimal of up to 15 digits, of the 17 digits that programs print for an
    /// `f64`, and not of `9007199254740993`, `0.1234567890123456789` or `1e400`. An integer beyond an `i64` is
    /// likelier a name than a measure: none fits.
    #[must_use]
    pub fn fits_f64(&self) -> bool {
        self.as_f64().is_some()
    }

    /// The nearest `f64`, if it fits ([`Number::fits_f64`]).
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        let decimals = i32::try_from(self.decimals).unwrap_or(i32::MAX);
        let last_place = self.exponent.saturating_sub(decimals);
        if self.significant == 0 || (self.significant <= SAFE_DIGITS && (-290..290).contains(&last_place)) {
            return Some(self.to_f64());
        }
        let is_integer = self.decimals == 0 && !self.has_exponent;
        if self.significant > MAX_DIGITS || (is_integer && self.as_i64().is_none()) {
            return None;
        }
        if !self.has_exponent
            && self.significant <= EXACT_DIGITS
            && let Some(value) = printed_alike(self.mantissa, self.decimals)
        {
            return Some(if self.negative { -value } else { value });
        }
        let value = self.slow_f64();
        if !value.is_finite() || value == 0.0 {
            return None;
        }
        // What programs print is the shortest: compared without allocating.
        if self.significant <= EXACT_DIGITS
            && shortest(value) == without_trailing_zeros(self.mantissa, last_place)
        {
            return Some(value);
        }
        let significant = i32::try_from(self.significant).unwrap_or(i32::MAX);
        let power = last_place.saturating_add(significant - 1);
        let gives_back = |printed: &str| {
            let (digits, printed_power) = printed.split_once('e').unwrap_or((printed, "0"));
            digits_of(digits.as_bytes()) == digits_of(self.text) && printed_power.parse() == Ok(power)
        };
        (gives_back(&format!("{:e}", value.abs()))
            || gives_back(&format!("{:.*e}", self.significant - 1, value.abs())))
        .then_some(value)
    }

    /// The nearest `f64`: exact in the sense of [`Number::fits_f64`] when that holds.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        // Clinger's fast path: both operands are exact, so the one rounding is the right one.
        let power = i64::from(self.exponent) - i64::try_from(self.decimals).unwrap_or(i64::MAX);
        if self.significant <= 19
            && self.mantissa < (1 << f64::MANTISSA_DIGITS)
            && let Ok(size) = usize::try_from(power.unsigned_abs())
            && let Some(scale) = EXACT_POWERS.get(size)
        {
            #[expect(clippy::cast_precision_loss, reason = "below 2^53, as just checked")]
            let mantissa = self.mantissa as f64;
            let value = if power < 0 {
                mantissa / scale
            } else {
                mantissa * scale
            };
            return if self.negative { -value } else { value };
        }
        self.slow_f64()
    }

    /// How many digits stand after the point, and whether the last of them is a zero that another program
    /// would not have written (`1.10`, but not `1.0`). `None` without a point.
    #[must_use]
    pub fn scale(&self) -> Option<(usize, bool)> {
        (self.decimals > 0).then_some((self.decimals, self.ends_in_zero && self.decimals > 1))
    }

    fn slow_f64(&self) -> f64 {
        std::str::from_utf8(self.text)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(f64::NAN)
    }
}

/// The digits before an exponent, from the first to the last that is no zero.
fn digits_of(text: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = text
        .iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .filter(|byte| byte.is_ascii_digit())
        .skip_while(|digit| **digit == b'0')
        .copied()
        .collect();
    while digits.pop_if(|digit| *digit == b'0').is_some() {}
    digits
}

/// The digits of a decimal with `scale` digits after its point, as one integer of at most 18 digits. `None` when there are
/// more, or when the cell is no such decimal by this module's rules: then [`Number::read`] says what it is.
#[inline]
#[must_use]
pub fn read_decimal(text: &[u8], scale: u8) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let point = digits.len().checked_sub(usize::from(scale) + 1)?;
    // The zero of `0.5` is none of the digits.
    let zero = digits.first() == Some(&b'0');
    let is_other = digits.len() > 19 + usize::from(zero) || (zero && point > 1);
    if point == 0 || is_other || digits.get(point) != Some(&b'.') {
        return None;
    }
    let (whole, fraction) = (digits.get(..point)?, digits.get(point + 1..)?);
    let (value, whole_read) = read_digits(whole, 0);
    let (value, read) = read_digits(fraction, value);
    if whole_read != whole.len() || read != fraction.len() || (value == 0 && negative) {
        return None;
    }
    let value = i64::try_from(value).ok()?;
    Some(if negative { -value } else { value })
}

/// Reads `e5`, `E+05`, `e-12`.
fn read_exponent(text: &[u8]) -> Option<i32> {
    let (b'e' | b'E', rest) = text.split_first()? else {
        return None;
    };
    let (sign, digits) = match rest.split_first()? {
        (b'-', digits) => (-1, digits),
        (b'+', digits) => (1, digits),
        _ => (1, rest),
    };
    if !(1..=4).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'))
            * sign,
    )
}

/// [`Number::as_i64`], the short way.
#[must_use]
pub fn read_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let (value, read) = read_digits(digits, 0);
    let is_canonical = match digits.first()? {
        b'0' => digits.len() == 1 && !negative,
        _ => read <= EXACT_DIGITS,
    };
    if read != digits.len() || !is_canonical {
        return None;
    }
    if negative {
        0_i64.checked_sub_unsigned(value)
    } else {
        i64::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Option<i64> {
        let read = Number::read(text.as_bytes()).and_then(|number| number.as_i64());
        assert_eq!(read, read_i64(text.as_bytes()), "{text}");
        read
    }

    #[test]
    fn integers_are_only_what_an_i64_prints() {
        for text in [
            "0",
            "7",
            "-1",
            "123456789",
            "9223372036854775807",
            "-9223372036854775808",
        ] {
            assert_eq!(int(text).map(|value| value.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "-",
            "-0",
            "007",
            "+1",
            " 1",
            "1 ",
            "1_000",
            "1,000",
            "0x1f",
            "1.0",
            "1e5",
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999999",
            "00",
            "-01",
            "１",
        ] {
            assert_eq!(int(text), None, "{text}");
        }
    }

    #[test]
    fn floats_are_what_an_f64_gives_back_at_the_same_number_of_digits() {
        let fits = |text: &str| Number::read(text.as_bytes()).is_some_and(|number| number.fits_f64());
        for text in [
            "0",
            "-0",
            "-0.0",
            "1.5",
            "1.10",
            "1e5",
            "1E+05",
            "2.5e-8",
            "0.1",
            "123456789.123456",
            "9007199254740992",
            "0.30000000000000004",
            "0.10000000000000001",
            "1.000000000000000056e-01",
            "1.7976931348623157e308",
            "5e-324",
            "0.000001",
            "0.00",
        ] {
            assert!(fits(text), "{text}");
        }
        for text in [
            "",
            ".",
            ".5",
            "5.",
            "1.2.3",
            "1e",
            "1e+",
            "1e99999",
            "1e400",
            "1e-400",
            "NaN",
            "inf",
            "-inf",
            "Infinity",
            "9223372036854775808",
            "01.5",
            "+1.5",
            "1,5",
            "0x1p3",
            "9007199254740993",
            "0.1234567890123456789",
            "-",
            "1.5 ",
            "1f",
            "12345678901234567890123456789012345678901",
        ] {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn the_fast_way_and_the_slow_way_to_a_float_agree() {
        for text in [
            "0",
            "-0",
            "1.10",
            "-123.456",
            "1e22",
            "1e23",
            "9007199254740991",
            "1e-22",
            "3.14159",
            "1.5e-300",
        ] {
            let number = Number::read(text.as_bytes()).unwrap();
            let expected: f64 = text.parse().unwrap();
            assert_eq!(number.to_f64().to_bits(), expected.to_bits(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_program_prints_for_a_float_is_read_back_the_same(bits: u64) {
            let value = f64::from_bits(bits);
            proptest::prop_assume!(value.is_finite());
            for text in [format!("{value:e}"), format!("{value:.16e}")] {
                let number = Number::read(text.as_bytes()).unwrap();
                proptest::prop_assert!(number.fits_f64(), "{}", text);
                proptest::prop_assert_eq!(number.to_f64().to_bits(), bits, "{}", text);
            }
        }

        #[test]
        fn the_short_way_and_the_long_way_to_a_decimal_agree(text in "-?[0-9]{1,19}\\.[0-9]{1,3}|[0-9a.-]{0,6}") {
            let long = Number::read(text.as_bytes());
            for scale in 1..4_u8 {
                let long = long.filter(|number| number.decimals() == usize::from(scale)).and_then(|number| number.as_decimal());
                if let Some(short) = read_decimal(text.as_bytes(), scale) {
                    proptest::prop_assert_eq!(Some(i128::from(short)), long);
                } else if text.len() < 19 {
                    proptest::prop_assert_eq!(long, None);
                }
            }
        }

        #[test]
        fn every_integer_reads_back(value: i64) {
            proptest::prop_assert_eq!(int(&value.to_string()), Some(value));
        }
    }
}
