//! Files, and what is decoded of them.

#![allow(dead_code, reason = "each test uses some of it")]

use std::path::{Path, PathBuf};

use images::{
    decode::{self, PictureLimits, Wanted},
    decode_only::collect,
    orient::orient,
    picture::{Picture, Samples},
};
use shared::{Facts, Failure, Input, Limits};

/// The folder of images among the corpora, beside the repository or where `CORPORA` says.
#[expect(
    clippy::disallowed_methods,
    reason = "says where test files are, and configures nothing"
)]
pub(crate) fn corpora() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    std::env::var_os("CORPORA")
        .map_or_else(beside, PathBuf::from)
        .join("images")
}

/// Every file under a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the corpus has its folder") {
            let path = entry.expect("its folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// What a file states, and its picture as it is meant to be seen.
pub(crate) fn decode_with(bytes: &[u8], wanted: Wanted) -> Result<(decode::Facts, Picture), Failure> {
    let facts = Facts {
        name: String::new(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let input = Input::new(&facts, &limits, &bytes);
    let limits = PictureLimits::default();
    let mut opened = decode::open(&input, &limits, wanted)?;
    let picture = collect(opened.rows.as_mut(), &limits)?;
    let shape = picture.shape;
    let samples = match &picture.samples {
        Samples::Eight(samples) => samples.len(),
        Samples::Sixteen(samples) => samples.len(),
    };
    assert_eq!(
        samples,
        shape.row_samples() * shape.height as usize,
        "a row is missing"
    );
    let picture = orient(picture, opened.facts.orientation);
    Ok((opened.facts, picture))
}

/// [`decode_with`] everything.
pub(crate) fn decode(bytes: &[u8]) -> Result<(decode::Facts, Picture), Failure> {
    decode_with(bytes, Wanted::Everything)
}

/// The mean difference of two pictures of the same shape.
pub(crate) fn mean_difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!(a.shape, b.shape);
    let (Samples::Eight(a), Samples::Eight(b)) = (&a.samples, &b.samples) else {
        panic!("samples of 8 bits")
    };
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let mean = sum as f64 / a.len() as f64;
    mean
}
