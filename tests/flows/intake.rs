//! Files whose kind their bytes tell.

use serde_json::{Value, json};
use shared::store::Location;
use tests::{Stage, csv};

#[tokio::test]
async fn a_file_is_sorted_by_its_bytes_and_unloaded_where_it_lies() {
    let mut stage = Stage::new().await;
    let announcement = json!({"name": "export.bin", "size_bytes": csv(50).len(), "content_type": "image/png",
        "options": {"tables": {"delimiter": ","}}});
    let (id, upload) = stage.announce_as("alice", announcement).await;
    stage.send_upload(&upload, csv(50).into()).await;
    let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
    assert_eq!(
        (&file["status"], &file["kind"]),
        (&json!("done"), &json!("tables")),
        "{file}"
    );
    let identified = &file["identified"];
    assert_eq!(
        (&identified["kind"], &identified["format"]),
        (&json!("tables"), &json!("csv"))
    );
    assert_eq!(
        (&identified["declared_type"], &identified["mismatch"]),
        (&json!("image/png"), &json!(true))
    );
    assert!(identified["confidence"].as_f64().unwrap() > 0.5, "{identified}");
    assert!(!stage.output("alice", &id, "table.parquet").await.is_empty());
    let events = stage.get("alice", &format!("/v1/files/{id}/events")).await;
    let names: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["announced", "claimed", "handed-over", "claimed", "done"],
        "{events}"
    );
    let attempts: Vec<_> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["attempt"].clone())
        .collect();
    assert_eq!(attempts, [Value::Null, json!(1), json!(1), json!(2), json!(2)]);
    let objects = stage
        .s3
        .list_objects_v2()
        .bucket(stage.uploads())
        .send()
        .await
        .unwrap();
    let keys: Vec<_> = objects
        .contents()
        .iter()
        .map(|object| object.key().unwrap())
        .collect();
    assert_eq!(
        keys,
        [format!("inbox/alice/~{id}/export.bin")],
        "it was not copied"
    );
    stage.stack.idle().await;
    let functions: Vec<_> = stage
        .attempts()
        .into_iter()
        .map(|report| report.function)
        .collect();
    let of = |name: &str| {
        functions
            .iter()
            .filter(|function| function.ends_with(name))
            .count()
    };
    assert_eq!((of("-intake"), of("-tables")), (1, 1), "{functions:?}");
}

#[tokio::test]
async fn what_nothing_unloads_is_rejected_and_says_what_it_looks_like() {
    let stage = Stage::new().await;
    for (name, body, code, says) in [
        (
            "paper.csv",
            &b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<<>>\nendobj\n"[..],
            "unknown-format",
            "Portable Document Format",
        ),
        ("empty.csv", b"", "unknown-format", "empty"),
        (
            "page.csv",
            b"<!DOCTYPE html><html><head><title>x</title></head><body>a,b</body></html>",
            "unknown-format",
            "HTML",
        ),
        (
            "access.csv",
            b"127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326\n\
              127.0.0.1 - - [10/Oct/2000:13:55:37 -0700] \"GET /a HTTP/1.0\" 404 209\n",
            "no-function",
            "Common Log",
        ),
    ] {
        let id = stage.upload_auto("alice", name, body).await;
        let file = stage.until("alice", &id, &["done", "rejected", "failed"]).await;
        assert_eq!(
            (&file["status"], &file["failure"]["code"]),
            (&json!("rejected"), &json!(code)),
            "{name}: {file}"
        );
        let message = file["failure"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{name}: {message}");
        assert!(
            file["identified"]["looks_like"].as_str().unwrap().contains(says),
            "{name}: {file}"
        );
    }
    assert!(stage.result_keys().await.is_empty());
}

#[tokio::test]
async fn a_dropped_file_is_sorted_too_and_a_newer_one_anew() {
    let stage = Stage::new().await;
    let at = Location::new(stage.uploads(), "inbox/bob/2026/data");
    stage.put(&at, csv(5)).await;
    stage.stack.idle().await;
    let files = stage.get("bob", "/v1/files").await;
    let file = &files["files"][0];
    assert_eq!(
        (&file["status"], &file["kind"], &file["attempts"]),
        (&json!("done"), &json!("tables"), &json!(2)),
        "{file}"
    );
    stage.put(&at, "%PDF-1.7\n1 0 obj\n").await;
    stage.stack.idle().await;
    let files = stage.get("bob", "/v1/files").await;
    let file = &files["files"][0];
    assert_eq!(
        (&file["status"], &file["kind"]),
        (&json!("rejected"), &json!("auto")),
        "{file}"
    );
    stage
        .s3
        .delete_object()
        .bucket(&at.bucket)
        .key(&at.key)
        .send()
        .await
        .unwrap();
    stage.stack.idle().await;
    let file = stage.get("bob", "/v1/files").await["files"][0].clone();
    assert!(file["upload_removed_at"].is_string(), "{file}");
}

#[tokio::test]
async fn the_same_event_again_does_not_sort_again() {
    let stage = Stage::quiet().await;
    let at = Location::new(stage.uploads(), "inbox/bob/data.csv");
    stage.put(&at, csv(5)).await;
    let head = stage
        .s3
        .head_object()
        .bucket(&at.bucket)
        .key(&at.key)
        .send()
        .await
        .unwrap();
    let object = json!({"key": at.key, "size": csv(5).len(), "eTag": head.e_tag().unwrap().trim_matches('"'), "sequencer": "0A"});
    let record = json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-21T05:00:00.000Z",
        "s3": {"bucket": {"name": at.bucket}, "object": object}});
    let event = json!({"Records": [record]}).to_string();
    let outcome =
        async || stage.invoke("Intake", event.clone()).await.unwrap()["files"][0]["outcome"].clone();
    assert_eq!(outcome().await, "handed-over");
    stage.stack.idle().await;
    assert_eq!(outcome().await, "already");
    stage.stack.idle().await;
    let file = stage.get("bob", "/v1/files").await["files"][0].clone();
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(2)),
        "{file}"
    );
}

#[tokio::test]
async fn a_hand_over_that_fails_is_tried_again() {
    // A function that is not there: the invocation is refused, the attempt fails, its event is kept in the end.
    let stage = Stage::with(&[(
        "FUNCTIONS: !Sub images=${AWS::StackName}-images tables=${AWS::StackName}-tables\n",
        "FUNCTIONS: tables=no-such-function\n",
    )])
    .await;
    let id = stage.upload_auto("alice", "calls.csv", csv(5)).await;
    stage.stack.idle().await;
    let events = stage.get("alice", &format!("/v1/files/{id}/events")).await;
    let handed = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event"] == "handed-over")
        .count();
    assert_eq!(handed, 3, "the first try and two retries: {events}");
    let file = stage.get("alice", &format!("/v1/files/{id}")).await;
    assert_eq!(
        file["status"], "pending",
        "nobody has unloaded it, and its event waits in the failure queue: {file}"
    );
}
