//! The processes of one function: as many as invocations at the same time, up to a cap; kept warm for a while.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::environment;
use super::instance::{Instance, Pids, Surroundings};
use super::outcome::Outcome;
use super::report::{Report, Start, Status};
use crate::template::Function;

/// How long the answer waits for its process to ask for the next event, so that a caller who comes again at
/// once finds it free.
const SETTLE: Duration = Duration::from_millis(50);

/// How long an invocation waits for a process that is at work before it gets one more.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long what a process wrote may take to come out of its pipe.
const LOG_LAG: Duration = Duration::from_millis(5);

pub(super) struct Pool {
    pub(super) function: Function,
    surroundings: Arc<Surroundings>,
    slots: Arc<Semaphore>,
    /// For more invocations at the same time, when those of `slots` take their time.
    more_slots: Arc<Semaphore>,
    is_reserved: bool,
    idle: Mutex<Vec<(Instance, Instant)>>,
    pids: Pids,
}

/// What an invoker asks for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The event, JSON.
    pub(crate) payload: Bytes,
    /// `X-Amz-Client-Context`, decoded.
    pub(crate) client_context: Option<String>,
    /// Whether the invoker wants to see the end of the log.
    pub(crate) wants_log: bool,
}

impl From<Bytes> for Call {
    fn from(payload: Bytes) -> Self {
        Self {
            payload,
            client_context: None,
            wants_log: false,
        }
    }
}

/// One event for a function.
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) call: Call,
    /// 1 for the first.
    pub(super) attempt: u32,
}

/// What came of it.
pub(super) struct Served {
    pub(super) outcome: Outcome,
    pub(super) report: Report,
    pub(super) log_tail: String,
}

impl Pool {
    /// `soon` processes are started as they are needed, up to `most` of them when the others take long. Both
    /// are local caps; `ReservedConcurrentExecutions` may lower them.
    pub(super) fn new(function: Function, soon: usize, most: usize, surroundings: Arc<Surroundings>) -> Self {
        let reserved = function
            .reserved_concurrency
            .and_then(|reserved| usize::try_from(reserved).ok());
        let is_reserved = reserved.is_some_and(|reserved| reserved <= most);
        let most = reserved.map_or(most, |reserved| reserved.min(most));
        let soon = soon.min(most);
        Self {
            function,
            surroundings,
            slots: Arc::new(Semaphore::new(soon)),
            more_slots: Arc::new(Semaphore::new(most - soon)),
            is_reserved,
            idle: Mutex::default(),
            pids: Pids::default(),
        }
    }

    /// What a process of this function is told that the stack does not start itself.
    pub(super) fn variables(&self, runtime_api: &str, task_root: &Path) -> BTreeMap<String, String> {
        let instance = uuid::Uuid::new_v4().simple().to_string();
        let Surroundings {
            aws_endpoint,
            credentials,
            ..
        } = &*self.surroundings;
        environment::variables(
            &self.function,
            &instance,
            runtime_api,
            aws_endpoint,
            credentials,
            task_root,
        )
    }

    /// Whether `ReservedConcurrentExecutions: 0` says that it is never to run.
    pub(super) fn is_off(&self) -> bool {
        self.function.reserved_concurrency == Some(0)
    }

    /// Whether the template itself, and not the local cap, says how many may run.
    pub(super) fn is_reserved(&self) -> bool {
        self.is_reserved
    }

    /// A slot, if one is free now.
    pub(super) fn try_slot(&self) -> Option<OwnedSemaphorePermit> {
        let slot = self.slots.clone().try_acquire_owned();
        slot.or_else(|_| self.more_slots.clone().try_acquire_owned()).ok()
    }

    /// A slot, as soon as one is free. Short invocations, however many, share a few processes: a laptop has few
    /// cores, and the next process that is free is sooner there than a new one. Long ones get more.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        if self.has_idle()
            && let Ok(slot) = self.more_slots.clone().try_acquire_owned()
        {
            return Some(slot);
        }
        let mut slot = std::pin::pin!(self.slots.clone().acquire_owned());
        if let Ok(slot) = tokio::time::timeout(PATIENCE, slot.as_mut()).await {
            return slot.ok();
        }
        tokio::select! {
            slot = slot => slot.ok(),
            slot = self.more_slots.clone().acquire_owned() => slot.ok(),
        }
    }

    fn has_idle(&self) -> bool {
        !self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.pids.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs one event in a warm process, or in a new one.
    pub(super) async fn run(self: Arc<Self>, invocation: Invocation, slot: OwnedSemaphorePermit) -> Served {
        let request_id = invocation.request_id.clone();
        let (mut instance, start) = if let Some(instance) = self.take_idle() {
            instance.tail.clear();
            (instance, Start::Warm)
        } else {
            let (surroundings, pids) = (self.surroundings.clone(), self.pids.clone());
            match Instance::start(&self.function, surroundings, pids, &request_id).await {
                Ok((instance, init)) => (instance, Start::Cold(init)),
                Err((error, status, init)) => {
                    let mut report = self.report(&invocation, status, Start::Cold(init));
                    report.message = Some(error.message());
                    return Served {
                        outcome: Err(error),
                        report,
                        log_tail: String::new(),
                    };
                }
            }
        };
        let call = invocation.call.clone();
        let arn = &self.function.arn;
        let ended = instance
            .invoke(&request_id, call.payload, arn, call.client_context)
            .await;
        let report = Report {
            message: ended
                .outcome
                .as_ref()
                .err()
                .map(super::outcome::FunctionError::message),
            duration: ended.duration,
            max_memory_mb: instance.peak_mb(),
            pid: Some(instance.pid),
            ..self.report(&invocation, ended.status, start)
        };
        let tail = instance.tail.clone();
        if ended.reusable {
            let (done, settled) = tokio::sync::oneshot::channel();
            tokio::spawn(async move {
                self.give_back(instance).await;
                drop(slot);
                let _ = done.send(());
            });
            let _ = tokio::time::timeout(SETTLE, settled).await;
        }
        if call.wants_log {
            tokio::time::sleep(LOG_LAG).await;
        }
        Served {
            outcome: ended.outcome,
            report,
            log_tail: tail.text(),
        }
    }

    fn report(&self, invocation: &Invocation, status: Status, start: Start) -> Report {
        Report {
            function: self.function.name.clone(),
            request_id: invocation.request_id.clone(),
            status,
            message: None,
            duration: Duration::ZERO,
            memory_mb: self.function.memory_mb,
            max_memory_mb: 0,
            start,
            attempt: invocation.attempt,
            pid: None,
        }
    }

    fn take_idle(&self) -> Option<Instance> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The one that served last: the others get a chance to be reaped.
        while let Some((mut instance, _)) = idle.pop() {
            if instance.is_alive() {
                return Some(instance);
            }
        }
        None
    }

    async fn give_back(&self, mut instance: Instance) {
        if instance.settled().await {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((instance, Instant::now()));
        } else {
            instance.kill().await;
        }
    }

    /// Ends the processes that have been idle for longer than that.
    pub(super) fn reap(&self, keep_warm: Duration) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain_mut(|(instance, since)| since.elapsed() < keep_warm && instance.is_alive());
    }

    /// Ends all idle processes and takes no more events.
    pub(super) fn close(&self) {
        self.slots.close();
        self.more_slots.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
