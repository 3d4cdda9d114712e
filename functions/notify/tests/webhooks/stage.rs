//! Records as they change, the stream that says so, and a queue.

use std::sync::{Arc, Mutex};

use notify::{
    delivery::{Delivery, Queue},
    event::{self, Incoming, Message},
    watch::Watcher,
};
use serde_json::{Value, json};
use shared::{
    catalogue::FileRecord,
    keys::{FileId, FileRef, Owner},
    store::{
        StoreError, StoreErrorKind,
        endpoints::{Endpoints, Registered},
        memory::{MemoryCatalogue, MemoryEndpoints},
    },
    time::UnixMillis,
    webhook::{Endpoint, EndpointId, Secret},
};

/// When the tests take place.
pub(crate) const NOW: UnixMillis = UnixMillis::new(1_795_237_200_000);

pub(crate) fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

pub(crate) fn file(owner_name: &str) -> FileRef {
    FileRef {
        owner: owner(owner_name),
        id: FileId::generate(NOW),
    }
}

/// A message in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Queued {
    pub(crate) delivery: Delivery,
    pub(crate) received: u32,
    /// The waits that it was given.
    pub(crate) waits: Vec<u32>,
}

#[derive(Debug, Default)]
struct Shelf {
    messages: Vec<(String, Queued)>,
    sent: usize,
    failing: usize,
}

/// A queue in memory. Receipt handles are ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryQueue(Arc<Mutex<Shelf>>);

impl MemoryQueue {
    /// Lets the next so many sendings fail.
    pub(crate) fn fail(&self, times: usize) {
        self.0.lock().unwrap().failing = times;
    }

    /// What waits in it.
    pub(crate) fn waiting(&self) -> Vec<Queued> {
        let inner = self.0.lock().unwrap();
        inner.messages.iter().map(|(_, queued)| queued.clone()).collect()
    }

    /// Receives all of it, as an invocation says so.
    pub(crate) fn receive(&self) -> Vec<Message> {
        let mut inner = self.0.lock().unwrap();
        let receive = |(id, queued): &mut (String, Queued)| {
            queued.received += 1;
            json!({
                "eventSource": "aws:sqs", "messageId": id, "receiptHandle": id,
                "body": serde_json::to_string(&queued.delivery).unwrap(),
                "attributes": {"ApproximateReceiveCount": queued.received.to_string()},
            })
        };
        let records: Vec<_> = inner.messages.iter_mut().map(receive).collect();
        match event::decode(json!({"Records": records})).unwrap() {
            Incoming::Messages(messages) => messages,
            Incoming::Changes(none) => {
                assert_eq!(none.len(), 0);
                Vec::new()
            }
        }
    }

    /// Forgets what was received and is not to come back.
    pub(crate) fn settle(&self, come_back: &[String]) {
        let mut inner = self.0.lock().unwrap();
        inner.messages.retain(|(id, _)| come_back.contains(id));
    }
}

impl Queue for MemoryQueue {
    async fn send(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let mut inner = self.0.lock().unwrap();
        if inner.failing > 0 {
            inner.failing -= 1;
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "send",
                "queue",
                "away",
            ));
        }
        for delivery in deliveries {
            // As it comes out of a real queue: by way of its text.
            let text = serde_json::to_string(delivery).unwrap();
            let queued = Queued {
                delivery: serde_json::from_str(&text).unwrap(),
                received: 0,
                waits: Vec::new(),
            };
            let id = format!("message-{}", inner.sent);
            inner.sent += 1;
            inner.messages.push((id, queued));
        }
        Ok(())
    }

    async fn put_off(&self, receipt_handle: &str, seconds: u32) -> Result<(), StoreError> {
        let mut inner = self.0.lock().unwrap();
        let (_, queued) = inner
            .messages
            .iter_mut()
            .find(|(id, _)| id == receipt_handle)
            .expect("a message that was received");
        queued.waits.push(seconds);
        Ok(())
    }
}

/// A watcher, and what it works with.
pub(crate) struct Stage {
    pub(crate) catalogue: MemoryCatalogue,
    pub(crate) endpoints: MemoryEndpoints,
    pub(crate) queue: MemoryQueue,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            catalogue: MemoryCatalogue::default(),
            endpoints: MemoryEndpoints::default(),
            queue: MemoryQueue::default(),
        }
    }

    pub(crate) async fn endpoint(&self, owner_name: &str, url: &str) -> Endpoint {
        let endpoint = Endpoint {
            id: EndpointId::generate(NOW),
            url: url.to_owned(),
            secret: Secret::generate().unwrap(),
            created_at: NOW,
        };
        let registered = self.endpoints.register(&owner(owner_name), &endpoint).await;
        assert_eq!(registered, Ok(Registered::Yes));
        endpoint
    }

    /// Hands records of the stream to the watcher; gives the number that it wants to come back from.
    pub(crate) async fn watch(&self, records: &[Value]) -> Option<String> {
        let watcher = Watcher {
            catalogue: self.catalogue.clone(),
            endpoints: self.endpoints.clone(),
            queue: self.queue.clone(),
            tries: 3,
            now: || NOW,
        };
        match event::decode(json!({"Records": records})).unwrap() {
            Incoming::Changes(changes) => watcher.watch(changes).await,
            Incoming::Messages(_) => panic!("these are changes"),
        }
    }
}

/// The stream's record of a change from one record to another.
pub(crate) fn changed(sequence_number: u32, before: Option<&FileRecord>, after: &FileRecord) -> Value {
    let event_name = if before.is_some() { "MODIFY" } else { "INSERT" };
    let mut images = json!({
        "Keys": {"pk": {"S": after.file().to_string()}, "sk": {"S": "record"}},
        "NewImage": image(after),
        "SequenceNumber": sequence_number.to_string(),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    });
    if let Some(before) = before {
        images["OldImage"] = image(before);
    }
    json!({"eventID": "e", "eventName": event_name, "eventSource": "aws:dynamodb", "dynamodb": images})
}

fn image(record: &FileRecord) -> Value {
    let mut plain = serde_json::to_value(record).unwrap();
    plain["pk"] = record.file().to_string().into();
    plain["sk"] = "record".into();
    plain["listed_as"] = record.listed_as().into();
    attribute(&plain)["M"].clone()
}

/// Plain JSON as DynamoDB's.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(flag) => json!({"BOOL": flag}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(items) => json!({"L": items.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)));
            json!({"M": fields.collect::<serde_json::Map<_, _>>()})
        }
    }
}
