//! The policy of a browser's form upload: what the form's fields and file must be.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use s3s::{S3Error, S3ErrorCode, S3Result};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::fault;

/// The fields of a form before its file, by lower-case name.
pub(super) type Fields = BTreeMap<String, String>;

/// Fields that no condition has to name.
const EXEMPT: [&str; 5] = ["x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"];

/// A policy whose signature was verified.
#[derive(Debug)]
pub(super) struct Policy {
    expiration: OffsetDateTime,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Equals(String, String),
    StartsWith(String, String),
    Length(u64, u64),
}

fn invalid(message: impl Into<String>) -> S3Error {
    fault::s3(
        S3ErrorCode::InvalidPolicyDocument,
        format!("Invalid Policy: {}", message.into()),
    )
}

fn denied(message: impl Into<String>) -> S3Error {
    fault::s3(
        S3ErrorCode::AccessDenied,
        format!("Invalid according to Policy: {}", message.into()),
    )
}

impl Policy {
    /// Reads the base64 that the form carries.
    pub(super) fn parse(encoded: &str) -> S3Result<Self> {
        let json = BASE64
            .decode(encoded.trim())
            .map_err(|_| invalid("Invalid Base64."))?;
        let document: Value = serde_json::from_slice(&json).map_err(|_| invalid("Invalid JSON."))?;
        let expiration = document
            .get("expiration")
            .and_then(Value::as_str)
            .ok_or_else(|| invalid("Policy missing expiration."))?;
        let expiration = OffsetDateTime::parse(expiration, &Iso8601::DEFAULT)
            .map_err(|_| invalid("Invalid 'expiration' value."))?;
        let conditions = document
            .get("conditions")
            .and_then(Value::as_array)
            .ok_or_else(|| invalid("Policy missing conditions."))?;
        let conditions = conditions
            .iter()
            .map(condition)
            .collect::<S3Result<Vec<Vec<_>>>>()?;
        Ok(Self {
            expiration,
            conditions: conditions.into_iter().flatten().collect(),
        })
    }

    /// Checks everything but the file's size, before any of the file is read.
    pub(super) fn check(&self, fields: &Fields, bucket: &str, now: OffsetDateTime) -> S3Result<()> {
        if now >= self.expiration {
            return Err(denied("Policy expired."));
        }
        for condition in &self.conditions {
            let holds = match condition {
                Condition::Equals(name, value) => field(fields, bucket, name) == Some(value),
                Condition::StartsWith(name, start) => starts_with(fields, bucket, name, start),
                Condition::Length(..) => true,
            };
            if !holds {
                return Err(denied(format!(
                    "Policy Condition failed: {}",
                    condition.describe()
                )));
            }
        }
        let extra: Vec<&str> = fields
            .keys()
            .map(String::as_str)
            .filter(|name| !EXEMPT.contains(name) && !name.starts_with("x-ignore-"))
            .filter(|name| !self.conditions.iter().any(|condition| condition.names(name)))
            .collect();
        if extra.is_empty() {
            Ok(())
        } else {
            Err(denied(format!("Extra input fields: {}", extra.join(", "))))
        }
    }

    /// The least and the greatest size of the file in bytes: what every range of the policy allows.
    pub(super) fn length_range(&self) -> Option<(u64, u64)> {
        let ranges = self.conditions.iter().filter_map(|condition| match condition {
            Condition::Length(min, max) => Some((*min, *max)),
            _ => None,
        });
        ranges.reduce(|(min, max), (other_min, other_max)| (min.max(other_min), max.min(other_max)))
    }
}

/// The value of a field. The bucket is the one of the URL, whatever a field of that name says.
fn field<'f>(fields: &'f Fields, bucket: &'f str, name: &str) -> Option<&'f str> {
    if name == "bucket" {
        return Some(bucket);
    }
    fields.get(name).map(String::as_str)
}

fn starts_with(fields: &Fields, bucket: &str, name: &str, start: &str) -> bool {
    let Some(value) = field(fields, bucket, name) else {
        return start.is_empty();
    };
    if name == "content-type" {
        // A list of types must fit in each of them.
        return value
            .split(',')
            .all(|value| value.trim_start().starts_with(start));
    }
    value.starts_with(start)
}

fn condition(value: &Value) -> S3Result<Vec<Condition>> {
    let unknown = || invalid(format!("Invalid Condition: {value}"));
    if let Some(object) = value.as_object() {
        return object
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().ok_or_else(unknown)?;
                Ok(Condition::Equals(name.to_ascii_lowercase(), value.to_owned()))
            })
            .collect();
    }
    let [operator, first, second] = value.as_array().map(Vec::as_slice).ok_or_else(unknown)? else {
        return Err(unknown());
    };
    let operator = operator.as_str().ok_or_else(unknown)?.to_ascii_lowercase();
    if operator == "content-length-range" {
        let number = |value: &Value| {
            value
                .as_u64()
                .or_else(|| value.as_str()?.parse().ok())
                .ok_or_else(unknown)
        };
        return Ok(vec![Condition::Length(number(first)?, number(second)?)]);
    }
    let name = first
        .as_str()
        .and_then(|name| name.strip_prefix('$'))
        .ok_or_else(unknown)?;
    let name = name.to_ascii_lowercase();
    let text = second.as_str().ok_or_else(unknown)?.to_owned();
    match operator.as_str() {
        "eq" => Ok(vec![Condition::Equals(name, text)]),
        "starts-with" => Ok(vec![Condition::StartsWith(name, text)]),
        _ => Err(unknown()),
    }
}

impl Condition {
    fn names(&self, field: &str) -> bool {
        match self {
            Self::Equals(name, _) | Self::StartsWith(name, _) => name == field,
            Self::Length(..) => false,
        }
    }

    /// As S3 writes it in its message.
    fn describe(&self) -> String {
        match self {
            Self::Equals(name, value) => format!("[\"eq\", \"${name}\", \"{value}\"]"),
            Self::StartsWith(name, start) => format!("[\"starts-with\", \"${name}\", \"{start}\"]"),
            Self::Length(min, max) => format!("[\"content-length-range\", {min}, {max}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(conditions: &str) -> Policy {
        let json = format!("{{\"expiration\": \"2030-01-01T00:00:00.000Z\", \"conditions\": {conditions}}}");
        Policy::parse(&BASE64.encode(json)).unwrap()
    }

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn check(conditions: &str, pairs: &[(&str, &str)]) -> Result<(), String> {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let outcome = policy(conditions).check(&fields(pairs), "b", now);
        outcome.map_err(|error| error.message().unwrap_or_default().to_owned())
    }

    #[test]
    fn conditions_hold_or_say_which_does_not() {
        let conditions =
            r#"[{"bucket": "b"}, ["starts-with", "$key", "user/"], ["eq", "$Content-Type", "a/b"]]"#;
        assert_eq!(
            check(conditions, &[("key", "user/x"), ("content-type", "a/b")]),
            Ok(())
        );
        let failed = check(conditions, &[("key", "other"), ("content-type", "a/b")]).unwrap_err();
        assert!(failed.contains(r#"["starts-with", "$key", "user/"]"#), "{failed}");
        assert!(check(conditions, &[("key", "user/x")]).is_err());
    }

    #[test]
    fn every_field_must_be_named() {
        let failed = check(r#"[["eq", "$key", "k"]]"#, &[("key", "k"), ("x-amz-meta-a", "1")]).unwrap_err();
        assert!(failed.contains("Extra input fields: x-amz-meta-a"), "{failed}");
        let exempt = [
            ("key", "k"),
            ("x-ignore-me", "1"),
            ("policy", "p"),
            ("x-amz-signature", "s"),
        ];
        assert_eq!(check(r#"[["eq", "$key", "k"]]"#, &exempt), Ok(()));
    }

    #[test]
    fn an_expired_policy_allows_nothing() {
        let now = OffsetDateTime::from_unix_timestamp(2_000_000_000).unwrap();
        assert!(policy("[]").check(&Fields::new(), "b", now).is_err());
    }

    #[test]
    fn documents_that_are_none_are_refused() {
        for bad in ["", "!", "bm90IGpzb24=", "e30="] {
            assert!(Policy::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            policy(r#"[["content-length-range", 1, "10"]]"#).length_range(),
            Some((1, 10))
        );
    }
}
