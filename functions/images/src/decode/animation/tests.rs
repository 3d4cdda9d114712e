//! Animations made here, of each format, against what must be seen.

use ::gif::{DisposalMethod, Encoder, Frame as GifFrame, Repeat};
use ::png::{BlendOp, ColorType, DisposeOp};
use image_webp::WebPDecoder;
use shared::{Facts as FileFacts, FailureKind, Limits};

use super::*;
use crate::{
    compose::{codes, of_codes},
    decode::{self, Wanted},
    encode::animation::{AnimationFile, Changes, encode_change},
    picture::Channels,
};

const CLEAR: [u8; 4] = [0; 4];
const RED: [u8; 4] = [255, 0, 0, 255];
const GREEN: [u8; 4] = [0, 255, 0, 255];
const BLUE: [u8; 4] = [0, 0, 255, 255];

/// Each frame's pixels and duration in ms, and how often it is played.
type Seen = (Vec<(Vec<[u8; 4]>, u32)>, u16);

fn frames_with(bytes: &[u8], limits: &PictureLimits) -> Result<Seen, Failure> {
    let facts = FileFacts {
        name: "file".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let file_limits = Limits::default();
    let input = Input::new(&facts, &file_limits, &bytes);
    let facts = decode::open(&input, limits, Wanted::Everything)?.facts;
    let mut animation = open(&input, &facts, limits)?;
    let mut frames = Vec::new();
    while let Some(frame) = animation.next_frame()? {
        let pixels = codes(frame.picture).as_chunks::<4>().0.to_vec();
        frames.push((pixels, frame.duration_ms));
    }
    assert_eq!(frames.len(), facts.frames as usize);
    Ok((frames, animation.loop_count()))
}

fn frames(bytes: &[u8]) -> Seen {
    frames_with(bytes, &PictureLimits::default()).unwrap()
}

/// A GIF of 4 × 1 pixels with colours 0 red, 1 green, 2 blue; 3 is transparent. Frames: left, indices, disposal, delay.
fn gif(repeat: Option<Repeat>, frames: &[(u16, &[u8], DisposalMethod, u16)]) -> Vec<u8> {
    let palette = [&RED[..3], &GREEN[..3], &BLUE[..3], &CLEAR[..3]].concat();
    let mut encoder = Encoder::new(Vec::new(), 4, 1, &palette).unwrap();
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).unwrap();
    }
    for (left, indices, dispose, delay) in frames {
        let frame = GifFrame {
            left: *left,
            width: u16::try_from(indices.len()).unwrap(),
            height: 1,
            buffer: indices.to_vec().into(),
            transparent: Some(3),
            dispose: *dispose,
            delay: *delay,
            ..GifFrame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

#[test]
fn a_gif_is_disposed_of_as_it_says() {
    use DisposalMethod::{Any, Background, Keep, Previous};
    let file = gif(
        Some(Repeat::Infinite),
        &[
            (0, &[0, 0, 0, 0], Keep, 5),
            (1, &[1, 3], Previous, 0),
            (0, &[2, 2], Background, 1),
            (3, &[1], Any, 2),
            (0, &[3, 3, 3, 3], Keep, u16::MAX),
        ],
    );
    let (frames, loop_count) = frames(&file);
    let expected = [
        (vec![RED; 4], 50),
        (vec![RED, GREEN, RED, RED], 100),
        (vec![BLUE, BLUE, RED, RED], 100),
        (vec![CLEAR, CLEAR, RED, GREEN], 20),
        (vec![CLEAR, CLEAR, RED, GREEN], 655_350),
    ];
    assert_eq!(frames, expected);
    assert_eq!(loop_count, 0);
}

/// As Pillow writes it: what is the same as before has the first index behind the palette.
#[test]
fn a_transparent_index_may_be_beyond_the_palette() {
    let mut encoder = Encoder::new(Vec::new(), 4, 1, &[255, 0, 0, 0, 255, 0]).unwrap();
    for (buffer, transparent) in [([0, 0, 1, 1], None), ([2, 1, 2, 3], Some(2))] {
        let frame = GifFrame {
            width: 4,
            height: 1,
            buffer: buffer.to_vec().into(),
            transparent,
            ..GifFrame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    let (frames, _) = frames(&encoder.into_inner().unwrap());
    assert_eq!(frames[1].0, [RED, GREEN, GREEN, [0, 0, 0, 255]]);
}

#[test]
fn a_frame_without_pixels_shows_what_is_there() {
    use DisposalMethod::{Background, Keep, Previous};
    let frames_of: [(u16, &[u8], DisposalMethod, u16); 4] = [
        (0, &[0, 0, 0, 0], Keep, 5),
        (0, &[1, 1], Previous, 5),
        (0, &[], Background, 9),
        (3, &[1], Keep, 5),
    ];
    let (frames, _) = frames(&gif(None, &frames_of));
    assert_eq!(frames[2], (vec![RED; 4], 90));
    assert_eq!(frames[3].0, [RED, RED, RED, GREEN]);
}

#[test]
fn a_gif_is_played_once_more_than_it_says() {
    let two: &[(u16, &[u8], DisposalMethod, u16)] = &[
        (0, &[0, 0, 0, 0], DisposalMethod::Keep, 5),
        (0, &[1, 1, 1, 1], DisposalMethod::Keep, 5),
    ];
    for (repeat, expected) in [
        (None, 1),
        (Some(Repeat::Finite(1)), 2),
        (Some(Repeat::Finite(7)), 8),
        (Some(Repeat::Finite(u16::MAX)), u16::MAX),
        (Some(Repeat::Infinite), 0),
    ] {
        assert_eq!(frames(&gif(repeat, two)).1, expected, "{repeat:?}");
    }
}

struct PngFrame {
    left: u32,
    pixels: Vec<[u8; 4]>,
    blend: BlendOp,
    dispose: DisposeOp,
    delay: (u16, u16),
}

/// A PNG of 4 × 1 pixels; the first frame is of its own width. `hidden`: a picture before it that is no frame.
fn apng(plays: u32, hidden: Option<[u8; 4]>, frames: &[PngFrame]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut file, 4, 1);
    encoder.set_color(ColorType::Rgba);
    encoder
        .set_animated(u32::try_from(frames.len()).unwrap(), plays)
        .unwrap();
    encoder.set_sep_def_img(hidden.is_some()).unwrap();
    let mut writer = encoder.write_header().unwrap();
    if let Some(pixel) = hidden {
        writer.write_image_data([pixel; 4].as_flattened()).unwrap();
    }
    for (index, frame) in frames.iter().enumerate() {
        if index > 0 || hidden.is_some() {
            writer
                .set_frame_dimension(u32::try_from(frame.pixels.len()).unwrap(), 1)
                .unwrap();
            writer.set_frame_position(frame.left, 0).unwrap();
        }
        writer.set_blend_op(frame.blend).unwrap();
        writer.set_dispose_op(frame.dispose).unwrap();
        writer.set_frame_delay(frame.delay.0, frame.delay.1).unwrap();
        writer.write_image_data(frame.pixels.as_flattened()).unwrap();
    }
    writer.finish().unwrap();
    file
}

fn png_frame(left: u32, pixels: &[[u8; 4]], blend: BlendOp, dispose: DisposeOp) -> PngFrame {
    PngFrame {
        left,
        pixels: pixels.to_vec(),
        blend,
        dispose,
        delay: (1, 10),
    }
}

#[test]
fn a_png_is_blended_and_disposed_of_as_it_says() {
    let half = [0, 0, 255, 128];
    let parts = || {
        vec![
            png_frame(0, &[RED; 4], BlendOp::Source, DisposeOp::None),
            png_frame(1, &[half, CLEAR], BlendOp::Over, DisposeOp::Previous),
            png_frame(1, &[half, CLEAR], BlendOp::Source, DisposeOp::Background),
            png_frame(3, &[GREEN], BlendOp::Over, DisposeOp::None),
        ]
    };
    let expected: [Vec<[u8; 4]>; 4] = [
        vec![RED; 4],
        vec![RED, [127, 0, 128, 255], RED, RED],
        vec![RED, half, CLEAR, RED],
        vec![RED, CLEAR, CLEAR, GREEN],
    ];
    for (plays, hidden) in [(0, None), (3, Some(BLUE))] {
        let (frames, loop_count) = frames(&apng(plays, hidden, &parts()));
        let pixels: Vec<_> = frames.iter().map(|(pixels, _)| pixels.clone()).collect();
        assert_eq!(pixels, expected, "{hidden:?}");
        assert!(frames.iter().all(|(_, duration_ms)| *duration_ms == 100));
        assert_eq!(u32::from(loop_count), plays);
    }
}

/// A WebP of frames of `size`, and its frames' flags as told: 1 takes a frame away, 2 replaces what lies below.
fn webp(size: (u32, u32), frames: &[([u8; 4], u8)], quality: Option<u8>) -> Vec<u8> {
    let mut file = AnimationFile::new();
    let pixels = (size.0 * size.1) as usize;
    for (pixel, _) in frames {
        let picture = of_codes(
            size.0,
            size.1,
            Channels::Rgba,
            [*pixel].repeat(pixels).into_flattened(),
        );
        // Each by itself, so that each is whole.
        let change = Changes::default().next(picture, 70, quality.is_none());
        file.push(&encode_change(&change, quality).unwrap());
    }
    let mut file = file.finish(size, 5, None).unwrap();
    let mut from = 0;
    for (_, flags) in frames {
        let at = from + file[from..].windows(4).position(|name| name == b"ANMF").unwrap();
        file[at + 23] = *flags;
        from = at + 4;
    }
    file
}

#[test]
fn a_webp_is_blended_and_disposed_of_as_it_says() {
    let half = [0, 0, 255, 128];
    let frames_of = [(RED, 0), (half, 0), (half, 2), (GREEN, 1), (half, 0)];
    let expected = [RED, [127, 0, 128, 255], half, GREEN, half];
    for quality in [None, Some(100)] {
        let (frames, loop_count) = frames(&webp((4, 2), &frames_of, quality));
        assert_eq!(loop_count, 5);
        for ((pixels, duration_ms), expected) in frames.iter().zip(expected) {
            assert_eq!((pixels.len(), *duration_ms), (8, 70));
            let most = pixels
                .iter()
                .flat_map(|pixel| pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)))
                .max();
            let allowed = if quality.is_some() { 4 } else { 0 };
            assert!(
                most.unwrap() <= allowed,
                "{quality:?}: {pixels:?}, not {expected:?}"
            );
        }
    }
}

#[test]
fn a_damaged_frame_is_refused_by_its_number() {
    use DisposalMethod::Keep;
    let gif = gif(
        None,
        &[
            (0, &[0, 1, 2, 0], Keep, 5),
            (0, &[1, 2, 0, 1], Keep, 5),
            (0, &[2, 0, 1, 2], Keep, 5),
        ],
    );
    let at = gif.iter().rposition(|byte| *byte == b',').unwrap();
    let parts = [[RED, GREEN], [GREEN, BLUE], [BLUE, RED]];
    let parts =
        parts.map(|pixels| png_frame(0, &[pixels, pixels].concat(), BlendOp::Source, DisposeOp::None));
    let png = apng(0, None, &parts);
    let webp = webp((4, 2), &[(RED, 2), (GREEN, 2), (BLUE, 2)], Some(80));
    for (name, cut) in [
        ("gif", &gif[..at + 12]),
        ("png", &png[..png.len() - 20]),
        ("webp", &webp[..webp.len() - 10]),
    ] {
        let failure = frames_with(cut, &PictureLimits::default()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Rejected, "{name}: {failure}");
        assert!(failure.message.contains("frame 3 of 3"), "{name}: {failure}");
        assert!(failure.place.is_some(), "{name}: {failure}");
    }
}

#[test]
fn what_frames_sum_up_to_is_limited() {
    let file = webp((4, 2), &[(RED, 2), (GREEN, 2), (BLUE, 2)], Some(80));
    let limits = |animated_pixels| PictureLimits {
        animated_pixels,
        ..PictureLimits::default()
    };
    assert!(frames_with(&file, &limits(24)).is_ok());
    let failure = frames_with(&file, &limits(23)).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Limit, "too-many-pixels")
    );
    assert!(failure.message.contains("3 frames of 4 × 2 pixels"), "{failure}");
    let few = PictureLimits {
        frames: 2,
        ..PictureLimits::default()
    };
    assert_eq!(frames_with(&file, &few).unwrap_err().code, "too-many-frames");
    // A part may be larger than the frame that it is for.
    let large = gif_with_a_large_part();
    let failure = frames_with(&large, &limits(20_000)).unwrap_err();
    assert_eq!(failure.code, "too-many-pixels");
    assert!(failure.message.contains("frame 2 of 2"), "{failure}");
    assert!(frames_with(&large, &PictureLimits::default()).is_ok());
}

fn gif_with_a_large_part() -> Vec<u8> {
    let palette = [0; 6];
    let mut encoder = Encoder::new(Vec::new(), 2, 2, &palette).unwrap();
    for side in [2_u16, 200] {
        let frame = GifFrame {
            width: side,
            height: side,
            buffer: vec![0; usize::from(side) * usize::from(side)].into(),
            ..GifFrame::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    encoder.into_inner().unwrap()
}

/// What is damaged anywhere is refused or decoded, and never our fault.
#[test]
fn flipped_bytes_are_refused_or_decoded() {
    use DisposalMethod::{Background, Keep, Previous};
    let gif = gif(
        Some(Repeat::Finite(2)),
        &[
            (0, &[0, 1, 2, 0], Keep, 5),
            (0, &[1, 2], Previous, 5),
            (1, &[2, 0], Background, 5),
        ],
    );
    let parts = [[RED, GREEN], [GREEN, BLUE], [BLUE, RED]];
    let parts =
        parts.map(|pixels| png_frame(0, &[pixels, pixels].concat(), BlendOp::Over, DisposeOp::Previous));
    let files = [
        gif,
        apng(0, None, &parts),
        webp((4, 2), &[(RED, 0), (GREEN, 1), ([9, 9, 9, 90], 2)], Some(80)),
        webp((4, 2), &[(RED, 0), (GREEN, 1), ([9, 9, 9, 90], 2)], None),
    ];
    let limits = PictureLimits {
        pixels: 1 << 20,
        decoded_bytes: 32 << 20,
        ..PictureLimits::default()
    };
    for file in files {
        for at in 0..file.len() {
            for with in [0x00, 0x01, 0x7F, 0xFF] {
                let mut damaged = file.clone();
                damaged[at] ^= with;
                if let Err(failure) = frames_of_any(&damaged, &limits) {
                    let is_theirs = matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit);
                    assert!(is_theirs, "byte {at} ^ {with}: {failure:?}");
                }
            }
        }
    }
}

/// Of a file that may have one frame only by now.
fn frames_of_any(bytes: &[u8], limits: &PictureLimits) -> Result<(), Failure> {
    let facts = FileFacts {
        name: "file".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let file_limits = Limits::default();
    let input = Input::new(&facts, &file_limits, &bytes);
    let facts = decode::open(&input, limits, Wanted::Everything)?.facts;
    if facts.frames > 1 {
        let mut animation = open(&input, &facts, limits)?;
        while animation.next_frame()?.is_some() {}
    }
    Ok(())
}

/// libwebp's own animations too, whose frames are parts: of the decoder's frames ours differ by a rounding at most.
#[test]
fn frames_are_those_of_image_webp() {
    let mut encoder = webpx::AnimationEncoder::new(32, 24).unwrap();
    encoder.set_lossless(true);
    for number in 0..6_u8 {
        let pixel = |x: u8, y: u8| {
            let moving = x.abs_diff(number * 4) < 4 && y.abs_diff(10) < 5;
            if moving {
                [200, 30, number * 40, 255]
            } else {
                [x * 7, y * 9, 80, if y > 18 { 90 } else { 255 }]
            }
        };
        let pixels: Vec<u8> = (0..24)
            .flat_map(|y| (0..32).flat_map(move |x| pixel(x, y)))
            .collect();
        encoder.add_frame_rgba(&pixels, i32::from(number) * 60).unwrap();
    }
    let file = encoder.finish(360).unwrap();
    let (frames, loop_count) = frames(&file);
    assert_eq!(loop_count, 0);
    let mut decoder = WebPDecoder::new(std::io::Cursor::new(&file)).unwrap();
    let mut samples = vec![0; decoder.output_buffer_size().unwrap()];
    assert!(frames.len() > 4);
    for (pixels, duration_ms) in frames {
        assert_eq!(decoder.read_frame(&mut samples).unwrap(), duration_ms);
        assert_eq!(pixels.as_flattened().len(), samples.len());
        let most = pixels
            .as_flattened()
            .iter()
            .zip(&samples)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(most.unwrap() <= 1);
    }
}
