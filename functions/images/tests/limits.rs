//! Headers that promise too much, and files that end early.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails here"
)]

mod decoding;

use std::time::{Duration, Instant};

use decoding::{corpora, decode, decode_with, mean_difference};
use images::{
    decode::Wanted,
    picture::{Picture, Samples},
};
use shared::FailureKind;

/// A PNG chunk with its checksum.
fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = u32::MAX;
    for byte in kind.iter().chain(data) {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                sum >> 1 ^ 0xEDB8_8320
            } else {
                sum >> 1
            };
        }
    }
    let length = u32::try_from(data.len()).expect("short");
    [&length.to_be_bytes()[..], &kind, data, &(!sum).to_be_bytes()].concat()
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    [
        &b"\x89PNG\r\n\x1A\n"[..],
        &chunk(*b"IHDR", &header),
        &chunk(*b"IDAT", &[0; 9]),
    ]
    .concat()
}

fn jpeg_header(width: u16, height: u16, sof: u8, bits: u8) -> Vec<u8> {
    let (w, h) = (width.to_be_bytes(), height.to_be_bytes());
    let last = if sof == 0xC2 { 0 } else { 63 };
    let frame = [0xFF, sof, 0, 11, bits, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0];
    [
        &[0xFF, 0xD8][..],
        &frame,
        &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, last, 0],
    ]
    .concat()
}

#[test]
fn a_bomb_is_refused_from_its_header() {
    let mut webp = b"RIFF\x1E\0\0\0WEBPVP8L\x11\0\0\0\x2F".to_vec();
    // 16,383 × 16,383.
    webp.extend(0x0FFF_BFFE_u32.to_le_bytes());
    webp.extend([0; 16]);
    let bmp = {
        let mut bmp = b"BM".to_vec();
        bmp.extend([0; 8]);
        for word in [54_u32, 40, 30_000, 30_000, 0x0018_0001, 0, 0, 0, 0, 0, 0] {
            bmp.extend(word.to_le_bytes());
        }
        bmp
    };
    let qoi = [
        &b"qoif"[..],
        &60_000_u32.to_be_bytes(),
        &60_000_u32.to_be_bytes(),
        &[4, 0],
    ]
    .concat();
    let gif = [
        &b"GIF89a\xFF\xFF\xFF\xFF\x80\0\0"[..],
        &[0; 6],
        b",\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x01\0",
    ]
    .concat();
    let bombs = [
        ("png", png_header(30_000, 30_000)),
        ("png", png_header(1, 0x7FFF_FFFF)),
        ("jpeg", jpeg_header(65_535, 65_535, 0xC0, 8)),
        ("jpeg", jpeg_header(30_000, 30_000, 0xC2, 8)),
        ("webp", webp),
        ("bmp", bmp),
        ("qoi", qoi),
        ("gif", gif),
    ];
    for (name, bomb) in bombs {
        let begin = Instant::now();
        let failure = decode(&bomb).expect_err("a bomb");
        assert_eq!(failure.kind, FailureKind::Limit, "{name}: {failure:?}");
        // The goal is 5 ms; a machine that tests other things too may take longer.
        assert!(
            begin.elapsed() < Duration::from_millis(50),
            "{name}: {:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn jpeg_that_is_not_taken_is_refused_by_name() {
    for (sof, bits, named) in [
        (0xC1, 12, "12 bits"),
        (0xC3, 8, "lossless"),
        (0xC9, 8, "arithmetic"),
        (0xC5, 8, "hierarchical"),
    ] {
        let failure = decode(&jpeg_header(8, 8, sof, bits)).expect_err("not taken");
        assert_eq!(failure.code, "format-not-taken");
        assert!(failure.message.contains(named), "{failure}");
    }
}

#[test]
fn what_is_empty_or_no_picture_is_refused() {
    for (bytes, code) in [
        (&b""[..], "empty"),
        (b"hello", "not-a-picture"),
        (b"<svg/>", "format-not-taken"),
    ] {
        assert_eq!(decode(bytes).expect_err("no picture").code, code);
    }
}

fn corpus(name: &str) -> Option<Vec<u8>> {
    std::fs::read(corpora().join(name)).ok()
}

#[test]
fn a_jpeg_is_whole_without_its_end_marker_and_never_with_less() {
    for name in [
        "exif-orientation/Landscape_1.jpg",
        "image-rs/images/jpg/progressive/cat.jpg",
    ] {
        let Some(whole) = corpus(name) else { continue };
        let (_, expected) = decode(&whole).expect("a valid file");
        let (_, without_end) = decode(&whole[..whole.len() - 2]).expect("all but its end");
        assert_eq!(without_end, expected);
        let more = [&whole[..], b"garbage \xFF\xD8\xFF"].concat();
        assert_eq!(decode(&more).expect("all and more").1, expected);
        for cut in [
            3,
            20,
            200,
            2000,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() - 100,
        ] {
            let failure = decode(&whole[..cut]).expect_err("a file that is cut short");
            assert_eq!(failure.kind, FailureKind::Rejected, "{name} at {cut}: {failure}");
            assert!(failure.place.is_some(), "{failure}");
        }
    }
}

#[test]
fn a_file_that_is_cut_short_is_refused_whatever_it_is() {
    let names = [
        "pngsuite/basn6a16.png",
        "pngsuite/basi2c08.png",
        "image-rs/images/webp/lossy_images/simple-rgb.webp",
        "image-rs/images/webp/lossless_images/multi-color.webp",
        "image-rs/images/qoi/basic-test.qoi",
        "image-rs/images/bmp/images/rgb24.bmp",
        "image-rs/images/tiff/testsuite/mandrill.tiff",
        "gif/sample_1.gif",
    ];
    for whole in names.iter().filter_map(|name| corpus(name)) {
        decode(&whole).expect("a valid file");
        for eighths in 0..7 {
            let failure = decode(&whole[..whole.len() * eighths / 8]).expect_err("a file that is cut short");
            assert!(
                matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit),
                "{failure:?}"
            );
        }
    }
}

/// The mean of each square of pixels.
fn halve(picture: &Picture, by: u32) -> Picture {
    let shape = picture.shape;
    let Samples::Eight(samples) = &picture.samples else {
        panic!("samples of 8 bits")
    };
    let (width, height) = (shape.width / by, shape.height / by);
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let at = |dy: u32, dx: u32| {
                    u32::from(samples[((y * by + dy) * shape.width + x * by + dx) as usize * 3 + channel])
                };
                let sum: u32 = (0..by)
                    .flat_map(|dy| (0..by).map(move |dx| (dy, dx)))
                    .map(|(dy, dx)| at(dy, dx))
                    .sum();
                out.push(u8::try_from(sum / (by * by)).expect("a mean"));
            }
        }
    }
    let shape = images::picture::Shape {
        width,
        height,
        ..shape
    };
    Picture {
        shape,
        samples: Samples::Eight(out),
    }
}

#[test]
fn a_jpeg_can_come_out_smaller() {
    let Some(bytes) = corpus("exif-orientation/Landscape_1.jpg") else {
        return;
    };
    let (facts, whole) = decode(&bytes).expect("a valid file");
    for by in [2, 4, 8] {
        let (width, height) = (facts.width / by, facts.height / by);
        let (_, small) = decode_with(&bytes, Wanted::AtLeast { width, height }).expect("a smaller one");
        let expected = halve(&whole, by);
        assert_eq!(
            (small.shape.width, small.shape.height),
            (facts.width.div_ceil(by), facts.height.div_ceil(by))
        );
        if small.shape == expected.shape {
            let difference = mean_difference(&small, &expected);
            assert!(difference < 2.5, "{difference} at 1/{by}");
        }
        let (_, larger) = decode_with(
            &bytes,
            Wanted::AtLeast {
                width: width + 1,
                height,
            },
        )
        .expect("one that is not too small");
        assert!(larger.shape.width > width);
    }
}

/// Found by mutation: a frame with alpha that is larger than what holds it.
#[test]
fn a_webp_whose_frame_is_of_another_size_is_refused() {
    let failure = decode(include_bytes!("decoding/alpha-of-another-size.webp")).expect_err("a damaged file");
    assert_eq!(failure.code, "corrupt");
}
