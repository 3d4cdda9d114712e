//! What `manifest.json` says. These types are its shape: `docs/images-manifest.schema.json` is made from them.

use serde::Serialize;
use shared::options::ImageFormat;

use crate::{
    decode::{Facts, Format},
    digests::Digests,
    render::{Rendition, Renditions},
};

/// A picture and its renditions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "manifest.json of Longshore images"))]
pub struct Manifest {
    /// The version of this shape: 1.
    pub version: u32,
    /// The picture as it came.
    pub source: Source,
    /// What was made of it, in the order it was asked for.
    pub renditions: Vec<Entry>,
    /// Placeholders, fingerprints and colours of the picture.
    #[serde(flatten)]
    pub digests: Digests,
    /// Whether any of it can be seen through.
    pub has_alpha: bool,
    /// Whether it has more than one frame.
    pub is_animated: bool,
}

/// The picture as it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Source {
    /// The file's name, as its uploader gave it.
    pub name: String,
    /// The file's size.
    pub size_bytes: u64,
    /// `jpeg`, `png`, `gif`, `webp`, `tiff`, `bmp`, `ico` or `qoi`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub format: Format,
    /// As it is seen, once oriented; in pixels.
    pub width: u32,
    /// As it is seen, once oriented; in pixels.
    pub height: u32,
    /// EXIF's orientation, 1 to 8; 1 without one. It was applied.
    pub orientation: u8,
    /// How many frames; 1 of a still.
    pub frames: u32,
    /// Bits of a sample.
    pub bits: u8,
    /// The ICC profile's description, or `sRGB`, `gray`, `CMYK`, `YCCK`.
    pub colour_space: String,
    /// The camera's maker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make: Option<String>,
    /// The camera's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was taken, by the camera's clock, such as `2026-11-21T10:00:00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// The copyright notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copyright: Option<String>,
    /// Who took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    /// Whether it carries a C2PA manifest of its making.
    pub c2pa: bool,
    /// Where it was taken; only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gps: Option<Position>,
}

/// A place on Earth, in degrees (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Position {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

/// A rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Entry {
    /// The output's name.
    pub name: String,
    /// `webp`, `jpeg`, `avif` or `png`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// The file's size.
    pub size_bytes: u64,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// The quality it was encoded with, 1 to 100; none of a lossless one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// How many frames; 1 of a still.
    pub frames: u32,
    /// Of an animation: how long its frames take together, once through, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Of an animation: how often it is played; 0 is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loop_count: Option<u16>,
}

impl Manifest {
    /// Of a file and what was made of it.
    #[must_use]
    pub fn new(file: &shared::Facts, made: &Renditions, with_gps: bool) -> Self {
        Self {
            version: 1,
            source: Source::new(file, &made.facts, with_gps),
            renditions: made.renditions.iter().map(Entry::new).collect(),
            digests: Digests::new(&made.small),
            has_alpha: made.facts.has_alpha,
            is_animated: made.facts.frames > 1,
        }
    }
}

impl Source {
    fn new(file: &shared::Facts, facts: &Facts, with_gps: bool) -> Self {
        let exif = &facts.exif;
        let is_turned = (5..=8).contains(&facts.orientation);
        let (width, height) = if is_turned {
            (facts.height, facts.width)
        } else {
            (facts.width, facts.height)
        };
        let position = exif.position.filter(|_| with_gps);
        Self {
            name: file.name.clone(),
            size_bytes: file.size_bytes,
            format: facts.format,
            width,
            height,
            orientation: facts.orientation,
            frames: facts.frames,
            bits: facts.bits,
            colour_space: facts.colour_space.clone(),
            make: exif.make.clone(),
            model: exif.model.clone(),
            taken_at: exif.taken_at.clone(),
            copyright: exif.copyright.clone(),
            artist: exif.artist.clone(),
            c2pa: facts.c2pa,
            gps: position.map(|(latitude, longitude)| Position { latitude, longitude }),
        }
    }
}

impl Entry {
    fn new(rendition: &Rendition) -> Self {
        let hex = rendition.sha256.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Self {
            name: rendition.name.clone(),
            format: rendition.format,
            width: rendition.width,
            height: rendition.height,
            size_bytes: rendition.bytes.len() as u64,
            sha256: hex
                .filter_map(|digit| char::from_digit(u32::from(digit), 16))
                .collect(),
            quality: rendition.quality,
            frames: rendition.frames,
            duration_ms: rendition.timing.map(|timing| timing.duration_ms),
            loop_count: rendition.timing.map(|timing| timing.loop_count),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_schema_is_as_committed() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let schema = settings.into_generator().into_root_schema_for::<Manifest>();
        let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images-manifest.schema.json");
        let committed = fs::read_to_string(&path).unwrap_or_default();
        if made != committed {
            let beside = path.with_extension("json.new");
            fs::write(&beside, made).unwrap();
            panic!(
                "docs/images-manifest.schema.json is not what the types say; {} is",
                beside.display()
            );
        }
    }
}
