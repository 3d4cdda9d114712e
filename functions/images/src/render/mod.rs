//! One picture to its renditions: decoded once, reduced in one pass, encoded side by side.
//!
//! ```text
//! open ─► plan ─► rows ─► reductions, each of the next larger one ─► orient ─► cut, filter, flatten ─► encode ─► check
//! ```
//!
//! A JPEG's rows are its luma and chroma as they are stored, and stay so until they are encoded, unless a filter, a canvas or a
//! format asks for red, green and blue. Any other picture's are red, green and blue, or grey.

mod animate;
mod attention;
mod gamma;
mod plan;
mod rendition;
mod stills;

use std::{
    borrow::Cow,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use shared::{
    Failure, Input,
    options::{ImagesOptions, RenditionSpec},
};

use self::plan::Plan;
pub use self::rendition::{Rendition, Timing};
use crate::{
    decode::{self, Facts, Format, PictureLimits, Wanted},
    encode,
    orient::{is_mirrored, orient},
    picture::{Picture, Rows},
    resize,
    ycc::Ycc,
};

/// A picture's facts, its renditions in the order of their specifications, and a small picture of all of it.
#[derive(Debug)]
pub struct Renditions {
    /// What the file states.
    pub facts: Facts,
    /// Each as it was asked for.
    pub renditions: Vec<Rendition>,
    /// At most 100 pixels a side, of 8 bits, oriented: what digests are made of.
    pub small: Picture,
}

/// Makes all renditions that the options ask for.
///
/// # Errors
/// As [`decode::open`] and the rows; rejected (`options`): options that do not go together, a watermark that is no picture.
/// Internal: a rendition that would have carried metadata.
pub fn render(
    input: &Input<'_>,
    options: &ImagesOptions,
    limits: &PictureLimits,
) -> Result<Renditions, Failure> {
    let specs = options
        .resolve()
        .map_err(|error| Failure::rejected("options", error.to_string()))?;
    let keep_copyright = options.keep_copyright == Some(true);
    let (facts, renditions, small) = make(input, &specs, keep_copyright, true, limits)?;
    Ok(Renditions {
        facts,
        renditions,
        small: small.ok_or_else(|| Failure::internal("render", "no reduction"))?,
    })
}

/// Makes one rendition, for who asks for it now.
///
/// # Errors
/// As [`render`].
pub fn render_one(
    input: &Input<'_>,
    spec: &RenditionSpec,
    limits: &PictureLimits,
) -> Result<Rendition, Failure> {
    spec.check()
        .map_err(|error| Failure::rejected("options", error.to_string()))?;
    let (_, renditions, _) = make(input, std::slice::from_ref(spec), false, false, limits)?;
    renditions
        .into_iter()
        .next()
        .ok_or_else(|| Failure::internal("render", "no rendition"))
}

fn make(
    input: &Input<'_>,
    all: &[RenditionSpec],
    keep_copyright: bool,
    with_digests: bool,
    limits: &PictureLimits,
) -> Result<(Facts, Vec<Rendition>, Option<Picture>), Failure> {
    // What is wanted follows from the picture's size, which only the header says.
    let mut opened = decode::open(input, limits, Wanted::Everything)?;
    let facts = opened.facts.clone();
    animate::check(&facts, all, limits)?;
    let is_animated = |spec: &&RenditionSpec| animate::is_animated(&facts, spec);
    // What has one frame is made of the first, what has all of them afterwards.
    let stills: Vec<RenditionSpec> = all.iter().filter(|spec| !is_animated(spec)).cloned().collect();
    let specs = stills.as_slice();
    let stored = (facts.width, facts.height);
    let plan = Plan::new(plan::turned(stored, facts.orientation), specs, with_digests);
    let (width, height) = plan.wanted(stored, facts.orientation);
    // JPEG's decoder can leave detail out, and has so far read a header only.
    if facts.format == Format::Jpeg && width <= stored.0.div_ceil(2) && height <= stored.1.div_ceil(2) {
        drop(opened);
        opened = decode::open(input, limits, Wanted::AtLeast { width, height })?;
    }
    let bases = reduce(&plan, opened.rows.as_mut(), &facts, input.limits.threads)?;
    drop(opened);
    let copyright = facts
        .exif
        .copyright
        .as_deref()
        .filter(|_| keep_copyright)
        .map(encode::kept);
    let copyright = copyright.as_deref().filter(|copyright| !copyright.is_empty());
    let marked = |specs: &[RenditionSpec]| {
        let watermarks = specs.iter().map(|spec| rendition::watermark(spec, limits));
        watermarks.collect::<Result<Vec<_>, _>>()
    };
    let watermarks = marked(specs)?;
    let threads = input.limits.threads;
    let renditions = stills::render(specs, &plan, &bases, &watermarks, copyright, threads)?;
    let small = plan.layouts.last().filter(|_| with_digests);
    let small = small
        .and_then(|layout| bases.get(layout.base))
        .map(|base| base.pixels().into_owned());
    drop(bases);
    let animated: Vec<RenditionSpec> = all.iter().filter(is_animated).cloned().collect();
    let watermarks = marked(&animated)?;
    let source = animate::Source {
        input,
        facts: &facts,
        copyright,
        limits,
    };
    let mut animated = animate::render(&source, &animated, &watermarks)?.into_iter();
    let mut stills = renditions.into_iter();
    let in_order = all.iter().filter_map(|spec| {
        if is_animated(&spec) {
            animated.next()
        } else {
            stills.next()
        }
    });
    let renditions = in_order.collect();
    Ok((facts, renditions, small))
}

/// A reduction of the source.
#[derive(Debug)]
enum Base {
    /// Red, green and blue, or grey; with alpha or without.
    Pixels(Picture),
    /// Luma and chroma.
    Planes(Ycc),
}

impl Base {
    fn pixels(&self) -> Cow<'_, Picture> {
        match self {
            Self::Pixels(picture) => Cow::Borrowed(picture),
            Self::Planes(planes) => Cow::Owned(planes.to_rgb()),
        }
    }
}

/// All bases, oriented, in the order of the plan.
fn reduce(plan: &Plan, rows: &mut dyn Rows, facts: &Facts, threads: usize) -> Result<Vec<Base>, Failure> {
    let shape = rows.shape();
    let nodes = plan.nodes(
        (facts.width, facts.height),
        (shape.width, shape.height),
        facts.orientation,
    );
    // Where all frames are asked for and nothing else, the first one need not be decoded for itself.
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let orientation = facts.orientation;
    let mut bases: Vec<(usize, Base)> = if let Some(planes) = rows.planes() {
        let reduced = resize::run_planes(planes, &nodes, is_mirrored(orientation), threads)?.into_iter();
        reduced
            .map(|(id, planes)| (id, Base::Planes(planes.oriented(orientation))))
            .collect()
    } else {
        let reduced = match facts.gamma.and_then(|gamma| gamma::correct(rows, gamma)) {
            Some(mut corrected) => resize::run(&mut corrected, &nodes)?,
            None => resize::run(rows, &nodes)?,
        };
        let reduced = reduced.into_iter();
        reduced
            .map(|(id, picture)| (id, Base::Pixels(orient(picture, orientation))))
            .collect()
    };
    bases.sort_by_key(|(id, _)| *id);
    Ok(bases.into_iter().map(|(_, base)| base).collect())
}

/// Does the jobs of these numbers, begun in this order, on `threads` threads beside each other; the results in the order of their
/// numbers, or the first failure.
fn side_by_side<T: Send>(
    order: &[usize],
    threads: usize,
    job: &(dyn Fn(usize) -> Result<T, Failure> + Sync),
) -> Result<Vec<T>, Failure> {
    let work = |next: &AtomicUsize, done: &Mutex<Vec<(usize, Result<T, Failure>)>>| {
        while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = job(*index);
            if result.is_err() {
                next.store(order.len(), Ordering::Relaxed);
            }
            if let Ok(mut done) = done.lock() {
                done.push((*index, result));
            }
        }
    };
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(order.len())));
    if threads <= 1 {
        work(&next, &done);
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads.min(order.len()) {
                scope.spawn(|| work(&next, &done));
            }
        });
    }
    let mut done = done
        .into_inner()
        .map_err(|_| Failure::internal("render", "a thread ended early"))?;
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests;
