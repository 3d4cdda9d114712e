//! The catalogue: for every file ever uploaded, what became of it.
//!
//! ```text
//! pending ─► processing ─► done
//!    │          ├────────► rejected   the file is at fault: terminal
//!    │          ├────────► failed     we were at fault: the next attempt may claim it
//!    │          ├────────► pending    handed over to the function of its kind, or overwritten meanwhile
//!    ├──────────┴────────► removed    the upload was deleted before it was unloaded
//!    └───────────────────► expired    announced, but nothing was uploaded in time
//!
//! done, rejected, failed ─► pending   its owner asked for another attempt
//! anything ───────────────► deleted   its owner deleted it: nobody sees it any more
//! ```
//!
//! The transitions are pure functions on [`FileRecord`] ([`transition`]): the in-memory store calls them, the
//! DynamoDB store says the same as condition expressions, and the conformance suite holds the two together.

pub mod history;
pub mod lifecycle;
mod record;
mod sequencer;
pub mod transition;
mod view;

pub use history::{HistoryEntry, HistoryEvent};
pub use lifecycle::{Deletion, Reprocess, ReprocessRefusal};
pub use record::{FileRecord, Identified, Lease, Multipart, Output, Status, Upload};
pub use sequencer::Sequencer;
pub use transition::{Attempt, Claim, Claimed, Committed, Outcome, Removal, Removed};
pub use view::{FailureView, FileView, HistoryView, OutputView};
