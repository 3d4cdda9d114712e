//! What a decoder's error means, and limits checked from a header.

use std::{
    error::Error,
    io,
    panic::{self, AssertUnwindSafe},
};

use shared::{Failure, FailureKind, Place};

use super::PictureLimits;

/// The failure that a decoder's error stands for: one of our reader's, carried inside, as it is; anything else is the file's
/// fault. `offset` is how far the decoder has read, in bytes.
pub(super) fn of_error(format: &str, error: &(dyn Error + 'static), offset: u64) -> Failure {
    let mut inner = Some(error);
    let mut truncated = false;
    while let Some(current) = inner {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            let failure = Failure::from_read(io);
            // An error without a failure inside is the decoder's own: our readers' all carry one.
            if failure.code != "corrupt" && failure.code != "truncated" && failure.code != "read" {
                return failure;
            }
            truncated |= io.kind() == io::ErrorKind::UnexpectedEof;
        }
        inner = current.source();
    }
    let code = if truncated { "truncated" } else { "corrupt" };
    corrupt(code, format, &error.to_string(), offset)
}

/// A file at fault, as its decoder words it.
pub(super) fn corrupt(code: &'static str, format: &str, message: &str, offset: u64) -> Failure {
    let mut letters = message.trim_end_matches('.').chars();
    let message: String = match letters.next() {
        // An abbreviation stays one.
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        Some(first) => std::iter::once(first).chain(letters).collect(),
        None => "damaged".to_owned(),
    };
    Failure::rejected(code, format!("{format}: {message}")).at(Place::Byte { offset })
}

impl PictureLimits {
    /// Refuses a picture for its header's width and height.
    pub(super) fn check_size(&self, width: u64, height: u64) -> Result<(), Failure> {
        if width == 0 || height == 0 {
            return Err(Failure::rejected(
                "no-pixels",
                format!("the header says {width} × {height} pixels"),
            ));
        }
        if width.max(height) > u64::from(self.side) {
            return Err(Failure::limit(
                "side-too-long",
                format!(
                    "the header says {width} × {height} pixels, and a side may have {}",
                    self.side
                ),
            ));
        }
        if width * height > self.pixels {
            return Err(Failure::limit(
                "too-many-pixels",
                format!(
                    "the header says {width} × {height} pixels, and {} are taken",
                    self.pixels
                ),
            ));
        }
        Ok(())
    }

    /// Refuses a picture whose decoder would have to hold so many bytes.
    pub(crate) fn check_held(&self, bytes: u64) -> Result<(), Failure> {
        if bytes > self.decoded_bytes {
            return Err(Failure::limit(
                "too-much-memory",
                format!(
                    "decoding would hold {bytes} bytes, and {} are allowed",
                    self.decoded_bytes
                ),
            ));
        }
        Ok(())
    }

    /// Refuses an animation of more frames than allowed.
    pub(super) fn check_frames(&self, frames: u64) -> Result<u32, Failure> {
        u32::try_from(frames)
            .ok()
            .filter(|frames| *frames <= self.frames)
            .ok_or_else(|| {
                Failure::limit(
                    "too-many-frames",
                    format!("{frames} frames, and {} are taken", self.frames),
                )
            })
    }
}

/// Runs a decoder of others' that gives a whole picture. Should it panic on a file, the file is refused: a defect there must not
/// look like one of ours, which would be tried again.
pub(super) fn guard<T>(format: &str, decode: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What it was at work on is dropped with it.
    panic::catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(corrupt(
            "corrupt",
            format,
            "its decoder cannot make sense of it",
            0,
        ))
    })
}

/// Whether a failure is one of ours, so that another way of decoding would not help.
pub(super) fn is_ours(failure: &Failure) -> bool {
    !matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit)
}
