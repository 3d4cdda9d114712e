//! The eight orientations of EXIF (CIPA DC-008, tag 274).

use crate::picture::{Picture, Samples, Shape};

/// The shape that a picture has once it is oriented: 5 to 8 lie on their side.
#[must_use]
pub const fn oriented_shape(shape: Shape, orientation: u8) -> Shape {
    match orientation {
        5..=8 => Shape {
            width: shape.height,
            height: shape.width,
            ..shape
        },
        _ => shape,
    }
}

/// Turns and mirrors a picture as stored into the one that is meant. `orientation` is EXIF's, 1 to 8: 1, and what is no
/// orientation, leave it as it is.
#[must_use]
pub fn orient(picture: Picture, orientation: u8) -> Picture {
    if !(2..=8).contains(&orientation) {
        return picture;
    }
    let Picture { shape, samples } = picture;
    let samples = match samples {
        Samples::Eight(samples) => Samples::Eight(orient_samples(&samples, shape, orientation)),
        Samples::Sixteen(samples) => Samples::Sixteen(orient_samples(&samples, shape, orientation)),
    };
    Picture {
        shape: oriented_shape(shape, orientation),
        samples,
    }
}

/// Whether a picture is mirrored on its way, across and down as it is stored.
#[must_use]
pub const fn is_mirrored(orientation: u8) -> (bool, bool) {
    (
        matches!(orientation, 2 | 3 | 7 | 8),
        matches!(orientation, 3 | 4 | 6 | 7),
    )
}

fn orient_samples<T: Copy>(samples: &[T], shape: Shape, orientation: u8) -> Vec<T> {
    match shape.channels.count() {
        1 => orient_pixels::<T, 1>(samples, shape, orientation),
        2 => orient_pixels::<T, 2>(samples, shape, orientation),
        3 => orient_pixels::<T, 3>(samples, shape, orientation),
        _ => orient_pixels::<T, 4>(samples, shape, orientation),
    }
}

/// How many columns are turned at a time, so that the source's lines stay in the cache.
const BLOCK: usize = 16;

fn orient_pixels<T: Copy, const N: usize>(samples: &[T], shape: Shape, orientation: u8) -> Vec<T> {
    let (pixels, _) = samples.as_chunks::<N>();
    let width = shape.width as usize;
    let rows: Vec<&[[T; N]]> = pixels.chunks_exact(width).collect();
    let mut out = Vec::with_capacity(pixels.len());
    match orientation {
        2 => rows.iter().for_each(|row| out.extend(row.iter().rev())),
        3 => rows.iter().rev().for_each(|row| out.extend(row.iter().rev())),
        4 => rows.iter().rev().for_each(|row| out.extend_from_slice(row)),
        // Each row of these is a column of the source, read down (5, 8) or up (6, 7), the first one on the left (5, 6) or
        // on the right.
        _ => {
            let (up, from_right) = (matches!(orientation, 6 | 7), matches!(orientation, 7 | 8));
            let Some(any) = pixels.first() else {
                return Vec::new();
            };
            out.resize(pixels.len(), *any);
            let height = rows.len();
            for (block, lines) in out.chunks_mut(height * BLOCK).enumerate() {
                for (y, row) in rows.iter().enumerate() {
                    let to = if up { height - 1 - y } else { y };
                    for (line, out) in lines.chunks_exact_mut(height).enumerate() {
                        let column = block * BLOCK + line;
                        let x = if from_right { width - 1 - column } else { column };
                        if let (Some(out), Some(pixel)) = (out.get_mut(to), row.get(x)) {
                            *out = *pixel;
                        }
                    }
                }
            }
        }
    }
    out.into_flattened()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Channels, Depth};

    #[test]
    fn every_orientation_is_what_exif_says() {
        // A B C
        // D E F
        let expected: [&[u8]; 8] = [
            b"ABCDEF", b"CBAFED", b"FEDCBA", b"DEFABC", b"ADBECF", b"DAEBFC", b"FCEBDA", b"CFBEAD",
        ];
        for (orientation, expected) in (1..).zip(expected) {
            let shape = Shape {
                width: 3,
                height: 2,
                channels: Channels::Gray,
                depth: Depth::Eight,
            };
            let picture = Picture {
                shape,
                samples: Samples::Eight(b"ABCDEF".to_vec()),
            };
            let oriented = orient(picture, orientation);
            assert_eq!(
                oriented.samples,
                Samples::Eight(expected.to_vec()),
                "{orientation}"
            );
            assert_eq!(oriented.shape, oriented_shape(shape, orientation));
        }
    }

    #[test]
    fn pixels_keep_their_channels_across_blocks() {
        let shape = Shape {
            width: 37,
            height: 5,
            channels: Channels::Rgb,
            depth: Depth::Sixteen,
        };
        let samples: Vec<u16> = (0..37 * 5 * 3).collect();
        let picture = Picture {
            shape,
            samples: Samples::Sixteen(samples),
        };
        let there = orient(picture.clone(), 6);
        assert_ne!(there.samples, picture.samples);
        assert_eq!(orient(there, 8), picture);
    }
}
