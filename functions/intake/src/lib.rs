//! Sorts files by their bytes: what the first [`SAMPLE_BYTES`] of a file say it is, and which kind of function
//! unloads it.
//!
//! The way of a sample, each step in its own module:
//!
//! 1. `compression` looks inside gzip and zstd, through decoders that give so many bytes and no more. What follows
//!    is asked of the bytes inside.
//! 2. `binary` knows what has a signature: images and archives by our own checks of their first structure, all
//!    else by the [`file_format`] library.
//! 3. `encoding` turns what is text into UTF-8.
//! 4. `markup`, `w3c`, `access_log`, `json` and `delimited` are asked in turn whether it is theirs; `prose` says what it
//!    looks like if it is none of theirs, and how much that speaks against a table.
//!
//! # Confidence
//! [`Identified::confidence`] is between 0 and 1, and says how much of what was looked at supports the answer:
//! - a signature with a structure behind it that fits (a tar header's checksum, a BMP's header size): 0.9 to 1;
//! - access logs, JSON Lines: the share of the sampled lines that parse as the format;
//! - delimited text: the share of the sampled records with the same number of fields, weighed by how much the
//!   fields look like values and the delimiter like one;
//! - an answer that the name gave where the bytes left it open: at most 0.5;
//! - for what nothing unloads (`kind` is none), how sure it is that it looks like what `looks_like` says.
//!
//! The name never overrules bytes that are clear: HTML in a file called `data.csv` is HTML.
#![forbid(unsafe_code)]

mod access_log;
mod archive;
mod binary;
mod compression;
mod delimited;
mod encoding;
mod field;
mod identify;
mod json;
mod json_log;
#[cfg(feature = "lambda")]
pub mod lambda;
mod markup;
mod media_type;
mod other_log;
mod prose;
mod record;
#[cfg(feature = "lambda")]
pub mod sort;
mod w3c;

pub use compression::Compression;
pub use encoding::Encoding;
pub use identify::{Identified, Kind, SAMPLE_BYTES, Sample, identify};
pub use media_type::declared_mismatch;

#[cfg(test)]
mod identify_properties;
#[cfg(test)]
mod identify_tests;
