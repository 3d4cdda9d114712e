//! What can be said of a picture in a few bytes: placeholders, fingerprints, colours. All made of one small picture of it.

mod blurhash;
mod colours;
mod perceptual;
mod thumbhash;

use serde::Serialize;

pub use colours::Dominant;

use crate::picture::Picture;

/// What is said of a picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Digests {
    /// ThumbHash (Evan Wallace, 2023): a placeholder with alpha, in base64.
    pub thumbhash: String,
    /// BlurHash (Wolt, 2020): a placeholder, of 4 × 3 components.
    pub blurhash: String,
    /// The colours that take most of the picture, the widest first; at most 6.
    pub dominant_colours: Vec<Dominant>,
    /// Difference hash of 8 × 8 bits, in hex: of how many bits two differ says how far the pictures are apart.
    pub dhash: String,
    /// Perceptual hash of 8 × 8 bits (of the cosines of 32 × 32), in hex.
    pub phash: String,
    /// The mean brightness (luma, Rec. 601), 0 to 1; what is transparent does not count.
    pub average_brightness: f64,
}

impl Digests {
    /// Of a picture of 8 bits, at most 100 pixels a side.
    #[must_use]
    pub fn new(small: &Picture) -> Self {
        let pixels: Vec<[u8; 4]> = crate::compose::rgba(small).collect();
        let (width, height) = (small.shape.width as usize, small.shape.height as usize);
        let luma = perceptual::luma(&pixels);
        Self {
            thumbhash: thumbhash::encode(width, height, &pixels),
            blurhash: blurhash::encode(width, height, &pixels),
            dominant_colours: colours::dominant(&pixels),
            dhash: perceptual::dhash(width, height, &luma),
            phash: perceptual::phash(width, height, &luma),
            average_brightness: colours::brightness(&pixels),
        }
    }
}

#[cfg(test)]
mod tests;
