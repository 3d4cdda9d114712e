//! `Idempotency-Key`.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Answer, Api, pass, request};

async fn post(api: &Api, owner: &str, key: &str, path: &str, body: &Value) -> Answer {
    let mut request = request(Some((owner, "files:read files:write")), "POST", path, body);
    request
        .headers_mut()
        .insert("idempotency-key", key.parse().unwrap());
    api.ask(request).await
}

#[tokio::test]
async fn a_request_that_is_sent_twice_is_done_once() {
    let api = Api::new();
    let body = json!({"name": "x.csv", "size_bytes": 5});
    let first = post(&api, "alice", "k1", "/v1/uploads", &body).await;
    pass(Duration::from_secs(30));
    let second = post(&api, "alice", "k1", "/v1/uploads", &body).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(
        (
            first.header("idempotent-replayed"),
            second.header("idempotent-replayed")
        ),
        ("", "true")
    );
    assert_eq!(
        api.get("alice", "/v1/files").await.body["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        api.get("alice", "/v1/stats").await.body["today"]["files"]["used"],
        1
    );

    let other = post(
        &api,
        "alice",
        "k1",
        "/v1/uploads",
        &json!({"name": "y.csv", "size_bytes": 5}),
    )
    .await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    let bobs = post(&api, "bob", "k1", "/v1/uploads", &body).await;
    assert_ne!(
        bobs.body["file"]["id"], first.body["file"]["id"],
        "a key is its owner's"
    );
    pass(Duration::from_hours(24));
    let tomorrow = post(&api, "alice", "k1", "/v1/uploads", &body).await;
    assert_ne!(tomorrow.body["file"]["id"], first.body["file"]["id"]);
}

#[tokio::test]
async fn what_was_not_done_can_be_asked_again() {
    let api = Api::new();
    let refused = post(
        &api,
        "alice",
        "k1",
        "/v1/uploads",
        &json!({"name": "", "size_bytes": 5}),
    )
    .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let mended = post(
        &api,
        "alice",
        "k1",
        "/v1/uploads",
        &json!({"name": "x", "size_bytes": 5}),
    )
    .await;
    assert_eq!(mended.status, StatusCode::CREATED);
    let id = api.announced("alice", "x.csv").await;
    api.end("alice", &id, crate::stage::done()).await;
    let path = format!("/v1/files/{id}/reprocess");
    *api.outside.invoke.down.lock().unwrap() = true;
    assert_eq!(
        post(&api, "alice", "k2", &path, &Value::Null).await.problem(),
        "unavailable"
    );
    *api.outside.invoke.down.lock().unwrap() = false;
    for replayed in ["", "true"] {
        let answer = post(&api, "alice", "k2", &path, &Value::Null).await;
        assert_eq!(
            (answer.status, answer.header("idempotent-replayed")),
            (StatusCode::ACCEPTED, replayed)
        );
    }
    assert_eq!(
        api.outside.invoke.seen.lock().unwrap().len(),
        1,
        "asked twice, handed over once"
    );
}

#[tokio::test]
async fn a_first_try_that_broke_off_leads_to_the_same_file() {
    use shared::store::ledger::{Begun, Ledger as _, Repeatable};

    let api = Api::new();
    let body = json!({"name": "x.csv", "size_bytes": 5});
    let first = post(&api, "alice", "k1", "/v1/uploads", &body).await;
    // As if the first try had made the file and died before it could keep its answer.
    let name = Repeatable {
        owner: shared::keys::Owner::new("alice").unwrap(),
        key: digest_of("k1"),
        fingerprint: "x".into(),
    };
    assert_eq!(
        api.outside
            .ledger
            .begin(&name, crate::stage::now())
            .await
            .unwrap(),
        Begun::Different,
        "the key is as kept"
    );
    api.outside.ledger.forget(&name).await.unwrap();
    let again = post(&api, "alice", "k1", "/v1/uploads", &body).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert_eq!(again.body["file"]["id"], first.body["file"]["id"]);
    assert_eq!(
        api.get("alice", "/v1/files").await.body["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_key_must_be_one() {
    let api = Api::new();
    let long = "k".repeat(256);
    for key in ["", long.as_str()] {
        let answer = post(
            &api,
            "alice",
            key,
            "/v1/uploads",
            &json!({"name": "x", "size_bytes": 5}),
        )
        .await;
        assert_eq!(answer.body["errors"][0]["field"], "Idempotency-Key");
    }
}

/// How the ledger calls a key.
fn digest_of(key: &str) -> String {
    use sha2::Digest as _;
    use std::fmt::Write as _;
    let mut digest = sha2::Sha256::new();
    digest.update((key.len() as u64).to_be_bytes());
    digest.update(key);
    digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
