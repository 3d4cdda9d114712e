//! A JPEG reduced as luma and chroma, beside the same one reduced as red, green and blue.

use super::*;
use crate::{
    picture::{Row, Shape},
    ycc::Ycc,
};

/// Rows without their planes.
struct Pixels<'a>(Box<dyn Rows + 'a>);

impl Rows for Pixels<'_> {
    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn next_row(&mut self) -> Result<Option<Row<'_>>, Failure> {
        self.0.next_row()
    }
}

/// Gentle waves of colour: where there is little contrast, the mean of codes is that of light.
fn waves(width: u32, height: u32) -> Picture {
    let sample = |x: u32, y: u32, channel: u32| {
        let wave = (f64::from(x) / (5.0 + 3.0 * f64::from(channel))).sin()
            + (f64::from(y) / (9.0 - 2.0 * f64::from(channel))).cos();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "88 to 168"
        )]
        let code = (128.0 + 20.0 * wave) as u8;
        code
    };
    let samples = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| (0..3).map(move |channel| sample(x, y, channel))))
        .collect();
    of_codes(width, height, Channels::Rgb, samples)
}

/// Luma and chroma of red, green and blue (T.871).
fn to_planes(picture: &Picture) -> Ycc {
    let plane = |factors: [f64; 3], zero: f64| {
        let samples = codes(picture).as_chunks::<3>().0.iter().map(|pixel| {
            let sum: f64 = pixel
                .iter()
                .zip(factors)
                .map(|(code, factor)| f64::from(*code) * factor)
                .sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let code = (sum + zero + 0.5).clamp(0.0, 255.0) as u8;
            code
        });
        let shape = picture.shape;
        of_codes(shape.width, shape.height, Channels::Gray, samples.collect())
    };
    Ycc {
        luma: plane([0.299, 0.587, 0.114], 0.0),
        blue: plane([-0.168_736, -0.331_264, 0.5], 128.0),
        red: plane([0.5, -0.418_688, -0.081_312], 128.0),
    }
}

/// All bases of a JPEG that lies as `orientation` says.
fn bases(jpeg: &[u8], renditions: &str, orientation: u8, threads: usize, as_planes: bool) -> Vec<Base> {
    let options = ImagesOptions::from_json(renditions).unwrap();
    with_input(jpeg, 1, |input| {
        let mut opened = decode::open(input, &PictureLimits::default(), Wanted::Everything).unwrap();
        let mut facts = opened.facts.clone();
        facts.orientation = orientation;
        let seen = plan::turned((facts.width, facts.height), orientation);
        let plan = Plan::new(seen, &options.resolve().unwrap(), true);
        if as_planes {
            reduce(&plan, opened.rows.as_mut(), &facts, threads).unwrap()
        } else {
            reduce(&plan, &mut Pixels(opened.rows), &facts, threads).unwrap()
        }
    })
}

#[expect(clippy::cast_precision_loss, reason = "small pictures")]
fn assert_alike(made: &Picture, expected: &Picture, what: &str) {
    assert_eq!(made.shape, expected.shape, "{what}");
    let apart: Vec<u8> = codes(made)
        .iter()
        .zip(codes(expected))
        .map(|(a, b)| a.abs_diff(*b))
        .collect();
    let mean = apart.iter().map(|apart| f64::from(*apart)).sum::<f64>() / apart.len() as f64;
    assert!(mean < 1.0, "{what}: {mean} apart");
    assert!(apart.iter().all(|apart| *apart <= 6), "{what}: {apart:?}");
}

#[test]
fn a_jpeg_reduced_as_planes_is_what_it_is_as_pixels_however_it_lies() {
    let renditions = r#"{"renditions":[{"width":61,"format":"jpeg"},{"width":33,"format":"webp"},{"width":20,"format":"png"},
        {"width":31,"height":17,"fit":"cover","format":"jpeg"}]}"#;
    for (quality, is_halved) in [(80, true), (95, false)] {
        let spec: RenditionSpec =
            serde_json::from_str(&format!("{{\"format\":\"jpeg\",\"quality\":{quality}}}")).unwrap();
        let source = encode::Source::Pixels(&waves(101, 67));
        let jpeg = encode::encode(source, &spec, None).unwrap().bytes;
        for orientation in 1..=8 {
            let planes = bases(&jpeg, renditions, orientation, 1, true);
            let pixels = bases(&jpeg, renditions, orientation, 1, false);
            assert_eq!(planes.len(), 5);
            for (number, (planes, pixels)) in planes.iter().zip(&pixels).enumerate() {
                let (Base::Planes(planes), Base::Pixels(pixels)) = (planes, pixels) else {
                    panic!("one of them is of the other kind")
                };
                // PNG and the digests ask for all of chroma.
                assert_eq!(planes.is_halved(), ![2, 4].contains(&number), "{number}");
                let expected = to_planes(pixels);
                let expected = if planes.is_halved() {
                    expected.halved().into_owned()
                } else {
                    expected
                };
                let what = format!("halved {is_halved}, orientation {orientation}, number {number}");
                assert_alike(&planes.luma, &expected.luma, &format!("luma, {what}"));
                assert_alike(&planes.blue, &expected.blue, &format!("blue, {what}"));
                assert_alike(&planes.red, &expected.red, &format!("red, {what}"));
            }
        }
    }
}

#[test]
fn grey_patterns_are_averaged_as_light() {
    let board = (0..64_u32)
        .flat_map(|y| (0..64_u32).flat_map(move |x| [if (x / 2 + y / 2) % 2 == 0 { 255 } else { 0 }; 3]));
    let board = of_codes(64, 64, Channels::Rgb, board.collect());
    let spec: RenditionSpec = serde_json::from_str(r#"{"format":"jpeg","quality":100}"#).unwrap();
    let jpeg = encode::encode(encode::Source::Pixels(&board), &spec, None)
        .unwrap()
        .bytes;
    let made = bases(
        &jpeg,
        r#"{"renditions":[{"width":12,"format":"jpeg"}]}"#,
        1,
        1,
        true,
    );
    let Base::Planes(made) = &made[0] else {
        panic!("pixels")
    };
    let inside = codes(&made.luma).chunks_exact(12).skip(1).take(10);
    let inside: Vec<u32> = inside
        .flat_map(|row| &row[1..11])
        .map(|code| u32::from(*code))
        .collect();
    let mean = inside.iter().sum::<u32>() / 100;
    assert!(mean.abs_diff(188) <= 2, "{mean}");
    for width in [30, 12, 7] {
        let options = format!("{{\"renditions\":[{{\"width\":{width},\"format\":\"png\"}}]}}");
        let made = rendered(&jpeg, &options, 1).unwrap();
        let made = decoded(&made.renditions[0].bytes);
        let mean = codes(&made).iter().map(|code| u32::from(*code)).sum::<u32>();
        let mean = mean / u32::try_from(codes(&made).len()).unwrap();
        assert!(mean.abs_diff(188) <= 3, "{width}: {mean}");
    }
}

#[test]
fn what_is_decoded_ahead_is_the_same_and_ends_with_the_same_error() {
    let spec: RenditionSpec = serde_json::from_str(r#"{"format":"jpeg"}"#).unwrap();
    let jpeg = encode::encode(encode::Source::Pixels(&waves(200, 333)), &spec, None)
        .unwrap()
        .bytes;
    let renditions = r#"{"renditions":[{"width":64,"format":"jpeg"}]}"#;
    let planes = |threads: usize| match bases(&jpeg, renditions, 1, threads, true).remove(0) {
        Base::Planes(planes) => planes,
        Base::Pixels(_) => panic!("pixels"),
    };
    assert_eq!(planes(1), planes(2));
    let cut = &jpeg[..jpeg.len() / 2];
    let failure = |threads: usize| rendered(cut, renditions, threads).unwrap_err();
    assert_eq!(failure(1).code, "truncated");
    assert_eq!(failure(1).to_string(), failure(2).to_string());
}
