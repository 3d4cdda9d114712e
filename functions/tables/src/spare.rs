//! Buffers that are filled again: one that is new costs more than what is put into it.

use std::sync::{Mutex, PoisonError};

/// Buffers that several threads are done with. There are no more of them than were in use at a time.
#[derive(Debug, Default)]
pub(crate) struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// The one that was put last, whose memory is the nearest, or a new one. What is in it is of no use.
    pub(crate) fn take(&self) -> Vec<u8> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.pop().unwrap_or_default()
    }

    /// The same, and nothing is in it.
    pub(crate) fn take_empty(&self) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.clear();
        buffer
    }

    /// Gives one back.
    pub(crate) fn put(&self, buffer: Vec<u8>) {
        if buffer.capacity() > 0 {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
        }
    }
}
