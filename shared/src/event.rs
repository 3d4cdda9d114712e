//! What a function is invoked with: S3 notifications, directly or inside SQS messages, and files that another
//! function hands over.
//!
//! Source: "Event message structure" in the Amazon S3 user guide (versions 2.x), "Using Lambda with Amazon
//! SQS" in the AWS Lambda developer guide. Unknown fields are ignored: AWS adds some now and then.

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::{catalogue::Sequencer, handover, keys::FileRef, store::Location, time::UnixMillis};

/// What a function was invoked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// S3's question whether anyone listens, asked when a notification is set up: to be acknowledged.
    Test {
        /// The bucket that asks.
        bucket: String,
    },
    /// Changes to objects.
    Changes(Vec<Change>),
    /// Messages of a queue, each to be acknowledged or refused by its id.
    Queue(Vec<Message>),
}

/// One message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What a partial batch response calls it.
    pub id: String,
    /// What it holds: never a queue again.
    pub body: Result<Incoming, EventError>,
}

/// One change to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub what: What,
    /// To which object, its key decoded.
    pub at: Location,
    /// Where it stands among the changes to this key.
    pub sequencer: Sequencer,
    /// Which file it is, if another function has found that out; else its key says so.
    pub handed: Option<HandedFile>,
}

/// A file that another function hands over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedFile {
    /// Which file.
    pub file: FileRef,
    /// Its name.
    pub name: String,
}

/// What happened to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It was written.
    Created {
        /// Its size.
        size_bytes: u64,
        /// Its entity tag, without quotes.
        etag: String,
    },
    /// It was deleted, by someone or by a lifecycle rule.
    Removed,
    /// Something that changes no bytes, such as a tag: its event name.
    Other(String),
}

/// Why an event cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not an event that we know the shape of.
    #[error("not an S3 notification, nor a queue's messages, nor a hand-over: {0}")]
    Shape(String),
    /// A record of it lacks something, or holds something impossible.
    #[error("record {index} of the S3 notification: {problem}")]
    Record {
        /// Which record, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    #[serde(rename_all = "PascalCase")]
    Records {
        records: Vec<serde_json::Value>,
    },
    #[serde(rename_all = "PascalCase")]
    Test {
        event: String,
        bucket: String,
    },
    Handover(handover::Payload),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChange {
    event_name: String,
    event_time: UnixMillis,
    s3: RawS3,
}

#[derive(Deserialize)]
struct RawS3 {
    bucket: RawBucket,
    object: RawObject,
}

#[derive(Deserialize)]
struct RawBucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawObject {
    key: String,
    size: Option<u64>,
    e_tag: Option<String>,
    sequencer: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    message_id: String,
    body: String,
}

/// Reads what a function was invoked with.
pub fn decode(payload: serde_json::Value) -> Result<Incoming, EventError> {
    let raw: Raw = serde_json::from_value(payload)
        .map_err(|_| EventError::Shape("neither Records nor an s3:TestEvent nor a hand-over".to_owned()))?;
    let records = match raw {
        Raw::Handover(payload) => return Ok(Incoming::Changes(vec![payload.handover.into()])),
        Raw::Test { event, bucket } if event == "s3:TestEvent" => return Ok(Incoming::Test { bucket }),
        Raw::Test { event, .. } => return Err(EventError::Shape(format!("an event {event:?}"))),
        Raw::Records { records } => records,
    };
    let source = |record: &serde_json::Value| {
        record
            .get("eventSource")
            .and_then(|source| source.as_str().map(str::to_owned))
    };
    let sources: Vec<_> = records.iter().map(source).collect();
    if sources.iter().all(|source| source.as_deref() == Some("aws:sqs")) && !records.is_empty() {
        return records
            .into_iter()
            .enumerate()
            .map(decode_message)
            .collect::<Result<_, _>>()
            .map(Incoming::Queue);
    }
    records
        .into_iter()
        .enumerate()
        .map(decode_change)
        .collect::<Result<_, _>>()
        .map(Incoming::Changes)
}

fn decode_message((index, record): (usize, serde_json::Value)) -> Result<Message, EventError> {
    let RawMessage { message_id, body } =
        serde_json::from_value(record).map_err(|error| EventError::Record {
            index,
            problem: error.to_string(),
        })?;
    let body = serde_json::from_str(&body)
        .map_err(|error| EventError::Shape(format!("a message's body is not JSON: {error}")))
        .and_then(decode)
        .and_then(|incoming| match incoming {
            Incoming::Queue(_) => Err(EventError::Shape(
                "a queue's messages inside a message".to_owned(),
            )),
            incoming => Ok(incoming),
        });
    Ok(Message { id: message_id, body })
}

fn decode_change((index, record): (usize, serde_json::Value)) -> Result<Change, EventError> {
    let problem = |problem: String| EventError::Record { index, problem };
    let RawChange {
        event_name,
        event_time,
        s3,
    } = serde_json::from_value(record).map_err(|error| problem(error.to_string()))?;
    let key =
        decode_key(&s3.object.key).ok_or_else(|| problem(format!("key {:?} is not UTF-8", s3.object.key)))?;
    let name = event_name.strip_prefix("s3:").unwrap_or(&event_name);
    let what = if name.starts_with("ObjectCreated:") {
        let missing = |field| problem(format!("{event_name} of {key:?} without {field}"));
        What::Created {
            size_bytes: s3.object.size.ok_or_else(|| missing("size"))?,
            etag: s3
                .object
                .e_tag
                .ok_or_else(|| missing("eTag"))?
                .trim_matches('"')
                .to_owned(),
        }
    } else if name.starts_with("ObjectRemoved:") || name.starts_with("LifecycleExpiration:") {
        What::Removed
    } else {
        What::Other(event_name)
    };
    let sequencer = s3
        .object
        .sequencer
        .map_or_else(|| Sequencer::from_time(event_time), |text| Sequencer::new(&text));
    Ok(Change {
        what,
        at: Location::new(s3.bucket.name, key),
        sequencer,
        handed: None,
    })
}

/// Decodes a key as S3 writes it into events: form-encoded, a space as `+`.
fn decode_key(key: &str) -> Option<String> {
    let spaced = key.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str, object: &serde_json::Value) -> serde_json::Value {
        json!({
            "eventVersion": "2.6", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
            "eventTime": "2026-11-21T05:00:00.000Z", "eventName": name, "something": "new",
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "uploads"}, "object": object},
        })
    }

    fn created(key: &str) -> serde_json::Value {
        let object = json!({"key": key, "size": 5, "eTag": "abc", "sequencer": "0055AED6DCD90281E5"});
        json!({"Records": [record("ObjectCreated:Put", &object)]})
    }

    #[test]
    fn a_key_is_decoded_before_use() {
        for (encoded, key) in [
            ("tables/a+b%2Bc.csv", "tables/a b+c.csv"),
            ("tables/%C3%BC%F0%9F%9A%A2.csv", "tables/ü🚢.csv"),
            ("tables/100%25.csv", "tables/100%.csv"),
            ("tables/%2e%2E/x", "tables/../x"),
        ] {
            let Incoming::Changes(changes) = decode(created(encoded)).unwrap() else {
                panic!("no changes")
            };
            assert_eq!(changes[0].at, Location::new("uploads", key));
            assert_eq!(changes[0].sequencer, Sequencer::new("0055AED6DCD90281E5"));
            assert_eq!(
                changes[0].what,
                What::Created {
                    size_bytes: 5,
                    etag: "abc".into()
                }
            );
        }
        assert!(decode(created("tables/%FF.csv")).is_err());
    }

    #[test]
    fn a_queues_messages_stand_each_for_itself() {
        let message = |id: &str, body: &str| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
        let payload = json!({"Records": [message("1", &created("tables/x").to_string()), message("2", "no JSON"),
            message("3", &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}).to_string())]});
        let Incoming::Queue(messages) = decode(payload.clone()).unwrap() else {
            panic!("no queue")
        };
        assert!(matches!(&messages[0], Message { id, body: Ok(Incoming::Changes(_)) } if id == "1"));
        assert!(messages[1].body.is_err());
        assert_eq!(
            messages[2].body,
            Ok(Incoming::Test {
                bucket: "uploads".into()
            })
        );
        let nested = json!({"Records": [message("4", &payload.to_string())]});
        let Incoming::Queue(messages) = decode(nested).unwrap() else {
            panic!("no queue")
        };
        assert!(messages[0].body.is_err());
    }

    #[test]
    fn removals_come_from_people_and_from_lifecycle_rules() {
        for name in [
            "ObjectRemoved:Delete",
            "s3:ObjectRemoved:DeleteMarkerCreated",
            "LifecycleExpiration:Delete",
        ] {
            let payload = json!({"Records": [record(name, &json!({"key": "tables/x"}))]});
            let Incoming::Changes(changes) = decode(payload).unwrap() else {
                panic!("no changes")
            };
            assert_eq!(changes[0].what, What::Removed);
            assert_eq!(
                changes[0].sequencer,
                Sequencer::from_time(UnixMillis::new(1_795_237_200_000))
            );
        }
        let payload = json!({"Records": [record("ObjectTagging:Put", &json!({"key": "tables/x"}))]});
        let Incoming::Changes(changes) = decode(payload).unwrap() else {
            panic!("no changes")
        };
        assert!(matches!(&changes[0].what, What::Other(name) if name == "ObjectTagging:Put"));
    }

    #[test]
    fn what_is_no_event_is_refused_and_says_where() {
        for payload in [
            json!({}),
            json!(null),
            json!([1]),
            json!({"Records": 1}),
            json!({"Event": "x", "Bucket": "b"}),
        ] {
            assert!(matches!(decode(payload), Err(EventError::Shape(_))));
        }
        let lacking =
            json!({"Records": [record("ObjectCreated:Put", &json!({"key": "tables/x", "size": 1}))]});
        let error = decode(lacking).unwrap_err().to_string();
        assert_eq!(
            error,
            r#"record 0 of the S3 notification: ObjectCreated:Put of "tables/x" without eTag"#
        );
    }
}
