//! The MD5 fields that the SDKs check.
//! Reference: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value};

pub(super) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body.as_bytes()))
}

/// `MD5OfMessageAttributes`; `None` when there are none. Names in order; each name, type and value with its
/// length in front, big-endian.
pub(super) fn of_attributes(attributes: &Map<String, Value>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut names: Vec<&String> = attributes.keys().collect();
    names.sort();
    let mut digest = Md5::new();
    let part = |digest: &mut Md5, bytes: &[u8]| {
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for name in names {
        let Some(attribute) = attributes.get(name) else {
            continue;
        };
        let text = |key: &str| attribute.get(key).and_then(Value::as_str);
        part(&mut digest, name.as_bytes());
        part(&mut digest, text("DataType").unwrap_or_default().as_bytes());
        match (text("StringValue"), text("BinaryValue")) {
            (Some(value), _) => {
                digest.update([1]);
                part(&mut digest, value.as_bytes());
            }
            (None, Some(value)) => {
                digest.update([2]);
                part(&mut digest, &STANDARD.decode(value).unwrap_or_default());
            }
            (None, None) => {}
        }
    }
    Some(hex(&digest.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn checksums_are_those_of_sqs() {
        // The first from the SQS documentation's example of SendMessage; the second by the documented recipe.
        assert_eq!(
            of_body("This is a test message"),
            "fafb00f5732ab283681e124bf8747ed1"
        );
        let attributes = json!({"City": {"DataType": "String", "StringValue": "Any City"},
            "Blob": {"DataType": "Binary", "BinaryValue": STANDARD.encode([1, 2, 3])}});
        let mut expected = Vec::new();
        for (bytes, tag) in [
            ("Blob", None),
            ("Binary", Some(2)),
            ("\u{1}\u{2}\u{3}", None),
            ("City", None),
            ("String", Some(1)),
            ("Any City", None),
        ] {
            expected.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
            expected.extend(bytes.as_bytes());
            expected.extend(tag);
        }
        let expected = hex(&Md5::digest(&expected));
        assert_eq!(of_attributes(attributes.as_object().unwrap()), Some(expected));
        assert_eq!(of_attributes(&Map::new()), None);
    }
}
