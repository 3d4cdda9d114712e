//! Queues that trigger functions: messages are taken in batches, and deleted once the function is done with
//! them.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::item_failures;
use crate::lambda::service::{InvokeError, Invoked, Lambda, Wait};
use crate::notes::Notes;
use crate::sqs::{Received, Sqs};
use crate::stop::Stop;
use crate::template::{Queue, QueueTrigger, REGION, queue_arn};

/// How long one look at the queue waits.
const POLL: Duration = Duration::from_secs(10);

/// What the mappings of queues work with.
#[derive(Clone)]
pub(crate) struct Poller {
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) sqs: Arc<Sqs>,
    pub(crate) function: String,
    pub(crate) trigger: QueueTrigger,
    pub(crate) notes: Notes,
}

impl Poller {
    /// Polls the queue until the stack stops. Several batches may be under way at the same time.
    pub(crate) async fn run(self, mut stop: Stop) {
        let Some(queue) = self.sqs.queue(&self.trigger.queue).cloned() else {
            return;
        };
        let queue = Arc::new(queue);
        let mut batches = JoinSet::new();
        loop {
            while batches.len() >= self.trigger.concurrency {
                tokio::select! {
                    _ = batches.join_next() => {}
                    () = stop.given() => return,
                }
            }
            let gathered = tokio::select! {
                gathered = self.gather(&queue) => gathered,
                () = stop.given() => return,
            };
            match gathered {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    let (poller, queue) = (self.clone(), queue.clone());
                    batches.spawn(async move { poller.deliver(&queue, &messages).await });
                }
                Err(error) => {
                    self.notes
                        .say(&format!("cannot read queue {}: {error:#}", queue.name));
                    tokio::time::sleep(POLL).await;
                }
            }
            // What is over makes room; what a batch came to was said by itself.
            while batches.try_join_next().is_some() {}
        }
    }

    /// The messages of the next batch. Those that the filter does not let pass are deleted.
    async fn gather(&self, queue: &Queue) -> Result<Vec<(Received, Value)>> {
        let hide = queue.visibility_timeout_seconds;
        let most = self.trigger.batch_size;
        let mut passed = Vec::new();
        let mut deadline = None;
        loop {
            let wait = deadline.map_or(POLL, |deadline: Instant| {
                deadline.saturating_duration_since(Instant::now())
            });
            let received = self.sqs.receive(queue, most - passed.len(), hide, wait).await?;
            for message in received {
                let record = record(&message, &queue.name);
                if self.trigger.filters.pass_message(&record) {
                    passed.push((message, record));
                } else {
                    self.delete(queue, &message);
                }
            }
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + self.trigger.batching_window);
            if passed.is_empty() || passed.len() >= most || Instant::now() >= deadline {
                return Ok(passed);
            }
        }
    }

    async fn deliver(&self, queue: &Queue, messages: &[(Received, Value)]) {
        let records: Vec<&Value> = messages.iter().map(|(_, record)| record).collect();
        let event = Bytes::from(json!({ "Records": records }).to_string());
        let payload = match self.lambda.invoke(&self.function, event, Wait::Always).await {
            Ok(Invoked {
                outcome: Ok(payload), ..
            }) => payload,
            // The messages come back when their time is over.
            Ok(_) | Err(InvokeError::Stopping) => return,
            Err(error) => return self.notes.say(&format!("queue {}: {error}", queue.name)),
        };
        let failed = if self.trigger.reports_item_failures {
            item_failures(&payload)
        } else {
            Some(Vec::new())
        };
        // An answer that cannot be read fails the whole batch, as on Lambda, and so does an id that is not in it.
        let Some(failed) = failed else { return };
        let is_known = |id: &String| messages.iter().any(|(message, _)| message.id == *id);
        if !failed.iter().all(is_known) {
            return;
        }
        for (message, _) in messages {
            if !failed.contains(&message.id) {
                self.delete(queue, message);
            }
        }
    }

    fn delete(&self, queue: &Queue, message: &Received) {
        if let Err(error) = self.sqs.delete(queue, &message.receipt) {
            self.notes
                .say(&format!("cannot delete message {}: {error:#}", message.id));
        }
    }
}

fn record(message: &Received, queue: &str) -> Value {
    let attributes: Value = message
        .attributes
        .iter()
        .map(|(name, attribute)| {
            let part = |key: &str| attribute.get(key).cloned().unwrap_or(Value::Null);
            let fields = json!({
                "dataType": part("DataType"), "stringValue": part("StringValue"),
                "binaryValue": part("BinaryValue"), "stringListValues": [], "binaryListValues": [],
            });
            (name.clone(), fields)
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    json!({
        "messageId": message.id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": message.system_attributes(),
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body(),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": REGION,
    })
}
