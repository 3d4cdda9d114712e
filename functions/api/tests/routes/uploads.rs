//! Announcing files.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use crate::stage::{Api, file, pass};

#[tokio::test]
async fn an_upload_is_announced_signed_and_listed() {
    let api = Api::new();
    let sha256 = "E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let asked = json!({"name": "ü.csv", "kind": "auto", "size_bytes": 1000, "content_type": "text/csv",
        "sha256": sha256, "options": {"tables": {"delimiter": ";"}}});
    let answer = api.announce("alice", asked).await;
    let body = &answer.body;
    let id = body["file"]["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/v1/files/{id}"));
    let upload = &body["upload"];
    assert_eq!(
        (&upload["type"], &upload["method"], &upload["url"]),
        (&json!("form"), &json!("POST"), &json!("https://uploads/"))
    );
    assert_eq!(
        upload["fields"],
        json!({"key": format!("inbox/alice/~{id}/ü.csv"), "content-type": "text/csv", "size": "1000",
            "sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "expiry": "900"})
    );
    assert_eq!(upload["expires_at"], "2026-11-21T05:15:00.000Z");
    let shown = api.get("alice", &format!("/v1/files/{id}")).await;
    assert_eq!(shown.body, body["file"]);
    assert_eq!(shown.body["sha256"], sha256.to_lowercase());
    assert_eq!(shown.body["options"], json!({"tables": {"delimiter": ";"}}));
    let list = api.get("alice", "/v1/files").await;
    assert_eq!(list.body, json!({"files": [shown.body], "next_cursor": null}));
}

#[tokio::test]
async fn a_kind_is_auto_unless_it_is_said() {
    let api = Api::new();
    let answer = api.announce("alice", json!({"name": "x", "size_bytes": 0})).await;
    assert_eq!(answer.body["file"]["kind"], "auto");
    assert_eq!(
        answer.body["upload"]["fields"]["content-type"],
        "application/octet-stream"
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_named() {
    let api = Api::new();
    let good = json!({"name": "a.csv", "kind": "tables", "size_bytes": 5});
    for (field, value, problem, named) in [
        ("name", json!("a/b.csv"), "invalid-request", "name"),
        ("name", json!(""), "invalid-request", "name"),
        ("name", json!(7), "invalid-request", "name"),
        ("kind", json!("movies"), "invalid-request", "kind"),
        (
            "content_type",
            json!("text/csv\r\nx-evil: 1"),
            "invalid-request",
            "content_type",
        ),
        ("sha256", json!("abc"), "invalid-request", "sha256"),
        ("size_bytes", json!(1_000_000_000_001_u64), "file-too-large", ""),
        ("size_bytes", json!(-1), "invalid-request", "size_bytes"),
        ("size_bytes", json!(1.5), "invalid-request", "size_bytes"),
        ("sizebytes", json!(1), "invalid-request", "sizebytes"),
        (
            "options",
            json!({"films": {}}),
            "invalid-request",
            "options.films",
        ),
        (
            "options",
            json!({"tables": {"delimiter": "\n"}}),
            "invalid-request",
            "options.tables.delimiter",
        ),
        (
            "options",
            json!({"tables": {"delimitr": ";"}}),
            "invalid-request",
            "options.tables.delimitr",
        ),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = api.send("alice", "POST", "/v1/uploads", &body).await;
        assert_eq!(answer.problem(), problem, "{body}: {}", answer.body);
        let fields = answer.body["errors"].to_string();
        assert!(
            named.is_empty() || fields.contains(&format!("\"field\":\"{named}\"")),
            "{body}: {fields}"
        );
    }
    let missing = api
        .send("alice", "POST", "/v1/uploads", &json!({"size_bytes": 1}))
        .await;
    assert_eq!(
        missing.body["errors"],
        json!([{"field": "name", "problem": "is missing"}])
    );
    let parameter = api.send("alice", "POST", "/v1/uploads?colour=red", &good).await;
    assert_eq!(parameter.body["errors"][0]["field"], "colour");
    let several = api
        .send(
            "alice",
            "POST",
            "/v1/uploads",
            &json!({"name": "", "kind": "x", "size_bytes": 1}),
        )
        .await;
    assert_eq!(
        several.body["errors"].as_array().unwrap().len(),
        2,
        "all that is wrong is said at once"
    );
}

#[tokio::test]
async fn what_is_no_json_is_unreadable() {
    let api = Api::new();
    for body in ["{", r#"{"name": "x", "size_bytes": 1} x"#, "\u{0}"] {
        let mut request =
            crate::stage::request(Some(("alice", "files:write")), "POST", "/v1/uploads", &json!(1));
        *request.body_mut() = axum::body::Body::from(body);
        assert_eq!(api.ask(request).await.problem(), "unreadable-body", "{body:?}");
    }
    let array = api.send("alice", "POST", "/v1/uploads", &json!([1])).await;
    assert_eq!(array.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_upload_that_does_not_come_expires() {
    let api = Api::new();
    let id = api.announced("alice", "x.csv").await;
    let path = format!("/v1/files/{id}");
    pass(Duration::from_mins(14));
    assert_eq!(api.get("alice", &path).await.body["status"], "pending");
    pass(Duration::from_mins(1));
    assert_eq!(api.get("alice", &path).await.body["status"], "expired");
    assert_eq!(
        api.get("alice", "/v1/files?status=expired").await.body["files"][0]["id"],
        id.as_str()
    );
    assert_eq!(
        api.get("alice", "/v1/files?status=pending").await.body["files"],
        json!([])
    );
}

#[tokio::test]
async fn a_days_quota_is_a_days_quota() {
    let api = Api::new();
    for _ in 0..149 {
        api.announced("alice", "x.csv").await;
    }
    let large = json!({"name": "x", "size_bytes": 1_000_000_000_000_u64});
    for _ in 0..1 {
        api.announce("alice", large.clone()).await;
    }
    let refused = api
        .send(
            "alice",
            "POST",
            "/v1/uploads",
            &json!({"name": "x", "size_bytes": 1}),
        )
        .await;
    assert_eq!(refused.problem(), "quota-exceeded");
    // It is five in the morning.
    assert_eq!(refused.header("retry-after"), (19 * 3600).to_string());
    api.announced("bob", "x.csv").await;
    let today = &api.get("alice", "/v1/stats").await.body["today"];
    assert_eq!(today["files"], json!({"used": 150, "limit": 150}));
    assert_eq!(today["bytes"]["used"], 149 * 5 + 1_000_000_000_000_u64);
    pass(Duration::from_hours(19));
    api.announced("alice", "x.csv").await;
    assert_eq!(
        api.get("alice", "/v1/stats").await.body["today"]["files"]["used"],
        1
    );
}

#[tokio::test]
async fn bytes_are_counted_too() {
    let api = Api::new();
    let large = json!({"name": "x", "size_bytes": 1_000_000_000_000_u64});
    api.announce("alice", large.clone()).await;
    api.announce("alice", large.clone()).await;
    let refused = api.send("alice", "POST", "/v1/uploads", &large).await;
    assert_eq!(refused.problem(), "quota-exceeded");
    assert!(
        refused.body["detail"].as_str().unwrap().contains("2000000000000"),
        "{}",
        refused.body
    );
    // An empty file fits.
    let id = api
        .announce("alice", json!({"name": "x", "size_bytes": 0}))
        .await
        .body["file"]["id"]
        .clone();
    assert!(
        file("alice", id.as_str().unwrap())
            .to_string()
            .starts_with("alice/")
    );
}
