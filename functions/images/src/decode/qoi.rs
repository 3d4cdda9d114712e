//! QOI ("The Quite OK Image Format", version 1.0), row by row.

use std::io::Read as _;

use shared::{Failure, Input};

use super::{Facts, Format, Opened, PictureLimits, positioned::Positioned, refusal};
use crate::picture::{Channels, Depth, Row, Rows, Shape};

/// Every file ends in these.
const END: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let mut file = Positioned::new(input);
    let mut header = [0; 14];
    file.read_exact(&mut header)
        .map_err(|error| refusal::of_error("the QOI", &error, 0))?;
    let [_, _, _, _, w0, w1, w2, w3, h0, h1, h2, h3, channels, _] = header;
    let (width, height) = (
        u32::from_be_bytes([w0, w1, w2, w3]),
        u32::from_be_bytes([h0, h1, h2, h3]),
    );
    limits.check_size(u64::from(width), u64::from(height))?;
    let channels = match channels {
        3 => Channels::Rgb,
        4 => Channels::Rgba,
        other => {
            return Err(refusal::corrupt(
                "corrupt",
                "the QOI",
                &format!("{other} channels"),
                12,
            ));
        }
    };
    let shape = Shape {
        width,
        height,
        channels,
        depth: Depth::Eight,
    };
    let mut facts = Facts::new(Format::Qoi, width, height);
    facts.has_alpha = channels.has_alpha();
    let rows = QoiRows {
        file,
        shape,
        row: 0,
        pixel: [0, 0, 0, 255],
        seen: [[0; 4]; 64],
        run: 0,
        samples: vec![0; shape.row_samples()],
    };
    Ok(Opened {
        facts,
        rows: Box::new(rows),
    })
}

struct QoiRows<'a> {
    file: Positioned<'a>,
    shape: Shape,
    row: u32,
    pixel: [u8; 4],
    seen: [[u8; 4]; 64],
    run: u8,
    samples: Vec<u8>,
}

impl QoiRows<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let mut bytes = [0; N];
        let offset = self.file.position();
        self.file
            .read_exact(&mut bytes)
            .map_err(|error| refusal::of_error("the QOI", &error, offset))?;
        Ok(bytes)
    }

    fn next_pixel(&mut self) -> Result<[u8; 4], Failure> {
        if self.run > 0 {
            self.run -= 1;
            return Ok(self.pixel);
        }
        let [tag] = self.bytes()?;
        let [r, g, b, a] = self.pixel;
        self.pixel = match tag {
            0xFE => {
                let [r, g, b] = self.bytes()?;
                [r, g, b, a]
            }
            0xFF => self.bytes()?,
            0x00..=0x3F => self.seen.get(usize::from(tag)).copied().unwrap_or_default(),
            0x40..=0x7F => [
                r.wrapping_add((tag >> 4) & 3).wrapping_sub(2),
                g.wrapping_add((tag >> 2) & 3).wrapping_sub(2),
                b.wrapping_add(tag & 3).wrapping_sub(2),
                a,
            ],
            0x80..=0xBF => {
                let [second] = self.bytes()?;
                let green = (tag & 0x3F).wrapping_sub(32);
                [
                    r.wrapping_add(green).wrapping_add(second >> 4).wrapping_sub(8),
                    g.wrapping_add(green),
                    b.wrapping_add(green).wrapping_add(second & 15).wrapping_sub(8),
                    a,
                ]
            }
            0xC0..=0xFD => {
                self.run = tag & 0x3F;
                self.pixel
            }
        };
        let [r, g, b, a] = self.pixel.map(u32::from);
        let place = (r * 3 + g * 5 + b * 7 + a * 11) % 64;
        if let Some(seen) = self.seen.get_mut(place as usize) {
            *seen = self.pixel;
        }
        Ok(self.pixel)
    }
}

impl Rows for QoiRows<'_> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        if self.row == self.shape.height {
            return Ok(None);
        }
        let mut samples = std::mem::take(&mut self.samples);
        for out in samples.chunks_exact_mut(self.shape.channels.count()) {
            let pixel = self.next_pixel()?;
            out.iter_mut().zip(pixel).for_each(|(out, sample)| *out = sample);
        }
        self.samples = samples;
        self.row += 1;
        if self.row == self.shape.height && self.bytes()? != END {
            let offset = self.file.position();
            return Err(refusal::corrupt(
                "corrupt",
                "the QOI",
                "does not end as it must",
                offset,
            ));
        }
        Ok(Some(Row::Eight(&self.samples)))
    }
}
