//! Still renditions of their bases, encoded side by side; each picture once, however many names it has.

use std::cmp::Reverse;

use shared::{Failure, options::RenditionSpec};

use super::{
    Base,
    plan::Plan,
    rendition::{self, Rendition},
    side_by_side,
};
use crate::{encode, picture::Picture};

/// Makes all renditions, in the order of their specifications; `watermarks` are theirs.
///
/// # Errors
/// Internal: as encoders fail.
pub(super) fn render(
    specs: &[RenditionSpec],
    plan: &Plan,
    bases: &[Base],
    watermarks: &[Option<Picture>],
    copyright: Option<&str>,
    threads: usize,
) -> Result<Vec<Rendition>, Failure> {
    let missing = || Failure::internal("render", "a rendition without its plan");
    let job = |index: usize| {
        let (spec, layout) = (
            specs.get(index).ok_or_else(missing)?,
            plan.layouts.get(index).ok_or_else(missing)?,
        );
        let base = bases.get(layout.base).ok_or_else(missing)?;
        let watermark = watermarks.get(index).and_then(Option::as_ref);
        rendition::make(base, layout, spec, watermark, copyright)
    };
    let first: Vec<usize> = (0..specs.len())
        .map(|index| first_alike(specs, plan, index))
        .collect();
    let mut order: Vec<usize> = (0..specs.len())
        .filter(|index| first.get(*index) == Some(index))
        .collect();
    // The longest first, so that none of the threads is left with it at the end.
    order.sort_by_key(|index| Reverse(cost(specs, plan, *index)));
    let made = side_by_side(&order, threads, &job)?;
    order.sort_unstable();
    let named = specs.iter().zip(first).map(|(spec, first)| {
        let made = order.binary_search(&first).ok().and_then(|at| made.get(at));
        made.cloned().ok_or_else(missing).map(|made| Rendition {
            name: spec.output_name(),
            ..made
        })
    });
    named.collect()
}

/// The first rendition that comes out as this one does: where widths are larger than the picture, there are several.
fn first_alike(specs: &[RenditionSpec], plan: &Plan, index: usize) -> usize {
    // What of a specification is not in the plan already.
    let rest = |spec: &RenditionSpec| RenditionSpec {
        name: None,
        width: None,
        height: None,
        fit: None,
        focus: None,
        ..spec.clone()
    };
    let (Some(spec), Some(layout)) = (specs.get(index), plan.layouts.get(index)) else {
        return index;
    };
    let mut before = specs.iter().zip(&plan.layouts).take(index);
    let same = before.position(|(other, other_layout)| other_layout == layout && rest(other) == rest(spec));
    same.unwrap_or(index)
}

/// How long a rendition takes, about.
fn cost(specs: &[RenditionSpec], plan: &Plan, index: usize) -> u64 {
    let layout = plan.layouts.get(index);
    let base = layout.and_then(|layout| plan.bases.get(layout.base));
    let pixels = base.map_or(0, |base| u64::from(base.size.0) * u64::from(base.size.1));
    pixels * specs.get(index).map_or(1, |spec| encode::cost(spec.format()))
}
