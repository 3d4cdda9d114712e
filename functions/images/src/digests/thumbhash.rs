//! ThumbHash (Evan Wallace, 2023, <https://evanw.github.io/thumbhash/>): cosines of brightness, two colours and alpha.
#![expect(clippy::cast_precision_loss, reason = "at most 100 pixels a side")]

use std::f64::consts::PI;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A channel's mean, its cosines from 0 to 1, and the largest of them.
struct Channel {
    mean: f64,
    cosines: Vec<f64>,
    scale: f64,
}

fn channel(samples: &[f64], width: usize, height: usize, across: usize, down: usize) -> Channel {
    let mut channel = Channel {
        mean: 0.0,
        cosines: Vec::new(),
        scale: 0.0,
    };
    for y_wave in 0..down {
        let mut x_wave = 0;
        while x_wave * down < across * (down - y_wave) {
            let along = |position: usize, wave: usize, side: usize| {
                (PI / side as f64 * wave as f64 * (position as f64 + 0.5)).cos()
            };
            let waves: Vec<f64> = (0..width).map(|x| along(x, x_wave, width)).collect();
            let mut sum = 0.0;
            for (y, row) in samples.chunks_exact(width).enumerate() {
                let down = along(y, y_wave, height);
                // One after another, as the author's code does it.
                for (sample, across) in row.iter().zip(&waves) {
                    sum += sample * across * down;
                }
            }
            sum /= (width * height) as f64;
            if x_wave > 0 || y_wave > 0 {
                channel.cosines.push(sum);
                channel.scale = channel.scale.max(sum.abs());
            } else {
                channel.mean = sum;
            }
            x_wave += 1;
        }
    }
    if channel.scale > 0.0 {
        for cosine in &mut channel.cosines {
            *cosine = 0.5 + 0.5 / channel.scale * *cosine;
        }
    }
    channel
}

/// As JavaScript's `Math.round`, clamped to what a field of that size can hold.
fn rounded(number: f64, most: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let whole = (number + 0.5).floor().clamp(0.0, f64::from(most)) as u32;
    whole
}

pub(super) fn encode(width: usize, height: usize, pixels: &[[u8; 4]]) -> String {
    let mut mean = [0.0; 3];
    let mut covered = 0.0;
    for [r, g, b, a] in pixels {
        let alpha = f64::from(*a) / 255.0;
        for (mean, code) in mean.iter_mut().zip([r, g, b]) {
            *mean += alpha / 255.0 * f64::from(*code);
        }
        covered += alpha;
    }
    if covered > 0.0 {
        mean = mean.map(|sum| sum / covered);
    }
    let has_alpha = covered < (width * height) as f64;
    let longest = width.max(height) as f64;
    let limit = if has_alpha { 5.0 } else { 7.0 };
    let waves = |side: usize| rounded(limit * side as f64 / longest, 7).max(1);
    let (across, down) = (waves(width), waves(height));
    let [mean_r, mean_g, mean_b] = mean;
    let lpqa = pixels.iter().map(|[r, g, b, a]| {
        let alpha = f64::from(*a) / 255.0;
        let over = |mean: f64, code: u8| mean * (1.0 - alpha) + alpha / 255.0 * f64::from(code);
        let (r, g, b) = (over(mean_r, *r), over(mean_g, *g), over(mean_b, *b));
        ((r + g + b) / 3.0, f64::midpoint(r, g) - b, r - g, alpha)
    });
    let (mut l, mut p, mut q, mut a) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (light, yellow, red, alpha) in lpqa {
        l.push(light);
        p.push(yellow);
        q.push(red);
        a.push(alpha);
    }
    let l = channel(
        &l,
        width,
        height,
        (across as usize).max(3),
        (down as usize).max(3),
    );
    let p = channel(&p, width, height, 3, 3);
    let q = channel(&q, width, height, 3, 3);
    let is_landscape = width > height;
    let head = rounded(63.0 * l.mean, 63)
        | rounded(31.5 + 31.5 * p.mean, 63) << 6
        | rounded(31.5 + 31.5 * q.mean, 63) << 12
        | rounded(31.0 * l.scale, 31) << 18
        | u32::from(has_alpha) << 23;
    let shape = if is_landscape { down } else { across }
        | rounded(63.0 * p.scale, 63) << 3
        | rounded(63.0 * q.scale, 63) << 9
        | u32::from(is_landscape) << 15;
    let [h0, h1, h2, _] = head.to_le_bytes();
    let [s0, s1, ..] = shape.to_le_bytes();
    let mut hash = vec![h0, h1, h2, s0, s1];
    let mut cosines: Vec<f64> = [l.cosines, p.cosines, q.cosines].concat();
    let nibble = |number: f64| u8::try_from(rounded(15.0 * number, 15)).unwrap_or(15);
    if has_alpha {
        let a = channel(&a, width, height, 5, 5);
        hash.push(nibble(a.mean) | nibble(a.scale) << 4);
        cosines.extend(a.cosines);
    }
    for pair in cosines.chunks(2) {
        let at = |index: usize| pair.get(index).map_or(0, |cosine| nibble(*cosine));
        hash.push(at(0) | at(1) << 4);
    }
    STANDARD.encode(hash)
}
