//! What has to be resized to what, before a pixel is decoded.

use shared::options::{Fit, Focus, RenditionSpec, Side};

use crate::{
    encode::{is_from_planes, max_side, takes_halved_chroma},
    resize::{Node, Region},
};

/// A side of the small picture that digests are made of, in pixels, at most.
pub(super) const DIGEST_SIDE: u32 = 100;

/// A reduction is made of another one only if that is at least so many times as large: then twice resampled is as good.
const CASCADE_FROM: f64 = 1.5;

/// How much larger than needed a decoder's picture must be for detail to be left out while decoding.
const DECODE_MARGIN: f64 = 1.2;

/// A picture that a rendition (or several) is made of: a part of the source, resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Base {
    /// The part of the source, as it is seen (oriented); in pixels of the source.
    pub(super) region: Region,
    /// Width and height, as it is seen; in pixels.
    pub(super) size: (u32, u32),
}

/// Width and height, in pixels.
type Size = (u32, u32);

/// What becomes of a base before it is encoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout {
    /// Which base.
    pub(super) base: usize,
    /// Cut to this size where the most is to be seen.
    pub(super) attention: Option<(u32, u32)>,
    /// Laid in the middle of a canvas of this size.
    pub(super) canvas: Option<(u32, u32)>,
}

impl Layout {
    /// Whether the base is encoded as it is.
    pub(super) const fn is_plain(&self) -> bool {
        self.attention.is_none() && self.canvas.is_none()
    }
}

/// All reductions, and what each rendition is made of.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) bases: Vec<Base>,
    /// Of each base, whether chroma of half its width and height is all that is made of it.
    halved: Vec<bool>,
    pub(super) layouts: Vec<Layout>,
}

fn whole(side: f64, most: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let pixels = side.round().clamp(1.0, f64::from(most.max(1))) as u32;
    pixels
}

impl Plan {
    /// The plan for a source of `size` (width and height as it is seen, in pixels).
    pub(super) fn new(size: (u32, u32), specs: &[RenditionSpec], with_digests: bool) -> Self {
        let mut plan = Self {
            bases: Vec::new(),
            halved: Vec::new(),
            layouts: Vec::new(),
        };
        for spec in specs {
            let (base, attention, canvas) = layout(size, spec);
            let is_plain = attention.is_none() && canvas.is_none();
            let base = plan.base(
                base,
                is_plain && is_from_planes(spec) && takes_halved_chroma(spec),
            );
            plan.layouts.push(Layout {
                base,
                attention,
                canvas,
            });
        }
        if with_digests {
            let base = plan.base(
                inside(size, Some(DIGEST_SIDE), Some(DIGEST_SIDE), DIGEST_SIDE),
                false,
            );
            plan.layouts.push(Layout {
                base,
                attention: None,
                canvas: None,
            });
        }
        plan
    }

    /// The number of a base, one that is there already if there is the same.
    fn base(&mut self, base: Base, halved: bool) -> usize {
        if let Some(index) = self.bases.iter().position(|other| *other == base) {
            if let Some(both) = self.halved.get_mut(index) {
                *both &= halved;
            }
            return index;
        }
        self.bases.push(base);
        self.halved.push(halved);
        self.bases.len() - 1
    }

    /// The least size (as stored) of the whole picture that the decoder must give.
    pub(super) fn wanted(&self, stored: (u32, u32), orientation: u8) -> (u32, u32) {
        let (mut across, mut down) = (0.0_f64, 0.0_f64);
        for base in &self.bases {
            across = across.max(f64::from(base.size.0) / base.region.width);
            down = down.max(f64::from(base.size.1) / base.region.height);
        }
        if orientation >= 5 {
            (across, down) = (down, across);
        }
        let wanted = |side: u32, part: f64| whole((f64::from(side) * part * DECODE_MARGIN).ceil(), side);
        (wanted(stored.0, across), wanted(stored.1, down))
    }

    /// The reductions as they are made of one another: of a source that is stored as `orientation` says, and comes from the
    /// decoder with `decoded` pixels where the file has `stored` ones.
    pub(super) fn nodes(&self, stored: (u32, u32), decoded: (u32, u32), orientation: u8) -> Vec<Node> {
        let mut order: Vec<usize> = (0..self.bases.len()).collect();
        let density = |base: &Base| {
            (
                f64::from(base.size.0) / base.region.width,
                f64::from(base.size.1) / base.region.height,
            )
        };
        order.sort_by(|a, b| {
            let pixels = |index: &usize| {
                self.bases
                    .get(*index)
                    .map_or(0.0, |base| density(base).0 * density(base).1)
            };
            pixels(b).total_cmp(&pixels(a))
        });
        // Each hangs on the coarsest one that holds it and is fine enough, or on the source.
        let mut parents: Vec<(usize, Option<usize>)> = Vec::new();
        for index in order {
            let Some(base) = self.bases.get(index) else {
                continue;
            };
            let serves = |other: &Base| {
                let (fine, coarse) = (density(other), density(base));
                holds(&other.region, &base.region)
                    && fine.0 >= coarse.0 * CASCADE_FROM
                    && fine.1 >= coarse.1 * CASCADE_FROM
            };
            let parent = parents
                .iter()
                .rev()
                .map(|(other, _)| *other)
                .find(|other| self.bases.get(*other).is_some_and(serves));
            parents.push((index, parent));
        }
        let scale = (
            f64::from(decoded.0) / f64::from(stored.0),
            f64::from(decoded.1) / f64::from(stored.1),
        );
        let as_stored = |base: &Base| stored_region(&base.region, stored, orientation);
        let mut made: Vec<(usize, Option<usize>, Node)> = parents
            .iter()
            .filter_map(|(index, parent)| {
                let base = self.bases.get(*index)?;
                let region = as_stored(base);
                let region = match parent.and_then(|parent| self.bases.get(parent)) {
                    None => region.scaled(scale.0, scale.1),
                    Some(parent) => {
                        let outer = as_stored(parent);
                        let (width, height) = turned(parent.size, orientation);
                        let moved = Region {
                            x: region.x - outer.x,
                            y: region.y - outer.y,
                            ..region
                        };
                        moved.scaled(f64::from(width) / outer.width, f64::from(height) / outer.height)
                    }
                };
                let target = turned(base.size, orientation);
                Some((
                    *index,
                    *parent,
                    Node {
                        id: *index,
                        region,
                        target,
                        halved: self.halved.get(*index).copied().unwrap_or_default(),
                        children: Vec::new(),
                    },
                ))
            })
            .collect();
        // The coarsest first go to their parents, which stand before them.
        let mut roots = Vec::new();
        while let Some((_, parent, node)) = made.pop() {
            let parent = parent.and_then(|parent| made.iter_mut().find(|(index, ..)| *index == parent));
            match parent {
                Some((_, _, parent)) => parent.children.push(node),
                None => roots.push(node),
            }
        }
        roots
    }
}

/// A width and a height as stored, of those as seen, or the other way round.
pub(super) const fn turned((width, height): (u32, u32), orientation: u8) -> (u32, u32) {
    if orientation >= 5 && orientation <= 8 {
        (height, width)
    } else {
        (width, height)
    }
}

/// Whether one part holds another, to a thousandth of a pixel.
fn holds(outer: &Region, inner: &Region) -> bool {
    const SLACK: f64 = 0.001;
    outer.x <= inner.x + SLACK
        && outer.y <= inner.y + SLACK
        && outer.x + outer.width >= inner.x + inner.width - SLACK
        && outer.y + outer.height >= inner.y + inner.height - SLACK
}

/// The part of a picture as stored (`width` × `height`) that is seen as `seen`, by EXIF's orientation.
fn stored_region(seen: &Region, (width, height): (u32, u32), orientation: u8) -> Region {
    let (across, down) = (f64::from(width), f64::from(height));
    let Region { x, y, width, height } = *seen;
    match orientation {
        2 => Region {
            x: across - x - width,
            ..*seen
        },
        3 => Region {
            x: across - x - width,
            y: down - y - height,
            ..*seen
        },
        4 => Region {
            y: down - y - height,
            ..*seen
        },
        5 => Region {
            x: y,
            y: x,
            width: height,
            height: width,
        },
        6 => Region {
            x: y,
            y: down - x - width,
            width: height,
            height: width,
        },
        7 => Region {
            x: across - y - height,
            y: down - x - width,
            width: height,
            height: width,
        },
        8 => Region {
            x: across - y - height,
            y: x,
            width: height,
            height: width,
        },
        _ => *seen,
    }
}

/// All of the picture, no larger than the given sides.
fn inside(size: (u32, u32), width: Option<u32>, height: Option<u32>, longest: u32) -> Base {
    let part = |side: Option<u32>, of: u32| side.map_or(1.0, |side| f64::from(side) / f64::from(of));
    let scale = part(width, size.0)
        .min(part(height, size.1))
        .min(part(Some(longest), size.0.max(size.1)))
        .min(1.0);
    let sized = |side: u32| whole(f64::from(side) * scale, side);
    Base {
        region: Region::whole(size.0, size.1),
        size: (sized(size.0), sized(size.1)),
    }
}

/// A size cut down so that neither side is longer than `longest`, in the same shape.
fn capped((width, height): (f64, f64), longest: u32) -> (f64, f64) {
    let scale = (f64::from(longest) / width.max(height)).min(1.0);
    (width * scale, height * scale)
}

/// What a rendition is made of: its base, whether it is cut by attention and to what, its canvas.
fn layout(size: Size, spec: &RenditionSpec) -> (Base, Option<Size>, Option<Size>) {
    let longest = max_side(spec.format());
    let (width, height) = (spec.width.map(Side::get), spec.height.map(Side::get));
    let (Some(target_width), Some(target_height)) = (width, height) else {
        return (inside(size, width, height, longest), None, None);
    };
    let source = (f64::from(size.0), f64::from(size.1));
    let (target_width, target_height) = capped((f64::from(target_width), f64::from(target_height)), longest);
    match spec.fit.unwrap_or_default() {
        Fit::Inside => (inside(size, width, height, longest), None, None),
        Fit::Fill => {
            let target = (whole(target_width, size.0), whole(target_height, size.1));
            (
                Base {
                    region: Region::whole(size.0, size.1),
                    size: target,
                },
                None,
                None,
            )
        }
        Fit::Contain => {
            // Where the picture would have to be enlarged, the canvas is made smaller instead.
            let scale = (target_width / source.0).min(target_height / source.1);
            let shrink = scale.max(1.0);
            let canvas = (
                whole(target_width / shrink, u32::MAX),
                whole(target_height / shrink, u32::MAX),
            );
            let sized = |side: u32, most: u32| whole(f64::from(side) * scale.min(1.0), side.min(most));
            let target = (sized(size.0, canvas.0), sized(size.1, canvas.1));
            (
                Base {
                    region: Region::whole(size.0, size.1),
                    size: target,
                },
                None,
                Some(canvas),
            )
        }
        Fit::Cover => {
            let scale = (target_width / source.0).max(target_height / source.1);
            let shrink = scale.max(1.0);
            let target = (
                whole(target_width / shrink, size.0),
                whole(target_height / shrink, size.1),
            );
            let scale = (f64::from(target.0) / source.0).max(f64::from(target.1) / source.1);
            match spec.focus {
                Some(Focus::Attention) => {
                    let all = (
                        whole((source.0 * scale).max(f64::from(target.0)), size.0),
                        whole((source.1 * scale).max(f64::from(target.1)), size.1),
                    );
                    (
                        Base {
                            region: Region::whole(size.0, size.1),
                            size: all,
                        },
                        Some(target),
                        None,
                    )
                }
                focus => {
                    let (x, y) = match focus {
                        Some(Focus::Point(point)) => (point.x.get(), point.y.get()),
                        _ => (0.5, 0.5),
                    };
                    let (width, height) = (f64::from(target.0) / scale, f64::from(target.1) / scale);
                    let begin = |side: f64, cut: f64, at: f64| {
                        (side * at - cut / 2.0).clamp(0.0, (side - cut).max(0.0))
                    };
                    let region = Region {
                        x: begin(source.0, width, x),
                        y: begin(source.1, height, y),
                        width,
                        height,
                    };
                    (Base { region, size: target }, None, None)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
