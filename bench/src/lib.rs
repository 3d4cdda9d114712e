//! How long things take: what `bench-api` and `bench-cold` are made of.
//!
//! `README.md` of this folder says what is measured, how, and what it does not show.

use std::io::Write as _;

pub mod api;
pub mod cold;
mod machine;
mod markers;
mod samples;

/// Says how far it is.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
