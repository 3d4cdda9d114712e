//! PNG (W3C, third edition), row by row; an interlaced one as a whole.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use png::{BitDepth, ColorType, DecodeOptions, Decoder, Reader, Transformations};
use shared::{Failure, Input};

use super::{
    Facts, Format, Opened, PictureLimits,
    managed::Profile,
    positioned::{Positioned, Reached},
    refusal,
    whole::Whole,
};
use crate::{
    metadata,
    picture::{Channels, Depth, Row, Rows, Shape},
};

/// What chunks other than the picture's may take.
pub(super) const CHUNKS_BYTES: usize = 16 << 20;
/// How many chunks before the picture are looked at.
const MOST_CHUNKS: usize = 100;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    open_at(Positioned::new(input), limits)
}

/// Of a part of a file.
pub(super) fn open_at<'a>(mut file: Positioned<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let has_c2pa = has_c2pa(&mut file)?;
    let reached = file.follow();
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    let mut decoder = Decoder::new_with_options(file, options);
    decoder.set_limits(png::Limits { bytes: CHUNKS_BYTES });
    decoder.set_transformations(Transformations::EXPAND);
    let header = decoder
        .read_header_info()
        .map_err(|error| refused(&error, reached.offset()))?;
    limits.check_size(u64::from(header.width), u64::from(header.height))?;
    let interlaced = header.interlaced;
    let mut reader = decoder
        .read_info()
        .map_err(|error| refused(&error, reached.offset()))?;
    let shape = shape(&reader)?;
    let mut facts = facts(reader.info(), limits)?;
    facts.c2pa = has_c2pa;
    let profile = reader.info().icc_profile.as_deref().and_then(Profile::new);
    let bytes_per_row = shape.row_samples() * if shape.depth == Depth::Sixteen { 2 } else { 1 };
    let rows: Box<dyn Rows> = if interlaced {
        let bytes = bytes_per_row * shape.height as usize;
        // Sixteen-bit samples are there twice for a moment.
        limits.check_held(2 * bytes as u64)?;
        let mut whole = vec![0; bytes];
        reader
            .next_frame(&mut whole)
            .map_err(|error| refused(&error, reached.offset()))?;
        reader
            .finish()
            .map_err(|error| refused(&error, reached.offset()))?;
        if shape.depth == Depth::Sixteen {
            to_native(&mut whole);
        }
        Box::new(Whole::of_bytes(shape, whole))
    } else {
        let wide = if shape.depth == Depth::Sixteen {
            shape.row_samples()
        } else {
            0
        };
        Box::new(PngRows {
            reader,
            reached,
            shape,
            row: 0,
            bytes: vec![0; bytes_per_row],
            wide: vec![0; wide],
        })
    };
    let rows = match profile {
        Some(profile) => profile.manage(rows, &mut facts),
        None => rows,
    };
    Ok(Opened { facts, rows })
}

/// Looks for the chunk that C2PA 2.1 names for PNG, which stands before the picture, and goes back to the begin.
fn has_c2pa(file: &mut Positioned<'_>) -> Result<bool, Failure> {
    let ours = |error: io::Error| refusal::of_error("the PNG", &error, 0);
    let mut found = false;
    file.seek(SeekFrom::Start(8)).map_err(ours)?;
    for _ in 0..MOST_CHUNKS {
        let mut header = [0; 8];
        match file.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => read.map_err(ours)?,
        }
        let [s0, s1, s2, s3, kind @ ..] = header;
        found |= kind == *b"caBX";
        if kind == *b"IDAT" || found {
            break;
        }
        let size = i64::from(u32::from_be_bytes([s0, s1, s2, s3]));
        file.seek(SeekFrom::Current(size + 4)).map_err(ours)?;
    }
    file.rewind().map_err(ours)?;
    Ok(found)
}

pub(super) fn shape<R: std::io::BufRead + std::io::Seek>(reader: &Reader<R>) -> Result<Shape, Failure> {
    let (color, depth) = reader.output_color_type();
    let channels = match color {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        ColorType::Rgb => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
        ColorType::Indexed => return Err(Failure::internal("png", "a palette was not expanded")),
    };
    let depth = if depth == BitDepth::Sixteen {
        Depth::Sixteen
    } else {
        Depth::Eight
    };
    let info = reader.info();
    Ok(Shape {
        width: info.width,
        height: info.height,
        channels,
        depth,
    })
}

fn facts(info: &png::Info<'_>, limits: &PictureLimits) -> Result<Facts, Failure> {
    let frames = info
        .animation_control()
        .map_or(1, |control| control.num_frames.max(1));
    let mut facts = Facts::new(Format::Png, info.width, info.height);
    facts.frames = limits.check_frames(u64::from(frames))?;
    facts.has_alpha =
        matches!(info.color_type, ColorType::GrayscaleAlpha | ColorType::Rgba) || info.trns.is_some();
    facts.bits = info.bit_depth as u8;
    if matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha) {
        "gray".clone_into(&mut facts.colour_space);
    }
    if info.icc_profile.is_none() && info.srgb.is_none() {
        facts.gamma = info
            .gama_chunk
            .map(png::ScaledFloat::into_value)
            .filter(|gamma| *gamma > 0.0);
    }
    if let Some(exif) = &info.exif_metadata {
        metadata::exif::read(exif, &mut facts);
    }
    for text in info
        .utf8_text
        .iter()
        .filter(|text| text.keyword == "XML:com.adobe.xmp")
    {
        if let Ok(packet) = text.get_text() {
            metadata::xmp::read(packet.as_bytes(), &mut facts);
        }
    }
    Ok(facts)
}

pub(super) fn refused(error: &png::DecodingError, offset: u64) -> Failure {
    if matches!(error, png::DecodingError::LimitsExceeded) {
        return Failure::limit(
            "too-much-memory",
            format!("the PNG's chunks take more than {CHUNKS_BYTES} bytes"),
        );
    }
    refusal::of_error("the PNG", error, offset)
}

/// From big-endian, in place.
fn to_native(bytes: &mut [u8]) {
    let (pairs, _) = bytes.as_chunks_mut::<2>();
    for pair in pairs {
        *pair = u16::from_be_bytes(*pair).to_ne_bytes();
    }
}

struct PngRows<'a> {
    reader: Reader<Positioned<'a>>,
    reached: Reached,
    shape: Shape,
    row: u32,
    bytes: Vec<u8>,
    wide: Vec<u16>,
}

impl Rows for PngRows<'_> {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        if self.row == self.shape.height {
            return Ok(None);
        }
        let place = |failure: Failure, row: u32| Failure {
            message: format!("{} (row {row})", failure.message),
            ..failure
        };
        self.reader
            .read_row(&mut self.bytes)
            .map_err(|error| place(refused(&error, self.reached.offset()), self.row))?;
        self.row += 1;
        if self.row == self.shape.height {
            // The last row is given only once what follows it is whole too.
            self.reader
                .finish()
                .map_err(|error| place(refused(&error, self.reached.offset()), self.row))?;
        }
        Ok(Some(match self.shape.depth {
            Depth::Eight => Row::Eight(&self.bytes),
            Depth::Sixteen => {
                let (pairs, _) = self.bytes.as_chunks::<2>();
                for (wide, pair) in self.wide.iter_mut().zip(pairs) {
                    *wide = u16::from_be_bytes(*pair);
                }
                Row::Sixteen(&self.wide)
            }
        }))
    }
}
