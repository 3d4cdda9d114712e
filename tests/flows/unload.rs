//! Upload, done, results.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use serde_json::{Value, json};
use shared::store::Location;
use tests::{Proxy, Stage, csv};

#[tokio::test]
async fn an_upload_becomes_parquet_and_a_profile() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "harbour calls.csv", csv(1000)).await;
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(1)),
        "{file}"
    );
    assert_eq!(
        (&file["report"]["rows"], &file["report"]["rows_rejected"]),
        (&json!(1000), &json!(0)),
        "{file}"
    );
    let mut outputs: Vec<_> = file["outputs"].as_array().unwrap().iter().collect();
    outputs.sort_by_key(|output| output["name"].as_str());
    let names: Vec<_> = outputs.iter().map(|output| &output["name"]).collect();
    assert_eq!(
        names,
        [
            "profile.html",
            "profile.json",
            "table.parquet",
            "table.pb",
            "table.proto"
        ]
    );

    let parquet = stage.output("alice", &id, "table.parquet").await;
    assert_eq!(json!(parquet.len()), outputs[2]["size_bytes"]);
    let reader = SerializedFileReader::new(parquet).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 1000);
    let profile: Value = serde_json::from_slice(&stage.output("alice", &id, "profile.json").await).unwrap();
    assert_eq!(profile["rows"], 1000, "{profile}");
}

#[tokio::test]
async fn a_dropped_file_is_unloaded_too_and_bad_rows_are_kept_aside() {
    let stage = Stage::new().await;
    let body = "a,b\n1,2\n1,2,3\n4,5\n";
    stage
        .put(&Location::new(stage.uploads(), "tables/bob/2026/ü +.csv"), body)
        .await;
    stage.stack.idle().await;
    let list = stage.get("bob", "/v1/files").await;
    let file = &list["files"][0];
    assert_eq!(
        (&file["name"], &file["status"]),
        (&json!("ü +.csv"), &json!("done")),
        "{list}"
    );
    assert_eq!(
        (&file["report"]["rows_written"], &file["report"]["rows_rejected"]),
        (&json!(2), &json!(1))
    );
    let rejects = stage
        .output("bob", file["id"].as_str().unwrap(), "rejects.jsonl")
        .await;
    let reject: Value = serde_json::from_slice(&rejects).unwrap();
    assert_eq!(
        (&reject["row"], &reject["byte_offset"]),
        (&json!(2), &json!(8)),
        "{reject}"
    );
    stage
        .put(&Location::new(stage.uploads(), "tables/for nobody.csv"), body)
        .await;
    stage.stack.idle().await;
    assert_eq!(
        stage.get("bucket", "/v1/files").await["files"][0]["name"],
        "for nobody.csv"
    );
}

#[tokio::test]
async fn a_file_that_is_no_table_is_rejected_once_with_the_reason() {
    let mut stage = Stage::new().await;
    let id = stage
        .upload(
            "alice",
            "photo.csv",
            Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        )
        .await;
    let file = stage.until("alice", &id, &["rejected"]).await;
    assert_eq!(file["failure"]["kind"], "rejected");
    assert!(
        file["failure"]["message"].as_str().unwrap().contains("PNG"),
        "{file}"
    );
    stage.stack.idle().await;
    assert_eq!(
        stage
            .attempts()
            .iter()
            .filter(|report| report.function.ends_with("tables"))
            .count(),
        1
    );
    assert!(stage.result_keys().await.is_empty());
}

#[tokio::test]
async fn a_file_above_its_limit_is_refused_at_the_door_and_behind_it() {
    let stage = Stage::with(&[(r#"Default: "10737418240""#, r#"Default: "100""#)]).await;
    let body = json!({"name": "big.csv", "kind": "tables", "size_bytes": 101});
    let answer = stage.api("alice", "POST", "/v1/uploads", Some(&body)).await;
    assert_eq!(answer.status(), 413);
    stage
        .put(&Location::new(stage.uploads(), "tables/alice/big.csv"), csv(10))
        .await;
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["failure"]["code"]),
        (&json!("rejected"), &json!("input-too-large")),
        "{file}"
    );
}

#[tokio::test]
async fn the_calls_of_one_small_file_are_counted() {
    let proxy = Proxy::start().await;
    let drop_owner = "          DROP_OWNER: !Ref DropOwner\n";
    let through = format!("{drop_owner}          AWS_ENDPOINT_URL: {}\n", proxy.url);
    let stage = Stage::with(&[(drop_owner, &through)]).await;
    proxy.forward_to(stage.stack.aws_endpoint());
    let at = Location::new(stage.uploads(), "tables/alice/small.csv");
    stage.put(&at, csv(10)).await;
    stage.stack.idle().await;
    let calls: Vec<_> = proxy
        .seen()
        .into_iter()
        .map(|seen| {
            seen.operation.unwrap_or_else(|| {
                seen.method.clone() + if seen.if_match.is_some() { " If-Match" } else { "" }
            })
        })
        .collect();
    // A start's rehearsal knocks at the table's, the uploads' and the results' doors.
    assert_eq!(
        calls,
        [
            "HEAD",
            "HEAD",
            "HEAD",
            "UpdateItem",
            "GET If-Match",
            "PUT",
            "PUT",
            "PUT",
            "PUT",
            "PUT",
            "UpdateItem"
        ]
    );

    // The same bytes again are a new version: one call more to find what the older attempt left, five to delete it.
    stage.put(&at, csv(10)).await;
    stage.stack.idle().await;
    let calls: Vec<_> = proxy
        .seen()
        .into_iter()
        .map(|seen| seen.operation.unwrap_or(seen.method))
        .collect();
    assert_eq!(
        calls,
        [
            "UpdateItem",
            "GET",
            "PUT",
            "PUT",
            "PUT",
            "PUT",
            "PUT",
            "UpdateItem",
            "GET",
            "DELETE",
            "DELETE",
            "DELETE",
            "DELETE",
            "DELETE"
        ]
    );
}

#[tokio::test]
async fn an_objects_metadata_says_how_it_is_to_be_read() {
    let stage = Stage::new().await;
    for (name, option, value) in [
        ("good.csv", "longshore-delimiter", ";"),
        ("bad.csv", "longshore-delimitr", ";"),
    ] {
        stage
            .s3
            .put_object()
            .bucket(stage.uploads())
            .key(format!("tables/alice/{name}"))
            .metadata(option, value)
            .body(ByteStream::from_static(b"a,b;c,d\n1,2;3,4\n5,6;7,8\n"))
            .send()
            .await
            .unwrap();
    }
    stage.stack.idle().await;
    let files = stage.get("alice", "/v1/files").await;
    let file = |name: &str| {
        let mut files = files["files"].as_array().unwrap().iter();
        files.find(|file| file["name"] == name).unwrap().clone()
    };
    let good = file("good.csv");
    assert_eq!(
        (&good["status"], &good["report"]["columns"]),
        (&json!("done"), &json!(2)),
        "{good}"
    );
    let bad = file("bad.csv");
    assert_eq!(
        (&bad["status"], &bad["failure"]["code"]),
        (&json!("rejected"), &json!("options")),
        "{bad}"
    );
    assert!(
        bad["failure"]["message"]
            .as_str()
            .unwrap()
            .contains("longshore-delimitr"),
        "{bad}"
    );
}
