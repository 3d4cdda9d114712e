//! YCbCr to RGB (ITU-T T.871), to the bit as libjpeg: fixed point of 16 bits, rounded to the nearest.

#![expect(
    clippy::cast_sign_loss,
    clippy::inline_always,
    clippy::similar_names,
    reason = "inner loops on the standard's names; products of 8-bit samples and 16-bit constants, and sums clamped to samples"
)]

use super::vector::interleave;
use crate::decode::colour::cmyk_pixel;

/// How many pixels are converted at a time, so that what is between stays in registers.
const BATCH: usize = 16;

// Fractions of the factors, in 16 bits: 1.402 − 1, 1.772 − 2, −0.34414, and −0.71414 + 1.
const RED: i32 = 91_881 - 65_536;
const BLUE: i32 = 116_130 - 2 * 65_536;
const GREEN_BLUE: i32 = -22_554;
const GREEN_RED: i32 = 65_536 - 46_802;

/// Red, green and blue of one pixel.
#[inline(always)]
pub(crate) fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i16::from(y), i16::from(cb) - 128, i16::from(cr) - 128);
    // Half of the upper half of a doubled product, rounded: in 16 bits, and the same as rounding the product.
    let scale = |twice: i16, by: i32| ((((i32::from(twice) * by) >> 16) as i16) + 1) >> 1;
    let red = y + cr + scale(2 * cr, RED);
    let blue = y + 2 * cb + scale(2 * cb, BLUE);
    let sum = i32::from(cb) * GREEN_BLUE + i32::from(cr) * GREEN_RED + (1 << 15);
    let green = y - cr + (sum >> 16) as i16;
    [red, green, blue].map(|sample| sample.clamp(0, 255) as u8)
}

/// A row of YCbCr to one of RGB.
pub(super) fn ycc_to_rgb(y: &[u8], cb: &[u8], cr: &[u8], out: &mut [u8]) {
    let (ys, y_rest) = y.as_chunks::<BATCH>();
    let (cbs, cb_rest) = cb.as_chunks::<BATCH>();
    let (crs, cr_rest) = cr.as_chunks::<BATCH>();
    let (outs, out_rest) = out.as_chunks_mut::<{ 3 * BATCH }>();
    for (((out, y), cb), cr) in outs.iter_mut().zip(ys).zip(cbs).zip(crs) {
        let mut planes = [[0; BATCH]; 3];
        let [red, green, blue] = &mut planes;
        let samples = y.iter().zip(cb).zip(cr);
        for ((((y, cb), cr), red), (green, blue)) in samples
            .zip(red.iter_mut())
            .zip(green.iter_mut().zip(blue.iter_mut()))
        {
            [*red, *green, *blue] = rgb(*y, *cb, *cr);
        }
        *out = interleave(planes);
    }
    let (outs, _) = out_rest.as_chunks_mut::<3>();
    for (((out, y), cb), cr) in outs.iter_mut().zip(y_rest).zip(cb_rest).zip(cr_rest) {
        *out = rgb(*y, *cb, *cr);
    }
}

/// Three planes that are red, green and blue already.
pub(super) fn interleave_rgb(red: &[u8], green: &[u8], blue: &[u8], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    for (((pixel, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue) {
        *pixel = [*red, *green, *blue];
    }
}

/// Four planes of inks, interleaved. They are stored inverted, as Adobe's programs write them, and come out as amounts of ink.
pub(super) fn interleave_cmyk(planes: [&[u8]; 4], is_ycck: bool, out: &mut [[u8; 4]]) {
    let [c, m, y, k] = planes;
    for ((((pixel, c), m), y), k) in out.iter_mut().zip(c).zip(m).zip(y).zip(k) {
        *pixel = if is_ycck {
            let [c, m, y] = rgb(*c, *m, *y);
            [c, m, y, 255 - k]
        } else {
            [255 - c, 255 - m, 255 - y, 255 - k]
        };
    }
}

/// Inks to RGB, without a profile.
pub(super) fn cmyk_to_rgb(inks: &[[u8; 4]], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<3>();
    pixels
        .iter_mut()
        .zip(inks)
        .for_each(|(pixel, inks)| *pixel = cmyk_pixel(*inks));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_libjpegs_tables_give_for_every_colour() {
        let half = 1 << 15;
        for cb in 0..=255_u8 {
            for cr in 0..=255_u8 {
                let (x, z) = (i32::from(cb) - 128, i32::from(cr) - 128);
                let red = (91_881 * z + half) >> 16;
                let blue = (116_130 * x + half) >> 16;
                let green = (-22_554 * x - 46_802 * z + half) >> 16;
                for y in [0, 1, 77, 128, 254, 255_u8] {
                    let sum = |by: i32| (i32::from(y) + by).clamp(0, 255) as u8;
                    assert_eq!(rgb(y, cb, cr), [sum(red), sum(green), sum(blue)], "{y} {cb} {cr}");
                }
            }
        }
    }
}
