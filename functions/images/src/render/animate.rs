//! Animated renditions: all frames of an animation, streamed.
//!
//! ```text
//! next frame ─► the same reductions, cuts and filters as of a still ─► what it changes ─► encode, a few side by side ─► append
//! ```
//!
//! What is held is a frame as decoded, as many as there are threads as they are to be encoded, and the files that come of it. Renditions of
//! a stated quality are all made in one pass through the frames. For one that is held to a number of bytes there are several:
//! each tries a quality for all of the animation.

use sha2::{Digest as _, Sha256};
use shared::{Failure, Input, options::RenditionSpec};

use super::{
    plan::{self, Plan},
    reduce,
    rendition::{Rendition, Timing, dress, window},
    side_by_side,
};
use crate::{
    decode::{Facts, PictureLimits, animation},
    encode::{
        self,
        animation::{AnimationFile, Change, Changes, encode_change},
    },
    picture::{Picture, RowsOf},
    privacy,
};

/// What animated renditions are made of.
pub(super) struct Source<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) facts: &'a Facts,
    pub(super) copyright: Option<&'a str>,
    pub(super) limits: &'a PictureLimits,
}

/// One that is asked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    spec: &'a RenditionSpec,
    /// Of its filters, decoded.
    watermark: Option<&'a Picture>,
}

/// Whether a rendition has all frames of this file. Of a still there are none but the first.
pub(super) fn is_animated(facts: &Facts, spec: &RenditionSpec) -> bool {
    facts.frames > 1 && spec.animated == Some(true)
}

/// Refuses what would go through more pixels than are allowed, before anything is made.
///
/// # Errors
/// Limit (`too-many-pixels`): more than [`PictureLimits::animated_pixels`].
pub(super) fn check(facts: &Facts, specs: &[RenditionSpec], limits: &PictureLimits) -> Result<(), Failure> {
    let animated = || specs.iter().filter(|spec| is_animated(facts, spec));
    let tried = animated().filter(|spec| spec.target_bytes.is_some()).count() as u64;
    let is_stated = animated().any(|spec| spec.target_bytes.is_none());
    let passes = tried * u64::from(encode::MAX_TRIES) + u64::from(is_stated);
    limits.check_animated(facts, passes)
}

/// Makes animated renditions, in the order of their specifications; `watermarks` are theirs.
///
/// # Errors
/// As [`animation::open`] and its frames: a damaged frame fails all, as a damaged row does. Limit (`too-much-memory`): the
/// renditions grow larger than a decoder may.
pub(super) fn render(
    source: &Source<'_>,
    specs: &[RenditionSpec],
    watermarks: &[Option<Picture>],
) -> Result<Vec<Rendition>, Failure> {
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = specs.iter().zip(watermarks.iter().map(Option::as_ref));
    let wanted: Vec<_> = pairs
        .map(|(spec, watermark)| Wanted { spec, watermark })
        .collect();
    let stated: Vec<Wanted<'_>> = wanted
        .iter()
        .filter(|one| one.spec.target_bytes.is_none())
        .copied()
        .collect();
    let qualities = stated
        .iter()
        .map(|one| (one.spec.lossless != Some(true)).then(|| encode::quality(one.spec)))
        .collect::<Vec<_>>();
    let mut made = pass(source, &stated, &qualities)?.into_iter();
    let mut renditions = Vec::with_capacity(wanted.len());
    for one in &wanted {
        renditions.push(match one.spec.target_bytes {
            Some(target) => within(source, one, target.get() as usize)?,
            None => made.next().ok_or_else(missing)?,
        });
    }
    Ok(renditions)
}

fn missing() -> Failure {
    Failure::internal("render", "no animated rendition")
}

/// Of the best quality that gives at most so many bytes.
fn within(source: &Source<'_>, wanted: &Wanted<'_>, target: usize) -> Result<Rendition, Failure> {
    let attempt = |quality: u8| {
        let made = pass(source, std::slice::from_ref(wanted), &[Some(quality)])?;
        made.into_iter().next().ok_or_else(missing)
    };
    encode::best_within(target, |made| made.bytes.len(), &attempt).map(|(_, made)| made)
}

/// A rendition in the making.
struct Running<'a> {
    wanted: Wanted<'a>,
    /// None where it is lossless.
    quality: Option<u8>,
    layout: plan::Layout,
    /// Where attention cuts all frames: where it cuts the first.
    window: Option<(u32, u32)>,
    /// In pixels.
    size: (u32, u32),
    changes: Changes,
    file: AnimationFile,
}

/// Goes through all frames once.
fn pass(
    source: &Source<'_>,
    wanted: &[Wanted<'_>],
    qualities: &[Option<u8>],
) -> Result<Vec<Rendition>, Failure> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let facts = source.facts;
    let specs: Vec<RenditionSpec> = wanted.iter().map(|one| one.spec.clone()).collect();
    let seen = plan::turned((facts.width, facts.height), facts.orientation);
    let plan = Plan::new(seen, &specs, false);
    let mut running: Vec<Running<'_>> = wanted
        .iter()
        .zip(qualities)
        .zip(&plan.layouts)
        .map(|((wanted, quality), layout)| Running {
            wanted: *wanted,
            quality: *quality,
            layout: *layout,
            window: None,
            size: (0, 0),
            changes: Changes::default(),
            file: AnimationFile::new(),
        })
        .collect();
    let mut animation = animation::open(source.input, facts, source.limits)?;
    let loop_count = animation.loop_count();
    let threads = source.input.limits.threads;
    // What is to be encoded side by side, and for which rendition.
    let mut batch: Vec<(usize, Change)> = Vec::new();
    let mut number = 0;
    while let Some(frame) = animation.next_frame()? {
        let bases = reduce(&plan, &mut RowsOf::new(frame.picture), facts, 1)?;
        for (index, one) in running.iter_mut().enumerate() {
            let base = bases.get(one.layout.base).ok_or_else(missing)?;
            batch.push((index, one.change(&base.pixels(), frame.duration_ms)));
        }
        number += 1;
        if batch.len() >= threads.max(1) || number == facts.frames {
            append(&mut running, &mut batch, threads)?;
            check_size(&running, source.limits, number)?;
        }
    }
    running
        .into_iter()
        .map(|one| one.finish(loop_count, source.copyright))
        .collect()
}

/// Encodes what is there, and puts it at the ends of the files.
fn append(
    running: &mut [Running<'_>],
    batch: &mut Vec<(usize, Change)>,
    threads: usize,
) -> Result<(), Failure> {
    let qualities: Vec<_> = running.iter().map(|one| one.quality).collect();
    let order: Vec<usize> = (0..batch.len()).collect();
    let encoded = side_by_side(&order, threads, &|turn| {
        let (index, change) = batch.get(turn).ok_or_else(missing)?;
        let quality = qualities.get(*index).copied().ok_or_else(missing)?;
        encode_change(change, quality).map(|frame| (*index, frame))
    })?;
    batch.clear();
    for (index, frame) in encoded {
        running.get_mut(index).ok_or_else(missing)?.file.push(&frame);
    }
    Ok(())
}

fn check_size(running: &[Running<'_>], limits: &PictureLimits, number: u32) -> Result<(), Failure> {
    let bytes = running.iter().map(|one| one.file.size_bytes()).sum();
    limits.check_held(bytes).map_err(|failure| Failure {
        message: format!(
            "the animated renditions up to frame {number}: {}",
            failure.message
        ),
        ..failure
    })
}

impl Running<'_> {
    /// What a frame changes.
    fn change(&mut self, base: &Picture, duration_ms: u32) -> Change {
        let at = *self.window.get_or_insert_with(|| window(base, &self.layout));
        let picture = dress(base, &self.layout, at, self.wanted.spec, self.wanted.watermark).into_owned();
        self.size = (picture.shape.width, picture.shape.height);
        self.changes.next(picture, duration_ms, self.quality.is_none())
    }

    fn finish(self, loop_count: u16, copyright: Option<&str>) -> Result<Rendition, Failure> {
        let (frames, duration_ms) = (self.file.frames(), self.file.duration_ms());
        let bytes = self.file.finish(self.size, loop_count, copyright)?;
        let (name, format) = (self.wanted.spec.output_name(), self.wanted.spec.format());
        privacy::check(&name, format, &bytes, copyright)?;
        Ok(Rendition {
            name,
            format,
            width: self.size.0,
            height: self.size.1,
            sha256: Sha256::digest(&bytes).into(),
            bytes,
            quality: self.quality,
            frames,
            timing: Some(Timing {
                duration_ms,
                loop_count,
            }),
        })
    }
}
