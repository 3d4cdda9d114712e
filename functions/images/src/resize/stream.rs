//! A part of a picture to a smaller one, a row at a time.

use fearless_simd::Level;

use super::{
    axis::{Axis, Region},
    kernels::{self, LANES},
};

/// From so many on, samples are averaged in boxes first: what is left of the reduction is then still at least threefold, so
/// that the kernel has nearly all of the say, and the window of rows stays small whatever the picture's size.
const BOX_FROM: f64 = 6.0;
/// What is left to the kernel.
const LEFT_TO_KERNEL: f64 = 3.0;

/// Reduces rows of light as they come.
#[derive(Debug)]
pub struct Resizer {
    level: Level,
    /// Samples of a pixel.
    count: usize,
    /// How many lanes a pixel takes while it is reduced across.
    lanes: usize,
    columns: (usize, usize),
    rows: (usize, usize),
    /// Rows seen so far.
    seen: usize,
    boxes: Boxes,
    down: Axis,
    across: Axis,
    /// The last rows, the one of number `n` at `n % taps`.
    window: Vec<Vec<f32>>,
    /// Rows put into the window so far.
    held: usize,
    /// Rows reduced down so far.
    made: usize,
    height: usize,
    /// A row reduced down.
    row: Vec<f32>,
    /// Rows reduced down, side by side: to be reduced across together.
    batch: Vec<[f32; LANES]>,
    batched: usize,
    reduced: Vec<[f32; LANES]>,
    /// A row as it comes out.
    out: Vec<f32>,
}

/// Averages boxes of pixels.
#[derive(Debug)]
struct Boxes {
    width: usize,
    height: usize,
    sums: Vec<f32>,
    summed: usize,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides of pictures and parts of them, clamped to the picture"
)]
fn span(start: f64, extent: f64, length: u32, target: u32) -> (usize, usize, usize) {
    let scale = (extent / f64::from(target)).max(1.0);
    let side = if scale >= BOX_FROM {
        (scale / LEFT_TO_KERNEL).floor()
    } else {
        1.0
    };
    let margin = (LEFT_TO_KERNEL + 1.0) * scale;
    let most = f64::from(length);
    let first = (start - margin).floor().clamp(0.0, most - 1.0);
    let last = (start + extent + margin).ceil().clamp(first + 1.0, most);
    (first as usize, last as usize, side as usize)
}

impl Resizer {
    /// Reduces `region` of a picture of `source` (width, height; in pixels) with `count` samples a pixel to `target`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "sides of pictures")]
    pub fn new(source: (u32, u32), region: &Region, target: (u32, u32), count: usize) -> Self {
        let (first, last, box_width) = span(region.x, region.width, source.0, target.0);
        let (top, bottom, box_height) = span(region.y, region.height, source.1, target.1);
        let boxed = |length: usize, side: usize| u32::try_from(length.div_ceil(side)).unwrap_or(u32::MAX);
        let (width, height) = (boxed(last - first, box_width), boxed(bottom - top, box_height));
        let in_boxes = |start: f64, first: usize, side: usize| (start - first as f64) / side as f64;
        let across = Axis::new(
            width,
            in_boxes(region.x, first, box_width),
            region.width / box_width as f64,
            target.0,
        );
        let down = Axis::new(
            height,
            in_boxes(region.y, top, box_height),
            region.height / box_height as f64,
            target.1,
        );
        let lanes = if count == 3 { 4 } else { count };
        let row_samples = width as usize * count;
        Self {
            level: Level::new(),
            count,
            lanes,
            columns: (first, last),
            rows: (top, bottom),
            seen: 0,
            boxes: Boxes {
                width: box_width,
                height: box_height,
                sums: Vec::new(),
                summed: 0,
            },
            window: vec![vec![0.0; row_samples]; down.taps],
            held: 0,
            made: 0,
            height: target.1 as usize,
            row: vec![0.0; row_samples],
            batch: vec![[0.0; LANES]; width as usize],
            batched: 0,
            reduced: vec![[0.0; LANES]; target.0 as usize],
            out: Vec::with_capacity(target.0 as usize * count),
            down,
            across,
        }
    }

    /// The vectors that the machine has.
    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// Which pixels of a row it reads: the first, and the one behind the last.
    #[must_use]
    pub const fn columns(&self) -> (usize, usize) {
        self.columns
    }

    /// Whether it reads the row that comes next. One it does not read is passed over with [`Resizer::skip`].
    #[must_use]
    pub const fn wants_row(&self) -> bool {
        self.seen >= self.rows.0 && self.seen < self.rows.1
    }

    /// Passes over a row.
    pub const fn skip(&mut self) {
        self.seen += 1;
    }

    /// Takes the next row: the samples of its columns. Gives `emit` each row that is complete with it.
    pub fn push<E>(&mut self, light: &[f32], emit: &mut dyn FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        self.seen += 1;
        let slot = self.held % self.window.len().max(1);
        let Some(held) = self.window.get_mut(slot) else {
            return Ok(());
        };
        if self.boxes.width == 1 && self.boxes.height == 1 {
            let length = held.len().min(light.len());
            if let (Some(held), Some(light)) = (held.get_mut(..length), light.get(..length)) {
                held.copy_from_slice(light);
            }
        } else {
            let is_last = self.seen == self.rows.1;
            if !self.boxes.add(light, self.count, is_last, held) {
                return Ok(());
            }
        }
        self.held += 1;
        self.flush(emit)
    }

    /// Reduces all rows that are there.
    fn flush<E>(&mut self, emit: &mut dyn FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        while self.made < self.height {
            let Some((start, weights)) = self.down.run(self.made) else {
                break;
            };
            if start + weights.len() > self.held {
                break;
            }
            let taps = self.window.len();
            let rows: Vec<(&[f32], f32)> = weights
                .iter()
                .enumerate()
                .filter(|(_, weight)| **weight != 0.0)
                .filter_map(|(tap, weight)| {
                    Some((self.window.get((start + tap) % taps)?.as_slice(), *weight))
                })
                .collect();
            kernels::down(self.level, &rows, &mut self.row);
            self.made += 1;
            self.add_to_batch();
            if self.batched == LANES / self.lanes || self.made == self.height {
                self.emit_batch(emit)?;
            }
        }
        Ok(())
    }

    fn add_to_batch(&mut self) {
        let at = self.batched * self.lanes;
        match self.count {
            1 => spread::<1>(&self.row, &mut self.batch, at),
            2 => spread::<2>(&self.row, &mut self.batch, at),
            3 => spread::<3>(&self.row, &mut self.batch, at),
            _ => spread::<4>(&self.row, &mut self.batch, at),
        }
        self.batched += 1;
    }

    fn emit_batch<E>(&mut self, emit: &mut dyn FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        let Axis {
            starts,
            taps,
            weights,
        } = &self.across;
        kernels::across(self.level, &self.batch, starts, *taps, weights, &mut self.reduced);
        for row in 0..self.batched {
            let at = row * self.lanes;
            self.out.clear();
            match self.count {
                1 => gather::<1>(&self.reduced, &mut self.out, at),
                2 => gather::<2>(&self.reduced, &mut self.out, at),
                3 => gather::<3>(&self.reduced, &mut self.out, at),
                _ => gather::<4>(&self.reduced, &mut self.out, at),
            }
            emit(&self.out)?;
        }
        self.batched = 0;
        Ok(())
    }
}

fn spread<const N: usize>(row: &[f32], batch: &mut [[f32; LANES]], at: usize) {
    for (pixel, lanes) in row.as_chunks::<N>().0.iter().zip(batch) {
        if let Some(lanes) = lanes.get_mut(at..).and_then(|lanes| lanes.first_chunk_mut::<N>()) {
            *lanes = *pixel;
        }
    }
}

fn gather<const N: usize>(reduced: &[[f32; LANES]], out: &mut Vec<f32>, at: usize) {
    for lanes in reduced {
        if let Some(pixel) = lanes.get(at..).and_then(|lanes| lanes.first_chunk::<N>()) {
            out.extend_from_slice(pixel);
        }
    }
}

impl Boxes {
    /// Adds a row; whether the boxes are full with it, and then their averages are in `averages`.
    #[expect(clippy::cast_precision_loss, reason = "a few pixels")]
    fn add(&mut self, light: &[f32], count: usize, is_last: bool, averages: &mut [f32]) -> bool {
        self.sums.resize(averages.len(), 0.0);
        let boxes = light.chunks(self.width * count);
        for (pixels, sums) in boxes.zip(self.sums.chunks_exact_mut(count)) {
            let share = 1.0 / (pixels.len() / count) as f32;
            for pixel in pixels.chunks_exact(count) {
                for (sample, sum) in pixel.iter().zip(sums.iter_mut()) {
                    *sum += sample * share;
                }
            }
        }
        self.summed += 1;
        if self.summed < self.height && !is_last {
            return false;
        }
        let share = 1.0 / self.summed as f32;
        for (sum, average) in self.sums.iter_mut().zip(averages) {
            *average = *sum * share;
            *sum = 0.0;
        }
        self.summed = 0;
        true
    }
}
