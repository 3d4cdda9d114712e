//! Files above 100 MB: in parts.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stage::{Api, done};

/// The SHA-256 of nothing, in hex and in base 64.
const SHA: (&str, &str) = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
);
const PART: u64 = 16 << 20;

async fn announced(api: &Api) -> (String, Value) {
    let answer = api
        .announce(
            "alice",
            json!({"name": "big.csv", "kind": "tables", "size_bytes": 100_000_001}),
        )
        .await;
    let id = answer.body["file"]["id"].as_str().unwrap().to_owned();
    (id, answer.body["upload"].clone())
}

fn parts(numbers: impl IntoIterator<Item = u16>) -> Value {
    let part = |number| json!({"number": number, "sha256": SHA.0});
    json!({"parts": numbers.into_iter().map(part).collect::<Vec<_>>()})
}

#[tokio::test]
async fn a_large_file_is_uploaded_in_parts_and_resumed() {
    let api = Api::new();
    let (id, upload) = announced(&api).await;
    assert_eq!(
        upload,
        json!({"type": "multipart", "part_bytes": PART, "parts": 6, "expires_at": "2026-11-22T05:00:00.000Z",
            "parts_href": format!("/v1/uploads/{id}/parts"), "complete_href": format!("/v1/uploads/{id}/complete")})
    );
    let (parts_path, complete) = (
        format!("/v1/uploads/{id}/parts"),
        format!("/v1/uploads/{id}/complete"),
    );
    let signed = api.send("alice", "POST", &parts_path, &parts([1, 6])).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
    let sizes = [0, 1].map(|index| signed.body["parts"][index]["headers"]["content-length"].clone());
    assert_eq!(
        sizes,
        [
            json!(PART.to_string()),
            json!((100_000_001 - 5 * PART).to_string())
        ]
    );
    assert_eq!(signed.body["parts"][0]["headers"]["x-amz-checksum-sha256"], SHA.1);

    for number in 1..=5 {
        api.outside.storage.arrive(number, SHA.1, PART);
    }
    let progress = api.get("alice", &parts_path).await;
    assert_eq!(progress.body["arrived"].as_array().unwrap().len(), 5);
    assert_eq!(
        progress.body["arrived"][0],
        json!({"number": 1, "size_bytes": PART, "sha256": SHA.0})
    );
    let early = api.send("alice", "POST", &complete, &parts(1..=6)).await;
    assert_eq!(early.problem(), "upload-incomplete");
    assert_eq!(early.body["detail"], "part 6 has not arrived");
    let lacking = api.send("alice", "POST", &complete, &parts(1..=5)).await;
    assert_eq!(lacking.body["detail"], "part 6 is not given");
    api.outside.storage.arrive(6, "AAAA", 16_113_921);
    let differs = api.send("alice", "POST", &complete, &parts(1..=6)).await;
    assert_eq!(differs.body["detail"], "part 6 has another SHA-256");
    api.outside.storage.arrive(6, SHA.1, 16_113_921);
    for _ in 0..2 {
        let completed = api.send("alice", "POST", &complete, &parts(1..=6)).await;
        assert_eq!(completed.status, StatusCode::OK, "{}", completed.body);
        assert_eq!(completed.body["file"]["id"], id.as_str());
    }
    assert_eq!(
        api.outside.storage.completed.lock().unwrap().len(),
        1,
        "completed once, answered twice"
    );
    api.end("alice", &id, done()).await;
    let after = api.send("alice", "POST", &complete, &parts(1..=6)).await;
    assert_eq!(after.body["file"]["status"], "done");
    assert_eq!(
        api.send("alice", "POST", &parts_path, &parts([1]))
            .await
            .problem(),
        "already-uploaded"
    );
}

#[tokio::test]
async fn what_is_wrong_with_parts_is_named() {
    let api = Api::new();
    let (id, _) = announced(&api).await;
    let path = format!("/v1/uploads/{id}/parts");
    for (body, field) in [
        (parts([0]), "parts[0].number"),
        (parts([1, 7]), "parts[1].number"),
        (parts([]), "parts"),
        (parts(std::iter::repeat_n(1, 101)), "parts"),
        (
            json!({"parts": [{"number": 1, "sha256": "xyz"}]}),
            "parts[0].sha256",
        ),
        (json!({"parts": [{"number": 1}]}), "parts[0].sha256"),
        (
            json!({"parts": [{"number": 1, "sha256": SHA.0, "size": 3}]}),
            "parts[0].size",
        ),
        (json!({}), "parts"),
    ] {
        let answer = api.send("alice", "POST", &path, &body).await;
        assert_eq!(answer.problem(), "invalid-request", "{body}");
        assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.body);
    }
    let whole = json!({"name": "x", "size_bytes": 100_000_001, "sha256": SHA.0});
    let answer = api.send("alice", "POST", "/v1/uploads", &whole).await;
    assert_eq!(
        answer.body["errors"][0]["field"], "sha256",
        "parts have their own"
    );
    let small = api.announced("alice", "x.csv").await;
    for (method, path) in [
        ("GET", format!("/v1/uploads/{small}/parts")),
        ("POST", format!("/v1/uploads/{small}/complete")),
    ] {
        let body = if method == "GET" { Value::Null } else { parts([1]) };
        assert_eq!(
            api.send("alice", method, &path, &body).await.problem(),
            "not-multipart"
        );
    }
}

#[tokio::test]
async fn an_upload_is_withdrawn() {
    let api = Api::new();
    let (id, _) = announced(&api).await;
    let path = format!("/v1/uploads/{id}");
    for _ in 0..2 {
        let answer = api.send("alice", "DELETE", &path, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(*api.outside.storage.aborted.lock().unwrap(), ["upload-1"]);
    assert_eq!(
        api.get("alice", &format!("/v1/files/{id}")).await.problem(),
        "not-found"
    );
    let late = api
        .send("alice", "POST", &format!("{path}/complete"), &parts(1..=6))
        .await;
    assert_eq!(late.problem(), "not-found");
    let arrived = api.announced("alice", "x.csv").await;
    api.end("alice", &arrived, done()).await;
    let answer = api
        .send("alice", "DELETE", &format!("/v1/uploads/{arrived}"), &Value::Null)
        .await;
    assert_eq!(answer.problem(), "already-uploaded");
}

#[tokio::test]
async fn a_multipart_upload_has_a_day() {
    let api = Api::new();
    let (id, _) = announced(&api).await;
    crate::stage::pass(std::time::Duration::from_hours(24));
    let path = format!("/v1/uploads/{id}/parts");
    assert_eq!(api.get("alice", &path).await.problem(), "upload-expired");
    let complete = api
        .send(
            "alice",
            "POST",
            &format!("/v1/uploads/{id}/complete"),
            &parts(1..=6),
        )
        .await;
    assert_eq!(complete.problem(), "upload-expired");
}
