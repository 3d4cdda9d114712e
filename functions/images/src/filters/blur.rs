//! Gaussian blur, and the unsharp mask made of it.

use crate::{
    compose::{codes, of_codes},
    picture::{Channels, Picture},
};

/// From this standard deviation on three box blurs stand for the Gaussian: nobody sees the difference, and they cost the same
/// whatever their size.
const BOXES_FROM: f64 = 4.0;

/// A Gaussian blur with a standard deviation in pixels; what is beyond an edge is as the edge.
pub(super) fn blur(picture: &Picture, sigma: f64) -> Picture {
    let shape = picture.shape;
    let count = shape.channels.count();
    let (width, height) = (shape.width as usize, shape.height as usize);
    let samples = premultiplied(picture);
    // Twice along rows, the picture turned over in between.
    let samples = turn(&along_rows(&samples, width, count, sigma), width, count);
    let samples = turn(&along_rows(&samples, height, count, sigma), height, count);
    of_codes(
        shape.width,
        shape.height,
        shape.channels,
        unmultiplied(&samples, shape.channels),
    )
}

/// What a blur takes away, added once more.
pub(super) fn sharpen(picture: &Picture, sigma: f64) -> Picture {
    let shape = picture.shape;
    let soft = blur(picture, sigma);
    let count = shape.channels.count();
    let pairs = codes(picture).iter().zip(codes(&soft)).enumerate();
    let sharper = |(index, (sharp, soft)): (usize, (&u8, &u8))| {
        if shape.channels.has_alpha() && index % count == count - 1 {
            return *sharp;
        }
        let doubled = 2 * i16::from(*sharp) - i16::from(*soft);
        u8::try_from(doubled.clamp(0, 255)).unwrap_or(u8::MAX)
    };
    of_codes(
        shape.width,
        shape.height,
        shape.channels,
        pairs.map(sharper).collect(),
    )
}

fn premultiplied(picture: &Picture) -> Vec<f32> {
    let channels = picture.shape.channels;
    let mut samples: Vec<f32> = codes(picture).iter().map(|code| f32::from(*code)).collect();
    if channels.has_alpha() {
        for pixel in samples.chunks_exact_mut(channels.count()) {
            if let Some((alpha, colours)) = pixel.split_last_mut() {
                for colour in colours {
                    *colour *= *alpha / 255.0;
                }
            }
        }
    }
    samples
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn unmultiplied(samples: &[f32], channels: Channels) -> Vec<u8> {
    let code = |sample: f32| (sample.clamp(0.0, 255.0) + 0.5) as u8;
    if !channels.has_alpha() {
        return samples.iter().map(|sample| code(*sample)).collect();
    }
    let mut out = Vec::with_capacity(samples.len());
    for pixel in samples.chunks_exact(channels.count()) {
        if let Some((alpha, colours)) = pixel.split_last() {
            let share = if *alpha > 0.5 { 255.0 / alpha } else { 0.0 };
            out.extend(colours.iter().map(|colour| code(colour * share)));
            out.push(code(*alpha));
        }
    }
    out
}

/// Rows as columns.
fn turn(samples: &[f32], width: usize, count: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = samples.chunks_exact((width * count).max(1)).collect();
    let columns = (0..width).flat_map(|x| {
        rows.iter()
            .filter_map(move |row| row.get(x * count..(x + 1) * count))
    });
    columns.flatten().copied().collect()
}

fn along_rows(samples: &[f32], width: usize, count: usize, sigma: f64) -> Vec<f32> {
    let mut out = Vec::with_capacity(samples.len());
    let weights = if sigma < BOXES_FROM {
        gaussian(sigma)
    } else {
        Vec::new()
    };
    let boxes = boxes(sigma);
    for row in samples.chunks_exact((width * count).max(1)) {
        if weights.is_empty() {
            let mut row = row.to_vec();
            for radius in boxes {
                row = boxed(&row, count, radius);
            }
            out.extend(row);
        } else {
            weighed(row, count, &weights, &mut out);
        }
    }
    out
}

/// The weights of one side, the middle one first; with the other side's they sum up to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a radius of a few pixels"
)]
fn gaussian(sigma: f64) -> Vec<f32> {
    let radius = (sigma * 3.0).ceil() as usize;
    let raw: Vec<f64> = (0..=radius)
        .map(|x| (-((x * x) as f64) / (2.0 * sigma * sigma)).exp())
        .collect();
    let sum = 2.0 * raw.iter().sum::<f64>() - 1.0;
    raw.iter().map(|weight| (weight / sum) as f32).collect()
}

fn weighed(row: &[f32], count: usize, weights: &[f32], out: &mut Vec<f32>) {
    let last = (row.len() / count).saturating_sub(1);
    for x in 0..=last {
        for channel in 0..count {
            let at = |x: usize| {
                row.get(x.min(last) * count + channel)
                    .copied()
                    .unwrap_or_default()
            };
            let sides = weights.iter().enumerate().skip(1);
            let sum: f32 = sides
                .map(|(off, weight)| weight * (at(x.saturating_sub(off)) + at(x + off)))
                .sum();
            out.push(sum + weights.first().copied().unwrap_or(1.0) * at(x));
        }
    }
}

/// The radii of three boxes whose blurs one after another have the standard deviation (Kovesi, 2010).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "radii of at most 100 pixels or so"
)]
fn boxes(sigma: f64) -> [usize; 3] {
    let ideal = (12.0 * sigma * sigma / 3.0 + 1.0).sqrt();
    let lower = (ideal.floor() as usize | 1).max(1);
    let lower = if lower as f64 > ideal { lower - 2 } else { lower };
    let side = lower as f64;
    let narrow = ((12.0 * sigma * sigma - 3.0 * side * side - 12.0 * side - 9.0) / (-4.0 * side - 4.0))
        .round() as usize;
    std::array::from_fn(|index| if index < narrow { lower / 2 } else { lower / 2 + 1 })
}

#[expect(clippy::cast_precision_loss, reason = "radii of at most 100 pixels or so")]
fn boxed(row: &[f32], count: usize, radius: usize) -> Vec<f32> {
    let length = row.len() / count;
    let last = length.saturating_sub(1);
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut out = vec![0.0; row.len()];
    for channel in 0..count {
        let at = |x: usize| {
            f64::from(
                row.get(x.min(last) * count + channel)
                    .copied()
                    .unwrap_or_default(),
            )
        };
        let mut sum: f64 = at(0) * (radius + 1) as f64 + (1..=radius).map(at).sum::<f64>();
        for x in 0..length {
            #[expect(clippy::cast_possible_truncation, reason = "codes of 8 bits")]
            if let Some(out) = out.get_mut(x * count + channel) {
                *out = sum as f32 * share;
            }
            sum += at(x + radius + 1) - at(x.saturating_sub(radius));
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small pictures")]
mod tests {
    use super::*;

    #[test]
    fn a_blur_spreads_a_point_as_its_sigma_says() {
        for sigma in [0.5, 1.0, 2.5, 6.0, 12.0] {
            let (width, height) = (121, 121);
            let mut samples = vec![0; width * height];
            // A block, for a point would be rounded away.
            for y in 55..66 {
                for x in 55..66 {
                    samples[y * width + x] = 255;
                }
            }
            let picture = of_codes(121, 121, Channels::Gray, samples);
            let out = blur(&picture, sigma);
            let weight = |index: usize| f64::from(codes(&out)[index]);
            let sum: f64 = (0..width * height).map(weight).sum();
            let variance: f64 = (0..width * height)
                .map(|index| weight(index) * ((index % width) as f64 - 60.0).powi(2))
                .sum::<f64>()
                / sum;
            let expected = (sigma * sigma + 10.0).sqrt();
            assert!(
                (variance.sqrt() / expected - 1.0).abs() < 0.04,
                "{sigma}: {} for {expected}",
                variance.sqrt()
            );
        }
    }

    #[test]
    fn plain_pictures_stay_plain() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            let picture = of_codes(7, 5, channels, vec![99; 35 * channels.count()]);
            for sigma in [0.3, 3.0, 100.0] {
                let off = codes(&blur(&picture, sigma))
                    .iter()
                    .map(|code| code.abs_diff(99))
                    .max();
                assert!(off.unwrap() <= 1, "{channels:?} {sigma}");
            }
            assert_eq!(sharpen(&picture, 1.0).shape, picture.shape);
        }
    }
}
