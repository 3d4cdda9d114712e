//! Any bytes are a picture, all of whose rows and frames are there, or are refused; the fault is never ours.

#![no_main]

mod caught;

use images::{
    decode::{self, PictureLimits, Wanted, animation},
    picture::{Depth, Row},
};
use libfuzzer_sys::fuzz_target;
use shared::{Facts, Failure, FailureKind, Input, Limits};

const LIMITS: PictureLimits = PictureLimits {
    pixels: 1 << 20,
    side: 1 << 14,
    frames: 100,
    decoded_bytes: 32 << 20,
    animated_pixels: 8 << 20,
};

fn decode(bytes: &[u8]) -> Result<(), Failure> {
    let facts = Facts {
        name: String::new(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let input = Input::new(&facts, &limits, &bytes);
    let mut opened = decode::open(&input, &LIMITS, Wanted::Everything)?;
    let shape = opened.rows.shape();
    assert_eq!(
        (shape.width, shape.height),
        (opened.facts.width, opened.facts.height)
    );
    assert!(shape.width > 0 && shape.height > 0 && shape.width.max(shape.height) <= LIMITS.side);
    assert!(u64::from(shape.width) * u64::from(shape.height) <= LIMITS.pixels);
    assert!((1..=8).contains(&opened.facts.orientation));
    assert!((1..=LIMITS.frames).contains(&opened.facts.frames));
    if let Some((latitude, longitude)) = opened.facts.exif.position {
        assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0);
    }
    let mut rows = 0;
    while let Some(row) = opened.rows.next_row()? {
        let (depth, samples) = match row {
            Row::Eight(row) => (Depth::Eight, row.len()),
            Row::Sixteen(row) => (Depth::Sixteen, row.len()),
        };
        assert_eq!((depth, samples), (shape.depth, shape.row_samples()));
        rows += 1;
    }
    assert_eq!(rows, shape.height);
    assert!(opened.rows.next_row()?.is_none());
    let facts = opened.facts.clone();
    drop(opened);
    if facts.frames > 1 {
        let mut animation = animation::open(&input, &facts, &LIMITS)?;
        let mut frames = 0;
        while let Some(frame) = animation.next_frame()? {
            let shape = frame.picture.shape;
            assert_eq!((shape.width, shape.height), (facts.width, facts.height));
            frames += 1;
        }
        assert_eq!(frames, facts.frames);
    }
    Ok(())
}

fuzz_target!(init: caught::keep_panics(), |bytes: &[u8]| {
    caught::run(|| {
        if let Err(failure) = decode(bytes) {
            assert!(
                matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit),
                "{failure:?}"
            );
        }
    });
});
