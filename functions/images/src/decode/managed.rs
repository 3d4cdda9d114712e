//! Colours of an ICC profile (ICC.1:2022) to sRGB, row by row.

use std::sync::Arc;

use moxcms::{
    ColorProfile, DataColorSpace, Layout, ProfileText, RenderingIntent, Transform8BitExecutor,
    Transform16BitExecutor, TransformOptions,
};
use shared::Failure;

use super::{Facts, jpeg::Inks};
use crate::picture::{Channels, Depth, Row, Rows, Samples, Shape};

/// How far from sRGB, of 255, colours may be that are not worth converting.
const SAME: u8 = 1;
/// The longest description that is kept, in letters.
const MOST_LETTERS: usize = 200;

/// Converts pixels of red, green, blue and alpha, in place.
pub(super) type Pixels = Box<dyn Fn(&mut [[u8; 4]]) -> Result<(), Failure>>;

/// A profile, read.
pub(super) struct Profile(ColorProfile);

impl Profile {
    /// None when it cannot be read: the picture then counts as sRGB, as browsers take it.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        ColorProfile::new_from_slice(bytes).ok().map(Self)
    }

    fn name(&self) -> Option<String> {
        let text = match self.0.description.as_ref()? {
            ProfileText::PlainString(text) => text.clone(),
            ProfileText::Localizable(texts) => texts.first()?.value.clone(),
            ProfileText::Description(text) => text.ascii_string.clone(),
        };
        let text: String = text
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MOST_LETTERS)
            .collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A conversion of 8-bit inks; none when the profile is of something else.
    pub(super) fn inks(&self, facts: &mut Facts) -> Option<Inks> {
        if self.0.color_space != DataColorSpace::Cmyk {
            return None;
        }
        let srgb = ColorProfile::new_srgb();
        let executor = self
            .0
            .create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options())
            .ok()?;
        self.say(facts);
        Some(Box::new(move |inks, out| {
            executor
                .transform(inks.as_flattened(), out)
                .map_err(|error| failed(&error))
        }))
    }

    /// Inks of a whole picture to RGB; none when the profile is of something else.
    pub(super) fn inks_to_rgb(&self, samples: &Samples, facts: &mut Facts) -> Option<Samples> {
        match samples {
            Samples::Eight(samples) => {
                let (inks, _) = samples.as_chunks::<4>();
                let mut out = vec![0; inks.len() * 3];
                self.inks(facts)?(inks, &mut out).ok()?;
                Some(Samples::Eight(out))
            }
            Samples::Sixteen(samples) => {
                if self.0.color_space != DataColorSpace::Cmyk {
                    return None;
                }
                let srgb = ColorProfile::new_srgb();
                let executor = self
                    .0
                    .create_transform_16bit(Layout::Rgba, &srgb, Layout::Rgb, options())
                    .ok()?;
                let mut out = vec![0; samples.len() / 4 * 3];
                executor.transform(samples, &mut out).ok()?;
                self.say(facts);
                Some(Samples::Sixteen(out))
            }
        }
    }

    /// A conversion of pixels of red, green, blue and alpha, in place: of a picture that is gray (`is_gray`) or not. None where
    /// they are left as they are.
    pub(super) fn pixels(&self, is_gray: bool) -> Option<Pixels> {
        let shape = Shape {
            width: 1,
            height: 1,
            channels: if is_gray { Channels::Gray } else { Channels::Rgba },
            depth: Depth::Eight,
        };
        match self.conversion(shape)? {
            Conversion::Eight(executor) => Some(Box::new(move |pixels| {
                let from = pixels.to_vec();
                executor
                    .transform(from.as_flattened(), pixels.as_flattened_mut())
                    .map_err(|error| failed(&error))
            })),
            Conversion::Curve(curve) => Some(Box::new(move |pixels| {
                for sample in pixels.iter_mut().flat_map(|[r, g, b, _]| [r, g, b]) {
                    let level = curve.get(usize::from(*sample)).copied().unwrap_or_default();
                    *sample = u8::try_from(level).unwrap_or(u8::MAX);
                }
                Ok(())
            })),
            Conversion::None | Conversion::Sixteen(_) => None,
        }
    }

    fn say(&self, facts: &mut Facts) {
        if let Some(name) = self.name() {
            facts.colour_space = name;
        }
    }

    /// Rows in sRGB of rows in this profile's colours. They are left as they are when they are not worth converting, or when the
    /// profile is not of such rows.
    pub(super) fn manage<'a>(&self, rows: Box<dyn Rows + 'a>, facts: &mut Facts) -> Box<dyn Rows + 'a> {
        let shape = rows.shape();
        let Some(conversion) = self.conversion(shape) else {
            return rows;
        };
        self.say(facts);
        match conversion {
            Conversion::None => rows,
            conversion => {
                let samples = shape.row_samples();
                let (eight, sixteen) = match shape.depth {
                    Depth::Eight => (samples, 0),
                    Depth::Sixteen => (0, samples),
                };
                Box::new(Managed {
                    rows,
                    conversion,
                    eight: vec![0; eight],
                    sixteen: vec![0; sixteen],
                })
            }
        }
    }

    /// Of pixels of such a shape; none when the profile is not of them.
    fn conversion(&self, shape: Shape) -> Option<Conversion> {
        let is_gray = matches!(shape.channels, Channels::Gray | Channels::GrayAlpha);
        let expected = if is_gray {
            DataColorSpace::Gray
        } else {
            DataColorSpace::Rgb
        };
        if self.0.color_space != expected {
            return None;
        }
        if is_gray {
            self.gray(shape.depth)
        } else {
            self.rgb(shape)
        }
    }

    fn rgb(&self, shape: Shape) -> Option<Conversion> {
        let srgb = ColorProfile::new_srgb();
        let probe = self
            .0
            .create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options())
            .ok()?;
        let levels = || (0..=255_u8).step_by(17);
        let colours: Vec<u8> = levels()
            .flat_map(|red| levels().flat_map(move |green| levels().flat_map(move |blue| [red, green, blue])))
            .collect();
        let mut converted = vec![0; colours.len()];
        probe.transform(&colours, &mut converted).ok()?;
        if colours
            .iter()
            .zip(&converted)
            .all(|(from, to)| from.abs_diff(*to) <= SAME)
        {
            return Some(Conversion::None);
        }
        let layout = if shape.channels.has_alpha() {
            Layout::Rgba
        } else {
            Layout::Rgb
        };
        Some(match shape.depth {
            Depth::Eight => Conversion::Eight(
                self.0
                    .create_transform_8bit(layout, &srgb, layout, options())
                    .ok()?,
            ),
            Depth::Sixteen => Conversion::Sixteen(
                self.0
                    .create_transform_16bit(layout, &srgb, layout, options())
                    .ok()?,
            ),
        })
    }

    /// Of gray only the curve is needed.
    fn gray(&self, depth: Depth) -> Option<Conversion> {
        let srgb = ColorProfile::new_srgb();
        let executor = self
            .0
            .create_transform_16bit(Layout::Gray, &srgb, Layout::Rgb, options())
            .ok()?;
        let levels: Vec<u16> = match depth {
            Depth::Eight => (0..=255).map(|level: u16| level * 257).collect(),
            Depth::Sixteen => (0..=u16::MAX).collect(),
        };
        let mut colours = vec![0; levels.len() * 3];
        executor.transform(&levels, &mut colours).ok()?;
        let curve: Vec<u16> = colours
            .chunks_exact(3)
            .filter_map(|colour| colour.get(1).copied())
            .collect();
        if levels
            .iter()
            .zip(&curve)
            .all(|(from, to)| from.abs_diff(*to) <= u16::from(SAME) * 257)
        {
            return Some(Conversion::None);
        }
        Some(Conversion::Curve(match depth {
            Depth::Eight => curve
                .into_iter()
                .map(|level| level.saturating_add(128) / 257)
                .collect(),
            Depth::Sixteen => curve,
        }))
    }
}

fn options() -> TransformOptions {
    TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    }
}

fn failed(error: &moxcms::CmsError) -> Failure {
    Failure::internal("colours", error.to_string())
}

enum Conversion {
    None,
    Eight(Arc<Transform8BitExecutor>),
    Sixteen(Arc<Transform16BitExecutor>),
    /// Of each level of gray the one in sRGB.
    Curve(Vec<u16>),
}

struct Managed<'a> {
    rows: Box<dyn Rows + 'a>,
    conversion: Conversion,
    eight: Vec<u8>,
    sixteen: Vec<u16>,
}

impl Rows for Managed<'_> {
    fn shape(&self) -> Shape {
        self.rows.shape()
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let channels = self.rows.shape().channels.count();
        let Some(row) = self.rows.next_row()? else {
            return Ok(None);
        };
        match (&self.conversion, row) {
            (Conversion::Eight(executor), Row::Eight(row)) => {
                executor
                    .transform(row, &mut self.eight)
                    .map_err(|error| failed(&error))?;
            }
            (Conversion::Sixteen(executor), Row::Sixteen(row)) => {
                executor
                    .transform(row, &mut self.sixteen)
                    .map_err(|error| failed(&error))?;
            }
            (Conversion::Curve(curve), Row::Eight(row)) => {
                self.eight.copy_from_slice(row);
                for sample in self.eight.iter_mut().step_by(channels) {
                    let level = curve.get(usize::from(*sample)).copied().unwrap_or_default();
                    *sample = u8::try_from(level).unwrap_or(u8::MAX);
                }
            }
            (Conversion::Curve(curve), Row::Sixteen(row)) => {
                self.sixteen.copy_from_slice(row);
                for sample in self.sixteen.iter_mut().step_by(channels) {
                    *sample = curve.get(usize::from(*sample)).copied().unwrap_or_default();
                }
            }
            _ => return Err(Failure::internal("rows", "a row of another depth")),
        }
        Ok(Some(match self.rows.shape().depth {
            Depth::Eight => Row::Eight(&self.eight),
            Depth::Sixteen => Row::Sixteen(&self.sixteen),
        }))
    }
}
