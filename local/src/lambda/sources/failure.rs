//! The record of a batch of a stream that was given up.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::batch::Piece;
use crate::template::StreamTrigger;

/// Why the batch was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    RetryAttemptsExhausted,
    RecordAgeExceeded,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// What the record says besides the batch.
pub(super) struct Ending<'a> {
    pub(super) condition: Condition,
    /// Of the last attempt; empty when there was none.
    pub(super) request_id: &'a str,
    /// Unqualified.
    pub(super) function_arn: &'a str,
    pub(super) shard_id: &'a str,
    /// Whether the last attempt ended with an error, and not with an answer that names failures.
    pub(super) is_error: bool,
}

/// The record, version 1.0. It names the records of the batch and does not hold them.
pub(super) fn record(ending: &Ending<'_>, piece: &Piece, trigger: &StreamTrigger, now: Timestamp) -> Value {
    let (first, last) = (piece.records.first(), piece.records.last());
    let number = |record: Option<&super::batch::Record>| record.map(|record| record.sequence_number.clone());
    let arrival = |record: Option<&super::batch::Record>| {
        let time = record.and_then(|record| Timestamp::from_second(record.created_seconds).ok());
        time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    let mut record = json!({
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": ending.function_arn,
            "condition": ending.condition.name(),
            "approximateInvokeCount": piece.failures,
        },
        "version": "1.0",
        "timestamp": crate::clock::rfc3339_millis(now),
        "DDBStreamBatchInfo": {
            "shardId": ending.shard_id,
            "startSequenceNumber": number(first),
            "endSequenceNumber": number(last),
            "approximateArrivalOfFirstRecord": arrival(first),
            "approximateArrivalOfLastRecord": arrival(last),
            "batchSize": piece.records.len(),
            "streamArn": trigger.stream_arn,
        },
    });
    if let (true, Some(map)) = (piece.failures > 0, record.as_object_mut()) {
        let mut context = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
        if let (true, Some(context)) = (ending.is_error, context.as_object_mut()) {
            context.insert("functionError".to_owned(), json!("Unhandled"));
        }
        map.insert("responseContext".to_owned(), context);
    }
    record
}
