//! What can be asked of `images`: the renditions of a picture.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Colour, Decimal, Filters, MAX_WATERMARK_BYTES, OptionError, Whole, object};
use crate::processor::is_output_name;

/// The most renditions of one picture.
pub const MAX_RENDITIONS: usize = 24;
/// The widths of the default renditions, in pixels.
pub const DEFAULT_WIDTHS: [u32; 3] = [320, 1024, 2048];

/// A side of a rendition, in pixels.
pub type Side = Whole<1, 16_384>;
/// How good a lossy rendition is.
pub type Quality = Whole<1, 100>;

/// What can be asked of `images`. Without any: widths of 320, 1024 and 2048 pixels, as WebP and JPEG.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImagesOptions {
    /// The renditions, one by one; instead of `widths` and `formats`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "renditions"
    )]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 24)))]
    pub renditions: Option<Vec<RenditionSpec>>,
    /// A rendition of each of these widths, in pixels, in each of the formats.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "widths")]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 12), extend("uniqueItems" = true)))]
    pub widths: Option<Vec<Side>>,
    /// The formats of the widths.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "formats"
    )]
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 4), extend("uniqueItems" = true)))]
    pub formats: Option<Vec<ImageFormat>>,
    /// The quality of lossy renditions that name none of their own; 80 without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Quality>,
    /// What shows through where a rendition cannot be transparent; white without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub background: Option<Colour>,
    /// Whether renditions keep the copyright notice of the picture, the only metadata they ever have.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub keep_copyright: Option<bool>,
    /// Whether `manifest.json` says where the picture was taken; no rendition ever does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gps: Option<bool>,
}

/// One rendition. It is never larger than what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RenditionSpec {
    /// The output's name without its extension: `a-z`, `0-9`, `.`, `-` and `_`. Made of the width and height without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[cfg_attr(
        feature = "schema",
        schemars(length(min = 1, max = 90), regex(pattern = "^[a-z0-9][a-z0-9._-]*$"))
    )]
    pub name: Option<String>,
    /// In pixels; follows from the height without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width: Option<Side>,
    /// In pixels; follows from the width without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<Side>,
    /// How the picture meets a width and a height that are not of its shape; `inside` without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fit: Option<Fit>,
    /// What stays in sight when `cover` cuts; the centre without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub focus: Option<Focus>,
    /// How it is written; `webp` without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub format: Option<ImageFormat>,
    /// Of JPEG: from coarse to fine as it loads.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub progressive: Option<bool>,
    /// Of WebP: each pixel as it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lossless: Option<bool>,
    /// Of WebP: all frames of an animation rather than its first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub animated: Option<bool>,
    /// 1 to 100, of lossy formats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<Quality>,
    /// The best quality with which it has at most so many bytes, of lossy formats.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_bytes: Option<Whole<100, 100_000_000>>,
    /// What shows through: for JPEG always, for others if it is given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub background: Option<Colour>,
    /// What is done to the picture.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "object")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Filters>"))]
    pub filters: Option<Filters>,
}

/// How a picture meets a width and a height that are not of its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// As large as fits inside both.
    #[default]
    Inside,
    /// Fills both; what stands over is cut off.
    Cover,
    /// Inside both, and the rest filled with the background.
    Contain,
    /// Stretched to both.
    Fill,
}

/// How a rendition is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// WebP, RFC 9649.
    #[default]
    Webp,
    /// JPEG, ITU-T T.81.
    Jpeg,
    /// AVIF.
    Avif,
    /// PNG.
    Png,
}

impl ImageFormat {
    /// Of file names.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Jpeg => "jpg",
            Self::Avif => "avif",
            Self::Png => "png",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
            Self::Avif => "image/avif",
            Self::Png => "image/png",
        }
    }
}

/// What stays in sight when a picture is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Focus {
    /// Where detail, skin and saturated colour are.
    Attention,
    /// A point, from 0, 0 (left, top) to 1, 1.
    Point(Point),
}

/// A point of a picture, from 0, 0 (left, top) to 1, 1 (right, bottom).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// From the left.
    pub x: Decimal<0, 1_000>,
    /// From the top.
    pub y: Decimal<0, 1_000>,
}

impl Serialize for Focus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Attention => serializer.serialize_str("attention"),
            Self::Point(point) => point.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Focus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = Focus;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"attention\" or a point, such as {\"x\": 0.5, \"y\": 0.3}")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Focus, E> {
                if text == "attention" {
                    return Ok(Focus::Attention);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Focus, A::Error> {
                Point::deserialize(MapAccessDeserializer::new(map)).map(Focus::Point)
            }
        }

        deserializer.deserialize_any(Value)
    }
}

impl RenditionSpec {
    /// Its format.
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        self.format.unwrap_or_default()
    }

    /// The name of its output: the one it gives, or its width and height, with the format's extension.
    #[must_use]
    pub fn output_name(&self) -> String {
        let extension = self.format().extension();
        match (&self.name, self.width, self.height) {
            (Some(name), _, _) => format!("{name}.{extension}"),
            (None, Some(width), Some(height)) => format!("{}x{}.{extension}", width.get(), height.get()),
            (None, Some(width), None) => format!("{}.{extension}", width.get()),
            (None, None, Some(height)) => format!("h{}.{extension}", height.get()),
            (None, None, None) => format!("full.{extension}"),
        }
    }

    /// Whether what it says goes together.
    ///
    /// # Errors
    /// Names the field that does not, and why.
    pub fn check(&self) -> Result<(), OptionError> {
        let wrong = |problem: String| Err(OptionError(problem));
        let format = self.format();
        let both = self.width.is_some() && self.height.is_some();
        if !is_output_name(&self.output_name()) {
            return wrong(format!(
                "name: {:?} is no name: a-z, 0-9, '.', '-', '_', the first a letter or digit",
                self.name.as_deref().unwrap_or_default()
            ));
        }
        if let Some(fit @ (Fit::Cover | Fit::Contain | Fit::Fill)) = self.fit
            && !both
        {
            return wrong(format!("fit: {fit:?} needs a width and a height").to_lowercase());
        }
        if self.focus.is_some() && self.fit != Some(Fit::Cover) {
            return wrong("focus: only with fit cover is something cut off".to_owned());
        }
        if self.progressive.is_some() && format != ImageFormat::Jpeg {
            return wrong("progressive: only of jpeg".to_owned());
        }
        if self.lossless.is_some() && format != ImageFormat::Webp {
            return wrong("lossless: only of webp (png always is)".to_owned());
        }
        if self.animated.is_some() && format != ImageFormat::Webp {
            return wrong("animated: only of webp".to_owned());
        }
        let lossless = format == ImageFormat::Png || self.lossless == Some(true);
        if lossless && (self.quality.is_some() || self.target_bytes.is_some()) {
            let field = if self.quality.is_some() {
                "quality"
            } else {
                "target_bytes"
            };
            return wrong(format!("{field}: a lossless rendition has none"));
        }
        if self.quality.is_some() && self.target_bytes.is_some() {
            return wrong("target_bytes: not beside quality".to_owned());
        }
        let watermark = self
            .filters
            .as_ref()
            .and_then(|filters| filters.watermark.as_ref());
        if let Some(watermark) = watermark
            && watermark.png.len() > MAX_WATERMARK_BYTES
        {
            return wrong(format!(
                "filters.watermark.png: more than {MAX_WATERMARK_BYTES} bytes of base64"
            ));
        }
        Ok(())
    }
}

pub(super) fn check_renditions(specs: &[RenditionSpec]) -> Result<(), OptionError> {
    if !(1..=MAX_RENDITIONS).contains(&specs.len()) {
        return Err(OptionError(format!(
            "renditions: 1 to {MAX_RENDITIONS}, not {}",
            specs.len()
        )));
    }
    let mut names = BTreeSet::new();
    for (index, spec) in specs.iter().enumerate() {
        spec.check()
            .map_err(|error| OptionError(format!("renditions[{index}].{error}")))?;
        let name = spec.output_name();
        if !names.insert(name.clone()) {
            return Err(OptionError(format!(
                "renditions[{index}].name: a second {name:?}"
            )));
        }
    }
    Ok(())
}

fn renditions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<RenditionSpec>>, D::Error> {
    /// Each an object: what serde derives would take a list of the fields' values too.
    #[derive(Deserialize)]
    struct Spec(#[serde(deserialize_with = "object")] Option<RenditionSpec>);

    let Some(list) = Option::<Vec<Spec>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let specs: Option<Vec<_>> = list.into_iter().map(|spec| spec.0).collect();
    let specs = specs.ok_or_else(|| D::Error::custom("renditions: null is no rendition"))?;
    check_renditions(&specs).map_err(D::Error::custom)?;
    Ok(Some(specs))
}

pub(super) fn few<T: PartialEq>(list: &[T], most: usize, what: &str) -> Result<(), OptionError> {
    if !(1..=most).contains(&list.len()) {
        return Err(OptionError(format!("{what}: 1 to {most}, not {}", list.len())));
    }
    let repeated = list
        .iter()
        .enumerate()
        .find(|(index, one)| list.iter().take(*index).any(|before| before == *one));
    match repeated {
        Some((index, _)) => Err(OptionError(format!("{what}[{index}]: named twice"))),
        None => Ok(()),
    }
}

fn widths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Side>>, D::Error> {
    let list = Option::<Vec<Side>>::deserialize(deserializer)?;
    if let Some(list) = &list {
        few(list, 12, "widths").map_err(D::Error::custom)?;
    }
    Ok(list)
}

fn formats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<ImageFormat>>, D::Error> {
    let list = Option::<Vec<ImageFormat>>::deserialize(deserializer)?;
    if let Some(list) = &list {
        few(list, 4, "formats").map_err(D::Error::custom)?;
    }
    Ok(list)
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Focus, Point};

    impl JsonSchema for Focus {
        fn schema_name() -> Cow<'static, str> {
            "Focus".into()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            let point = generator.subschema_for::<Point>();
            json_schema!({
                "description": "What stays in sight: where detail, skin and saturated colour are, or a point.",
                "anyOf": [{"const": "attention"}, point],
            })
        }
    }
}
