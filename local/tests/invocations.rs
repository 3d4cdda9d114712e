//! Processes, the Runtime API and the Invoke API, over a real binary.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use bytes::Bytes;
use http::StatusCode;
use local::{Data, FunctionError, InvokeError, Invoked, Notes, Options, Stack, Start, Status};
use serde_json::{Value, json};
use support::{send, signed, start};

fn json_of(payload: &Bytes) -> Value {
    serde_json::from_slice(payload).unwrap()
}

fn error_of(invoked: &Invoked) -> (Value, Status) {
    let error: &FunctionError = invoked.outcome.as_ref().unwrap_err();
    (json_of(&error.payload), invoked.report.status.clone())
}

#[tokio::test]
async fn a_process_serves_one_event_after_the_other() {
    let stack = start("functions.yaml").await;
    let first = stack.invoke("plain", r#"{"n":1}"#).await.unwrap();
    assert_eq!(json_of(first.outcome.as_ref().unwrap()), json!({"n": 1}));
    assert!(matches!(first.report.start, Start::Cold(init) if init > Duration::ZERO));
    let second = stack.invoke("Plain", r#"{"n":2}"#).await.unwrap();
    assert_eq!(json_of(second.outcome.as_ref().unwrap()), json!({"n": 2}));
    assert_eq!(second.report.start, Start::Warm);
    assert_eq!(first.report.pid, second.report.pid);
    assert_eq!(stack.pids("plain").len(), 1);
    assert!(second.report.max_memory_mb > 0 && second.report.max_memory_mb < 128);
    assert_ne!(first.request_id, second.request_id);
    stack.shutdown().await;
}

#[tokio::test]
async fn the_environment_is_lambdas_and_nothing_is_inherited() {
    let stack = start("functions.yaml").await;
    let answer = stack.invoke("plain", r#"{"do":"env"}"#).await.unwrap();
    let environment = json_of(answer.outcome.as_ref().unwrap());
    for (name, expected) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "plain"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/plain"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", stack.aws_endpoint()),
        ("_HANDLER", "bootstrap"),
        ("STAGE", "test"),
        ("NEXT_FUNCTION", "once"),
        ("NEXT_ARN", "arn:aws:lambda:us-east-1:000000000000:function:once"),
        ("PASSWORD", "open sesame"),
        ("BUCKET", "inbox"),
        (
            "QUEUE_URL",
            &format!("{}/000000000000/failures", stack.aws_endpoint()),
        ),
    ] {
        assert_eq!(environment[name], expected, "{name}");
    }
    for inherited in ["HOME", "CARGO", "CARGO_MANIFEST_DIR", "USER"] {
        assert!(environment.get(inherited).is_none(), "{inherited}");
    }
    let headers = stack.invoke("plain", r#"{"do":"headers"}"#).await.unwrap();
    let headers = json_of(headers.outcome.as_ref().unwrap());
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:plain";
    assert_eq!(headers["lambda-runtime-invoked-function-arn"], arn);
    let deadline: i64 = headers["lambda-runtime-deadline-ms"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let left = deadline - jiff::Timestamp::now().as_millisecond();
    assert!((15_000..=20_000).contains(&left), "{left} ms left of 20 s");
    stack.shutdown().await;
}

#[tokio::test]
async fn a_generated_secret_is_kept_and_told_to_the_function_alone() {
    let folder = tempfile::tempdir().unwrap();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let sink = notes.clone();
        let options = Options {
            data: Data::Folder(folder.path().to_owned()),
            notes: Notes::to(move |note| sink.lock().unwrap().push(note.to_owned())),
            ..support::options("functions.yaml")
        };
        let stack = Stack::start(options).await.unwrap();
        let answer = stack.invoke("plain", r#"{"do":"env"}"#).await.unwrap();
        let environment = json_of(answer.outcome.as_ref().unwrap());
        let key = environment["SIGNING_KEY"].as_str().unwrap().to_owned();
        assert_eq!(key.len(), 64);
        assert!(key.chars().all(|one| one.is_ascii_alphanumeric()), "{key}");
        assert!(!format!("{:?} {:?}", stack.template(), answer.report).contains(&key));
        seen.push(key);
        stack.shutdown().await;
    }
    assert_eq!(seen[0], seen[1]);
    assert!(notes.lock().unwrap().iter().all(|note| !note.contains(&seen[0])));
}

#[tokio::test]
async fn an_error_is_the_functions_own_and_the_process_lives() {
    let stack = start("functions.yaml").await;
    let invoked = stack.invoke("plain", r#"{"do":"fail"}"#).await.unwrap();
    let (payload, status) = error_of(&invoked);
    assert_eq!(payload["errorType"], "Fake.Error");
    assert_eq!(payload["errorMessage"], "told to fail");
    assert_eq!(status, Status::Error("Fake.Error".to_owned()));
    assert_eq!(
        stack.invoke("plain", "{}").await.unwrap().report.start,
        Start::Warm
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_crash_is_reported_and_the_next_event_finds_a_new_process() {
    let stack = start("functions.yaml").await;
    for (code, expected) in [
        (3, "Runtime exited with error: exit status 3"),
        (0, "Runtime exited without providing a reason"),
    ] {
        let invoked = stack
            .invoke("plain", json!({"do": "exit", "code": code}).to_string())
            .await
            .unwrap();
        let (payload, status) = error_of(&invoked);
        assert_eq!(payload["errorType"], "Runtime.ExitError");
        let message = format!("RequestId: {} Error: {expected}", invoked.request_id);
        assert_eq!(payload["errorMessage"], message);
        assert_eq!(status, Status::Error("Runtime.ExitError".to_owned()));
    }
    assert!(matches!(
        stack.invoke("plain", "{}").await.unwrap().report.start,
        Start::Cold(_)
    ));
    stack.shutdown().await;
}

#[tokio::test]
async fn a_process_killed_from_outside_is_replaced() {
    let stack = start("functions.yaml").await;
    stack.invoke("plain", "{}").await.unwrap();
    let pids = stack.pids("plain");
    let kill = |pid: u32| {
        std::process::Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap()
    };
    assert!(kill(pids[0]).success());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (invoked, ()) = tokio::join!(stack.invoke("plain", r#"{"do":"sleep","ms":10000}"#), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let pids = stack.pids("plain");
        assert_eq!(pids.len(), 1);
        assert!(kill(pids[0]).success());
    });
    let (payload, _) = error_of(&invoked.unwrap());
    assert!(
        payload["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Runtime exited with error: signal: killed")
    );
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_is_killed_at_its_timeout() {
    let stack = start("functions.yaml").await;
    let begin = Instant::now();
    let invoked = stack.invoke("short", r#"{"do":"hang"}"#).await.unwrap();
    let took = begin.elapsed();
    let (payload, status) = error_of(&invoked);
    assert_eq!(status, Status::Timeout);
    assert_eq!(payload["errorType"], "Sandbox.Timedout");
    let message = format!(
        "RequestId: {} Error: Task timed out after 1.00 seconds",
        invoked.request_id
    );
    assert_eq!(payload["errorMessage"], message);
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(5),
        "{took:?}"
    );
    assert!(stack.pids("short").is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_function_is_killed_at_its_memory_limit() {
    let stack = start("functions.yaml").await;
    let invoked = stack.invoke("plain", r#"{"do":"hog"}"#).await.unwrap();
    let (payload, status) = error_of(&invoked);
    assert_eq!(status, Status::OutOfMemory);
    assert_eq!(payload["errorType"], "Runtime.ExitError");
    assert!(
        payload["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Runtime exited with error: signal: killed")
    );
    assert!(invoked.report.max_memory_mb >= 128);
    assert!(stack.pids("plain").is_empty());
    stack.shutdown().await;
}

#[tokio::test]
async fn a_process_that_cannot_start_is_reported() {
    let stack = start("functions.yaml").await;
    for (function, kind, message) in [
        ("bad-init", "Init.Bad", "cannot start"),
        (
            "exit-init",
            "Runtime.ExitError",
            "Runtime exited with error: exit status 7",
        ),
        (
            "not-built",
            "Runtime.InvalidEntrypoint",
            "there_is_no_such_binary",
        ),
    ] {
        let (payload, _) = error_of(&stack.invoke(function, "{}").await.unwrap());
        assert_eq!(payload["errorType"], kind);
        assert!(
            payload["errorMessage"].as_str().unwrap().contains(message),
            "{payload}"
        );
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn events_at_the_same_time_get_processes_of_their_own_up_to_the_cap() {
    let stack = start("functions.yaml").await;
    let event = r#"{"do":"sleep","ms":400}"#;
    let many = futures::future::join_all((0..6).map(|_| stack.invoke("plain", event))).await;
    let throttled = many
        .iter()
        .filter(|one| matches!(one, Err(InvokeError::Throttled(_))))
        .count();
    assert_eq!((many.len() - throttled, throttled), (4, 2));
    assert_eq!(stack.pids("plain").len(), 4);
    let two = futures::future::join_all((0..2).map(|_| stack.invoke("single", event))).await;
    assert_eq!(two.iter().filter(|one| one.is_ok()).count(), 1);
    // One after the other there is always room.
    for _ in 0..5 {
        stack.invoke("single", "{}").await.unwrap();
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn a_streamed_response_is_taken_and_a_large_one_refused() {
    let stack = start("functions.yaml").await;
    let streamed = stack.invoke("plain", r#"{"do":"stream"}"#).await.unwrap();
    assert_eq!(
        json_of(streamed.outcome.as_ref().unwrap()),
        json!({"in": "chunks"})
    );
    let large = stack
        .invoke("plain", r#"{"do":"big","bytes":6000000}"#)
        .await
        .unwrap();
    assert_eq!(large.outcome.unwrap().len(), 6_000_002);
    let (payload, _) = error_of(
        &stack
            .invoke("plain", r#"{"do":"big","bytes":6291456}"#)
            .await
            .unwrap(),
    );
    assert_eq!(payload["errorType"], "Function.ResponseSizeTooLarge");
    stack.shutdown().await;
}

#[tokio::test]
async fn the_invoke_api_speaks_as_lambda_does() {
    let stack = start("functions.yaml").await;
    let url = |name: &str| format!("{}/2015-03-31/functions/{name}/invocations", stack.aws_endpoint());
    let post = |name: &str| signed("POST", url(name), "lambda");

    let log = post("plain").header("x-amz-log-type", "Tail");
    let answer = send(log, r#"{"do":"log","line":"hello there"}"#).await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, b"null".as_slice())
    );
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    let tail = base64::engine::general_purpose::STANDARD
        .decode(answer.header("x-amz-log-result"))
        .unwrap();
    let tail = String::from_utf8(tail).unwrap();
    for part in [
        "START RequestId: ",
        "hello there\n",
        "to stderr: hello there\n",
        "REPORT plain",
    ] {
        assert!(tail.contains(part), "{part:?} in {tail}");
    }

    let failed = send(post("plain"), r#"{"do":"fail"}"#).await;
    assert_eq!(
        (failed.status, failed.header("x-amz-function-error")),
        (StatusCode::OK, "Unhandled")
    );
    let by_arn = send(
        post("arn:aws:lambda:us-east-1:000000000000:function:plain:$LATEST"),
        "",
    )
    .await;
    assert_eq!(by_arn.json(), json!({}));
    let dry = send(post("plain").header("x-amz-invocation-type", "DryRun"), "{}").await;
    assert_eq!(dry.status, StatusCode::NO_CONTENT);

    for (name, kind, body, status, error) in [
        (
            "nobody",
            "RequestResponse",
            "{}".to_owned(),
            404,
            "ResourceNotFoundException",
        ),
        (
            "plain",
            "RequestResponse",
            "{not json".to_owned(),
            400,
            "InvalidRequestContentException",
        ),
        (
            "plain",
            "Sometimes",
            "{}".to_owned(),
            400,
            "InvalidParameterValueException",
        ),
        (
            "plain",
            "Event",
            format!("\"{}\"", "x".repeat(1024 * 1024)),
            413,
            "RequestTooLargeException",
        ),
        (
            "plain",
            "RequestResponse",
            format!("\"{}\"", "x".repeat(6 * 1024 * 1024)),
            413,
            "RequestTooLargeException",
        ),
    ] {
        let answer = send(post(name).header("x-amz-invocation-type", kind), body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-amzn-errortype")),
            (status, error)
        );
    }
    stack.shutdown().await;
}

#[tokio::test]
async fn the_invoke_api_throttles_and_describes_functions() {
    let stack = start("functions.yaml").await;
    let url = |name: &str| format!("{}/2015-03-31/functions/{name}/invocations", stack.aws_endpoint());
    let post = |name: &str| signed("POST", url(name), "lambda");
    let busy = stack.invoke("single", r#"{"do":"sleep","ms":600}"#);
    let (_, throttled) = tokio::join!(busy, async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        send(post("single"), "{}").await
    });
    assert_eq!(throttled.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(throttled.header("x-amzn-errortype"), "TooManyRequestsException");

    let unsigned = http::Request::builder().method("POST").uri(url("plain"));
    assert_eq!(send(unsigned, "{}").await.status, StatusCode::FORBIDDEN);
    let got = send(
        signed(
            "GET",
            format!("{}/2015-03-31/functions/plain", stack.aws_endpoint()),
            "lambda",
        ),
        "",
    )
    .await;
    assert_eq!(got.json()["Configuration"]["MemorySize"], 128);
    let all = send(
        signed(
            "GET",
            format!("{}/2015-03-31/functions/", stack.aws_endpoint()),
            "lambda",
        ),
        "",
    )
    .await;
    assert_eq!(all.json()["Functions"].as_array().unwrap().len(), 9);
    stack.shutdown().await;
}

#[tokio::test]
async fn a_process_that_never_asks_for_an_event_is_killed() {
    let stack = start("functions.yaml").await;
    let begin = Instant::now();
    let (payload, status) = error_of(&stack.invoke("hang-init", "{}").await.unwrap());
    assert_eq!(
        (status, &payload["errorType"]),
        (Status::Timeout, &json!("Sandbox.Timedout"))
    );
    assert!(begin.elapsed() >= Duration::from_secs(10));
    assert!(stack.pids("hang-init").is_empty());
    stack.shutdown().await;
}
