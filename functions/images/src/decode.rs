//! A file's bytes to rows in sRGB, and the facts it states.

pub mod animation;
mod bitmap;
mod colour;
mod gif;
mod icon;
mod jpeg;
mod managed;
mod png;
mod positioned;
mod qoi;
mod recognise;
mod refusal;
mod tiff;
mod webp;
mod whole;

pub(crate) use jpeg::ycc_pixel;
use recognise::Recognised;
use serde::Serialize;
use shared::{Failure, Input, Place};

use crate::picture::Rows;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// ITU-T T.81.
    Jpeg,
    /// W3C PNG, APNG among it.
    Png,
    /// GIF, version 89a.
    Gif,
    /// RFC 9649.
    Webp,
    /// TIFF 6.0.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// Windows icon or cursor.
    Ico,
    /// Quite OK Image.
    Qoi,
}

/// What may be decoded. Checked against the header, before anything of the picture's size is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLimits {
    /// Width × height.
    pub pixels: u64,
    /// The longer side.
    pub side: u32,
    /// Frames of an animation.
    pub frames: u32,
    /// What a decoder may hold at a time, in bytes.
    pub decoded_bytes: u64,
    /// Width × height × frames of an animation that is rendered whole, each time that its frames are gone through.
    pub animated_pixels: u64,
}

impl Default for PictureLimits {
    /// 100 megapixels, sides of 32,768, 1,000 frames, 512 MiB, 500 megapixels of animation.
    fn default() -> Self {
        Self {
            pixels: 100_000_000,
            side: 32_768,
            frames: 1_000,
            decoded_bytes: 512 << 20,
            animated_pixels: 500_000_000,
        }
    }
}

/// The least that must come out, for decoders that can leave detail out ([`Wanted::Everything`]: none is).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Each pixel of the file.
    Everything,
    /// A picture of at least this width and height (as the file stores it, before it is oriented), of the same content.
    AtLeast {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
}

/// Facts that a file states of its picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// How it is written.
    pub format: Format,
    /// As stored, before it is oriented; in pixels.
    pub width: u32,
    /// As stored, before it is oriented; in pixels.
    pub height: u32,
    /// EXIF's orientation, 1 to 8; 1 without one.
    pub orientation: u8,
    /// How many frames; 1 of a still.
    pub frames: u32,
    /// Whether pixels have alpha.
    pub has_alpha: bool,
    /// Bits of a sample in the file.
    pub bits: u8,
    /// The colour space: the ICC profile's description, or `sRGB`, `gray`, `CMYK`, `YCCK`.
    pub colour_space: String,
    /// The exponent of a PNG's `gAMA`, where neither a profile nor `sRGB` says more: samples are light to this power
    /// (0.45455 as good as sRGB). The rows are *not* corrected by it, as libpng does not by itself;
    /// renditions are.
    pub gamma: Option<f32>,
    /// What the camera wrote.
    pub exif: Exif,
    /// Whether there is a C2PA manifest (a JUMBF box).
    pub c2pa: bool,
}

impl Facts {
    /// Of a still of 8 bits in sRGB, without anything beside its pixels.
    #[must_use]
    pub fn new(format: Format, width: u32, height: u32) -> Self {
        Self {
            format,
            width,
            height,
            orientation: 1,
            frames: 1,
            has_alpha: false,
            bits: 8,
            colour_space: "sRGB".to_owned(),
            gamma: None,
            exif: Exif::default(),
            c2pa: false,
        }
    }
}

/// What EXIF (or XMP, IPTC) says of a picture and its making.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exif {
    /// Maker of the camera.
    pub make: Option<String>,
    /// Model of the camera.
    pub model: Option<String>,
    /// When it was taken, as written: `2026-11-21T10:00:00`, with an offset where there is one.
    pub taken_at: Option<String>,
    /// The copyright notice.
    pub copyright: Option<String>,
    /// Who took it.
    pub artist: Option<String>,
    /// Latitude, longitude in degrees, north and east positive.
    pub position: Option<(f64, f64)>,
}

/// A file opened for decoding: its facts, and its rows.
pub struct Opened<'a> {
    /// What the file states.
    pub facts: Facts,
    /// The (first) picture's rows in sRGB, as stored: *not yet oriented*. Smaller than the facts say where a decoder
    /// left detail out.
    pub rows: Box<dyn Rows + 'a>,
}

/// Recognises a file by its bytes, checks its header against the limits, and opens it.
///
/// # Errors
/// Rejected: no picture, one of a kind not taken (named), or a damaged one; with its place.
/// Limit: larger than allowed, told from the header.
pub fn open<'a>(input: &Input<'a>, limits: &PictureLimits, wanted: Wanted) -> Result<Opened<'a>, Failure> {
    if input.facts.size_bytes > input.limits.input_bytes {
        let most = input.limits.input_bytes;
        return Err(Failure::limit(
            "input-too-large",
            format!("more than {most} bytes"),
        ));
    }
    let mut head = [0; recognise::HEAD_BYTES];
    let length = input.read_at(0, &mut head)?;
    let start = Place::Byte { offset: 0 };
    match recognise::recognise(head.get(..length).unwrap_or_default()) {
        Recognised::Taken(format) => match format {
            Format::Jpeg => jpeg::open(input, limits, wanted),
            Format::Png => png::open(input, limits),
            Format::Gif => refusal::guard("the GIF", || gif::open(input, limits)),
            Format::Webp => refusal::guard("the WebP", || webp::open(input, limits)),
            Format::Tiff => refusal::guard("the TIFF", || tiff::open(input, limits)),
            Format::Bmp => refusal::guard("the bitmap", || bitmap::open_bmp(input, limits)),
            Format::Ico => refusal::guard("the icon", || icon::open(input, limits)),
            Format::Qoi => qoi::open(input, limits),
        },
        Recognised::Refused(name) => {
            Err(Failure::rejected("format-not-taken", format!("{name} is not taken")).at(start))
        }
        Recognised::Unknown if length == 0 => Err(Failure::rejected("empty", "the file is empty").at(start)),
        Recognised::Unknown => Err(Failure::rejected("not-a-picture", "no picture's signature").at(start)),
    }
}
