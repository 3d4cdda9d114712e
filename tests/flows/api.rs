//! The API over the real binary: the ways of its routes that memory cannot show.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Stage, csv};

#[tokio::test]
async fn owners_whose_names_look_alike_are_kept_apart() {
    let stage = Stage::new().await;
    let id = stage.upload("alice", "calls.csv", csv(5)).await;
    stage.until("alice", &id, &["done"]).await;
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

#[tokio::test]
async fn an_answer_names_the_line_of_the_log_that_tells_of_it() {
    let stage = Stage::new().await;
    let answer = stage.api("alice", "GET", "/v1/files?colour=red", None).await;
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["request_id"], id.as_str());
    let log = stage.log.lock().unwrap().clone();
    let lines: Vec<_> = log.iter().filter(|line| line.contains(&id)).collect();
    assert_eq!(lines.len(), 1, "{log:#?}");
    assert!(lines[0].contains("\"status\":400"), "{}", lines[0]);
}

#[tokio::test]
async fn a_wait_ends_when_the_file_is_done() {
    let stage = Stage::new().await;
    let body = csv(10);
    let (id, upload) = stage.announce("alice", "calls.csv", body.len()).await;
    let path = format!("/v1/files/{id}?wait=20");
    let waiting = stage.api("alice", "GET", &path, None);
    let uploading = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stage.send_upload(&upload, body.into()).await;
    };
    let (answer, ()) = tokio::join!(waiting, uploading);
    let file: Value = answer.json().await.unwrap();
    assert_ne!(file["status"], "pending", "it ended with a change: {file}");
    stage.until("alice", &id, &["done"]).await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_once_by_the_real_table() {
    let stage = Stage::new().await;
    let token = stage.stack.token("alice", &[], Duration::from_mins(10)).unwrap();
    let post = async |name: &str| {
        let url = format!("{}/v1/uploads", stage.stack.api_url());
        let body = json!({"name": name, "size_bytes": 5});
        let request = stage
            .http
            .post(url)
            .bearer_auth(&token)
            .header("idempotency-key", "key 1")
            .json(&body);
        let answer = request.send().await.unwrap();
        let replayed = answer.headers().contains_key("idempotent-replayed");
        (
            answer.status().as_u16(),
            replayed,
            answer.json::<Value>().await.unwrap(),
        )
    };
    let first = post("a.csv").await;
    let second = post("a.csv").await;
    assert_eq!((first.0, first.1, second.0, second.1), (201, false, 201, true));
    assert_eq!(first.2, second.2);
    assert_eq!(post("b.csv").await.0, 422);
    assert_eq!(
        stage.get("alice", "/v1/files").await["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // Many at once under one name: one file.
    let url = format!("{}/v1/uploads", stage.stack.api_url());
    let requests = (0..10).map(|_| {
        let body = json!({"name": "c.csv", "size_bytes": 5});
        stage
            .http
            .post(&url)
            .bearer_auth(&token)
            .header("idempotency-key", "key 2")
            .json(&body)
            .send()
    });
    let statuses: Vec<u16> = futures::future::join_all(requests)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().status().as_u16())
        .collect();
    assert!(
        statuses.contains(&201) && statuses.iter().all(|status| [201, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(
        stage.get("alice", "/v1/files").await["files"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_quota_holds_for_many_at_once() {
    let quota = ("Default: 10000\n", "Default: 7\n");
    let stage = Stage::with(&[quota]).await;
    let body = json!({"name": "a.csv", "size_bytes": 5});
    let requests = (0..20).map(|_| stage.api("alice", "POST", "/v1/uploads", Some(&body)));
    let answers = futures::future::join_all(requests).await;
    let taken = answers.iter().filter(|answer| answer.status() == 201).count();
    assert_eq!(taken, 7);
    for refused in answers.iter().filter(|answer| answer.status() != 201) {
        assert_eq!(refused.status(), 429);
        let seconds: u64 = refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=86_400).contains(&seconds));
    }
}
