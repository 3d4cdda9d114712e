//! What each route of the API costs: the calls it makes, counted on their way through the real binary.
//! `ARCHITECTURE.md` lists the same.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Proxy, Seen, Stage, csv};

/// A call as the table in `ARCHITECTURE.md` names it.
fn name(seen: Seen) -> String {
    seen.operation.unwrap_or_else(|| {
        let what = if seen.path.ends_with("/invocations") {
            "Invoke"
        } else {
            "S3"
        };
        format!("{what} {}", seen.method)
    })
}

#[expect(clippy::too_many_lines, reason = "a table of routes")]
#[tokio::test]
async fn the_calls_of_each_route_are_counted() {
    let proxy = Proxy::start().await;
    let key = "          SIGNING_KEY:";
    let through = format!("          AWS_ENDPOINT_URL: {}\n{key}", proxy.url);
    let stage = Stage::with(&[(key, &through)]).await;
    proxy.forward_to(stage.stack.aws_endpoint());
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    stage.until("alice", &id, &["done"]).await;
    let large = json!({"name": "large.csv", "size_bytes": 100_000_001});
    let (big, _) = stage.announce_as("alice", large.clone()).await;
    let webhook: Value = stage
        .api(
            "alice",
            "POST",
            "/v1/webhooks",
            Some(&json!({"url": "https://example.com/"})),
        )
        .await
        .json()
        .await
        .unwrap();
    let webhook = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let part = json!({"parts": [{"number": 1, "sha256": tests::sha256_of(b"")}]});
    let (file, parts) = (format!("/v1/files/{id}"), format!("/v1/uploads/{big}/parts"));
    let small = json!({"name": "x.csv", "size_bytes": 5});
    for (method, path, body, expected) in [
        ("GET", "/healthz", None, &[][..]),
        ("GET", "/openapi.json", None, &[]),
        (
            "POST",
            "/v1/uploads",
            Some(&small),
            &["UpdateItem", "PutItem", "PutItem"],
        ),
        (
            "POST",
            "/v1/uploads",
            Some(&large),
            &["UpdateItem", "S3 POST", "PutItem", "PutItem"],
        ),
        ("POST", &parts, Some(&part), &["GetItem"]),
        ("GET", &parts, None, &["GetItem", "S3 GET"]),
        (
            "DELETE",
            &format!("/v1/uploads/{big}"),
            None,
            &["GetItem", "UpdateItem", "S3 DELETE", "S3 DELETE", "S3 GET"],
        ),
        ("GET", "/v1/files?limit=20", None, &["Query"]),
        ("GET", &file, None, &["GetItem"]),
        ("GET", &format!("{file}/events"), None, &["GetItem"]),
        (
            "GET",
            &format!("{file}/outputs/table.parquet"),
            None,
            &["GetItem"],
        ),
        (
            "GET",
            &format!("{file}/outputs/profile.json?inline"),
            None,
            &["GetItem", "S3 GET"],
        ),
        ("GET", "/v1/stats", None, &["GetItem", "Query"]),
        ("GET", "/v1/webhooks", None, &["Query"]),
        ("DELETE", &webhook, None, &["TransactWriteItems"]),
        (
            "POST",
            &format!("{file}/reprocess"),
            None,
            &["UpdateItem", "Invoke POST"],
        ),
    ] {
        let _ = proxy.seen();
        let answer = stage.api("alice", method, path, body).await;
        assert!(
            answer.status().as_u16() < 400,
            "{method} {path}: {}",
            answer.status()
        );
        let mut calls: Vec<_> = proxy.seen().into_iter().map(name).collect();
        // Two that are made at once come in any order.
        let mut expected: Vec<_> = expected.iter().map(|call| (*call).to_owned()).collect();
        calls.sort();
        expected.sort();
        assert_eq!(calls, expected, "{method} {path}");
    }
    stage.until("alice", &id, &["done"]).await;
    // What the attempt before has left is cleared away after the record says `done`.
    while stage.result_keys().await.len() > 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let _ = proxy.seen();
    assert_eq!(stage.api("alice", "DELETE", &file, None).await.status(), 204);
    let calls: Vec<_> = proxy.seen().into_iter().map(name).collect();
    assert_eq!(
        calls,
        [
            "GetItem",
            "UpdateItem",
            "S3 DELETE",
            "S3 GET",
            "S3 DELETE",
            "S3 DELETE",
            "S3 DELETE",
            "S3 DELETE",
            "S3 DELETE"
        ],
        "one for each output"
    );
}
