//! Asynchronous invocations: retries, destinations, queues that trigger, and what survives a stop.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod support;

use std::time::{Duration, Instant};

use http::StatusCode;
use local::{Data, Options, Stack, Start, Status};
use serde_json::{Value, json};
use support::{drain, options, report, send, signed, sqs, start};

#[tokio::test]
async fn a_failing_event_is_retried_twice_and_its_record_delivered() {
    let stack = Stack::start(Options {
        retry_delay: Duration::from_millis(100),
        ..options("functions.yaml")
    });
    let stack = stack.await.unwrap();
    let mut reports = stack.reports();
    let url = format!("{}/2015-03-31/functions/plain/invocations", stack.aws_endpoint());
    let begin = Instant::now();
    let accepted = send(
        signed("POST", url, "lambda").header("x-amz-invocation-type", "Event"),
        r#"{"do":"fail","n":1}"#,
    )
    .await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let id = accepted.header("x-amzn-requestid").to_owned();
    for attempt in 1..=3 {
        let report = report(&mut reports).await;
        assert_eq!((report.attempt, &report.request_id), (attempt, &id));
        assert_eq!(report.status, Status::Error("Fake.Error".to_owned()));
    }
    stack.idle().await;
    let took = begin.elapsed();
    assert!(
        took >= Duration::from_millis(300),
        "the pauses are 100 and 200 ms, not {took:?}"
    );
    let records = drain(&stack, "failures").await;
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["version"], "1.0");
    assert_eq!(
        record["requestContext"],
        json!({
            "requestId": id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:plain:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3
        })
    );
    assert_eq!(record["requestPayload"], json!({"do": "fail", "n": 1}));
    assert_eq!(record["responsePayload"]["errorType"], "Fake.Error");
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_crash_loop_ends_in_the_failure_destination() {
    let stack = start("functions.yaml").await;
    let mut reports = stack.reports();
    stack.invoke_event("plain", r#"{"do":"exit","code":9}"#).unwrap();
    stack.idle().await;
    for _ in 0..3 {
        let report = report(&mut reports).await;
        assert!(
            matches!(report.start, Start::Cold(_)),
            "a crashed process does not come back"
        );
    }
    let records = drain(&stack, "failures").await;
    let message = records[0]["responsePayload"]["errorMessage"].as_str().unwrap();
    assert!(
        message.ends_with("Runtime exited with error: exit status 9"),
        "{message}"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn the_templates_retries_and_success_destination_count() {
    let stack = start("functions.yaml").await;
    let mut reports = stack.reports();
    stack.invoke_event("once", r#"{"do":"fail"}"#).unwrap();
    stack.invoke_event("once", r#"{"fine":true}"#).unwrap();
    stack.idle().await;
    let attempts = [
        report(&mut reports).await.attempt,
        report(&mut reports).await.attempt,
    ];
    assert_eq!(attempts, [1, 1]);
    assert!(reports.try_recv().is_err());
    assert_eq!(
        drain(&stack, "failures").await[0]["requestContext"]["approximateInvokeCount"],
        1
    );
    let success = &drain(&stack, "successes").await[0];
    assert_eq!(success["requestContext"]["condition"], "Success");
    assert_eq!(success["responsePayload"], json!({"fine": true}));
    assert!(success["responseContext"].get("functionError").is_none());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_hands_on_to_another_as_any_other_caller() {
    let stack = start("functions.yaml").await;
    let mut reports = stack.reports();
    let order = |with: Value| json!({"do": "invoke", "with": with}).to_string();
    let answer = stack.invoke("plain", order(json!({"do": "fail"}))).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.outcome.unwrap()).unwrap();
    stack.invoke("plain", order(json!({"n": 7}))).await.unwrap();
    stack.idle().await;
    let mut once = Vec::new();
    while let Ok(report) = reports.try_recv() {
        if report.function == "once" {
            once.push((report.request_id, report.attempt));
        }
    }
    assert_eq!(once.len(), 2, "no retries: {once:?}");
    let failed = drain(&stack, "failures").await;
    assert_eq!(failed[0]["requestContext"]["requestId"], answer["requestId"]);
    assert_eq!(failed[0]["requestPayload"], json!({"do": "fail"}));
    let done = drain(&stack, "successes").await;
    assert_eq!(done[0]["responsePayload"], json!({"n": 7}));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_throttle_is_no_attempt() {
    let stack = start("functions.yaml").await;
    let mut reports = stack.reports();
    for _ in 0..5 {
        stack.invoke_event("single", r#"{"do":"sleep","ms":50}"#).unwrap();
    }
    stack.idle().await;
    let mut pids = Vec::new();
    for _ in 0..5 {
        let report = report(&mut reports).await;
        assert_eq!((report.attempt, report.status), (1, Status::Success));
        pids.push(report.pid);
    }
    pids.dedup();
    assert_eq!(pids.len(), 1, "one process took them one after the other");
    stack.shutdown().await;
}

#[tokio::test]
async fn events_that_are_not_over_survive_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let persistent = || Options {
        data: Data::Folder(folder.path().to_owned()),
        ..options("functions.yaml")
    };
    let stack = Stack::start(persistent()).await.unwrap();
    let id = stack
        .invoke_event("plain", r#"{"do":"sleep","ms":60000}"#)
        .unwrap();
    // Waits for a free process behind the four that sleep.
    let more: Vec<String> = (0..5)
        .map(|_| {
            stack
                .invoke_event("plain", r#"{"do":"sleep","ms":3000}"#)
                .unwrap()
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begin = Instant::now();
    let killed = stack.pids("plain");
    stack.shutdown().await;
    assert!(begin.elapsed() < Duration::from_secs(4));
    for pid in killed {
        let alive = std::process::Command::new("kill")
            .args(["-0", &pid.to_string()])
            .output()
            .unwrap();
        assert!(!alive.status.success(), "process {pid} outlived the stack");
    }
    // The sleeper of a minute would hold the test up: its function is killed at 20 s, so look at one report
    // of each and no further.
    let stack = Stack::start(persistent()).await.unwrap();
    let mut reports = stack.reports();
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..5 {
        let report = report(&mut reports).await;
        assert_eq!((report.attempt, &report.status), (1, &Status::Success));
        seen.push(report.request_id);
    }
    seen.sort();
    let mut expected = more;
    expected.sort();
    assert_eq!(seen, expected);
    assert!(!seen.contains(&id));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_queue_triggers_its_function() {
    let stack = start("functions.yaml").await;
    let mut reports = stack.reports();
    let url = format!("{}/000000000000/work", stack.aws_endpoint());
    sqs(
        &stack,
        "SendMessage",
        json!({"QueueUrl": url, "MessageBody": "one"}),
    )
    .await;
    let done = report(&mut reports).await;
    assert_eq!(
        (done.function.as_str(), done.status),
        ("consumer", Status::Success)
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let input = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let attributes = sqs(&stack, "GetQueueAttributes", input).await.json();
    assert_eq!(attributes["Attributes"]["ApproximateNumberOfMessages"], "0");
    assert_eq!(
        attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"],
        "0"
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn the_queue_api_speaks_as_sqs_does() {
    let stack = start("functions.yaml").await;
    let url = format!("{}/000000000000/failures", stack.aws_endpoint());
    let listed = sqs(&stack, "ListQueues", json!({"QueueNamePrefix": "fail"}))
        .await
        .json();
    assert_eq!(listed["QueueUrls"], json!([url]));
    let found = sqs(&stack, "GetQueueUrl", json!({"QueueName": "failures"}))
        .await
        .json();
    assert_eq!(found["QueueUrl"], json!(url));
    let sent = sqs(
        &stack,
        "SendMessage",
        json!({"QueueUrl": url, "MessageBody": "This is a test message",
        "MessageAttributes": {"A": {"DataType": "String", "StringValue": "x"}}}),
    );
    let sent = sent.await.json();
    assert_eq!(sent["MD5OfMessageBody"], "fafb00f5732ab283681e124bf8747ed1");
    let receive = json!({"QueueUrl": url, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]});
    let received = sqs(&stack, "ReceiveMessage", receive).await.json();
    let message = &received["Messages"][0];
    assert_eq!(message["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"]);
    assert_eq!(message["Attributes"]["ApproximateReceiveCount"], "1");
    let handle = message["ReceiptHandle"].as_str().unwrap();
    let hidden = sqs(&stack, "ReceiveMessage", json!({"QueueUrl": url}))
        .await
        .json();
    assert_eq!(hidden, json!({}));
    let change = json!({"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 0});
    assert_eq!(
        sqs(&stack, "ChangeMessageVisibility", change).await.status,
        StatusCode::OK
    );
    let again = sqs(&stack, "ReceiveMessage", json!({"QueueUrl": url}))
        .await
        .json();
    let handle = again["Messages"][0]["ReceiptHandle"].as_str().unwrap();
    let entries = json!([{"Id": "a", "ReceiptHandle": handle}, {"Id": "b", "ReceiptHandle": "nonsense"}]);
    let deleted = sqs(
        &stack,
        "DeleteMessageBatch",
        json!({"QueueUrl": url, "Entries": entries}),
    )
    .await
    .json();
    assert_eq!(deleted["Successful"], json!([{"Id": "a"}]));
    assert_eq!(deleted["Failed"][0]["Id"], "b");

    let refused = |answer: &support::Answer| -> (u16, Value, String) {
        (
            answer.status.as_u16(),
            answer.json()["__type"].clone(),
            answer.header("x-amzn-query-error").to_owned(),
        )
    };
    let missing = sqs(&stack, "GetQueueUrl", json!({"QueueName": "none"})).await;
    assert_eq!(
        refused(&missing),
        (
            400,
            json!("com.amazonaws.sqs#QueueDoesNotExist"),
            "AWS.SimpleQueueService.NonExistentQueue;Sender".to_owned()
        )
    );
    for (operation, input, kind) in [
        ("SendMessage", json!({"QueueUrl": url}), "MissingParameter"),
        (
            "ReceiveMessage",
            json!({"QueueUrl": url, "MaxNumberOfMessages": 11}),
            "InvalidParameterValue",
        ),
        (
            "DeleteMessage",
            json!({"QueueUrl": url, "ReceiptHandle": "x"}),
            "ReceiptHandleIsInvalid",
        ),
        ("Whatever", json!({"QueueUrl": url}), "UnsupportedOperation"),
    ] {
        let answer = sqs(&stack, operation, input).await;
        assert_eq!(
            refused(&answer).1,
            json!(format!("com.amazonaws.sqs#{kind}")),
            "{operation}"
        );
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn an_event_that_is_too_old_is_given_up_without_an_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let persistent = || Options {
        data: Data::Folder(folder.path().to_owned()),
        ..options("functions.yaml")
    };
    Stack::start(persistent()).await.unwrap().shutdown().await;
    let journal = rusqlite::Connection::open(folder.path().join("lambda.sqlite")).unwrap();
    let long_ago = jiff::Timestamp::now().as_millisecond() - 7 * 60 * 60 * 1000;
    let row = rusqlite::params!["old", "plain", b"{}".as_slice(), long_ago];
    journal
        .execute("INSERT INTO pending VALUES (?1, ?2, ?3, ?4, 0, NULL)", row)
        .unwrap();
    drop(journal);
    let stack = Stack::start(persistent()).await.unwrap();
    stack.idle().await;
    let record = &drain(&stack, "failures").await[0];
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
    assert!(stack.pids("plain").is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_service_that_is_not_served_is_named() {
    let stack = start("functions.yaml").await;
    let other = send(signed("POST", format!("{}/", stack.aws_endpoint()), "sts"), "").await;
    assert_eq!(other.status, StatusCode::NOT_IMPLEMENTED);
    assert_eq!(other.json()["message"], "the local stack does not serve sts");
    stack.shutdown().await;
}

#[tokio::test]
async fn two_stacks_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let persistent = || Options {
        data: Data::Folder(folder.path().to_owned()),
        ..options("functions.yaml")
    };
    let first = Stack::start(persistent()).await.unwrap();
    let Err(error) = Stack::start(persistent()).await else {
        panic!("two stacks on one folder");
    };
    assert!(
        format!("{error:#}").contains("another local stack runs on"),
        "{error:#}"
    );
    first.shutdown().await;
    Stack::start(persistent()).await.unwrap().shutdown().await;
}
