//! What can be done to a rendition, in a fixed order: turned, blurred, sharpened, coloured, marked.
//!
//! All of it works on sRGB codes, as CSS filters and libvips do: who knows their numbers gets what they expect.

mod blur;
mod colour;
mod watermark;

use shared::options::{Filters, Rotation};

use crate::{orient::orient, picture::Picture};

/// Applies the filters to a picture of 8 bits. `watermark` is the decoded one of the filters, with four channels.
pub(crate) fn apply(picture: Picture, filters: &Filters, watermark: Option<&Picture>) -> Picture {
    let mut picture = match filters.rotate {
        // EXIF's names for the turns.
        Some(Rotation::Degrees90) => orient(picture, 6),
        Some(Rotation::Degrees180) => orient(picture, 3),
        Some(Rotation::Degrees270) => orient(picture, 8),
        None => picture,
    };
    if filters.flip == Some(true) {
        picture = orient(picture, 4);
    }
    if filters.flop == Some(true) {
        picture = orient(picture, 2);
    }
    if let Some(sigma) = filters.blur {
        picture = blur::blur(&picture, sigma.get());
    }
    if let Some(sigma) = filters.sharpen {
        picture = blur::sharpen(&picture, sigma.get());
    }
    picture = colour::apply(picture, filters);
    match (&filters.watermark, watermark) {
        (Some(settings), Some(mark)) => watermark::lay(&picture, mark, settings),
        _ => picture,
    }
}
