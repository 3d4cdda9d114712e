//! `notify` as a whole, over stores in memory and receivers on this machine.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says what it expects by panicking"
)]

#[cfg(feature = "lambda")]
mod delivering;
mod events;
#[cfg(feature = "lambda")]
mod receiver;
#[cfg_attr(
    not(feature = "lambda"),
    expect(dead_code, reason = "deliveries need the client")
)]
mod stage;
mod watching;
