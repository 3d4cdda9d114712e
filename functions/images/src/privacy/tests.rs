//! Files that tell something are refused; those that are made are not.

use shared::options::RenditionSpec;

use super::*;
use crate::{
    compose::of_codes,
    encode::{
        self,
        animation::{AnimationFile, Changes, encode_change},
    },
    picture::Channels,
};

fn made(spec: &str, channels: Channels, copyright: Option<&str>) -> (ImageFormat, Vec<u8>) {
    let spec: RenditionSpec = serde_json::from_str(spec).unwrap();
    let samples = (0..32 * 32 * channels.count())
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect();
    let picture = of_codes(32, 32, channels, samples);
    (
        spec.format(),
        encode::encode(encode::Source::Pixels(&picture), &spec, copyright)
            .unwrap()
            .bytes,
    )
}

const SPECS: [&str; 6] = [
    r#"{"format":"jpeg"}"#,
    r#"{"format":"jpeg","progressive":true}"#,
    r#"{"format":"png"}"#,
    r#"{"format":"webp"}"#,
    r#"{"format":"webp","lossless":true}"#,
    r#"{"format":"avif"}"#,
];

fn channels(spec: &str) -> &'static [Channels] {
    if spec.contains("jpeg") {
        &[Channels::Gray, Channels::Rgb]
    } else {
        &[Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba]
    }
}

#[test]
fn what_is_encoded_tells_nothing() {
    for spec in SPECS {
        for channels in channels(spec) {
            let (format, bytes) = made(spec, *channels, None);
            check("x", format, &bytes, None)
                .unwrap_or_else(|failure| panic!("{spec} {channels:?}: {failure}"));
        }
    }
}

#[test]
fn a_copyright_notice_is_kept_only_where_it_may_be() {
    let notice = "© Ann Example 2026";
    for spec in SPECS {
        for channels in channels(spec) {
            let (format, bytes) = made(spec, *channels, Some(notice));
            if format == ImageFormat::Avif {
                continue;
            }
            let found = bytes.windows(notice.len()).any(|part| part == notice.as_bytes());
            assert!(found, "{spec}");
            check("x", format, &bytes, Some(notice))
                .unwrap_or_else(|failure| panic!("{spec} {channels:?}: {failure}"));
            assert!(check("x", format, &bytes, None).is_err(), "{spec}");
            assert!(check("x", format, &bytes, Some("another")).is_err(), "{spec}");
        }
    }
}

#[test]
fn what_tells_something_is_refused() {
    let insert = |bytes: &[u8], at: usize, part: &[u8]| [&bytes[..at], part, &bytes[at..]].concat();
    let (_, jpeg) = made(SPECS[0], Channels::Rgb, None);
    for part in [
        &b"\xFF\xFE\x00\x04hi"[..],
        b"\xFF\xE1\x00\x08Exif\0\0",
        b"\xFF\xED\x00\x03x",
        b"\xFF\xE2\x00\x03x",
    ] {
        let failure = check("x", ImageFormat::Jpeg, &insert(&jpeg, 20, part), None).unwrap_err();
        assert_eq!(failure.code, "metadata-in-output");
    }
    assert!(check("x", ImageFormat::Jpeg, &[jpeg.as_slice(), b"tail"].concat(), None).is_err());
    let (_, png) = made(SPECS[2], Channels::Rgb, None);
    for name in [b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"tIME", b"iCCP", b"caBX"] {
        let chunk = [&[0, 0, 0, 0], &name[..], &[0, 0, 0, 0]].concat();
        assert!(check("x", ImageFormat::Png, &insert(&png, 33, &chunk), None).is_err());
    }
    let (_, webp) = made(SPECS[3], Channels::Rgb, None);
    for name in [b"EXIF", b"XMP ", b"ICCP", b"C2PA"] {
        let mut file = [&webp[..], &name[..], &[2, 0, 0, 0, 1, 2]].concat();
        let length = u32::try_from(file.len() - 8).unwrap().to_le_bytes();
        file[4..8].copy_from_slice(&length);
        assert!(check("x", ImageFormat::Webp, &file, None).is_err());
    }
    let (_, avif) = made(SPECS[5], Channels::Rgb, None);
    let uuid = b"\0\0\0\x10uuid12345678";
    assert!(check("x", ImageFormat::Avif, &[&avif[..], uuid].concat(), None).is_err());
    for (format, bytes) in [
        (ImageFormat::Jpeg, jpeg),
        (ImageFormat::Png, png),
        (ImageFormat::Webp, webp),
        (ImageFormat::Avif, avif),
    ] {
        for length in 0..bytes.len().min(400) {
            assert!(check("x", format, &bytes[..length], None).is_err());
        }
    }
}

fn animation(copyright: Option<&str>) -> Vec<u8> {
    let (mut changes, mut file) = (Changes::default(), AnimationFile::new());
    for (code, quality) in [(10, Some(80)), (90, None), (200, Some(10))] {
        let picture = of_codes(7, 5, Channels::Rgba, vec![code; 7 * 5 * 4]);
        let change = changes.next(picture, 40, quality.is_none());
        file.push(&encode_change(&change, quality).unwrap());
    }
    file.finish((7, 5), 0, copyright).unwrap()
}

#[test]
fn an_animation_is_looked_through_frame_by_frame() {
    let plain = animation(None);
    let check = |file: &[u8], copyright| webp::check(file, copyright);
    check(&plain, None).unwrap();
    let kept = animation(Some("Ann Example"));
    check(&kept, Some("Ann Example")).unwrap();
    assert!(check(&kept, None).is_err());
    // A chunk into a chunk (all from its name on), whose length and the file's then tell of it.
    let with = |name: &[u8], at: usize, part: &[u8]| {
        let mut file = plain.clone();
        let chunk = file.windows(4).position(|window| window == name).unwrap();
        file.splice(chunk + 8 + at..chunk + 8 + at, part.iter().copied());
        for length in [4, chunk + 4] {
            let so_far = u32::from_le_bytes(file[length..length + 4].try_into().unwrap());
            let now = so_far + u32::try_from(part.len()).unwrap();
            file[length..length + 4].copy_from_slice(&now.to_le_bytes());
        }
        file
    };
    check(&with(b"ANMF", 16, b"ALPH\x02\0\0\0ab"), None).unwrap();
    for name in [&b"EXIF"[..], b"XMP ", b"ICCP", b"ANIM", b"ANMF", b"VP8X", b"text"] {
        let part = [name, b"\x02\0\0\0ab"].concat();
        let (at, found) = check(&with(b"ANMF", 16, &part), None).unwrap_err();
        assert!(at > 60 && found.contains("a chunk"), "{found}");
    }
    assert!(check(&with(b"ANMF", 16, b"hi"), None).is_err());
    assert!(check(&with(b"ANIM", 6, b"hi"), None).is_err());
    assert!(check(&with(b"VP8X", 10, b"hi"), None).is_err());
    for length in 0..plain.len() {
        assert!(check(&plain[..length], None).is_err());
    }
}
