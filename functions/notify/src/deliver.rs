//! The deliveries' queue: from a message to an endpoint's answer.

use std::time::Instant;

use futures::{StreamExt as _, stream};
use shared::{
    store::{StoreError, endpoints::Endpoints},
    time::UnixMillis,
    webhook::{Endpoint, Targets},
};

use crate::{
    backoff::Backoff,
    delivery::{Delivery, Queue},
    event::Message,
    post::{Answer, Post, SignedRequest, Verdict},
};

/// How many deliveries of one batch are under way at the same time: all of a batch of 10, so that one takes as long as
/// the client waits for an answer, twice that for a batch of 20. The function's time-out has to leave room for it.
pub const CONCURRENT: usize = 10;

/// Delivers.
#[derive(Debug, Clone)]
pub struct Courier<E, Q, P> {
    /// Where deliveries go, and what they are signed with.
    pub endpoints: E,
    /// Where they come from.
    pub queue: Q,
    /// What sends them.
    pub post: P,
    /// Where they may go.
    pub targets: Targets,
    /// How long a failed one waits.
    pub backoff: Backoff,
    /// The clock.
    pub now: fn() -> UnixMillis,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// The queue forgets it.
    Over,
    /// It comes back.
    ComesBack,
}

impl<E: Endpoints, Q: Queue, P: Post> Courier<E, Q, P> {
    /// Delivers messages; gives the ids of those that are to come back.
    pub async fn deliver(&self, messages: Vec<Message>) -> Vec<String> {
        stream::iter(messages)
            .map(|message| async move {
                let fate = self.see_to(&message).await;
                (fate == Fate::ComesBack).then_some(message.id)
            })
            .buffer_unordered(CONCURRENT)
            .filter_map(async |id| id)
            .collect()
            .await
    }

    async fn see_to(&self, message: &Message) -> Fate {
        let delivery: Delivery = match serde_json::from_str(&message.body) {
            Ok(delivery) => delivery,
            Err(error) => {
                // It ends among the undelivered, where somebody can look at it.
                tracing::error!(%error, message_id = message.id, "the message cannot be understood; refused");
                self.put_off(message, 0).await;
                return Fate::ComesBack;
            }
        };
        let endpoint = match self
            .endpoints
            .endpoint(&delivery.owner, delivery.endpoint_id)
            .await
        {
            Ok(Some(endpoint)) => endpoint,
            Ok(None) => {
                let (file_id, endpoint_id) = (delivery.file_id, delivery.endpoint_id);
                tracing::info!(%file_id, %endpoint_id, outcome = "dropped", "the endpoint was deleted");
                return Fate::Over;
            }
            Err(error) => return self.come_back_after(message, &delivery, &error).await,
        };
        self.attempt(message, &delivery, &endpoint).await
    }

    /// One try at an endpoint, and one line about it.
    async fn attempt(&self, message: &Message, delivery: &Delivery, endpoint: &Endpoint) -> Fate {
        let started = Instant::now();
        let answer = match self.targets.check(&endpoint.url) {
            Err(refusal) => Answer::Refused(refusal),
            Ok(url) => {
                let (id, timestamp) = (delivery.webhook_id.clone(), (self.now)().as_seconds());
                let signature = endpoint.secret.sign(&id, timestamp, delivery.body.as_bytes());
                self.post
                    .post(SignedRequest {
                        url,
                        id,
                        timestamp,
                        signature,
                        body: delivery.body.clone(),
                    })
                    .await
            }
        };
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (file_id, endpoint_id, webhook_id) = (delivery.file_id, endpoint.id, &delivery.webhook_id);
        let (attempt, status) = (message.receive_count, answer.status());
        match answer.verdict() {
            Verdict::Delivered => {
                tracing::info!(%file_id, %endpoint_id, webhook_id, attempt, status, duration_ms, outcome = "delivered", "delivered");
                Fate::Over
            }
            Verdict::Gone => {
                tracing::warn!(%file_id, %endpoint_id, webhook_id, attempt, status, duration_ms, outcome = "gone", "the endpoint says that it is gone; deleted");
                self.delete(message, delivery).await
            }
            Verdict::Undeliverable(refusal) => {
                tracing::warn!(%file_id, %endpoint_id, webhook_id, attempt, duration_ms, outcome = "dropped", "the endpoint's url {refusal}");
                Fate::Over
            }
            Verdict::Retry(wish) => {
                let seed = format!("{webhook_id} {endpoint_id}");
                let wait_seconds = self.backoff.wait(attempt, &seed, wish);
                let problem = match &answer {
                    Answer::None(problem) => problem.as_str(),
                    _ => "the endpoint's answer is no success",
                };
                tracing::warn!(%file_id, %endpoint_id, webhook_id, attempt, status, duration_ms, wait_seconds, outcome = "failed", "{problem}");
                self.put_off(message, wait_seconds).await;
                Fate::ComesBack
            }
        }
    }

    async fn delete(&self, message: &Message, delivery: &Delivery) -> Fate {
        match self
            .endpoints
            .unregister(&delivery.owner, delivery.endpoint_id)
            .await
        {
            Ok(_) => Fate::Over,
            // The next try asks the endpoint again.
            Err(error) => self.come_back_after(message, delivery, &error).await,
        }
    }

    /// A store failed us: the endpoint is not to blame, and the message waits as if it were.
    async fn come_back_after(&self, message: &Message, delivery: &Delivery, error: &StoreError) -> Fate {
        let (file_id, endpoint_id) = (delivery.file_id, delivery.endpoint_id);
        let attempt = message.receive_count;
        tracing::error!(%file_id, %endpoint_id, attempt, %error, outcome = "failed", "the delivery could not be made");
        let seed = format!("{} {endpoint_id}", delivery.webhook_id);
        self.put_off(message, self.backoff.wait(attempt, &seed, None))
            .await;
        Fate::ComesBack
    }

    /// If it cannot be put off, it comes back when the queue's own visibility time-out is over.
    async fn put_off(&self, message: &Message, seconds: u32) {
        if let Err(error) = self.queue.put_off(&message.receipt_handle, seconds).await {
            tracing::warn!(%error, message_id = message.id, "the message could not be put off");
        }
    }
}
