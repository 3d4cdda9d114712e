//! The frames of an animation, one after another: of a GIF, a PNG, a WebP.
//!
//! A file holds *parts*: rectangles that are drawn over what is there, and are taken away again or not. Each format has a
//! decoder of its own for them; how they become frames is the same for all, and is `canvas.rs`. One canvas and one part are held
//! at a time, whatever the number of frames.

mod canvas;
mod gif;
mod png;
mod webp;

use shared::{Failure, Input};

use self::canvas::{Canvas, Part};
use super::{Facts, Format, PictureLimits, refusal};
use crate::picture::Picture;

/// An animation opened for decoding.
pub struct Animation<'a> {
    parts: Box<dyn Parts + 'a>,
    /// How the format is named in errors.
    named: &'static str,
    canvas: Canvas,
    limits: PictureLimits,
    /// As the file's header, or its walk, says.
    frames: u32,
    /// Frames given so far.
    given: u32,
    /// Pixels of all parts so far.
    drawn: u64,
    loop_count: u16,
}

/// A frame as it is seen.
#[derive(Debug)]
pub struct Frame<'a> {
    /// All of it, of 8 bits of red, green, blue and alpha in sRGB; as stored: *not yet oriented*.
    pub picture: &'a Picture,
    /// How long it stands, in ms.
    pub duration_ms: u32,
}

/// Decodes a file's parts in their order.
trait Parts {
    /// The next one. It is asked for as often as the file has frames: one that is missing is an error. `check` is asked before
    /// anything of the size of a part is allocated.
    fn next_part(&mut self, check: &mut dyn FnMut(Size) -> Result<(), Failure>) -> Result<Part, Failure>;
}

/// What a part will take.
#[derive(Debug, Clone, Copy)]
struct Size {
    /// In pixels.
    width: u32,
    /// In pixels.
    height: u32,
    /// What its decoder holds at a time.
    held_bytes: u64,
}

/// Opens the frames of a file whose facts ([`super::open`]) say that it has more than one.
///
/// # Errors
/// As [`super::open`]. Limit (`too-many-pixels`): frames × width × height is more than [`PictureLimits::animated_pixels`].
pub fn open<'a>(input: &Input<'a>, facts: &Facts, limits: &PictureLimits) -> Result<Animation<'a>, Failure> {
    let frames = limits.check_frames(u64::from(facts.frames))?;
    limits.check_animated(facts, 1)?;
    let (named, opened) = match facts.format {
        Format::Gif => ("the GIF", refusal::guard("the GIF", || gif::open(input))),
        Format::Png => ("the PNG", refusal::guard("the PNG", || png::open(input))),
        Format::Webp => ("the WebP", refusal::guard("the WebP", || webp::open(input))),
        _ => return Err(Failure::internal("animation", "a format without animations")),
    };
    let (parts, loop_count) = opened?;
    Ok(Animation {
        parts,
        named,
        canvas: Canvas::new(facts.width, facts.height, limits)?,
        limits: *limits,
        frames,
        given: 0,
        drawn: 0,
        loop_count,
    })
}

impl Animation<'_> {
    /// How often it is played; 0 is for ever.
    #[must_use]
    pub const fn loop_count(&self) -> u16 {
        self.loop_count
    }

    /// The next frame; none after the last.
    ///
    /// # Errors
    /// Rejected: a damaged one. Limit: one too large. Both name the frame, the first of which is 1.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Failure> {
        if self.given == self.frames {
            return Ok(None);
        }
        self.given += 1;
        let (limits, canvas_bytes, mut drawn) = (self.limits, self.canvas.bytes(), self.drawn);
        let mut check = |size: Size| {
            limits.check_size(u64::from(size.width), u64::from(size.height))?;
            // Beside the canvas: the part, and what lies under it if that is to come back.
            let pixels = u64::from(size.width) * u64::from(size.height);
            limits.check_held(canvas_bytes + size.held_bytes + 8 * pixels)?;
            drawn += pixels;
            limits.check_drawn(drawn)
        };
        let part =
            refusal::guard(self.named, || self.parts.next_part(&mut check)).map_err(|failure| Failure {
                message: format!("{} (frame {} of {})", failure.message, self.given, self.frames),
                ..failure
            })?;
        self.drawn = drawn;
        self.canvas.draw(&part);
        Ok(Some(Frame {
            picture: self.canvas.picture(),
            duration_ms: part.duration_ms,
        }))
    }
}

impl PictureLimits {
    /// Refuses to go so often through all frames of an animation, for what they sum up to.
    pub(crate) fn check_animated(&self, facts: &Facts, passes: u64) -> Result<(), Failure> {
        let (frames, width, height) = (facts.frames, facts.width, facts.height);
        let pixels = u64::from(frames) * u64::from(width) * u64::from(height);
        let pixels = pixels.saturating_mul(passes);
        if pixels <= self.animated_pixels {
            return Ok(());
        }
        let most = self.animated_pixels;
        let times = if passes > 1 {
            format!(", gone through {passes} times,")
        } else {
            String::new()
        };
        let message = format!(
            "{frames} frames of {width} × {height} pixels{times} make {pixels}, and {most} are taken"
        );
        Err(Failure::limit("too-many-pixels", message))
    }

    /// Refuses an animation whose parts are larger than its frames.
    fn check_drawn(&self, pixels: u64) -> Result<(), Failure> {
        if pixels <= self.animated_pixels {
            return Ok(());
        }
        let most = self.animated_pixels;
        let message = format!("frames of {pixels} pixels up to here, and {most} are taken");
        Err(Failure::limit("too-many-pixels", message))
    }
}

#[cfg(test)]
mod tests;
