//! What the integration tests share: a stack of fake functions, and an HTTP client without magic.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use local::{LogSink, Options, Report, Stack};
use serde_json::Value;
use tokio::sync::broadcast;

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

/// The folder of the examples, where cargo put the fake function.
pub(crate) fn bin_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().unwrap().parent().unwrap().join("examples");
    let binary = folder.join(format!("fake_function{}", std::env::consts::EXE_SUFFIX));
    assert!(
        binary.is_file(),
        "{} is missing: `cargo test` builds it",
        binary.display()
    );
    folder
}

pub(crate) fn options(template: &str) -> Options {
    let template = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("test_data")
        .join(template);
    Options {
        retry_delay: Duration::from_millis(20),
        ..Options::new(template, bin_dir())
    }
}

pub(crate) async fn start(template: &str) -> Stack {
    Stack::start(options(template)).await.unwrap()
}

/// The next report.
pub(crate) async fn report(reports: &mut broadcast::Receiver<Report>) -> Report {
    tokio::time::timeout(Duration::from_secs(20), reports.recv())
        .await
        .expect("no report came")
        .unwrap()
}

/// A request with that body; its URI names the server.
pub(crate) async fn send(request: http::request::Builder, body: impl Into<Bytes>) -> Answer {
    let mut request = request.body(Full::new(body.into())).unwrap();
    let authority = request.uri().authority().unwrap().to_string();
    let stream = tokio::net::TcpStream::connect(&authority).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    request.headers_mut().insert("host", authority.parse().unwrap());
    let path = request.uri().path_and_query().unwrap().as_str().parse().unwrap();
    *request.uri_mut() = path;
    let response = sender.send_request(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// A request to the AWS endpoint, with a signature that only says its service.
pub(crate) fn signed(method: &str, url: String, service: &str) -> http::request::Builder {
    let scope = format!("longshore/20260101/us-east-1/{service}/aws4_request");
    Request::builder().method(method).uri(url).header(
        "authorization",
        format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"),
    )
}

/// One call of SQS.
pub(crate) async fn sqs(stack: &Stack, operation: &str, input: Value) -> Answer {
    let request = signed("POST", format!("{}/", stack.aws_endpoint()), "sqs")
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .header("content-type", "application/x-amz-json-1.0");
    send(request, input.to_string()).await
}

/// The bodies of all visible messages, as JSON.
pub(crate) async fn drain(stack: &Stack, queue: &str) -> Vec<Value> {
    let url = format!("{}/000000000000/{queue}", stack.aws_endpoint());
    let input = serde_json::json!({"QueueUrl": url, "MaxNumberOfMessages": 10});
    let answer = sqs(stack, "ReceiveMessage", input).await.json();
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    messages
        .iter()
        .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
        .collect()
}

/// One call of `DynamoDB`, or of `DynamoDB` Streams when the operation says `Streams.` in front.
pub(crate) async fn dynamodb(stack: &Stack, operation: &str, input: Value) -> Answer {
    let target = match operation.strip_prefix("Streams.") {
        Some(operation) => format!("DynamoDBStreams_20120810.{operation}"),
        None => format!("DynamoDB_20120810.{operation}"),
    };
    let request = signed("POST", format!("{}/", stack.aws_endpoint()), "dynamodb")
        .header("x-amz-target", target)
        .header("x-amz-date", "20260101T000000Z")
        .header("content-type", "application/x-amz-json-1.0");
    let answer = send(request, input.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{operation}: {:?}", answer.body);
    answer
}

/// What the functions wrote.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<(String, String)>>>);

impl Lines {
    /// A sink that collects here.
    pub(crate) fn sink(&self) -> LogSink {
        let lines = self.0.clone();
        Arc::new(move |function, line| {
            lines.lock().unwrap().push((function.to_owned(), line.to_owned()));
        })
    }

    /// The lines of that function which are JSON: the batches it got.
    pub(crate) fn batches(&self, function: &str) -> Vec<Value> {
        let lines = self.0.lock().unwrap();
        let of_function = lines.iter().filter(|(name, _)| name == function);
        of_function
            .filter_map(|(_, line)| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits until the function got that many batches.
    pub(crate) async fn wait_for(&self, function: &str, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let batches = self.batches(function);
            if batches.len() >= count {
                return batches;
            }
            assert!(
                Instant::now() < deadline,
                "{function} got {} of {count} batches: {batches:#?}",
                batches.len()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One member of every record of a batch.
pub(crate) fn each<'a>(batch: &'a Value, pointer: &str) -> Vec<&'a str> {
    let records = batch["Records"].as_array().unwrap();
    records
        .iter()
        .map(|record| {
            record
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        })
        .collect()
}
