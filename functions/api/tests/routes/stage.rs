//! The API over stores in memory, a clock that tests turn, and an S3 that signs nothing but says what it was asked.

use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{
    App, ArrivedPart, Caller, FormPolicy, PartPolicy, Ports, RequestId, SignedForm, SignedRequest,
    SigningKey, Storage, router,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::{
    catalogue::{Claim, Claimed, Outcome, Output, Sequencer, Upload},
    handover::{Handover, Invoke},
    keys::{FileRef, Owner},
    store::{
        Catalogue as _, Location, StoreError, StoreErrorKind, UploadedPart,
        ledger::Quota,
        memory::{MemoryCatalogue, MemoryEndpoints, MemoryLedger},
    },
    time::UnixMillis,
};
use tower::ServiceExt as _;

pub(crate) const START: UnixMillis = UnixMillis::new(1_795_237_200_000);

thread_local! {
    static NOW: Cell<UnixMillis> = const { Cell::new(START) };
}

/// Lets time pass.
pub(crate) fn pass(duration: Duration) {
    NOW.set(NOW.get().after(duration));
}

pub(crate) fn now() -> UnixMillis {
    NOW.get()
}

/// What is outside.
#[derive(Clone, Default)]
pub(crate) struct Outside {
    pub(crate) catalogue: MemoryCatalogue,
    pub(crate) ledger: MemoryLedger,
    pub(crate) endpoints: MemoryEndpoints,
    pub(crate) storage: FakeStorage,
    pub(crate) invoke: Invocations,
    /// What happens while somebody waits.
    pub(crate) meanwhile: Arc<Mutex<Vec<(FileRef, Outcome)>>>,
}

impl Ports for Outside {
    type Catalogue = MemoryCatalogue;
    type Ledger = MemoryLedger;
    type Endpoints = MemoryEndpoints;
    type Storage = FakeStorage;
    type Invoke = Invocations;

    fn catalogue(&self) -> &MemoryCatalogue {
        &self.catalogue
    }

    fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }

    fn endpoints(&self) -> &MemoryEndpoints {
        &self.endpoints
    }

    fn storage(&self) -> &FakeStorage {
        &self.storage
    }

    fn invoke(&self) -> &Invocations {
        &self.invoke
    }

    async fn sleep(&self, duration: Duration) {
        pass(duration);
        let next = self.meanwhile.lock().unwrap().pop();
        if let Some((file, outcome)) = next {
            end(&self.catalogue, &file, outcome).await;
        }
    }
}

/// Hand-overs, in order; the functions that are down take none.
#[derive(Clone, Default)]
pub(crate) struct Invocations {
    pub(crate) seen: Arc<Mutex<Vec<(String, Handover)>>>,
    pub(crate) down: Arc<Mutex<bool>>,
}

impl Invoke for Invocations {
    async fn hand_over(&self, function: &str, handover: &Handover) -> Result<(), StoreError> {
        if *self.down.lock().unwrap() {
            let message = "TooManyRequestsException: secret-function";
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "Invoke",
                function,
                message,
            ));
        }
        self.seen
            .lock()
            .unwrap()
            .push((function.to_owned(), handover.clone()));
        Ok(())
    }
}

/// Signs nothing; keeps multipart uploads and says what was deleted.
#[derive(Clone, Default)]
pub(crate) struct FakeStorage {
    pub(crate) parts: Arc<Mutex<BTreeMap<u16, ArrivedPart>>>,
    pub(crate) completed: Arc<Mutex<Vec<Location>>>,
    pub(crate) aborted: Arc<Mutex<Vec<String>>>,
    pub(crate) deleted: Arc<Mutex<Vec<String>>>,
    pub(crate) breaks: Arc<Mutex<bool>>,
}

impl FakeStorage {
    pub(crate) fn arrive(&self, number: u16, checksum: &str, size_bytes: u64) {
        let part = UploadedPart {
            number,
            etag: format!("etag-{number}"),
            checksum: checksum.to_owned(),
        };
        self.parts
            .lock()
            .unwrap()
            .insert(number, ArrivedPart { part, size_bytes });
    }
}

impl Storage for FakeStorage {
    async fn sign_form(&self, policy: FormPolicy<'_>) -> Result<SignedForm, StoreError> {
        let fields = [
            ("key", policy.at.key.clone()),
            ("content-type", policy.content_type.to_owned()),
            ("size", policy.size_bytes.to_string()),
            ("sha256", policy.sha256.unwrap_or_default().to_owned()),
            (
                "expiry",
                policy.expires_at.since(policy.now).as_secs().to_string(),
            ),
        ];
        Ok(SignedForm {
            url: format!("https://{}/", policy.at.bucket),
            fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }

    async fn sign_download(&self, at: &Location, name: &str, _: Duration) -> Result<String, StoreError> {
        Ok(format!("https://results/{}?{name}", at.key))
    }

    async fn start_upload(&self, _: &Location, _: &str) -> Result<String, StoreError> {
        Ok("upload-1".to_owned())
    }

    async fn sign_part(
        &self,
        at: &Location,
        upload: &str,
        part: &PartPolicy,
        _: Duration,
    ) -> Result<SignedRequest, StoreError> {
        let headers = [
            ("content-length", part.size_bytes.to_string()),
            ("x-amz-checksum-sha256", part.sha256.clone()),
        ];
        Ok(SignedRequest {
            method: "PUT".to_owned(),
            url: format!("{at}?{upload}&{}", part.number),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
        })
    }

    async fn arrived_parts(&self, at: &Location, _: &str) -> Result<Vec<ArrivedPart>, StoreError> {
        if !self.completed.lock().unwrap().is_empty() || !self.aborted.lock().unwrap().is_empty() {
            return Err(StoreError::new(
                StoreErrorKind::NotFound,
                "ListParts",
                at,
                "NoSuchUpload",
            ));
        }
        Ok(self.parts.lock().unwrap().values().cloned().collect())
    }

    async fn complete_upload(&self, at: &Location, _: &str, _: &[UploadedPart]) -> Result<(), StoreError> {
        self.completed.lock().unwrap().push(at.clone());
        Ok(())
    }

    async fn abort_upload(&self, _: &Location, upload: &str) -> Result<(), StoreError> {
        self.aborted.lock().unwrap().push(upload.to_owned());
        Ok(())
    }

    async fn exists(&self, at: &Location) -> Result<bool, StoreError> {
        Ok(self.completed.lock().unwrap().contains(at))
    }

    async fn read(&self, at: &Location) -> Result<Vec<u8>, StoreError> {
        Ok(format!("{{\"read\": {:?}}}", at.key).into_bytes())
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        if *self.breaks.lock().unwrap() {
            let message = "SlowDown: secret-bucket";
            return Err(StoreError::new(
                StoreErrorKind::Unavailable,
                "DeleteObject",
                at,
                message,
            ));
        }
        self.deleted.lock().unwrap().push(at.key.clone());
        Ok(())
    }

    async fn delete_all(&self, _: &str, prefix: &str) -> Result<(), StoreError> {
        self.deleted.lock().unwrap().push(prefix.to_owned());
        Ok(())
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }

    /// The problem's name.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"]
            .as_str()
            .and_then(|text| text.strip_prefix(api::TYPE_PREFIX))
            .unwrap_or_default()
    }
}

pub(crate) struct Api {
    pub(crate) router: Router,
    pub(crate) outside: Outside,
}

impl Api {
    pub(crate) fn new() -> Self {
        let outside = Outside::default();
        let router = router(App {
            ports: outside.clone(),
            kinds: "tables=1000000000000".parse().unwrap(),
            functions: "auto=x-intake tables=x-tables".parse().unwrap(),
            quota: Quota {
                files: 150,
                bytes: 2_000_000_000_000,
            },
            uploads_bucket: "uploads".into(),
            results_bucket: "results".into(),
            upload_expiry: Duration::from_mins(15),
            images: api::ImageUrls {
                base: "https://images.example/".into(),
                key: shared::image_url::UrlKey::new("image key"),
                sizes: "320,640".parse().unwrap(),
            },
            signing_key: SigningKey::new("key"),
            webhook_targets: shared::webhook::Targets::Public,
            now,
        });
        Self { router, outside }
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_client_error() || status.is_server_error() {
            assert_eq!(headers["content-type"], "application/problem+json", "{body}");
            assert_eq!(body["status"], status.as_u16(), "{body}");
            assert!(
                body["title"].is_string() && body["request_id"] == "request-1",
                "{body}"
            );
            let kind = body["type"]
                .as_str()
                .unwrap()
                .strip_prefix(api::TYPE_PREFIX)
                .unwrap();
            let listed = api::PROBLEMS.iter().find(|problem| problem.name == kind).unwrap();
            assert_eq!(listed.status, status.as_u16(), "{body}");
            assert!(!body.to_string().contains("secret"), "nothing internal: {body}");
        }
        Answer {
            status,
            headers,
            body,
        }
    }

    pub(crate) async fn send(&self, owner: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.ask(request(
            Some((owner, "files:read files:write")),
            method,
            path,
            body,
        ))
        .await
    }

    pub(crate) async fn get(&self, owner: &str, path: &str) -> Answer {
        self.send(owner, "GET", path, &Value::Null).await
    }

    pub(crate) async fn announce(&self, owner: &str, asked: Value) -> Answer {
        let answer = self.send(owner, "POST", "/v1/uploads", &asked).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer
    }

    /// Announces a file of five bytes; gives its id.
    pub(crate) async fn announced(&self, owner: &str, name: &str) -> String {
        let answer = self
            .announce(owner, json!({"name": name, "kind": "tables", "size_bytes": 5}))
            .await;
        answer.body["file"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn end(&self, owner: &str, id: &str, outcome: Outcome) {
        end(&self.outside.catalogue, &file(owner, id), outcome).await;
    }
}

pub(crate) fn file(owner: &str, id: &str) -> FileRef {
    FileRef {
        owner: Owner::new(owner).unwrap(),
        id: id.parse().unwrap(),
    }
}

/// A request of an owner with scopes.
pub(crate) fn request(caller: Option<(&str, &str)>, method: &str, path: &str, body: &Value) -> Request<Body> {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::from(body))
        .unwrap();
    let extensions = request.extensions_mut();
    extensions.insert(RequestId("request-1".to_owned()));
    if let Some((owner, scopes)) = caller {
        extensions.insert(Caller {
            owner: Owner::new(owner).unwrap(),
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
        });
    }
    request
}

/// Lets an attempt at a file end so.
pub(crate) async fn end(catalogue: &MemoryCatalogue, file: &FileRef, outcome: Outcome) {
    let claim = claim(file);
    let Claimed::Granted(attempt) = catalogue.claim(&claim).await.unwrap() else {
        panic!("not granted")
    };
    catalogue.commit(&attempt, &outcome, now()).await.unwrap();
}

pub(crate) fn claim(file: &FileRef) -> Claim {
    Claim {
        key: format!("tables/{file}/x.csv"),
        file: file.clone(),
        kind: "tables".into(),
        name: "x.csv".into(),
        bucket: "uploads".into(),
        upload: Upload {
            size_bytes: 5,
            etag: "e".into(),
            sequencer: Sequencer::new("01"),
        },
        processor_version: 1,
        holder: "r".into(),
        now: now(),
        lease_until: now().after(Duration::from_mins(1)),
    }
}

pub(crate) fn done() -> Outcome {
    let output = |name: &str, size_bytes, content_type: &str| Output {
        name: name.into(),
        key: format!("tables/alice/X/1/{name}"),
        size_bytes,
        content_type: content_type.into(),
    };
    Outcome::Done {
        outputs: vec![
            output("table.parquet", 9, "application/vnd.apache.parquet"),
            output("profile.json", 9, "application/json"),
            output("large.json", 5_000_001, "application/json"),
        ],
        report: json!({"rows": 2}),
    }
}
