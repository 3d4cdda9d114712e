//! One notice on its way to one endpoint, as a message of the queue.

use serde::{Deserialize, Serialize};
use shared::{
    keys::{FileId, Owner},
    store::StoreError,
    webhook::EndpointId,
};

use crate::notice::Notice;

/// A message of the queue: what is told, and to which endpoint. Not its secret: that is read when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The value of `webhook-id`.
    pub webhook_id: String,
    /// Whose endpoint it is.
    pub owner: Owner,
    /// Which endpoint.
    pub endpoint_id: EndpointId,
    /// Which file it tells of.
    pub file_id: FileId,
    /// The document, exactly as it is signed and sent.
    pub body: String,
}

impl Delivery {
    /// A notice for an endpoint.
    #[must_use]
    pub fn new(notice: &Notice, endpoint_id: EndpointId) -> Self {
        Self {
            webhook_id: notice.webhook_id.clone(),
            owner: notice.owner.clone(),
            endpoint_id,
            file_id: notice.file_id,
            body: notice.body.clone(),
        }
    }
}

/// The deliveries' queue.
pub trait Queue: Send + Sync {
    /// Sends deliveries, all of them; what was sent before an error may come twice.
    fn send(&self, deliveries: &[Delivery]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Hides a message that was received until so many seconds from now.
    fn put_off(
        &self,
        receipt_handle: &str,
        seconds: u32,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Cuts messages into batches of at most 10 and at most `max_bytes` together, in order: `SendMessageBatch`'s limits
/// ("Amazon SQS message quotas"). A message that is larger by itself goes alone.
#[must_use]
pub fn batches(messages: Vec<String>, max_bytes: usize) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for message in messages {
        let fits = batches
            .last()
            .is_some_and(|batch| batch.len() < 10 && bytes + message.len() <= max_bytes);
        if !fits {
            batches.push(Vec::new());
            bytes = 0;
        }
        bytes += message.len();
        if let Some(batch) = batches.last_mut() {
            batch.push(message);
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batches_hold_every_message_once_in_order(
            sizes in prop::collection::vec(0usize..50, 0..60), max_bytes in 1usize..100,
        ) {
            let messages: Vec<String> = sizes.iter().map(|size| "x".repeat(*size)).collect();
            let batches = batches(messages.clone(), max_bytes);
            prop_assert_eq!(batches.concat(), messages);
            for batch in &batches {
                let bytes: usize = batch.iter().map(String::len).sum();
                prop_assert!((1..=10).contains(&batch.len()));
                prop_assert!(bytes <= max_bytes || batch.len() == 1, "{} bytes in {}", bytes, batch.len());
            }
        }
    }

    #[test]
    fn batches_are_not_smaller_than_they_need_be() {
        let lengths = |count, size, max| -> Vec<usize> {
            batches(vec!["x".repeat(size); count], max)
                .iter()
                .map(Vec::len)
                .collect()
        };
        assert_eq!(lengths(25, 1, 1000), [10, 10, 5]);
        assert_eq!(lengths(5, 100, 250), [2, 2, 1]);
        assert_eq!(lengths(0, 1, 1), [0; 0]);
    }
}
