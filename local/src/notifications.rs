//! S3 event notifications: what happened to an object, matched against the triggers of the template, in the
//! JSON that functions get.
//! Reference: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::lambda::queue::AsyncQueue;
use crate::notes::Notes;
use crate::template::{ACCOUNT_ID, Function, ObjectTrigger, REGION};

/// S3 leaves these as they are in the key of a notification, as `java.net.URLEncoder` does, and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/');

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub(crate) struct ObjectChange {
    /// `ObjectCreated:Put`, `ObjectCreated:CompleteMultipartUpload`, `ObjectRemoved:Delete` and so on, without
    /// the `s3:` in front.
    pub kind: String,
    /// The bucket's name.
    pub bucket: String,
    /// The key, as it is: not encoded.
    pub key: String,
    /// Absent for removals.
    pub size_bytes: Option<u64>,
    /// Without quotes; absent for removals.
    pub etag: Option<String>,
    /// In buckets with versioning.
    pub version_id: Option<String>,
    /// Hexadecimal; greater for the later event on the same key.
    pub sequencer: String,
    /// When the request was done.
    pub time: Timestamp,
    /// The id that the response of the request had.
    pub request_id: String,
    /// Who made the request.
    pub source_ip: String,
}

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
    pub(crate) fn publish(&self, change: &ObjectChange) {
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

fn matches(trigger: &ObjectTrigger, change: &ObjectChange) -> bool {
    let kind = |event: &String| {
        let event = event.strip_prefix("s3:").unwrap_or(event);
        match event.strip_suffix('*') {
            Some(start) => change.kind.starts_with(start),
            None => change.kind == event,
        }
    };
    trigger.bucket == change.bucket
        && trigger.events.iter().any(kind)
        && change.key.starts_with(&trigger.prefix)
        && change.key.ends_with(&trigger.suffix)
}

fn notification(change: &ObjectChange, configuration_id: &str) -> Value {
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
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": crate::clock::rfc3339_millis(change.time),
        "eventName": change.kind,
        "userIdentity": { "principalId": format!("AWS:{ACCOUNT_ID}") },
        "requestParameters": { "sourceIPAddress": change.source_ip },
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

    fn change(kind: &str, key: &str) -> ObjectChange {
        ObjectChange {
            kind: kind.to_owned(),
            bucket: "b".to_owned(),
            key: key.to_owned(),
            size_bytes: Some(3),
            etag: Some("abc".to_owned()),
            version_id: None,
            sequencer: "0A".to_owned(),
            time: "2026-11-21T03:46:02.5Z".parse().unwrap(),
            request_id: "R".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
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
            ("ObjectCreated:Put", "in/a.csv", true),
            ("ObjectCreated:CompleteMultipartUpload", "in/a.csv", true),
            ("ObjectRemoved:Delete", "in/a.csv", true),
            ("ObjectRemoved:DeleteMarkerCreated", "in/a.csv", false),
            ("ObjectCreated:Put", "out/a.csv", false),
            ("ObjectCreated:Put", "in/a.json", false),
        ] {
            assert_eq!(matches(&trigger, &change(kind, key)), expected, "{kind} {key}");
        }
        let elsewhere = ObjectTrigger {
            bucket: "c".to_owned(),
            ..trigger
        };
        assert!(!matches(&elsewhere, &change("ObjectCreated:Put", "in/a.csv")));
    }

    #[test]
    fn the_record_says_what_is_known_and_no_more() {
        let event = notification(&change("ObjectCreated:Put", "in/a b.csv"), "Upload");
        let record = &event["Records"][0];
        assert_eq!(record["eventTime"], "2026-11-21T03:46:02.500Z");
        assert_eq!(
            record["s3"]["object"],
            json!({"key": "in/a+b.csv", "size": 3, "eTag": "abc", "sequencer": "0A"})
        );
        let mut removed = change("ObjectRemoved:DeleteMarkerCreated", "x");
        (removed.size_bytes, removed.etag, removed.version_id) = (None, None, Some("v".to_owned()));
        let event = notification(&removed, "Upload");
        let object = &event["Records"][0]["s3"]["object"];
        assert_eq!(*object, json!({"key": "x", "versionId": "v", "sequencer": "0A"}));
    }
}
