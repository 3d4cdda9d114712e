//! A picture decoded, oriented and in sRGB, as a PNG without anything beside its pixels: for comparison with other decoders.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder};
use shared::{Failure, Input};

use crate::{
    decode::{self, Facts, PictureLimits, Wanted},
    orient::{orient, oriented_shape},
    picture::{Channels, Depth, Picture, Row, Rows, Samples, Shape},
};

/// Decodes a file and writes the picture as a PNG of the same channels and depth. Gives the file's facts.
///
/// # Errors
/// As [`decode::open`] and the rows; [`Failure::from_write`] of the output.
pub fn to_png(input: &Input<'_>, limits: &PictureLimits, out: &mut dyn Write) -> Result<Facts, Failure> {
    let mut opened = decode::open(input, limits, Wanted::Everything)?;
    let orientation = opened.facts.orientation;
    let shape = opened.rows.shape();
    let mut writer = header(oriented_shape(shape, orientation), out)?;
    let mut stream = writer.stream_writer().map_err(failed)?;
    if orientation == 1 {
        while let Some(row) = opened.rows.next_row()? {
            write_row(&mut stream, row)?;
        }
    } else {
        let picture = orient(collect(opened.rows.as_mut(), limits)?, orientation);
        let row = picture.shape.row_samples();
        match &picture.samples {
            Samples::Eight(samples) => {
                samples
                    .chunks_exact(row)
                    .try_for_each(|row| write_row(&mut stream, Row::Eight(row)))?;
            }
            Samples::Sixteen(samples) => {
                samples
                    .chunks_exact(row)
                    .try_for_each(|row| write_row(&mut stream, Row::Sixteen(row)))?;
            }
        }
    }
    stream.finish().map_err(failed)?;
    Ok(opened.facts)
}

/// All rows of a picture, in memory.
///
/// # Errors
/// As the rows; limit when the samples exceed [`PictureLimits::decoded_bytes`].
pub fn collect(rows: &mut dyn Rows, limits: &PictureLimits) -> Result<Picture, Failure> {
    let shape = rows.shape();
    let count = shape.row_samples() * shape.height as usize;
    let bytes = count as u64 * if shape.depth == Depth::Sixteen { 2 } else { 1 };
    limits.check_held(bytes)?;
    let samples = match shape.depth {
        Depth::Eight => {
            let mut samples = Vec::with_capacity(count);
            while let Some(row) = rows.next_row()? {
                match row {
                    Row::Eight(row) => samples.extend_from_slice(row),
                    Row::Sixteen(_) => return Err(Failure::internal("rows", "a row of another depth")),
                }
            }
            Samples::Eight(samples)
        }
        Depth::Sixteen => {
            let mut samples = Vec::with_capacity(count);
            while let Some(row) = rows.next_row()? {
                match row {
                    Row::Sixteen(row) => samples.extend_from_slice(row),
                    Row::Eight(_) => return Err(Failure::internal("rows", "a row of another depth")),
                }
            }
            Samples::Sixteen(samples)
        }
    };
    Ok(Picture { shape, samples })
}

fn header<W: Write>(shape: Shape, out: W) -> Result<png::Writer<W>, Failure> {
    let mut encoder = Encoder::new(out, shape.width, shape.height);
    encoder.set_color(match shape.channels {
        Channels::Gray => ColorType::Grayscale,
        Channels::GrayAlpha => ColorType::GrayscaleAlpha,
        Channels::Rgb => ColorType::Rgb,
        Channels::Rgba => ColorType::Rgba,
    });
    encoder.set_depth(match shape.depth {
        Depth::Eight => BitDepth::Eight,
        Depth::Sixteen => BitDepth::Sixteen,
    });
    encoder.set_compression(Compression::Fastest);
    encoder.write_header().map_err(failed)
}

fn write_row(out: &mut impl Write, row: Row<'_>) -> Result<(), Failure> {
    let written = match row {
        Row::Eight(samples) => out.write_all(samples),
        Row::Sixteen(samples) => {
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_be_bytes()).collect();
            out.write_all(&bytes)
        }
    };
    written.map_err(|error| Failure::from_write(&error))
}

fn failed(error: png::EncodingError) -> Failure {
    match error {
        png::EncodingError::IoError(error) => Failure::from_write(&error),
        error => Failure::internal("png", error.to_string()),
    }
}
