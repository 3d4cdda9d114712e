//! What the flows share: a local stack of the real function binaries, and clients to see what it does.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "for tests, which report by panicking"
)]

mod form;
mod proxy;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use local::{Options, Report, Stack};
use serde_json::{Value, json};
use shared::{aws, config::Environment, store::Location};
use tokio::sync::broadcast;

pub use form::Form;
pub use proxy::{Proxy, Seen};

/// Longest that a flow waits for something to happen. Bounds a failing test; no test asserts a duration.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A running stack and its clients.
pub struct Stage {
    /// The stack, in this process; the functions are processes of their own.
    pub stack: Stack,
    /// S3, as the stack's credentials see it.
    pub s3: aws_sdk_s3::Client,
    /// DynamoDB, likewise.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// An HTTP client that follows no redirects.
    pub http: reqwest::Client,
    /// Every attempt of every invocation since the start.
    pub reports: broadcast::Receiver<Report>,
    /// What functions wrote.
    pub log: Arc<std::sync::Mutex<Vec<String>>>,
    _template: tempfile::TempDir,
}

/// The workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where cargo put the function binaries: beside the folder of this test.
fn bin_dir() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap().to_owned();
    for function in ["tables", "images", "intake", "notify", "api"] {
        let binary = folder.join(function);
        assert!(
            binary.is_file(),
            "{} is missing: `make build` builds it",
            binary.display()
        );
    }
    folder
}

/// The template with parts of its text replaced; each must be there.
fn template(replaced: &[(&str, &str)]) -> tempfile::TempDir {
    let mut text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "template.yaml has no {from:?}");
        text = text.replace(from, to);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("template.yaml"), text).unwrap();
    folder
}

impl Stage {
    /// A stack of the template as it is.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// A stack in which no change of a bucket triggers a function: tests send the events.
    pub async fn quiet() -> Self {
        Self::with(&[(
            r#"Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]"#,
            r#"Events: ["s3:ObjectRestore:*"]"#,
        )])
        .await
    }

    /// A stack of the template with parts of its text replaced.
    pub async fn with(replaced: &[(&str, &str)]) -> Self {
        let folder = template(replaced);
        let log = Arc::new(std::sync::Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let options = Options {
            retry_delay: Duration::from_millis(200),
            log_sink: Arc::new(move |function, line| {
                lines.lock().unwrap().push(format!("[{function}] {line}"));
            }),
            ..Options::new(folder.path().join("template.yaml"), bin_dir())
        };
        let stack = Stack::start(options).await.unwrap();
        let reports = stack.reports();
        let environment = Environment::from([
            ("AWS_ENDPOINT_URL", stack.aws_endpoint()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &stack.credentials().access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &stack.credentials().secret_access_key),
        ]);
        let sdk = aws::configure(&environment).unwrap().sdk;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            s3: aws_sdk_s3::Client::new(&sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            stack,
            http,
            reports,
            log,
            _template: folder,
        }
    }

    /// The bucket that files are uploaded to.
    #[must_use]
    pub fn uploads(&self) -> &str {
        &self
            .stack
            .template()
            .buckets
            .iter()
            .find(|bucket| bucket.logical_id == "Uploads")
            .unwrap()
            .name
    }

    /// The bucket that outputs lie in.
    #[must_use]
    pub fn results(&self) -> &str {
        &self
            .stack
            .template()
            .buckets
            .iter()
            .find(|bucket| bucket.logical_id == "Results")
            .unwrap()
            .name
    }

    /// The name of a queue, by its logical id.
    #[must_use]
    pub fn queue(&self, logical_id: &str) -> &str {
        let mut queues = self.stack.template().queues.iter();
        &queues.find(|queue| queue.logical_id == logical_id).unwrap().name
    }

    /// The catalogue's table.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.stack.template().tables.first().unwrap().name
    }

    /// Sends a request to the API as an owner.
    pub async fn api(
        &self,
        owner: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Response {
        let token = self.stack.token(owner, &[], Duration::from_mins(10)).unwrap();
        let url = format!("{}{path}", self.stack.api_url());
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// A JSON answer of the API, which must be a success.
    pub async fn get(&self, owner: &str, path: &str) -> Value {
        let answer = self.api(owner, "GET", path, None).await;
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Announces a file and uploads it, as the API says; gives its id.
    pub async fn upload(&self, owner: &str, name: &str, body: impl Into<bytes::Bytes>) -> String {
        let body = body.into();
        let (id, upload) = self.announce(owner, name, body.len()).await;
        self.send_upload(&upload, body).await;
        id
    }

    /// Announces a table; gives its id and how to upload it.
    pub async fn announce(&self, owner: &str, name: &str, size_bytes: usize) -> (String, Value) {
        self.announce_as(
            owner,
            json!({"name": name, "kind": "tables", "size_bytes": size_bytes, "content_type": "text/csv"}),
        )
        .await
    }

    /// Announces a file as it is described; gives its id and how to upload it.
    pub async fn announce_as(&self, owner: &str, announcement: Value) -> (String, Value) {
        let answer = self.api(owner, "POST", "/v1/uploads", Some(&announcement)).await;
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{answer}");
        (
            answer["file"]["id"].as_str().unwrap().to_owned(),
            answer["upload"].clone(),
        )
    }

    /// Sends the bytes of an announced file.
    pub async fn send_upload(&self, upload: &Value, body: bytes::Bytes) {
        let answer = Form::of(upload, body).send(&self.http).await;
        let status = answer.status();
        assert_eq!(status, 201, "{}", answer.text().await.unwrap());
    }

    /// Uploads a file whose kind its bytes tell; gives its id.
    pub async fn upload_auto(&self, owner: &str, name: &str, body: impl Into<bytes::Bytes>) -> String {
        let body = body.into();
        let announcement = json!({"name": name, "size_bytes": body.len()});
        let (id, upload) = self.announce_as(owner, announcement).await;
        self.send_upload(&upload, body).await;
        id
    }

    /// Waits until a file's status is one of these, and gives the file as its owner sees it.
    pub async fn until(&self, owner: &str, id: &str, statuses: &[&str]) -> Value {
        let started = Instant::now();
        loop {
            let file = self.get(owner, &format!("/v1/files/{id}")).await;
            if statuses.iter().any(|status| file["status"] == *status) {
                return file;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "still {file}\n{}",
                self.log.lock().unwrap().join("\n")
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// An output's bytes, by way of the API's redirect.
    pub async fn output(&self, owner: &str, id: &str, name: &str) -> bytes::Bytes {
        let answer = self
            .api(owner, "GET", &format!("/v1/files/{id}/outputs/{name}"), None)
            .await;
        assert_eq!(answer.status(), 302, "{name}");
        let url = answer.headers()["location"].to_str().unwrap().to_owned();
        let answer = self.http.get(url).send().await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        answer.bytes().await.unwrap()
    }

    /// Drops an object into the bucket, without the API.
    pub async fn put(&self, at: &Location, body: impl Into<bytes::Bytes>) {
        let body = aws_sdk_s3::primitives::ByteStream::from(body.into());
        self.s3
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .body(body)
            .send()
            .await
            .unwrap();
    }

    /// Invokes a function and waits: its answer, or the error it answered with.
    pub async fn invoke(&self, function: &str, payload: impl Into<bytes::Bytes>) -> Result<Value, Value> {
        let invoked = self.stack.invoke(function, payload).await.unwrap();
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
        invoked
            .outcome
            .map(|answer| json(&answer))
            .map_err(|error| json(&error.payload))
    }

    /// The keys of all outputs there are.
    pub async fn result_keys(&self) -> Vec<String> {
        let answer = self
            .s3
            .list_objects_v2()
            .bucket(self.results())
            .send()
            .await
            .unwrap();
        answer
            .contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned())
            .collect()
    }

    /// Multipart uploads of outputs that have no end yet.
    pub async fn unfinished_results(&self) -> usize {
        let answer = self
            .s3
            .list_multipart_uploads()
            .bucket(self.results())
            .send()
            .await
            .unwrap();
        answer.uploads().len()
    }

    /// The attempts reported since this was asked last.
    pub fn attempts(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.reports.try_recv().ok()).collect()
    }

    /// Kills the processes of a function, as the kernel does.
    #[must_use]
    pub fn kill(&self, function: &str) -> usize {
        let pids = self.stack.pids(function);
        for pid in &pids {
            let killed = std::process::Command::new("kill")
                .args(["-9", &pid.to_string()])
                .status()
                .unwrap();
            assert!(killed.success() || self.stack.pids(function).is_empty());
        }
        pids.len()
    }
}

/// Says something about a test that passes too, past the capture of its output.
pub fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The SHA-256 of some bytes, in hex.
#[must_use]
pub fn sha256_of(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    sha2::Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A CSV of so many rows, in which every type occurs; about 60 bytes a row.
#[must_use]
pub fn csv(rows: u32) -> String {
    use std::fmt::Write as _;
    let mut text = "id,when,day,price,ok,code,note\n".to_owned();
    for row in 0..rows {
        let (day, minute, cents) = (row % 28 + 1, row % 60, row * 7 % 100_000);
        writeln!(
            text,
            "{row},2026-11-{day:02}T05:{minute:02}:00,2026-02-{day:02},{}.{:02},{},{row:07},\"note, {}\"",
            cents / 100,
            cents % 100,
            row % 3 == 0,
            row % 1000,
        )
        .unwrap();
    }
    text
}
