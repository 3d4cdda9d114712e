//! sRGB codes to linear light and back (IEC 61966-2-1).

use std::sync::LazyLock;

use fearless_simd::Level;

use super::rounding;
use crate::picture::{Channels, Row};

/// Steps of the table back, over the square root of light: the steps lie as an eye sees them, eleven or more to a code.
const STEPS: usize = 4096;

/// Linear light of an sRGB code, both from 0 to 1.
fn linear(code: f64) -> f64 {
    if code <= 0.040_45 {
        code / 12.92
    } else {
        ((code + 0.055) / 1.055).powf(2.4)
    }
}

/// The sRGB code of linear light, both from 0 to 1.
fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}

#[expect(clippy::cast_possible_truncation, reason = "light needs no more than f32")]
static LIGHT_8: LazyLock<[f32; 256]> = LazyLock::new(|| {
    let mut table = [0.0; 256];
    for (code, light) in (0_u8..=255).zip(&mut table) {
        *light = linear(f64::from(code) / 255.0) as f32;
    }
    table
});

#[expect(clippy::cast_possible_truncation, reason = "light needs no more than f32")]
static LIGHT_16: LazyLock<Vec<f32>> = LazyLock::new(|| {
    (0_u16..=u16::MAX)
        .map(|code| linear(f64::from(code) / 65_535.0) as f32)
        .collect()
});

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "0 to 255"
)]
static CODES: LazyLock<[u8; STEPS]> = LazyLock::new(|| {
    let mut table = [0; STEPS];
    for (step, code) in table.iter_mut().enumerate() {
        let root = step as f64 / (STEPS - 1) as f64;
        *code = (encoded(root * root) * 255.0).round() as u8;
    }
    table
});

/// The code of 8 bits of light.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped before"
)]
fn code(light: f32) -> u8 {
    let step = light.clamp(0.0, 1.0).sqrt() * (STEPS - 1) as f32 + 0.5;
    CODES.get(step as usize % STEPS).copied().unwrap_or(255)
}

/// A row's samples as light, premultiplied where there is alpha: those of the pixels from `first` on, as many as `light` has.
pub(super) fn to_light(row: Row<'_>, channels: Channels, first: usize, light: &mut [f32]) {
    let range = first * channels.count()..first * channels.count() + light.len();
    match row {
        Row::Eight(codes) => {
            let codes = codes.get(range).unwrap_or_default();
            codes_to_light(codes, light);
            premultiply(light, channels, codes.iter().map(|code| f32::from(*code) / 255.0));
        }
        Row::Sixteen(codes) => {
            let table = &*LIGHT_16;
            let codes = codes.get(range).unwrap_or_default();
            for (light, code) in light.iter_mut().zip(codes) {
                *light = table.get(usize::from(*code)).copied().unwrap_or_default();
            }
            premultiply(
                light,
                channels,
                codes.iter().map(|code| f32::from(*code) / 65_535.0),
            );
        }
    }
}

/// The code of the mean of the light of codes.
#[expect(clippy::cast_precision_loss, reason = "a few")]
pub(crate) fn mean_of_light(codes: impl Iterator<Item = u8>) -> u8 {
    let table = &*LIGHT_8;
    let (mut sum, mut count) = (0.0, 0_usize);
    for light in codes.filter_map(|code| table.get(usize::from(code))) {
        sum += light;
        count += 1;
    }
    code(sum / count.max(1) as f32)
}

/// Codes of 8 bits as light.
pub(super) fn codes_to_light(codes: &[u8], light: &mut [f32]) {
    let table = &*LIGHT_8;
    for (light, code) in light.iter_mut().zip(codes) {
        *light = table.get(usize::from(*code)).copied().unwrap_or_default();
    }
}

fn premultiply(light: &mut [f32], channels: Channels, mut codes: impl Iterator<Item = f32>) {
    if !channels.has_alpha() {
        return;
    }
    let count = channels.count();
    for pixel in light.chunks_exact_mut(count) {
        let Some(code) = codes.nth(count - 1) else { return };
        if let Some((alpha, colours)) = pixel.split_last_mut() {
            *alpha = code;
            for colour in colours {
                *colour *= code;
            }
        }
    }
}

/// A row of light as sRGB codes of 8 bits, behind those that `codes` has.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
pub(super) fn to_codes(level: Level, light: &[f32], channels: Channels, codes: &mut Vec<u8>) {
    if !channels.has_alpha() {
        let begin = codes.len();
        codes.resize(begin + light.len(), 0);
        rounding::codes(level, light, codes.get_mut(begin..).unwrap_or_default());
        return;
    }
    for pixel in light.chunks_exact(channels.count()) {
        if let Some((alpha, colours)) = pixel.split_last() {
            let alpha = alpha.clamp(0.0, 1.0);
            // Where nothing is seen, nothing is left of a colour.
            let share = if alpha > 0.5 / 255.0 { 1.0 / alpha } else { 0.0 };
            codes.extend(colours.iter().map(|colour| code(colour * share)));
            codes.push((alpha * 255.0 + 0.5) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let (mut light, mut back) = (vec![0.0; 256], Vec::new());
        to_light(Row::Eight(&all), Channels::Gray, 0, &mut light);
        to_codes(Level::new(), &light, Channels::Gray, &mut back);
        assert_eq!(all, back);
        let deep: Vec<u16> = (0..=255).map(|code| code * 257).collect();
        to_light(Row::Sixteen(&deep), Channels::Gray, 0, &mut light);
        back.clear();
        to_codes(Level::new(), &light, Channels::Gray, &mut back);
        assert_eq!(all, back);
    }

    #[test]
    fn half_the_light_is_188() {
        let mut codes = Vec::new();
        to_codes(Level::new(), &[0.5], Channels::Gray, &mut codes);
        assert_eq!(codes, [188]);
    }
}
