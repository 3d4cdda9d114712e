//! Rows of RGB to luma and chroma (JFIF: ITU-R BT.601, full range), cut into blocks.
#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's vectors"
)]

use fearless_simd::{Level, dispatch, f32x8, prelude::*};

use super::{
    super::Source,
    cosine::{Coefficients, Quantiser},
};
use crate::{compose::codes, picture::Picture};

/// How large chroma is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// There is none.
    Gray,
    /// As large as luma: 4:4:4.
    Full,
    /// Half as wide and half as high: 4:2:0.
    Half,
}

impl Sampling {
    pub(super) const fn components(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Full | Self::Half => 3,
        }
    }

    /// The side of a unit of the picture, in pixels.
    pub(super) const fn unit(self) -> usize {
        match self {
            Self::Gray | Self::Full => 8,
            Self::Half => 16,
        }
    }
}

/// A block of a component.
pub(super) struct Block {
    /// Which component.
    pub(super) component: usize,
    /// Its place in the component's plane, across and down.
    pub(super) place: (usize, usize),
    pub(super) coefficients: Coefficients,
}

/// A row of units as luma and chroma, less 128.
pub(super) struct Band {
    level: Level,
    sampling: Sampling,
    /// Samples of a row of luma, whole units.
    width: usize,
    luma: Vec<f32>,
    blue: Vec<f32>,
    red: Vec<f32>,
    /// Two rows of the picture, their last pixel repeated to the end of the unit.
    padded: [Vec<[u8; 3]>; 2],
}

impl Band {
    pub(super) fn new(width: usize, sampling: Sampling) -> Self {
        let unit = sampling.unit();
        let width = width.next_multiple_of(unit);
        let chroma = match sampling {
            Sampling::Gray => 0,
            Sampling::Full => width * 8,
            Sampling::Half => width / 2 * 8,
        };
        Self {
            level: Level::new(),
            sampling,
            width,
            luma: vec![0.0; width * unit],
            blue: vec![0.0; chroma],
            red: vec![0.0; chroma],
            padded: [vec![[0; 3]; width], vec![[0; 3]; width]],
        }
    }

    /// Takes a row of units from the picture; below its last row, that one is repeated.
    pub(super) fn fill(&mut self, source: Source<'_>, row: usize) {
        match source {
            Source::Planes(planes) => {
                let unit = self.sampling.unit();
                fill_plane(self.level, &planes.luma, row * unit, self.width, &mut self.luma);
                let chroma_width = self.blue.len() / 8;
                fill_plane(self.level, &planes.blue, row * 8, chroma_width, &mut self.blue);
                fill_plane(self.level, &planes.red, row * 8, chroma_width, &mut self.red);
            }
            Source::Pixels(picture) if self.sampling == Sampling::Gray => {
                fill_plane(self.level, picture, row * 8, self.width, &mut self.luma);
            }
            Source::Pixels(picture) => self.fill_pixels(picture, row),
        }
    }

    fn fill_pixels(&mut self, picture: &Picture, row: usize) {
        let unit = self.sampling.unit();
        let first = row * unit;
        let width = picture.shape.width as usize;
        let line = |number: usize| number.min(picture.shape.height as usize - 1);
        let pixels = codes(picture).as_chunks::<3>().0;
        let chroma_width = if self.sampling == Sampling::Half {
            self.width / 2
        } else {
            self.width
        };
        let lumas = self.luma.chunks_exact_mut(2 * self.width);
        let per_pair = if self.sampling == Sampling::Half {
            chroma_width
        } else {
            2 * chroma_width
        };
        let chromas = self
            .blue
            .chunks_exact_mut(per_pair)
            .zip(self.red.chunks_exact_mut(per_pair));
        for ((pair, luma), (blue, red)) in lumas.enumerate().zip(chromas) {
            for (side, padded) in self.padded.iter_mut().enumerate() {
                let begin = line(first + 2 * pair + side) * width;
                let pixels = pixels.get(begin..begin + width).unwrap_or_default();
                if let Some(out) = padded.get_mut(..pixels.len()) {
                    out.copy_from_slice(pixels);
                }
                let last = pixels.last().copied().unwrap_or_default();
                if let Some(rest) = padded.get_mut(pixels.len()..) {
                    rest.fill(last);
                }
            }
            let [upper, lower] = &self.padded;
            let (above, below) = luma.split_at_mut(self.width);
            let sampling = self.sampling;
            dispatch!(self.level, simd => {
                let _ = simd;
                to_luma(upper, above);
                to_luma(lower, below);
                if sampling == Sampling::Half {
                    to_half_chroma(upper, lower, blue, red);
                } else {
                    let (blue_above, blue_below) = blue.split_at_mut(chroma_width);
                    let (red_above, red_below) = red.split_at_mut(chroma_width);
                    to_chroma(upper, blue_above, red_above);
                    to_chroma(lower, blue_below, red_below);
                }
            });
        }
    }

    /// The vectors that the machine has.
    pub(super) const fn level(&self) -> Level {
        self.level
    }

    /// The blocks in the order of a scan.
    pub(super) fn blocks(&self, quantisers: &[Quantiser; 2], row: usize, blocks: &mut Vec<Block>) {
        blocks.clear();
        dispatch!(self.level, simd => self.blocks_with(simd, quantisers, row, blocks));
    }

    #[inline(always)]
    fn blocks_with<S: Simd>(
        &self,
        simd: S,
        [luma, chroma]: &[Quantiser; 2],
        row: usize,
        blocks: &mut Vec<Block>,
    ) {
        let unit = self.sampling.unit();
        let factor = unit / 8;
        for across in 0..self.width / unit {
            for down in 0..factor {
                for side in 0..factor {
                    let x = across * factor + side;
                    let rows = block(simd, &self.luma, self.width, x, down);
                    blocks.push(Block {
                        component: 0,
                        place: (x, row * factor + down),
                        coefficients: luma.transform(simd, rows),
                    });
                }
            }
            if self.sampling != Sampling::Gray {
                let width = self.width / factor;
                blocks.push(Block {
                    component: 1,
                    place: (across, row),
                    coefficients: chroma.transform(simd, block(simd, &self.blue, width, across, 0)),
                });
                blocks.push(Block {
                    component: 2,
                    place: (across, row),
                    coefficients: chroma.transform(simd, block(simd, &self.red, width, across, 0)),
                });
            }
        }
    }
}

/// Rows of a plane from one on, less 128: their last sample repeated to the width, the last row downwards.
fn fill_plane(level: Level, plane: &Picture, first: usize, width: usize, out: &mut [f32]) {
    let (plane_width, height) = (plane.shape.width as usize, plane.shape.height as usize);
    for (number, out) in out.chunks_exact_mut(width).enumerate() {
        let begin = (first + number).min(height - 1) * plane_width;
        let samples = codes(plane).get(begin..begin + plane_width).unwrap_or_default();
        dispatch!(level, simd => {
            let _ = simd;
            for (out, sample) in out.iter_mut().zip(samples) {
                *out = f32::from(*sample) - 128.0;
            }
        });
        let last = samples.last().copied().unwrap_or_default();
        if let Some(rest) = out.get_mut(samples.len()..) {
            rest.fill(f32::from(last) - 128.0);
        }
    }
}

/// Eight rows of eight samples of a plane.
#[inline(always)]
fn block<S: Simd>(simd: S, plane: &[f32], width: usize, across: usize, down: usize) -> [f32x8<S>; 8] {
    let mut rows = [f32x8::splat(simd, 0.0); 8];
    let mut begin = down * 8 * width + across * 8;
    let mut row = 0;
    // No iterator takes vectors: see `resize::kernels`.
    while row < 8 {
        if let (Some(samples), Some(row)) = (plane.get(begin..begin + 8), rows.get_mut(row)) {
            *row = f32x8::from_slice(simd, samples);
        }
        begin += width;
        row += 1;
    }
    rows
}

#[inline(always)]
fn to_luma(pixels: &[[u8; 3]], luma: &mut [f32]) {
    for ([r, g, b], luma) in pixels.iter().zip(luma) {
        *luma = 0.299 * f32::from(*r) + 0.587 * f32::from(*g) + 0.114 * f32::from(*b) - 128.0;
    }
}

#[inline(always)]
fn to_chroma(pixels: &[[u8; 3]], blue: &mut [f32], red: &mut [f32]) {
    for (([r, g, b], blue), red) in pixels.iter().zip(blue).zip(red) {
        let (r, g, b) = (f32::from(*r), f32::from(*g), f32::from(*b));
        *blue = -0.168_736 * r - 0.331_264 * g + 0.5 * b;
        *red = 0.5 * r - 0.418_688 * g - 0.081_312 * b;
    }
}

/// Of four pixels at a time: their mean.
#[inline(always)]
fn to_half_chroma(upper: &[[u8; 3]], lower: &[[u8; 3]], blue: &mut [f32], red: &mut [f32]) {
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for ((([a, b], [c, d]), blue), red) in pairs.zip(blue).zip(red) {
        let sum =
            |a: u8, b: u8, c: u8, d: u8| f32::from(u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d));
        let ([ar, ag, ab], [br, bg, bb]) = (*a, *b);
        let ([cr, cg, cb], [dr, dg, db]) = (*c, *d);
        let (r, g, b) = (sum(ar, br, cr, dr), sum(ag, bg, cg, dg), sum(ab, bb, cb, db));
        *blue = -0.042_184 * r - 0.082_816 * g + 0.125 * b;
        *red = 0.125 * r - 0.104_672 * g - 0.020_328 * b;
    }
}
