//! Several reductions of one picture in one pass: from its rows, and from one another.

use shared::Failure;

use super::{Region, Resizer, light, rounding};
use crate::picture::{Channels, Depth, Picture, Row, Rows, Samples, Shape};

/// A reduction, and those that are made of it.
#[derive(Debug)]
pub struct Node {
    /// Which one it is, for whoever asked.
    pub id: usize,
    /// The part of what it is made of: of the picture, or of the reduction it hangs on.
    pub region: Region,
    /// Width and height, in pixels.
    pub target: (u32, u32),
    /// Whether chroma, where it comes by itself, is to be half as wide and high (rounded up).
    pub halved: bool,
    /// Smaller ones.
    pub children: Vec<Self>,
}

/// What samples are while they are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Averaged {
    /// Light, premultiplied by alpha.
    Light,
    /// The codes themselves.
    Codes,
}

/// A node at work.
#[derive(Clone)]
pub(super) struct Running {
    id: usize,
    shape: Shape,
    averaged: Averaged,
    resizer: Resizer,
    codes: Vec<u8>,
    children: Vec<Self>,
}

impl Running {
    pub(super) fn new(node: &Node, source: (u32, u32), channels: Channels, averaged: Averaged) -> Self {
        let (width, height) = node.target;
        let resizer = Resizer::new(source, &node.region, node.target, channels.count());
        let shape = Shape {
            width,
            height,
            channels,
            depth: Depth::Eight,
        };
        Self {
            id: node.id,
            shape,
            averaged,
            resizer,
            codes: Vec::with_capacity(shape.row_samples() * height as usize),
            children: node
                .children
                .iter()
                .map(|child| Self::new(child, node.target, channels, averaged))
                .collect(),
        }
    }

    /// Takes the next row of a decoder.
    pub(super) fn push_row(&mut self, row: Row<'_>) -> Result<(), Failure> {
        let (channels, averaged, level) = (self.shape.channels, self.averaged, self.resizer.level());
        let (first, last) = self.resizer.columns();
        self.push(&mut |samples| match (averaged, row) {
            (Averaged::Codes, Row::Eight(codes)) => {
                let range = first * channels.count()..last * channels.count();
                rounding::widen(level, codes.get(range).unwrap_or_default(), samples);
            }
            _ => light::to_light(row, channels, first, samples),
        })
    }

    /// Takes the next row, as `fill` writes its columns.
    fn push(&mut self, fill: &mut dyn FnMut(&mut [f32])) -> Result<(), Failure> {
        if !self.resizer.wants_row() {
            self.resizer.skip();
            return Ok(());
        }
        let Self {
            shape,
            averaged,
            resizer,
            codes,
            children,
            ..
        } = self;
        let level = resizer.level();
        let count = shape.channels.count();
        resizer.push(fill, &mut |row| {
            match averaged {
                Averaged::Light => light::to_codes(level, row, shape.channels, codes),
                Averaged::Codes => {
                    let begin = codes.len();
                    codes.resize(begin + row.len(), 0);
                    rounding::round(level, row, codes.get_mut(begin..).unwrap_or_default());
                }
            }
            children.iter_mut().try_for_each(|child| {
                let (first, last) = child.resizer.columns();
                let columns = row.get(first * count..last * count).unwrap_or_default();
                child.push(&mut |samples| {
                    if samples.len() == columns.len() {
                        samples.copy_from_slice(columns);
                    }
                })
            })
        })
    }

    pub(super) fn finish(self, pictures: &mut Vec<(usize, Picture)>) -> Result<(), Failure> {
        if self.codes.len() != self.shape.row_samples() * self.shape.height as usize {
            let message = format!("{} samples of {:?}", self.codes.len(), self.shape);
            return Err(Failure::internal("resize", message));
        }
        pictures.push((
            self.id,
            Picture {
                shape: self.shape,
                samples: Samples::Eight(self.codes),
            },
        ));
        self.children
            .into_iter()
            .try_for_each(|child| child.finish(pictures))
    }
}

/// Makes all reductions in one pass over the rows. Gives each with its id; of 8 bits, with the channels of the rows.
///
/// # Errors
/// As the rows.
pub fn run(rows: &mut dyn Rows, nodes: &[Node]) -> Result<Vec<(usize, Picture)>, Failure> {
    let shape = rows.shape();
    let source = (shape.width, shape.height);
    let mut running: Vec<_> = nodes
        .iter()
        .map(|node| Running::new(node, source, shape.channels, Averaged::Light))
        .collect();
    while let Some(row) = rows.next_row()? {
        for node in &mut running {
            node.push_row(row)?;
        }
    }
    let mut pictures = Vec::new();
    running
        .into_iter()
        .try_for_each(|node| node.finish(&mut pictures))?;
    Ok(pictures)
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small pictures"
)]
mod tests {
    use super::*;

    struct Made<F> {
        shape: Shape,
        row: Vec<u8>,
        y: u32,
        pixel: F,
    }

    impl<F: Fn(u32, u32) -> [u8; 4]> Rows for Made<F> {
        fn shape(&self) -> Shape {
            self.shape
        }

        fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
            if self.y == self.shape.height {
                return Ok(None);
            }
            let count = self.shape.channels.count();
            self.row = (0..self.shape.width)
                .flat_map(|x| (self.pixel)(x, self.y).into_iter().take(count))
                .collect();
            self.y += 1;
            Ok(Some(Row::Eight(&self.row)))
        }
    }

    fn reduce(
        (width, height): (u32, u32),
        channels: Channels,
        target: (u32, u32),
        pixel: impl Fn(u32, u32) -> [u8; 4],
    ) -> Vec<u8> {
        let shape = Shape {
            width,
            height,
            channels,
            depth: Depth::Eight,
        };
        let mut rows = Made {
            shape,
            row: Vec::new(),
            y: 0,
            pixel,
        };
        let node = Node {
            id: 0,
            region: Region::whole(width, height),
            target,
            halved: false,
            children: Vec::new(),
        };
        let (_, picture) = run(&mut rows, &[node]).unwrap().remove(0);
        let Samples::Eight(codes) = picture.samples else {
            panic!("of 8 bits")
        };
        codes
    }

    #[test]
    fn a_checkerboard_is_half_the_light() {
        for target in [(32, 32), (21, 17), (5, 3), (1, 1)] {
            let board = |x: u32, y: u32| {
                if (x + y).is_multiple_of(2) {
                    [255; 4]
                } else {
                    [0; 4]
                }
            };
            let codes = reduce((64, 64), Channels::Gray, target, board);
            assert!(codes.iter().all(|code| (183..=193).contains(code)), "{target:?}");
            let mean = codes.iter().map(|code| f64::from(*code)).sum::<f64>() / codes.len() as f64;
            assert!((mean - 188.0).abs() <= 1.0, "{target:?}: {mean}");
        }
    }

    #[test]
    fn a_picture_of_the_same_size_is_the_same() {
        let pixel = |x: u32, y: u32| [(x * 7 + y * 13) as u8, (x * y) as u8, (x * 29) as u8, 255];
        let expected: Vec<u8> = (0..9)
            .flat_map(|y| (0..37).flat_map(move |x| pixel(x, y).into_iter().take(3)))
            .collect();
        assert_eq!(reduce((37, 9), Channels::Rgb, (37, 9), pixel), expected);
    }

    #[test]
    fn a_plain_picture_stays_plain_whatever_its_size() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            for (size, target) in [
                ((1, 1), (1, 1)),
                ((300, 1), (7, 1)),
                ((1, 300), (1, 7)),
                ((97, 61), (13, 40)),
                ((500, 400), (3, 2)),
            ] {
                let pixel = [200, 100, 50, 128];
                let codes = reduce(size, channels, target, |_, _| pixel);
                for made in codes.chunks_exact(channels.count()) {
                    for (made, given) in made.iter().zip(pixel) {
                        assert!(
                            made.abs_diff(given) <= 1,
                            "{channels:?} {size:?} {target:?}: {made} for {given}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_not_seen_does_not_bleed() {
        // Red that is seen beside green that is not.
        let pixel = |x: u32, _| {
            if x.is_multiple_of(2) {
                [255, 0, 0, 255]
            } else {
                [0, 255, 0, 0]
            }
        };
        for pixel in reduce((64, 8), Channels::Rgba, (8, 1), pixel).chunks_exact(4) {
            assert_eq!(pixel[..3], [255, 0, 0]);
            assert!(pixel[3].abs_diff(128) <= 2, "{pixel:?}");
        }
    }
}
