//! `JSONTestSuite` (<https://github.com/nst/JSONTestSuite>): what is JSON is taken, and nothing else.
//!
//! It is looked for under `CORPORA`, or beside the repository; where it is missing, the tests are reported as ignored.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on fails here, and says what it counted"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use tables::json::{self, Fault, JsonKind, Parse, Shape, Slabs};

/// More than any file of the suite is long.
const RECORD_BYTES: usize = 1 << 20;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = folder();
    let trials = if folder.is_dir() {
        vec![
            Trial::test("every text is taken or refused as it must be", check_texts),
            Trial::test("every text is a row, or is told of", check_tables),
        ]
    } else {
        let missing = format!("{} is missing", folder.display());
        vec![
            Trial::test(format!("JSONTestSuite ({missing})"), move || Err(missing.into()))
                .with_ignored_flag(true),
        ]
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(
    clippy::disallowed_methods,
    reason = "says where test files are, and configures nothing"
)]
fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let corpora = std::env::var_os("CORPORA").map_or_else(beside, PathBuf::from);
    corpora.join("json/test_parsing")
}

/// The files: the name, of which the first letter says what must become of it, and the text.
fn files() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder()).expect("the corpus can be read");
    let paths = entries.map(|entry| entry.expect("its folder can be read").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, fs::read(&path).expect("a file of the corpus can be read"))
        })
        .collect();
    files.sort();
    files
}

fn check_texts() -> Result<(), Failed> {
    let mut counts = [(0, 0); 3];
    for (name, text) in files() {
        let result = json::check(&text);
        let (index, is_right) = match name.as_bytes()[0] {
            b'y' => (0, result.is_ok()),
            b'n' => (1, result.is_err()),
            b'i' => (2, true),
            _ => return Err(format!("{name} says not what it must become").into()),
        };
        if !is_right {
            return Err(format!("{name}: {result:?}").into());
        }
        counts[index].0 += 1;
        counts[index].1 += usize::from(result.is_ok());
    }
    let [(y, y_taken), (n, n_taken), (i, i_taken)] = counts;
    println!("{y} y_ files: {y_taken} taken; {n} n_ files: {n_taken} taken; {i} i_ files: {i_taken} taken");
    if y == 0 || n == 0 || i == 0 {
        return Err("the corpus holds no file of a kind".into());
    }
    Ok(())
}

/// A text as a table of one record: as an array if it begins like one, else as a value.
fn check_tables() -> Result<(), Failed> {
    let (mut rows, mut rejected, mut refused) = (0, 0, 0);
    for (name, text) in files() {
        let valid = json::check(&text);
        let is_array = text.trim_ascii_start().starts_with(b"[");
        let kind = if is_array {
            JsonKind::Array
        } else {
            JsonKind::Values
        };
        let mut slabs = Slabs::new(text.as_slice(), kind, RECORD_BYTES);
        let mut faults = Vec::new();
        let slab = match slabs.next_slab() {
            Ok(slab) => slab,
            Err(failure) if valid.is_err() => {
                assert!(
                    ["not-json", "unclosed-array"].contains(&failure.code.as_ref()),
                    "{name}: {failure}"
                );
                refused += 1;
                continue;
            }
            Err(failure) => return Err(format!("{name}: {failure}").into()),
        };
        if let Some(slab) = slab {
            let shape = Shape::infer(&slab, RECORD_BYTES);
            let Parse::Done(parsed) = json::parse(&slab, &shape, RECORD_BYTES)? else {
                return Err(format!("{name} contradicts its own shape").into());
            };
            if parsed.records != (parsed.batch.num_rows() + parsed.rejects.len()) as u64 {
                return Err(format!("{name}: the counts do not add up").into());
            }
            rows += parsed.batch.num_rows();
            rejected += parsed.rejects.len();
            faults.extend(parsed.rejects.into_iter().map(|reject| reject.fault));
        }
        // Of JSON only what is no object is no row.
        let is_bad = |fault: &Fault| *fault != Fault::NotAnObject;
        if valid.is_ok() && faults.iter().any(is_bad) {
            return Err(format!("{name}: {faults:?}").into());
        }
        // An empty text is no JSON, and as values that follow each other there are none.
        let is_blank = text
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&text)
            .trim_ascii()
            .is_empty();
        if name.starts_with('n') && !faults.iter().any(is_bad) && !is_blank {
            let several = matches!(valid, Err(Fault::Trailing { .. })) && kind == JsonKind::Values;
            if !several {
                return Err(format!("{name} is taken").into());
            }
        }
    }
    println!("{rows} rows, {rejected} records rejected, {refused} files refused");
    if rows == 0 || rejected == 0 || refused == 0 {
        return Err("the corpus shows nothing".into());
    }
    Ok(())
}
