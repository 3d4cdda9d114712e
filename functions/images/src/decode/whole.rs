//! A picture that its decoder gives only as a whole, as rows.

use shared::Failure;

use crate::picture::{Picture, Row, Rows, Samples, Shape};

/// The rows of a picture in memory.
pub(super) struct Whole {
    picture: Picture,
    row: usize,
}

impl Whole {
    pub(super) fn new(picture: Picture) -> Self {
        Self { picture, row: 0 }
    }

    /// Of bytes, whatever the shape's depth: samples of 16 bits are in the machine's byte order.
    pub(super) fn of_bytes(shape: Shape, bytes: Vec<u8>) -> Self {
        let samples = match shape.depth {
            crate::picture::Depth::Eight => Samples::Eight(bytes),
            crate::picture::Depth::Sixteen => {
                let (pairs, _) = bytes.as_chunks::<2>();
                Samples::Sixteen(pairs.iter().map(|pair| u16::from_ne_bytes(*pair)).collect())
            }
        };
        Self::new(Picture { shape, samples })
    }
}

impl Rows for Whole {
    fn shape(&self) -> Shape {
        self.picture.shape
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let shape = self.picture.shape;
        if self.row >= shape.height as usize {
            return Ok(None);
        }
        let length = shape.row_samples();
        let begin = self.row * length;
        self.row += 1;
        let row = match &self.picture.samples {
            Samples::Eight(samples) => samples.get(begin..begin + length).map(Row::Eight),
            Samples::Sixteen(samples) => samples.get(begin..begin + length).map(Row::Sixteen),
        };
        row.map(Some)
            .ok_or_else(|| Failure::internal("short-picture", format!("no samples for row {}", self.row - 1)))
    }
}
