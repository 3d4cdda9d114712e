//! Animated WebP (RFC 9649, 2.7.1.1): what each frame changes, in a container of our own.
//!
//! Each change is a still of libwebp's, in a chunk `ANMF`; they are joined as they come.

mod changes;

use shared::Failure;

pub(crate) use self::changes::{Change, Changes};
use super::{Source, notice, webp};
use crate::compose::rgba;

/// A frame, encoded.
#[derive(Debug)]
pub(crate) struct EncodedFrame {
    /// The chunk `ANMF`.
    chunk: Vec<u8>,
    has_alpha: bool,
    duration_ms: u32,
}

/// Encodes a change. `quality` is 1 to 100; without one it is lossless.
pub(crate) fn encode_change(change: &Change, quality: Option<u8>) -> Result<EncodedFrame, Failure> {
    let pixels = &change.pixels;
    let still = match quality {
        Some(quality) if !change.is_nothing => webp::encode_lossy(Source::Pixels(pixels), quality)?,
        _ => webp::encode_lossless(pixels)?,
    };
    let coded =
        picture_chunks(&still).ok_or_else(|| Failure::internal("webp", "a still without a picture"))?;
    let shape = pixels.shape;
    let has_alpha = shape.channels.has_alpha() && rgba(pixels).any(|pixel| pixel[3] < u8::MAX);
    let mut chunk = b"ANMF".to_vec();
    let length = coded.len() + 16;
    chunk.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    let numbers = [
        change.left / 2,
        change.top / 2,
        shape.width.saturating_sub(1),
        shape.height.saturating_sub(1),
        change.duration_ms,
    ];
    for number in numbers {
        chunk.extend(three_bytes(number));
    }
    // Nothing is ever disposed of; the second bit says that what lies below is replaced.
    chunk.push(if change.shows_through { 0 } else { 2 });
    chunk.extend(coded);
    Ok(EncodedFrame {
        chunk,
        has_alpha,
        duration_ms: change.duration_ms,
    })
}

/// The chunks of a still that hold its picture, as they go into a frame.
fn picture_chunks(still: &[u8]) -> Option<Vec<u8>> {
    let mut rest = still.get(12..)?;
    let mut coded = Vec::with_capacity(rest.len());
    while let Some((name, data)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*data.first_chunk()?)).ok()?;
        let end = (8 + length).next_multiple_of(2).min(rest.len());
        if matches!(name, b"ALPH" | b"VP8 " | b"VP8L") {
            coded.extend(rest.get(..end)?);
            // Chunks are of an even length; a file may leave the last byte out.
            if coded.len() % 2 == 1 {
                coded.push(0);
            }
        }
        rest = rest.get(end..)?;
    }
    (!coded.is_empty()).then_some(coded)
}

fn three_bytes(number: u32) -> impl Iterator<Item = u8> {
    number.to_le_bytes().into_iter().take(3)
}

/// What stands before the frames: `RIFF`, `VP8X`, `ANIM`.
const HEAD_BYTES: usize = 12 + 18 + 14;

/// A file, frame by frame.
#[derive(Debug)]
pub(crate) struct AnimationFile {
    /// With room for what stands before the frames.
    bytes: Vec<u8>,
    has_alpha: bool,
    frames: u32,
    duration_ms: u64,
}

impl AnimationFile {
    /// Without frames.
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; HEAD_BYTES],
            has_alpha: false,
            frames: 0,
            duration_ms: 0,
        }
    }

    /// Adds a frame at the end.
    pub(crate) fn push(&mut self, frame: &EncodedFrame) {
        self.bytes.extend(&frame.chunk);
        self.has_alpha |= frame.has_alpha;
        self.frames += 1;
        self.duration_ms += u64::from(frame.duration_ms);
    }

    /// How much there is so far.
    pub(crate) const fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How many frames it has.
    pub(crate) const fn frames(&self) -> u32 {
        self.frames
    }

    /// How long its frames take together, in ms.
    pub(crate) const fn duration_ms(&self) -> u64 {
        self.duration_ms
    }

    /// The file, of `size` (in pixels), played so often (0: for ever). `copyright`: see [`super::kept`].
    pub(crate) fn finish(
        mut self,
        size: (u32, u32),
        loop_count: u16,
        copyright: Option<&str>,
    ) -> Result<Vec<u8>, Failure> {
        const ANIMATION_FLAG: u8 = 0x02;
        const ALPHA_FLAG: u8 = 0x10;
        let length = u32::try_from(self.bytes.len() - 8)
            .map_err(|_| Failure::limit("too-many-bytes", "an animation of 4 GiB or more is no WebP"))?;
        let mut head = b"RIFF".to_vec();
        head.extend(length.to_le_bytes());
        head.extend(b"WEBPVP8X\x0A\0\0\0");
        let flags = ANIMATION_FLAG | if self.has_alpha { ALPHA_FLAG } else { 0 };
        head.extend([flags, 0, 0, 0]);
        for side in [size.0, size.1] {
            head.extend(three_bytes(side.saturating_sub(1)));
        }
        head.extend(b"ANIM\x06\0\0\0");
        // The colour below all: transparent, which is what browsers show whatever it says.
        head.extend([0; 4]);
        head.extend(loop_count.to_le_bytes());
        self.bytes
            .iter_mut()
            .zip(head)
            .for_each(|(room, byte)| *room = byte);
        Ok(match copyright {
            Some(copyright) => {
                notice::webp_with_exif(&self.bytes, size, self.has_alpha, &notice::exif(copyright))
            }
            None => self.bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use image_webp::WebPDecoder;

    use super::{changes::MOST_DURATION_MS, *};
    use crate::{
        compose::{codes, of_codes},
        picture::{Channels, Picture},
    };

    const SIZE: (u32, u32) = (9, 7);

    fn frame(pixel: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
        let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
        let samples = pixels.flat_map(|(x, y)| pixel(x, y)).collect();
        of_codes(SIZE.0, SIZE.1, Channels::Rgba, samples)
    }

    /// Frames whose every pixel is another, with one that changes at a place.
    fn busy(at: Option<(u32, u32)>, with: [u8; 4]) -> Picture {
        frame(|x, y| {
            let byte = |value: u32| u8::try_from(value % 256).unwrap();
            if at == Some((x, y)) {
                with
            } else {
                [byte(x * 28), byte(y * 36), 90, 255]
            }
        })
    }

    fn decoded(file: &[u8]) -> Vec<(u32, Vec<[u8; 4]>)> {
        let mut decoder = WebPDecoder::new(std::io::Cursor::new(file)).unwrap();
        let has_alpha = decoder.has_alpha();
        let mut samples = vec![0; decoder.output_buffer_size().unwrap()];
        let mut frames = Vec::new();
        while let Ok(duration_ms) = decoder.read_frame(&mut samples) {
            let channels = if has_alpha { Channels::Rgba } else { Channels::Rgb };
            let picture = of_codes(SIZE.0, SIZE.1, channels, samples.clone());
            frames.push((duration_ms, rgba(&picture).collect()));
        }
        frames
    }

    fn file(frames: &[Picture], quality: Option<u8>) -> Vec<u8> {
        let mut changes = Changes::default();
        let mut file = AnimationFile::new();
        for (picture, duration_ms) in frames.iter().zip((10..).step_by(10)) {
            let change = changes.next(picture.clone(), duration_ms, quality.is_none());
            file.push(&encode_change(&change, quality).unwrap());
        }
        file.finish(SIZE, 3, None).unwrap()
    }

    fn scene() -> Vec<Picture> {
        vec![
            busy(None, [0; 4]),
            busy(Some((5, 3)), [255, 255, 255, 255]),
            busy(Some((5, 3)), [255, 255, 255, 255]),
            busy(Some((8, 6)), [0, 0, 0, 0]),
            busy(Some((0, 0)), [9, 9, 9, 100]),
            frame(|_, _| [0; 4]),
            busy(None, [0; 4]),
        ]
    }

    #[test]
    fn lossless_frames_come_back_pixel_by_pixel() {
        let frames = scene();
        let back = decoded(&file(&frames, None));
        assert_eq!(back.len(), frames.len());
        for (number, ((duration_ms, pixels), frame)) in (1..).zip(back.iter().zip(&frames)) {
            assert_eq!(*duration_ms, number * 10);
            let frame: Vec<_> = rgba(frame).collect();
            // The colours of what cannot be seen are the encoder's to choose.
            let seen = pixels.iter().zip(&frame).filter(|(_, shall)| shall[3] > 0);
            let clear = pixels.iter().zip(&frame).filter(|(_, shall)| shall[3] == 0);
            assert!(
                clear.map(|(is, _)| is[3]).all(|alpha| alpha == 0),
                "frame {number}"
            );
            let most = seen
                .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)))
                .max();
            // The decoder rounds white that lies over something down to 254; libwebp, and so browsers, do not.
            assert!(most.unwrap_or(0) <= 1, "frame {number}");
        }
    }

    #[test]
    fn lossy_frames_come_back_about_as_they_were() {
        let frames = scene();
        let back = decoded(&file(&frames, Some(95)));
        assert_eq!(back.len(), frames.len());
        for (number, ((_, pixels), frame)) in (1..).zip(back.iter().zip(&frames)) {
            let frame: Vec<_> = rgba(frame).collect();
            let pairs = pixels.iter().zip(&frame);
            assert!(
                pairs.clone().all(|(a, b)| a[3] == b[3]),
                "alpha of frame {number}"
            );
            let seen = pairs.filter(|(_, b)| b[3] == 255);
            let off: u32 = seen.map(|(a, b)| u32::from(a[2].abs_diff(b[2]))).sum();
            assert!(off / 63 < 12, "frame {number} is {off} off");
        }
    }

    #[test]
    fn only_what_changes_is_written() {
        let mut changes = Changes::default();
        let whole = changes.next(busy(None, [0; 4]), 0, false);
        assert_eq!((whole.pixels.shape.width, whole.pixels.shape.height), SIZE);
        let one = changes.next(busy(Some((5, 3)), [1, 2, 3, 255]), 0, false);
        assert_eq!((one.left, one.top), (4, 2));
        assert_eq!((one.pixels.shape.width, one.pixels.shape.height), (2, 2));
        assert!(!one.shows_through && !one.is_nothing);
        let nothing = changes.next(busy(Some((5, 3)), [1, 2, 3, 255]), u32::MAX, false);
        assert!(nothing.is_nothing);
        assert_eq!(nothing.duration_ms, MOST_DURATION_MS);
        let back = changes.next(busy(None, [0; 4]), 0, true);
        assert!(back.shows_through);
        assert_eq!(codes(&back.pixels)[..4], [0; 4]);
    }
}
