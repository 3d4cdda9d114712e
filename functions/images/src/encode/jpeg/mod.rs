//! JPEG, ITU-T T.81: baseline or progressive, with Huffman tables made for the picture.
//!
//! ```text
//! rows ─► YCbCr, chroma at half size (colour) ─► 8 × 8 cosines, quantised (cosine) ─► Huffman (entropy; scans, if progressive)
//! ```
//!
//! A baseline picture passes twice, so that its codes can be made for it: first a sample of its rows to count symbols, then all
//! of them. Nothing of its size is held but the bytes that come out. A progressive one is held as coefficients.

mod colour;
mod cosine;
mod entropy;
mod huffman;
mod scans;
mod tables;

use shared::Failure;

use self::{
    colour::{Band, Block, Sampling},
    cosine::Quantiser,
    entropy::{Counter, Writer},
    huffman::{Code, Frequencies},
};
use super::Source;
use crate::picture::{Channels, Depth};

/// The longest side a JPEG can have, in pixels.
pub(crate) const MAX_SIDE: u32 = 65_500;

/// How a picture is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// 1 to 100, as libjpeg counts it.
    pub(crate) quality: u8,
    /// From coarse to fine.
    pub(crate) progressive: bool,
}

/// Whether chroma is coded at half the width and height: below the quality from which libvips and sharp keep its full size too.
pub(super) const fn halves_chroma(quality: u8) -> bool {
    quality < 90
}

/// Which rows of units are counted for the codes: every so many.
const COUNTED: usize = 6;

/// What each component is quantised by and coded with: 0 of luma, 1 of chroma.
pub(super) struct Tables {
    quantisers: [Quantiser; 2],
    dc: [Code; 2],
    ac: [Code; 2],
}

/// As JPEG: pixels of 8 bits, gray or RGB, or luma and chroma. `exif` is put into an APP1 segment.
///
/// # Errors
/// Internal: a picture of another kind, or too large.
pub(crate) fn encode(
    source: Source<'_>,
    settings: Settings,
    exif: Option<&[u8]>,
) -> Result<Vec<u8>, Failure> {
    let (shape, channels) = match source {
        Source::Pixels(picture) => (picture.shape, picture.shape.channels),
        Source::Planes(planes) => (planes.luma.shape, Channels::Rgb),
    };
    if channels.has_alpha() || shape.depth != Depth::Eight || shape.width.max(shape.height) > MAX_SIDE {
        return Err(Failure::internal("jpeg", format!("cannot hold {shape:?}")));
    }
    let sampling = match channels {
        Channels::Gray => Sampling::Gray,
        _ if halves_chroma(settings.quality) => Sampling::Half,
        _ => Sampling::Full,
    };
    let halved = match source {
        Source::Planes(planes) if sampling == Sampling::Half => Some(planes.halved()),
        _ => None,
    };
    let source = halved.as_deref().map_or(source, Source::Planes);
    let mut job = Job {
        source,
        width: shape.width as usize,
        height: shape.height as usize,
        sampling,
        band: Band::new(shape.width as usize, sampling),
        blocks: Vec::new(),
        tables: Tables {
            quantisers: [
                Quantiser::new(&tables::LUMA, settings.quality),
                Quantiser::new(&tables::CHROMA, settings.quality),
            ],
            dc: [Code::default(), Code::default()],
            ac: [Code::default(), Code::default()],
        },
    };
    let mut out = Vec::with_capacity(job.width * job.height / 4 + 1024);
    job.header(settings.progressive, exif, &mut out);
    if settings.progressive {
        let coefficients = job.coefficients();
        scans::write(&coefficients, sampling, &mut out);
    } else {
        job.count();
        job.write_tables(&mut out);
        job.scan(&mut out);
    }
    out.extend([0xFF, 0xD9]);
    Ok(out)
}

struct Job<'a> {
    source: Source<'a>,
    width: usize,
    height: usize,
    sampling: Sampling,
    band: Band,
    /// Those of a row of units.
    blocks: Vec<Block>,
    tables: Tables,
}

/// All blocks of a component.
pub(super) struct Plane {
    /// Blocks side by side, as many as the units need.
    pub(super) across: usize,
    /// Blocks side by side that hold any of the picture.
    pub(super) seen_across: usize,
    /// The same, from the top down.
    pub(super) seen_down: usize,
    /// Coefficients in zigzag order, block after block.
    pub(super) blocks: Vec<[i16; 64]>,
}

impl Job<'_> {
    fn rows_of_units(&self) -> usize {
        self.height.div_ceil(self.sampling.unit())
    }

    fn header(&self, progressive: bool, exif: Option<&[u8]>, out: &mut Vec<u8>) {
        out.extend([0xFF, 0xD8]);
        // JFIF 1.1, square pixels.
        segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0", out);
        if let Some(exif) = exif {
            let mut body = b"Exif\0\0".to_vec();
            body.extend_from_slice(exif);
            segment(0xE1, &body, out);
        }
        let components = self.sampling.components();
        for (number, quantiser) in (0_u8..).zip(&self.tables.quantisers).take(components.min(2)) {
            let mut body = vec![number];
            body.extend(quantiser.table);
            segment(0xDB, &body, out);
        }
        let mut frame = vec![8];
        frame.extend(be(self.height));
        frame.extend(be(self.width));
        frame.push(u8::try_from(components).unwrap_or(3));
        for number in (1_u8..).take(components) {
            let factors = if number == 1 && self.sampling == Sampling::Half {
                0x22
            } else {
                0x11
            };
            frame.extend([number, factors, u8::from(number > 1)]);
        }
        segment(if progressive { 0xC2 } else { 0xC0 }, &frame, out);
    }

    /// Counts the symbols of some rows, and makes the codes.
    fn count(&mut self) {
        let mut dc = [Frequencies::default(), Frequencies::default()];
        let mut ac = [Frequencies::default(), Frequencies::default()];
        let rows = self.rows_of_units();
        // Of a small picture all.
        let step = if rows > 3 * COUNTED { COUNTED } else { 1 };
        let mut last = [0_i16; 3];
        for row in (0..rows).step_by(step) {
            self.make_blocks(row);
            entropy::encode(
                &self.blocks,
                &mut last,
                &mut Counter {
                    dc: &mut dc,
                    ac: &mut ac,
                },
            );
        }
        if step > 1 {
            // What the rows between hold that these do not.
            for frequencies in &mut dc {
                frequencies.expect_all(huffman::DC_SYMBOLS);
            }
            for frequencies in &mut ac {
                frequencies.expect_all(huffman::AC_SYMBOLS);
            }
        }
        self.tables.dc = dc.map(|frequencies| Code::new(&frequencies));
        self.tables.ac = ac.map(|frequencies| Code::new(&frequencies));
    }

    fn write_tables(&self, out: &mut Vec<u8>) {
        let kinds = self.sampling.components().min(2);
        for (class, codes) in [(0x00, &self.tables.dc), (0x10, &self.tables.ac)] {
            for (number, code) in (class..).zip(codes).take(kinds) {
                code.write(number, out);
            }
        }
        let mut body = vec![u8::try_from(self.sampling.components()).unwrap_or(3)];
        for number in (1_u8..).take(self.sampling.components()) {
            body.extend([number, if number > 1 { 0x11 } else { 0x00 }]);
        }
        body.extend([0, 63, 0]);
        segment(0xDA, &body, out);
    }

    fn scan(&mut self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(std::mem::take(out));
        let mut last = [0_i16; 3];
        for row in 0..self.rows_of_units() {
            self.make_blocks(row);
            let Tables { dc, ac, .. } = &self.tables;
            writer.write(self.band.level(), &self.blocks, &mut last, dc, ac);
        }
        *out = writer.finish();
    }

    /// Makes the blocks of a row of units, in the order of a scan.
    fn make_blocks(&mut self, row: usize) {
        self.band.fill(self.source, row);
        self.band.blocks(&self.tables.quantisers, row, &mut self.blocks);
    }

    /// All coefficients.
    fn coefficients(&mut self) -> Vec<Plane> {
        let unit = self.sampling.unit();
        let (units_across, units_down) = (self.width.div_ceil(unit), self.height.div_ceil(unit));
        let plane = |component: usize| {
            let factor = if component == 0 { unit / 8 } else { 1 };
            let side = 8 * if component == 0 { 1 } else { unit / 8 };
            Plane {
                across: units_across * factor,
                seen_across: self.width.div_ceil(side),
                seen_down: self.height.div_ceil(side),
                blocks: vec![[0; 64]; units_across * factor * units_down * factor],
            }
        };
        let mut planes: Vec<Plane> = (0..self.sampling.components()).map(plane).collect();
        for row in 0..units_down {
            self.make_blocks(row);
            for block in &self.blocks {
                let (x, y) = block.place;
                if let Some(plane) = planes.get_mut(block.component)
                    && let Some(place) = plane.blocks.get_mut(y * plane.across + x)
                {
                    *place = block.coefficients.in_zigzag();
                }
            }
        }
        planes
    }
}

fn be(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes()
}

/// A marker with its body. A body that is too long for one is left out: only an over-long notice could be.
pub(super) fn segment(marker: u8, body: &[u8], out: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(body.len() + 2) {
        out.extend([0xFF, marker]);
        out.extend(length.to_be_bytes());
        out.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests;
