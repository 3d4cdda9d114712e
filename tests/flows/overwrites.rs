//! An upload that changes or goes while it is worked on.

use std::time::{Duration, Instant};

use serde_json::json;
use shared::store::Location;
use tests::{PATIENCE, Stage, csv};

async fn until_processing(stage: &Stage) {
    let started = Instant::now();
    while stage.get("alice", "/v1/files").await["files"][0]["status"] != "processing" {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_upload_overwritten_while_it_is_processed_ends_with_the_newer_one() {
    let stage = Stage::new().await;
    let at = Location::new(stage.uploads(), "tables/alice/calls.csv");
    stage.put(&at, csv(600_000)).await;
    until_processing(&stage).await;
    stage.put(&at, csv(7)).await;
    stage.stack.idle().await;
    let files = stage.get("alice", "/v1/files").await;
    assert_eq!(files["files"].as_array().unwrap().len(), 1, "one key, one file");
    let file = &files["files"][0];
    assert_eq!(
        (&file["status"], &file["report"]["rows"]),
        (&json!("done"), &json!(7)),
        "{file}"
    );
    let id = file["id"].as_str().unwrap();
    let outputs = stage.result_keys().await;
    assert_eq!(outputs.len(), 5, "{outputs:?}");
    assert_eq!(stage.unfinished_results().await, 0);
    assert!(
        stage
            .output("alice", id, "table.parquet")
            .await
            .starts_with(b"PAR1")
    );
}

#[tokio::test]
async fn an_upload_deleted_while_it_is_processed_leaves_a_record_and_no_outputs() {
    let stage = Stage::new().await;
    let at = Location::new(stage.uploads(), "tables/alice/calls.csv");
    stage.put(&at, csv(600_000)).await;
    until_processing(&stage).await;
    stage
        .s3
        .delete_object()
        .bucket(&at.bucket)
        .key(&at.key)
        .send()
        .await
        .unwrap();
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(file["status"], "removed", "{file}");
    assert!(stage.result_keys().await.is_empty());
}

#[tokio::test]
async fn an_upload_deleted_afterwards_keeps_its_results() {
    let stage = Stage::new().await;
    let at = Location::new(stage.uploads(), "tables/alice/calls.csv");
    stage.put(&at, csv(7)).await;
    stage.stack.idle().await;
    stage
        .s3
        .delete_object()
        .bucket(&at.bucket)
        .key(&at.key)
        .send()
        .await
        .unwrap();
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(file["status"], "done", "{file}");
    assert!(file["upload_removed_at"].is_string(), "{file}");
    stage
        .output("alice", file["id"].as_str().unwrap(), "profile.json")
        .await;
}
