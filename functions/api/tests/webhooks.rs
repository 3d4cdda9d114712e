//! What an owner of webhook endpoints may rely on, over stores in memory.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

use std::time::Duration;

use api::{
    App, ArrivedPart, Caller, FormPolicy, PartPolicy, Ports, RequestId, SignedForm, SignedRequest, Storage,
    router,
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use shared::{
    handover::{Handover, Invoke},
    keys::Owner,
    store::{
        Location, StoreError, StoreErrorKind, UploadedPart,
        endpoints::Endpoints as _,
        ledger::Quota,
        memory::{MemoryCatalogue, MemoryEndpoints, MemoryLedger},
    },
    time::UnixMillis,
    webhook::{Secret, Targets},
};
use tower::ServiceExt as _;

const NOW: UnixMillis = UnixMillis::new(1_795_237_200_000);

/// What no route of webhooks needs.
#[derive(Clone)]
struct Nothing;

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::new(
        StoreErrorKind::Unavailable,
        "none",
        "none",
        "not here",
    ))
}

impl Invoke for Nothing {
    async fn hand_over(&self, _: &str, _: &Handover) -> Result<(), StoreError> {
        away()
    }
}

impl Storage for Nothing {
    async fn sign_form(&self, _: FormPolicy<'_>) -> Result<SignedForm, StoreError> {
        away()
    }
    async fn sign_download(&self, _: &Location, _: &str, _: Duration) -> Result<String, StoreError> {
        away()
    }
    async fn start_upload(&self, _: &Location, _: &str) -> Result<String, StoreError> {
        away()
    }
    async fn sign_part(
        &self,
        _: &Location,
        _: &str,
        _: &PartPolicy,
        _: Duration,
    ) -> Result<SignedRequest, StoreError> {
        away()
    }
    async fn arrived_parts(&self, _: &Location, _: &str) -> Result<Vec<ArrivedPart>, StoreError> {
        away()
    }
    async fn complete_upload(&self, _: &Location, _: &str, _: &[UploadedPart]) -> Result<(), StoreError> {
        away()
    }
    async fn abort_upload(&self, _: &Location, _: &str) -> Result<(), StoreError> {
        away()
    }
    async fn exists(&self, _: &Location) -> Result<bool, StoreError> {
        away()
    }
    async fn read(&self, _: &Location) -> Result<Vec<u8>, StoreError> {
        away()
    }
    async fn delete(&self, _: &Location) -> Result<(), StoreError> {
        away()
    }
    async fn delete_all(&self, _: &str, _: &str) -> Result<(), StoreError> {
        away()
    }
}

#[derive(Clone, Default)]
struct Memory {
    catalogue: MemoryCatalogue,
    ledger: MemoryLedger,
    endpoints: MemoryEndpoints,
}

impl Ports for Memory {
    type Catalogue = MemoryCatalogue;
    type Ledger = MemoryLedger;
    type Endpoints = MemoryEndpoints;
    type Storage = Nothing;
    type Invoke = Nothing;

    fn catalogue(&self) -> &MemoryCatalogue {
        &self.catalogue
    }
    fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }
    fn endpoints(&self) -> &MemoryEndpoints {
        &self.endpoints
    }
    fn storage(&self) -> &Nothing {
        &Nothing
    }
    fn invoke(&self) -> &Nothing {
        &Nothing
    }
    async fn sleep(&self, _: Duration) {}
}

struct Api {
    router: Router,
    memory: Memory,
}

impl Api {
    fn new(webhook_targets: Targets) -> Self {
        Self::over(Memory::default(), webhook_targets)
    }

    fn over(memory: Memory, webhook_targets: Targets) -> Self {
        let router = router(App {
            ports: memory.clone(),
            kinds: "tables=1000".parse().unwrap(),
            functions: "tables=longshore-tables".parse().unwrap(),
            quota: Quota { files: 1, bytes: 1 },
            uploads_bucket: "uploads".into(),
            results_bucket: "results".into(),
            upload_expiry: Duration::from_mins(15),
            webhook_targets,
            images: api::ImageUrls {
                base: "https://images.example/".into(),
                key: shared::image_url::UrlKey::new("key"),
                sizes: "any".parse().unwrap(),
            },
            signing_key: api::SigningKey::new("key"),
            now: || NOW,
        });
        Self { router, memory }
    }

    async fn send(&self, owner: &str, request: Request<Body>, scopes: &[&str]) -> (StatusCode, Value) {
        let mut request = request;
        request.extensions_mut().insert(Caller {
            owner: Owner::new(owner).unwrap(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        });
        request.extensions_mut().insert(RequestId("r".into()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn ask(&self, owner: &str, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        self.send(owner, request, &["files:read", "files:write"]).await
    }

    async fn register(&self, owner: &str, url: &str) -> (StatusCode, Value) {
        self.ask(owner, "POST", "/v1/webhooks", &json!({"url": url}).to_string())
            .await
    }
}

fn is_problem(answer: &(StatusCode, Value), status: u16, name: &str) {
    assert_eq!(answer.0.as_u16(), status, "{}", answer.1);
    assert_eq!(
        answer.1["type"],
        format!("urn:problem-type:longshore:{name}"),
        "{}",
        answer.1
    );
}

#[tokio::test]
async fn an_endpoint_is_registered_listed_and_deleted_and_its_secret_shown_once() {
    let api = Api::new(Targets::Public);
    let (status, new) = api.register("alice", "HTTPS://Hooks.Example.com:443/x").await;
    assert_eq!(status, StatusCode::CREATED, "{new}");
    assert_eq!(new["url"], "https://hooks.example.com/x");
    assert_eq!(new["created_at"], NOW.to_string());
    let secret = Secret::try_from(new["secret"].as_str().unwrap().to_owned()).unwrap();
    let kept = api
        .memory
        .endpoints
        .endpoints(&Owner::new("alice").unwrap())
        .await
        .unwrap();
    assert_eq!(kept[0].secret, secret);

    let (status, list) = api.ask("alice", "GET", "/v1/webhooks", "").await;
    let mut shown = new.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!((status, &list), (StatusCode::OK, &json!({"webhooks": [shown]})));

    let path = format!("/v1/webhooks/{}", new["id"].as_str().unwrap());
    let (status, _) = api.ask("alice", "DELETE", &path, "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    is_problem(&api.ask("alice", "DELETE", &path, "").await, 404, "not-found");
    let (_, list) = api.ask("alice", "GET", "/v1/webhooks", "").await;
    assert_eq!(list, json!({"webhooks": []}));
}

#[tokio::test]
async fn another_owners_endpoint_does_not_exist() {
    let api = Api::new(Targets::Public);
    let (_, new) = api.register("alice", "https://example.com/").await;
    let path = format!("/v1/webhooks/{}", new["id"].as_str().unwrap());
    let theirs = api.ask("bob", "DELETE", &path, "").await;
    is_problem(&theirs, 404, "not-found");
    assert_eq!(theirs, api.ask("bob", "DELETE", "/v1/webhooks/none", "").await);
    assert_eq!(
        api.ask("bob", "GET", "/v1/webhooks", "").await.1,
        json!({"webhooks": []})
    );
    let (_, list) = api.ask("alice", "GET", "/v1/webhooks", "").await;
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_target_that_is_not_public_is_refused_by_the_field() {
    let api = Api::new(Targets::Public);
    for (url, problem) in [
        ("http://example.com/", "must begin with https://"),
        (
            "https://127.0.0.1/",
            "must have a public host: 127.0.0.1 is not (loopback)",
        ),
        (
            "https://2852039166/",
            "must have a public host: 169.254.169.254 is not (link-local)",
        ),
        (
            "https://localhost/",
            "must have a public host: \"localhost\" is not",
        ),
        (
            "https://a:b@example.com/",
            "must not carry a user name or a password: deliveries are signed",
        ),
        ("x", "must be an absolute URL: relative URL without a base"),
    ] {
        let answer = api.register("alice", url).await;
        is_problem(&answer, 400, "invalid-request");
        assert_eq!(
            answer.1["errors"],
            json!([{"field": "url", "problem": problem}]),
            "{url}"
        );
    }
    for (body, field) in [
        ("{}", "url"),
        (r#"{"url": "https://example.com/", "secret": "x"}"#, "secret"),
        (r#"{"url": 7}"#, "url"),
    ] {
        let answer = api.ask("alice", "POST", "/v1/webhooks", body).await;
        is_problem(&answer, 400, "invalid-request");
        assert!(answer.1["errors"].to_string().contains(field), "{}", answer.1);
    }
    is_problem(
        &api.ask("alice", "GET", "/v1/webhooks?limit=1", "").await,
        400,
        "invalid-request",
    );
    assert_eq!(
        api.ask("alice", "GET", "/v1/webhooks", "").await.1,
        json!({"webhooks": []})
    );
    let (status, _) = Api::new(Targets::Any)
        .register("alice", "http://127.0.0.1:9/")
        .await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_owner_has_at_most_five_endpoints() {
    let api = Api::new(Targets::Public);
    for index in 0..5 {
        let (status, _) = api
            .register("alice", &format!("https://example.com/{index}"))
            .await;
        assert_eq!(status, StatusCode::CREATED);
    }
    is_problem(
        &api.register("alice", "https://example.com/").await,
        409,
        "too-many-endpoints",
    );
    assert_eq!(
        api.register("bob", "https://example.com/").await.0,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_registration_that_is_sent_twice_leads_to_one_endpoint() {
    let api = Api::new(Targets::Public);
    let register = async |api: &Api| {
        let request = Request::post("/v1/webhooks").header("idempotency-key", "k");
        let request = request
            .body(Body::from(r#"{"url": "https://example.com/"}"#))
            .unwrap();
        api.send("alice", request, &["files:write"]).await
    };
    let first = register(&api).await;
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(register(&api).await, first);
    // A first try that got as far as the endpoint, and whose answer was never kept.
    let forgetful = Memory {
        ledger: MemoryLedger::default(),
        ..api.memory.clone()
    };
    assert_eq!(register(&Api::over(forgetful, Targets::Public)).await, first);
    let (_, list) = api.ask("alice", "GET", "/v1/webhooks", "").await;
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn each_route_asks_for_its_scope() {
    let api = Api::new(Targets::Public);
    for (method, path, scope) in [
        ("POST", "/v1/webhooks", "files:write"),
        ("GET", "/v1/webhooks", "files:read"),
        ("DELETE", "/v1/webhooks/x", "files:write"),
    ] {
        let other = if scope == "files:read" {
            "files:write"
        } else {
            "files:read"
        };
        for scopes in [&[][..], &[other]] {
            let request = Request::builder().method(method).uri(path);
            let request = request
                .body(Body::from(r#"{"url": "https://example.com/"}"#))
                .unwrap();
            is_problem(&api.send("alice", request, scopes).await, 403, "missing-scope");
        }
    }
}
