//! The API over the real binary: owners, tokens, uploads that break what was signed.

use serde_json::{Value, json};
use tests::{Stage, csv};

#[tokio::test]
async fn another_owners_file_does_not_exist() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    stage.until("alice", &id, &["done"]).await;
    for path in [
        format!("/v1/files/{id}"),
        format!("/v1/files/{id}/outputs/table.parquet"),
    ] {
        let answer = stage.api("mallory", "GET", &path, None).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(stage.get("mallory", "/v1/files").await["files"], json!([]));
    // An owner whose name looks like alice's prefix is not alice.
    for owner in ["alice/", "../alice", "~61lice", "Alice"] {
        assert_eq!(stage.get(owner, "/v1/files").await["files"], json!([]), "{owner}");
        let theirs = stage.upload(owner, "calls.csv", csv(5)).await;
        stage.until(owner, &theirs, &["done"]).await;
    }
    assert_eq!(
        stage.get("alice", "/v1/files").await["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_request_without_a_token_gets_no_further_than_the_gateway() {
    let stage = Stage::new().await;
    let url = stage.stack.api_url();
    for (path, token, status) in [
        ("/v1/files", None, 401),
        ("/v1/files", Some("not a token"), 401),
        ("/healthz", None, 200),
        ("/v2/files", None, 404),
    ] {
        let mut request = stage.http.get(format!("{url}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{path} {token:?}");
    }
    let answer = stage.api("alice", "GET", "/v1/files", None).await;
    assert!(answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn an_upload_must_be_what_was_signed() {
    let stage = Stage::new().await;
    let body = csv(5);
    let (id, upload) = stage.announce("alice", "calls.csv", body.len()).await;
    let url = upload["url"].as_str().unwrap();
    let send = |url: String, content_type: &'static str, body: String| {
        stage
            .http
            .put(url)
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    let longer = send(url.to_owned(), "text/csv", csv(6)).await.unwrap();
    assert_eq!(longer.status(), 403, "another size");
    let other = send(url.to_owned(), "text/html", body.clone()).await.unwrap();
    assert_eq!(other.status(), 403, "another type");
    let elsewhere = send(url.replace("calls.csv", "other.csv"), "text/csv", body.clone())
        .await
        .unwrap();
    assert_eq!(elsewhere.status(), 403, "another key");
    assert_eq!(
        stage.get("alice", &format!("/v1/files/{id}")).await["status"],
        "pending"
    );
    assert!(
        send(url.to_owned(), "text/csv", body)
            .await
            .unwrap()
            .status()
            .is_success()
    );
    stage.until("alice", &id, &["done"]).await;
}

#[tokio::test]
async fn names_that_others_stumble_over_come_back_unharmed() {
    let stage = Stage::new().await;
    for name in [
        "a b+c%20d.csv",
        "日本 🚢.csv",
        "'; DROP TABLE files;--.csv",
        "%2e%2e.csv",
        "<script>.csv",
        "a\u{202e}b.csv",
    ] {
        let id = stage.upload("alice", name, csv(2)).await;
        let file: Value = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
        assert_eq!(
            (&file["name"], &file["status"]),
            (&json!(name), &json!("done")),
            "{file}"
        );
    }
}
