//! Flows over the real binaries, on the local stack: what a user of Longshore may rely on.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod access;
mod api;
mod calls;
mod crashes;
mod drift;
mod duplicates;
mod events;
mod images;
mod intake;
mod lifecycle;
mod memory;
mod multipart;
mod overwrites;
mod policy;
mod reads;
mod stores;
mod unload;
mod webhooks;
