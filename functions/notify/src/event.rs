//! What `notify` is invoked with: changes of the catalogue's table, or deliveries from the queue.
//!
//! Sources: "Process Amazon DynamoDB records with Lambda" and "Using Lambda with Amazon SQS" in the AWS Lambda
//! developer guide. Unknown fields are ignored: AWS adds some now and then.

use serde::Deserialize;
use serde_json::{Map, Value};

/// What `notify` was invoked with.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Changes of the table, in the order in which they happened to each item; what is none is told of by itself.
    Changes(Vec<Result<TableChange, EventError>>),
    /// Messages of the deliveries' queue.
    Messages(Vec<Message>),
}

/// One change of one item.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawChange")]
pub struct TableChange {
    /// `INSERT`, `MODIFY` or `REMOVE`.
    pub event_name: String,
    /// What a partial batch response calls it.
    pub sequence_number: Option<String>,
    /// The item's keys, in DynamoDB's JSON, as the images.
    pub keys: Map<String, Value>,
    /// The item before the change.
    pub old_image: Option<Map<String, Value>>,
    /// The item after the change.
    pub new_image: Option<Map<String, Value>>,
    /// Whether DynamoDB did it by itself, since the item's time was over.
    pub by_time_to_live: bool,
}

/// One message of the deliveries' queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What a partial batch response calls it.
    pub id: String,
    /// What this receipt of it is called, to put it off.
    pub receipt_handle: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// What it says.
    pub body: String,
}

/// Why an event cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not an event that we know the shape of.
    #[error("neither changes of a table nor a queue's messages: {0}")]
    Shape(String),
    /// It comes from elsewhere.
    #[error("records of {0:?}: neither aws:dynamodb nor aws:sqs")]
    Source(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    records: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    event_source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawChange {
    #[serde(default)]
    event_name: String,
    #[serde(default)]
    dynamodb: RawImages,
    user_identity: Option<RawIdentity>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawImages {
    sequence_number: Option<String>,
    keys: Map<String, Value>,
    old_image: Option<Map<String, Value>>,
    new_image: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct RawIdentity {
    // Lambda writes these in lower case, the Streams API with a capital.
    #[serde(rename = "type", alias = "Type")]
    kind: String,
    #[serde(rename = "principalId", alias = "PrincipalId")]
    principal_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawMessage {
    message_id: String,
    receipt_handle: String,
    body: String,
    #[serde(default)]
    attributes: RawAttributes,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RawAttributes {
    approximate_receive_count: Option<String>,
}

impl From<RawChange> for TableChange {
    fn from(raw: RawChange) -> Self {
        let by_time_to_live = raw.user_identity.is_some_and(|identity| {
            identity.kind == "Service" && identity.principal_id == "dynamodb.amazonaws.com"
        });
        Self {
            event_name: raw.event_name,
            sequence_number: raw.dynamodb.sequence_number,
            keys: raw.dynamodb.keys,
            old_image: raw.dynamodb.old_image,
            new_image: raw.dynamodb.new_image,
            by_time_to_live,
        }
    }
}

impl From<RawMessage> for Message {
    fn from(raw: RawMessage) -> Self {
        let count = raw.attributes.approximate_receive_count;
        Self {
            id: raw.message_id,
            receipt_handle: raw.receipt_handle,
            receive_count: count.and_then(|count| count.parse().ok()).unwrap_or(1),
            body: raw.body,
        }
    }
}

/// Reads an invocation's payload.
///
/// # Errors
/// If the event as a whole is none of ours.
pub fn decode(payload: Value) -> Result<Incoming, EventError> {
    let shape = |error: serde_json::Error| EventError::Shape(error.to_string());
    let Raw { records } = serde_json::from_value(payload).map_err(shape)?;
    let Some(first) = records.first() else {
        return Ok(Incoming::Changes(Vec::new()));
    };
    let Source { event_source } = Source::deserialize(first).map_err(shape)?;
    match event_source.as_str() {
        "aws:dynamodb" => {
            let change = |record| serde_json::from_value(record).map_err(shape);
            Ok(Incoming::Changes(records.into_iter().map(change).collect()))
        }
        "aws:sqs" => {
            let raw: Vec<RawMessage> = records
                .into_iter()
                .map(serde_json::from_value)
                .collect::<Result<_, _>>()
                .map_err(shape)?;
            Ok(Incoming::Messages(raw.into_iter().map(Message::from).collect()))
        }
        _ => Err(EventError::Source(event_source)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_removal_by_time_to_live_is_told_from_one_by_somebody() {
        let event = |identity: Value| {
            let images =
                json!({"SequenceNumber": "7", "Keys": {"pk": {"S": "x"}}, "OldImage": {"pk": {"S": "x"}}});
            json!({"Records": [{
                "eventSource": "aws:dynamodb", "eventName": "REMOVE", "dynamodb": images, "userIdentity": identity,
            }]})
        };
        for (identity, expected) in [
            (
                json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"}),
                true,
            ),
            (
                json!({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}),
                true,
            ),
            (
                json!({"type": "Service", "principalId": "s3.amazonaws.com"}),
                false,
            ),
            (json!(null), false),
        ] {
            let Ok(Incoming::Changes(changes)) = decode(event(identity.clone())) else {
                panic!("changes of a table");
            };
            let change = changes[0].as_ref().unwrap();
            assert_eq!(change.by_time_to_live, expected, "{identity}");
            assert_eq!(change.sequence_number.as_deref(), Some("7"));
            assert_eq!(change.event_name, "REMOVE");
            assert!(change.old_image.is_some() && change.new_image.is_none());
        }
    }

    #[test]
    fn a_message_says_how_often_it_was_received() {
        let message = |attributes: Value| {
            json!({"Records": [{
                "eventSource": "aws:sqs", "messageId": "m", "receiptHandle": "r", "body": "{}", "attributes": attributes,
            }]})
        };
        for (attributes, receive_count) in [
            (json!({"ApproximateReceiveCount": "4", "SentTimestamp": "1"}), 4),
            (json!({"ApproximateReceiveCount": "many"}), 1),
            (json!({}), 1),
        ] {
            let expected = Message {
                id: "m".into(),
                receipt_handle: "r".into(),
                receive_count,
                body: "{}".into(),
            };
            assert_eq!(
                decode(message(attributes)),
                Ok(Incoming::Messages(vec![expected]))
            );
        }
    }

    #[test]
    fn what_is_no_event_of_ours_is_refused() {
        assert_eq!(decode(json!({"Records": []})), Ok(Incoming::Changes(Vec::new())));
        for payload in [
            json!(null),
            json!("x"),
            json!({}),
            json!({"Records": 1}),
            json!({"Records": [{}]}),
            json!({"Records": [{"eventSource": "aws:s3"}]}),
            json!({"Records": [{"eventSource": "aws:sqs"}]}),
        ] {
            assert!(decode(payload.clone()).is_err(), "{payload}");
        }
        let odd = json!({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": 1}, {"eventSource": "aws:dynamodb"}]});
        let Ok(Incoming::Changes(changes)) = decode(odd) else {
            panic!("changes of a table");
        };
        assert_eq!(
            changes.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [false, true]
        );
    }
}
