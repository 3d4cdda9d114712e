//! A component's samples: two strips of them, each as high as a row of MCUs, the older one written over by the next.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the machine's instructions"
)]

use std::ops::Range;

use super::{
    detail,
    header::{Component, Frame},
    idct, reduced,
    scan::{Block, ZIGZAG},
    upsample,
};

/// Samples of a side of a block as decoded: 8, or fewer where detail is left out.
pub(super) type Scale = usize;

/// How a component's samples become as many as there are pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upsampling {
    H2V1,
    H2V2,
    H1V2,
    Repeat { across: usize, down: usize },
}

/// One component of the picture.
pub(super) struct Plane {
    /// Blocks of an MCU across and down.
    pub(super) h: usize,
    pub(super) v: usize,
    /// Blocks with samples of the picture, across and down.
    pub(super) blocks: (usize, usize),
    /// Blocks across, with those that fill the last MCU.
    pub(super) blocks_across: usize,
    /// In the order of the code, once a scan of it was begun.
    pub(super) quantization: Option<[i16; 64]>,
    /// Of the whole picture, where it does not come in one scan.
    pub(super) coefficients: Vec<Block>,
    pub(super) predictor: i32,
    is_light: bool,
    scale: Scale,
    width: usize,
    height: usize,
    stride: usize,
    samples: Vec<u8>,
    /// How many pixels lie along a sample, across and down.
    pub(super) ratio: (usize, usize),
    upsampling: Upsampling,
    sums: Vec<u16>,
    out: Vec<u8>,
}

/// What all planes of a frame share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) h_max: usize,
    pub(super) v_max: usize,
    pub(super) mcus_across: usize,
    pub(super) mcus_down: usize,
    /// Samples of a side of a block of the component that is sampled most.
    pub(super) scale: Scale,
    /// In pixels, as they come out.
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Geometry {
    pub(super) fn new(frame: &Frame, scale: Scale) -> Self {
        let most = |of: fn(&Component) -> u8| frame.components.iter().map(of).max().map_or(1, usize::from);
        // A component alone is not interleaved, and its factors say nothing.
        let alone = frame.components.len() == 1;
        let (h_max, v_max) = if alone {
            (1, 1)
        } else {
            (most(|part| part.h), most(|part| part.v))
        };
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        Self {
            h_max,
            v_max,
            mcus_across: width.div_ceil(8 * h_max),
            mcus_down: height.div_ceil(8 * v_max),
            scale,
            width: (width * scale).div_ceil(8),
            height: (height * scale).div_ceil(8),
        }
    }
}

impl Plane {
    /// `is_light` says whether its samples by themselves are codes of light: luma's are, chroma's are not. None when the picture's
    /// width or height is no multiple of the component's.
    pub(super) fn new(
        frame: &Frame,
        component: Component,
        geometry: &Geometry,
        is_light: bool,
    ) -> Option<Self> {
        let Geometry {
            h_max,
            v_max,
            mcus_across,
            scale: least,
            ..
        } = *geometry;
        let alone = frame.components.len() == 1;
        let (h, v) = if alone {
            (1, 1)
        } else {
            (usize::from(component.h), usize::from(component.v))
        };
        // Where detail is left out, a component with fewer samples keeps more of its own.
        let mut scale = least;
        while scale < 8 && h_max * least % (h * scale * 2) == 0 && v_max * least % (v * scale * 2) == 0 {
            scale *= 2;
        }
        let (across, down) = (h_max * least, v_max * least);
        if across % (h * scale) != 0 || down % (v * scale) != 0 {
            return None;
        }
        let (across, down) = (across / (h * scale), down / (v * scale));
        let width = (usize::from(frame.width) * h * scale).div_ceil(8 * h_max);
        let height = (usize::from(frame.height) * v * scale).div_ceil(8 * v_max);
        let blocks = (
            (usize::from(frame.width) * h).div_ceil(h_max).div_ceil(8),
            (usize::from(frame.height) * v).div_ceil(v_max).div_ceil(8),
        );
        let is_fancy = least > 1;
        let upsampling = match (across, down) {
            (2, 1) if is_fancy && width > 2 => Upsampling::H2V1,
            (2, 2) if is_fancy && width > 2 => Upsampling::H2V2,
            (1, 2) if is_fancy => Upsampling::H1V2,
            (across, down) => Upsampling::Repeat { across, down },
        };
        let blocks_across = mcus_across * h;
        let stride = blocks_across * scale;
        let is_direct = matches!(upsampling, Upsampling::Repeat { across: 1, .. });
        Some(Self {
            h,
            v,
            blocks,
            blocks_across,
            quantization: None,
            coefficients: Vec::new(),
            predictor: 0,
            is_light,
            scale,
            width,
            height,
            stride,
            samples: vec![0; 2 * v * scale * stride],
            ratio: (across, down),
            upsampling,
            sums: vec![0; if upsampling == Upsampling::H2V2 { width } else { 0 }],
            out: vec![0; if is_direct { 0 } else { geometry.width }],
        })
    }

    /// The last of its rows that is needed for a row of the picture.
    fn last_needed(&self, y: usize) -> usize {
        let (near, other) = self.rows_for(y);
        near.max(other)
    }

    /// Whether a row of the picture needs more strips than these.
    pub(super) fn lacks(&self, y: usize, strips: usize) -> bool {
        self.last_needed(y) >= strips * self.v * self.scale
    }

    /// The row that a row of the picture lies in, and its neighbour on that side.
    fn rows_for(&self, y: usize) -> (usize, usize) {
        match self.upsampling {
            Upsampling::H2V1 => (y, y),
            Upsampling::Repeat { down, .. } => (y / down, y / down),
            Upsampling::H2V2 | Upsampling::H1V2 => {
                let near = y / 2;
                let other = if y.is_multiple_of(2) {
                    near.saturating_sub(1)
                } else {
                    (near + 1).min(self.height - 1)
                };
                (near, other)
            }
        }
    }

    /// Width and height, in samples.
    pub(super) fn size(&self) -> (u32, u32) {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        (side(self.width), side(self.height))
    }

    /// The rows that come with a strip; none past the last.
    pub(super) fn rows_of(&self, strip: usize) -> Range<usize> {
        let rows = self.v * self.scale;
        (strip * rows).min(self.height)..((strip + 1) * rows).min(self.height)
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        let at = row % (2 * self.v * self.scale) * self.stride;
        self.samples.get(at..at + self.width).unwrap_or_default()
    }

    /// Makes a row of the picture of what is decoded.
    pub(super) fn upsample(&mut self, y: usize) {
        let (near, other) = self.rows_for(y);
        let mut out = std::mem::take(&mut self.out);
        let mut sums = std::mem::take(&mut self.sums);
        match self.upsampling {
            Upsampling::Repeat { across: 1, .. } => {}
            Upsampling::Repeat { across, .. } => upsample::repeat(self.row(near), across, &mut out),
            Upsampling::H2V1 => upsample::h2v1(self.row(near), &mut out),
            Upsampling::H2V2 => upsample::h2v2(self.row(near), self.row(other), &mut sums, &mut out),
            Upsampling::H1V2 => {
                upsample::h1v2(self.row(near), self.row(other), y.is_multiple_of(2), &mut out);
            }
        }
        self.out = out;
        self.sums = sums;
    }

    /// The row that [`Self::upsample`] made.
    pub(super) fn upsampled(&self, y: usize) -> &[u8] {
        match self.upsampling {
            Upsampling::Repeat { across: 1, down } => self.row(y / down),
            _ => &self.out,
        }
    }

    /// Puts a block's samples into a strip, at so many blocks across and down in it. All coefficients past `last`, in the order of
    /// the code, are zero.
    #[inline(always)]
    pub(super) fn put(&mut self, strip: usize, across: usize, down: usize, block: &Block, last: usize) {
        let row = (strip % 2 * self.v + down) * self.scale;
        let at = row * self.stride + across * self.scale;
        let Some(rows) = self.samples.get_mut(at..) else {
            return;
        };
        if last == 0 {
            let sample = idct::flat(block.first().copied().unwrap_or_default());
            match self.scale {
                8 => write(rows, self.stride, [[sample; 8]; 8]),
                4 => write(rows, self.stride, [[sample; 4]; 4]),
                2 => write(rows, self.stride, [[sample; 2]; 2]),
                _ => write(rows, self.stride, [[sample; 1]; 1]),
            }
            return;
        }
        match self.scale {
            8 => write_pairs(rows, self.stride, &idct::inverse(block)),
            4 => write_lifted(rows, self.stride, reduced::inverse_4(block), block, self.is_light),
            2 => write_lifted(rows, self.stride, reduced::inverse_2(block), block, self.is_light),
            _ => {
                let sample = idct::flat(block.first().copied().unwrap_or_default());
                write_lifted(rows, self.stride, [[sample]], block, self.is_light);
            }
        }
    }

    /// Decodes a strip of the coefficients that are held.
    #[inline(always)]
    pub(super) fn put_strip(&mut self, strip: usize) {
        let coded = self.quantization.unwrap_or([1; 64]);
        let mut table = [1_i16; 64];
        for (place, factor) in ZIGZAG.iter().zip(coded) {
            if let Some(entry) = table.get_mut(usize::from(*place)) {
                *entry = factor;
            }
        }
        for down in 0..self.v {
            for across in 0..self.blocks_across {
                let index = (strip * self.v + down) * self.blocks_across + across;
                let Some(coefficients) = self.coefficients.get(index) else {
                    return;
                };
                let mut block = *coefficients;
                block
                    .iter_mut()
                    .zip(table)
                    .for_each(|(value, factor)| *value = value.wrapping_mul(factor));
                let last = usize::from(block.iter().skip(1).any(|value| *value != 0));
                self.put(strip, across, down, &block, last);
            }
        }
    }
}

#[inline(always)]
fn write<const N: usize>(rows: &mut [u8], stride: usize, samples: [[u8; N]; N]) {
    for (row, samples) in rows.chunks_mut(stride).zip(samples) {
        if let Some(out) = row.first_chunk_mut() {
            *out = samples;
        }
    }
}

#[inline]
fn write_lifted<const N: usize>(
    rows: &mut [u8],
    stride: usize,
    mut samples: [[u8; N]; N],
    block: &Block,
    is_light: bool,
) {
    if is_light && detail::is_strong(block) {
        detail::lift(block, &mut samples);
    }
    write(rows, stride, samples);
}

#[inline(always)]
fn write_pairs(rows: &mut [u8], stride: usize, samples: &[[u8; 16]; 4]) {
    let (samples, _) = samples.as_flattened().as_chunks::<8>();
    for (row, samples) in rows.chunks_mut(stride).zip(samples) {
        if let Some(out) = row.first_chunk_mut() {
            *out = *samples;
        }
    }
}
