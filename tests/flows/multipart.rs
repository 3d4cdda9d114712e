//! A file above 100 MB, in parts, over the real binary and S3: refused parts, an upload that is resumed, its end.

use bytes::Bytes;
use serde_json::{Value, json};
use tests::{Stage, sha256_of};

/// A CSV of a little over 100 MB.
fn large() -> Bytes {
    let mut text = Vec::with_capacity(101_000_000);
    text.extend_from_slice(b"id,note\n");
    let mut row = 0_u32;
    while text.len() <= 100_000_000 {
        text.extend_from_slice(format!("{row},{}\n", "x".repeat(500)).as_bytes());
        row += 1;
    }
    text.into()
}

async fn put(stage: &Stage, way: &Value, body: Bytes) -> u16 {
    let mut request = stage.http.put(way["url"].as_str().unwrap());
    for (name, value) in way["headers"].as_object().unwrap() {
        // The client writes the length of what it sends.
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_large_file_arrives_in_parts() {
    let stage = Stage::new().await;
    let body = large();
    let announcement = json!({"name": "large.csv", "size_bytes": body.len(), "content_type": "text/csv"});
    let (id, upload) = stage.announce_as("alice", announcement).await;
    assert_eq!(upload["type"], "multipart");
    let part_bytes = usize::try_from(upload["part_bytes"].as_u64().unwrap()).unwrap();
    let chunks: Vec<Bytes> = (0..body.len())
        .step_by(part_bytes)
        .map(|from| body.slice(from..body.len().min(from + part_bytes)))
        .collect();
    assert_eq!(upload["parts"], chunks.len());
    let parts: Vec<Value> = chunks
        .iter()
        .zip(1..)
        .map(|(chunk, number)| json!({"number": number, "sha256": sha256_of(chunk)}))
        .collect();
    let (parts_href, complete_href) = (
        upload["parts_href"].as_str().unwrap(),
        upload["complete_href"].as_str().unwrap(),
    );
    let all = json!({"parts": parts});
    let ways: Value = stage
        .api("alice", "POST", parts_href, Some(&all))
        .await
        .json()
        .await
        .unwrap();
    let ways = ways["parts"].as_array().unwrap();

    assert_eq!(
        put(&stage, &ways[0], chunks[0].slice(1..)).await,
        403,
        "a part of another length"
    );
    let mut other = chunks[0].to_vec();
    other[9] ^= 1;
    assert_eq!(
        put(&stage, &ways[0], other.into()).await,
        400,
        "a part with other bytes"
    );
    let mut unsigned = ways[0].clone();
    unsigned["headers"]
        .as_object_mut()
        .unwrap()
        .remove("x-amz-checksum-sha256");
    assert_eq!(
        put(&stage, &unsigned, chunks[0].clone()).await,
        403,
        "a part without its checksum"
    );

    for (way, chunk) in ways.iter().zip(&chunks).take(3) {
        assert_eq!(put(&stage, way, chunk.clone()).await, 200);
    }
    let early = stage.api("alice", "POST", complete_href, Some(&all)).await;
    assert_eq!(early.status(), 409);
    // The client has lost all but the file's id: it asks what has arrived, and goes on.
    let progress = stage.get("alice", parts_href).await;
    let arrived: Vec<_> = progress["arrived"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| part["number"].as_u64().unwrap())
        .collect();
    assert_eq!(arrived, [1, 2, 3]);
    assert_eq!(progress["arrived"][0]["sha256"], parts[0]["sha256"]);
    for (way, chunk) in ways.iter().zip(&chunks).skip(3) {
        assert_eq!(put(&stage, way, chunk.clone()).await, 200);
    }
    for _ in 0..2 {
        let completed = stage.api("alice", "POST", complete_href, Some(&all)).await;
        assert_eq!(completed.status(), 200, "{}", completed.text().await.unwrap());
    }
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(
        (&file["status"], &file["size_bytes"]),
        (&json!("done"), &json!(body.len())),
        "{file}"
    );
    assert_eq!(file["report"]["rows_rejected"], 0);
}

#[tokio::test]
async fn an_upload_that_is_withdrawn_leaves_nothing() {
    let stage = Stage::new().await;
    let (id, upload) = stage
        .announce_as("alice", json!({"name": "large.csv", "size_bytes": 100_000_001}))
        .await;
    let unfinished = async || {
        let answer = stage
            .s3
            .list_multipart_uploads()
            .bucket(stage.uploads())
            .send()
            .await
            .unwrap();
        answer.uploads().len()
    };
    assert_eq!(unfinished().await, 1);
    let chunk = Bytes::from(vec![b'x'; 16 << 20]);
    let asked = json!({"parts": [{"number": 1, "sha256": sha256_of(&chunk)}]});
    let ways: Value = stage
        .api(
            "alice",
            "POST",
            upload["parts_href"].as_str().unwrap(),
            Some(&asked),
        )
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(put(&stage, &ways["parts"][0], chunk.clone()).await, 200);
    let path = format!("/v1/uploads/{id}");
    for _ in 0..2 {
        assert_eq!(stage.api("alice", "DELETE", &path, None).await.status(), 204);
    }
    assert_eq!(unfinished().await, 0);
    assert_eq!(
        put(&stage, &ways["parts"][0], chunk).await,
        404,
        "its URLs lead nowhere"
    );
    assert_eq!(
        stage
            .api("alice", "GET", &format!("/v1/files/{id}"), None)
            .await
            .status(),
        404
    );
}
