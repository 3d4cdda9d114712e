//! How an invocation ended, in Lambda's own shapes.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// The answer of a function, or the error in its place.
pub type Outcome = Result<Bytes, FunctionError>;

/// A function that failed: what `X-Amz-Function-Error` announces.
#[derive(Clone, Debug)]
pub struct FunctionError {
    /// `errorType`: the function's own, `Sandbox.Timedout` or `Runtime.ExitError` and the like.
    pub kind: String,
    /// The JSON document that the invoker gets: `errorType` and `errorMessage` at least.
    pub payload: Bytes,
}

impl FunctionError {
    fn new(kind: &str, message: &str) -> Self {
        let payload = json!({ "errorType": kind, "errorMessage": message });
        Self {
            kind: kind.to_owned(),
            payload: Bytes::from(payload.to_string()),
        }
    }

    /// What the function itself reported through the Runtime API. A body that is no JSON is put into one.
    pub(crate) fn reported(header: Option<&str>, payload: Bytes) -> Self {
        let document: Option<Value> = serde_json::from_slice(&payload).ok();
        let named = document
            .as_ref()
            .and_then(|document| document.get("errorType"))
            .and_then(Value::as_str);
        let kind = named.or(header).unwrap_or("Runtime.UnknownReason").to_owned();
        if document.is_some() {
            Self { kind, payload }
        } else {
            Self::new(&kind, &String::from_utf8_lossy(&payload))
        }
    }

    pub(crate) fn timed_out(request_id: &str, limit: Duration) -> Self {
        let seconds = limit.as_secs_f64();
        Self::new(
            "Sandbox.Timedout",
            &format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"),
        )
    }

    /// The process ended before it answered; `None` for one that was killed for its memory, which Lambda
    /// reports as any other kill.
    pub(crate) fn exited(request_id: &str, status: Option<ExitStatus>) -> Self {
        let reason = exit_reason(status);
        Self::new(
            "Runtime.ExitError",
            &format!("RequestId: {request_id} Error: {reason}"),
        )
    }

    pub(crate) fn not_started(request_id: &str, problem: &str) -> Self {
        Self::new(
            "Runtime.InvalidEntrypoint",
            &format!("RequestId: {request_id} Error: {problem}"),
        )
    }

    pub(crate) fn response_too_large(size: usize, limit: usize) -> Self {
        Self::new(
            "Function.ResponseSizeTooLarge",
            &format!(
                "Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
            ),
        )
    }

    /// `errorMessage` of the payload, without the request id that Lambda puts in front: for one line of a log.
    #[must_use]
    pub fn message(&self) -> String {
        let document: Option<Value> = serde_json::from_slice(&self.payload).ok();
        let message = document
            .as_ref()
            .and_then(|document| document.get("errorMessage"));
        let message = message.and_then(Value::as_str).unwrap_or_default();
        let bare = message
            .strip_prefix("RequestId: ")
            .and_then(|rest| rest.split_once(" Error: "));
        bare.map_or(message, |(_, bare)| bare).to_owned()
    }
}

fn exit_reason(status: Option<ExitStatus>) -> String {
    let Some(status) = status else {
        return "Runtime exited with error: signal: killed".to_owned();
    };
    match (status.code(), signal(status)) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(number)) => format!("Runtime exited with error: signal: {}", signal_name(number)),
        (None, None) => "Runtime exited with error: signal: killed".to_owned(),
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

/// The words that Lambda (a Go program) uses for signals.
fn signal_name(number: i32) -> String {
    match number {
        4 => "illegal instruction".to_owned(),
        6 => "aborted".to_owned(),
        8 => "floating point exception".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        15 => "terminated".to_owned(),
        other => other.to_string(),
    }
}
