//! One process of a function: started, fed one event at a time, watched, killed.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::process::{Child, Command};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::environment::{self, Credentials};
use super::logs::{self, LogSink, Tail};
use super::memory;
use super::outcome::{FunctionError, Outcome};
use super::report::Status;
use super::runtime_api::{self, Event, Line, MAX_RESPONSE_BYTES, Signal};
use crate::stop::Stop;
use crate::template::Function;

/// How long a process may take to ask for its first event, as on Lambda.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What every process is started with.
pub(super) struct Surroundings {
    pub(super) aws_endpoint: String,
    pub(super) credentials: Credentials,
    /// Where the binaries are.
    pub(super) bin_dir: std::path::PathBuf,
    pub(super) log_sink: LogSink,
    /// True once the stack is to stop.
    pub(super) stop: Stop,
}

/// The running processes of a function.
pub(super) type Pids = Arc<Mutex<Vec<u32>>>;

pub(super) struct Instance {
    pub(super) pid: u32,
    child: Child,
    line: Line,
    pub(super) tail: Arc<Tail>,
    peak_kb: u64,
    memory_kb: u64,
    timeout: Duration,
    surroundings: Arc<Surroundings>,
    pids: Pids,
}

/// The end of one event in a process.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) status: Status,
    pub(super) duration: Duration,
    /// Whether the process may serve again, once it is [`Instance::settled`].
    pub(super) reusable: bool,
}

/// What a process did next.
enum Happening {
    Said(Signal),
    Exited(Option<ExitStatus>),
    TimedOut,
    OutOfMemory,
    Stopping,
}

impl Instance {
    /// Starts a process and waits until it asks for its first event. The error is that of the invocation
    /// which needed it.
    pub(super) async fn start(
        function: &Function,
        surroundings: Arc<Surroundings>,
        pids: Pids,
        request_id: &str,
    ) -> Result<(Self, Duration), (FunctionError, Status, Duration)> {
        let begin = Instant::now();
        let line = runtime_api::open()
            .await
            .map_err(|problem| format!("{problem:#}"));
        let spawned = line.and_then(|line| Self::spawn(function, line, surroundings, pids));
        let mut instance = spawned.map_err(|problem| {
            let error = FunctionError::not_started(request_id, &problem);
            (
                error,
                Status::Error("Runtime.InvalidEntrypoint".to_owned()),
                Duration::ZERO,
            )
        })?;
        let failed = |error: FunctionError| {
            let status = Status::Error(error.kind.clone());
            (error, status)
        };
        let mut ticks = ticks();
        let deadline = begin + INIT_TIMEOUT;
        let (error, status) = loop {
            match instance.happening(deadline, &mut ticks).await {
                Happening::Said(Signal::Ready) => return Ok((instance, begin.elapsed())),
                Happening::Said(Signal::InitError { kind, payload }) => {
                    break failed(FunctionError::reported(kind.as_deref(), payload));
                }
                // There is no event yet that these could be about.
                Happening::Said(_) => {}
                Happening::Exited(status) => break failed(FunctionError::exited(request_id, status)),
                Happening::TimedOut => {
                    break (
                        FunctionError::timed_out(request_id, INIT_TIMEOUT),
                        Status::Timeout,
                    );
                }
                Happening::OutOfMemory => {
                    break (FunctionError::exited(request_id, None), Status::OutOfMemory);
                }
                Happening::Stopping => break failed(stopping(request_id)),
            }
        };
        instance.kill().await;
        Err((error, status, begin.elapsed()))
    }

    fn spawn(
        function: &Function,
        line: Line,
        surroundings: Arc<Surroundings>,
        pids: Pids,
    ) -> Result<Self, String> {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let binary =
            surroundings
                .bin_dir
                .join(format!("{}{}", function.binary, std::env::consts::EXE_SUFFIX));
        let task_root: &Path = &surroundings.bin_dir;
        let variables = environment::variables(
            function,
            &id,
            &line.address,
            &surroundings.aws_endpoint,
            &surroundings.credentials,
            task_root,
        );
        let mut child = Command::new(&binary)
            .env_clear()
            .envs(variables)
            .current_dir(task_root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let tail = Arc::new(Tail::default());
        let name = &function.name;
        let sink = &surroundings.log_sink;
        if let Some(pipe) = child.stdout.take() {
            tokio::spawn(logs::forward(pipe, name.clone(), tail.clone(), sink.clone()));
        }
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(logs::forward(pipe, name.clone(), tail.clone(), sink.clone()));
        }
        let pid = child
            .id()
            .ok_or_else(|| format!("{} ended at once", binary.display()))?;
        pids.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
        Ok(Self {
            pid,
            child,
            line,
            tail,
            peak_kb: 0,
            memory_kb: function.memory_mb * 1024,
            timeout: function.timeout,
            surroundings,
            pids,
        })
    }

    /// Gives the process one event and waits for its answer, at most for the function's timeout.
    pub(super) async fn invoke(
        &mut self,
        request_id: &str,
        payload: Bytes,
        function_arn: &str,
        client_context: Option<String>,
    ) -> Ended {
        let begin = Instant::now();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let event = Event {
            request_id: request_id.to_owned(),
            payload,
            deadline_ms: (now + self.timeout).as_millis(),
            function_arn: function_arn.to_owned(),
            client_context,
        };
        // Cannot wait: the process takes one event at a time and is asked only when it is ready.
        let _ = self.line.work.send(event).await;
        let mut ticks = ticks();
        let deadline = begin + self.timeout;
        let (outcome, status, reusable) = loop {
            let failed = |error: FunctionError| {
                let status = Status::Error(error.kind.clone());
                (Err(error), status)
            };
            let (outcome, status) = match self.happening(deadline, &mut ticks).await {
                Happening::Said(Signal::Response {
                    request_id: id,
                    payload,
                }) if id == request_id => {
                    break (Ok(payload), Status::Success, true);
                }
                Happening::Said(Signal::Error {
                    request_id: id,
                    kind,
                    payload,
                }) if id == request_id => {
                    let (outcome, status) = failed(FunctionError::reported(kind.as_deref(), payload));
                    break (outcome, status, true);
                }
                Happening::Said(Signal::ResponseTooLarge { request_id: id, size }) if id == request_id => {
                    let error = FunctionError::response_too_large(size, MAX_RESPONSE_BYTES);
                    let (outcome, status) = failed(error);
                    break (outcome, status, true);
                }
                // About an event that is over, or a second request for the next one.
                Happening::Said(_) => continue,
                Happening::Exited(status) => failed(FunctionError::exited(request_id, status)),
                Happening::TimedOut => (
                    Err(FunctionError::timed_out(request_id, self.timeout)),
                    Status::Timeout,
                ),
                Happening::OutOfMemory => (Err(FunctionError::exited(request_id, None)), Status::OutOfMemory),
                Happening::Stopping => failed(stopping(request_id)),
            };
            break (outcome, status, false);
        };
        let duration = begin.elapsed();
        // A peak after the last look is still in the books of the kernel.
        let over = self.look().await && reusable;
        let (outcome, status, reusable) = if over {
            (
                Err(FunctionError::exited(request_id, None)),
                Status::OutOfMemory,
                false,
            )
        } else {
            (outcome, status, reusable)
        };
        if !reusable {
            self.kill().await;
        }
        Ended {
            outcome,
            status,
            duration,
            reusable,
        }
    }

    /// Waits until the process asks for its next event. False when it cannot serve again.
    pub(super) async fn settled(&mut self) -> bool {
        let deadline = Instant::now() + self.timeout;
        let mut ticks = ticks();
        loop {
            match self.happening(deadline, &mut ticks).await {
                Happening::Said(Signal::Ready) => return true,
                Happening::Said(_) => {}
                _ => return false,
            }
        }
    }

    /// Whether it still runs: an idle process may have been killed from outside.
    pub(super) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn peak_mb(&self) -> u64 {
        self.peak_kb.div_ceil(1024)
    }

    pub(super) async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    async fn happening(&mut self, deadline: Instant, ticks: &mut Interval) -> Happening {
        let mut stop = self.surroundings.stop.clone();
        loop {
            tokio::select! {
                biased;
                // First: an answer that arrived counts, even when the process ended right after it.
                signal = self.line.signals.recv() => match signal {
                    Some(signal) => return Happening::Said(signal),
                    None => return Happening::Exited(None),
                },
                exited = self.child.wait() => {
                    return match self.line.signals.try_recv() {
                        Ok(signal) => Happening::Said(signal),
                        Err(_) => Happening::Exited(exited.ok()),
                    };
                }
                () = tokio::time::sleep_until(deadline) => return Happening::TimedOut,
                () = stop.given() => return Happening::Stopping,
                _ = ticks.tick() => {}
            }
            if self.look().await {
                return Happening::OutOfMemory;
            }
        }
    }

    /// Reads the memory of the process; true when it is over its limit.
    async fn look(&mut self) -> bool {
        if let Some(peak) = memory::peak_kb(self.pid).await {
            self.peak_kb = self.peak_kb.max(peak);
        }
        self.peak_kb > self.memory_kb
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.pids
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|pid| *pid != self.pid);
    }
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(Duration::from_millis(memory::interval_ms()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn stopping(request_id: &str) -> FunctionError {
    let payload = serde_json::json!({
        "errorType": "Service.Stopping",
        "errorMessage": format!("RequestId: {request_id} Error: the local stack was stopped"),
    });
    FunctionError::reported(None, Bytes::from(payload.to_string()))
}
