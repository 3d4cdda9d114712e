//! How far each stream was read, on disk: a restart neither repeats nor skips records.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::template::StreamTrigger;

/// A place in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Beginning,
    /// Behind the record with that sequence number.
    After(String),
}

impl Position {
    pub(super) fn sequence_number(&self) -> Option<&str> {
        match self {
            Self::Beginning => None,
            Self::After(number) => Some(number),
        }
    }
}

impl From<Option<String>> for Position {
    fn from(number: Option<String>) -> Self {
        number.map_or(Self::Beginning, Self::After)
    }
}

/// A table of positions.
pub(crate) struct Positions(Mutex<Connection>);

impl Positions {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS positions (
                     function TEXT NOT NULL, event TEXT NOT NULL, stream TEXT NOT NULL, sequence_number TEXT,
                     PRIMARY KEY (function, event, stream)
                 ) STRICT;",
            )
            .with_context(|| format!("cannot prepare {}", path.display()))?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Up to where the stream is done with; `None` when that was never written down.
    pub(super) fn get(&self, function: &str, trigger: &StreamTrigger) -> Result<Option<Position>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(
            "SELECT sequence_number FROM positions WHERE function = ?1 AND event = ?2 AND stream = ?3",
        )?;
        let found = statement.query_row(params![function, trigger.id, trigger.stream_arn], |row| {
            row.get::<_, Option<String>>(0)
        });
        Ok(found.optional()?.map(Position::from))
    }

    pub(super) fn set(&self, function: &str, trigger: &StreamTrigger, position: &Position) -> Result<()> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .prepare_cached("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                function,
                trigger.id,
                trigger.stream_arn,
                position.sequence_number()
            ])?;
        Ok(())
    }
}
