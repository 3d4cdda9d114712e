//! A GIF made here, a run over it, and a WebP read back.

use std::{collections::BTreeMap, io::Cursor};

use image_webp::{LoopCount, WebPDecoder};
use images::{Images, decode::PictureLimits};
use shared::{Facts, Failure, InMemory, Input, Limits, Processor as _, options::ImagesOptions};

/// A GIF of whole frames, as indices and delays in hundredths of a second; `again`: how often it is played again.
pub(crate) fn gif(
    (width, height): (u16, u16),
    palette: &[u8],
    again: Option<u16>,
    frames: &[(Vec<u8>, u16)],
) -> Vec<u8> {
    let mut encoder = gif::Encoder::new(Vec::new(), width, height, palette).expect("a GIF");
    if let Some(again) = again {
        encoder.set_repeat(gif::Repeat::Finite(again)).expect("a count");
    }
    for (indices, delay) in frames {
        let frame = gif::Frame {
            width,
            height,
            buffer: indices.into(),
            delay: *delay,
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).expect("a frame");
    }
    encoder.into_inner().expect("a file")
}

/// Bytes without a pattern, always the same (xorshift64).
pub(crate) fn noise(seed: &mut u64, length: usize) -> Vec<u8> {
    (0..length)
        .map(|_| {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            seed.to_le_bytes()[3]
        })
        .collect()
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) manifest: serde_json::Value,
}

pub(crate) fn process(bytes: &[u8], options: &str) -> Result<Made, Failure> {
    process_with(bytes, options, 1, PictureLimits::default())
}

pub(crate) fn process_with(
    bytes: &[u8],
    options: &str,
    threads: usize,
    pictures: PictureLimits,
) -> Result<Made, Failure> {
    let facts = Facts {
        name: "file".to_owned(),
        size_bytes: bytes.len() as u64,
        declared_type: None,
    };
    let limits = Limits {
        threads,
        ..Limits::default()
    };
    let options = ImagesOptions::from_json(options).expect("options");
    let mut outputs = InMemory::default();
    Images::new(pictures).process(Input::new(&facts, &limits, &bytes), &options, &mut outputs)?;
    let files = outputs.files();
    let manifest = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    Ok(Made { files, manifest })
}

/// An animation as another decoder than ours sees it.
pub(crate) struct Animation {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) loop_count: u16,
    pub(crate) has_alpha: bool,
    /// Pixels of red, green, blue and alpha; ms.
    pub(crate) frames: Vec<(Vec<[u8; 4]>, u32)>,
}

pub(crate) fn read_back(webp: &[u8]) -> Animation {
    let mut decoder = WebPDecoder::new(Cursor::new(webp)).expect("a WebP");
    assert!(decoder.is_animated());
    let (width, height) = decoder.dimensions();
    let has_alpha = decoder.has_alpha();
    let mut samples = vec![0; decoder.output_buffer_size().expect("a small one")];
    let mut frames = Vec::new();
    for _ in 0..decoder.num_frames() {
        let duration_ms = decoder.read_frame(&mut samples).expect("a frame");
        let pixels = if has_alpha {
            samples.as_chunks::<4>().0.to_vec()
        } else {
            let pixels = samples.as_chunks::<3>().0.iter();
            pixels.map(|[r, g, b]| [*r, *g, *b, 255]).collect()
        };
        frames.push((pixels, duration_ms));
    }
    Animation {
        width,
        height,
        loop_count: match decoder.loop_count() {
            LoopCount::Forever => 0,
            LoopCount::Times(times) => times.get(),
        },
        has_alpha,
        frames,
    }
}
