//! The store: the index and the blobs together, called from async code.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::blobs::{Blobs, NewBlob, Pinned};
use super::event::EventSink;
use super::fault::{Fault, Outcome};
use super::index::{Change, Index, objects};
use super::model::Segment;

/// Buckets, objects and uploads.
pub(super) struct Store {
    index: Index,
    pub(super) blobs: Arc<Blobs>,
    on_event: EventSink,
    pub(super) region: String,
    /// Removes the data of an ephemeral store.
    _ephemeral: Option<TempDir>,
}

impl Store {
    /// Opens the store in a folder, or in a temporary one. Blocks.
    pub(super) fn open(folder: Option<PathBuf>, region: String, on_event: EventSink) -> Outcome<Self> {
        let (folder, ephemeral) = if let Some(folder) = folder {
            (folder, None)
        } else {
            let temporary = tempfile::Builder::new().prefix("longshore-s3-").tempdir()?;
            (temporary.path().to_owned(), Some(temporary))
        };
        fs::create_dir_all(&folder)?;
        let index = Index::open(&folder.join("index.sqlite"))?;
        let blobs = Blobs::open(folder.join("blobs"))?;
        let removed = index
            .read(|connection| Ok(blobs.sweep(|id| objects::names_blob(connection, id).unwrap_or(true))?))?;
        if removed > 0 {
            tracing::info!(removed, "removed blobs that no object names");
        }
        Ok(Self {
            index,
            blobs: Arc::new(blobs),
            on_event,
            region,
            _ephemeral: ephemeral,
        })
    }

    /// Runs `read` on a snapshot of the index, off the async threads.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        read: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || store.index.read(read)).await?
    }

    /// Runs `find` on a snapshot of the index and keeps the blobs it found from being removed.
    pub(super) async fn read_pinned<T: Send + 'static>(
        self: &Arc<Self>,
        find: impl FnOnce(&Connection) -> Outcome<T> + Send + 'static,
        segments: impl FnOnce(&T) -> &[Segment] + Send + 'static,
    ) -> Outcome<(T, Pinned)> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || store.blobs.pin(|| store.index.read(find), segments)).await?
    }

    /// Runs `change` in a transaction, off the async threads; tells its events once it is committed.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Change<'_>) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || store.write_blocking(change)).await?
    }

    /// As [`Store::write`], for a change that makes a row name `blob`: the two stand or fall together, even
    /// when nobody waits for the answer any more.
    pub(super) async fn write_naming<T: Send + 'static>(
        self: &Arc<Self>,
        blob: NewBlob,
        change: impl FnOnce(&mut Change<'_>) -> Outcome<T> + Send + 'static,
    ) -> Outcome<T> {
        let store = Arc::clone(self);
        let task = move || {
            let value = store.write_blocking(change)?;
            blob.keep();
            Ok(value)
        };
        tokio::task::spawn_blocking(task).await?
    }

    /// As [`Store::write`], for callers that may block.
    pub(super) fn write_blocking<T>(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Outcome<T>,
    ) -> Result<T, Fault> {
        let mut freed = Vec::new();
        let value = self.index.write(change, |settled| {
            for event in settled.events {
                (self.on_event)(event);
            }
            freed = settled.freed;
        })?;
        self.blobs.remove(freed);
        Ok(value)
    }
}
