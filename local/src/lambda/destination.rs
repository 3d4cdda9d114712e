//! The record of an asynchronous invocation that is over.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Why the invocation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Success,
    /// The last attempt failed.
    RetriesExhausted,
    /// `MaximumEventAgeInSeconds` has passed.
    EventAgeExceeded,
}

impl Condition {
    fn name(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
        }
    }
}

/// What the record says.
pub(super) struct Ending<'a> {
    pub(super) condition: Condition,
    pub(super) request_id: &'a str,
    /// Unqualified.
    pub(super) function_arn: &'a str,
    pub(super) attempts: u32,
    pub(super) request: &'a Bytes,
    /// The answer of the last attempt; absent when there was none.
    pub(super) response: Option<&'a Bytes>,
}

/// The record, version 1.0.
pub(super) fn record(ending: &Ending<'_>, now: Timestamp) -> Value {
    let mut record = json!({
        "version": "1.0",
        "timestamp": crate::clock::rfc3339_millis(now),
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": format!("{}:$LATEST", ending.function_arn),
            "condition": ending.condition.name(),
            "approximateInvokeCount": ending.attempts,
        },
        "requestPayload": document(ending.request),
    });
    if let (Some(response), Some(map)) = (ending.response, record.as_object_mut()) {
        let mut context = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
        if let (true, Some(context)) = (ending.condition != Condition::Success, context.as_object_mut()) {
            context.insert("functionError".to_owned(), json!("Unhandled"));
        }
        map.insert("responseContext".to_owned(), context);
        map.insert("responsePayload".to_owned(), document(response));
    }
    record
}

/// A function may answer with what is no JSON; the record then holds it as a text.
fn document(payload: &Bytes) -> Value {
    serde_json::from_slice(payload).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(payload)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_the_documented_shape() {
        let ending = Ending {
            condition: Condition::RetriesExhausted,
            request_id: "e4b46cbf",
            function_arn: "arn:aws:lambda:us-east-1:000000000000:function:f",
            attempts: 3,
            request: &Bytes::from_static(br#"{"ORDER_IDS":[1]}"#),
            response: Some(&Bytes::from_static(br#"{"errorMessage":"no"}"#)),
        };
        let now = "2019-11-14T18:16:05.568Z".parse().unwrap();
        assert_eq!(
            record(&ending, now),
            json!({
                "version": "1.0",
                "timestamp": "2019-11-14T18:16:05.568Z",
                "requestContext": {
                    "requestId": "e4b46cbf",
                    "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": 3
                },
                "requestPayload": {"ORDER_IDS": [1]},
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
                "responsePayload": {"errorMessage": "no"}
            })
        );
        let never = Ending {
            response: None,
            attempts: 0,
            condition: Condition::EventAgeExceeded,
            ..ending
        };
        assert!(record(&never, now).get("responsePayload").is_none());
    }
}
