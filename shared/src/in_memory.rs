//! Outputs in memory, for tests and small files.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Failure, OutputWriter, Outputs};

/// Keeps what a core puts out, each output under its name once it is finished.
#[derive(Debug, Default)]
pub struct InMemory {
    begun: BTreeSet<String>,
    finished: Finished,
}

type Finished = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Writer {
    name: String,
    bytes: Vec<u8>,
    finished: Finished,
}

impl InMemory {
    /// The outputs that were finished, by name.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.finished
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether each of the names that an output was begun under has one that was finished.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.begun.iter().eq(self.files().keys())
    }
}

impl Outputs for InMemory {
    fn create(&mut self, name: &str, _: &str) -> Result<Box<dyn OutputWriter>, Failure> {
        self.begun.insert(name.to_owned());
        Ok(Box::new(Writer {
            name: name.to_owned(),
            bytes: Vec::new(),
            finished: Arc::clone(&self.finished),
        }))
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl OutputWriter for Writer {
    fn finish(self: Box<Self>) -> Result<(), Failure> {
        let Self {
            name,
            bytes,
            finished,
        } = *self;
        let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
        if finished.contains_key(&name) {
            return Err(Failure::internal("output-twice", format!("{name} ends twice")));
        }
        finished.insert(name, bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_finished_is_kept_and_what_is_dropped_is_not() {
        let mut outputs = InMemory::default();
        let mut first = outputs.create("a.txt", "text/plain").unwrap();
        first.write_all(b"gone").unwrap();
        drop(first);
        assert!(!outputs.is_complete());
        let mut again = outputs.create("a.txt", "text/plain").unwrap();
        again.write_all(b"kept").unwrap();
        again.finish().unwrap();
        assert!(outputs.is_complete());
        assert_eq!(outputs.files().remove("a.txt").unwrap(), b"kept");
        let twice = outputs.create("a.txt", "text/plain").unwrap().finish();
        assert_eq!(twice.unwrap_err().code, "output-twice");
    }
}
