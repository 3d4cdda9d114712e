//! JPEG (ITU-T T.81), baseline, extended and progressive with Huffman codes: samples to the bit as libjpeg-turbo's defaults give
//! them (accurate integer transform, triangle filters for chroma), row by row.

mod convert;
mod detail;
mod header;
mod huffman;
mod idct;
mod plane;
mod planes;
mod reduced;
mod rows;
mod scan;
mod standard;
mod stream;
mod upsample;
mod vector;

pub(crate) use convert::rgb as ycc_pixel;
use header::{Frame, Header, Next};
use plane::{Geometry, Scale};
pub(super) use rows::Inks;
use rows::{Colours, JpegRows};
use shared::{Failure, Input};
use stream::Stream;

use super::{Facts, Format, Opened, PictureLimits, Wanted, managed::Profile};
use crate::{metadata, picture::Rows};

pub(super) fn open<'a>(
    input: &Input<'a>,
    limits: &PictureLimits,
    wanted: Wanted,
) -> Result<Opened<'a>, Failure> {
    let mut stream = Stream::new(Box::new(input.reader()?));
    let mut header = Header::default();
    let first = match header.read(&mut stream)? {
        Next::Scan(scan) => scan,
        Next::End { .. } => return Err(stream.truncated("the file ends before its first scan")),
    };
    let Some(frame) = header.frame.clone() else {
        return Err(stream.corrupt("a scan before the frame's header"));
    };
    limits.check_size(u64::from(frame.width), u64::from(frame.height))?;
    let geometry = Geometry::new(&frame, scale(&frame, wanted));
    limits.check_held(held_bytes(&frame, &geometry, first.components.len()))?;
    let colours = colours(&frame, &header);

    let mut facts = Facts::new(Format::Jpeg, u32::from(frame.width), u32::from(frame.height));
    let space = match colours {
        Colours::Gray => "gray",
        Colours::Cmyk => "CMYK",
        Colours::Ycck => "YCCK",
        Colours::Ycc | Colours::Rgb => "sRGB",
    };
    space.clone_into(&mut facts.colour_space);
    facts.c2pa = header.c2pa;
    if let Some(exif) = &header.exif {
        metadata::exif::read(exif, &mut facts);
    }
    if let Some(xmp) = &header.xmp {
        metadata::xmp::read(xmp, &mut facts);
    }
    if let Some(resources) = &header.resources {
        metadata::iptc::read(resources, &mut facts);
    }
    let profile = header.profile().and_then(|profile| Profile::new(&profile));
    let is_inks = matches!(colours, Colours::Cmyk | Colours::Ycck);
    let managed = profile
        .as_ref()
        .filter(|_| is_inks)
        .and_then(|profile| profile.inks(&mut facts));
    let to_rgb = managed.unwrap_or_else(|| {
        Box::new(|inks, out| {
            convert::cmyk_to_rgb(inks, out);
            Ok(())
        })
    });
    let rows = JpegRows::new(stream, header, &frame, geometry, first, colours, to_rgb)?;
    let rows: Box<dyn Rows> = Box::new(rows);
    let rows = match profile {
        Some(profile) if !is_inks => profile.manage(rows, &mut facts),
        _ => rows,
    };
    Ok(Opened { facts, rows })
}

/// The fewest samples of a block's side that still give what is wanted.
fn scale(frame: &Frame, wanted: Wanted) -> Scale {
    let Wanted::AtLeast { width, height } = wanted else {
        return 8;
    };
    let enough = |scale: Scale| {
        let size = |pixels: u16| (usize::from(pixels) * scale).div_ceil(8);
        size(frame.width) >= width as usize && size(frame.height) >= height as usize
    };
    [1, 2, 4].into_iter().find(|scale| enough(*scale)).unwrap_or(8)
}

/// What the decoder will hold: two strips of samples, or all coefficients.
fn held_bytes(frame: &Frame, geometry: &Geometry, scanned: usize) -> u64 {
    let is_streamed = !frame.is_progressive && scanned == frame.components.len();
    let Geometry {
        h_max,
        v_max,
        mcus_across,
        mcus_down,
        ..
    } = *geometry;
    let blocks: usize = frame
        .components
        .iter()
        .map(|part| {
            if frame.components.len() == 1 {
                1
            } else {
                usize::from(part.h) * usize::from(part.v)
            }
        })
        .sum();
    let strip = (mcus_across * blocks * 64) as u64;
    let pixels_row = (mcus_across * h_max * 8) as u64;
    let coefficients = if is_streamed {
        0
    } else {
        2 * strip * mcus_down as u64
    };
    2 * strip + coefficients + 16 * pixels_row * v_max as u64
}

/// What the components are, as libjpeg tells it.
fn colours(frame: &Frame, header: &Header) -> Colours {
    let ids: Vec<u8> = frame.components.iter().map(|part| part.id).collect();
    match (ids.as_slice(), header.adobe) {
        ([_], _) => Colours::Gray,
        ([_, _, _], Some(0)) | (b"RGB", None) if !header.has_jfif => Colours::Rgb,
        ([_, _, _], _) => Colours::Ycc,
        (_, Some(2)) => Colours::Ycck,
        _ => Colours::Cmyk,
    }
}
