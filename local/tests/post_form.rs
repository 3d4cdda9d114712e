//! Browsers' form uploads: a form that breaks its policy in any one way is refused as S3 refuses it, and leaves
//! nothing.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html>

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use local::s3;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const FILE: &[u8] = b"id,name\n1,alice\n";
const KEY: &str = "inbox/alice/01J/report.csv";

struct Store {
    server: s3::Server,
    events: Arc<Mutex<Vec<s3::ObjectEvent>>>,
}

impl Store {
    async fn open() -> Self {
        let events = Arc::<Mutex<Vec<_>>>::default();
        let sink = events.clone();
        let options = s3::Options {
            data_dir: None,
            credentials: vec![s3::Credentials {
                access_key_id: "test".into(),
                secret_access_key: "secret".into(),
            }],
            region: "us-east-1".into(),
            domain: "localhost".into(),
        };
        let server =
            s3::Server::open(options, Arc::new(move |event| sink.lock().unwrap().push(event))).unwrap();
        for bucket in ["uploads", "others"] {
            server
                .ensure_bucket(bucket, s3::BucketSettings::default())
                .await
                .unwrap();
        }
        Self { server, events }
    }

    async fn post(&self, form: &Form, in_chunks: bool) -> (StatusCode, String) {
        let body = form.body();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("/{}", form.bucket))
            .header("host", "localhost")
            .header("content-type", "multipart/form-data; boundary=b0undary");
        let response = if in_chunks {
            // No length is told: only counting what comes shows how long it is.
            let chunks: Vec<Result<_, Infallible>> = body
                .chunks(7)
                .map(|chunk| Ok(http_body::Frame::data(Bytes::copy_from_slice(chunk))))
                .collect();
            let body = StreamBody::new(stream::iter(chunks));
            self.server.handle(request.body(body).unwrap()).await
        } else {
            let request = request.header("content-length", body.len());
            self.server
                .handle(request.body(Full::new(Bytes::from(body))).unwrap())
                .await
        };
        let status = response.status();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&text).into_owned())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    BASE64.encode(Sha256::digest(bytes))
}

/// A form, its policy signed when it is sent.
#[derive(Clone)]
struct Form {
    bucket: &'static str,
    conditions: Vec<Value>,
    expires_in_seconds: i64,
    fields: Vec<(String, String)>,
    scope_date: Option<String>,
    region: &'static str,
    service: &'static str,
    secret: &'static str,
    access_key_id: &'static str,
    file: Vec<u8>,
    /// Changed after the signature.
    tampered: bool,
    /// Signed, but not sent.
    left_out: Vec<&'static str>,
}

impl Form {
    fn good() -> Self {
        let size = FILE.len();
        let checksum = sha256(FILE);
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            bucket: "uploads",
            conditions: vec![
                json!({"bucket": "uploads"}),
                json!({"key": KEY}),
                json!({"Content-Type": "text/csv"}),
                json!({"x-amz-checksum-sha256": checksum}),
                json!({"success_action_status": "201"}),
                json!(["content-length-range", size, size]),
            ],
            expires_in_seconds: 60,
            fields: vec![
                field("key", KEY),
                field("Content-Type", "text/csv"),
                field("x-amz-checksum-sha256", &checksum),
                field("success_action_status", "201"),
            ],
            scope_date: None,
            region: "us-east-1",
            service: "s3",
            secret: "secret",
            access_key_id: "test",
            file: FILE.to_vec(),
            tampered: false,
            left_out: Vec::new(),
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(given, _)| given != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn body(&self) -> Vec<u8> {
        let now = jiff::Timestamp::now();
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = self
            .scope_date
            .clone()
            .unwrap_or_else(|| now.strftime("%Y%m%d").to_string());
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let credential = format!("{}/{scope}", self.access_key_id);
        let mut conditions = self.conditions.clone();
        conditions.push(json!({"x-amz-algorithm": "AWS4-HMAC-SHA256"}));
        conditions.push(json!({ "x-amz-credential": credential }));
        conditions.push(json!({ "x-amz-date": date }));
        let expiration = now + jiff::SignedDuration::from_secs(self.expires_in_seconds);
        let expiration = expiration.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let policy = json!({"expiration": expiration, "conditions": conditions});
        let mut encoded = BASE64.encode(policy.to_string());
        let key = scope
            .split('/')
            .fold(format!("AWS4{}", self.secret).into_bytes(), |key, part| {
                hmac(&key, part)
            });
        let signature = hex(&hmac(&key, &encoded));
        if self.tampered {
            let wider = policy.to_string().replace("text/csv", "text/htm");
            encoded = BASE64.encode(wider);
        }
        let mut fields = self.fields.clone();
        for (name, value) in [
            ("policy", encoded),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
            ("x-amz-credential", credential),
            ("x-amz-date", date),
            ("x-amz-signature", signature),
        ] {
            fields.push((name.to_owned(), value));
        }
        let mut body = Vec::new();
        for (name, value) in &fields {
            if self.left_out.contains(&name.as_str()) {
                continue;
            }
            let part =
                format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        if !self.left_out.contains(&"file") {
            body.extend_from_slice(
                b"--b0undary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"report.csv\"\r\n\
                  Content-Type: text/plain\r\n\r\n",
            );
            body.extend_from_slice(&self.file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b0undary--\r\n");
        body
    }
}

#[tokio::test]
async fn a_form_that_keeps_its_policy_is_taken() {
    let store = Store::open().await;
    for in_chunks in [false, true] {
        let (status, document) = store.post(&Form::good(), in_chunks).await;
        assert_eq!(status, StatusCode::CREATED, "{document}");
        assert!(document.contains(&format!("<Key>{KEY}</Key>")), "{document}");
        let event = store.events.lock().unwrap().pop().unwrap();
        assert_eq!(
            (event.key.as_str(), event.size_bytes, event.kind.name()),
            (KEY, Some(FILE.len() as u64), "ObjectCreated:Post")
        );
    }
    for (given, expected) in [
        (Some("200"), StatusCode::OK),
        (Some("204"), StatusCode::NO_CONTENT),
        (Some("500"), StatusCode::NO_CONTENT),
        (None, StatusCode::NO_CONTENT),
    ] {
        let mut form = Form::good();
        form.conditions
            .retain(|condition| condition.get("success_action_status").is_none());
        form.fields.retain(|(name, _)| name != "success_action_status");
        if let Some(given) = given {
            form.conditions.push(json!({"success_action_status": given}));
            form.set("success_action_status", given);
        }
        assert_eq!(store.post(&form, false).await.0, expected, "{given:?}");
    }
}

/// What is done to a good form, and how S3 refuses that: status, code, and a part of the message.
type Case = (&'static str, fn(&mut Form), u16, &'static str, &'static str);

const CASES: &[Case] = &[
    (
        "another bucket",
        |form| form.bucket = "others",
        403,
        "AccessDenied",
        r#"Invalid according to Policy: Policy Condition failed: ["eq", "$bucket", "uploads"]"#,
    ),
    (
        "another bucket, and a field that says otherwise",
        |form| {
            form.bucket = "others";
            form.set("bucket", "uploads");
        },
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$bucket", "uploads"]"#,
    ),
    (
        "another key",
        |form| form.set("key", "inbox/bob/01J/report.csv"),
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$key", "inbox/alice/01J/report.csv"]"#,
    ),
    (
        "another type",
        |form| form.set("Content-Type", "text/html"),
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$content-type", "text/csv"]"#,
    ),
    (
        "too small",
        |form| form.file.truncate(FILE.len() - 1),
        400,
        "EntityTooSmall",
        "Your proposed upload is smaller than the minimum allowed size",
    ),
    (
        "too large",
        |form| form.file.push(b'x'),
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    ),
    (
        "too large for one of two ranges",
        |form| {
            form.conditions.retain(|condition| !condition.is_array());
            form.conditions.push(json!(["content-length-range", 0, 1000]));
            form.conditions.push(json!(["content-length-range", 0, 5]));
        },
        400,
        "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed size",
    ),
    (
        "an expired policy",
        |form| form.expires_in_seconds = -1,
        403,
        "AccessDenied",
        "Invalid according to Policy: Policy expired.",
    ),
    (
        "a policy changed after it was signed",
        |form| {
            form.tampered = true;
            form.set("Content-Type", "text/htm");
        },
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    ),
    (
        "another secret",
        |form| form.secret = "guessed",
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    ),
    (
        "an unknown key id",
        |form| form.access_key_id = "nobody",
        403,
        "InvalidAccessKeyId",
        "",
    ),
    (
        "another region",
        |form| form.region = "eu-west-1",
        400,
        "AuthorizationHeaderMalformed",
        "the region 'eu-west-1' is wrong; expecting 'us-east-1'",
    ),
    (
        "another service",
        |form| form.service = "sqs",
        400,
        "AuthorizationHeaderMalformed",
        "incorrect service \"sqs\". This endpoint belongs to \"s3\".",
    ),
    (
        "another day in the scope",
        |form| form.scope_date = Some("20200101".to_owned()),
        400,
        "AuthorizationHeaderMalformed",
        "Invalid credential date \"20200101\".",
    ),
    (
        "no key",
        |form| form.left_out.push("key"),
        400,
        "InvalidArgument",
        "Bucket POST must contain a field named 'key'.",
    ),
    (
        "no signature",
        |form| form.left_out.push("x-amz-signature"),
        400,
        "InvalidArgument",
        "Bucket POST must contain a field named 'X-Amz-Signature'.",
    ),
    (
        "no date",
        |form| form.left_out.push("x-amz-date"),
        400,
        "InvalidArgument",
        "Bucket POST must contain a field named 'X-Amz-Date'.",
    ),
    (
        "no credential",
        |form| form.left_out.push("x-amz-credential"),
        400,
        "InvalidArgument",
        "Bucket POST must contain a field named 'X-Amz-Credential'.",
    ),
    (
        "no policy",
        |form| form.left_out.push("policy"),
        403,
        "AccessDenied",
        "Access Denied",
    ),
    (
        "no file",
        |form| form.left_out.push("file"),
        400,
        "InvalidArgument",
        "POST requires exactly one file upload per request.",
    ),
    (
        "a field that the policy demands",
        |form| form.left_out.push("success_action_status"),
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$success_action_status", "201"]"#,
    ),
    (
        "a field that the policy does not name",
        |form| form.set("x-amz-meta-owner", "bob"),
        403,
        "AccessDenied",
        "Extra input fields: x-amz-meta-owner",
    ),
    (
        "no checksum",
        |form| form.left_out.push("x-amz-checksum-sha256"),
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$x-amz-checksum-sha256""#,
    ),
    (
        "another checksum than the policy's",
        |form| form.set("x-amz-checksum-sha256", &sha256(b"other")),
        403,
        "AccessDenied",
        r#"Policy Condition failed: ["eq", "$x-amz-checksum-sha256""#,
    ),
    (
        "another file of that size",
        |form| form.file = FILE.to_ascii_uppercase(),
        400,
        "BadDigest",
        "The SHA256 you specified did not match the calculated checksum.",
    ),
    (
        "a checksum that is none",
        |form| {
            form.conditions
                .retain(|condition| condition.get("x-amz-checksum-sha256").is_none());
            form.conditions.push(json!({"x-amz-checksum-sha256": "c2hvcnQ="}));
            form.set("x-amz-checksum-sha256", "c2hvcnQ=");
        },
        400,
        "InvalidRequest",
        "Value for x-amz-checksum-sha256 header is invalid.",
    ),
    (
        "a bucket that is not there",
        |form| {
            form.bucket = "nowhere";
            form.conditions
                .retain(|condition| condition.get("bucket").is_none());
            form.conditions.push(json!({"bucket": "nowhere"}));
        },
        404,
        "NoSuchBucket",
        "The specified bucket does not exist",
    ),
];

#[tokio::test]
async fn a_form_that_breaks_its_policy_in_one_way_is_refused_and_leaves_nothing() {
    let store = Store::open().await;
    for (what, spoil, status, code, message) in CASES {
        let mut form = Form::good();
        spoil(&mut form);
        for in_chunks in [false, true] {
            let (found, document) = store.post(&form, in_chunks).await;
            assert_eq!(found.as_u16(), *status, "{what}: {document}");
            assert!(
                document.contains(&format!("<Code>{code}</Code>")),
                "{what}: {document}"
            );
            let text = document.replace("&quot;", "\"").replace("&apos;", "'");
            assert!(text.contains(message), "{what}: {text}");
        }
    }
    assert!(
        store.events.lock().unwrap().is_empty(),
        "nothing has happened to any object"
    );
}
