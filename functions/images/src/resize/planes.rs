//! Reductions of a picture that comes as luma and chroma.
//!
//! Luma is averaged as the light that it would be of a grey picture, chroma as its codes. For what is grey that is exact; on photographs
//! it is within a fraction of a code of averaging the light of red, green and blue, at a third of the work: there is no
//! way to RGB and back, and chroma stays as small as it is stored. What it gives away: fine patterns of saturated colours on black come
//! out darker than their light, as they do wherever codes are averaged.

use shared::Failure;

use super::{
    Node, Region,
    ahead::decode_ahead,
    tree::{Averaged, Running},
};
use crate::{
    picture::{Channels, Picture, Planes, Row},
    ycc::Ycc,
};

/// Where samples of chroma lie on those of luma, across and down.
#[derive(Debug, Clone, Copy)]
struct Grid {
    /// Where the first one begins.
    begin: (f64, f64),
    /// How many samples of luma lie along one.
    step: (f64, f64),
    /// How many there are.
    size: (u32, u32),
}

impl Grid {
    /// Of a reduction. A picture that is mirrored later begins at its far end, so that chroma's first sample begins where luma's does
    /// once it is.
    fn of(node: &Node, is_mirrored: (bool, bool)) -> Self {
        let (width, height) = node.target;
        if !node.halved {
            return Self {
                begin: (0.0, 0.0),
                step: (1.0, 1.0),
                size: node.target,
            };
        }
        let size = (width.div_ceil(2), height.div_ceil(2));
        let begin = |size: u32, length: u32, is_mirrored: bool| {
            if is_mirrored {
                f64::from(length) - 2.0 * f64::from(size)
            } else {
                0.0
            }
        };
        Self {
            begin: (
                begin(size.0, width, is_mirrored.0),
                begin(size.1, height, is_mirrored.1),
            ),
            step: (2.0, 2.0),
            size,
        }
    }
}

/// The reduction of chroma that goes with one of luma; `from` is the chroma that it is made of.
fn chroma(node: &Node, from: Grid, is_mirrored: (bool, bool)) -> Node {
    let grid = Grid::of(node, is_mirrored);
    let across = node.region.width / f64::from(node.target.0);
    let down = node.region.height / f64::from(node.target.1);
    let region = Region {
        x: (node.region.x + grid.begin.0 * across - from.begin.0) / from.step.0,
        y: (node.region.y + grid.begin.1 * down - from.begin.1) / from.step.1,
        width: f64::from(grid.size.0) * grid.step.0 * across / from.step.0,
        height: f64::from(grid.size.1) * grid.step.1 * down / from.step.1,
    };
    Node {
        id: node.id,
        region,
        target: grid.size,
        halved: false,
        children: node
            .children
            .iter()
            .map(|child| chroma(child, grid, is_mirrored))
            .collect(),
    }
}

/// Makes all reductions in one pass over the strips, which are decoded on a thread of their own where there may be several. Gives
/// each with its id. `is_mirrored` says whether the reductions are going to be mirrored, across and down.
///
/// # Errors
/// As the strips.
pub fn run_planes(
    planes: &mut dyn Planes,
    nodes: &[Node],
    is_mirrored: (bool, bool),
    threads: usize,
) -> Result<Vec<(usize, Ycc)>, Failure> {
    if threads > 1 {
        decode_ahead(planes, |planes| reduce(planes, nodes, is_mirrored))
    } else {
        reduce(planes, nodes, is_mirrored)
    }
}

fn reduce(
    planes: &mut dyn Planes,
    nodes: &[Node],
    is_mirrored: (bool, bool),
) -> Result<Vec<(usize, Ycc)>, Failure> {
    let ratio = planes.ratio();
    let source = Grid {
        begin: (0.0, 0.0),
        step: (f64::from(ratio.0), f64::from(ratio.1)),
        size: planes.chroma_size(),
    };
    let chroma: Vec<Node> = nodes
        .iter()
        .map(|node| chroma(node, source, is_mirrored))
        .collect();
    let begin = |nodes: &[Node], size: (u32, u32), averaged: Averaged| -> Vec<Running> {
        nodes
            .iter()
            .map(|node| Running::new(node, size, Channels::Gray, averaged))
            .collect()
    };
    let luma = begin(nodes, planes.luma_size(), Averaged::Light);
    let chroma = begin(&chroma, source.size, Averaged::Codes);
    let mut running = [luma, chroma.clone(), chroma];
    while let Some(strip) = planes.next_strip()? {
        for (plane, nodes) in running.iter_mut().enumerate() {
            let rows = if plane == 0 { &strip.luma } else { &strip.chroma };
            for row in rows.clone() {
                let row = Row::Eight(planes.plane_row(plane, row));
                nodes.iter_mut().try_for_each(|node| node.push_row(row))?;
            }
        }
    }
    let [luma, blue, red] = running.map(|nodes| -> Result<Vec<(usize, Picture)>, Failure> {
        let mut pictures = Vec::new();
        nodes
            .into_iter()
            .try_for_each(|node| node.finish(&mut pictures))?;
        Ok(pictures)
    });
    // All three in the same order.
    let planes = luma?.into_iter().zip(blue?).zip(red?);
    Ok(planes
        .map(|(((id, luma), (_, blue)), (_, red))| (id, Ycc { luma, blue, red }))
        .collect())
}
