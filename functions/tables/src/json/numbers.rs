//! Numbers: what one says of its column, and which of them an `f64` gives back.

use super::{
    cursor::Whole,
    shape::{BIG, FLOAT, HUGE, INT, NEGATIVE, UNSAFE_INT},
};
use crate::types::number::Number;

/// Of up to so many digits an `f64` holds every integer.
const SAFE_INTEGER: u64 = 1 << f64::MANTISSA_DIGITS;

/// What a number says of its column.
pub(super) fn number_bits(whole: Whole, text: &[u8]) -> u16 {
    match whole {
        Whole::Int(value) => {
            let negative = if value < 0 { NEGATIVE } else { 0 };
            let is_safe = as_float(whole, text).is_some();
            INT | negative | if is_safe { 0 } else { UNSAFE_INT }
        }
        Whole::Big(_) => BIG,
        Whole::No if as_float(whole, text).is_some() => FLOAT,
        Whole::No | Whole::Huge => HUGE,
    }
}

/// A number as an `f64`, if that gives it back.
#[inline]
pub(super) fn as_float(whole: Whole, text: &[u8]) -> Option<f64> {
    match whole {
        #[expect(clippy::cast_precision_loss, reason = "smaller than what an f64 holds")]
        Whole::Int(value) if value.unsigned_abs() <= SAFE_INTEGER => Some(value as f64),
        Whole::Int(_) | Whole::No => Number::read(text)?.as_f64(),
        Whole::Big(_) | Whole::Huge => None,
    }
}
