//! Writing an attempt's outputs: streamed while it runs, visible all together at its end.
//!
//! An output that fits one part is kept in memory until the end and then written whole; a larger one is a
//! multipart upload whose parts leave as they fill. Nothing is completed before [`AttemptOutputs::publish`], so that an
//! attempt killed half-way leaves no object behind, only multipart uploads, which the bucket's lifecycle
//! rule aborts.

use std::{
    collections::{HashMap, VecDeque},
    io::{self, Write},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{Location, Objects, StoreError, UploadedPart};
use crate::{
    catalogue::Output,
    deadline::Deadline,
    failure::Failure,
    processor::{OutputWriter, Outputs, is_output_name},
};

/// Size of a part, and of the largest output written whole: 8 MiB, which allows outputs of 80 GB (S3 takes
/// 10,000 parts of at least 5 MiB).
const PART_BYTES: usize = 8 << 20;
/// Parts of one output on their way at once: one leaves while the next fills.
const PARTS_IN_FLIGHT: usize = 2;
/// Outputs completed at once.
const PUBLISHED_AT_ONCE: usize = 8;

/// An output whose bytes are complete, not yet visible.
#[derive(Debug)]
struct Finished {
    output: Output,
    body: FinishedBody,
}

#[derive(Debug)]
enum FinishedBody {
    Whole(Bytes),
    Parts {
        upload: String,
        parts: Vec<UploadedPart>,
    },
}

#[derive(Debug, Default)]
struct State {
    names: Vec<String>,
    finished: Vec<Finished>,
    /// Keys that are, or may be, visible.
    published: Vec<String>,
    /// Multipart uploads that are neither completed nor aborted: id to key.
    uploads: HashMap<String, String>,
}

#[derive(Debug)]
struct Inner<O> {
    objects: O,
    bucket: String,
    prefix: String,
    runtime: Handle,
    deadline: Deadline,
    state: Mutex<State>,
}

impl<O> Inner<O> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, key: &str) -> Location {
        Location::new(&self.bucket, key)
    }
}

/// The outputs of one attempt, under a prefix that belongs to it alone. Its writers block: use them off the
/// runtime's threads.
#[derive(Debug)]
pub struct AttemptOutputs<O> {
    inner: Arc<Inner<O>>,
}

impl<O: Objects> AttemptOutputs<O> {
    /// Outputs under `prefix` (which ends in a slash) of a bucket. To be made inside a runtime.
    pub fn new(objects: O, bucket: &str, prefix: &str, deadline: Deadline) -> Self {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        let state = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                objects,
                bucket,
                prefix,
                runtime: Handle::current(),
                deadline,
                state,
            }),
        }
    }

    /// Another handle to the same outputs, for the thread that the processor runs on.
    #[must_use]
    pub fn handle(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }

    /// Makes every finished output visible. If one cannot be, the others are to be [discarded](Self::discard).
    pub async fn publish(&self) -> Result<Vec<Output>, Failure> {
        let finished = mem::take(&mut self.inner.state().finished);
        let work = stream::iter(finished)
            .map(|finished| self.publish_one(finished))
            .buffered(PUBLISHED_AT_ONCE)
            .try_collect();
        let published = self.inner.deadline.within(work).await.and_then(|done| done)?;
        // What the processor began and dropped.
        self.abort_uploads().await;
        Ok(published)
    }

    async fn publish_one(&self, finished: Finished) -> Result<Output, Failure> {
        let Finished { output, body } = finished;
        self.inner.state().published.push(output.key.clone());
        let at = self.inner.at(&output.key);
        let done = match body {
            FinishedBody::Whole(body) => self.inner.objects.put(&at, &output.content_type, body).await,
            FinishedBody::Parts { upload, parts } => {
                let completed = self.inner.objects.complete_upload(&at, &upload, &parts).await;
                if completed.is_ok() {
                    self.inner.state().uploads.remove(&upload);
                }
                completed
            }
        };
        done.map(|()| output).map_err(StoreError::into_failure)
    }

    /// Takes back everything: what was published is deleted, what was begun is aborted. Best effort: what
    /// cannot be taken back now is named by no record, and a later attempt or the lifecycle rule clears it away.
    pub async fn discard(&self) {
        self.inner.state().finished.clear();
        self.abort_uploads().await;
        let published = mem::take(&mut self.inner.state().published);
        for key in published {
            if let Err(error) = self.inner.objects.delete(&self.inner.at(&key)).await {
                tracing::warn!(%error, "could not delete an output");
            }
        }
    }

    async fn abort_uploads(&self) {
        let uploads = mem::take(&mut self.inner.state().uploads);
        for (upload, key) in uploads {
            let aborted = self
                .inner
                .objects
                .abort_upload(&self.inner.at(&key), &upload)
                .await;
            if let Err(error) = aborted {
                tracing::warn!(%error, "could not abort an upload");
            }
        }
    }
}

impl<O: Objects> Outputs for AttemptOutputs<O> {
    fn create(&mut self, name: &str, content_type: &str) -> Result<Box<dyn OutputWriter>, Failure> {
        if !is_output_name(name) {
            return Err(Failure::internal(
                "output-name",
                format!("{name:?} cannot name an output"),
            ));
        }
        let mut state = self.inner.state();
        if state.names.iter().any(|taken| taken == name) {
            return Err(Failure::internal(
                "output-name",
                format!("there are two outputs named {name:?}"),
            ));
        }
        state.names.push(name.to_owned());
        Ok(Box::new(PartWriter {
            key: format!("{}{name}", self.inner.prefix),
            name: name.to_owned(),
            content_type: content_type.to_owned(),
            inner: Arc::clone(&self.inner),
            buffer: Vec::new(),
            size_bytes: 0,
            upload: None,
            in_flight: VecDeque::new(),
            parts: Vec::new(),
        }))
    }
}

/// One output as it is written.
struct PartWriter<O> {
    inner: Arc<Inner<O>>,
    name: String,
    key: String,
    content_type: String,
    buffer: Vec<u8>,
    size_bytes: u64,
    upload: Option<String>,
    in_flight: VecDeque<JoinHandle<Result<UploadedPart, StoreError>>>,
    parts: Vec<UploadedPart>,
}

impl<O: Objects> PartWriter<O> {
    fn block_on<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
        self.inner
            .runtime
            .block_on(self.inner.deadline.within(work))?
            .map_err(StoreError::into_failure)
    }

    /// Sends the buffer on its way as the next part.
    fn send(&mut self) -> Result<(), Failure> {
        let at = self.inner.at(&self.key);
        let upload = if let Some(upload) = &self.upload {
            upload.clone()
        } else {
            let upload = self.block_on(self.inner.objects.start_upload(&at, &self.content_type))?;
            self.inner
                .state()
                .uploads
                .insert(upload.clone(), self.key.clone());
            self.upload.insert(upload).clone()
        };
        while self.in_flight.len() >= PARTS_IN_FLIGHT {
            self.land()?;
        }
        let number = u16::try_from(self.parts.len() + self.in_flight.len() + 1)
            .ok()
            .filter(|number| *number <= 10_000)
            .ok_or_else(|| {
                Failure::limit(
                    "output-too-large",
                    format!("{} has more than 10,000 parts", self.name),
                )
            })?;
        let body = Bytes::from(mem::take(&mut self.buffer));
        let objects = self.inner.objects.clone();
        self.in_flight.push_back(
            self.inner
                .runtime
                .spawn(async move { objects.upload_part(&at, &upload, number, body).await }),
        );
        Ok(())
    }

    /// Waits for the oldest part on its way.
    fn land(&mut self) -> Result<(), Failure> {
        if let Some(part) = self.in_flight.pop_front() {
            let part = self
                .inner
                .runtime
                .block_on(self.inner.deadline.within(part))?
                .map_err(|error| Failure::internal("upload-part", error.to_string()))?;
            self.parts.push(part.map_err(StoreError::into_failure)?);
        }
        Ok(())
    }
}

impl<O> Drop for PartWriter<O> {
    fn drop(&mut self) {
        // Dropped before its end: no part of it is wanted any more, and its name is free. One that ended has given its
        // name away.
        for part in &self.in_flight {
            part.abort();
        }
        if !self.name.is_empty() {
            self.inner.state().names.retain(|taken| *taken != self.name);
        }
    }
}

impl<O: Objects> Write for PartWriter<O> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PART_BYTES - self.buffer.len();
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.buffer.extend_from_slice(taken);
        self.size_bytes += taken.len() as u64;
        if self.buffer.len() == PART_BYTES {
            self.inner
                .deadline
                .check()
                .and_then(|()| self.send())
                .map_err(Failure::into_io)?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<O: Objects> OutputWriter for PartWriter<O> {
    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.send()?;
        }
        while !self.in_flight.is_empty() {
            self.land()?;
        }
        let body = match self.upload.take() {
            None => FinishedBody::Whole(Bytes::from(mem::take(&mut self.buffer))),
            Some(upload) => FinishedBody::Parts {
                upload,
                parts: mem::take(&mut self.parts),
            },
        };
        let output = Output {
            name: mem::take(&mut self.name),
            key: mem::take(&mut self.key),
            size_bytes: self.size_bytes,
            content_type: mem::take(&mut self.content_type),
        };
        self.inner.state().finished.push(Finished { output, body });
        Ok(())
    }
}
