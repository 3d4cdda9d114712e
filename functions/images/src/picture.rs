//! Rows of samples, and whole pictures of them.

use shared::Failure;

/// What the samples of a pixel are, in this order, interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channels {
    /// Brightness.
    Gray,
    /// Brightness and alpha (not premultiplied).
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and alpha (not premultiplied).
    Rgba,
}

impl Channels {
    /// How many samples a pixel has.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Whether the last sample of a pixel is its alpha.
    #[must_use]
    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }
}

/// How many bits a sample has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// 0 to 255.
    Eight,
    /// 0 to 65,535.
    Sixteen,
}

/// The shape of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// In pixels, at least 1.
    pub width: u32,
    /// In pixels, at least 1.
    pub height: u32,
    /// The samples of a pixel.
    pub channels: Channels,
    /// The bits of a sample.
    pub depth: Depth,
}

impl Shape {
    /// Samples in a row.
    #[must_use]
    pub const fn row_samples(&self) -> usize {
        self.width as usize * self.channels.count()
    }
}

/// One row of samples: width × channels of them, sRGB-encoded (IEC 61966-2-1), alpha linear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row<'a> {
    /// Of [`Depth::Eight`].
    Eight(&'a [u8]),
    /// Of [`Depth::Sixteen`].
    Sixteen(&'a [u16]),
}

/// A picture as it is decoded: its rows from the top down, one at a time.
pub trait Rows {
    /// What every row of it is like.
    fn shape(&self) -> Shape;

    /// The next row; none after the last. A file that ends early or is damaged is an error, never a grey rest.
    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure>;

    /// The same picture as luma and chroma, where it is stored as such. What is read of either is gone for both.
    fn planes(&mut self) -> Option<&mut dyn Planes> {
        None
    }
}

/// A picture as luma and two planes of chroma, as JPEG has it (ITU-T T.871: BT.601, all of 0 to 255), decoded strip by strip.
pub trait Planes: Send {
    /// Width and height of luma, in samples: those of the picture.
    fn luma_size(&self) -> (u32, u32);

    /// Width and height of both planes of chroma, in samples.
    fn chroma_size(&self) -> (u32, u32);

    /// How many samples of luma lie along one of chroma, across and down. The first ones begin at the same corner.
    fn ratio(&self) -> (u32, u32);

    /// Decodes the next strip: which rows of luma and of chroma are there with it. None after the last.
    ///
    /// # Errors
    /// As [`Rows::next_row`].
    fn next_strip(&mut self) -> Result<Option<Strip>, Failure>;

    /// A row of the strip that was decoded last: of luma (0), blueness (1) or redness (2).
    fn plane_row(&self, plane: usize, row: usize) -> &[u8];
}

/// Rows of the planes, by their numbers in the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// Of luma.
    pub luma: std::ops::Range<usize>,
    /// Of either plane of chroma.
    pub chroma: std::ops::Range<usize>,
}

/// The samples of a whole picture, row after row without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// Of [`Depth::Eight`].
    Eight(Vec<u8>),
    /// Of [`Depth::Sixteen`].
    Sixteen(Vec<u16>),
}

/// A whole picture in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its shape.
    pub shape: Shape,
    /// width × height × channels samples.
    pub samples: Samples,
}

/// The rows of a picture that lies elsewhere.
pub(crate) struct RowsOf<'a> {
    picture: &'a Picture,
    next: usize,
}

impl<'a> RowsOf<'a> {
    /// From its first row on.
    pub(crate) const fn new(picture: &'a Picture) -> Self {
        Self { picture, next: 0 }
    }
}

impl Rows for RowsOf<'_> {
    fn shape(&self) -> Shape {
        self.picture.shape
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        let length = self.picture.shape.row_samples();
        let row = match &self.picture.samples {
            Samples::Eight(samples) => samples.chunks_exact(length).nth(self.next).map(Row::Eight),
            Samples::Sixteen(samples) => samples.chunks_exact(length).nth(self.next).map(Row::Sixteen),
        };
        self.next += 1;
        Ok(row)
    }
}
