//! Watches the catalogue: tells owners' endpoints what became of their files, and lets announcements expire.
//!
//! ```text
//! table's stream ─► Watcher ─► a record came into a final state ─► one message per endpoint ─► queue
//!                      └─────► an upload's time is over ─► Catalogue::expire ─► the table's stream again
//! queue ─► Courier ─► sign ─► POST ─► 2xx: over; 410: endpoint deleted; else: back to the queue, later and later
//! ```
//!
//! What is delivered is a Standard Webhook ([`shared::webhook`]). A delivery may come twice, by the same
//! `webhook-id` and with the same body; none is lost before the queue's tries are used up, and then it waits in a
//! queue of its own, which has an alarm.

mod attribute;
pub mod backoff;
pub mod change;
#[cfg(feature = "lambda")]
pub mod client;
pub mod deliver;
pub mod delivery;
pub mod event;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod notice;
pub mod post;
#[cfg(feature = "lambda")]
mod sqs;
pub mod watch;
