//! Every file of `test_data`: what it gives, or why it is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

mod run;

use std::{fs, path::Path};

use run::{convert, read_back};

/// Runs `check(name, bytes)` on each file of a folder, in order.
fn walk(folder: &str, check: impl Fn(&str, &[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test_data")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no file", folder.display());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        check(&name, &fs::read(&file).unwrap());
    }
}

#[test]
fn accepted_files_give_what_they_gave() {
    walk("accepted", |name, bytes| {
        let done = convert(bytes).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
        let rejects = done.outputs.get("rejects.jsonl").map_or(Vec::new(), |lines| {
            lines
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(json)
                .collect()
        });
        let snapshot = serde_json::json!({
            "report": done.report,
            "profile": json(&done.outputs["profile.json"]),
            "table": read_back(&done.outputs["table.parquet"]),
            "rejects": rejects,
        });
        insta::assert_json_snapshot!(format!("accepted_{name}"), snapshot);
    });
}

#[test]
fn rejected_files_are_refused_as_they_were() {
    walk("rejected", |name, bytes| {
        let failure = convert(bytes).map(|done| done.report);
        let failure = failure.expect_err(name);
        assert!(failure.kind.is_final(), "{name}: {failure}");
        insta::assert_json_snapshot!(format!("rejected_{name}"), failure);
    });
}
