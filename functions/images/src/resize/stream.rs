//! A part of a picture to a smaller one, a row at a time.

use fearless_simd::Level;

use super::{
    axis::{Axis, Region},
    kernels::{self, LANES},
    lanes,
};

/// From so many on, samples are averaged in boxes first: what is left of the reduction is then still at least threefold, so
/// that the kernel has nearly all of the say, and the window of rows stays small whatever the picture's size.
const BOX_FROM: f64 = 6.0;
/// What is left to the kernel.
const LEFT_TO_KERNEL: f64 = 3.0;

/// Reduces rows of samples (light, as a rule) as they come.
#[derive(Debug, Clone)]
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
    /// Rows reduced down, one after another: as many as are reduced across together.
    down_rows: Vec<f32>,
    /// The same, side by side.
    batch: Vec<[f32; LANES]>,
    batched: usize,
    reduced: Vec<[f32; LANES]>,
    /// The rows as they come out.
    out: Vec<f32>,
}

/// Averages boxes of pixels.
#[derive(Debug, Clone)]
struct Boxes {
    width: usize,
    height: usize,
    /// The row that comes next.
    row: Vec<f32>,
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
                row: Vec::new(),
                sums: Vec::new(),
                summed: 0,
            },
            window: vec![vec![0.0; row_samples]; down.taps],
            held: 0,
            made: 0,
            height: target.1 as usize,
            down_rows: vec![0.0; LANES / lanes * row_samples],
            batch: vec![[0.0; LANES]; width as usize],
            batched: 0,
            reduced: vec![[0.0; LANES]; target.0 as usize],
            out: vec![0.0; LANES / lanes * target.0 as usize * count],
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

    /// Takes the next row: `fill` writes the samples of its columns. Gives `emit` each row that is complete with it.
    pub fn push<E>(
        &mut self,
        fill: &mut dyn FnMut(&mut [f32]),
        emit: &mut dyn FnMut(&[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.seen += 1;
        let slot = self.held % self.window.len().max(1);
        let Some(held) = self.window.get_mut(slot) else {
            return Ok(());
        };
        if self.boxes.width == 1 && self.boxes.height == 1 {
            fill(held);
        } else {
            let is_last = self.seen == self.rows.1;
            let samples = (self.columns.1 - self.columns.0) * self.count;
            self.boxes.row.resize(samples, 0.0);
            fill(&mut self.boxes.row);
            if !self.boxes.add(self.count, is_last, held) {
                return Ok(());
            }
        }
        self.held += 1;
        self.flush(emit)
    }

    /// Reduces all rows that are there.
    fn flush<E>(&mut self, emit: &mut dyn FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        let row_samples = self.batch.len() * self.count;
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
            let begin = self.batched * row_samples;
            if let Some(out) = self.down_rows.get_mut(begin..begin + row_samples) {
                kernels::down(self.level, &rows, out);
            }
            self.made += 1;
            self.batched += 1;
            if self.batched == LANES / self.lanes || self.made == self.height {
                self.emit_batch(emit)?;
            }
        }
        Ok(())
    }

    /// Reduces the rows of the batch across, and gives them away.
    fn emit_batch<E>(&mut self, emit: &mut dyn FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        let lanes = self.lanes;
        let row_samples = (self.batch.len() * self.count).max(1);
        if self.count == 1 {
            lanes::rows_to_lanes(self.level, &self.down_rows, &mut self.batch);
        } else {
            for (number, row) in self.down_rows.chunks_exact(row_samples).enumerate() {
                match self.count {
                    2 => spread::<2>(row, &mut self.batch, number * lanes),
                    3 => spread::<3>(row, &mut self.batch, number * lanes),
                    _ => spread::<4>(row, &mut self.batch, number * lanes),
                }
            }
        }
        let Axis {
            starts,
            taps,
            weights,
        } = &self.across;
        kernels::across(self.level, &self.batch, starts, *taps, weights, &mut self.reduced);
        let out_samples = (self.reduced.len() * self.count).max(1);
        if self.count == 1 {
            lanes::lanes_to_rows(self.level, &self.reduced, &mut self.out);
        } else {
            for (number, row) in self.out.chunks_exact_mut(out_samples).enumerate() {
                match self.count {
                    2 => gather::<2>(&self.reduced, row, number * lanes),
                    3 => gather::<3>(&self.reduced, row, number * lanes),
                    _ => gather::<4>(&self.reduced, row, number * lanes),
                }
            }
        }
        let batched = std::mem::take(&mut self.batched);
        self.out
            .chunks_exact(out_samples)
            .take(batched)
            .try_for_each(emit)
    }
}

fn spread<const N: usize>(row: &[f32], batch: &mut [[f32; LANES]], at: usize) {
    for (pixel, lanes) in row.as_chunks::<N>().0.iter().zip(batch) {
        if let Some(lanes) = lanes.get_mut(at..).and_then(|lanes| lanes.first_chunk_mut::<N>()) {
            *lanes = *pixel;
        }
    }
}

fn gather<const N: usize>(reduced: &[[f32; LANES]], row: &mut [f32], at: usize) {
    for (lanes, pixel) in reduced.iter().zip(row.as_chunks_mut::<N>().0) {
        if let Some(lanes) = lanes.get(at..).and_then(|lanes| lanes.first_chunk::<N>()) {
            *pixel = *lanes;
        }
    }
}

impl Boxes {
    /// Adds its row; whether the boxes are full with it, and then their averages are in `averages`.
    #[expect(clippy::cast_precision_loss, reason = "a few pixels")]
    fn add(&mut self, count: usize, is_last: bool, averages: &mut [f32]) -> bool {
        self.sums.resize(averages.len(), 0.0);
        let boxes = self.row.chunks(self.width * count);
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
