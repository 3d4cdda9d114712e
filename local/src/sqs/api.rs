//! The JSON protocol of SQS (`x-amz-target: AmazonSQS.…`), which the SDKs and the AWS CLI speak since 2023.
//! Reference: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::messages::{Received, Sent, Sqs};
use crate::serve::{self, Body, Handler};
use crate::template::{ACCOUNT_ID, Queue, queue_arn};

/// 1 MiB since 2025, and room for what JSON adds to it.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// The start of the `x-amz-target` header.
pub(crate) const TARGET: &str = "AmazonSQS.";

struct SqsError {
    kind: &'static str,
    /// The older protocol's name, which SDKs of today still show.
    query_code: &'static str,
    message: String,
}

type Answer = Result<Value, SqsError>;

impl From<anyhow::Error> for SqsError {
    fn from(error: anyhow::Error) -> Self {
        Self {
            kind: "InternalError",
            query_code: "InternalError",
            message: format!("{error:#}"),
        }
    }
}

fn invalid(message: impl Into<String>) -> SqsError {
    let code = "InvalidParameterValue";
    SqsError {
        kind: code,
        query_code: code,
        message: message.into(),
    }
}

fn bad_receipt(receipt: &str) -> SqsError {
    SqsError {
        kind: "ReceiptHandleIsInvalid",
        query_code: "ReceiptHandleIsInvalid",
        message: format!("The input receipt handle \"{receipt}\" is not a valid receipt handle."),
    }
}

pub(crate) fn handler(sqs: Arc<Sqs>, endpoint: String) -> Handler {
    serve::handler(move |request| {
        let (sqs, endpoint) = (sqs.clone(), endpoint.clone());
        async move { answer(&sqs, &endpoint, request).await }
    })
}

async fn answer(sqs: &Sqs, endpoint: &str, request: Request<Body>) -> Response<Body> {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let operation = target
        .and_then(|target| target.strip_prefix(TARGET))
        .unwrap_or_default()
        .to_owned();
    let input = match serve::read(request.into_body(), MAX_REQUEST_BYTES).await {
        Ok(Some(body)) => {
            serde_json::from_slice(&body).map_err(|error| invalid(format!("not JSON: {error}")))
        }
        Ok(None) => Err(invalid(format!(
            "the request is longer than {MAX_REQUEST_BYTES} bytes"
        ))),
        Err(error) => Err(invalid(error.to_string())),
    };
    let answer = match input {
        Ok(input) => perform(sqs, endpoint, &operation, &input).await,
        Err(error) => Err(error),
    };
    let (status, body, code) = match answer {
        Ok(body) => (StatusCode::OK, body, None),
        Err(error) => {
            let internal = error.kind == "InternalError";
            let status = if internal {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::BAD_REQUEST
            };
            let kind = format!("com.amazonaws.sqs#{}", error.kind);
            let fault = if internal { "Receiver" } else { "Sender" };
            let code = format!("{};{fault}", error.query_code);
            (
                status,
                json!({ "__type": kind, "message": error.message }),
                Some(code),
            )
        }
    };
    let mut response = serve::typed(status, "application/x-amz-json-1.0", body.to_string());
    let id = uuid::Uuid::new_v4().to_string();
    for (name, value) in [("x-amzn-requestid", Some(id)), ("x-amzn-query-error", code)] {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

async fn perform(sqs: &Sqs, endpoint: &str, operation: &str, input: &Value) -> Answer {
    let url = |name: &str| format!("{endpoint}/{ACCOUNT_ID}/{name}");
    match operation {
        "ListQueues" => {
            let prefix = text(input, "QueueNamePrefix").unwrap_or_default();
            let urls: Vec<String> = sqs
                .names()
                .filter(|name| name.starts_with(prefix))
                .map(|name| url(name))
                .collect();
            return Ok(json!({ "QueueUrls": urls }));
        }
        "GetQueueUrl" => {
            let queue = find(sqs, text(input, "QueueName").unwrap_or_default())?;
            return Ok(json!({ "QueueUrl": url(&queue.name) }));
        }
        _ => {}
    }
    let queue_url = text(input, "QueueUrl").ok_or_else(|| SqsError {
        kind: "MissingParameter",
        query_code: "MissingParameter",
        message: "The request must contain the parameter QueueUrl.".to_owned(),
    })?;
    // Clients in containers reach the stack by other host names: only the last part counts.
    let queue = find(sqs, queue_url.rsplit('/').next().unwrap_or_default())?;
    match operation {
        "SendMessage" => send(sqs, queue, input).map(|sent| sent_json(&sent)),
        "SendMessageBatch" => batch(input, |entry| {
            send(sqs, queue, entry).map(|sent| sent_json(&sent))
        }),
        "ReceiveMessage" => receive(sqs, queue, input).await,
        "DeleteMessage" => delete(sqs, queue, input),
        "DeleteMessageBatch" => batch(input, |entry| delete(sqs, queue, entry)),
        "ChangeMessageVisibility" => change_visibility(sqs, queue, input),
        "ChangeMessageVisibilityBatch" => batch(input, |entry| change_visibility(sqs, queue, entry)),
        "PurgeQueue" => {
            sqs.purge(queue)?;
            Ok(json!({}))
        }
        "GetQueueAttributes" => attributes(sqs, queue, input),
        _ => Err(SqsError {
            kind: "UnsupportedOperation",
            query_code: "AWS.SimpleQueueService.UnsupportedOperation",
            message: format!("the local stack does not serve SQS {operation:?}"),
        }),
    }
}

fn find<'a>(sqs: &'a Sqs, name: &str) -> Result<&'a Queue, SqsError> {
    sqs.queue(name).ok_or_else(|| SqsError {
        kind: "QueueDoesNotExist",
        query_code: "AWS.SimpleQueueService.NonExistentQueue",
        message: "The specified queue does not exist.".to_owned(),
    })
}

fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key)?.as_str()
}

fn number(input: &Value, key: &str, least: u64, most: u64) -> Result<Option<u64>, SqsError> {
    match input.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(format!(
                "Value {value} for parameter {key} is invalid. Reason: Must be between {least} and {most}, if provided."
            ))),
        },
    }
}

fn send(sqs: &Sqs, queue: &Queue, input: &Value) -> Result<Sent, SqsError> {
    let body = text(input, "MessageBody")
        .filter(|body| !body.is_empty())
        .ok_or_else(|| SqsError {
            kind: "MissingParameter",
            query_code: "MissingParameter",
            message: "The request must contain the parameter MessageBody.".to_owned(),
        })?;
    if body.len() > MAX_MESSAGE_BYTES {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {MAX_MESSAGE_BYTES} bytes."
        )));
    }
    let empty = Map::new();
    let attributes = input
        .get("MessageAttributes")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    Ok(sqs.send(queue, body, attributes, number(input, "DelaySeconds", 0, 900)?)?)
}

fn sent_json(sent: &Sent) -> Value {
    let mut answer = json!({ "MessageId": sent.id, "MD5OfMessageBody": sent.md5_of_body });
    if let (Some(md5), Some(map)) = (&sent.md5_of_attributes, answer.as_object_mut()) {
        map.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
    }
    answer
}

async fn receive(sqs: &Sqs, queue: &Queue, input: &Value) -> Answer {
    let most = number(input, "MaxNumberOfMessages", 1, 10)?.unwrap_or(1);
    let hide = number(input, "VisibilityTimeout", 0, 43_200)?.unwrap_or(queue.visibility_timeout_seconds);
    let wait = number(input, "WaitTimeSeconds", 0, 20)?.unwrap_or(queue.receive_wait_seconds);
    let most = usize::try_from(most).unwrap_or(10);
    let received = sqs.receive(queue, most, hide, Duration::from_secs(wait)).await?;
    let names = |keys: [&str; 2]| -> Vec<String> {
        let lists = keys
            .iter()
            .filter_map(|key| input.get(*key).and_then(Value::as_array));
        lists
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let system = names(["AttributeNames", "MessageSystemAttributeNames"]);
    let own = names(["MessageAttributeNames", ""]);
    let messages: Vec<Value> = received
        .iter()
        .map(|message| message_json(message, &system, &own))
        .collect();
    Ok(if messages.is_empty() {
        json!({})
    } else {
        json!({ "Messages": messages })
    })
}

fn message_json(message: &Received, system: &[String], own: &[String]) -> Value {
    let mut json = json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": super::checksums::of_body(&message.body),
        "Body": message.body,
    });
    let Some(map) = json.as_object_mut() else {
        return json;
    };
    let mut shown = message.system_attributes();
    shown.retain(|name, _| system.iter().any(|wanted| wanted == "All" || wanted == name));
    if !shown.is_empty() {
        map.insert("Attributes".to_owned(), Value::Object(shown));
    }
    let wanted = |name: &String| {
        own.iter().any(|wanted| {
            wanted == "All"
                || wanted == ".*"
                || wanted == name
                || wanted
                    .strip_suffix(".*")
                    .is_some_and(|start| name.starts_with(start))
        })
    };
    let mut attributes = message.attributes.clone();
    attributes.retain(|name, _| wanted(name));
    if let Some(md5) = super::checksums::of_attributes(&attributes) {
        map.insert("MD5OfMessageAttributes".to_owned(), json!(md5));
        map.insert("MessageAttributes".to_owned(), Value::Object(attributes));
    }
    json
}

impl Received {
    /// `SentTimestamp` and its like, all as texts.
    pub(crate) fn system_attributes(&self) -> Map<String, Value> {
        Map::from_iter([
            ("SenderId".to_owned(), json!(ACCOUNT_ID)),
            ("SentTimestamp".to_owned(), json!(self.sent_ms.to_string())),
            (
                "ApproximateReceiveCount".to_owned(),
                json!(self.receive_count.to_string()),
            ),
            (
                "ApproximateFirstReceiveTimestamp".to_owned(),
                json!(self.first_received_ms.to_string()),
            ),
        ])
    }

    /// For the record that a triggered function gets.
    pub(crate) fn md5_of_body(&self) -> String {
        super::checksums::of_body(&self.body)
    }
}

fn delete(sqs: &Sqs, queue: &Queue, input: &Value) -> Answer {
    let receipt = text(input, "ReceiptHandle").unwrap_or_default();
    if sqs.delete(queue, receipt)? {
        Ok(json!({}))
    } else {
        Err(bad_receipt(receipt))
    }
}

fn change_visibility(sqs: &Sqs, queue: &Queue, input: &Value) -> Answer {
    let receipt = text(input, "ReceiptHandle").unwrap_or_default();
    let Some(seconds) = number(input, "VisibilityTimeout", 0, 43_200)? else {
        return Err(invalid("VisibilityTimeout is missing"));
    };
    if sqs.hide(queue, receipt, seconds)? {
        Ok(json!({}))
    } else {
        Err(bad_receipt(receipt))
    }
}

/// Runs one operation for each entry, and answers with both lists.
fn batch(input: &Value, one: impl Fn(&Value) -> Answer) -> Answer {
    let entries = input
        .get("Entries")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    if entries.is_empty() || entries.len() > 10 {
        let empty = entries.is_empty();
        let kind = if empty {
            "EmptyBatchRequest"
        } else {
            "TooManyEntriesInBatchRequest"
        };
        let query_code = if empty {
            "AWS.SimpleQueueService.EmptyBatchRequest"
        } else {
            "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
        };
        return Err(SqsError {
            kind,
            query_code,
            message: "a batch has 1 to 10 entries".to_owned(),
        });
    }
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in entries {
        let id = text(entry, "Id").unwrap_or_default();
        match one(entry) {
            Ok(mut answer) => {
                if let Some(map) = answer.as_object_mut() {
                    map.insert("Id".to_owned(), json!(id));
                }
                successful.push(answer);
            }
            Err(error) => failed.push(json!({
                "Id": id, "Code": error.query_code, "Message": error.message, "SenderFault": true,
            })),
        }
    }
    Ok(json!({ "Successful": successful, "Failed": failed }))
}

fn attributes(sqs: &Sqs, queue: &Queue, input: &Value) -> Answer {
    let counts = sqs.counts(queue)?;
    let mut all: Map<String, Value> = [
        ("ApproximateNumberOfMessages", counts.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible", counts.hidden.to_string()),
        ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
        ("DelaySeconds", queue.delay_seconds.to_string()),
        ("MaximumMessageSize", MAX_MESSAGE_BYTES.to_string()),
        ("MessageRetentionPeriod", queue.retention_seconds.to_string()),
        ("QueueArn", queue_arn(&queue.name)),
        (
            "ReceiveMessageWaitTimeSeconds",
            queue.receive_wait_seconds.to_string(),
        ),
        ("VisibilityTimeout", queue.visibility_timeout_seconds.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), Value::String(value)))
    .collect();
    if let Some(redrive) = &queue.redrive {
        let policy = json!({
            "deadLetterTargetArn": queue_arn(&redrive.queue), "maxReceiveCount": redrive.max_receive_count,
        });
        all.insert("RedrivePolicy".to_owned(), Value::String(policy.to_string()));
    }
    let wanted: Vec<&str> = input
        .get("AttributeNames")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !wanted.contains(&"All") {
        all.retain(|name, _| wanted.contains(&name.as_str()));
    }
    Ok(json!({ "Attributes": all }))
}
