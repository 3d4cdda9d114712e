//! Animated renditions, from a file to what is read back of them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

mod animated;
mod decoding;

use std::{fs, io::Cursor};

use animated::{Animation, Made, gif, noise, process, process_with, read_back};
use decoding::{corpora, files};
use images::{
    decode::{self, PictureLimits, Wanted, animation},
    picture::Samples,
};
use shared::{Facts, FailureKind, Input, Limits};

const COLOURS: [[u8; 3]; 7] = [
    [250, 20, 20],
    [20, 250, 20],
    [20, 20, 250],
    [250, 250, 20],
    [20, 20, 20],
    [240, 240, 240],
    [120, 120, 120],
];

/// A GIF of plain frames: colours and delays in hundredths of a second.
fn plain(size: (u16, u16), again: Option<u16>, frames: &[(usize, u16)]) -> Vec<u8> {
    let pixels = usize::from(size.0) * usize::from(size.1);
    let frames: Vec<_> = frames
        .iter()
        .map(|(colour, delay)| (vec![u8::try_from(*colour).expect("a colour"); pixels], *delay))
        .collect();
    gif(size, COLOURS.as_flattened(), again, &frames)
}

fn is_plain(pixels: &[[u8; 4]], colour: [u8; 3], allowed: u8) -> bool {
    pixels.iter().all(|[r, g, b, a]| {
        *a == 255
            && [*r, *g, *b]
                .iter()
                .zip(colour)
                .all(|(is, shall)| is.abs_diff(shall) <= allowed)
    })
}

#[test]
fn plain_frames_come_out_in_order_with_their_delays() {
    let mut seed = 7;
    for length in [2, 3, 9, 40] {
        let numbers = noise(&mut seed, 2 * length);
        let frames: Vec<(usize, u16)> = numbers
            .chunks_exact(2)
            .map(|pair| (usize::from(pair[0]) % COLOURS.len(), u16::from(pair[1])))
            .collect();
        let options = r##"{"renditions":[
            {"name":"lossy","width":20,"animated":true},
            {"name":"lossless","height":15,"animated":true,"lossless":true},
            {"name":"still","width":20,"format":"png"},
            {"name":"first","width":20},
            {"name":"square","width":12,"height":12,"fit":"contain","background":"#ffffff","animated":true,"lossless":true}]}"##;
        let Made { files, manifest } =
            process(&plain((40, 30), Some(4), &frames), options).expect("an animation");
        let expected: Vec<u32> = frames
            .iter()
            .map(|(_, delay)| if *delay <= 1 { 100 } else { u32::from(*delay) * 10 })
            .collect();
        for (name, allowed) in [("lossy.webp", 8), ("lossless.webp", 2)] {
            let back = read_back(&files[name]);
            assert_eq!((back.width, back.height, back.loop_count), (20, 15, 5), "{name}");
            assert!(!back.has_alpha || name == "lossless.webp", "{name}");
            let delays: Vec<u32> = back.frames.iter().map(|(_, delay)| *delay).collect();
            assert_eq!(delays, expected, "{name}");
            for ((pixels, _), (colour, _)) in back.frames.iter().zip(&frames) {
                assert!(
                    is_plain(pixels, COLOURS[*colour], allowed),
                    "{name} of {length}: {colour}"
                );
            }
        }
        let square = read_back(&files["square.webp"]);
        let (corner, middle) = (square.frames[1].0[0], square.frames[1].0[6 * 12 + 6]);
        assert!(is_plain(&[corner], [255; 3], 1) && is_plain(&[middle], COLOURS[frames[1].0], 2));
        assert!(!files["first.webp"].windows(4).any(|name| name == b"ANIM"));

        let duration_ms: u32 = expected.iter().sum();
        let entry = |name: &str| {
            let entries = manifest["renditions"].as_array().expect("a list");
            entries
                .iter()
                .find(|entry| entry["name"] == name)
                .expect("an entry")
        };
        assert_eq!(manifest["source"]["frames"], length);
        assert_eq!(entry("lossy.webp")["frames"], length);
        assert_eq!(entry("lossy.webp")["duration_ms"], duration_ms);
        assert_eq!(entry("lossy.webp")["loop_count"], 5);
        assert_eq!(entry("lossy.webp")["quality"], 80);
        assert!(entry("lossless.webp")["quality"].is_null());
        assert_eq!(entry("still.png")["frames"], 1);
        assert!(entry("still.png")["duration_ms"].is_null() && entry("first.webp")["loop_count"].is_null());
    }
}

#[test]
fn threads_change_nothing() {
    let frames: Vec<(usize, u16)> = (0..9).map(|number| (number % 7, 5)).collect();
    let file = plain((33, 21), None, &frames);
    let options = r#"{"renditions":[{"width":20,"animated":true},{"width":10,"animated":true}]}"#;
    let one = process_with(&file, options, 1, PictureLimits::default()).expect("an animation");
    let four = process_with(&file, options, 4, PictureLimits::default()).expect("an animation");
    assert_eq!(one.files, four.files);
}

#[test]
fn a_still_stays_one() {
    let file = plain((8, 8), Some(0), &[(2, 10)]);
    let made = process(&file, r#"{"renditions":[{"width":8,"animated":true}]}"#).expect("a still");
    let still = &made.files["8.webp"];
    assert!(!still.windows(4).any(|name| name == b"ANIM" || name == b"ANMF"));
    assert_eq!(made.manifest["renditions"][0]["frames"], 1);
    assert!(made.manifest["renditions"][0]["duration_ms"].is_null());
}

/// The quality is one for all frames, and the best that the bytes allow.
#[test]
fn an_animation_is_held_to_its_bytes() {
    let mut seed = 3;
    let palette = noise(&mut seed, 256 * 3);
    let frames: Vec<_> = (0..4).map(|_| (noise(&mut seed, 64 * 64), 10)).collect();
    let file = gif((64, 64), &palette, None, &frames);
    let size = |spec: &str| {
        let options = format!(r#"{{"renditions":[{{"name":"a","animated":true,{spec}}}]}}"#);
        let made = process(&file, &options).expect("an animation");
        let quality = made.manifest["renditions"][0]["quality"]
            .as_u64()
            .expect("a quality");
        (
            made.files["a.webp"].len(),
            quality,
            read_back(&made.files["a.webp"]).frames.len(),
        )
    };
    let (middle, ..) = size(r#""quality":50"#);
    let (held, quality, frames) = size(&format!(r#""target_bytes":{middle}"#));
    assert!(
        held <= middle && (45..=60).contains(&quality),
        "{held} of {middle} at {quality}"
    );
    assert_eq!(frames, 4);
    let (better, ..) = size(&format!(r#""quality":{}"#, quality + 1));
    assert!(better > middle, "{better} would have been within {middle}");
}

/// What attention chooses in the first frame is shown of all.
#[test]
fn all_frames_are_cut_where_the_first_is() {
    let frame = |from: usize| {
        let pixel = move |x: usize, y: usize| {
            let is_busy = (from..from + 20).contains(&x);
            if is_busy {
                u8::from((x + y).is_multiple_of(2))
            } else {
                2
            }
        };
        (0..20)
            .flat_map(|y| (0..90).map(move |x| pixel(x, y)))
            .collect::<Vec<u8>>()
    };
    let frames = [(frame(0), 10), (frame(70), 10)];
    let file = gif((90, 20), &[250, 40, 20, 20, 20, 90, 128, 128, 128], None, &frames);
    let spec =
        r#"{"width":20,"height":20,"fit":"cover","focus":"attention","animated":true,"lossless":true}"#;
    let made = process(&file, &format!(r#"{{"renditions":[{spec}]}}"#)).expect("an animation");
    let back = read_back(&made.files["20x20.webp"]);
    assert!(!is_plain(&back.frames[0].0, [128; 3], 20));
    assert!(
        is_plain(&back.frames[1].0, [128; 3], 2),
        "the second frame is busy elsewhere"
    );
}

#[test]
fn only_the_copyright_notice_is_kept_and_only_on_request() {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 6, 4);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(2, 0).expect("two frames");
    let packet = r#"<x dc:rights="Ann Example 2026" tiff:Make="Leica"/>"#;
    encoder
        .add_itxt_chunk("XML:com.adobe.xmp".to_owned(), packet.to_owned())
        .expect("a packet");
    let mut writer = encoder.write_header().expect("a header");
    for code in [40, 200] {
        writer.write_image_data(&[code; 6 * 4 * 4]).expect("a frame");
    }
    writer.finish().expect("a file");
    for (keep, expected) in [(false, 0), (true, 1)] {
        let options = format!(
            r#"{{"keep_copyright":{keep},"renditions":[{{"animated":true}},{{"name":"b","animated":true,"lossless":true}}]}}"#
        );
        let made = process(&file, &options).expect("an animation");
        for name in ["full.webp", "b.webp"] {
            let bytes = &made.files[name];
            let count = |text: &[u8]| bytes.windows(text.len()).filter(|part| *part == text).count();
            assert_eq!(count(b"Ann Example 2026"), expected, "{name}");
            assert_eq!(count(b"Leica"), 0);
            let back = read_back(bytes);
            assert!(back.has_alpha);
            assert_eq!((back.frames.len(), back.loop_count), (2, 0));
            assert_eq!(back.frames[1].0[0][3], 200);
        }
    }
}

#[test]
fn what_is_too_much_is_refused_before_it_begins() {
    let file = plain((40, 30), None, &[(0, 5), (1, 5), (2, 5)]);
    let refused = |spec: &str, animated_pixels| {
        let limits = PictureLimits {
            animated_pixels,
            ..PictureLimits::default()
        };
        let failure = process_with(&file, &format!(r#"{{"renditions":[{spec}]}}"#), 1, limits);
        let failure = failure.err()?;
        assert_eq!(
            (failure.kind, failure.code.as_ref()),
            (FailureKind::Limit, "too-many-pixels")
        );
        Some(failure.message)
    };
    assert_eq!(refused(r#"{"animated":true}"#, 3600), None);
    let message = refused(r#"{"animated":true}"#, 3599).expect("too much");
    assert!(message.contains("3 frames of 40 × 30"), "{message}");
    // Each try of a quality goes through all of it.
    let message = refused(r#"{"animated":true,"target_bytes":5000}"#, 3600 * 6).expect("too much");
    assert!(message.contains("7 times"), "{message}");
    assert_eq!(
        refused(r#"{"animated":true,"target_bytes":5000}"#, 3600 * 7),
        None
    );
    // Who asks for the first frame only is not concerned.
    assert_eq!(refused(r#"{"width":20}"#, 0), None);
}

/// Every animation of the corpora: as many frames as there are, each with the pixels that the decoder gives.
#[test]
fn animations_of_others_come_out_whole() {
    let folder = corpora();
    if !folder.is_dir() {
        println!("left out: {} is missing", folder.display());
        return;
    }
    let options = r#"{"renditions":[{"name":"same","animated":true,"lossless":true},{"name":"small","width":48,"animated":true}]}"#;
    let mut seen = 0;
    for path in files(&folder) {
        let is_candidate = path.extension().is_some_and(|extension| {
            ["gif", "png", "apng", "webp"]
                .iter()
                .any(|other| extension == *other)
        });
        if !is_candidate {
            continue;
        }
        let bytes = fs::read(&path).expect("a readable file");
        let facts = Facts {
            name: String::new(),
            size_bytes: bytes.len() as u64,
            declared_type: None,
        };
        let (limits, pictures) = (Limits::default(), PictureLimits::default());
        let source = bytes.as_slice();
        let input = Input::new(&facts, &limits, &source);
        let Ok(opened) = decode::open(&input, &pictures, Wanted::Everything) else {
            continue;
        };
        let facts = opened.facts;
        let pixels = u64::from(facts.frames) * u64::from(facts.width) * u64::from(facts.height);
        if facts.frames < 2 || pixels > 20_000_000 || facts.gamma.is_some() {
            continue;
        }
        let name = path.display();
        let made = match process(&bytes, options) {
            Ok(made) => made,
            Err(failure) => {
                assert_eq!(failure.kind, FailureKind::Rejected, "{name}: {failure:?}");
                assert!(failure.message.contains("frame"), "{name}: {failure}");
                println!("{name}: {failure}");
                continue;
            }
        };
        seen += 1;
        let small = read_back(&made.files["small.webp"]);
        let same = read_back(&made.files["same.webp"]);
        assert_eq!(
            (small.frames.len(), same.frames.len()),
            (facts.frames as usize, facts.frames as usize),
            "{name}"
        );
        assert_eq!(small.width, facts.width.min(48));
        compare(
            &same,
            &mut animation::open(&input, &facts, &pictures).expect("an animation"),
            &name.to_string(),
        );
        let bytes = (
            bytes.len(),
            made.files["same.webp"].len(),
            made.files["small.webp"].len(),
        );
        println!("{name}: {} frames, {bytes:?} bytes", facts.frames);
    }
    assert!(seen > 0, "no animation was found");
}

fn compare(same: &Animation, source: &mut animation::Animation<'_>, name: &str) {
    assert_eq!(same.loop_count, source.loop_count(), "{name}");
    for (number, (pixels, duration_ms)) in (1..).zip(&same.frames) {
        let frame = source
            .next_frame()
            .expect("a frame")
            .expect("as many as there are");
        assert_eq!(*duration_ms, frame.duration_ms, "{name}, frame {number}");
        let Samples::Eight(codes) = &frame.picture.samples else {
            panic!("samples of 8 bits")
        };
        let pairs = pixels.iter().zip(codes.as_chunks::<4>().0);
        for (at, (is, shall)) in pairs.enumerate() {
            assert_eq!(is[3], shall[3], "{name}, frame {number}, pixel {at}");
            if shall[3] == 255 {
                let most = is.iter().zip(shall).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(
                    most <= Some(1),
                    "{name}, frame {number}, pixel {at}: {is:?}, not {shall:?}"
                );
            }
        }
    }
}

#[test]
fn a_file_of_frames_that_differ_nowhere_is_small() {
    let same: Vec<(usize, u16)> = (0..50).map(|_| (3, 10)).collect();
    let made = process(
        &plain((200, 100), None, &same),
        r#"{"renditions":[{"name":"a","animated":true}]}"#,
    )
    .expect("an animation");
    assert!(made.files["a.webp"].len() < 50 * 64 + 500);
    let decoder = image_webp::WebPDecoder::new(Cursor::new(&made.files["a.webp"])).expect("a WebP");
    assert_eq!(decoder.num_frames(), 50);
}
