//! What happens to a file beside its unloading: another attempt, deletion, expiry.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use serde_json::json;
use shared::{
    keys::{FileRef, Owner},
    store::{Catalogue as _, dynamodb::DynamoCatalogue},
};
use tests::{PATIENCE, Stage, csv};

#[tokio::test]
async fn a_file_is_processed_again_with_other_options() {
    let stage = Stage::new().await;
    let body = "a;b,c\n1;2,3\n4;5,6\n";
    let announcement = json!({"name": "x.csv", "kind": "tables", "size_bytes": body.len(), "options": {"tables": {"delimiter": ","}}});
    let (id, upload) = stage.announce_as("alice", announcement).await;
    stage.send_upload(&upload, body.into()).await;
    let file = stage.until("alice", &id, &["done"]).await;
    assert_eq!(file["report"]["delimiter"], ",");
    let path = format!("/v1/files/{id}/reprocess");
    let again = json!({"options": {"tables": {"delimiter": ";"}}});
    assert_eq!(
        stage.api("alice", "POST", &path, Some(&again)).await.status(),
        202
    );
    let file = stage.until("alice", &id, &["done"]).await;
    assert_eq!(
        (&file["report"]["delimiter"], &file["attempts"]),
        (&json!(";"), &json!(2)),
        "{file}"
    );
    stage.stack.idle().await;
    let keys = stage.result_keys().await;
    assert!(
        keys.iter().all(|key| key.contains("/2/")),
        "the first attempt's outputs are gone: {keys:?}"
    );
}

#[tokio::test]
async fn a_rejected_file_is_sorted_again() {
    let stage = Stage::new().await;
    let id = stage.upload_auto("alice", "paper", "%PDF-1.7\n1 0 obj\n").await;
    stage.until("alice", &id, &["rejected"]).await;
    let path = format!("/v1/files/{id}/reprocess");
    assert_eq!(stage.api("alice", "POST", &path, None).await.status(), 202);
    let file = stage.until("alice", &id, &["rejected"]).await;
    assert_eq!(file["attempts"], 2, "{file}");
}

#[tokio::test]
async fn a_deleted_file_is_gone_with_all_that_was_made_of_it() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    stage.until("alice", &id, &["done"]).await;
    let path = format!("/v1/files/{id}");
    for _ in 0..2 {
        assert_eq!(stage.api("alice", "DELETE", &path, None).await.status(), 204);
    }
    // The bucket's own event about the deletion comes later, and must not bring the file back.
    stage.stack.idle().await;
    assert!(stage.result_keys().await.is_empty());
    let left = stage
        .s3
        .list_objects_v2()
        .bucket(stage.uploads())
        .send()
        .await
        .unwrap();
    assert!(left.contents().is_empty());
    for path in [
        path.clone(),
        format!("{path}/events"),
        format!("{path}/outputs/table.parquet"),
    ] {
        assert_eq!(
            stage.api("alice", "GET", &path, None).await.status(),
            404,
            "{path}"
        );
    }
    assert_eq!(stage.get("alice", "/v1/files").await["files"], json!([]));
    assert_eq!(stage.api("alice", "DELETE", &path, None).await.status(), 204);
}

#[tokio::test]
async fn a_file_deleted_at_work_leaves_nothing() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "calls.csv", csv(200_000)).await;
    stage.until("alice", &id, &["processing", "done"]).await;
    assert_eq!(
        stage
            .api("alice", "DELETE", &format!("/v1/files/{id}"), None)
            .await
            .status(),
        204
    );
    stage.stack.idle().await;
    assert_eq!(
        stage
            .api("alice", "GET", &format!("/v1/files/{id}"), None)
            .await
            .status(),
        404
    );
    assert!(stage.result_keys().await.is_empty());
    assert_eq!(stage.unfinished_results().await, 0);
}

#[tokio::test]
async fn an_upload_that_never_came_is_written_down_as_expired() {
    let stage = Stage::new().await;
    let (id, _) = stage.announce("alice", "calls.csv", 5).await;
    let file = FileRef {
        owner: Owner::new("alice").unwrap(),
        id: id.parse().unwrap(),
    };
    // As if its quarter of an hour were over.
    let store = DynamoCatalogue::new(stage.dynamodb.clone(), stage.table());
    let set = |sk: &str, name: &str, value: AttributeValue| {
        stage
            .dynamodb
            .update_item()
            .table_name(stage.table())
            .key("pk", S(file.to_string()))
            .key("sk", S(sk.to_owned()))
            .update_expression("SET #name = :value")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value)
            .send()
    };
    set(
        "record",
        "upload_expires_at",
        S("2026-01-01T00:00:00.000Z".to_owned()),
    )
    .await
    .unwrap();
    assert_eq!(
        stage.get("alice", &format!("/v1/files/{id}")).await["status"],
        "expired",
        "readers are told at once"
    );
    set("expiry", "expires_at", N("1767225600".to_owned()))
        .await
        .unwrap();
    let began = Instant::now();
    loop {
        let record = store.get(&file).await.unwrap().unwrap();
        if record.status == shared::catalogue::Status::Expired {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "still {}", record.status);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let events = stage.get("alice", &format!("/v1/files/{id}/events")).await;
    assert_eq!(events["events"][1]["event"], "expired", "{events}");
    let stats = stage.get("alice", "/v1/stats").await;
    assert_eq!(stats["by_status"], json!({"expired": 1}));
}
