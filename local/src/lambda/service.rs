//! All functions of the stack, and the one way to invoke them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use super::environment::Credentials;
use super::instance::Surroundings;
use super::logs::LogSink;
use super::outcome::Outcome;
use super::pool::{Call, Invocation, Pool};
use super::report::Report;
use crate::stop::Stop;
use crate::template::Function;

/// Idle processes live that long.
const KEEP_WARM: Duration = Duration::from_mins(5);
const REAP_EVERY: Duration = Duration::from_secs(30);
/// Reports that a slow subscriber may lag behind before it misses some.
const REPORTS_KEPT: usize = 4096;

/// How the functions are run.
pub(crate) struct Settings {
    pub(crate) aws_endpoint: String,
    pub(crate) credentials: Credentials,
    pub(crate) bin_dir: PathBuf,
    /// Processes per function at most.
    pub(crate) concurrency: usize,
    /// The same for the functions of `behind_http`.
    pub(crate) http_concurrency: usize,
    /// The names of the functions that the HTTP API invokes.
    pub(crate) behind_http: BTreeSet<String>,
    pub(crate) log_sink: LogSink,
    pub(crate) stop: Stop,
}

/// What to do when every slot of a function is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Throttle, as Lambda does.
    Never,
    /// Wait, unless the template itself reserves that few: the local cap is for the laptop's sake, and AWS
    /// would have started one more.
    ForLocalCap,
    /// Wait, as the queue of asynchronous invocations does.
    Always,
}

/// Why an event did not reach a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// No function has that name or ARN.
    #[error("function not found: {0}")]
    NotFound(String),
    /// All slots are taken.
    #[error("{0} runs as often at the same time as it may")]
    Throttled(String),
    /// The stack is on its way down.
    #[error("the local stack is stopping")]
    Stopping,
}

/// An event that reached its function.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// The id of the invocation.
    pub request_id: String,
    /// The answer or the error.
    pub outcome: Outcome,
    /// What the function wrote, the last 4 KB at most.
    pub log_tail: String,
    /// The numbers.
    pub report: Report,
}

/// See the module.
pub(crate) struct Lambda {
    pools: BTreeMap<String, Arc<Pool>>,
    reports: broadcast::Sender<Report>,
    /// Invocations under way: synchronous ones, and asynchronous ones from the moment they are accepted.
    active: watch::Sender<usize>,
    stop: Stop,
}

/// Counts as one invocation under way until it is dropped.
pub(super) struct Active(watch::Sender<usize>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Lambda {
    pub(crate) fn new(functions: &[Function], settings: Settings) -> Arc<Self> {
        let stop = settings.stop.clone();
        let surroundings = Arc::new(Surroundings {
            aws_endpoint: settings.aws_endpoint,
            credentials: settings.credentials,
            bin_dir: settings.bin_dir,
            log_sink: settings.log_sink,
            stop: settings.stop,
        });
        let pools = functions
            .iter()
            .map(|function| {
                let soon = settings.concurrency.max(1);
                let most = if settings.behind_http.contains(&function.name) {
                    settings.http_concurrency.max(soon)
                } else {
                    soon
                };
                let pool = Pool::new(function.clone(), soon, most, surroundings.clone());
                (function.name.clone(), Arc::new(pool))
            })
            .collect();
        let lambda = Arc::new(Self {
            pools,
            reports: broadcast::Sender::new(REPORTS_KEPT),
            active: watch::Sender::new(0),
            stop,
        });
        tokio::spawn(reap(lambda.clone()));
        lambda
    }

    /// The function of that name, ARN, or partial ARN (`000000000000:function:name`), with or without
    /// `:$LATEST`.
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.pool(name).map(|pool| &pool.function)
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.pools.values().map(|pool| &pool.function)
    }

    pub(super) fn pool(&self, name: &str) -> Option<&Arc<Pool>> {
        let name = match name.rsplit_once("function:") {
            Some((_, rest)) => rest,
            None => name,
        };
        let (name, qualifier) = name.split_once(':').unwrap_or((name, "$LATEST"));
        self.pools.get(name).filter(|_| qualifier == "$LATEST")
    }

    /// Every attempt of every invocation from now on.
    pub(crate) fn reports(&self) -> broadcast::Receiver<Report> {
        self.reports.subscribe()
    }

    pub(crate) fn pids(&self, function: &str) -> Vec<u32> {
        self.pool(function).map(|pool| pool.pids()).unwrap_or_default()
    }

    /// What a process of that function is told, fed from `runtime_api`.
    pub(crate) fn variables(
        &self,
        function: &str,
        runtime_api: &str,
        task_root: &Path,
    ) -> Option<BTreeMap<String, String>> {
        self.pool(function)
            .map(|pool| pool.variables(runtime_api, task_root))
    }

    pub(super) fn activate(&self) -> Active {
        self.active.send_modify(|count| *count += 1);
        Active(self.active.clone())
    }

    /// Waits until no invocation is under way, nor waiting for a retry.
    pub(crate) async fn idle(&self) {
        let _ = self.active.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Waits for the signal that the stack is to stop.
    pub(super) async fn stopping(&self) {
        self.stop.clone().given().await;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.is_given()
    }

    /// Runs one event and waits for its end.
    pub(crate) async fn invoke(
        &self,
        function: &str,
        call: impl Into<Call>,
        wait: Wait,
    ) -> Result<Invoked, InvokeError> {
        let invocation = Invocation {
            request_id: uuid::Uuid::new_v4().to_string(),
            call: call.into(),
            attempt: 1,
        };
        let _active = self.activate();
        self.run(function, invocation, wait).await
    }

    /// One attempt. It goes on when the caller goes away, as on Lambda.
    pub(super) async fn run(
        &self,
        function: &str,
        invocation: Invocation,
        wait: Wait,
    ) -> Result<Invoked, InvokeError> {
        let pool = self
            .pool(function)
            .ok_or_else(|| InvokeError::NotFound(function.to_owned()))?
            .clone();
        let wait = match wait {
            Wait::ForLocalCap if pool.is_reserved() => Wait::Never,
            other => other,
        };
        let slot = match wait {
            Wait::Never => pool.try_slot(),
            Wait::ForLocalCap | Wait::Always => pool.slot().await,
        };
        let slot = match slot {
            Some(slot) => slot,
            None if wait == Wait::Never && !self.is_stopping() => {
                return Err(InvokeError::Throttled(pool.function.name.clone()));
            }
            None => return Err(InvokeError::Stopping),
        };
        let request_id = invocation.request_id.clone();
        let running = tokio::spawn({
            let (active, reports) = (self.activate(), self.reports.clone());
            async move {
                let served = pool.run(invocation, slot).await;
                // Nobody may be listening.
                let _ = reports.send(served.report.clone());
                drop(active);
                served
            }
        });
        let served = running.await.map_err(|_| InvokeError::Stopping)?;
        if self.is_stopping() && served.outcome.is_err() {
            return Err(InvokeError::Stopping);
        }
        Ok(Invoked {
            request_id,
            outcome: served.outcome,
            log_tail: served.log_tail,
            report: served.report,
        })
    }

    /// Ends every idle process; those at work end by themselves once the stop signal is given.
    pub(crate) fn close(&self) {
        self.pools.values().for_each(|pool| pool.close());
    }
}

async fn reap(lambda: Arc<Lambda>) {
    let mut stop = lambda.stop.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(REAP_EVERY) => {
                lambda.pools.values().for_each(|pool| pool.reap(KEEP_WARM));
            }
            () = stop.given() => return,
        }
    }
}
