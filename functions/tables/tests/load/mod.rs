//! A file in memory as its rows, as `examples/load.rs` prints them: the header first, if there is one.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test crate uses its part, and a test that cannot go on fails here"
)]

use shared::{Facts, Failure, Input, Limits, options::TablesOptions};
use tables::read::{Counts, Delimited};

pub type Rows = Vec<Vec<String>>;

/// What was read of a file.
#[derive(Debug)]
pub struct Loaded {
    pub table: Delimited,
    pub rows: Rows,
    /// Of the records that are none: the number, from 1, and the fault.
    pub rejects: Vec<(u64, String)>,
    pub counts: Counts,
}

pub fn open(bytes: &[u8], options: &TablesOptions) -> Result<Loaded, Failure> {
    let facts = Facts {
        name: "table.csv".into(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let input = Input::new(&facts, &limits, &bytes);
    let table = Delimited::open(&input, options)?;
    let mut rows = Rows::new();
    let mut rejects = Vec::new();
    let mut counts = Counts::default();
    let mut slabs = table.slabs(&input)?;
    while let Some(slab) = slabs.next_slab()? {
        let held = slab.for_each_block(&table.dialect, |block| {
            let first = rows.len();
            rows.resize(first + block.rows(), Vec::new());
            for column in 0..table.dialect.columns() {
                let mut row = first;
                block.for_each_cell(column, |cell, _| {
                    rows[row].push(String::from_utf8(cell.to_vec()).unwrap());
                    row += 1;
                });
            }
            for reject in block.rejects {
                rejects.push((counts.records + reject.row, format!("{:?}", reject.fault)));
            }
            Ok::<_, Failure>(())
        })?;
        assert_eq!(held.records, held.rows + held.rejects);
        counts.add(&held);
    }
    Ok(Loaded {
        table,
        rows,
        rejects,
        counts,
    })
}

/// The rows, the header first; none of an empty file.
pub fn load(bytes: &[u8]) -> Result<Rows, Failure> {
    match open(bytes, &TablesOptions::default()) {
        Ok(loaded) => {
            let header = (loaded.table.dialect.header_rows > 0).then_some(loaded.table.dialect.header);
            Ok(header.into_iter().chain(loaded.rows).collect())
        }
        Err(failure) if failure.code == "empty" => Ok(Rows::new()),
        Err(failure) => Err(failure),
    }
}

/// The rows of RFC 4180 CSV, read one byte at a time: what is compared with must not be read by what is tested.
pub fn read_csv(bytes: &[u8]) -> Rows {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (mut rows, mut row, mut cell) = (Rows::new(), Vec::new(), String::new());
    let (mut quoted, mut chars) = (false, text.chars().peekable());
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    if !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
