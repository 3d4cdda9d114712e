//! Asynchronous invocations: accepted at once, tried at once, retried with a growing pause, and handed to their
//! destination at the end.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::runtime::Handle;

use super::destination::{Condition, Ending, record};
use super::journal::{Journal, Pending};
use super::pool::Invocation;
use super::service::{Active, InvokeError, Lambda, Wait};
use crate::notes::Notes;
use crate::sqs::Sqs;
use crate::template::{Destination, Function};

/// See the module.
pub(crate) struct AsyncQueue {
    lambda: Arc<Lambda>,
    journal: Journal,
    sqs: Arc<Sqs>,
    /// The pause before the second attempt; before the third it is twice that (on Lambda 1 and 2 minutes).
    retry_delay: Duration,
    notes: Notes,
    runtime: Handle,
}

impl AsyncQueue {
    pub(crate) fn new(
        lambda: Arc<Lambda>,
        journal: Journal,
        sqs: Arc<Sqs>,
        retry_delay: Duration,
        notes: Notes,
    ) -> Arc<Self> {
        Arc::new(Self {
            lambda,
            journal,
            sqs,
            retry_delay,
            notes,
            runtime: Handle::current(),
        })
    }

    /// Goes on with what an earlier run of the stack left; gives how many events these are.
    pub(crate) fn resume(self: &Arc<Self>) -> Result<usize> {
        let mut resumed = 0;
        for event in self.journal.pending()? {
            if self.lambda.function(&event.function).is_none() {
                self.notes.say(&format!(
                    "an event of an earlier run waits for function {}, which is no longer there: dropped",
                    event.function
                ));
                self.journal.remove(&event.id)?;
                continue;
            }
            resumed += 1;
            self.start(event);
        }
        Ok(resumed)
    }

    /// Accepts an event: it is on disk when this returns. Gives the request id.
    pub(crate) fn accept(self: &Arc<Self>, function: &str, payload: Bytes) -> Result<String, InvokeError> {
        let found = self.lambda.function(function);
        let function = found
            .ok_or_else(|| InvokeError::NotFound(function.to_owned()))?
            .name
            .clone();
        let event = Pending {
            id: uuid::Uuid::new_v4().to_string(),
            function,
            payload,
            accepted_ms: Timestamp::now().as_millisecond(),
            attempts: 0,
            last_error: None,
        };
        let id = event.id.clone();
        if let Err(error) = self.journal.insert(&event) {
            // It still runs now; only a restart would not know of it.
            self.notes
                .say(&format!("cannot write event {id} down: {error:#}"));
        }
        self.start(event);
        Ok(id)
    }

    fn start(self: &Arc<Self>, event: Pending) {
        let active = self.lambda.activate();
        let queue = self.clone();
        self.runtime
            .spawn(async move { queue.drive(event, active).await });
    }

    async fn drive(self: Arc<Self>, mut event: Pending, active: Active) {
        let Some(function) = self.lambda.function(&event.function).cloned() else {
            return;
        };
        let config = &function.event_invoke;
        let age_ms = i64::try_from(config.maximum_event_age.as_millis()).unwrap_or(i64::MAX);
        let expires_ms = event.accepted_ms.saturating_add(age_ms);
        let is_off = self
            .lambda
            .pool(&event.function)
            .is_some_and(|pool| pool.is_off());
        let (condition, response) = loop {
            // A reserved concurrency of zero sends events on without an attempt.
            if is_off || event.attempts > config.maximum_retry_attempts {
                break (Condition::RetriesExhausted, event.last_error.clone());
            }
            let left_ms = expires_ms.saturating_sub(Timestamp::now().as_millisecond());
            let Ok(left) = u64::try_from(left_ms) else {
                break (Condition::EventAgeExceeded, event.last_error.clone());
            };
            if event.attempts > 0 {
                let pause = self.retry_delay * 2_u32.saturating_pow(event.attempts - 1);
                tokio::select! {
                    () = tokio::time::sleep(pause.min(Duration::from_millis(left))) => {}
                    // The journal keeps the event for the next start of the stack.
                    () = self.lambda.stopping() => return,
                }
            }
            match self.attempt(&event).await {
                Ok(Ok(response)) => break (Condition::Success, Some(response)),
                Ok(Err(error)) => {
                    event.attempts += 1;
                    if let Err(problem) = self.journal.failed(&event.id, event.attempts, &error) {
                        self.notes
                            .say(&format!("cannot write event {} down: {problem:#}", event.id));
                    }
                    event.last_error = Some(error);
                }
                // The stack stops: as above.
                Err(_) => return,
            }
        };
        self.finish(&function, &event, condition, response.as_ref());
        if let Err(error) = self.journal.remove(&event.id) {
            self.notes.say(&format!(
                "event {} may run again after a restart: {error:#}",
                event.id
            ));
        }
        drop(active);
    }

    /// Waits for a slot (a throttle counts as no attempt) and runs the event once.
    async fn attempt(&self, event: &Pending) -> Result<Result<Bytes, Bytes>, InvokeError> {
        let invocation = Invocation {
            request_id: event.id.clone(),
            call: event.payload.clone().into(),
            attempt: event.attempts + 1,
        };
        let invoked = self.lambda.run(&event.function, invocation, Wait::Always).await?;
        Ok(invoked.outcome.map_err(|error| error.payload))
    }

    fn finish(
        self: &Arc<Self>,
        function: &Function,
        event: &Pending,
        condition: Condition,
        response: Option<&Bytes>,
    ) {
        let config = &function.event_invoke;
        let destination = match condition {
            Condition::Success => config.on_success.as_ref(),
            Condition::RetriesExhausted | Condition::EventAgeExceeded => config.on_failure.as_ref(),
        };
        let attempts = event.attempts + u32::from(condition == Condition::Success);
        let ending = Ending {
            condition,
            request_id: &event.id,
            function_arn: &function.arn,
            attempts,
            request: &event.payload,
            response,
        };
        let Some(destination) = destination else {
            if condition != Condition::Success {
                self.notes.say(&format!(
                    "{} gave up on {} after {attempts} attempts, and has no OnFailure destination: the event is lost",
                    function.name, event.id
                ));
            }
            return;
        };
        let record = record(&ending, Timestamp::now()).to_string();
        let (sent, name) = match destination {
            Destination::Queue(queue) => (
                self.sqs
                    .deliver(queue, &record)
                    .map(drop)
                    .map_err(|error| error.to_string()),
                queue,
            ),
            Destination::Function(name) => (
                self.accept(name, Bytes::from(record))
                    .map(drop)
                    .map_err(|error| error.to_string()),
                name,
            ),
        };
        match sent {
            Ok(()) if condition == Condition::Success => {}
            Ok(()) => self.notes.say(&format!(
                "{} gave up on {} after {attempts} attempts: its record is in {name}",
                function.name, event.id
            )),
            Err(error) => self.notes.say(&format!(
                "cannot deliver the record of {} to {name}: {error}",
                event.id
            )),
        }
    }
}
