//! What can be done to a rendition.

use serde::{Deserialize, Serialize};

use super::{Decimal, OptionError, Whole, object};

/// The longest watermark, in bytes of base64.
pub const MAX_WATERMARK_BYTES: usize = 64 << 10;

/// What is done to a picture after it is resized, in the order of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Clockwise, in degrees: 90, 180 or 270.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rotate: Option<Rotation>,
    /// Upside down.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flip: Option<bool>,
    /// Left to right.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flop: Option<bool>,
    /// The standard deviation of a Gaussian blur, in pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blur: Option<Decimal<300, 100_000>>,
    /// The standard deviation of the Gaussian that an unsharp mask is made of, in pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sharpen: Option<Decimal<300, 10_000>>,
    /// Brightness factor; 1 changes nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub brightness: Option<Decimal<0, 10_000>>,
    /// Contrast factor about middle grey; 1 changes nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contrast: Option<Decimal<0, 10_000>>,
    /// Saturation factor; 1 changes nothing, 0 leaves greys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub saturation: Option<Decimal<0, 10_000>>,
    /// Greys only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grayscale: Option<bool>,
    /// As an old photograph.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sepia: Option<bool>,
    /// The picture's brightness in the hue of this colour.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tint: Option<Colour>,
    /// A small picture laid over it.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "object")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Watermark>"))]
    pub watermark: Option<Watermark>,
}

/// A small picture laid over another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Watermark {
    /// A PNG, in base64 (RFC 4648, section 4).
    #[cfg_attr(feature = "schema", schemars(length(max = 65_536)))]
    pub png: String,
    /// Where it lies; at the bottom right without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub position: Option<Position>,
    /// 0 to 1; 1 without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opacity: Option<Decimal<0, 1_000>>,
    /// Its width as a part of the rendition's; its own width without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scale: Option<Decimal<10, 1_000>>,
    /// How far from the edges, in pixels; 0 without one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub margin: Option<Whole<0, 1_000>>,
}

/// Where something small lies in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Position {
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    #[default]
    BottomRight,
}

/// A turn, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Whole<0, 359>", into = "u32")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Rotation {
    Degrees90,
    Degrees180,
    Degrees270,
}

impl TryFrom<Whole<0, 359>> for Rotation {
    type Error = OptionError;

    fn try_from(degrees: Whole<0, 359>) -> Result<Self, OptionError> {
        match degrees.get() {
            90 => Ok(Self::Degrees90),
            180 => Ok(Self::Degrees180),
            270 => Ok(Self::Degrees270),
            other => Err(OptionError(format!("{other} is no rotation: 90, 180 or 270"))),
        }
    }
}

impl From<Rotation> for u32 {
    fn from(rotation: Rotation) -> Self {
        match rotation {
            Rotation::Degrees90 => 90,
            Rotation::Degrees180 => 180,
            Rotation::Degrees270 => 270,
        }
    }
}

/// A colour in sRGB: `#rrggbb`, or `#rrggbbaa` with alpha.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour {
    /// Red, green, blue, alpha.
    pub rgba: [u8; 4],
}

impl Colour {
    /// White.
    pub const WHITE: Self = Self { rgba: [255; 4] };
}

impl TryFrom<String> for Colour {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        let none = || OptionError(format!("{text:?} is no colour: #rrggbb or #rrggbbaa"));
        let digits = text.strip_prefix('#').ok_or_else(none)?;
        if !matches!(digits.len(), 6 | 8) || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(none());
        }
        let value = u32::from_str_radix(digits, 16).map_err(|_| none())?;
        let rgba = if digits.len() == 6 {
            value << 8 | 0xFF
        } else {
            value
        };
        Ok(Self {
            rgba: rgba.to_be_bytes(),
        })
    }
}

impl From<Colour> for String {
    fn from(Colour { rgba: [r, g, b, a] }: Colour) -> Self {
        if a == 255 {
            format!("#{r:02x}{g:02x}{b:02x}")
        } else {
            format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
        }
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Colour, Rotation};

    impl JsonSchema for Colour {
        fn schema_name() -> Cow<'static, str> {
            "Colour".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A colour in sRGB, with alpha or without.",
                "type": "string",
                "pattern": "^#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$",
            })
        }
    }

    impl JsonSchema for Rotation {
        fn schema_name() -> Cow<'static, str> {
            "Rotation".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"description": "Clockwise, in degrees.", "type": "integer", "enum": [90, 180, 270]})
        }
    }
}
