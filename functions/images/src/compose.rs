//! Pictures cut, laid on one another, and flattened. All of 8 bits, blended as browsers do it: in sRGB codes.

use shared::options::{Colour, ImageFormat};

use crate::picture::{Channels, Depth, Picture, Samples, Shape};

/// The samples of a picture of 8 bits; none of another.
pub(crate) fn codes(picture: &Picture) -> &[u8] {
    match &picture.samples {
        Samples::Eight(codes) => codes,
        Samples::Sixteen(_) => &[],
    }
}

/// A picture of 8 bits.
pub(crate) fn of_codes(width: u32, height: u32, channels: Channels, codes: Vec<u8>) -> Picture {
    Picture {
        shape: Shape {
            width,
            height,
            channels,
            depth: Depth::Eight,
        },
        samples: Samples::Eight(codes),
    }
}

/// The same picture with samples of 8 bits.
pub(crate) fn to_eight(picture: Picture) -> Picture {
    match picture.samples {
        Samples::Eight(_) => picture,
        Samples::Sixteen(samples) => {
            let round =
                |sample: u16| u8::try_from((u32::from(sample) * 255 + 32_767) / 65_535).unwrap_or(255);
            let Shape {
                width,
                height,
                channels,
                ..
            } = picture.shape;
            of_codes(width, height, channels, samples.into_iter().map(round).collect())
        }
    }
}

/// The pixels of a picture as red, green, blue and alpha.
pub(crate) fn rgba(picture: &Picture) -> impl Iterator<Item = [u8; 4]> + '_ {
    let channels = picture.shape.channels;
    codes(picture)
        .chunks_exact(channels.count())
        .map(move |pixel| match *pixel {
            [gray] => [gray, gray, gray, 255],
            [gray, alpha] => [gray, gray, gray, alpha],
            [r, g, b] => [r, g, b, 255],
            [r, g, b, a] => [r, g, b, a],
            _ => [0; 4],
        })
}

/// The same picture with four channels.
pub(crate) fn to_rgba(picture: &Picture) -> Picture {
    let Shape { width, height, .. } = picture.shape;
    of_codes(width, height, Channels::Rgba, rgba(picture).flatten().collect())
}

/// The part of a picture from a left and top on, with a width and height.
pub(crate) fn cut(picture: &Picture, (x, y): (u32, u32), (width, height): (u32, u32)) -> Picture {
    let shape = picture.shape;
    let count = shape.channels.count();
    let (width, height) = (
        width.min(shape.width - x.min(shape.width)),
        height.min(shape.height - y.min(shape.height)),
    );
    let columns = x as usize * count..(x + width) as usize * count;
    let rows = codes(picture)
        .chunks_exact(shape.row_samples())
        .skip(y as usize)
        .take(height as usize);
    let samples = rows
        .flat_map(|row| row.get(columns.clone()).unwrap_or_default())
        .copied()
        .collect();
    of_codes(width, height, shape.channels, samples)
}

/// One pixel over another.
pub(crate) fn over([r, g, b, a]: [u8; 4], [under_r, under_g, under_b, under_a]: [u8; 4]) -> [u8; 4] {
    if a == 255 {
        return [r, g, b, a];
    }
    let (alpha, under) = (u32::from(a) * 255, u32::from(under_a) * (255 - u32::from(a)));
    let sum = alpha + under;
    if sum == 0 {
        return [0; 4];
    }
    let blend = |top: u8, below: u8| {
        u8::try_from((u32::from(top) * alpha + u32::from(below) * under + sum / 2) / sum).unwrap_or(255)
    };
    let alpha = u8::try_from((sum + 127) / 255).unwrap_or(255);
    [blend(r, under_r), blend(g, under_g), blend(b, under_b), alpha]
}

/// A picture in the middle of a canvas of a colour.
pub(crate) fn on_canvas(picture: &Picture, (width, height): (u32, u32), background: Colour) -> Picture {
    let shape = picture.shape;
    let (left, top) = (
        width.saturating_sub(shape.width) / 2,
        height.saturating_sub(shape.height) / 2,
    );
    let [r, g, b, a] = background.rgba;
    let is_opaque = a == 255 && !shape.channels.has_alpha();
    let count = if is_opaque { 3 } else { 4 };
    let mut samples = Vec::with_capacity(width as usize * height as usize * count);
    let fill = |samples: &mut Vec<u8>, pixels: usize| {
        for _ in 0..pixels {
            samples.extend([r, g, b, a].iter().take(count));
        }
    };
    let mut pixels = rgba(picture);
    fill(&mut samples, top as usize * width as usize);
    for _ in 0..shape.height.min(height) {
        fill(&mut samples, left as usize);
        for pixel in pixels.by_ref().take(shape.width as usize) {
            samples.extend(over(pixel, background.rgba).iter().take(count));
        }
        fill(&mut samples, width.saturating_sub(left + shape.width) as usize);
    }
    let below = height.saturating_sub(top + shape.height);
    fill(&mut samples, below as usize * width as usize);
    of_codes(
        width,
        height,
        if is_opaque { Channels::Rgb } else { Channels::Rgba },
        samples,
    )
}

/// A picture on a background. For a format that can be transparent, so it stays where the background is.
pub(crate) fn flatten(picture: &Picture, background: Colour, format: ImageFormat) -> Picture {
    let Shape {
        width,
        height,
        channels,
        ..
    } = picture.shape;
    let [r, g, b, a] = background.rgba;
    if a < 255 && format != ImageFormat::Jpeg {
        let samples = rgba(picture)
            .flat_map(|pixel| over(pixel, background.rgba))
            .collect();
        return of_codes(width, height, Channels::Rgba, samples);
    }
    let ground = over([r, g, b, a], [255; 4]);
    let is_gray = channels == Channels::GrayAlpha && r == g && g == b;
    let pixels = rgba(picture).map(|pixel| over(pixel, ground));
    if is_gray {
        return of_codes(
            width,
            height,
            Channels::Gray,
            pixels.map(|[gray, ..]| gray).collect(),
        );
    }
    of_codes(
        width,
        height,
        Channels::Rgb,
        pixels.flat_map(|[r, g, b, _]| [r, g, b]).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_flattened_shows_the_background() {
        let picture = of_codes(
            3,
            1,
            Channels::Rgba,
            vec![255, 0, 0, 255, 255, 0, 0, 0, 255, 0, 0, 128],
        );
        let flat = flatten(
            &picture,
            Colour {
                rgba: [0, 0, 255, 255],
            },
            ImageFormat::Jpeg,
        );
        assert_eq!(codes(&flat), [255, 0, 0, 0, 0, 255, 128, 0, 127]);
        let clear = flatten(&picture, Colour { rgba: [0, 0, 255, 0] }, ImageFormat::Webp);
        assert_eq!(clear.shape.channels, Channels::Rgba);
    }

    #[test]
    fn a_canvas_goes_around_and_a_cut_takes_it_off() {
        let picture = of_codes(2, 1, Channels::Gray, vec![1, 2]);
        let canvas = on_canvas(&picture, (4, 3), Colour::WHITE);
        assert_eq!(codes(&canvas).len(), 4 * 3 * 3);
        assert_eq!(codes(&cut(&canvas, (1, 1), (2, 1))), [1, 1, 1, 2, 2, 2]);
    }
}
