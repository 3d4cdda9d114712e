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
/// `PhotometricInterpretation`, and two of its values.
const PHOTOMETRIC: u16 = 262;
const PALETTE: u16 = 3;
const GRAY: u16 = 1;
/// The compression whose decoder knows no alpha.
const JPEG: u16 = 7;
/// A JPEG in a TIFF has about five before its frame's header.
const MOST_SEGMENTS: usize = 64;
/// A directory has about twenty.
const MOST_ENTRIES: usize = 256;

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    // The decoder knows no palettes: it is shown their indices as gray.
    let as_gray = palette_as_gray(input)?;
    let file = Positioned::new(input).patched(as_gray);
    let mut decoder = Decoder::new(file).map_err(|error| refused(&error, 0))?;
    let place = |decoder: &mut Decoder<Positioned<'a>>| decoder.inner().position();
    let (width, height) = decoder.dimensions().map_err(|error| refused(&error, 0))?;
    limits.check_size(u64::from(width), u64::from(height))?;
    let color = match decoder.colortype().map_err(|error| refused(&error, 0))? {
        ColorType::Multiband {
            bit_depth,
            num_samples: 2,
        } if !matches!(decoder.find_tag_unsigned(Tag::Compression), Ok(Some(JPEG))) => {
            ColorType::GrayA(bit_depth)
        }
        color => color,
    };
    let layout = decoder
        .image_buffer_layout()
        .map_err(|error| refused(&error, 0))?;
    // As decoded, unpacked to samples, and gathered from planes.
    limits.check_held(3 * layout.complete_len as u64)?;
    if matches!(decoder.find_tag_unsigned(Tag::Compression), Ok(Some(JPEG))) {
        check_jpegs(input, &mut decoder)?;
    }
    let mut held = Limits::unlimited();
    // Tags count as well, a palette among them.
    held.decoding_buffer_size = layout.complete_len.max(1 << 20);
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
    let palette = match as_gray {
        Some(_) => Some(
            decoder
                .get_tag_u16_vec(Tag::ColorMap)
                .map_err(|error| refused(&error, 0))?,
        ),
        None => None,
    };
    let samples = to_samples(samples, &layout, color, width, palette.is_none())?;
    let profile = decoder
        .get_tag_u8_vec(Tag::IccProfile)
        .ok()
        .and_then(|profile| Profile::new(&profile));
    let premultiplied = matches!(color, ColorType::RGBA(_) | ColorType::GrayA(_))
        && decoder
            .find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)
            .is_ok_and(|extra| extra.is_some_and(|extra| extra.first() == Some(&1)));
    let (channels, mut samples) = to_rgb(samples, color, palette.as_deref(), profile.as_ref(), &mut facts)?;
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
    scaled: bool,
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
    palette: Option<&[u16]>,
    profile: Option<&Profile>,
    facts: &mut Facts,
) -> Result<(Channels, Samples), Failure> {
    if let Some(palette) = palette {
        return from_palette(samples, color, palette);
    }
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

/// Indices, or pairs of an index and alpha, to colours.
fn from_palette(samples: Samples, color: ColorType, palette: &[u16]) -> Result<(Channels, Samples), Failure> {
    let Samples::Eight(indices) = samples else {
        let message = "a palette with indices of 16 bits";
        return Err(refusal::corrupt("samples-not-taken", "the TIFF", message, 0));
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
    let of_index = |index: u8| [component(0, index), component(1, index), component(2, index)];
    Ok(match color {
        ColorType::GrayA(_) => {
            let (pairs, _) = indices.as_chunks::<2>();
            let rgba = |[index, alpha]: [u8; 2]| {
                let [red, green, blue] = of_index(index);
                [red, green, blue, alpha]
            };
            (
                Channels::Rgba,
                Samples::Eight(pairs.iter().flat_map(|pair| rgba(*pair)).collect()),
            )
        }
        ColorType::Gray(_) => (
            Channels::Rgb,
            Samples::Eight(indices.into_iter().flat_map(of_index).collect()),
        ),
        other => {
            let message = format!("a palette, and {other:?}");
            return Err(refusal::corrupt("colours-not-taken", "the TIFF", &message, 0));
        }
    })
}

/// Where the first directory of a classic TIFF says that the samples are a palette's indices, and what says gray instead.
fn palette_as_gray(input: &Input<'_>) -> Result<Option<(u64, [u8; 2])>, Failure> {
    let mut header = [0; 8];
    input.read_at(0, &mut header)?;
    let [b'I' | b'M', order, _, _, offset @ ..] = header else {
        return Ok(None);
    };
    let is_big_endian = order == b'M';
    let word = |bytes: [u8; 2]| {
        if is_big_endian {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    };
    let offset = u64::from(if is_big_endian {
        u32::from_be_bytes(offset)
    } else {
        u32::from_le_bytes(offset)
    });
    let mut count = [0; 2];
    input.read_at(offset, &mut count)?;
    let mut directory = vec![0; usize::from(word(count)).min(MOST_ENTRIES) * 12];
    let read = input.read_at(offset + 2, &mut directory)?;
    let (entries, _) = directory.get(..read).unwrap_or_default().as_chunks::<12>();
    Ok(entries.iter().enumerate().find_map(|(index, entry)| {
        let [t0, t1, _, _, _, _, _, _, v0, v1, _, _] = *entry;
        let says_palette = word([t0, t1]) == PHOTOMETRIC && word([v0, v1]) == PALETTE;
        let gray = if is_big_endian {
            GRAY.to_be_bytes()
        } else {
            GRAY.to_le_bytes()
        };
        says_palette.then_some((offset + 2 + index as u64 * 12 + 8, gray))
    }))
}

/// Sees that the JPEGs inside are about as large as the strips or tiles that they are, for their decoder makes room for what they say.
fn check_jpegs(input: &Input<'_>, decoder: &mut Decoder<Positioned<'_>>) -> Result<(), Failure> {
    let (width, height) = decoder.chunk_dimensions();
    let most = 4 * (u64::from(width) + 16) * (u64::from(height) + 16);
    let wrong = |message: &str, offset: u64| refusal::corrupt("corrupt", "the TIFF", message, offset);
    if let Ok(tables) = decoder.get_tag_u8_vec(Tag::JPEGTables)
        && (tables.len() < 4 || tables.windows(2).any(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])))
    {
        return Err(wrong("its JPEG tables are no tables", 0));
    }
    let mut offsets = decoder.get_tag_u64_vec(Tag::StripOffsets);
    if offsets.is_err() {
        offsets = decoder.get_tag_u64_vec(Tag::TileOffsets);
    }
    for offset in offsets.map_err(|error| refused(&error, 0))? {
        let mut at = offset.saturating_add(2);
        let mut size = None;
        for _ in 0..MOST_SEGMENTS {
            let mut segment = [0; 9];
            input.read_at(at, &mut segment)?;
            let [0xFF, marker, l0, l1, _, h0, h1, w0, w1] = segment else {
                break;
            };
            if matches!(marker, 0xC0..=0xC2) {
                size =
                    Some(u64::from(u16::from_be_bytes([w0, w1])) * u64::from(u16::from_be_bytes([h0, h1])));
                break;
            }
            at = at.saturating_add(2 + u64::from(u16::from_be_bytes([l0, l1])));
        }
        if size.is_none_or(|size| size > most) {
            return Err(wrong("a JPEG inside is of another size than its strip", offset));
        }
    }
    Ok(())
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
