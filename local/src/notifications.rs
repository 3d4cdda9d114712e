//! S3 event notifications: what happened to an object, matched against the triggers of the template, in the
//! JSON that functions get.
//! Reference: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use std::sync::Arc;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::lambda::queue::AsyncQueue;
use crate::notes::Notes;
use crate::s3::ObjectEvent;
use crate::template::{ACCOUNT_ID, Function, ObjectTrigger, REGION};

/// S3 leaves these as they are in the key of a notification, as `java.net.URLEncoder` does, and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// Hands object changes to the functions that want them.
pub(crate) struct Notifications {
    triggers: Vec<(String, ObjectTrigger)>,
    queue: Arc<AsyncQueue>,
    notes: Notes,
}

impl Notifications {
    pub(crate) fn new(functions: &[Function], queue: Arc<AsyncQueue>, notes: Notes) -> Self {
        let triggers = functions.iter().flat_map(|function| {
            function
                .object_triggers
                .iter()
                .map(|trigger| (function.name.clone(), trigger.clone()))
        });
        Self {
            triggers: triggers.collect(),
            queue,
            notes,
        }
    }

    /// Accepts one invocation per trigger that matches; they are on disk when this returns.
    pub(crate) fn publish(&self, change: &ObjectEvent) {
        for (function, trigger) in self
            .triggers
            .iter()
            .filter(|(_, trigger)| matches(trigger, change))
        {
            let event = notification(change, &trigger.id).to_string();
            if let Err(error) = self.queue.accept(function, Bytes::from(event)) {
                self.notes.say(&format!(
                    "cannot tell {function} of {}/{}: {error}",
                    change.bucket, change.key
                ));
            }
        }
    }
}

fn matches(trigger: &ObjectTrigger, change: &ObjectEvent) -> bool {
    let kind = |event: &String| change.kind.matches(event);
    trigger.bucket == change.bucket
        && trigger.events.iter().any(kind)
        && change.key.starts_with(&trigger.prefix)
        && change.key.ends_with(&trigger.suffix)
}

fn notification(change: &ObjectEvent, configuration_id: &str) -> Value {
    let mut object = json!({ "key": encode_key(&change.key), "sequencer": change.sequencer });
    if let Some(map) = object.as_object_mut() {
        let optional = [
            ("size", change.size_bytes.map(Value::from)),
            ("eTag", change.etag.as_deref().map(Value::from)),
            ("versionId", change.version_id.as_deref().map(Value::from)),
        ];
        map.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
    }
    let time = jiff::Timestamp::from_nanosecond(change.time.unix_timestamp_nanos()).unwrap_or_default();
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": crate::clock::rfc3339_millis(time),
        "eventName": change.kind.name(),
        "userIdentity": { "principalId": format!("AWS:{ACCOUNT_ID}") },
        "requestParameters": { "sourceIPAddress": change.source_ip.map(|address| address.to_string()).unwrap_or_default() },
        "responseElements": { "x-amz-request-id": change.request_id, "x-amz-id-2": "local" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration_id,
            "bucket": {
                "name": change.bucket,
                "ownerIdentity": { "principalId": ACCOUNT_ID },
                "arn": format!("arn:aws:s3:::{}", change.bucket),
            },
            "object": object,
        },
    }] })
}

fn encode_key(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string().replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::EventKind;

    fn change(kind: EventKind, key: &str) -> ObjectEvent {
        ObjectEvent {
            kind,
            bucket: "b".to_owned(),
            key: key.to_owned(),
            size_bytes: Some(3),
            etag: Some("abc".to_owned()),
            version_id: None,
            sequencer: "0A".to_owned(),
            time: time::OffsetDateTime::from_unix_timestamp_nanos(1_795_232_762_500_000_000).unwrap(),
            request_id: "R".to_owned(),
            source_ip: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        }
    }

    #[test]
    fn keys_are_form_encoded() {
        for (key, expected) in [
            ("red flower.jpg", "red+flower.jpg"),
            ("a/b+c=d&e?.csv", "a/b%2Bc%3Dd%26e%3F.csv"),
            ("ünï/日本*_-.~", "%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC*_-.%7E"),
            ("100%.txt", "100%25.txt"),
        ] {
            assert_eq!(encode_key(key), expected);
        }
    }

    #[test]
    fn triggers_match_by_kind_prefix_and_suffix() {
        let trigger = ObjectTrigger {
            id: "Upload".to_owned(),
            bucket: "b".to_owned(),
            events: vec![
                "s3:ObjectCreated:*".to_owned(),
                "s3:ObjectRemoved:Delete".to_owned(),
            ],
            prefix: "in/".to_owned(),
            suffix: ".csv".to_owned(),
        };
        for (kind, key, expected) in [
            (EventKind::CreatedPut, "in/a.csv", true),
            (EventKind::CreatedCompleteMultipartUpload, "in/a.csv", true),
            (EventKind::RemovedDelete, "in/a.csv", true),
            (EventKind::RemovedDeleteMarkerCreated, "in/a.csv", false),
            (EventKind::CreatedPut, "out/a.csv", false),
            (EventKind::CreatedPut, "in/a.json", false),
        ] {
            assert_eq!(matches(&trigger, &change(kind, key)), expected, "{kind} {key}");
        }
        let elsewhere = ObjectTrigger {
            bucket: "c".to_owned(),
            ..trigger
        };
        assert!(!matches(&elsewhere, &change(EventKind::CreatedPut, "in/a.csv")));
    }

    #[test]
    fn the_record_says_what_is_known_and_no_more() {
        let event = notification(&change(EventKind::CreatedPut, "in/a b.csv"), "Upload");
        let record = &event["Records"][0];
        assert_eq!(record["eventTime"], "2026-11-21T03:46:02.500Z");
        assert_eq!(
            record["s3"]["object"],
            json!({"key": "in/a+b.csv", "size": 3, "eTag": "abc", "sequencer": "0A"})
        );
        let mut removed = change(EventKind::RemovedDeleteMarkerCreated, "x");
        (removed.size_bytes, removed.etag, removed.version_id) = (None, None, Some("v".to_owned()));
        let event = notification(&removed, "Upload");
        let object = &event["Records"][0]["s3"]["object"];
        assert_eq!(*object, json!({"key": "x", "versionId": "v", "sequencer": "0A"}));
    }
}
