//! A function that speaks the Runtime API with nothing but the standard library, and misbehaves when told to.
//! The integration tests start it as every function of their templates.
//!
//! The event is an object whose `do` says what to do: `echo` (the default) answers with the event, `fail`
//! reports an error, `exit` ends the process, `hang` never answers, `hog` takes memory, `sleep` waits `ms`,
//! `stream` answers in chunks, `respond` answers with `with`, `env` answers with the environment, `big` answers
//! with `bytes` bytes, `log` writes `line` first. In an S3 event the key's first part says it, in an HTTP request
//! the JSON of the body.
//!
//! `invoke` hands `with` to the function that `NEXT_FUNCTION` names, asynchronously.
//!
//! A batch of a queue or a stream is written to stdout as one line. Each record says what to do in its body or its
//! image: `fail` fails the batch, `item` is answered as a failed item, `hide` too, after its message was hidden for
//! `seconds`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

#[expect(
    clippy::disallowed_methods,
    reason = "the environment is what Lambda tells a runtime with"
)]
#[expect(clippy::too_many_lines, reason = "one list of what it can be told")]
fn main() -> Result<ExitCode, Failure> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API")?;
    let (host, base) = (api.as_str(), "/2018-06-01/runtime");
    match std::env::var("INIT").as_deref() {
        Ok("fail") => {
            let error = json!({"errorType": "Init.Bad", "errorMessage": "cannot start"}).to_string();
            call(host, "POST", &format!("{base}/init/error"), &[], error.as_bytes())?;
            return Ok(ExitCode::from(1));
        }
        Ok("exit") => return Ok(ExitCode::from(7)),
        Ok("hang") => std::thread::sleep(Duration::from_mins(1)),
        _ => {}
    }
    loop {
        let (headers, event) = call(host, "GET", &format!("{base}/invocation/next"), &[], b"")?;
        let request_id = header(&headers, "lambda-runtime-aws-request-id").ok_or("no request id")?;
        let respond = |body: &[u8]| {
            call(
                host,
                "POST",
                &format!("{base}/invocation/{request_id}/response"),
                &[],
                body,
            )
        };
        let mut event: Value = serde_json::from_slice(&event)?;
        let source = event.pointer("/Records/0/eventSource").and_then(Value::as_str);
        if matches!(source, Some("aws:sqs" | "aws:dynamodb")) {
            if let Some(answer) = batch(&event)? {
                respond(answer.to_string().as_bytes())?;
            } else {
                let path = format!("{base}/invocation/{request_id}/error");
                let error = json!({"errorType": "Fake.Error", "errorMessage": "told to fail"});
                call(host, "POST", &path, &[], error.to_string().as_bytes())?;
            }
            continue;
        }
        // An HTTP request whose body is an order: the order counts.
        let order = event
            .get("body")
            .and_then(Value::as_str)
            .and_then(|body| serde_json::from_str(body).ok());
        if let Some(order @ Value::Object(_)) = order {
            event = order;
        }
        let key = event.pointer("/Records/0/s3/object/key").and_then(Value::as_str);
        let action = match (event.get("do").and_then(Value::as_str), key) {
            (Some(action), _) => action.to_owned(),
            (None, Some(key)) => key.split('/').next().unwrap_or_default().to_owned(),
            (None, None) => "echo".to_owned(),
        };
        let number = |name: &str| event.get(name).and_then(Value::as_u64).unwrap_or_default();
        match action.as_str() {
            "fail" => {
                let error =
                    json!({"errorType": "Fake.Error", "errorMessage": "told to fail", "event": event});
                let path = format!("{base}/invocation/{request_id}/error");
                let kind = [("Lambda-Runtime-Function-Error-Type", "Fake.Error")];
                call(host, "POST", &path, &kind, error.to_string().as_bytes())?;
            }
            "exit" => return Ok(ExitCode::from(u8::try_from(number("code")).unwrap_or(1))),
            "hang" => loop {
                std::thread::sleep(Duration::from_mins(1));
            },
            "hog" => {
                let mut held = Vec::new();
                loop {
                    held.push(vec![1_u8; 4 * 1024 * 1024]);
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            "sleep" => {
                std::thread::sleep(Duration::from_millis(number("ms")));
                respond(event.to_string().as_bytes())?;
            }
            "stream" => {
                let path = format!("{base}/invocation/{request_id}/response");
                let mode = [
                    ("Lambda-Runtime-Function-Response-Mode", "streaming"),
                    ("Transfer-Encoding", "chunked"),
                ];
                call(
                    host,
                    "POST",
                    &path,
                    &mode,
                    b"6\r\n{\"in\":\r\n9\r\n\"chunks\"}\r\n0\r\n\r\n",
                )?;
            }
            "respond" => {
                respond(event.get("with").unwrap_or(&Value::Null).to_string().as_bytes())?;
            }
            "env" => {
                let variables: serde_json::Map<String, Value> = std::env::vars()
                    .map(|(name, value)| (name, Value::from(value)))
                    .collect();
                respond(Value::Object(variables).to_string().as_bytes())?;
            }
            "big" => {
                let bytes = usize::try_from(number("bytes"))?;
                respond(Value::from("x".repeat(bytes)).to_string().as_bytes())?;
            }
            "log" => {
                let line = event.get("line").and_then(Value::as_str).unwrap_or_default();
                writeln!(std::io::stdout(), "{line}")?;
                writeln!(std::io::stderr(), "to stderr: {line}")?;
                respond(b"null")?;
            }
            "invoke" => {
                let endpoint = std::env::var("AWS_ENDPOINT_URL")?;
                let host = endpoint.strip_prefix("http://").ok_or("no http endpoint")?;
                let path = format!(
                    "/2015-03-31/functions/{}/invocations",
                    std::env::var("NEXT_FUNCTION")?
                );
                let fields = [
                    ("x-amz-invocation-type", "Event"),
                    (
                        "authorization",
                        "AWS4-HMAC-SHA256 Credential=longshore/20260101/us-east-1/lambda/aws4_request, \
                         SignedHeaders=host, Signature=0",
                    ),
                ];
                let payload = event.get("with").unwrap_or(&Value::Null).to_string();
                let (headers, _) = call(host, "POST", &path, &fields, payload.as_bytes())?;
                respond(
                    json!({ "requestId": header(&headers, "x-amzn-requestid") })
                        .to_string()
                        .as_bytes(),
                )?;
            }
            "headers" => {
                let names: serde_json::Map<String, Value> = headers
                    .iter()
                    .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
                    .collect();
                respond(Value::Object(names).to_string().as_bytes())?;
            }
            _ => {
                respond(event.to_string().as_bytes())?;
            }
        }
    }
}

/// The answer to a batch; `None` when it is to fail.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment is what Lambda tells a function with"
)]
fn batch(event: &Value) -> Result<Option<Value>, Failure> {
    writeln!(std::io::stdout(), "{event}")?;
    let mut failures = Vec::new();
    for record in event
        .get("Records")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let body = record.get("body").and_then(Value::as_str).unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let image = ["NewImage", "OldImage"]
            .iter()
            .find_map(|image| record.pointer(&format!("/dynamodb/{image}/do/S")));
        let id = record
            .get("messageId")
            .or_else(|| record.pointer("/dynamodb/SequenceNumber"));
        match body.get("do").or(image).and_then(Value::as_str) {
            Some("fail") => return Ok(None),
            Some("item") => failures.push(json!({ "itemIdentifier": id })),
            Some("hide") => {
                let endpoint = std::env::var("AWS_ENDPOINT_URL")?;
                let host = endpoint.strip_prefix("http://").ok_or("no http endpoint")?;
                let arn = record
                    .get("eventSourceARN")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let queue = arn.rsplit(':').next().unwrap_or_default();
                let input = json!({
                    "QueueUrl": format!("{endpoint}/000000000000/{queue}"),
                    "ReceiptHandle": record.get("receiptHandle"), "VisibilityTimeout": body.get("seconds"),
                });
                let fields = [
                    ("x-amz-target", "AmazonSQS.ChangeMessageVisibility"),
                    (
                        "authorization",
                        "AWS4-HMAC-SHA256 Credential=longshore/20260101/us-east-1/sqs/aws4_request, \
                         SignedHeaders=host, Signature=0",
                    ),
                ];
                let (_, answer) = call(host, "POST", "/", &fields, input.to_string().as_bytes())?;
                writeln!(std::io::stdout(), "hidden: {}", String::from_utf8_lossy(&answer))?;
                failures.push(json!({ "itemIdentifier": id }));
            }
            _ => {}
        }
    }
    Ok(Some(json!({ "batchItemFailures": failures })))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(given, _)| given == name)
        .map(|(_, value)| value.as_str())
}

type Answer = (Vec<(String, String)>, Vec<u8>);

/// One HTTP/1.1 exchange on a connection of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's client of a server that the test trusts"
)]
fn call(
    host: &str,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, Failure> {
    let mut stream = TcpStream::connect(host)?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in fields {
        write!(head, "{name}: {value}\r\n")?;
    }
    if !fields.iter().any(|(name, _)| *name == "Transfer-Encoding") {
        write!(head, "Content-Length: {}\r\n", body.len())?;
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut content = Vec::new();
    reader.read_to_end(&mut content)?;
    Ok((headers, content))
}
