//! A slab's records that are no rows, until it is their turn to be written.

use crate::{
    read::{Block, Slab},
    rejects::{Expected, Rejected},
    source::Places,
};

/// A slab of more rejects than this is split again when they are written, rather than keep them all.
const MOST_KEPT_REJECTS: usize = 1000;

/// A slab's records that are no rows.
pub(crate) enum NoRows {
    Kept(Vec<Rejected<'static>>),
    /// So many that they are found again.
    Within(Slab),
}

impl NoRows {
    /// Whether bytes that cannot be decoded are among them.
    pub(crate) fn are_undecodable(&self) -> bool {
        match self {
            Self::Kept(rejected) => rejected.iter().any(|rejected| rejected.undecodable.is_some()),
            Self::Within(slab) => std::str::from_utf8(slab.bytes()).is_err(),
        }
    }
}

/// Keeps a block's rejects, unless there are many.
pub(crate) fn keep(
    block: &Block<'_>,
    places: &mut Places<'_>,
    expected: Expected<'_>,
    rejected: &mut Vec<Rejected<'static>>,
) {
    let room = (MOST_KEPT_REJECTS + 1).saturating_sub(rejected.len());
    rejected.extend(
        Rejected::of(block, places, expected)
            .take(room)
            .map(Rejected::into_owned),
    );
}
