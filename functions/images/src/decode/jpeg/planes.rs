//! A JPEG's luma and chroma as they are stored, without the way to RGB.

use shared::Failure;

use super::{
    plane::Plane,
    rows::{Colours, JpegRows},
};
use crate::picture::{Planes, Strip};

impl JpegRows<'_> {
    /// Whether the components are luma, as large as the picture, and two planes of chroma that are alike.
    pub(super) fn are_luma_and_chroma(&self) -> bool {
        let [luma, blue, red] = self.planes.as_slice() else {
            return false;
        };
        self.colours == Colours::Ycc && luma.ratio == (1, 1) && blue.ratio == red.ratio
    }
}

impl Planes for JpegRows<'_> {
    fn luma_size(&self) -> (u32, u32) {
        self.planes.first().map_or((1, 1), Plane::size)
    }

    fn chroma_size(&self) -> (u32, u32) {
        self.planes.get(1).map_or((1, 1), Plane::size)
    }

    fn ratio(&self) -> (u32, u32) {
        let side = |side: usize| u32::try_from(side).unwrap_or(1);
        self.planes
            .get(1)
            .map_or((1, 1), |plane| (side(plane.ratio.0), side(plane.ratio.1)))
    }

    fn next_strip(&mut self) -> Result<Option<Strip>, Failure> {
        let strip = self.strips;
        let rows = |planes: &[Plane], at: usize| planes.get(at).map_or(0..0, |plane| plane.rows_of(strip));
        let next = Strip {
            luma: rows(&self.planes, 0),
            chroma: rows(&self.planes, 1),
        };
        if next.luma.is_empty() {
            return Ok(None);
        }
        self.decode_strip()?;
        Ok(Some(next))
    }

    fn plane_row(&self, plane: usize, row: usize) -> &[u8] {
        self.planes.get(plane).map_or(&[], |plane| plane.row(row))
    }
}
