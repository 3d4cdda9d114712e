//! Messages in SQLite: visibility, receive counts, retention, redrive.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::checksums;
use crate::template::Queue;

/// See the module.
pub(crate) struct Sqs {
    queues: BTreeMap<String, Queue>,
    connection: Mutex<Connection>,
    /// Wakes those that wait for a message.
    arrived: Notify,
}

/// A message on its way to a consumer.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) sent_ms: i64,
    pub(crate) first_received_ms: i64,
    pub(crate) receive_count: i64,
}

/// What a sender is told.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) id: String,
    pub(crate) md5_of_body: String,
    pub(crate) md5_of_attributes: Option<String>,
}

/// `ApproximateNumberOfMessages…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: i64,
    pub(crate) hidden: i64,
    pub(crate) delayed: i64,
}

impl Sqs {
    pub(crate) fn open(path: &Path, queues: &[Queue]) -> Result<Self> {
        let connection = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 CREATE TABLE IF NOT EXISTS messages (
                     sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, queue TEXT NOT NULL,
                     body TEXT NOT NULL, attributes TEXT NOT NULL, sent_ms INTEGER NOT NULL,
                     visible_ms INTEGER NOT NULL, receive_count INTEGER NOT NULL DEFAULT 0,
                     first_received_ms INTEGER, receipt TEXT
                 ) STRICT;
                 CREATE INDEX IF NOT EXISTS by_queue ON messages (queue, visible_ms, sequence);",
            )
            .with_context(|| format!("cannot prepare {}", path.display()))?;
        let queues = queues
            .iter()
            .map(|queue| (queue.name.clone(), queue.clone()))
            .collect();
        Ok(Self {
            queues,
            connection: Mutex::new(connection),
            arrived: Notify::new(),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn queue(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.queues.keys()
    }

    /// Sends from inside the stack.
    pub(crate) fn deliver(&self, queue: &str, body: &str) -> Result<Sent> {
        let queue = self
            .queue(queue)
            .ok_or_else(|| anyhow!("there is no queue {queue}"))?;
        self.send(queue, body, &Map::new(), None)
    }

    pub(crate) fn send(
        &self,
        queue: &Queue,
        body: &str,
        attributes: &Map<String, Value>,
        delay_seconds: Option<u64>,
    ) -> Result<Sent> {
        let id = uuid::Uuid::new_v4().to_string();
        let now = Timestamp::now().as_millisecond();
        let visible = after(now, delay_seconds.unwrap_or(queue.delay_seconds));
        let attributes_text = serde_json::to_string(attributes)?;
        self.connection()
            .prepare_cached(
                "INSERT INTO messages (id, queue, body, attributes, sent_ms, visible_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![id, queue.name, body, attributes_text, now, visible])?;
        self.arrived.notify_waiters();
        let (md5_of_body, md5_of_attributes) =
            (checksums::of_body(body), checksums::of_attributes(attributes));
        Ok(Sent {
            id,
            md5_of_body,
            md5_of_attributes,
        })
    }

    /// Up to `most` visible messages, hidden from others for `hide_seconds`; waits for the first one as long as
    /// told.
    pub(crate) async fn receive(
        &self,
        queue: &Queue,
        most: usize,
        hide_seconds: u64,
        wait: Duration,
    ) -> Result<Vec<Received>> {
        let deadline = Instant::now() + wait;
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // Before the look, so that what arrives between the look and the wait is not missed.
            arrived.as_mut().enable();
            let received = self.take(queue, most, hide_seconds)?;
            if !received.is_empty() || Instant::now() >= deadline {
                return Ok(received);
            }
            // Hidden messages become visible without any arrival: look again now and then.
            let look_again = (Instant::now() + Duration::from_millis(200)).min(deadline);
            let _ = tokio::time::timeout_at(look_again, arrived).await;
        }
    }

    fn take(&self, queue: &Queue, most: usize, hide_seconds: u64) -> Result<Vec<Received>> {
        let now = Timestamp::now().as_millisecond();
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let retained = now.saturating_sub(seconds_ms(queue.retention_seconds));
        transaction
            .prepare_cached("DELETE FROM messages WHERE queue = ?1 AND sent_ms < ?2")?
            .execute(params![queue.name, retained])?;
        if let Some(redrive) = &queue.redrive {
            let most = i64::try_from(redrive.max_receive_count).unwrap_or(i64::MAX);
            transaction
                .prepare_cached(
                    "UPDATE messages SET queue = ?2, receive_count = 0, first_received_ms = NULL, receipt = NULL
                     WHERE queue = ?1 AND visible_ms <= ?3 AND receive_count >= ?4",
                )?
                .execute(params![queue.name, redrive.queue, now, most])?;
        }
        let mut received: Vec<Received> = {
            let mut statement = transaction.prepare_cached(
                "SELECT id, body, attributes, sent_ms, first_received_ms, receive_count FROM messages
                 WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY sequence LIMIT ?3",
            )?;
            let limit = i64::try_from(most).unwrap_or(10);
            let rows = statement.query_map(params![queue.name, now, limit], |row| {
                let attributes: String = row.get(2)?;
                Ok(Received {
                    id: row.get(0)?,
                    receipt: uuid::Uuid::new_v4().simple().to_string(),
                    body: row.get(1)?,
                    attributes: serde_json::from_str(&attributes).unwrap_or_default(),
                    sent_ms: row.get(3)?,
                    first_received_ms: row.get::<_, Option<i64>>(4)?.unwrap_or(now),
                    receive_count: row.get::<_, i64>(5)? + 1,
                })
            })?;
            rows.collect::<Result<_, _>>()?
        };
        for message in &mut received {
            // The handle names the message, so that an outdated one can be told from a wrong one.
            message.receipt = format!("{}.{}", message.id, message.receipt);
            transaction
                .prepare_cached(
                    "UPDATE messages SET visible_ms = ?2, receive_count = ?3, first_received_ms = ?4,
                         receipt = ?5 WHERE id = ?1",
                )?
                .execute(params![
                    message.id,
                    after(now, hide_seconds),
                    message.receive_count,
                    message.first_received_ms,
                    message.receipt
                ])?;
        }
        transaction.commit()?;
        Ok(received)
    }

    /// Deletes by receipt handle. A message that is gone already counts as deleted; false for a handle that
    /// was never given.
    pub(crate) fn delete(&self, queue: &Queue, receipt: &str) -> Result<bool> {
        let Some((id, _)) = receipt.split_once('.') else {
            return Ok(false);
        };
        self.connection()
            .prepare_cached("DELETE FROM messages WHERE queue = ?1 AND id = ?2 AND receipt = ?3")?
            .execute(params![queue.name, id, receipt])?;
        Ok(true)
    }

    /// False when no message in flight has that handle.
    pub(crate) fn hide(&self, queue: &Queue, receipt: &str, seconds: u64) -> Result<bool> {
        let visible = after(Timestamp::now().as_millisecond(), seconds);
        let changed = self
            .connection()
            .prepare_cached("UPDATE messages SET visible_ms = ?3 WHERE queue = ?1 AND receipt = ?2")?
            .execute(params![queue.name, receipt, visible])?;
        self.arrived.notify_waiters();
        Ok(changed > 0)
    }

    pub(crate) fn purge(&self, queue: &Queue) -> Result<()> {
        self.connection()
            .execute("DELETE FROM messages WHERE queue = ?1", [&queue.name])?;
        Ok(())
    }

    pub(crate) fn counts(&self, queue: &Queue) -> Result<Counts> {
        let now = Timestamp::now().as_millisecond();
        Ok(self.connection().query_row(
            "SELECT count(*) FILTER (WHERE visible_ms <= ?2),
                    count(*) FILTER (WHERE visible_ms > ?2 AND receive_count > 0),
                    count(*) FILTER (WHERE visible_ms > ?2 AND receive_count = 0)
             FROM messages WHERE queue = ?1",
            params![queue.name, now],
            |row| {
                Ok(Counts {
                    visible: row.get(0)?,
                    hidden: row.get(1)?,
                    delayed: row.get(2)?,
                })
            },
        )?)
    }
}

fn seconds_ms(seconds: u64) -> i64 {
    i64::try_from(seconds)
        .unwrap_or(i64::MAX / 2000)
        .saturating_mul(1000)
}

fn after(now_ms: i64, seconds: u64) -> i64 {
    now_ms.saturating_add(seconds_ms(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Redrive;

    fn queue(name: &str) -> Queue {
        Queue {
            logical_id: name.to_owned(),
            name: name.to_owned(),
            visibility_timeout_seconds: 30,
            retention_seconds: 345_600,
            delay_seconds: 0,
            receive_wait_seconds: 0,
            redrive: None,
        }
    }

    #[tokio::test]
    async fn a_message_is_hidden_counted_deleted_and_kept_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sqs.sqlite");
        let queue = queue("q");
        let sqs = Sqs::open(&path, std::slice::from_ref(&queue)).unwrap();
        sqs.deliver("q", "one").unwrap();
        sqs.deliver("q", "two").unwrap();
        assert!(sqs.deliver("other", "x").is_err());
        let first = sqs.receive(&queue, 1, 30, Duration::ZERO).await.unwrap();
        assert_eq!(
            (first.len(), first[0].body.as_str(), first[0].receive_count),
            (1, "one", 1)
        );
        assert_eq!(
            sqs.counts(&queue).unwrap(),
            Counts {
                visible: 1,
                hidden: 1,
                delayed: 0
            }
        );
        assert!(sqs.hide(&queue, &first[0].receipt, 0).unwrap());
        drop(sqs);
        let sqs = Sqs::open(&path, std::slice::from_ref(&queue)).unwrap();
        let both = sqs.receive(&queue, 10, 30, Duration::ZERO).await.unwrap();
        assert_eq!(
            both.iter()
                .map(|m| (m.body.as_str(), m.receive_count))
                .collect::<Vec<_>>(),
            [("one", 2), ("two", 1)]
        );
        // The handle of an earlier receive deletes nothing.
        sqs.delete(&queue, &first[0].receipt).unwrap();
        assert_eq!(sqs.counts(&queue).unwrap().hidden, 2);
        for message in &both {
            assert!(sqs.delete(&queue, &message.receipt).unwrap());
        }
        assert_eq!(sqs.counts(&queue).unwrap(), Counts::default());
        assert!(!sqs.delete(&queue, "nonsense").unwrap());
    }

    #[tokio::test]
    async fn a_long_poll_ends_with_the_arrival() {
        let folder = tempfile::tempdir().unwrap();
        let queue = queue("q");
        let sqs = Sqs::open(&folder.path().join("s"), std::slice::from_ref(&queue)).unwrap();
        let begin = Instant::now();
        let wait = Duration::from_secs(20);
        let (received, _) = tokio::join!(sqs.receive(&queue, 1, 30, wait), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            sqs.deliver("q", "late").unwrap()
        });
        assert_eq!(received.unwrap().len(), 1);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_message_received_too_often_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let mut source = queue("q");
        source.redrive = Some(Redrive {
            queue: "dead".to_owned(),
            max_receive_count: 2,
        });
        let dead = queue("dead");
        let sqs = Sqs::open(&folder.path().join("s"), &[source.clone(), dead.clone()]).unwrap();
        sqs.deliver("q", "poison").unwrap();
        for _ in 0..2 {
            assert_eq!(sqs.receive(&source, 1, 0, Duration::ZERO).await.unwrap().len(), 1);
        }
        assert!(
            sqs.receive(&source, 1, 0, Duration::ZERO)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            sqs.receive(&dead, 1, 0, Duration::ZERO).await.unwrap()[0].body,
            "poison"
        );
    }
}
