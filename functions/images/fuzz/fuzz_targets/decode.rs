//! Any bytes are a picture, all of whose rows and frames are there, or are refused; the fault is never ours.

#![no_main]

use images::{
    decode::{self, PictureLimits, Wanted, animation},
    picture::Row,
};
use libfuzzer_sys::fuzz_target;
use shared::{Facts, Failure, FailureKind, Input, Limits};

fn decode(bytes: &[u8]) -> Result<(), Failure> {
    let facts = Facts { name: String::new(), size_bytes: bytes.len() as u64, declared_type: None };
    let limits = Limits::default();
    let limits_of_pictures = PictureLimits {
        pixels: 1 << 20,
        side: 1 << 14,
        frames: 100,
        decoded_bytes: 32 << 20,
        animated_pixels: 8 << 20,
    };
    let input = Input::new(&facts, &limits, &bytes);
    let mut opened = decode::open(&input, &limits_of_pictures, Wanted::Everything)?;
    let shape = opened.rows.shape();
    assert_eq!((shape.width, shape.height), (opened.facts.width, opened.facts.height));
    assert!((1..=8).contains(&opened.facts.orientation));
    let mut rows = 0;
    while let Some(row) = opened.rows.next_row()? {
        let samples = match row {
            Row::Eight(row) => row.len(),
            Row::Sixteen(row) => row.len(),
        };
        assert_eq!(samples, shape.row_samples());
        rows += 1;
    }
    assert_eq!(rows, shape.height);
    let facts = opened.facts.clone();
    drop(opened);
    if facts.frames > 1 {
        let mut animation = animation::open(&input, &facts, &limits_of_pictures)?;
        let mut frames = 0;
        while let Some(frame) = animation.next_frame()? {
            assert_eq!((frame.picture.shape.width, frame.picture.shape.height), (facts.width, facts.height));
            frames += 1;
        }
        assert_eq!(frames, facts.frames);
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    if let Err(failure) = decode(bytes) {
        assert!(matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit), "{failure:?}");
    }
});
