//! Whole runs over small pictures and the corpora's.

use std::{fs, path::PathBuf};

use shared::{Facts as FileFacts, Limits, options::ImagesOptions};

use super::*;
use crate::{
    compose::{codes, of_codes, to_rgba},
    decode_only::collect,
    picture::Channels,
};

mod planes;

fn with_input<T>(bytes: &[u8], threads: usize, run: impl FnOnce(&Input<'_>) -> T) -> T {
    let facts = FileFacts {
        name: "file".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits {
        threads,
        ..Limits::default()
    };
    run(&Input::new(&facts, &limits, &bytes))
}

fn rendered(bytes: &[u8], options: &str, threads: usize) -> Result<Renditions, Failure> {
    let options = ImagesOptions::from_json(options).unwrap();
    with_input(bytes, threads, |input| {
        render(input, &options, &PictureLimits::default())
    })
}

fn decoded(bytes: &[u8]) -> Picture {
    with_input(bytes, 1, |input| {
        let limits = PictureLimits::default();
        let mut opened = decode::open(input, &limits, Wanted::Everything).unwrap();
        collect(opened.rows.as_mut(), &limits).unwrap()
    })
}

fn png(picture: &Picture) -> Vec<u8> {
    let spec: RenditionSpec = serde_json::from_str(r#"{"format":"png"}"#).unwrap();
    encode::encode(encode::Source::Pixels(picture), &spec, None)
        .unwrap()
        .bytes
}

fn half_clear() -> Vec<u8> {
    let pixel = |x: u32| if x < 32 { [200, 30, 30, 255] } else { [0, 0, 0, 0] };
    png(&of_codes(
        64,
        32,
        Channels::Rgba,
        (0..32).flat_map(|_| (0..64).flat_map(pixel)).collect(),
    ))
}

#[test]
fn every_format_comes_out_as_asked_on_any_number_of_threads() {
    let options = r##"{"renditions":[
        {"name":"a","width":32,"format":"jpeg","background":"#0000ff"},
        {"name":"b","width":32,"format":"webp","lossless":true},
        {"name":"c","width":32,"format":"png"},
        {"name":"d","width":16,"height":16,"fit":"cover","focus":"attention","format":"png"},
        {"name":"e","width":40,"height":40,"fit":"contain","format":"png","filters":{"rotate":90}},
        {"name":"f","width":4000,"format":"webp","target_bytes":600}]}"##;
    let one = rendered(&half_clear(), options, 1).unwrap();
    let two = rendered(&half_clear(), options, 2).unwrap();
    for (one, two) in one.renditions.iter().zip(&two.renditions) {
        assert_eq!((&one.name, &one.sha256), (&two.name, &two.sha256));
    }
    let sizes: Vec<_> = one
        .renditions
        .iter()
        .map(|made| (made.name.as_str(), made.width, made.height))
        .collect();
    let expected = [
        ("a.jpg", 32, 16),
        ("b.webp", 32, 16),
        ("c.png", 32, 16),
        ("d.png", 16, 16),
        ("e.png", 40, 40),
        ("f.webp", 64, 32),
    ];
    assert_eq!(sizes, expected);
    let flat = decoded(&one.renditions[0].bytes);
    assert_eq!(flat.shape.channels, Channels::Rgb);
    assert!(codes(&flat)[31 * 3 + 2] > 240, "the background shows through");
    assert_eq!(
        to_rgba(&decoded(&one.renditions[1].bytes)),
        to_rgba(&decoded(&one.renditions[2].bytes))
    );
    assert_eq!(
        codes(&decoded(&one.renditions[3].bytes))[3],
        255,
        "the seen half is kept"
    );
    assert!(one.renditions[5].bytes.len() <= 600);
}

#[test]
fn renditions_that_come_out_alike_have_their_names_all_the_same() {
    let made = rendered(&half_clear(), r#"{"widths":[2000,20,3000],"formats":["png"]}"#, 2).unwrap();
    let made: Vec<_> = made
        .renditions
        .iter()
        .map(|made| (made.name.as_str(), made.width, made.sha256))
        .collect();
    let [one, small, two] = made.as_slice() else {
        panic!("{made:?}")
    };
    assert_eq!((one.0, one.1, two.0), ("2000.png", 64, "3000.png"));
    assert_eq!(one.2, two.2);
    assert_eq!((small.0, small.1), ("20.png", 20));
}

#[test]
fn what_cannot_be_made_is_refused_by_name() {
    let failed = |bytes: &[u8], options: &str| rendered(bytes, options, 1).unwrap_err();
    let mark = r#"{"renditions":[{"name":"a","filters":{"watermark":{"png":"AAAA"}}}]}"#;
    let failure = failed(&half_clear(), mark);
    assert_eq!(
        (failure.code.as_ref(), failure.message.contains("watermark")),
        ("options", true)
    );
    assert_eq!(
        failed(b"no picture at all", "{}").kind,
        shared::FailureKind::Rejected
    );
}

#[test]
fn one_rendition_is_made_as_in_a_set() {
    let spec: RenditionSpec = serde_json::from_str(r#"{"width":20}"#).unwrap();
    let file = half_clear();
    let alone = with_input(&file, 1, |input| {
        render_one(input, &spec, &PictureLimits::default())
    })
    .unwrap();
    let set = rendered(&file, r#"{"renditions":[{"width":20}]}"#, 1).unwrap();
    assert_eq!(alone.sha256, set.renditions[0].sha256);
}

/// A test that finds the corpora missing says so.
#[test]
fn all_orientations_look_the_same() {
    let corpora = std::env::vars_os()
        .find(|(name, _)| name == "CORPORA")
        .map(|(_, value)| PathBuf::from(value));
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = corpora.unwrap_or_else(default).join("images/exif-orientation");
    if !folder.is_dir() {
        println!("left out: {} is missing", folder.display());
        return;
    }
    for kind in ["Landscape", "Portrait"] {
        let options = r#"{"renditions":[
            {"name":"a","width":200,"format":"png","filters":{"blur":8}},
            {"name":"b","width":60,"height":60,"fit":"cover","focus":{"x":0.2,"y":0.9},"format":"png","filters":{"blur":8}}]}"#;
        let made = |orientation: u32| {
            let file = fs::read(folder.join(format!("{kind}_{orientation}.jpg"))).unwrap();
            let made = rendered(&file, options, 1).unwrap().renditions;
            made.into_iter()
                .map(|made| decoded(&made.bytes))
                .collect::<Vec<_>>()
        };
        let expected = made(1);
        for orientation in 2..=8 {
            for (picture, expected) in made(orientation).iter().zip(&expected) {
                assert_eq!(picture.shape, expected.shape, "{kind} {orientation}");
                let pairs = codes(picture).iter().zip(codes(expected));
                let off: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
                // They carry their number in the middle: the rest is the same.
                assert!(
                    off / codes(picture).len() as u64 <= 4,
                    "{kind} {orientation}: {off}"
                );
            }
        }
    }
}
