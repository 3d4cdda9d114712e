//! Where in a picture there is something to see.
//!
//! As libvips's "attention" strategy has it: detail (differences of brightness), skin and saturated colours draw the eye.

use crate::picture::{Picture, Samples};

/// The window is looked for on a grid of about so many cells a side.
const CELLS: usize = 48;

/// The left and top of the window of `size` with the most to see; in pixels.
pub(super) fn window(picture: &Picture, (width, height): (u32, u32)) -> (u32, u32) {
    let shape = picture.shape;
    let Samples::Eight(samples) = &picture.samples else {
        return (0, 0);
    };
    let count = shape.channels.count();
    let step = (shape.width.max(shape.height) as usize)
        .div_ceil(CELLS * 4)
        .max(1);
    let rows: Vec<&[u8]> = samples.chunks_exact(shape.row_samples().max(1)).collect();
    let mut columns = vec![0.0_f64; shape.width as usize];
    let mut lines = vec![0.0_f64; shape.height as usize];
    for (y, row) in rows.iter().enumerate().step_by(step) {
        let below = rows.get(y + step).copied().unwrap_or(row);
        let pixels: Vec<(f64, f64)> = row
            .chunks_exact(count * step)
            .map(|pixel| seen(pixel, count))
            .collect();
        let under = below.chunks_exact(count * step).map(|pixel| seen(pixel, count).0);
        let mut last = pixels.first().map_or(0.0, |(luma, _)| *luma);
        for ((x, (luma, colour)), under) in pixels.iter().enumerate().zip(under) {
            let score = (luma - last).abs() + (luma - under).abs() + colour;
            last = *luma;
            if let Some(column) = columns.get_mut(x * step) {
                *column += score;
            }
            if let Some(line) = lines.get_mut(y) {
                *line += score;
            }
        }
    }
    (best(&columns, width as usize), best(&lines, height as usize))
}

/// Brightness of a pixel, and how much its colour draws the eye.
fn seen(pixel: &[u8], count: usize) -> (f64, f64) {
    let at = |index: usize| pixel.get(index).map_or(0.0, |code| f64::from(*code) / 255.0);
    if count < 3 {
        let alpha = if count == 2 { at(1) } else { 1.0 };
        return (at(0) * alpha, 0.0);
    }
    let alpha = if count == 4 { at(3) } else { 1.0 };
    let (r, g, b) = (at(0), at(1), at(2));
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    let saturation = r.max(g).max(b) - r.min(g).min(b);
    // Skin lies around one direction of colour, whatever its brightness.
    let length = (r * r + g * g + b * b).sqrt().max(1e-3);
    let off = [(r, 0.78), (g, 0.57), (b, 0.44)]
        .map(|(part, skin)| (part / length - skin).powi(2))
        .iter()
        .sum::<f64>()
        .sqrt();
    let skin = if luma > 0.05 && luma < 0.95 {
        (1.0 - off * 5.0).max(0.0) * saturation.min(0.3) * 2.0
    } else {
        0.0
    };
    (luma * alpha, (0.15 * saturation + 0.5 * skin) * alpha)
}

/// Where the window of `length` with the highest sum begins; of equal ones the middle one.
fn best(scores: &[f64], length: usize) -> u32 {
    let places = scores.len().saturating_sub(length) + 1;
    let mut sum: f64 = scores.iter().take(length).sum();
    let (mut most, mut first, mut last) = (sum, 0, 0);
    for place in 1..places {
        sum += scores.get(place + length - 1).copied().unwrap_or(0.0)
            - scores.get(place - 1).copied().unwrap_or(0.0);
        let same = (sum - most).abs() <= 1e-9 * most.abs().max(1.0);
        if same && last + 1 == place {
            last = place;
        } else if sum > most && !same {
            (most, first, last) = (sum, place, place);
        }
    }
    u32::try_from(usize::midpoint(first, last)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Channels, Depth, Shape};

    #[test]
    fn what_is_to_be_seen_is_found() {
        for at in [20, 150, 260] {
            let shape = Shape {
                width: 300,
                height: 100,
                channels: Channels::Rgb,
                depth: Depth::Eight,
            };
            let pixel = |x: u32, y: u32| {
                let busy = x.abs_diff(at) < 20 && y.abs_diff(50) < 20;
                if busy && (x / 3 + y / 3).is_multiple_of(2) {
                    [230, 60, 40]
                } else {
                    [90, 100, 110]
                }
            };
            let samples = (0..100)
                .flat_map(|y| (0..300).flat_map(move |x| pixel(x, y)))
                .collect();
            let (x, y) = window(
                &Picture {
                    shape,
                    samples: Samples::Eight(samples),
                },
                (100, 100),
            );
            assert_eq!(y, 0);
            assert!(
                x <= at.saturating_sub(18) && x + 100 >= (at + 18).min(300),
                "{at}: {x}"
            );
        }
    }
}
