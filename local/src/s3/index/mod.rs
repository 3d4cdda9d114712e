//! The index: a SQLite file that says which buckets, objects and uploads there are and which blobs hold
//! their bytes. Everything here blocks.

pub(super) mod buckets;
pub(super) mod listing;
pub(super) mod objects;
pub(super) mod uploads;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use s3s::S3ErrorCode;
use time::OffsetDateTime;

use super::event::{ObjectEvent, Origin};
use super::fault::{self, Outcome};
use super::model::Segment;

/// Keys are blobs, so that they sort by their UTF-8 bytes as S3 sorts them, whatever they hold.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS buckets(
    name TEXT PRIMARY KEY, created_us INTEGER NOT NULL, region TEXT NOT NULL, versioning TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS configurations(
    bucket TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY(bucket, kind)
) STRICT;
CREATE TABLE IF NOT EXISTS objects(
    sequence INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, version_id TEXT NOT NULL,
    is_latest INTEGER NOT NULL, is_delete_marker INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
    etag TEXT NOT NULL, modified_us INTEGER NOT NULL, segments TEXT NOT NULL, attributes TEXT NOT NULL,
    tags TEXT NOT NULL, UNIQUE(bucket, key, version_id)
) STRICT;
CREATE INDEX IF NOT EXISTS objects_in_order ON objects(bucket, key, sequence DESC);
CREATE UNIQUE INDEX IF NOT EXISTS objects_latest ON objects(bucket, key) WHERE is_latest = 1;
CREATE TABLE IF NOT EXISTS uploads(
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, initiated_us INTEGER NOT NULL,
    attributes TEXT NOT NULL, tags TEXT NOT NULL, checksum TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS uploads_in_order ON uploads(bucket, key, id);
CREATE TABLE IF NOT EXISTS parts(
    upload TEXT NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    modified_us INTEGER NOT NULL, segments TEXT NOT NULL, checksum TEXT NOT NULL,
    PRIMARY KEY(upload, number)
) STRICT;
CREATE TABLE IF NOT EXISTS blobs(id TEXT PRIMARY KEY, rows INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS clock(id INTEGER PRIMARY KEY CHECK (id = 0), last INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO clock VALUES (0, 0);
";

/// How many idle reading connections are kept.
const IDLE_READERS: usize = 8;

/// The open index.
pub(super) struct Index {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Index {
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let writer = connect(path)?;
        writer.execute_batch(SCHEMA)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })
    }

    /// Runs `read` on a snapshot of the index.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Outcome<T>) -> Outcome<T> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        let outcome = connection
            .transaction()
            .map_err(Into::into)
            .and_then(|snapshot| read(&snapshot));
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        outcome
    }

    /// Runs `change` in a transaction and commits it if it succeeds. `settle` runs after the commit and
    /// before the next change, so that what it tells is told in the order of the commits.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&mut Change<'_>) -> Outcome<T>,
        settle: impl FnOnce(Settled),
    ) -> Outcome<T> {
        // Locked to the end: `settle` is part of the change.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut open = Change {
            transaction,
            settled: Settled::default(),
        };
        let value = change(&mut open)?;
        open.transaction.commit()?;
        settle(open.settled);
        Ok(value)
    }
}

fn connect(path: &Path) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    // A crash of the machine may lose the last commits of a development tool, never the order of the rest.
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// What has to be done once a change is committed.
#[derive(Default)]
pub(super) struct Settled {
    /// Blobs that no row names any more.
    pub(super) freed: Vec<String>,
    pub(super) events: Vec<ObjectEvent>,
}

/// A transaction under way.
pub(super) struct Change<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) settled: Settled,
}

impl Change<'_> {
    /// The next number of the store's clock: microseconds of the Unix epoch, but never the same or less
    /// twice, even when the wall clock is set back. With the time in it, a store that was wiped still goes
    /// on after its predecessor.
    pub(super) fn tick(&self) -> Outcome<i64> {
        Ok(self
            .transaction
            .prepare_cached("UPDATE clock SET last = max(last + 1, ?1) RETURNING last")?
            .query_row([micros(OffsetDateTime::now_utc())], |row| row.get(0))?)
    }

    /// Notes that a row names these blobs.
    pub(super) fn retain(&self, segments: &[Segment]) -> Outcome<()> {
        let mut insert = self.transaction.prepare_cached(
            "INSERT INTO blobs VALUES (?1, 1) ON CONFLICT(id) DO UPDATE SET rows = rows + 1",
        )?;
        for segment in segments {
            insert.execute([&segment.blob])?;
        }
        Ok(())
    }

    /// Fails unless rows still name all of these blobs: what a copy read may have been deleted since, and its
    /// bytes go as soon as nobody reads them. The error is one that clients try again after.
    pub(super) fn check_named(&self, segments: &[Segment]) -> Outcome<()> {
        for segment in segments {
            if !objects::names_blob(&self.transaction, &segment.blob)? {
                return Err(fault::s3(
                    S3ErrorCode::ServiceUnavailable,
                    "The source of the copy changed meanwhile. Please try again.",
                )
                .into());
            }
        }
        Ok(())
    }

    /// Notes that a row that named these blobs is gone.
    pub(super) fn release(&mut self, segments: Vec<Segment>) -> Outcome<()> {
        let mut count = self
            .transaction
            .prepare_cached("UPDATE blobs SET rows = rows - 1 WHERE id = ?1 RETURNING rows")?;
        let mut forget = self
            .transaction
            .prepare_cached("DELETE FROM blobs WHERE id = ?1")?;
        for segment in segments {
            let rows: Option<i64> = count.query_row([&segment.blob], |row| row.get(0)).optional()?;
            if rows == Some(0) {
                forget.execute([&segment.blob])?;
                self.settled.freed.push(segment.blob);
            }
        }
        Ok(())
    }

    /// Queues an event, to be told after the commit.
    pub(super) fn tell(&mut self, origin: &Origin, sequence: i64, mut event: ObjectEvent) {
        event.sequencer = format!("{sequence:018X}");
        event.time = from_micros(sequence);
        event.request_id.clone_from(&origin.request_id);
        event.source_ip = origin.source_ip;
        self.settled.events.push(event);
    }
}

/// Microseconds of the Unix epoch.
pub(super) fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

pub(super) fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A size as SQLite keeps it.
fn signed(size_bytes: u64) -> i64 {
    i64::try_from(size_bytes).unwrap_or(i64::MAX)
}

fn unsigned(size_bytes: i64) -> u64 {
    u64::try_from(size_bytes).unwrap_or(0)
}

/// Keys are UTF-8: `s3s` refuses others before they get here.
fn key_text(key: Vec<u8>) -> String {
    String::from_utf8(key).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
