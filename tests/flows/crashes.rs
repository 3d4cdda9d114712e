//! kill -9 half-way, once and for ever.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use shared::store::Location;
use tests::{PATIENCE, Stage, csv};

/// Waits until the file is being worked on, and has been for a moment.
async fn at_work(stage: &Stage, attempt: u64) -> Value {
    let started = Instant::now();
    loop {
        let files = stage.get("alice", "/v1/files").await;
        let file = &files["files"][0];
        if file["status"] == "processing"
            && file["attempts"] == attempt
            && !stage.stack.pids("Tables").is_empty()
        {
            return file.clone();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "never saw attempt {attempt} at work: {files}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_function_killed_half_way_is_retried_and_nothing_of_it_stays() {
    let mut stage = Stage::new().await;
    stage
        .put(
            &Location::new(stage.uploads(), "tables/alice/calls.csv"),
            csv(600_000),
        )
        .await;
    at_work(&stage, 1).await;
    assert_eq!(stage.kill("Tables"), 1);
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(2)),
        "{file}"
    );
    assert_eq!(file["report"]["rows_written"], 600_000);
    assert!(
        stage.result_keys().await.iter().all(|key| key.contains("/2/")),
        "only the second attempt's outputs"
    );
    let attempts: Vec<_> = stage
        .attempts()
        .into_iter()
        .filter(|report| report.function.ends_with("tables"))
        .collect();
    assert_eq!(
        attempts.iter().map(|report| report.attempt).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(
        attempts[0].request_id, attempts[1].request_id,
        "a retry is the same invocation"
    );
}

#[tokio::test]
async fn a_crash_loop_ends_in_the_failure_destination_and_the_record_says_so() {
    // A short time-out: the lease of an attempt that died lasts as long as the attempt might have.
    let stage = Stage::with(&[("Timeout: 900", "Timeout: 10")]).await;
    stage
        .put(
            &Location::new(stage.uploads(), "tables/alice/calls.csv"),
            csv(600_000),
        )
        .await;
    for attempt in 1..=3 {
        at_work(&stage, attempt).await;
        assert_eq!(stage.kill("Tables"), 1);
    }
    stage.stack.idle().await;
    let sqs = format!("{}/", stage.stack.aws_endpoint());
    let queue = stage.queue("Failures");
    let message = receive(&stage, &sqs, queue).await;
    assert_eq!(
        message["requestContext"]["condition"], "RetriesExhausted",
        "{message}"
    );
    assert_eq!(message["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(
        message["requestPayload"]["Records"][0]["s3"]["object"]["key"],
        "tables/alice/calls.csv"
    );

    let started = Instant::now();
    let failed = loop {
        let file = stage.get("alice", "/v1/files").await["files"][0].clone();
        if file["status"] == "failed" {
            break file;
        }
        assert!(started.elapsed() < PATIENCE, "{file}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (&failed["failure"]["code"], &failed["attempts"]),
        (&json!("attempt-lost"), &json!(3)),
        "{failed}"
    );

    // What went to the failure destination can be sent again.
    let payload = message["requestPayload"].to_string();
    stage.stack.invoke("Tables", payload).await.unwrap();
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["attempts"]),
        (&json!("done"), &json!(4)),
        "{file}"
    );
    assert!(stage.result_keys().await.iter().all(|key| key.contains("/4/")));
}

/// Takes one message from a queue, as its JSON body.
async fn receive(stage: &Stage, sqs: &str, queue: &str) -> Value {
    let answer = stage
        .http
        .post(sqs)
        .header("x-amz-target", "AmazonSQS.ReceiveMessage")
        .header("content-type", "application/x-amz-json-1.0")
        .header("authorization", "AWS4-HMAC-SHA256 Credential=local/20261121/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
        .body(json!({"QueueUrl": format!("{sqs}000000000000/{queue}"), "WaitTimeSeconds": 5}).to_string())
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    let body = answer["Messages"][0]["Body"]
        .as_str()
        .unwrap_or_else(|| panic!("no message: {text}"));
    serde_json::from_str(body).unwrap()
}

/// More than anybody takes in within two seconds: a gigabyte, the same rows again in each gzip member.
fn many_rows() -> Vec<u8> {
    let text = csv(500_000);
    let (header, rows) = text.split_once('\n').unwrap();
    let member = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let header = member(format!("{header}\n").as_bytes());
    [header, member(rows.as_bytes()).repeat(30)].concat()
}

#[tokio::test]
async fn work_stops_before_the_time_out_and_the_record_says_so() {
    let stage = Stage::with(&[
        ("Timeout: 900", "Timeout: 2"),
        ("MaximumRetryAttempts: 2", "MaximumRetryAttempts: 0"),
    ])
    .await;
    stage
        .put(
            &Location::new(stage.uploads(), "tables/alice/calls.csv.gz"),
            many_rows(),
        )
        .await;
    stage.stack.idle().await;
    let file = &stage.get("alice", "/v1/files").await["files"][0];
    assert_eq!(
        (&file["status"], &file["failure"]["code"]),
        (&json!("failed"), &json!("deadline")),
        "{file}"
    );
    assert!(stage.result_keys().await.is_empty());
    assert_eq!(stage.unfinished_results().await, 0);
}
