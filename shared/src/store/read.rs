//! Reading an object as an [`Input`](crate::Input)'s source: streamed, pinned, resumed, in parallel ranges.

use std::{
    collections::VecDeque,
    io::{self, Read},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures::{StreamExt, stream};
use tokio::{runtime::Handle, sync::mpsc};
use tracing::Instrument as _;

use super::{ByteStream, Location, ObjectHead, Objects, StoreError, StoreErrorKind};
use crate::{deadline::Deadline, failure::Failure, processor::Source};

/// The [`Failure::code`] of a read that found another version of the object.
pub const CHANGED: &str = "upload-changed";
/// The [`Failure::code`] of a read that found no object.
pub const GONE: &str = "upload-gone";

/// How an object is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// Objects of up to this size are read with one request.
    pub whole_bytes: u64,
    /// Larger ones are read in ranges of this size.
    pub range_bytes: u64,
    /// So many ranges at once; memory is `parallel` + 1 times `range_bytes`.
    pub parallel: usize,
    /// So often a broken read is taken up again without having got a byte further.
    pub tries: u32,
    /// The pause before the first of these, doubled before each further one.
    pub backoff: Duration,
}

impl Default for ReadPlan {
    /// One request up to 16 MiB; above, three ranges of 8 MiB at once: one connection to S3 gives about 90 MB/s.
    fn default() -> Self {
        let backoff = Duration::from_millis(100);
        Self {
            whole_bytes: 16 << 20,
            range_bytes: 8 << 20,
            parallel: 3,
            tries: 4,
            backoff,
        }
    }
}

impl ReadPlan {
    /// The ranges that an object is read in, in order.
    fn ranges(&self, size_bytes: u64) -> impl Iterator<Item = Range<u64>> + Send + use<> {
        let step = if size_bytes <= self.whole_bytes {
            size_bytes
        } else {
            self.range_bytes
        }
        .max(1);
        let count = size_bytes.div_ceil(step);
        (0..count).map(move |index| index * step..((index + 1) * step).min(size_bytes))
    }
}

/// One version of one object.
#[derive(Debug)]
struct Pinned<O> {
    objects: O,
    at: Location,
    etag: String,
    size_bytes: u64,
    plan: ReadPlan,
    deadline: Deadline,
}

impl<O: Objects> Pinned<O> {
    async fn open(&self, range: &Range<u64>) -> Result<(ObjectHead, ByteStream), Failure> {
        // A whole object is asked for without a range, which an empty one would refuse.
        let part = (*range != (0..self.size_bytes)).then(|| range.clone());
        let opened = self
            .deadline
            .within(self.objects.get(&self.at, &self.etag, part))
            .await?;
        let (head, stream) = opened.map_err(failure)?;
        if head.size_bytes == self.size_bytes {
            return Ok((head, stream));
        }
        let message = format!(
            "{} has {} bytes, its event says {}",
            self.at, head.size_bytes, self.size_bytes
        );
        Err(Failure::transient(CHANGED, message))
    }
}

/// What a store's error means to the reader of an upload.
fn failure(error: StoreError) -> Failure {
    match error.kind {
        StoreErrorKind::Changed => Failure::transient(CHANGED, error.to_string()),
        StoreErrorKind::NotFound => Failure::transient(GONE, error.to_string()),
        _ => error.into_failure(),
    }
}

/// The bytes of a range, taken up again where they broke off.
struct Resuming<O> {
    pinned: Arc<Pinned<O>>,
    left: Range<u64>,
    stream: Option<ByteStream>,
    broken: u32,
}

impl<O: Objects> Resuming<O> {
    fn new(pinned: Arc<Pinned<O>>, range: Range<u64>, stream: Option<ByteStream>) -> Self {
        Self {
            pinned,
            left: range,
            stream,
            broken: 0,
        }
    }

    /// The next bytes; nothing at the end of the range.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while !self.left.is_empty() {
            let mut stream = match self.stream.take() {
                Some(stream) => stream,
                None => match self.pinned.open(&self.left).await {
                    Ok((_, stream)) => stream,
                    Err(failure) if matches!(failure.code.as_ref(), "store") => {
                        self.pause(&failure).await?;
                        continue;
                    }
                    Err(failure) => return Err(failure),
                },
            };
            match self.pinned.deadline.within(stream.next()).await? {
                Some(Ok(bytes)) if bytes.is_empty() => self.stream = Some(stream),
                Some(Ok(mut bytes)) => {
                    let wanted = usize::try_from(self.left.end - self.left.start).unwrap_or(usize::MAX);
                    bytes.truncate(wanted);
                    self.left.start += bytes.len() as u64;
                    self.broken = 0;
                    self.stream = Some(stream);
                    return Ok(Some(bytes));
                }
                Some(Err(error)) => self.pause(&failure(error)).await?,
                None => {
                    self.pause(&Failure::transient("store", "the body ended early"))
                        .await?;
                }
            }
        }
        Ok(None)
    }

    /// Waits before the next try, or gives up.
    async fn pause(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.broken += 1;
        if self.broken > self.pinned.plan.tries || failure.kind != crate::FailureKind::Transient {
            return Err(failure.clone());
        }
        tracing::warn!(object = %self.pinned.at, offset = self.left.start, error = %failure, "read broken, resuming");
        let pause = self.pinned.plan.backoff * 2_u32.saturating_pow(self.broken - 1);
        self.pinned.deadline.within(tokio::time::sleep(pause)).await
    }

    /// All bytes of the range.
    async fn collect(mut self) -> Result<VecDeque<Bytes>, Failure> {
        let mut chunks = VecDeque::new();
        while let Some(bytes) = self.next().await? {
            chunks.push_back(bytes);
        }
        Ok(chunks)
    }
}

/// One version of an object, as a source for a processor. Its reads block: use it off the runtime's threads.
pub struct ObjectSource<O> {
    pinned: Arc<Pinned<O>>,
    runtime: Handle,
    opened: Mutex<Option<ByteStream>>,
}

impl<O: Objects> ObjectSource<O> {
    /// Opens the object at its first range and gives what its headers say.
    ///
    /// # Errors
    /// [`CHANGED`] and [`GONE`] for an object that is no longer this version; the store's other failures.
    pub async fn open(
        objects: O,
        at: Location,
        upload: &crate::catalogue::Upload,
        plan: ReadPlan,
        deadline: Deadline,
    ) -> Result<(Self, ObjectHead), Failure> {
        let pinned = Arc::new(Pinned {
            objects,
            at,
            etag: upload.etag.clone(),
            size_bytes: upload.size_bytes,
            plan,
            deadline,
        });
        let first = pinned.plan.ranges(pinned.size_bytes).next().unwrap_or(0..0);
        let (head, stream) = pinned.open(&first).await?;
        Ok((
            Self {
                pinned,
                runtime: Handle::current(),
                opened: Mutex::new(Some(stream)),
            },
            head,
        ))
    }
}

impl<O: Objects> Source for ObjectSource<O> {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        let pinned = Arc::clone(&self.pinned);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let whole = pinned.size_bytes <= pinned.plan.whole_bytes;
        let (sender, chunks) = mpsc::channel(if whole { 4 } else { 1 });
        let fetching = async move {
            if whole {
                let size_bytes = pinned.size_bytes;
                let mut reading = Resuming::new(pinned, 0..size_bytes, opened.take());
                loop {
                    let next = reading.next().await.transpose();
                    let Some(next) = next else { return };
                    let end = next.is_err();
                    if sender
                        .send(next.map(|bytes| VecDeque::from([bytes])))
                        .await
                        .is_err()
                        || end
                    {
                        return;
                    }
                }
            }
            let parallel = pinned.plan.parallel.max(1);
            let ranges = pinned.plan.ranges(pinned.size_bytes);
            let fetches =
                ranges.map(|range| Resuming::new(Arc::clone(&pinned), range, opened.take()).collect());
            let mut ready = stream::iter(fetches).buffered(parallel);
            while let Some(chunks) = ready.next().await {
                let end = chunks.is_err();
                if sender.send(chunks).await.is_err() || end {
                    return;
                }
            }
        };
        self.runtime.spawn(fetching.in_current_span());
        Ok(Box::new(ChunkReader {
            chunks,
            current: VecDeque::new(),
            deadline: self.pinned.deadline,
        }))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        let end = offset
            .saturating_add(buffer.len() as u64)
            .min(self.pinned.size_bytes);
        if offset >= end {
            return Ok(0);
        }
        let reading = Resuming::new(Arc::clone(&self.pinned), offset..end, None);
        let mut filled = 0;
        for chunk in self.runtime.block_on(reading.collect())? {
            if let Some(to) = buffer.get_mut(filled..filled + chunk.len()) {
                to.copy_from_slice(&chunk);
                filled += chunk.len();
            }
        }
        Ok(filled)
    }
}

/// The blocking end of a reader: chunks arrive from the task that fetches them.
struct ChunkReader {
    chunks: mpsc::Receiver<Result<VecDeque<Bytes>, Failure>>,
    current: VecDeque<Bytes>,
    deadline: Deadline,
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(chunk) = self.current.front_mut() {
                let length = chunk.len().min(buffer.len());
                chunk.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
                if chunk.is_empty() {
                    self.current.pop_front();
                }
                return Ok(length);
            }
            self.deadline.check().map_err(Failure::into_io)?;
            match self.chunks.blocking_recv() {
                Some(Ok(chunks)) => self.current = chunks,
                Some(Err(failure)) => return Err(failure.into_io()),
                None => return Ok(0),
            }
        }
    }
}
