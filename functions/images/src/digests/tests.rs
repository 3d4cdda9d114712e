//! Against what the authors' own code says (npm `thumbhash` 0.1.1, PyPI `blurhash` 1.1.5 and `imagehash` 4.3.2).

use super::*;
use crate::{compose::of_codes, picture::Channels};

fn picture(width: u32, height: u32, is_clear: bool) -> Picture {
    let pixel = |x: u32, y: u32| {
        let alpha = if is_clear && (x / 10 + y / 10).is_multiple_of(3) {
            60
        } else {
            255
        };
        [
            (x / 12 * 53 + y / 9 * 97) % 256,
            y * 255 / (height - 1),
            x * y % 256,
            alpha,
        ]
        .map(|code| u8::try_from(code).unwrap())
    };
    let samples = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)))
        .collect();
    of_codes(width, height, Channels::Rgba, samples)
}

/// Whether no nibble is more than one off: where a cosine is all but 0, its last bit decides on which side it is rounded.
fn is_near(made: &str, expected: &str) -> bool {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let nibbles = |text: &str| -> Vec<u8> {
        STANDARD
            .decode(text)
            .unwrap()
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .collect()
    };
    let (made, expected) = (nibbles(made), nibbles(expected));
    let off: u32 = made
        .iter()
        .zip(&expected)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum();
    made.len() == expected.len() && off <= 1
}

#[test]
fn the_digests_are_what_others_make_of_the_same_pixels() {
    for (width, height, clear, opaque, blurhash, dhash, phash) in [
        (
            100,
            75,
            "H/iJLJILd3hwd3Z3hwh4d4+GlHNoSEmGAA==",
            "H/gJNZh3d3dwd3d2d2d3d4mAd/do",
            "L$H2l=j=a_bEUijYa{WVP3a{a{js",
            "f3ceb9d34e69a6bc",
            "89697c2f0d0e5af2",
        ),
        (
            60,
            100,
            "HwiKIxILd3B4V4eZgHj4d3Mwl6g4h3k=",
            "H/gJNBh3Bnd3d3V3Z3aZgHj4dw==",
            "L%HLo4j=jrSdY?S1a_jZXzj=jsSe",
            "f3c3cf333ccff3c3",
            "811d2f16fc1da716",
        ),
    ] {
        let digests = Digests::new(&picture(width, height, false));
        assert!(is_near(&digests.thumbhash, opaque));
        assert!(is_near(
            &Digests::new(&picture(width, height, true)).thumbhash,
            clear
        ));
        assert_eq!(digests.blurhash, blurhash);
        let bits = |text: &str| u64::from_str_radix(text, 16).unwrap();
        for (made, expected) in [(&digests.dhash, dhash), (&digests.phash, phash)] {
            // Where two cells are all but equal, rounding decides.
            let apart = (bits(made) ^ bits(expected)).count_ones();
            assert!(apart <= 2, "{made} for {expected}");
        }
    }
}

#[test]
fn dominant_colours_are_those_there_are() {
    let mut samples = [200, 30, 30, 255].repeat(60);
    samples.extend([20, 40, 220, 255].repeat(40));
    samples.extend([0, 255, 0, 0].repeat(100));
    let digests = Digests::new(&of_codes(20, 10, Channels::Rgba, samples));
    let told: Vec<_> = digests
        .dominant_colours
        .iter()
        .map(|one| (one.colour.as_str(), one.share))
        .collect();
    assert_eq!(told, [("#c81e1e", 0.6), ("#1428dc", 0.4)]);
}

#[test]
fn the_smallest_picture_has_digests() {
    for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
        let digests = Digests::new(&of_codes(1, 1, channels, vec![0; channels.count()]));
        assert_eq!(digests.dhash, "0000000000000000");
    }
}
