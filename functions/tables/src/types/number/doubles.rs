//! Decimals beside the double-precision numbers nearest to them: is what was read what a program prints for one?

/// Powers of ten that an `f64` holds exactly.
pub(super) const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
/// What a double's exponent counts from, when its mantissa is an integer.
const BIAS: u64 = 1075;

/// The double nearest to `mantissa` / 10^`places`, if it prints as that with as many significant digits: if they are apart by less
/// than half a unit of the last digit. Both are integers over powers of two and of ten, and compared as such. `None`
/// where that takes more than 128 bits too, or where anything is equally near.
pub(super) fn printed_alike(mantissa: u64, places: usize) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "near is enough: what is missing is made up below"
    )]
    let near = mantissa as f64 / EXACT_POWERS.get(places)?;
    let bits = near.to_bits();
    let (exponent, fraction) = (bits >> FRACTION_BITS, bits & ((1 << FRACTION_BITS) - 1));
    let shift = u32::try_from(BIAS.checked_sub(exponent)?).ok()?;
    let text = u128::from(mantissa);
    // At a power of two the doubles below are nearer to each other.
    if exponent == 0 || fraction < 2 || shift == 0 || shift >= text.leading_zeros() {
        return None;
    }
    // The text's value and the double's, both times 2^shift and 10^places. What is near may be the nearest's neighbour.
    let step = 10_u128.pow(u32::try_from(places).ok()?);
    let text = text << shift;
    let double = u128::from(fraction | 1 << FRACTION_BITS) * step;
    let apart = text.abs_diff(double);
    let (bits, apart) = if apart * 2 < step {
        (bits, apart)
    } else if text > double {
        (bits + 1, step.abs_diff(apart))
    } else {
        (bits - 1, step.abs_diff(apart))
    };
    (apart * 2 < step && apart < 1 << (shift - 1)).then(|| f64::from_bits(bits))
}

/// The digits of the shortest decimal that reads back as `value` (finite, not 0), without its sign, as an integer that
/// does not end in 0, and the power of ten of its last digit.
pub(super) fn shortest(value: f64) -> (u64, i32) {
    let mut buffer = zmij::Buffer::new();
    let printed = buffer.format_finite(value.abs());
    let (printed, exponent) = printed.split_once('e').unwrap_or((printed, "0"));
    let mut power: i32 = exponent.parse().unwrap_or_default();
    let mut digits: u64 = 0;
    let mut decimals = false;
    for byte in printed.bytes() {
        if byte == b'.' {
            decimals = true;
        } else {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte & 15));
            power -= i32::from(decimals);
        }
    }
    without_trailing_zeros(digits, power)
}

/// The same number, its digits not ending in 0.
pub(super) fn without_trailing_zeros(mut digits: u64, mut power: i32) -> (u64, i32) {
    while digits != 0 && digits.is_multiple_of(10) {
        digits /= 10;
        power = power.saturating_add(1);
    }
    (digits, power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<f64> {
        let (whole, fraction) = text.split_once('.').unwrap();
        printed_alike(format!("{whole}{fraction}").parse().unwrap(), fraction.len())
    }

    #[test]
    fn what_programs_print_is_told_at_once() {
        for text in [
            "0.30000000000000004",
            "1234.5678901234567",
            "0.0001234567890123456",
            "999999.9999999999",
        ] {
            assert_eq!(read(text), Some(text.parse().unwrap()), "{text}");
        }
        for text in [
            "0.1234567890123456789",
            "0.10000000000000000",
            "9007199254740993.0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_told_is_the_nearest_double_that_prints_so(
            mantissa in 1_u64..10_000_000_000_000_000_000, places in 1_usize..25, digits in 1_u32..20,
        ) {
            let mantissa = mantissa % 10_u64.pow(digits - 1).saturating_mul(10) + 1;
            let digits = mantissa.to_string();
            if let Some(double) = printed_alike(mantissa, places) {
                proptest::prop_assert_eq!(Ok(double), format!("{mantissa}e-{places}").parse());
                let printed = format!("{double:.*e}", digits.len() - 1).replace('.', "");
                proptest::prop_assert_eq!(printed.split_once('e').unwrap().0, digits);
            }
        }

        #[test]
        fn the_shortest_text_of_a_double_is_mostly_told(value in 0.001_f64..1e9) {
            let text = format!("{value}");
            if text.len() > 17 && text.contains('.') {
                proptest::prop_assert_eq!(read(&text), Some(value));
            }
        }
    }
}
