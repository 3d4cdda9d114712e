//! A JPEG that is decoded at its full size is decoded at every smaller one too, and has the rows that are promised.

#![no_main]

mod caught;

use images::{
    decode::{self, PictureLimits, Wanted},
    picture::Row,
};
use libfuzzer_sys::fuzz_target;
use shared::{Facts, Failure, FailureKind, Input, Limits};

const BEGIN: &[u8] = &[0xFF, 0xD8, 0xFF];

fn rows(bytes: &[u8], wanted: Wanted) -> Result<(u32, u32), Failure> {
    let facts = Facts {
        name: String::new(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits::default();
    let limits_of_pictures = PictureLimits {
        pixels: 1 << 20,
        decoded_bytes: 32 << 20,
        ..PictureLimits::default()
    };
    let input = Input::new(&facts, &limits, &bytes);
    let mut opened = decode::open(&input, &limits_of_pictures, wanted)?;
    let shape = opened.rows.shape();
    let mut rows = 0;
    while let Some(row) = opened.rows.next_row()? {
        assert!(matches!(row, Row::Eight(samples) if samples.len() == shape.row_samples()));
        rows += 1;
    }
    assert_eq!(rows, shape.height);
    Ok((shape.width, shape.height))
}

fuzz_target!(init: caught::keep_panics(), |rest: &[u8]| {
    caught::run(|| {
        let begin: &[u8] = if rest.starts_with(BEGIN) { &[] } else { BEGIN };
        let bytes = [begin, rest].concat();
        let whole = rows(&bytes, Wanted::Everything);
        if let Err(failure) = &whole {
            assert!(
                matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit),
                "{failure:?}"
            );
        }
        for by in [1, 2, 4, 8] {
            let (width, height) = whole.clone().unwrap_or((64, 64));
            let (width, height) = (width.div_ceil(by), height.div_ceil(by));
            let smaller = rows(&bytes, Wanted::AtLeast { width, height });
            if whole.is_ok() {
                assert_eq!(smaller, Ok((width, height)));
            }
        }
    });
});
