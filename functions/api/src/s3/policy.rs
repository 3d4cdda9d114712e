//! The policy of a form upload: what S3 holds the form to, signed with version 4 of AWS's signature.
//!
//! Source: "Creating a POST policy" and "Browser-based uploads using POST" in the Amazon S3 API reference
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>).

use std::collections::BTreeMap;

use aws_sdk_s3::config::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use shared::time::UnixMillis;

use crate::ports::FormPolicy;

/// The fields of the form: each is a condition of the policy, and S3 refuses fields that no condition names.
pub(super) fn sign(
    form: &FormPolicy<'_>,
    credentials: &Credentials,
    region: &str,
) -> BTreeMap<String, String> {
    let stamp = basic_time(form.now);
    let date = stamp.get(..8).unwrap_or_default();
    let scope = format!("{date}/{region}/s3/aws4_request");
    let mut fields = BTreeMap::from([
        ("key".to_owned(), form.at.key.clone()),
        ("content-type".to_owned(), form.content_type.to_owned()),
        ("success_action_status".to_owned(), "201".to_owned()),
        ("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()),
        (
            "x-amz-credential".to_owned(),
            format!("{}/{scope}", credentials.access_key_id()),
        ),
        ("x-amz-date".to_owned(), stamp.clone()),
    ]);
    if let Some(token) = credentials.session_token() {
        fields.insert("x-amz-security-token".to_owned(), token.to_owned());
    }
    if let Some(sha256) = form.sha256 {
        fields.insert("x-amz-checksum-algorithm".to_owned(), "SHA256".to_owned());
        fields.insert("x-amz-checksum-sha256".to_owned(), sha256.to_owned());
    }
    let mut conditions = vec![
        json!({"bucket": form.at.bucket}),
        json!(["content-length-range", form.size_bytes, form.size_bytes]),
    ];
    conditions.extend(
        fields
            .iter()
            .map(|(name, value)| json!(["eq", format!("${name}"), value])),
    );
    let policy = json!({"expiration": form.expires_at, "conditions": conditions});
    let policy = STANDARD.encode(policy.to_string());
    let day = std::time::UNIX_EPOCH + form.now.since(UnixMillis::default());
    let key = generate_signing_key(credentials.secret_access_key(), day, region, "s3");
    let signature = calculate_signature(key, policy.as_bytes());
    fields.insert("policy".to_owned(), policy);
    fields.insert("x-amz-signature".to_owned(), signature);
    fields
}

/// `20261121T050000Z`.
fn basic_time(at: UnixMillis) -> String {
    let text = at.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    let digits: String = seconds.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    digits + "Z"
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use shared::store::Location;

    use super::*;

    /// The example of the documentation, "Example: Browser-Based Upload using HTTP POST": its policy text is another, so
    /// what is compared is the signature over it.
    #[test]
    fn the_signature_is_the_documentations() {
        let day = SystemTime::UNIX_EPOCH + Duration::from_hours(403_152);
        let key = generate_signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", day, "us-east-1", "s3");
        let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
        assert_eq!(
            calculate_signature(key, policy.as_bytes()),
            "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"
        );
    }

    #[test]
    fn every_field_is_a_condition() {
        let at = Location::new("uploads", "inbox/alice/~1/ü.csv");
        let form = FormPolicy {
            at: &at,
            size_bytes: 5,
            content_type: "text/csv",
            sha256: Some("abc="),
            now: UnixMillis::new(1_795_237_200_000),
            expires_at: UnixMillis::new(1_795_238_100_000),
        };
        let credentials = Credentials::new("AKID", "secret", Some("token".into()), None, "test");
        let fields = sign(&form, &credentials, "eu-west-1");
        let policy: serde_json::Value =
            serde_json::from_slice(&STANDARD.decode(&fields["policy"]).unwrap()).unwrap();
        assert_eq!(policy["expiration"], "2026-11-21T05:15:00.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        for (name, value) in &fields {
            let condition = json!(["eq", format!("${name}"), value]);
            let exempt = ["policy", "x-amz-signature"].contains(&name.as_str());
            assert!(exempt || conditions.contains(&condition), "{name}");
        }
        assert!(conditions.contains(&json!(["content-length-range", 5, 5])));
        assert_eq!(fields["x-amz-date"], "20261121T050000Z");
        assert_eq!(
            fields["x-amz-credential"],
            "AKID/20261121/eu-west-1/s3/aws4_request"
        );
        assert_eq!(fields["x-amz-security-token"], "token");
    }
}
