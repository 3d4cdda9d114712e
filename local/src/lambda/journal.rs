//! The asynchronous invocations that are not over, on disk: stopping the stack loses none.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use rusqlite::{Connection, params};

/// One accepted event.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// The request id, the same for each attempt.
    pub(super) id: String,
    pub(super) function: String,
    pub(super) payload: Bytes,
    /// Milliseconds since 1970.
    pub(super) accepted_ms: i64,
    /// Attempts that failed.
    pub(super) attempts: u32,
    /// What the last of them answered.
    pub(super) last_error: Option<Bytes>,
}

/// A table of [`Pending`].
pub(crate) struct Journal(Mutex<Connection>);

impl Journal {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS pending (
                     id TEXT PRIMARY KEY, function TEXT NOT NULL, payload BLOB NOT NULL,
                     accepted_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, last_error BLOB
                 ) STRICT;",
            )
            .with_context(|| format!("cannot prepare {}", path.display()))?;
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn insert(&self, event: &Pending) -> Result<()> {
        self.connection()
            .prepare_cached("INSERT INTO pending VALUES (?1, ?2, ?3, ?4, 0, NULL)")?
            .execute(params![
                event.id,
                event.function,
                event.payload.as_ref(),
                event.accepted_ms
            ])?;
        Ok(())
    }

    pub(super) fn failed(&self, id: &str, attempts: u32, error: &[u8]) -> Result<()> {
        self.connection()
            .prepare_cached("UPDATE pending SET attempts = ?2, last_error = ?3 WHERE id = ?1")?
            .execute(params![id, attempts, error])?;
        Ok(())
    }

    pub(super) fn remove(&self, id: &str) -> Result<()> {
        self.connection()
            .prepare_cached("DELETE FROM pending WHERE id = ?1")?
            .execute([id])?;
        Ok(())
    }

    /// What an earlier run of the stack left, in the order of its acceptance.
    pub(super) fn pending(&self) -> Result<Vec<Pending>> {
        let connection = self.connection();
        let mut statement = connection.prepare(
            "SELECT id, function, payload, accepted_ms, attempts, last_error FROM pending
             ORDER BY accepted_ms, rowid",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Pending {
                id: row.get(0)?,
                function: row.get(1)?,
                payload: Bytes::from(row.get::<_, Vec<u8>>(2)?),
                accepted_ms: row.get(3)?,
                attempts: row.get(4)?,
                last_error: row.get::<_, Option<Vec<u8>>>(5)?.map(Bytes::from),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_outlive_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lambda.sqlite");
        let event = |id: &str, accepted_ms| Pending {
            id: id.to_owned(),
            function: "f".to_owned(),
            payload: Bytes::from_static(b"{}"),
            accepted_ms,
            attempts: 0,
            last_error: None,
        };
        let journal = Journal::open(&path).unwrap();
        for (id, at) in [("late", 3), ("early", 1), ("done", 2)] {
            journal.insert(&event(id, at)).unwrap();
        }
        journal.failed("late", 2, b"oops").unwrap();
        journal.remove("done").unwrap();
        drop(journal);
        let pending = Journal::open(&path).unwrap().pending().unwrap();
        let seen: Vec<_> = pending
            .iter()
            .map(|event| (event.id.as_str(), event.attempts))
            .collect();
        assert_eq!(seen, [("early", 0), ("late", 2)]);
        assert_eq!(pending[1].last_error.as_deref(), Some(b"oops".as_slice()));
    }
}
