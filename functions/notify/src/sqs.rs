//! The deliveries' queue in SQS.

use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::SendMessageBatchRequestEntry,
};
use shared::store::{StoreError, StoreErrorKind};

use crate::delivery::{Delivery, Queue, batches};

/// The most that one request sends, in bytes: less than the 256 KiB that every queue takes.
const MAX_BATCH_BYTES: usize = 240 << 10;

/// A queue in SQS.
#[derive(Debug, Clone)]
pub(crate) struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    pub(crate) const fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    async fn send_batch(&self, messages: Vec<String>) -> Result<(), StoreError> {
        let operation = "SendMessageBatch";
        let refused =
            |message: String| StoreError::new(StoreErrorKind::Unavailable, operation, &self.url, message);
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (index, message) in messages.into_iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_body(message)
                .build()
                .map_err(|error| refused(error.to_string()))?;
            request = request.entries(entry);
        }
        let answer = request
            .send()
            .await
            .map_err(|error| store_error(operation, &self.url, &error))?;
        match answer.failed.first() {
            None => Ok(()),
            Some(failed) => Err(refused(format!(
                "{}: {}",
                failed.code,
                failed.message.as_deref().unwrap_or("no message")
            ))),
        }
    }
}

impl Queue for SqsQueue {
    async fn send(&self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let messages = deliveries
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<_, _>>()
            .map_err(|error| {
                StoreError::new(
                    StoreErrorKind::Malformed,
                    "SendMessageBatch",
                    &self.url,
                    error.to_string(),
                )
            })?;
        for batch in batches(messages, MAX_BATCH_BYTES) {
            self.send_batch(batch).await?;
        }
        Ok(())
    }

    async fn put_off(&self, receipt_handle: &str, seconds: u32) -> Result<(), StoreError> {
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds).unwrap_or(i32::MAX))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("ChangeMessageVisibility", &self.url, &error))
    }
}

/// Says what an error of the SDK means: trying again helps, unless the request was refused.
fn store_error<E>(operation: &'static str, queue: &str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let kind = match error.raw_response().map(|response| response.status().as_u16()) {
        Some(400..500) => StoreErrorKind::Refused,
        _ => StoreErrorKind::Unavailable,
    };
    let message = match error.code() {
        Some(code) => format!("{code}: {}", error.message().unwrap_or("no message")),
        None => error.to_string(),
    };
    StoreError::new(kind, operation, queue, message)
}
