//! Memory is bounded by configuration, not by the file.

use serde_json::json;
use shared::store::Location;
use tests::{Stage, csv};

#[tokio::test]
async fn a_file_larger_than_the_functions_memory_passes() {
    let mut stage = Stage::with(&[("MemorySize: 512", "MemorySize: 200")]).await;
    let body = csv(4_500_000);
    assert!(body.len() > 256 << 20, "{} bytes", body.len());
    stage
        .put(&Location::new(stage.uploads(), "tables/alice/large.csv"), body)
        .await;
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["report"]["rows_written"]),
        (&json!("done"), &json!(4_500_000)),
        "{file}"
    );
    let report = stage
        .attempts()
        .into_iter()
        .find(|report| report.function.ends_with("tables"))
        .unwrap();
    assert!(report.max_memory_mb < 200, "{report}");
}
