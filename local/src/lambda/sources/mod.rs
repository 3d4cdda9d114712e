//! Event source mappings: Lambda reads queues and streams itself, and hands what it reads to functions in
//! batches.

mod batch;
mod failure;
mod mappings;
mod positions;
mod queue;
mod record;
mod stream;

use bytes::Bytes;
use serde_json::Value;

pub(crate) use mappings::Mappings;

/// The ids in `batchItemFailures`; `None` when the answer is not of that shape, or has an empty id, which fails
/// the whole batch.
/// Reference: <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
fn item_failures(payload: &Bytes) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(payload).ok()?;
    let items = match answer.get("batchItemFailures") {
        Some(Value::Null) | None => return (answer.is_null() || answer.is_object()).then(Vec::new),
        Some(items) => items.as_array()?,
    };
    let id = |item: &Value| {
        let id = item.get("itemIdentifier")?.as_str()?;
        (!id.is_empty()).then(|| id.to_owned())
    };
    items.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_failures_are_read() {
        let read = |text: &'static str| item_failures(&Bytes::from_static(text.as_bytes()));
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#),
            Some(vec!["a".to_owned()])
        );
        assert_eq!(read("null"), Some(vec![]));
        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(read(r#"{"batchItemFailures":null}"#), Some(vec![]));
        assert_eq!(read(r#"{"batchItemFailures":[{}]}"#), None);
        assert_eq!(read(r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#), None);
        assert_eq!(read("\"x\""), None);
    }
}
