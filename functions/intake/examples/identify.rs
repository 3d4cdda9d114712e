//! Says what files are by their bytes: `cargo run -p intake --no-default-features --example identify -- FILE...`
//!
//! Prints a line for each: kind, format, confidence, what it looks like, name.
#![expect(clippy::print_stdout, reason = "a command line answers there")]

use std::{
    fs::File,
    io::{self, Read, Write},
    process::ExitCode,
};

use intake::{SAMPLE_BYTES, Sample, identify};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for name in std::env::args().skip(1) {
        match read(&name) {
            Ok((head, size_bytes)) => {
                let identified = identify(Sample {
                    head: &head,
                    size_bytes,
                    name: &name,
                });
                let kind = identified.kind.map_or("-", intake::Kind::as_str);
                println!(
                    "{kind}\t{}\t{:.2}\t{}\t{name}",
                    identified.format, identified.confidence, identified.looks_like
                );
            }
            Err(error) => {
                code = ExitCode::FAILURE;
                // Nothing is left to tell of a standard error that is gone.
                let _ = writeln!(io::stderr(), "cannot read {name}: {error}");
            }
        }
    }
    code
}

/// The first bytes of a file, and its size.
fn read(name: &str) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(name)?;
    let size_bytes = file.metadata()?.len();
    let mut head = vec![0; SAMPLE_BYTES];
    let mut length = 0;
    while let Some(space) = head.get_mut(length..).filter(|space| !space.is_empty()) {
        match file.read(space)? {
            0 => break,
            read => length += read,
        }
    }
    head.truncate(length);
    Ok((head, size_bytes))
}
