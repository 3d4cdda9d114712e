//! What clients cannot see of the local S3: its events, its files, and how it comes back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use local::s3::{self, EventKind, ObjectEvent};
use sha2::{Digest as _, Sha256};

const BUCKET: &str = "uploads";

type Events = Arc<Mutex<Vec<ObjectEvent>>>;

struct Stack {
    server: s3::Server,
    events: Events,
}

impl Stack {
    async fn open(folder: Option<&Path>, versioning: bool) -> Self {
        let events = Events::default();
        let sink = Arc::clone(&events);
        let options = s3::Options {
            data_dir: folder.map(PathBuf::from),
            credentials: vec![s3::Credentials {
                access_key_id: "test".into(),
                secret_access_key: "secret".into(),
            }],
            region: "us-east-1".into(),
            domain: "localhost".into(),
        };
        let on_event = Arc::new(move |event| sink.lock().unwrap().push(event));
        let server = s3::Server::open(options, on_event).unwrap();
        let settings = s3::BucketSettings {
            versioning: versioning.then_some(true),
            ..Default::default()
        };
        server.ensure_bucket(BUCKET, settings).await.unwrap();
        Self { server, events }
    }

    fn events(&self) -> Vec<ObjectEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    async fn send<B>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: B,
    ) -> Response<s3::Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        self.server.handle(signed(method, path, headers, body)).await
    }

    async fn put(&self, key: &str, body: &[u8]) -> StatusCode {
        let body = Full::new(Bytes::copy_from_slice(body));
        self.send(Method::PUT, &format!("/{BUCKET}/{key}"), &[], body)
            .await
            .status()
    }

    async fn get(&self, key: &str) -> (StatusCode, Bytes) {
        let response = self
            .send(Method::GET, &format!("/{BUCKET}/{key}"), &[], empty())
            .await;
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }
}

fn empty() -> Full<Bytes> {
    Full::new(Bytes::new())
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key)
        .unwrap()
        .chain_update(text)
        .finalize()
        .into_bytes()
        .to_vec()
}

/// Signature version 4 over the host and the date, with the payload left out.
fn signed<B: http_body::Body>(method: Method, path: &str, headers: &[(&str, &str)], body: B) -> Request<B> {
    let now = time::OffsetDateTime::now_utc();
    let day = format!("{:04}{:02}{:02}", now.year(), u8::from(now.month()), now.day());
    let date = format!("{day}T{:02}{:02}{:02}Z", now.hour(), now.minute(), now.second());
    let names = "host;x-amz-content-sha256;x-amz-date";
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let canonical = format!(
        "{method}\n{path}\n{query}\nhost:localhost\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:{date}\n\n\
         {names}\nUNSIGNED-PAYLOAD"
    );
    let scope = format!("{day}/us-east-1/s3/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let key = scope
        .split('/')
        .fold(b"AWS4secret".to_vec(), |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &text));
    let length = body.size_hint().exact();
    let mut request = Request::builder()
        .method(method)
        .uri(if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{query}")
        })
        .header("host", "localhost")
        .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        .header("x-amz-date", date)
        .header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders={names}, Signature={signature}"),
        );
    if let Some(length) = length {
        request = request.header("content-length", length);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

fn blobs(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("blobs")).unwrap().count()
}

#[tokio::test]
async fn each_change_is_told_once_and_in_order() {
    let stack = Stack::open(None, false).await;
    assert_eq!(stack.put("in/a%20b+c.csv", b"one").await, StatusCode::OK);
    assert_eq!(stack.put("in/a%20b+c.csv", b"two!").await, StatusCode::OK);
    let path = format!("/{BUCKET}/in/a%20b+c.csv");
    assert_eq!(
        stack.send(Method::DELETE, &path, &[], empty()).await.status(),
        StatusCode::NO_CONTENT
    );
    // Nothing there any more: nothing happens, nothing is told.
    assert_eq!(
        stack.send(Method::DELETE, &path, &[], empty()).await.status(),
        StatusCode::NO_CONTENT
    );
    let events = stack.events();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::CreatedPut,
            EventKind::CreatedPut,
            EventKind::RemovedDelete
        ]
    );
    assert!(
        events
            .iter()
            .all(|event| event.key == "in/a b+c.csv" && event.bucket == BUCKET)
    );
    assert!(
        events
            .windows(2)
            .all(|pair| pair[0].sequencer < pair[1].sequencer)
    );
    assert!(events.iter().all(|event| event.sequencer.len() == 18));
    assert_eq!(events[1].size_bytes, Some(4));
    assert_eq!(
        events[1].etag.as_deref(),
        Some("9f5b6d9a034d175868bf593885b7dc4e")
    );
    assert_eq!(events[2].etag, None);
    assert_eq!(events[0].version_id, None);
}

#[tokio::test]
async fn a_versioned_bucket_tells_of_markers() {
    let stack = Stack::open(None, true).await;
    stack.put("k", b"one").await;
    let path = format!("/{BUCKET}/k");
    let response = stack.send(Method::DELETE, &path, &[], empty()).await;
    let marker = response.headers()["x-amz-version-id"]
        .to_str()
        .unwrap()
        .to_owned();
    stack
        .send(
            Method::DELETE,
            &format!("{path}?versionId={marker}"),
            &[],
            empty(),
        )
        .await;
    let events = stack.events();
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    let expected = [
        EventKind::CreatedPut,
        EventKind::RemovedDeleteMarkerCreated,
        EventKind::RemovedDelete,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(events[1].version_id.as_deref(), Some(marker.as_str()));
    assert_eq!(stack.get("k").await, (StatusCode::OK, Bytes::from_static(b"one")));
}

#[tokio::test]
async fn an_upload_that_fails_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::open(Some(folder.path()), false).await;
    let path = format!("/{BUCKET}/k");
    let wrong = [("x-amz-checksum-crc32", "AAAAAA==")];
    let body = Full::new(Bytes::from_static(b"body"));
    assert_eq!(
        stack.send(Method::PUT, &path, &wrong, body).await.status(),
        StatusCode::BAD_REQUEST
    );
    // The connection breaks after some of the bytes.
    let broken = stream::iter([
        Ok(http_body::Frame::data(Bytes::from(vec![0; 2_000_000]))),
        Err(std::io::Error::other("reset")),
    ]);
    let length = [("content-length", "4000000")];
    let response = stack
        .send(Method::PUT, &path, &length, StreamBody::new(broken))
        .await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    // It ends early without breaking.
    let short = stream::iter([Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(
        b"short",
    )))]);
    let response = stack
        .send(Method::PUT, &path, &length, StreamBody::new(short))
        .await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(stack.get("k").await.0, StatusCode::NOT_FOUND);
    assert!(stack.events().is_empty());
    // A write that was under way when the connection broke ends first.
    for _ in 0..100 {
        if blobs(folder.path()) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("a blob was left behind");
}

#[tokio::test]
async fn what_was_committed_is_there_again_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::open(Some(folder.path()), false).await;
    stack.put("kept", b"bytes").await;
    let before = stack.events().pop().unwrap();
    drop(stack);
    // What a crash in the middle of an upload leaves.
    std::fs::write(folder.path().join("blobs/left-behind"), b"partial").unwrap();
    let stack = Stack::open(Some(folder.path()), false).await;
    assert_eq!(blobs(folder.path()), 1);
    assert_eq!(
        stack.get("kept").await,
        (StatusCode::OK, Bytes::from_static(b"bytes"))
    );
    stack.put("kept", b"again").await;
    assert!(stack.events()[0].sequencer > before.sequencer);
    assert_eq!(blobs(folder.path()), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_see_whole_objects_while_they_are_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Arc::new(Stack::open(Some(folder.path()), false).await);
    let object = |n: u8| vec![n; 700_000 + usize::from(n)];
    stack.put("k", &object(0)).await;
    let writer = {
        let stack = Arc::clone(&stack);
        tokio::spawn(async move {
            for n in 1..=30 {
                assert_eq!(stack.put("k", &object(n)).await, StatusCode::OK);
            }
        })
    };
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let stack = Arc::clone(&stack);
            tokio::spawn(async move {
                for _ in 0..30 {
                    let (status, bytes) = stack.get("k").await;
                    assert_eq!(status, StatusCode::OK);
                    assert_eq!(bytes, object(bytes[0]));
                }
            })
        })
        .collect();
    writer.await.unwrap();
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(stack.events().len(), 31);
    // Only the last is still there.
    assert_eq!(blobs(folder.path()), 1);
}

#[tokio::test]
async fn a_copy_onto_itself_keeps_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::open(Some(folder.path()), false).await;
    stack.put("k", b"bytes").await;
    let source = format!("/{BUCKET}/k");
    let headers = [
        ("x-amz-copy-source", source.as_str()),
        ("x-amz-metadata-directive", "REPLACE"),
    ];
    for _ in 0..2 {
        let response = stack
            .send(Method::PUT, &format!("/{BUCKET}/k"), &headers, empty())
            .await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    assert_eq!(
        stack.get("k").await,
        (StatusCode::OK, Bytes::from_static(b"bytes"))
    );
    stack
        .send(Method::DELETE, &format!("/{BUCKET}/k"), &[], empty())
        .await;
    assert_eq!(blobs(folder.path()), 0);
}

#[tokio::test]
async fn a_bucket_is_set_up_once() {
    let stack = Stack::open(None, false).await;
    stack.put("k", b"bytes").await;
    let rule = s3::dto::CORSRule {
        allowed_methods: vec!["GET".to_owned()],
        allowed_origins: vec!["https://a.example".to_owned()],
        ..Default::default()
    };
    let cors = s3::dto::CORSConfiguration {
        cors_rules: vec![rule],
    };
    let settings = || s3::BucketSettings {
        cors: Some(cors.clone()),
        ..Default::default()
    };
    stack.server.ensure_bucket(BUCKET, settings()).await.unwrap();
    assert_eq!(stack.get("k").await.0, StatusCode::OK);
    let preflight = Request::builder()
        .method(Method::OPTIONS)
        .uri(format!("/{BUCKET}/k"))
        .header("host", "localhost")
        .header("origin", "https://a.example")
        .header("access-control-request-method", "GET")
        .body(empty())
        .unwrap();
    let answer = stack.server.handle(preflight).await;
    assert_eq!(
        answer.headers()["access-control-allow-origin"],
        "https://a.example"
    );
    assert!(
        stack
            .server
            .ensure_bucket("Not A Bucket", settings())
            .await
            .is_err()
    );
    assert!(
        stack
            .server
            .notifications(BUCKET)
            .await
            .unwrap()
            .lambda_function_configurations
            .is_none()
    );
}

#[tokio::test]
async fn a_stranger_gets_nothing() {
    let stack = Stack::open(None, false).await;
    stack.put("k", b"bytes").await;
    let mut request = signed(Method::GET, &format!("/{BUCKET}/k"), &[], empty());
    request.headers_mut().remove("authorization");
    let response = stack.server.handle(request).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(response.headers().contains_key("x-amz-request-id"));
    let request = signed(Method::GET, &format!("/{BUCKET}/k"), &[], empty());
    let (mut parts, body) = request.into_parts();
    parts.uri = format!("/{BUCKET}/other").parse().unwrap();
    let response = stack.server.handle(Request::from_parts(parts, body)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}
