//! The catalogue: for every file ever uploaded, what became of it.
//!
//! ```text
//! pending ─► processing ─► done
//!    │          ├────────► rejected   the file is at fault: terminal
//!    │          ├────────► failed     we were at fault: the next attempt may claim it
//!    │          └────────► pending    the upload was overwritten meanwhile: its own event follows
//!    └──────────┴────────► removed    the upload was deleted before it was unloaded
//! ```
//!
//! The transitions are pure functions on [`FileRecord`] ([`transition`]): the in-memory store calls them, the
//! DynamoDB store says the same as condition expressions, and the conformance suite holds the two together.

mod record;
mod sequencer;
pub mod transition;

pub use record::{FileRecord, Lease, Output, Status, Upload};
pub use sequencer::Sequencer;
pub use transition::{Attempt, Claim, Claimed, Committed, Outcome, Removal, Removed};
