//! Objects in memory that break on demand.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use shared::store::{
    ByteStream, Location, ObjectHead, Objects, StoreError, StoreErrorKind, UploadedPart,
    memory::MemoryObjects,
};

/// Objects in memory whose reads break off and whose writes fail, on demand; counts calls.
#[derive(Clone, Default)]
pub(crate) struct Flaky {
    pub(crate) objects: MemoryObjects,
    /// Reads that break off after three bytes, still to come.
    pub(crate) broken_reads: Arc<AtomicU64>,
    /// Writes of a whole object that fail, after so many that succeed.
    pub(crate) writes_until_broken: Arc<Mutex<Option<u32>>>,
    pub(crate) reads: Arc<AtomicU64>,
    pub(crate) writes: Arc<AtomicU64>,
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

    async fn find(&self, at: &Location) -> Result<Option<(ObjectHead, ByteStream)>, StoreError> {
        self.objects.find(at).await
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
