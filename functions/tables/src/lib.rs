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
//! | [`dialect`] | how a text is delimited, where its table begins and what its columns are called |
//! | [`source`] | the bytes of a file as text in UTF-8: decompressed, decoded |
//! | [`read`] | slabs of whole records over a stream, and the cells in them |
//! | [`reader`], [`scan`] | records and cells over a byte stream, and the loop that finds them |
//! | [`infer`] | which type a column may have; [`number`] and [`time`] read the cells |
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
pub mod names;
pub mod number;
pub mod processor;
pub mod profile;
pub mod read;
pub mod reader;
pub mod rejects;
pub mod scan;
pub mod source;
pub mod time;
pub mod write;

pub use processor::{Report, Tables};
