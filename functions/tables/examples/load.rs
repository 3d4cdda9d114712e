//! Prints a delimited file as it is read, as RFC 4180 CSV: `cargo run --release -p tables --example load -- FILE`.
//!
//! The header comes first, if the file has one; every cell is in quotes and has its original text, and ends are LF. An
//! empty file prints nothing. What was found and what was not taken goes to standard error. The exit code is 0 when done, 2
//! when the file is rejected, 1 when the fault is ours.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::PathBuf,
    process::ExitCode,
};

use shared::{Facts, Failure, Input, Limits, Source, options::TablesOptions};
use tables::read::{Block, Counts, Delimited};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [file] = arguments.as_slice() else {
        let _ = writeln!(io::stderr(), "usage: load FILE");
        return ExitCode::from(1);
    };
    let output = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    match load(&LocalFile(file.clone()), output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.code == "empty" => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{}: {}: {failure}", file.display(), failure.code);
            ExitCode::from(if failure.kind.is_final() { 2 } else { 1 })
        }
    }
}

fn load(file: &LocalFile, mut output: impl Write) -> Result<(), Failure> {
    let ours = |error: io::Error| Failure::internal("write", error.to_string());
    let facts = file.facts()?;
    let limits = Limits::default();
    let input = Input::new(&facts, &limits, file);
    let table = Delimited::open(&input, &TablesOptions::default())?;
    let found = serde_json::to_string(&table).unwrap_or_default();
    let _ = writeln!(io::stderr(), "{found}");
    let mut lines = Vec::new();
    if table.dialect.header_rows > 0 {
        for (index, name) in table.dialect.header.iter().enumerate() {
            write_cell(index, name.as_bytes(), &mut lines);
        }
        lines.push(b'\n');
        output.write_all(&lines).map_err(ours)?;
    }
    let columns = table.dialect.columns();
    let mut slabs = table.slabs(&input)?;
    let mut seen = Counts::default();
    while let Some(slab) = slabs.next_slab()? {
        let counts = slab.for_each_block(&table.dialect, |block| {
            lines.clear();
            write_rows(block, columns, &mut lines);
            for reject in block.rejects {
                let row = seen.records + reject.row;
                let raw = String::from_utf8_lossy(block.raw(reject.start, reject.end));
                let place = block.offset(reject.start);
                let _ = writeln!(
                    io::stderr(),
                    "row {row}, byte {place}: {:?}: {raw:?}",
                    reject.fault
                );
            }
            output.write_all(&lines).map_err(ours)
        })?;
        seen.add(&counts);
        slabs.recycle(slab.into_buffer());
    }
    let _ = writeln!(io::stderr(), "{seen:?}");
    output.flush().map_err(ours)
}

/// Cells come column by column, and are wanted row by row.
fn write_rows(block: &Block<'_>, columns: usize, lines: &mut Vec<u8>) {
    let mut cells = Vec::with_capacity(block.rows() * columns);
    let mut text = Vec::new();
    for column in 0..columns {
        block.for_each_cell(column, |cell, _| {
            cells.push((text.len(), text.len() + cell.len()));
            text.extend_from_slice(cell);
        });
    }
    for row in 0..block.rows() {
        for column in 0..columns {
            let (start, end) = cells
                .get(column * block.rows() + row)
                .copied()
                .unwrap_or_default();
            write_cell(column, text.get(start..end).unwrap_or_default(), lines);
        }
        lines.push(b'\n');
    }
}

fn write_cell(column: usize, cell: &[u8], line: &mut Vec<u8>) {
    if column > 0 {
        line.push(b',');
    }
    line.push(b'"');
    for part in cell.split_inclusive(|byte| *byte == b'"') {
        line.extend_from_slice(part);
        if part.ends_with(b"\"") {
            line.push(b'"');
        }
    }
    line.push(b'"');
}

struct LocalFile(PathBuf);

impl LocalFile {
    fn open(&self) -> Result<File, Failure> {
        File::open(&self.0)
            .map_err(|error| Failure::internal("open", format!("{}: {error}", self.0.display())))
    }

    fn facts(&self) -> Result<Facts, Failure> {
        let metadata = self
            .open()?
            .metadata()
            .map_err(|error| Failure::internal("open", error.to_string()))?;
        Ok(Facts {
            name: self
                .0
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            size_bytes: metadata.len(),
            declared_type: None,
        })
    }
}

impl Source for LocalFile {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(self.open()?))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        let ours = |error: io::Error| Failure::internal("read", error.to_string());
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(offset)).map_err(ours)?;
        let mut length = 0;
        while let Some(free) = buffer.get_mut(length..).filter(|free| !free.is_empty()) {
            match file.read(free).map_err(ours)? {
                0 => break,
                read => length += read,
            }
        }
        Ok(length)
    }
}
