//! How parts become frames (GIF 89a, 23; PNG, third edition, 11.3.4.1; RFC 9649, 2.7.1.1).

use shared::Failure;

use crate::{
    compose::{codes, of_codes, over},
    decode::PictureLimits,
    picture::{Channels, Picture, Samples},
};

/// What a file draws for a frame.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) place: Place,
    /// width × height pixels of red, green, blue and alpha.
    pub(super) pixels: Vec<[u8; 4]>,
    pub(super) blend: Blend,
    pub(super) dispose: Dispose,
    pub(super) duration_ms: u32,
}

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What becomes of what lies under a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blend {
    /// It shows through.
    Over,
    /// It is replaced.
    Source,
}

/// What becomes of a part before the next one is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dispose {
    /// It stays.
    Keep,
    /// Its place becomes transparent. (What the formats call the background colour, no browser shows.)
    Clear,
    /// What lay under it comes back. For a first part that is nothing: as good as cleared.
    Previous,
}

/// What frames are drawn on: transparent at first.
pub(super) struct Canvas {
    picture: Picture,
    /// What is to be done before the next part is drawn.
    pending: Option<(Place, Undo)>,
}

enum Undo {
    Clear,
    /// The pixels that lay there.
    Restore(Vec<[u8; 4]>),
}

impl Canvas {
    /// In pixels, at least 1 each.
    pub(super) fn new(width: u32, height: u32, limits: &PictureLimits) -> Result<Self, Failure> {
        let pixels = u64::from(width) * u64::from(height);
        limits.check_held(4 * pixels)?;
        let samples = vec![0; width as usize * height as usize * 4];
        Ok(Self {
            picture: of_codes(width, height, Channels::Rgba, samples),
            pending: None,
        })
    }

    /// What it takes.
    pub(super) fn bytes(&self) -> u64 {
        codes(&self.picture).len() as u64
    }

    /// What is seen.
    pub(super) const fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Takes the last part away as it says, and draws the next. What stands over the canvas is cut off.
    pub(super) fn draw(&mut self, part: &Part) {
        match self.pending.take() {
            Some((place, Undo::Clear)) => {
                for row in self.rows_mut(place) {
                    row.fill([0; 4]);
                }
            }
            Some((place, Undo::Restore(pixels))) => {
                let rows = pixels.chunks_exact(place.width as usize);
                for (row, before) in self.rows_mut(place).zip(rows) {
                    row.copy_from_slice(before);
                }
            }
            None => {}
        }
        let Some(place) = self.inside(part.place) else {
            return;
        };
        self.pending = match part.dispose {
            Dispose::Keep => None,
            Dispose::Clear => Some((place, Undo::Clear)),
            Dispose::Previous => {
                let before = self.rows_mut(place).flat_map(|row| row.iter().copied()).collect();
                Some((place, Undo::Restore(before)))
            }
        };
        let drawn = part.pixels.chunks_exact(part.place.width as usize);
        for (row, drawn) in self.rows_mut(place).zip(drawn) {
            match part.blend {
                Blend::Source => row
                    .iter_mut()
                    .zip(drawn)
                    .for_each(|(under, pixel)| *under = *pixel),
                Blend::Over => {
                    for (under, pixel) in row.iter_mut().zip(drawn) {
                        match pixel[3] {
                            0 => {}
                            255 => *under = *pixel,
                            _ => *under = over(*pixel, *under),
                        }
                    }
                }
            }
        }
    }

    /// The part of a place that is on the canvas; none where nothing is.
    fn inside(&self, place: Place) -> Option<Place> {
        let shape = self.picture.shape;
        let width = place.width.min(shape.width.saturating_sub(place.left));
        let height = place.height.min(shape.height.saturating_sub(place.top));
        (width > 0 && height > 0).then_some(Place {
            width,
            height,
            ..place
        })
    }

    /// The rows of a place that is on the canvas.
    fn rows_mut(&mut self, place: Place) -> impl Iterator<Item = &mut [[u8; 4]]> {
        let (across, left) = (self.picture.shape.width as usize, place.left as usize);
        let samples: &mut [u8] = match &mut self.picture.samples {
            Samples::Eight(samples) => samples,
            Samples::Sixteen(_) => &mut [],
        };
        let (pixels, _) = samples.as_chunks_mut::<4>();
        pixels
            .chunks_exact_mut(across)
            .skip(place.top as usize)
            .take(place.height as usize)
            .filter_map(move |row| row.get_mut(left..left + place.width as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const HALF: [u8; 4] = [0, 0, 255, 128];
    const NONE: [u8; 4] = [0; 4];

    fn part(left: u32, width: u32, pixel: [u8; 4], blend: Blend, dispose: Dispose) -> Part {
        let place = Place {
            left,
            top: 0,
            width,
            height: 1,
        };
        Part {
            place,
            pixels: vec![pixel; width as usize],
            blend,
            dispose,
            duration_ms: 0,
        }
    }

    /// What is seen after each part, on a canvas of four pixels.
    fn seen(parts: &[Part]) -> Vec<[[u8; 4]; 4]> {
        let mut canvas = Canvas::new(4, 1, &PictureLimits::default()).unwrap();
        let mut frames = Vec::new();
        for part in parts {
            canvas.draw(part);
            let pixels = codes(canvas.picture()).as_chunks::<4>().0;
            frames.push(pixels.try_into().unwrap());
        }
        frames
    }

    #[test]
    fn parts_stay_or_go_as_they_say() {
        use Blend::{Over, Source};
        use Dispose::{Clear, Keep, Previous};
        let frames = seen(&[
            part(0, 4, RED, Over, Keep),
            part(1, 2, BLUE, Over, Previous),
            part(0, 1, BLUE, Over, Clear),
            part(3, 1, HALF, Over, Keep),
            part(2, 2, HALF, Source, Keep),
            part(0, 2, NONE, Over, Keep),
            part(1, 1, NONE, Source, Keep),
        ]);
        let mixed = [127, 0, 128, 255];
        assert_eq!(frames[0], [RED; 4]);
        assert_eq!(frames[1], [RED, BLUE, BLUE, RED]);
        assert_eq!(frames[2], [BLUE, RED, RED, RED]);
        assert_eq!(frames[3], [NONE, RED, RED, mixed]);
        assert_eq!(frames[4], [NONE, RED, HALF, HALF]);
        assert_eq!(frames[5], frames[4]);
        assert_eq!(frames[6], [NONE, NONE, HALF, HALF]);
    }

    #[test]
    fn a_first_part_that_is_to_be_undone_leaves_nothing() {
        let frames = seen(&[
            part(0, 4, RED, Blend::Over, Dispose::Previous),
            part(0, 1, BLUE, Blend::Over, Dispose::Keep),
        ]);
        assert_eq!(frames[1], [BLUE, NONE, NONE, NONE]);
    }

    #[test]
    fn what_stands_over_is_cut_off() {
        let frames = seen(&[
            part(3, 9, RED, Blend::Over, Dispose::Clear),
            part(4, 2, BLUE, Blend::Source, Dispose::Previous),
            part(u32::MAX, 1, BLUE, Blend::Source, Dispose::Clear),
        ]);
        assert_eq!(frames[0], [NONE, NONE, NONE, RED]);
        assert_eq!(frames[1], [NONE; 4]);
        assert_eq!(frames[2], [NONE; 4]);
    }
}
