//! Delimited text to typed Parquet: the pure core of the function `tables`.
//!
//! A file passes twice. The first pass ([`dialect`], [`reader`], [`infer`]) finds the delimiter and what every column
//! holds, and sets bad records aside ([`rejects`]); the second ([`columns`], [`mod@write`], [`profile`]) parses each cell into
//! its column's type, profiles it and writes it. Memory is flat in the size of the file: a block of it is held, the rows
//! of one batch, and one row group as Parquet.
//!
//! | module | holds |
//! |---|---|
//! | [`processor`] | the adapter to the contract in `shared`, and the order of the two passes |
//! | [`dialect`] | what a file is by its first bytes: refused if it is no text, else its delimiter |
//! | [`reader`], [`scan`] | records and cells over a byte stream, and the loop that finds them |
//! | [`infer`] | which type a column may have; [`number`] and [`time`] read the cells |
//! | [`json`] | JSON Lines, arrays of objects: their shape, and batches of it |
//! | [`names`] | column names made unique |
//! | [`columns`], [`mod@write`] | typed columns, and Parquet |
//! | [`profile`], [`distinct`] | what `profile.json` says; how different values are counted |
//! | [`rejects`] | `rejects.jsonl` |
//!
//! Every record of the file is a row of `table.parquet` or a line of `rejects.jsonl`; the run fails if the counts do
//! not add up.

pub mod columns;
pub mod dialect;
pub mod distinct;
pub mod infer;
pub mod json;
pub mod names;
pub mod number;
pub mod processor;
pub mod profile;
pub mod reader;
pub mod rejects;
pub mod scan;
pub mod time;
pub mod write;

pub use processor::{Report, Tables};
