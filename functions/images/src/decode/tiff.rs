//! TIFF 6.0 and `BigTIFF`: the first picture of a file.

use shared::{Failure, Input};
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits},
    tags::Tag,
};

use super::{
    Facts, Format, Opened, PictureLimits, colour, managed::Profile, positioned::Positioned, refusal,
    whole::Whole,
};
use crate::picture::{Channels, Depth, Picture, Rows, Samples, Shape};

/// The tag that C2PA 2.1 names.
const C2PA: u16 = 52_545;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    let mut decoder = Decoder::new(Positioned::new(input)).map_err(|error| refused(&error, 0))?;
    let place = |decoder: &mut Decoder<Positioned<'a>>| decoder.inner().position();
    let (width, height) = decoder.dimensions().map_err(|error| refused(&error, 0))?;
    limits.check_size(u64::from(width), u64::from(height))?;
    let color = decoder.colortype().map_err(|error| refused(&error, 0))?;
    let layout = decoder
        .image_buffer_layout()
        .map_err(|error| refused(&error, 0))?;
    // As decoded, unpacked to samples, and gathered from planes.
    limits.check_held(3 * layout.complete_len as u64)?;
    let mut held = Limits::unlimited();
    held.decoding_buffer_size = layout.complete_len.max(1);
    held.intermediate_buffer_size = layout.complete_len.saturating_mul(2).max(1 << 20);
    held.ifd_value_size = 16 << 20;
    let mut decoder = decoder.with_limits(held);

    let mut facts = Facts::new(Format::Tiff, width, height);
    facts.bits = color.bit_depth();
    read_tags(&mut decoder, &mut facts);
    let mut samples = DecodingResult::U8(Vec::new());
    let read = decoder.read_image_to_buffer(&mut samples);
    let offset = place(&mut decoder);
    read.map_err(|error| refused(&error, offset))?;
    let samples = to_samples(samples, &layout, color, width)?;
    let palette = match color {
        ColorType::Palette(_) => decoder
            .get_tag_u16_vec(Tag::ColorMap)
            .map_err(|error| refused(&error, 0))?,
        _ => Vec::new(),
    };
    let profile = decoder
        .get_tag_u8_vec(Tag::IccProfile)
        .ok()
        .and_then(|profile| Profile::new(&profile));
    let premultiplied = matches!(color, ColorType::RGBA(_) | ColorType::GrayA(_))
        && decoder
            .find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)
            .is_ok_and(|extra| extra.is_some_and(|extra| extra.first() == Some(&1)));
    let (channels, mut samples) = to_rgb(samples, color, &palette, profile.as_ref(), &mut facts)?;
    if premultiplied {
        colour::unpremultiply(&mut samples, channels);
    }
    facts.has_alpha = channels.has_alpha();
    let depth = match samples {
        Samples::Eight(_) => Depth::Eight,
        Samples::Sixteen(_) => Depth::Sixteen,
    };
    let shape = Shape {
        width,
        height,
        channels,
        depth,
    };
    let is_inks = matches!(color, ColorType::CMYK(_));
    let rows: Box<dyn Rows> = Box::new(Whole::new(Picture { shape, samples }));
    let rows = match profile {
        Some(profile) if !is_inks => profile.manage(rows, &mut facts),
        _ => rows,
    };
    Ok(Opened { facts, rows })
}

fn read_tags(decoder: &mut Decoder<Positioned<'_>>, facts: &mut Facts) {
    if let Ok(Some(orientation @ 1..=8)) = decoder.find_tag_unsigned::<u8>(Tag::Orientation) {
        facts.orientation = orientation;
    }
    facts.c2pa = matches!(decoder.find_tag(Tag::Unknown(C2PA)), Ok(Some(_)));
    let mut text = |tag| {
        decoder
            .get_tag_ascii_string(tag)
            .ok()
            .filter(|text| !text.trim().is_empty())
    };
    facts.exif.make = text(Tag::Make);
    facts.exif.model = text(Tag::Model);
    facts.exif.artist = text(Tag::Artist);
    facts.exif.copyright = text(Tag::Copyright);
    facts.exif.taken_at = text(Tag::DateTime).and_then(|date| crate::metadata::exif::date_time(&date, None));
}

/// Samples of 8 or 16 bits, pixel after pixel.
fn to_samples(
    decoded: DecodingResult,
    layout: &tiff::decoder::BufferLayoutPreference,
    color: ColorType,
    width: u32,
) -> Result<Samples, Failure> {
    let bits = color.bit_depth();
    // Floats are taken as samples between 0 and 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range of the type, and not-a-number becomes 0"
    )]
    let of_float = |sample: f64| (sample.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16;
    let samples = match decoded {
        DecodingResult::U8(bytes) if bits == 8 => Samples::Eight(bytes),
        DecodingResult::U8(bytes) if matches!(bits, 1 | 2 | 4) => {
            let samples = width as usize
                * if layout.planes > 1 {
                    1
                } else {
                    usize::from(color.num_samples())
                };
            let stride = layout.row_stride.map_or(1, std::num::NonZeroUsize::get);
            let scaled = !matches!(color, ColorType::Palette(_));
            Samples::Eight(unpack(&bytes, bits, samples, stride, scaled))
        }
        DecodingResult::U16(words) if bits == 16 => Samples::Sixteen(words),
        DecodingResult::U32(words) if bits == 32 => {
            Samples::Sixteen(words.into_iter().map(|word| (word >> 16) as u16).collect())
        }
        DecodingResult::F32(floats) => Samples::Sixteen(
            floats
                .into_iter()
                .map(|sample| of_float(f64::from(sample)))
                .collect(),
        ),
        DecodingResult::F64(floats) => Samples::Sixteen(floats.into_iter().map(of_float).collect()),
        _ => {
            return Err(refusal::corrupt(
                "samples-not-taken",
                "the TIFF",
                &format!("samples of {bits} bits are of a kind that is not taken"),
                0,
            ));
        }
    };
    Ok(match samples {
        Samples::Eight(samples) => Samples::Eight(interleave(samples, layout.planes)),
        Samples::Sixteen(samples) => Samples::Sixteen(interleave(samples, layout.planes)),
    })
}

/// Samples of fewer than 8 bits, each row of which begins at a byte.
fn unpack(bytes: &[u8], bits: u8, row_samples: usize, stride: usize, scaled: bool) -> Vec<u8> {
    let mask = (1_u8 << bits) - 1;
    let scale = if scaled { 255 / mask } else { 1 };
    let per_byte = 8 / bits;
    bytes
        .chunks_exact(stride)
        .flat_map(|row| {
            row.iter()
                .flat_map(move |byte| {
                    (0..per_byte)
                        .rev()
                        .map(move |at| ((byte >> (at * bits)) & mask) * scale)
                })
                .take(row_samples)
        })
        .collect()
}

/// Planes, one after another, to pixels.
fn interleave<T: Copy + Default>(samples: Vec<T>, planes: usize) -> Vec<T> {
    if planes <= 1 {
        return samples;
    }
    let mut pixels = vec![T::default(); samples.len()];
    for (plane, samples) in samples.chunks_exact(samples.len() / planes).enumerate() {
        let to = pixels.iter_mut().skip(plane).step_by(planes);
        to.zip(samples).for_each(|(to, from)| *to = *from);
    }
    pixels
}

fn to_rgb(
    samples: Samples,
    color: ColorType,
    palette: &[u16],
    profile: Option<&Profile>,
    facts: &mut Facts,
) -> Result<(Channels, Samples), Failure> {
    Ok(match color {
        ColorType::Gray(_) => {
            "gray".clone_into(&mut facts.colour_space);
            (Channels::Gray, samples)
        }
        ColorType::GrayA(_) => {
            "gray".clone_into(&mut facts.colour_space);
            (Channels::GrayAlpha, samples)
        }
        ColorType::RGB(_) => (Channels::Rgb, samples),
        ColorType::YCbCr(8) => (Channels::Rgb, colour::ycc_to_rgb(samples)),
        ColorType::RGBA(_) => (Channels::Rgba, samples),
        ColorType::CMYK(_) => {
            "CMYK".clone_into(&mut facts.colour_space);
            let managed = profile.and_then(|profile| profile.inks_to_rgb(&samples, facts));
            (
                Channels::Rgb,
                managed.unwrap_or_else(|| colour::cmyk_to_rgb(&samples)),
            )
        }
        ColorType::Palette(_) => {
            let Samples::Eight(indices) = samples else {
                return Err(refusal::corrupt(
                    "samples-not-taken",
                    "the TIFF",
                    "a palette with indices of 16 bits",
                    0,
                ));
            };
            let colours = palette.len() / 3;
            let component = |plane: usize, index: u8| {
                let word = palette
                    .get(plane * colours + usize::from(index))
                    .copied()
                    .unwrap_or_default();
                // The upper byte, as libtiff and Pillow take it.
                u8::try_from(word >> 8).unwrap_or_default()
            };
            let rgb = indices
                .into_iter()
                .flat_map(|index| [component(0, index), component(1, index), component(2, index)])
                .collect();
            (Channels::Rgb, Samples::Eight(rgb))
        }
        other => {
            return Err(refusal::corrupt(
                "colours-not-taken",
                "the TIFF",
                &format!("its colours are {other:?}"),
                0,
            ));
        }
    })
}

fn refused(error: &TiffError, offset: u64) -> Failure {
    match error {
        TiffError::UnsupportedError(error) => {
            refusal::corrupt("format-not-taken", "the TIFF", &error.to_string(), offset)
        }
        TiffError::LimitsExceeded => Failure::limit(
            "too-much-memory",
            "the TIFF's tags or strips take more memory than is allowed",
        ),
        error => refusal::of_error("the TIFF", error, offset),
    }
}
