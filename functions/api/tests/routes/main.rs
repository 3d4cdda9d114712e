//! What a client of the API may rely on, over stores in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod everywhere;
mod files;
mod multipart;
mod repetitions;
mod stage;
mod uploads;
