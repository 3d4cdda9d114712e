//! BlurHash (Wolt, 2020, <https://github.com/woltapp/blurhash/blob/master/Algorithm.md>): cosines of linear light, in base 83.
#![expect(clippy::cast_precision_loss, reason = "at most 100 pixels a side")]

use std::f64::consts::PI;

/// Components across and down.
const COMPONENTS: (usize, usize) = (4, 3);

const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

fn linear(code: u8) -> f64 {
    let code = f64::from(code) / 255.0;
    if code <= 0.040_45 {
        code / 12.92
    } else {
        ((code + 0.055) / 1.055).powf(2.4)
    }
}

fn encoded(light: f64) -> u32 {
    let light = light.clamp(0.0, 1.0);
    let code = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    whole(code * 255.0 + 0.5, 255.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn whole(number: f64, most: f64) -> u32 {
    number.clamp(0.0, most) as u32
}

fn base83(value: u32, length: u32, out: &mut String) {
    for digit in (0..length).rev() {
        let digit = (value / 83_u32.pow(digit) % 83) as usize;
        out.push(DIGITS.get(digit).map_or('0', |digit| char::from(*digit)));
    }
}

pub(super) fn encode(width: usize, height: usize, pixels: &[[u8; 4]]) -> String {
    let light: Vec<[f64; 3]> = pixels
        .iter()
        .map(|[r, g, b, _]| [linear(*r), linear(*g), linear(*b)])
        .collect();
    let wave = |position: usize, count: usize, side: usize| {
        (PI * count as f64 * position as f64 / side as f64).cos()
    };
    let component = |x_count: usize, y_count: usize| {
        let across: Vec<f64> = (0..width).map(|x| wave(x, x_count, width)).collect();
        let mut sum = [0.0; 3];
        for (y, row) in light.chunks_exact(width).enumerate() {
            let down = wave(y, y_count, height);
            for (pixel, across) in row.iter().zip(&across) {
                for (sum, light) in sum.iter_mut().zip(pixel) {
                    *sum += across * down * light;
                }
            }
        }
        let norm = if x_count == 0 && y_count == 0 { 1.0 } else { 2.0 };
        sum.map(|sum| sum * norm / (width * height) as f64)
    };
    let mut factors = (0..COMPONENTS.1)
        .flat_map(|y| (0..COMPONENTS.0).map(move |x| (x, y)))
        .map(|(x, y)| component(x, y));
    let [r, g, b] = factors.next().unwrap_or_default();
    let details: Vec<[f64; 3]> = factors.collect();
    let most = details
        .iter()
        .flatten()
        .fold(0.0_f64, |most, part| most.max(part.abs()));
    let quantised = whole((most * 166.0 - 0.5).floor(), 82.0);
    let scale = f64::from(quantised + 1) / 166.0;
    let mut hash = String::new();
    base83(
        u32::try_from(COMPONENTS.0 - 1 + (COMPONENTS.1 - 1) * 9).unwrap_or_default(),
        1,
        &mut hash,
    );
    base83(quantised, 1, &mut hash);
    base83(encoded(r) << 16 | encoded(g) << 8 | encoded(b), 4, &mut hash);
    for detail in details {
        let [r, g, b] = detail.map(|part| {
            let part = part / scale;
            whole((part.abs().sqrt().copysign(part) * 9.0 + 9.5).floor(), 18.0)
        });
        base83(r * 19 * 19 + g * 19 + b, 2, &mut hash);
    }
    hash
}
