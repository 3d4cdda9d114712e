//! One attempt's way, over stores in memory that break on demand.
#![cfg(feature = "attempt")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

use std::{
    io::{Read as _, Write as _},
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use serde_json::json;
use shared::{
    Failure, FailureKind, Input, Limits, Outputs, Processor,
    attempt::{Ending, Invocation, Unloaded, Unloader},
    catalogue::{FileRecord, Outcome, Sequencer, Status},
    event::{Change, What},
    keys::{FileId, FileRef, Owner},
    store::{
        ByteStream, Catalogue as _, Location, ObjectHead, Objects, StoreError, StoreErrorKind, UploadedPart,
        memory::{MemoryCatalogue, MemoryObjects},
        read::ReadPlan,
    },
};

/// Objects in memory whose reads break off and whose writes fail, on demand; counts calls.
#[derive(Clone, Default)]
struct Flaky {
    objects: MemoryObjects,
    /// Reads that break off after three bytes, still to come.
    broken_reads: Arc<AtomicU64>,
    /// Writes of a whole object that fail, after so many that succeed.
    writes_until_broken: Arc<Mutex<Option<u32>>>,
    reads: Arc<AtomicU64>,
    writes: Arc<AtomicU64>,
}

impl Objects for Flaky {
    async fn get(
        &self,
        at: &Location,
        etag: &str,
        range: Option<Range<u64>>,
    ) -> Result<(ObjectHead, ByteStream), StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let (head, stream) = self.objects.get(at, etag, range).await?;
        let breaks = |left: u64| left.checked_sub(1);
        if self
            .broken_reads
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, breaks)
            .is_err()
        {
            return Ok((head, stream));
        }
        let some = stream
            .map(|chunk| chunk.map(|bytes| bytes.slice(..bytes.len().min(3))))
            .take(1);
        let error = StoreError::new(StoreErrorKind::Unavailable, "get", at, "connection reset");
        Ok((head, Box::pin(some.chain(stream::iter([Err(error)])))))
    }

    async fn put(&self, at: &Location, content_type: &str, body: Bytes) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if let Some(left) = self.writes_until_broken.lock().unwrap().as_mut() {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| StoreError::new(StoreErrorKind::Unavailable, "put", at, "broken pipe"))?;
        }
        self.objects.put(at, content_type, body).await
    }

    async fn start_upload(&self, at: &Location, content_type: &str) -> Result<String, StoreError> {
        self.objects.start_upload(at, content_type).await
    }

    async fn upload_part(
        &self,
        at: &Location,
        upload: &str,
        number: u16,
        body: Bytes,
    ) -> Result<UploadedPart, StoreError> {
        self.objects.upload_part(at, upload, number, body).await
    }

    async fn complete_upload(
        &self,
        at: &Location,
        upload: &str,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError> {
        self.objects.complete_upload(at, upload, parts).await
    }

    async fn abort_upload(&self, at: &Location, upload: &str) -> Result<(), StoreError> {
        self.objects.abort_upload(at, upload).await
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.objects.delete(at).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.objects.list(bucket, prefix).await
    }
}

/// Copies its input into two outputs; what the input begins with says how to go wrong.
struct Copy;

impl Processor for Copy {
    const NAME: &'static str = "copy";
    const VERSION: u32 = 1;
    type Report = serde_json::Value;

    fn process(&self, input: Input<'_>, outputs: &mut dyn Outputs) -> Result<Self::Report, Failure> {
        let mut copy = outputs.create("copy.bin", "application/octet-stream")?;
        let mut reader = input.reader()?;
        let mut buffer = vec![0; 100_000];
        let (mut bytes, mut command) = (0, Vec::new());
        loop {
            let read = reader
                .read(&mut buffer)
                .map_err(|error| Failure::from_read(&error))?;
            if read == 0 {
                break;
            }
            command.extend(buffer[..read].iter().take(7_usize.saturating_sub(command.len())));
            copy.write_all(&buffer[..read])
                .map_err(|error| Failure::from_write(&error))?;
            bytes += read;
        }
        match command.as_slice() {
            b"!reject" => return Err(Failure::rejected("bad", "this will not do")),
            b"!broken" => return Err(Failure::internal("invariant", "the sums differ")),
            b"!panics" => panic!("a bug"),
            b"!sleeps" => loop {
                let mut more = input.reader()?;
                more.read(&mut buffer)
                    .map_err(|error| Failure::from_read(&error))?;
                std::thread::sleep(Duration::from_millis(5));
            },
            _ => {}
        }
        copy.finish()?;
        let mut size = outputs.create("size.txt", "text/plain")?;
        write!(size, "{bytes}").map_err(|error| Failure::from_write(&error))?;
        size.finish()?;
        let mut begun = outputs.create("begun-and-dropped.bin", "text/plain")?;
        begun
            .write_all(&vec![0; 9 << 20])
            .map_err(|error| Failure::from_write(&error))?;
        drop(begun);
        Ok(json!({"bytes": bytes, "declared_type": input.facts.declared_type, "name": input.facts.name}))
    }
}

struct Stage {
    objects: Flaky,
    catalogue: MemoryCatalogue,
    unloader: Unloader<Flaky, MemoryCatalogue>,
    upload: Location,
    file: FileRef,
}

impl Stage {
    fn new() -> Self {
        let (objects, catalogue) = (Flaky::default(), MemoryCatalogue::default());
        let unloader = Unloader {
            objects: objects.clone(),
            catalogue: catalogue.clone(),
            results_bucket: "results".into(),
            drop_owner: Owner::new("bucket").unwrap(),
            limits: Limits {
                input_bytes: 30 << 20,
                ..Limits::default()
            },
            read_plan: ReadPlan {
                backoff: Duration::from_millis(1),
                ..ReadPlan::default()
            },
        };
        let upload = Location::new("uploads", "copy/x.bin");
        let file = FileRef {
            owner: Owner::new("bucket").unwrap(),
            id: FileId::of_dropped(&upload.bucket, &upload.key),
        };
        Self {
            objects,
            catalogue,
            unloader,
            upload,
            file,
        }
    }

    /// Uploads bytes and gives the event that tells of them.
    async fn upload(&self, sequencer: &str, body: impl Into<Bytes>) -> Change {
        let body = body.into();
        let size_bytes = body.len() as u64;
        self.objects
            .objects
            .put(&self.upload, "x/declared", body)
            .await
            .unwrap();
        let etag = self.objects.objects.etag(&self.upload).unwrap();
        let what = What::Created { size_bytes, etag };
        Change {
            what,
            at: self.upload.clone(),
            sequencer: Sequencer::new(sequencer),
        }
    }

    async fn unload(&self, change: Change, request_id: &str) -> Result<Unloaded, Failure> {
        let invocation = Invocation {
            request_id: request_id.into(),
            remaining: Duration::from_mins(1),
        };
        self.unloader.unload(&Arc::new(Copy), change, &invocation).await
    }

    async fn ending(&self, change: Change, request_id: &str) -> Ending {
        self.unload(change, request_id).await.unwrap().ending
    }

    async fn record(&self) -> FileRecord {
        self.catalogue.get(&self.file).await.unwrap().unwrap()
    }

    async fn results(&self) -> Vec<String> {
        self.objects.list("results", "").await.unwrap()
    }

    fn key(&self, fence: u64, name: &str) -> String {
        format!("copy/bucket/{}/{fence}/{name}", self.file.id)
    }

    async fn output(&self, name: &str) -> Vec<u8> {
        let record = self.record().await;
        let key = &record
            .outputs
            .iter()
            .find(|output| output.name == name)
            .unwrap()
            .key;
        let at = Location::new("results", key);
        let (_, stream) = self
            .objects
            .objects
            .get(&at, &self.objects.objects.etag(&at).unwrap(), None)
            .await
            .unwrap();
        stream
            .map(|chunk| chunk.unwrap())
            .collect::<Vec<_>>()
            .await
            .concat()
    }
}

#[tokio::test]
async fn a_file_is_unloaded_once_with_few_calls() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    let ending = stage.ending(change.clone(), "r1").await;
    assert_eq!((ending.as_str(), ending.bytes_out()), ("done", 6));
    let record = stage.record().await;
    assert_eq!(record.report.as_ref().unwrap()["declared_type"], "x/declared");
    assert_eq!(
        (record.status, record.size_bytes(), record.name.as_str()),
        (Status::Done, Some(5), "x.bin")
    );
    assert_eq!(
        stage.results().await,
        [stage.key(1, "copy.bin"), stage.key(1, "size.txt")]
    );
    assert_eq!(stage.output("copy.bin").await, b"hello");
    assert_eq!(
        stage.objects.objects.unfinished_uploads(),
        0,
        "what was begun and dropped is aborted"
    );
    for request in ["r1", "r2"] {
        assert_eq!(
            stage.ending(change.clone(), request).await,
            Ending::Already(Status::Done)
        );
    }
    let (reads, writes) = (&stage.objects.reads, &stage.objects.writes);
    assert_eq!(
        (reads.load(Ordering::Relaxed), writes.load(Ordering::Relaxed)),
        (1, 2)
    );
    assert_eq!(stage.record().await, record);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let stage = Stage::new();
    let change = stage.upload("01", "").await;
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
    assert_eq!(stage.output("size.txt").await, b"0");
}

#[tokio::test]
async fn a_large_file_is_read_in_ranges_resumed_and_written_in_parts() {
    let stage = Stage::new();
    let body: Vec<u8> = (0..25_000_000_u32)
        .map(|n| u8::try_from(n * 31 % 251).unwrap())
        .collect();
    let change = stage.upload("01", body.clone()).await;
    stage.objects.broken_reads.store(3, Ordering::Relaxed);
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
    assert!(stage.output("copy.bin").await == body, "the same bytes came out");
    // Three ranges, and one more request for each that broke.
    assert_eq!(stage.objects.reads.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_broken_read_is_taken_up_where_it_broke() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello, this is long enough").await;
    stage.objects.broken_reads.store(3, Ordering::Relaxed);
    assert_eq!(
        stage.ending(change.clone(), "r1").await.as_str(),
        "done",
        "a broken read is taken up where it broke"
    );
    let stage = Stage::new();
    let mut change = stage.upload("01", "").await;
    // The event speaks of more bytes than any read gives.
    if let What::Created { size_bytes, .. } = &mut change.what {
        *size_bytes = 5;
    }
    assert_eq!(
        stage.ending(change, "r1").await,
        Ending::Committed(Outcome::Superseded)
    );
}

#[tokio::test]
async fn a_bad_file_is_rejected_for_good_and_leaves_nothing() {
    let stage = Stage::new();
    let change = stage.upload("01", "!reject").await;
    let failure = stage
        .ending(change.clone(), "r1")
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Rejected, "bad")
    );
    assert_eq!(stage.record().await.status, Status::Rejected);
    assert_eq!(
        stage.ending(change, "r2").await,
        Ending::Already(Status::Rejected)
    );
    assert!(stage.results().await.is_empty());
}

#[tokio::test]
async fn a_file_above_its_limit_is_refused_unread() {
    let stage = Stage::new();
    let mut change = stage.upload("01", "small").await;
    if let What::Created { size_bytes, .. } = &mut change.what {
        *size_bytes = (30 << 20) + 1;
    }
    assert_eq!(
        stage.ending(change, "r1").await.failure().unwrap().kind,
        FailureKind::Limit
    );
    assert_eq!(stage.record().await.status, Status::Rejected);
    assert_eq!(stage.objects.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_panic_is_caught_recorded_and_retried() {
    let stage = Stage::new();
    let change = stage.upload("01", "!panics").await;
    for attempt in 1..=2 {
        let failure = stage
            .ending(change.clone(), "r1")
            .await
            .failure()
            .unwrap()
            .clone();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::Internal, "the processor panicked: a bug")
        );
        let record = stage.record().await;
        assert_eq!(
            (record.status, record.fence, record.failure),
            (Status::Failed, attempt, Some(failure))
        );
    }
    assert!(stage.results().await.is_empty());
}

#[tokio::test]
async fn work_stops_by_itself_before_the_time_is_over() {
    let stage = Stage::new();
    let change = stage.upload("01", "!sleeps").await;
    let invocation = Invocation {
        request_id: "r1".into(),
        remaining: Duration::from_millis(700),
    };
    let started = std::time::Instant::now();
    let unloaded = stage
        .unloader
        .unload(&Arc::new(Copy), change, &invocation)
        .await
        .unwrap();
    assert!(
        started.elapsed() < invocation.remaining,
        "{:?}",
        started.elapsed()
    );
    let failure = unloaded.ending.failure().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Transient, "deadline")
    );
    assert_eq!(
        stage.record().await.failure.as_ref(),
        Some(failure),
        "the record says so"
    );
}

#[tokio::test]
async fn an_upload_that_changes_or_goes_under_our_hands_is_left_to_its_own_event() {
    let stage = Stage::new();
    let old = stage.upload("01", "old").await;
    let new = stage.upload("02", "new").await;
    assert_eq!(
        stage.ending(old.clone(), "r1").await,
        Ending::Committed(Outcome::Superseded)
    );
    assert_eq!(stage.record().await.status, Status::Pending);
    assert_eq!(stage.ending(new.clone(), "r2").await.as_str(), "done");
    assert_eq!(stage.ending(old, "r1").await, Ending::Stale);
    assert_eq!(stage.output("copy.bin").await, b"new");

    let stage = Stage::new();
    let change = stage.upload("01", "x").await;
    stage.objects.delete(&stage.upload).await.unwrap();
    assert_eq!(stage.ending(change, "r1").await, Ending::Committed(Outcome::Gone));
    assert_eq!(stage.record().await.status, Status::Removed);
}

#[tokio::test]
async fn a_newer_upload_replaces_the_outputs_and_the_old_ones_go() {
    let stage = Stage::new();
    let old = stage.upload("01", "old").await;
    assert_eq!(stage.ending(old, "r1").await.as_str(), "done");
    let new = stage.upload("02", "newer").await;
    assert_eq!(stage.ending(new, "r2").await.as_str(), "done");
    assert_eq!(
        stage.results().await,
        [stage.key(2, "copy.bin"), stage.key(2, "size.txt")]
    );
    assert_eq!(stage.output("size.txt").await, b"5");
}

#[tokio::test]
async fn outputs_become_visible_together_or_not_at_all() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    *stage.objects.writes_until_broken.lock().unwrap() = Some(1);
    let failure = stage
        .ending(change.clone(), "r1")
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(
        stage.results().await.is_empty(),
        "the one that was written is taken back"
    );
    *stage.objects.writes_until_broken.lock().unwrap() = None;
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
}

#[tokio::test]
async fn an_upload_deleted_later_keeps_its_results() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    stage.ending(change, "r1").await;
    let removed = Change {
        what: What::Removed,
        at: stage.upload.clone(),
        sequencer: Sequencer::new("02"),
    };
    assert_eq!(stage.ending(removed.clone(), "r2").await, Ending::Removed);
    assert_eq!(stage.ending(removed, "r2").await, Ending::Stale);
    let record = stage.record().await;
    assert_eq!(
        (record.status, record.upload_removed_at.is_some()),
        (Status::Done, true)
    );
    assert_eq!(stage.results().await.len(), 2);
}

#[tokio::test]
async fn a_key_of_another_function_is_our_mistake() {
    let stage = Stage::new();
    let mut change = stage.upload("01", "hello").await;
    change.at.key = "logs/x".into();
    assert_eq!(
        stage.unload(change, "r1").await.unwrap_err().kind,
        FailureKind::Internal
    );
}
