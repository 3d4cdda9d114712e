//! What a frame changes.
//!
//! A frame holds the rectangle in which it differs from the one before. Compared are the pixels that are asked for, not what the
//! encoder made of them: what is left out was encoded from the very same pixels, so nothing drifts. What is the same inside of
//! the rectangle is left out too where that pays: it is transparent, and the frame before shows through.

use crate::{
    compose::{codes, cut, of_codes, rgba},
    picture::{Channels, Picture},
};

/// The longest that a frame can stand, in ms: 24 bits.
pub(super) const MOST_DURATION_MS: u32 = 0x00FF_FFFF;

/// What a frame changes.
#[derive(Debug)]
pub(crate) struct Change {
    /// Even: they are written in steps of two pixels.
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) pixels: Picture,
    /// Whether transparent pixels leave what is there.
    pub(super) shows_through: bool,
    /// Whether it is the same picture again. Its one pixel is written as it is, that it never is seen.
    pub(super) is_nothing: bool,
    pub(super) duration_ms: u32,
}

/// Finds out what frames change.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    before: Option<Picture>,
}

impl Changes {
    /// What the next frame changes, of 8 bits as all of an animation. `lossless`: it will be encoded so.
    pub(crate) fn next(&mut self, picture: Picture, duration_ms: u32, lossless: bool) -> Change {
        let duration_ms = duration_ms.min(MOST_DURATION_MS);
        let before = self.before.take().filter(|before| before.shape == picture.shape);
        let whole = (0, 0, picture.shape.width, picture.shape.height);
        let changed = before
            .as_ref()
            .map_or(Some(whole), |before| changed(before, &picture));
        let (left, top, right, bottom) = changed.unwrap_or((0, 0, 1, 1));
        let size = (right - left, bottom - top);
        let pixels = cut(&picture, (left, top), size);
        let kept = before
            .as_ref()
            .filter(|_| changed.is_some())
            .and_then(|before| without_the_same(&cut(before, (left, top), size), &pixels, lossless));
        let change = Change {
            left,
            top,
            shows_through: kept.is_some(),
            pixels: kept.unwrap_or(pixels),
            is_nothing: changed.is_none(),
            duration_ms,
        };
        self.before = Some(picture);
        change
    }
}

/// The rectangle in which two pictures of one shape differ: left and top, which are even, right and bottom, which are outside of it.
fn changed(before: &Picture, after: &Picture) -> Option<(u32, u32, u32, u32)> {
    let row_samples = after.shape.row_samples();
    let count = after.shape.channels.count();
    let rows = codes(before)
        .chunks_exact(row_samples)
        .zip(codes(after).chunks_exact(row_samples));
    let (mut left, mut right, mut top, mut bottom) = (usize::MAX, 0, None, 0);
    for (y, (before, after)) in (0_u32..).zip(rows) {
        let differ = |(a, b): (&u8, &u8)| a != b;
        let Some(first) = before.iter().zip(after).position(differ) else {
            continue;
        };
        let last = before.iter().zip(after).rposition(differ).unwrap_or(first);
        (left, right) = (left.min(first / count), right.max(last / count + 1));
        top = top.or(Some(y));
        bottom = y + 1;
    }
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    top.map(|top| (side(left) & !1, top & !1, side(right), bottom))
}

/// The side of a block of lossy pixels that is left out as a whole, in pixels: half of what WebP codes together.
const BLOCK: usize = 8;
/// A part of all blocks as large as this must be the same, for transparency costs something too: one in so many.
const FEWEST_SAME: usize = 8;

/// The pixels with those that are the same made transparent; none where one that differs would let what was there through, or
/// where it does not pay.
fn without_the_same(before: &Picture, after: &Picture, lossless: bool) -> Option<Picture> {
    let before: Vec<[u8; 4]> = rgba(before).collect();
    let mut pixels: Vec<[u8; 4]> = rgba(after).collect();
    let is_hidden = |(before, after): (&[u8; 4], &[u8; 4])| before == after || after[3] == u8::MAX;
    if !before.iter().zip(&pixels).all(is_hidden) {
        return None;
    }
    let (width, height) = (after.shape.width, after.shape.height);
    if lossless {
        for (pixel, before) in pixels.iter_mut().zip(&before) {
            if pixel == before {
                *pixel = [0; 4];
            }
        }
    } else {
        clear_blocks(&before, &mut pixels, width as usize)?;
    }
    Some(of_codes(width, height, Channels::Rgba, pixels.into_flattened()))
}

/// Makes the blocks that are the same transparent, of one colour each that costs little beside what is around. None where
/// they are few.
fn clear_blocks(before: &[[u8; 4]], after: &mut [[u8; 4]], width: usize) -> Option<()> {
    let (mut same, mut all) = (0, 0);
    for (before, after) in before.chunks(width * BLOCK).zip(after.chunks_mut(width * BLOCK)) {
        for left in (0..width).step_by(BLOCK) {
            let columns = left..width.min(left + BLOCK);
            let rows = before.chunks_exact(width).zip(after.chunks_exact(width));
            all += 1;
            if !rows
                .clone()
                .all(|(before, after)| before.get(columns.clone()) == after.get(columns.clone()))
            {
                continue;
            }
            same += 1;
            let colour = mean(
                before
                    .chunks_exact(width)
                    .filter_map(|row| row.get(columns.clone()))
                    .flatten(),
            );
            for row in after.chunks_exact_mut(width) {
                if let Some(row) = row.get_mut(columns.clone()) {
                    row.fill(colour);
                }
            }
        }
    }
    (same * FEWEST_SAME >= all).then_some(())
}

/// The mean colour of pixels, transparent.
fn mean<'a>(pixels: impl Iterator<Item = &'a [u8; 4]>) -> [u8; 4] {
    let (mut sums, mut count) = ([0_u32; 3], 0_u32);
    for pixel in pixels {
        for (sum, code) in sums.iter_mut().zip(pixel) {
            *sum += u32::from(*code);
        }
        count += 1;
    }
    let [r, g, b] = sums.map(|sum| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX));
    [r, g, b, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 × 32 pixels, with one in two corners.
    fn corners(pixel: [u8; 4]) -> Picture {
        let mut pixels = vec![[40, 80, 120, 255]; 64 * 32];
        (pixels[0], pixels[64 * 32 - 1]) = (pixel, pixel);
        of_codes(64, 32, Channels::Rgba, pixels.into_flattened())
    }

    #[test]
    fn what_is_the_same_between_changes_is_left_out() {
        for (lossless, clear) in [(true, 64 * 32 - 2), (false, 64 * 32 - 2 * BLOCK * BLOCK)] {
            let mut changes = Changes::default();
            changes.next(corners([0, 0, 0, 255]), 0, lossless);
            let change = changes.next(corners([255; 4]), 0, lossless);
            assert!(change.shows_through);
            assert_eq!((change.pixels.shape.width, change.pixels.shape.height), (64, 32));
            let pixels: Vec<_> = rgba(&change.pixels).collect();
            assert_eq!(pixels.iter().filter(|pixel| pixel[3] == 0).count(), clear);
            // A pixel of its colour costs nothing beside the others.
            if !lossless {
                assert_eq!(pixels[BLOCK], [40, 80, 120, 0]);
            }
            assert_eq!((pixels[0], pixels[64 * 32 - 1]), ([255; 4], [255; 4]));
        }
    }

    #[test]
    fn what_would_show_through_a_change_is_written_anew() {
        for lossless in [true, false] {
            let mut changes = Changes::default();
            changes.next(corners([0, 0, 0, 255]), 0, lossless);
            let change = changes.next(corners([255, 255, 255, 90]), 0, lossless);
            assert!(!change.shows_through);
            assert_eq!(rgba(&change.pixels).nth(1), Some([40, 80, 120, 255]));
        }
    }
}
