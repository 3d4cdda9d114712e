//! Strips decoded on a thread of their own, while those before are reduced.

use std::{
    ops::Range,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use shared::Failure;

use crate::picture::{Planes, Strip};

/// How many strips may wait.
const WAITING: usize = 3;

/// A strip's samples, to be kept while the decoder works on the next one.
#[derive(Default)]
struct Kept {
    luma: Range<usize>,
    chroma: Range<usize>,
    /// Rows of each plane without gaps.
    planes: [Vec<u8>; 3],
}

impl Kept {
    fn rows(&self, plane: usize) -> &Range<usize> {
        if plane == 0 { &self.luma } else { &self.chroma }
    }

    fn keep(&mut self, strip: Strip, planes: &dyn Planes) {
        self.luma = strip.luma;
        self.chroma = strip.chroma;
        for (plane, kept) in self.planes.iter_mut().enumerate() {
            kept.clear();
            let rows = if plane == 0 { &self.luma } else { &self.chroma };
            for row in rows.clone() {
                kept.extend_from_slice(planes.plane_row(plane, row));
            }
        }
    }
}

/// What the other thread decodes.
struct Ahead {
    luma_size: (u32, u32),
    chroma_size: (u32, u32),
    ratio: (u32, u32),
    decoded: Receiver<Result<Kept, Failure>>,
    used: Sender<Kept>,
    current: Kept,
}

impl Planes for Ahead {
    fn luma_size(&self) -> (u32, u32) {
        self.luma_size
    }

    fn chroma_size(&self) -> (u32, u32) {
        self.chroma_size
    }

    fn ratio(&self) -> (u32, u32) {
        self.ratio
    }

    fn next_strip(&mut self) -> Result<Option<Strip>, Failure> {
        // The decoder hangs up after its last strip.
        let Ok(next) = self.decoded.recv() else {
            return Ok(None);
        };
        let used = std::mem::replace(&mut self.current, next?);
        // There may be nobody left who wants it.
        let _ = self.used.send(used);
        Ok(Some(Strip {
            luma: self.current.luma.clone(),
            chroma: self.current.chroma.clone(),
        }))
    }

    fn plane_row(&self, plane: usize, row: usize) -> &[u8] {
        let width = if plane == 0 {
            self.luma_size.0
        } else {
            self.chroma_size.0
        } as usize;
        let begin = row.saturating_sub(self.current.rows(plane).start) * width;
        let samples = self.current.planes.get(plane);
        samples
            .and_then(|samples| samples.get(begin..begin + width))
            .unwrap_or_default()
    }
}

/// Runs `work` over the strips, which are decoded ahead of it.
pub(super) fn decode_ahead<T>(planes: &mut dyn Planes, work: impl FnOnce(&mut dyn Planes) -> T) -> T {
    thread::scope(|scope| {
        let (send_decoded, decoded) = mpsc::channel();
        let (used, take_used) = mpsc::channel();
        for _ in 0..WAITING {
            let _ = used.send(Kept::default());
        }
        let mut ahead = Ahead {
            luma_size: planes.luma_size(),
            chroma_size: planes.chroma_size(),
            ratio: planes.ratio(),
            decoded,
            used,
            current: Kept::default(),
        };
        scope.spawn(move || {
            // Ends when the other side is gone, too.
            while let Ok(mut kept) = take_used.recv() {
                let next = match planes.next_strip() {
                    Ok(Some(strip)) => {
                        kept.keep(strip, planes);
                        Ok(kept)
                    }
                    Ok(None) => break,
                    Err(failure) => Err(failure),
                };
                let is_last = next.is_err();
                if send_decoded.send(next).is_err() || is_last {
                    break;
                }
            }
        });
        work(&mut ahead)
    })
}
