//! A stream's record as a function gets it.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html>

use serde_json::{Value, json};

use super::batch::Record;
use crate::template::{REGION, StreamTrigger};

/// A record of `GetRecords`, made an event of that trigger's. `None` for one without a sequence number.
pub(super) fn event(mut record: Value, trigger: &StreamTrigger) -> Option<Record> {
    let sequence_number = record.pointer("/dynamodb/SequenceNumber")?.as_str()?.to_owned();
    let created = record.pointer("/dynamodb/ApproximateCreationDateTime");
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds since 1970")]
    let created_seconds = created.and_then(Value::as_f64).unwrap_or_default() as i64;
    let map = record.as_object_mut()?;
    map.insert("awsRegion".to_owned(), json!(REGION));
    map.insert("eventSourceARN".to_owned(), json!(trigger.stream_arn));
    Some(Record {
        sequence_number,
        created_seconds,
        json: record,
    })
}

/// Whether a write left the item as it was: `DynamoDB` puts no record of it into the stream.
pub(super) fn changes_nothing(record: &Value) -> bool {
    let image = |name: &str| record.pointer(&format!("/dynamodb/{name}"));
    match (image("OldImage"), image("NewImage")) {
        (Some(old), Some(new)) => old == new,
        _ => false,
    }
}
