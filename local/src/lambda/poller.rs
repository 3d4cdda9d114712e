//! Queues that trigger functions: messages are taken in batches, and deleted once the function is done with
//! them.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::service::{InvokeError, Lambda, Wait};
use crate::notes::Notes;
use crate::sqs::{Received, Sqs};
use crate::stop::Stop;
use crate::template::{QueueTrigger, REGION, queue_arn};

/// How long one look at the queue waits.
const POLL: Duration = Duration::from_secs(10);

/// Polls one queue for one function until the stack stops.
pub(crate) async fn poll(
    lambda: Arc<Lambda>,
    sqs: Arc<Sqs>,
    function: String,
    trigger: QueueTrigger,
    mut stop: Stop,
    notes: Notes,
) {
    let Some(queue) = sqs.queue(&trigger.queue).cloned() else {
        return;
    };
    loop {
        let hide = queue.visibility_timeout_seconds;
        let received = tokio::select! {
            received = sqs.receive(&queue, trigger.batch_size, hide, POLL) => received,
            () = stop.given() => return,
        };
        let received = match received {
            Ok(received) if received.is_empty() => continue,
            Ok(received) => received,
            Err(error) => {
                notes.say(&format!("cannot read queue {}: {error:#}", queue.name));
                tokio::time::sleep(POLL).await;
                continue;
            }
        };
        let records: Vec<Value> = received
            .iter()
            .map(|message| record(message, &queue.name))
            .collect();
        let event = Bytes::from(json!({ "Records": records }).to_string());
        match lambda.invoke(&function, event, Wait::Always).await {
            Ok(invoked) => {
                let Ok(payload) = invoked.outcome else { continue };
                let failed = if trigger.reports_item_failures {
                    failures(&payload)
                } else {
                    Some(Vec::new())
                };
                // An answer that cannot be read fails the whole batch, as on Lambda.
                let Some(failed) = failed else { continue };
                for message in received.iter().filter(|message| !failed.contains(&message.id)) {
                    if let Err(error) = sqs.delete(&queue, &message.receipt) {
                        notes.say(&format!("cannot delete message {}: {error:#}", message.id));
                    }
                }
            }
            Err(InvokeError::Stopping) => return,
            Err(error) => notes.say(&format!("queue {}: {error}", queue.name)),
        }
    }
}

/// The ids in `batchItemFailures`; `None` when the answer is not of that shape.
fn failures(payload: &Bytes) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(payload).ok()?;
    let Some(items) = answer.get("batchItemFailures") else {
        return (answer.is_null() || answer.is_object()).then(Vec::new);
    };
    let id = |item: &Value| Some(item.get("itemIdentifier")?.as_str()?.to_owned());
    items.as_array()?.iter().map(id).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_failures_are_read() {
        let read = |text: &'static str| failures(&Bytes::from_static(text.as_bytes()));
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#),
            Some(vec!["a".to_owned()])
        );
        assert_eq!(read("null"), Some(vec![]));
        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(read(r#"{"batchItemFailures":[{}]}"#), None);
        assert_eq!(read("\"x\""), None);
    }
}
