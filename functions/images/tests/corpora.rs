//! Pictures that others made: what is valid is decoded or refused by name, what is damaged is refused with its reason.
//!
//! They are looked for under `CORPORA`, or beside the repository; where they are missing, the tests are reported as ignored.
//! That the pixels are right, `tests/clients/test_images.py` sees by comparison with Pillow.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

mod decoding;

use std::{fs, path::Path, process::ExitCode};

use decoding::{corpora, decode, files, mean_difference};
use libtest_mimic::{Arguments, Failed, Trial};
use shared::FailureKind;

/// Valid to image-rs, and refused here: files that break their format's rules, and kinds of bitmaps that nobody writes.
const NOT_TAKEN: [&str; 10] = [
    "badpalettesize.bmp",
    "badplanes.bmp",
    "badrle.bmp",
    "pal8oversizepal.bmp",
    "rgb16-880.bmp",
    "rgb24rle24.bmp",
    "rgba32abf.bmp",
    "rle_overflow.bmp",
    "rletopdown.bmp",
    "truncated_mask_32bpp.ico",
];
/// GIFs whose first frame no decoder can make sense of.
const DAMAGED_GIFS: [&str; 4] = [
    "issue-101-infinite-empty-loop.gif",
    "issue-117-out-of-range.gif",
    "issue-96-small-codesize-2.gif",
    "issue-96-small-codesize.gif",
];

type Check = fn(&Path) -> Result<(), Failed>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    let checks: [(&str, Check); 4] = [
        ("pngsuite", png_suite),
        ("image-rs/images", valid),
        ("image-rs/bad", refused),
        ("gif", gif),
    ];
    for (name, check) in checks {
        let folder = corpora().join(name);
        if !folder.is_dir() {
            let missing = format!("{} is missing", folder.display());
            trials.push(
                Trial::test(format!("{name} ({missing})"), move || Err(missing.into()))
                    .with_ignored_flag(true),
            );
            continue;
        }
        let files = files(&folder);
        let ended = |file: &Path, endings: &[&str]| {
            file.extension()
                .is_some_and(|ending| endings.iter().any(|other| ending == *other))
        };
        let mut count = 0;
        for file in files {
            if ended(&file, &["md", "txt"]) || file.file_name().is_some_and(|name| name == "LICENSE") {
                continue;
            }
            count += 1;
            let stem = file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            trials.push(Trial::test(format!("{name}/{stem}"), move || check(&file)));
        }
        assert!(count > 0, "{} holds no file", folder.display());
    }
    let folder = corpora().join("exif-orientation");
    let is_missing = !folder.is_dir();
    for kind in ["Landscape", "Portrait"] {
        let folder = folder.clone();
        trials.push(
            Trial::test(format!("exif-orientation/{kind}"), move || {
                orientations(&folder, kind)
            })
            .with_ignored_flag(is_missing),
        );
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn name(file: &Path) -> &str {
    file.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

fn png_suite(file: &Path) -> Result<(), Failed> {
    if name(file).starts_with('x') {
        refused(file)
    } else {
        taken(file)
    }
}

fn taken(file: &Path) -> Result<(), Failed> {
    decode(&fs::read(file)?)
        .map(|_| ())
        .map_err(|failure| format!("{}: {failure}", failure.code).into())
}

fn refused(file: &Path) -> Result<(), Failed> {
    match decode(&fs::read(file)?) {
        Ok(_) => Err("it was decoded".into()),
        Err(failure) if matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit) => {
            (failure.kind == FailureKind::Limit || failure.place.is_some())
                .then_some(())
                .ok_or_else(|| format!("no place: {failure}").into())
        }
        Err(failure) => Err(format!("the fault is not ours: {failure:?}").into()),
    }
}

fn valid(file: &Path) -> Result<(), Failed> {
    let is_exempt = NOT_TAKEN.contains(&name(file));
    match decode(&fs::read(file)?) {
        Ok(_) if is_exempt => Err("it is decoded: take it off the list".into()),
        Ok(_) => Ok(()),
        Err(failure)
            if failure.kind == FailureKind::Rejected && (failure.code == "format-not-taken" || is_exempt) =>
        {
            Ok(())
        }
        Err(failure) => Err(format!("{}: {failure}", failure.code).into()),
    }
}

fn gif(file: &Path) -> Result<(), Failed> {
    if DAMAGED_GIFS.contains(&name(file)) {
        refused(file)
    } else {
        taken(file)
    }
}

/// The pictures are lossy, each compressed by itself: the same to the eye.
fn orientations(folder: &Path, kind: &str) -> Result<(), Failed> {
    let read = |orientation: u8| {
        decode(&fs::read(folder.join(format!("{kind}_{orientation}.jpg")))?)
            .map_err(|failure| std::io::Error::other(failure.to_string()))
    };
    let (_, upright) = read(1)?;
    for orientation in 2..=8 {
        let (facts, picture) = read(orientation)?;
        assert_eq!(facts.orientation, orientation);
        let difference = mean_difference(&upright, &picture);
        if difference > 5.0 {
            return Err(format!("orientation {orientation} is {difference} off").into());
        }
    }
    Ok(())
}
