//! Tables of any kind to typed Parquet and Protocol Buffers: the pure core of the function `tables`.
//!
//! A file passes once. By turns threads read a slab of whole records of it ([`read`]), and parse its cells into typed columns
//! ([`columns`]), each of which they encode ([`mod@write`]) and profile ([`profile`]); the results are appended in the file's
//! order (`pipeline`). Types are those of a 64th of the file, 2 MiB at most; where a later cell contradicts one, the rest of the file is looked at for its types alone ([`types`]), and it passes once more. Memory is flat
//! in the size of the file: a few slabs are held at a time.
//!
//! | module | holds |
//! |---|---|
//! | [`processor`] | the adapter to the contract in `shared` |
//! | [`source`] | the bytes of a file as text in UTF-8: decompressed, decoded |
//! | [`dialect`] | how a text is delimited, where its table begins and what its columns are called |
//! | [`read`] | slabs of whole records over a stream, and the cells in them |
//! | [`json`] | JSON Lines, arrays of objects: their shape, and batches of it |
//! | `delimited`, `documents` | the runs over delimited text and over JSON |
//! | `spare` | buffers that are filled again |
//! | [`types`] | which type a column may have, and how its cells read |
//! | [`columns`] | cells to typed columns, and their names |
//! | `order` | values as numbers of their order |
//! | [`mod@write`] | Parquet and Protocol Buffers |
//! | [`profile`] | what `profile.json` and `profile.html` say |
//! | [`rejects`] | `rejects.jsonl` |
//!
//! Every record of the file is a row of `table.parquet` or a line of `rejects.jsonl`; the run fails if the counts do
//! not add up.

pub mod cells;
pub mod columns;
mod delimited;
pub mod dialect;
mod documents;
pub mod json;
mod no_rows;
mod order;
mod pipeline;
pub mod processor;
pub mod profile;
pub mod read;
pub mod rejects;
pub mod source;
mod spare;
pub mod types;
pub mod write;

pub use processor::{Report, Tables};
