//! What was encoded, decoded again.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small pictures"
)]

use shared::{Facts, Input, Limits};

use super::*;
use crate::{
    decode::{self, PictureLimits, Wanted},
    decode_only::collect,
    picture::{Depth, Picture, Samples, Shape},
};

fn picture(width: u32, height: u32, channels: Channels) -> Picture {
    let shape = Shape {
        width,
        height,
        channels,
        depth: Depth::Eight,
    };
    let sample = |x: u32, y: u32, channel: u32| {
        let wave = (f64::from(x) / 9.0 + f64::from(channel)).sin() + (f64::from(y) / 7.0).cos();
        (128.0 + 50.0 * wave) as u8
    };
    let count = channels.count() as u32;
    let samples = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..count).map(move |channel| sample(x, y, channel))))
        .collect();
    Picture {
        shape,
        samples: Samples::Eight(samples),
    }
}

fn decoded(bytes: &[u8]) -> Picture {
    let facts = Facts {
        name: "made.jpg".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let input = Input::new(&facts, &limits, &bytes);
    let mut opened = decode::open(&input, &PictureLimits::default(), Wanted::Everything).unwrap();
    collect(opened.rows.as_mut(), &PictureLimits::default()).unwrap()
}

/// The mean square error.
fn error(a: &Picture, b: &Picture) -> f64 {
    let (Samples::Eight(a), Samples::Eight(b)) = (&a.samples, &b.samples) else {
        panic!("of 8 bits")
    };
    assert_eq!(a.len(), b.len());
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    squares.sum::<f64>() / a.len() as f64
}

#[test]
fn what_is_encoded_is_what_decodes() {
    for channels in [Channels::Gray, Channels::Rgb] {
        for (width, height) in [(1, 1), (8, 8), (17, 33), (100, 75), (333, 401)] {
            for (quality, most) in [(95, 4.0), (80, 14.0), (30, 60.0)] {
                let given = picture(width, height, channels);
                let settings = |progressive| Settings { quality, progressive };
                let baseline = decoded(&encode(Source::Pixels(&given), settings(false), None).unwrap());
                let progressive = decoded(&encode(Source::Pixels(&given), settings(true), None).unwrap());
                let off = error(&given, &baseline);
                assert!(off < most, "{channels:?} {width}×{height} at {quality}: {off}");
                assert_eq!(
                    baseline, progressive,
                    "{channels:?} {width}×{height} at {quality}"
                );
            }
        }
    }
}
