//! The bytes of objects: one file a blob, written once, never changed, removed when no row names it and no
//! reader is in it.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use futures::stream::BoxStream;
use md5::Digest as _;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};

use super::checksum::{Algorithm, Checksum, Hasher};
use super::model::Segment;

/// How much of a blob is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// The folder of blobs.
pub(super) struct Blobs {
    folder: PathBuf,
    /// Held for reading from the look at the index until the blobs found there are pinned, and for writing
    /// while a blob is removed: no reader can find a blob in the index and then miss its file.
    gate: RwLock<()>,
    pins: Mutex<Pins>,
}

#[derive(Default)]
struct Pins {
    readers: HashMap<String, usize>,
    /// Named by no row any more; the last reader removes them.
    doomed: HashSet<String>,
}

impl Blobs {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            gate: RwLock::default(),
            pins: Mutex::default(),
        })
    }

    /// Removes what a crash left behind: files that no row names. Returns how many.
    pub(super) fn sweep(&self, is_named: impl Fn(&str) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(&is_named) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }

    /// Starts a blob; nothing names it until the caller commits a row that does.
    pub(super) fn create(&self, algorithm: Option<Algorithm>) -> io::Result<BlobWriter> {
        let id = ulid::Ulid::generate().to_string().to_ascii_lowercase();
        let path = self.path(&id);
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(BlobWriter {
            blob: NewBlob {
                id,
                path,
                kept: false,
            },
            file,
            digests: Digests::new(algorithm),
        })
    }

    /// Runs `find`, which looks blobs up in the index, and pins what it found.
    pub(super) fn pin<T, E>(
        self: &Arc<Self>,
        find: impl FnOnce() -> Result<T, E>,
        segments: impl FnOnce(&T) -> &[Segment],
    ) -> Result<(T, Pinned), E> {
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let found = find()?;
        let ids: Vec<String> = segments(&found).iter().map(|s| s.blob.clone()).collect();
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &ids {
            *pins.readers.entry(id.clone()).or_default() += 1;
        }
        drop(pins);
        Ok((
            found,
            Pinned {
                blobs: Arc::clone(self),
                ids,
            },
        ))
    }

    /// Removes blobs that no row names any more, at once or when their last reader is done.
    pub(super) fn remove(&self, ids: Vec<String>) {
        if ids.is_empty() {
            return;
        }
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if pins.readers.contains_key(&id) {
                pins.doomed.insert(id);
            } else {
                unlink(&self.path(&id));
            }
        }
    }
}

fn unlink(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        // Not lost: the sweep at the next start removes it.
        tracing::warn!(%error, path = %path.display(), "cannot remove a blob");
    }
}

/// Keeps the files of some blobs while they are read.
pub(super) struct Pinned {
    blobs: Arc<Blobs>,
    ids: Vec<String>,
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut pins = self.blobs.pins.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &self.ids {
            let Some(readers) = pins.readers.get_mut(id) else {
                continue;
            };
            *readers -= 1;
            if *readers == 0 {
                pins.readers.remove(id);
                if pins.doomed.remove(id) {
                    unlink(&self.blobs.path(id));
                }
            }
        }
    }
}

/// A blob that no row names yet: dropped, its file goes.
pub(super) struct NewBlob {
    id: String,
    path: PathBuf,
    kept: bool,
}

impl NewBlob {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// To be called when a row that names it is committed.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.kept {
            unlink(&self.path);
        }
    }
}

/// The digests of bytes that pass: MD5 for the `ETag`, and a checksum.
pub(super) struct Digests {
    size_bytes: u64,
    md5: md5::Md5,
    checksum: Option<Hasher>,
}

/// What [`Digests`] found.
pub(super) struct Digested {
    pub(super) size_bytes: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksum: Option<Checksum>,
}

impl Digested {
    /// The entity tag of an object made of these bytes, without quotes.
    pub(super) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

impl Digests {
    pub(super) fn new(algorithm: Option<Algorithm>) -> Self {
        Self {
            size_bytes: 0,
            md5: md5::Md5::new(),
            checksum: algorithm.map(Hasher::new),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.md5.update(bytes);
        if let Some(checksum) = &mut self.checksum {
            checksum.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Digested {
        Digested {
            size_bytes: self.size_bytes,
            md5: self.md5.finalize().into(),
            checksum: self.checksum.map(Hasher::finish),
        }
    }
}

/// Writes one blob.
pub(super) struct BlobWriter {
    blob: NewBlob,
    file: File,
    digests: Digests,
}

impl BlobWriter {
    pub(super) fn write(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        for chunk in chunks {
            self.digests.update(chunk);
            self.file.write_all(chunk)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (NewBlob, Digested) {
        (self.blob, self.digests.finish())
    }
}

/// Reads `range` of the bytes that `segments` make up, one after another.
pub(super) struct Reader {
    pinned: Pinned,
    /// What is still to be read: blob, offset, length; the next one last.
    rest: Vec<(String, u64, u64)>,
    current: Option<(File, u64)>,
}

impl Reader {
    pub(super) fn new(pinned: Pinned, segments: &[Segment], range: &Range<u64>) -> Self {
        let mut rest = Vec::new();
        let mut start = 0;
        for segment in segments {
            let end = start + segment.size_bytes;
            let from = range.start.max(start);
            let to = range.end.min(end);
            if from < to {
                rest.push((segment.blob.clone(), from - start, to - from));
            }
            start = end;
        }
        rest.reverse();
        Self {
            pinned,
            rest,
            current: None,
        }
    }

    /// The next bytes; `None` at the end. Blocks.
    pub(super) fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some((file, left)) = &mut self.current {
                if *left > 0 {
                    let size = usize::try_from(*left).unwrap_or(READ_BYTES).min(READ_BYTES);
                    let mut buffer = BytesMut::zeroed(size);
                    file.read_exact(&mut buffer)?;
                    *left -= size as u64;
                    return Ok(Some(buffer.freeze()));
                }
                self.current = None;
            }
            let Some((blob, offset, length)) = self.rest.pop() else {
                return Ok(None);
            };
            let mut file = File::open(self.pinned.blobs.path(&blob))?;
            file.seek(SeekFrom::Start(offset))?;
            self.current = Some((file, length));
        }
    }

    /// The bytes as a response body of a known length.
    pub(super) fn into_stream(self, length: u64) -> SizedStream {
        let stream = futures::stream::try_unfold(self, |mut reader| async move {
            let step = tokio::task::spawn_blocking(move || {
                let chunk = reader.next_chunk();
                chunk.map(|chunk| chunk.map(|chunk| (chunk, reader)))
            });
            step.await.map_err(StdError::from)?.map_err(StdError::from)
        });
        SizedStream {
            inner: Mutex::new(Box::pin(stream)),
            remaining: length,
        }
    }
}

/// A stream of bytes that knows how many are left.
pub(super) struct SizedStream {
    /// The mutex only makes it `Sync`, which `s3s` asks for; it is never locked.
    inner: Mutex<BoxStream<'static, Result<Bytes, StdError>>>,
    remaining: u64,
}

impl Stream for SizedStream {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let item = std::task::ready!(inner.as_mut().poll_next(cx));
        if let Some(Ok(bytes)) = &item {
            self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(item)
    }
}

impl ByteStream for SizedStream {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining)
            .map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
