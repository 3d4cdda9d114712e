//! A reduced picture to a rendition.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use shared::{
    Facts, Failure, Input, Limits,
    options::{Colour, ImageFormat, RenditionSpec},
};

use super::{Base, attention, plan::Layout};
use crate::{
    compose,
    decode::{self, PictureLimits, Wanted},
    decode_only::collect,
    encode::{self, Encoded, Source},
    filters,
    picture::Picture,
    privacy,
};

/// A rendition: its bytes, and what they are.
#[derive(Debug, Clone)]
pub struct Rendition {
    /// The output's name.
    pub name: String,
    /// How it is written.
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The quality it was encoded with, of lossy ones.
    pub quality: Option<u8>,
    /// How many frames it has; 1 of a still.
    pub frames: u32,
    /// How it is played; none of a still.
    pub timing: Option<Timing>,
}

/// How an animation is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long its frames take together, once through.
    pub duration_ms: u64,
    /// How often it is played; 0 is for ever.
    pub loop_count: u16,
}

/// What a watermark may be: small enough for any function.
const WATERMARK_LIMITS: PictureLimits = PictureLimits {
    pixels: 4 << 20,
    side: 4096,
    frames: 1,
    decoded_bytes: 32 << 20,
    animated_pixels: 0,
};

/// The watermark of a specification, decoded.
pub(super) fn watermark(spec: &RenditionSpec, _: &PictureLimits) -> Result<Option<Picture>, Failure> {
    let Some(watermark) = spec
        .filters
        .as_ref()
        .and_then(|filters| filters.watermark.as_ref())
    else {
        return Ok(None);
    };
    let wrong = |problem: String| {
        Failure::rejected(
            "options",
            format!("filters.watermark.png of {}: {problem}", spec.output_name()),
        )
    };
    let bytes = STANDARD
        .decode(watermark.png.trim())
        .map_err(|error| wrong(error.to_string()))?;
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Err(wrong("no PNG".to_owned()));
    }
    let facts = Facts {
        name: "watermark.png".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let bytes = bytes.as_slice();
    let input = Input::new(&facts, &limits, &bytes);
    let read = || {
        let mut opened = decode::open(&input, &WATERMARK_LIMITS, Wanted::Everything)?;
        collect(opened.rows.as_mut(), &WATERMARK_LIMITS)
    };
    let picture = read().map_err(|failure| wrong(failure.to_string()))?;
    Ok(Some(compose::to_rgba(&compose::to_eight(picture))))
}

/// Makes a rendition of its base.
pub(super) fn make(
    base: &Base,
    layout: &Layout,
    spec: &RenditionSpec,
    watermark: Option<&Picture>,
    copyright: Option<&str>,
) -> Result<Rendition, Failure> {
    if let Base::Planes(planes) = base
        && layout.is_plain()
        && encode::is_from_planes(spec)
    {
        let shape = planes.luma.shape;
        let encoded = encode::encode(Source::Planes(planes), spec, copyright)?;
        return checked(spec, (shape.width, shape.height), encoded, copyright);
    }
    let base = &*base.pixels();
    let picture = dress(base, layout, window(base, layout), spec, watermark);
    let shape = picture.shape;
    let encoded = encode::encode(Source::Pixels(&picture), spec, copyright)?;
    checked(spec, (shape.width, shape.height), encoded, copyright)
}

/// The rendition of an encoded picture, once it is sure that it carries no metadata.
fn checked(
    spec: &RenditionSpec,
    (width, height): (u32, u32),
    encoded: Encoded,
    copyright: Option<&str>,
) -> Result<Rendition, Failure> {
    let (name, format) = (spec.output_name(), spec.format());
    privacy::check(&name, format, &encoded.bytes, copyright)?;
    Ok(Rendition {
        name,
        format,
        width,
        height,
        sha256: Sha256::digest(&encoded.bytes).into(),
        bytes: encoded.bytes,
        quality: encoded.quality,
        frames: 1,
        timing: None,
    })
}

/// Where a layout that is cut by attention begins, for this base; left and top, in pixels.
pub(super) fn window(base: &Picture, layout: &Layout) -> (u32, u32) {
    layout
        .attention
        .map_or((0, 0), |size| attention::window(base, size))
}

/// A base as it is encoded: cut at `window`, filtered, on its canvas, flattened.
pub(super) fn dress<'a>(
    base: &'a Picture,
    layout: &Layout,
    window: (u32, u32),
    spec: &RenditionSpec,
    watermark: Option<&Picture>,
) -> Cow<'a, Picture> {
    let mut picture = Cow::Borrowed(base);
    if let Some(size) = layout.attention {
        picture = Cow::Owned(compose::cut(&picture, window, size));
    }
    if let Some(filters) = &spec.filters {
        picture = Cow::Owned(filters::apply(picture.into_owned(), filters, watermark));
    }
    if let Some(size) = layout.canvas {
        let size = turned_with(size, spec);
        let background = spec.background.unwrap_or(if spec.format() == ImageFormat::Jpeg {
            Colour::WHITE
        } else {
            Colour { rgba: [0; 4] }
        });
        picture = Cow::Owned(compose::on_canvas(&picture, size, background));
    }
    let flat = spec.format() == ImageFormat::Jpeg || spec.background.is_some();
    if flat && picture.shape.channels.has_alpha() {
        let background = spec.background.unwrap_or(Colour::WHITE);
        picture = Cow::Owned(compose::flatten(&picture, background, spec.format()));
    }
    picture
}

/// A canvas's size, turned as the filters turn the picture.
fn turned_with((width, height): (u32, u32), spec: &RenditionSpec) -> (u32, u32) {
    use shared::options::Rotation;
    match spec.filters.as_ref().and_then(|filters| filters.rotate) {
        Some(Rotation::Degrees90 | Rotation::Degrees270) => (height, width),
        _ => (width, height),
    }
}
