//! Pictures as luma and chroma (ITU-T T.871), chroma as large as luma or half as wide and high.

use std::borrow::Cow;

use crate::{
    compose::{codes, of_codes},
    decode::ycc_pixel,
    orient::orient,
    picture::{Channels, Picture},
};

/// A picture of 8 bits as three planes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ycc {
    /// As large as the picture.
    pub luma: Picture,
    /// As large as luma, or half as wide and high (rounded up); its first sample begins where luma's does.
    pub blue: Picture,
    /// As large as `blue`.
    pub red: Picture,
}

impl Ycc {
    /// Whether chroma is half as wide and high as luma.
    #[must_use]
    pub fn is_halved(&self) -> bool {
        (self.blue.shape.width, self.blue.shape.height) != (self.luma.shape.width, self.luma.shape.height)
    }

    /// Turned and mirrored as [`orient`] does it.
    #[must_use]
    pub fn oriented(self, orientation: u8) -> Self {
        Self {
            luma: orient(self.luma, orientation),
            blue: orient(self.blue, orientation),
            red: orient(self.red, orientation),
        }
    }

    /// With chroma half as wide and high: of each four samples the mean.
    #[must_use]
    pub fn halved(&self) -> Cow<'_, Self> {
        if self.is_halved() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            luma: self.luma.clone(),
            blue: halved(&self.blue),
            red: halved(&self.red),
        })
    }

    /// As red, green and blue. Chroma is as large as luma.
    #[must_use]
    pub fn to_rgb(&self) -> Picture {
        let planes = codes(&self.luma)
            .iter()
            .zip(codes(&self.blue))
            .zip(codes(&self.red));
        let pixels = planes
            .flat_map(|((luma, blue), red)| ycc_pixel(*luma, *blue, *red))
            .collect();
        of_codes(
            self.luma.shape.width,
            self.luma.shape.height,
            Channels::Rgb,
            pixels,
        )
    }
}

fn halved(plane: &Picture) -> Picture {
    let (width, height) = (plane.shape.width.div_ceil(2), plane.shape.height.div_ceil(2));
    let mut out = Vec::with_capacity(width as usize * height as usize);
    for rows in codes(plane).chunks(2 * plane.shape.width as usize) {
        let (upper, lower) = rows.split_at(plane.shape.width as usize);
        let lower = if lower.is_empty() { upper } else { lower };
        for (above, below) in upper.chunks(2).zip(lower.chunks(2)) {
            let samples = above.iter().chain(below);
            let sum: u32 = samples.map(|sample| u32::from(*sample)).sum();
            let count = u32::try_from(above.len() + below.len()).unwrap_or(4);
            out.push(u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX));
        }
    }
    of_codes(width, height, Channels::Gray, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chroma_is_halved_to_the_mean_of_what_is_there() {
        let plane = of_codes(3, 3, Channels::Gray, vec![0, 4, 9, 8, 12, 11, 1, 4, 250]);
        let half = halved(&plane);
        assert_eq!((half.shape.width, half.shape.height), (2, 2));
        assert_eq!(codes(&half), [6, 10, 3, 250]);
    }
}
