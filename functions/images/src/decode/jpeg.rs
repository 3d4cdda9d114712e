//! JPEG (ITU-T T.81).

use std::io::{self, Cursor};

use shared::{Failure, Input};
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

use super::{Facts, Format, Opened, PictureLimits, colour, refusal, whole::Whole};
use crate::{
    metadata,
    picture::{Channels, Depth, Picture, Samples, Shape},
};

pub(super) fn open<'a>(input: &Input<'a>, limits: &PictureLimits) -> Result<Opened<'a>, Failure> {
    limits.check_held(input.facts.size_bytes)?;
    let mut bytes = Vec::new();
    io::copy(&mut input.reader()?, &mut bytes).map_err(|error| Failure::from_read(&error))?;
    let side = limits.side as usize;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(side)
        .set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(&bytes), options);
    decoder.decode_headers().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions().unwrap_or_default();
    limits.check_size(width as u64, height as u64)?;
    let space = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let (out, channels) = match space {
        ColorSpace::Luma => (ColorSpace::Luma, Channels::Gray),
        ColorSpace::CMYK | ColorSpace::YCCK => (ColorSpace::CMYK, Channels::Rgb),
        _ => (ColorSpace::RGB, Channels::Rgb),
    };
    limits.check_held((width * height * 8) as u64 + input.facts.size_bytes)?;
    let options = options.jpeg_set_out_colorspace(out);
    decoder.set_options(options);
    let shape = Shape {
        width: u32::try_from(width).unwrap_or_default(),
        height: u32::try_from(height).unwrap_or_default(),
        channels,
        depth: Depth::Eight,
    };
    let mut facts = Facts::new(Format::Jpeg, shape.width, shape.height);
    match space {
        ColorSpace::Luma => "gray".clone_into(&mut facts.colour_space),
        ColorSpace::CMYK => "CMYK".clone_into(&mut facts.colour_space),
        ColorSpace::YCCK => "YCCK".clone_into(&mut facts.colour_space),
        _ => {}
    }
    if let Some(exif) = decoder.exif() {
        metadata::exif::read(exif, &mut facts);
    }
    let samples = Samples::Eight(decoder.decode().map_err(|error| refused(&error))?);
    let samples = if out == ColorSpace::CMYK {
        colour::cmyk_to_rgb(&samples)
    } else {
        samples
    };
    Ok(Opened {
        facts,
        rows: Box::new(Whole::new(Picture { shape, samples })),
    })
}

fn refused(error: &DecodeErrors) -> Failure {
    match error {
        DecodeErrors::LargeDimensions(side) => Failure::limit(
            "side-too-long",
            format!("the header says a side of {side} pixels"),
        ),
        error => refusal::corrupt("corrupt", "the JPEG", &format!("{error:?}"), 0),
    }
}
