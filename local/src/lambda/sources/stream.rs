//! Streams of tables that trigger functions: records are read in order, and the next batch is not read before
//! the one in front of it is done or given up.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::batch::{AfterFailure, Next, Piece, Record};
use super::failure::{self, Condition, Ending};
use super::positions::{Position, Positions};
use super::record;
use crate::dynamodb;
use crate::lambda::service::{Active, InvokeError, Lambda, Wait};
use crate::notes::Notes;
use crate::sqs::Sqs;
use crate::stop::Stop;
use crate::template::{Function, StartingPosition, StreamTrigger};

/// The most that an event may weigh, with room for what is around the records.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024 - 1024;
/// Records of one look at the stream.
const PAGE: usize = 1000;
/// A stream keeps its records that long.
const RETENTION: Duration = Duration::from_hours(24);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// How long to wait after a stream could not be read.
const TROUBLE: Duration = Duration::from_secs(1);

/// Wakes a reader. Rung by every write to the tables, before its client is answered.
pub(crate) struct Bell {
    lambda: Arc<Lambda>,
    rung: Notify,
    /// From the ring until the reader has looked, the stack is not idle.
    active: Mutex<Option<Active>>,
}

impl Bell {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Arc<Self> {
        Arc::new(Self {
            lambda,
            rung: Notify::new(),
            active: Mutex::new(None),
        })
    }

    pub(crate) fn ring(&self) {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.is_none() {
            *active = Some(self.lambda.activate());
        }
        drop(active);
        self.rung.notify_one();
    }

    fn answer(&self) -> Option<Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What all readers share.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) sqs: Arc<Sqs>,
    pub(crate) tables: dynamodb::Server,
    pub(crate) positions: Arc<Positions>,
    /// The pause before the second attempt; doubled with each further one.
    pub(crate) retry_delay: Duration,
    pub(crate) notes: Notes,
}

/// Reads one stream for one function.
pub(crate) struct Reader {
    pub(crate) sources: Sources,
    pub(crate) function: Function,
    pub(crate) trigger: StreamTrigger,
    pub(crate) bell: Arc<Bell>,
}

/// Records that pass the filter, and how far that was read.
struct Gathered {
    records: Vec<Record>,
    position: Position,
}

impl Reader {
    /// Reads until the stack stops.
    pub(crate) async fn run(self, position: Position, mut stop: Stop) {
        tokio::select! {
            () = self.read(position) => {}
            () = stop.given() => {}
        }
    }

    async fn read(&self, mut position: Position) {
        loop {
            // Held until nothing is left to read: what is written meanwhile rings again.
            let active = self.bell.answer();
            loop {
                match self.gather(position.clone()).await {
                    Ok(gathered) if gathered.position == position => break,
                    Ok(gathered) => {
                        if self.deliver(gathered.records).await.is_err() {
                            return;
                        }
                        self.store(&gathered.position);
                        position = gathered.position;
                    }
                    Err(error) => self.trouble(&error).await,
                }
            }
            drop(active);
            self.bell.rung.notified().await;
        }
    }

    async fn trouble(&self, error: &anyhow::Error) {
        let table = &self.trigger.table;
        self.sources
            .notes
            .say(&format!("cannot read the stream of {table}: {error:#}"));
        tokio::time::sleep(TROUBLE).await;
    }

    /// Where an earlier run of the stack stopped, or where the template says to begin.
    pub(crate) async fn start(&self) -> Result<Position> {
        let sources = &self.sources;
        if let Some(position) = sources.positions.get(&self.function.name, &self.trigger)? {
            return Ok(position);
        }
        let position = match self.trigger.starting_position {
            StartingPosition::TrimHorizon => Position::Beginning,
            StartingPosition::Latest => {
                let (tables, table) = (sources.tables.clone(), self.trigger.table.clone());
                let last = tokio::task::spawn_blocking(move || tables.last_sequence_number(&table)).await??;
                last.into()
            }
        };
        // Written down at once: what comes from now on is not missed when the stack stops before it is read.
        sources
            .positions
            .set(&self.function.name, &self.trigger, &position)?;
        Ok(position)
    }

    fn store(&self, position: &Position) {
        let stored = self
            .sources
            .positions
            .set(&self.function.name, &self.trigger, position);
        if let Err(error) = stored {
            self.sources.notes.say(&format!(
                "{} may get records of {} again after a restart: {error:#}",
                self.function.name, self.trigger.table
            ));
        }
    }

    /// The next batch. It is the more patient the longer the batching window is.
    async fn gather(&self, mut position: Position) -> Result<Gathered> {
        let trigger = &self.trigger;
        let mut records = Vec::new();
        let mut bytes = 0;
        let mut deadline = None;
        loop {
            let (tables, table, after) = (
                self.sources.tables.clone(),
                trigger.table.clone(),
                position.clone(),
            );
            let page = tokio::task::spawn_blocking(move || {
                tables.stream_records(&table, after.sequence_number(), PAGE)
            });
            let page = page.await??;
            let is_empty = page.is_empty();
            for value in page {
                let is_wanted = !record::changes_nothing(&value);
                let Some(record) = record::event(value, trigger) else {
                    continue;
                };
                if is_wanted && trigger.filters.pass(&record.json) {
                    bytes += record.json.to_string().len() + 1;
                    if bytes > MAX_EVENT_BYTES && !records.is_empty() {
                        return Ok(Gathered { records, position });
                    }
                    position = Position::After(record.sequence_number.clone());
                    records.push(record);
                    if records.len() >= trigger.batch_size {
                        return Ok(Gathered { records, position });
                    }
                } else {
                    position = Position::After(record.sequence_number);
                }
            }
            if !is_empty {
                continue;
            }
            if records.is_empty() {
                return Ok(Gathered { records, position });
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + trigger.batching_window);
            let rung = tokio::time::timeout_at(deadline, self.bell.rung.notified()).await;
            if rung.is_err() {
                return Ok(Gathered { records, position });
            }
            // The caller is active already.
            drop(self.bell.answer());
        }
    }

    /// Until every record is done or given up. The error: the stack stops.
    async fn deliver(&self, records: Vec<Record>) -> Result<(), InvokeError> {
        if records.is_empty() {
            return Ok(());
        }
        let _active = self.sources.lambda.activate();
        let mut pieces = VecDeque::from([Piece::new(records)]);
        let (mut request_id, mut is_error) = (String::new(), false);
        while let Some(mut piece) = pieces.pop_front() {
            if let Some(old) = piece.split_old(self.oldest_seconds()) {
                self.give_up(&old, Condition::RecordAgeExceeded, &request_id, is_error);
                self.store_end(&old.records);
                if piece.records.is_empty() {
                    continue;
                }
            }
            if piece.failures > 0 {
                let doubled = 2_u32.saturating_pow((piece.failures - 1).min(16));
                tokio::time::sleep(self.sources.retry_delay.saturating_mul(doubled).min(MAX_PAUSE)).await;
            }
            let failed_at = match self.attempt(&piece).await? {
                Attempt::Done => {
                    self.store_end(&piece.records);
                    continue;
                }
                Attempt::Failed {
                    index,
                    id,
                    is_error: error,
                } => {
                    (request_id, is_error) = (id, error);
                    index
                }
            };
            let most = self.trigger.maximum_retry_attempts;
            let AfterFailure { settled, next } = piece.failed_at(failed_at, self.trigger.bisects, most);
            self.store_end(&settled);
            match next {
                Next::Retry(next) => next.into_iter().rev().for_each(|piece| pieces.push_front(piece)),
                Next::GiveUp(piece) => {
                    self.give_up(&piece, Condition::RetryAttemptsExhausted, &request_id, is_error);
                    self.store_end(&piece.records);
                }
            }
        }
        Ok(())
    }

    fn store_end(&self, done: &[Record]) {
        if let Some(last) = done.last() {
            self.store(&Position::After(last.sequence_number.clone()));
        }
    }

    fn oldest_seconds(&self) -> i64 {
        let age = self
            .trigger
            .maximum_record_age
            .unwrap_or(RETENTION)
            .min(RETENTION);
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        Timestamp::now().as_second().saturating_sub(age)
    }

    async fn attempt(&self, piece: &Piece) -> Result<Attempt, InvokeError> {
        let records: Vec<&Value> = piece.records.iter().map(|record| &record.json).collect();
        let event = Bytes::from(json!({ "Records": records }).to_string());
        let invoked = self
            .sources
            .lambda
            .invoke(&self.function.name, event, Wait::Always);
        let invoked = invoked.await?;
        let id = invoked.request_id;
        let (index, is_error) = match &invoked.outcome {
            Err(_) => (0, true),
            Ok(_) if !self.trigger.reports_item_failures => return Ok(Attempt::Done),
            Ok(payload) => match piece.first_failure(payload) {
                Ok(None) => return Ok(Attempt::Done),
                Ok(Some(index)) => (index, false),
                Err(()) => (0, false),
            },
        };
        Ok(Attempt::Failed { index, id, is_error })
    }

    fn give_up(&self, piece: &Piece, condition: Condition, request_id: &str, is_error: bool) {
        let shard_id = dynamodb::shard_id(&self.trigger.table);
        let ending = Ending {
            condition,
            request_id,
            function_arn: &self.function.arn,
            shard_id: &shard_id,
            is_error,
        };
        let (function, count) = (&self.function.name, piece.records.len());
        let what = format!(
            "{function} gave up on {count} records of {} after {} attempts",
            self.trigger.table, piece.failures
        );
        let Some(queue) = &self.trigger.on_failure else {
            self.sources.notes.say(&format!(
                "{what}, and has no OnFailure destination: they are lost"
            ));
            return;
        };
        let record = failure::record(&ending, piece, &self.trigger, Timestamp::now()).to_string();
        match self.sources.sqs.deliver(queue, &record) {
            Ok(_) => self
                .sources
                .notes
                .say(&format!("{what}: the record of that is in {queue}")),
            Err(error) => self
                .sources
                .notes
                .say(&format!("{what}, and {queue} cannot be told: {error:#}")),
        }
    }
}

/// How one attempt ended.
enum Attempt {
    Done,
    Failed {
        /// Of the first record that is not done.
        index: usize,
        /// The request id.
        id: String,
        is_error: bool,
    },
}
