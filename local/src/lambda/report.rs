//! One line per invocation, as Lambda's `REPORT` lines: what ran, how it ended, what it took.

use std::fmt;
use std::time::Duration;

/// How the invocation found its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A new process, which took that long to ask for its first event.
    Cold(Duration),
    /// A process that had served before.
    Warm,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// With a response.
    Success,
    /// With an error; its type.
    Error(String),
    /// Killed at its timeout.
    Timeout,
    /// Killed at its memory limit.
    OutOfMemory,
}

/// One attempt of one invocation.
#[derive(Clone, Debug)]
pub struct Report {
    /// The function's name.
    pub function: String,
    /// The same for every attempt of an asynchronous invocation.
    pub request_id: String,
    /// How it ended.
    pub status: Status,
    /// `errorMessage`, when it failed.
    pub message: Option<String>,
    /// From the hand-over of the event to the end of the response.
    pub duration: Duration,
    /// `MemorySize`.
    pub memory_mb: u64,
    /// The most that the process ever had in memory; 0 when it could not be read.
    pub max_memory_mb: u64,
    /// Cold or warm.
    pub start: Start,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The process; `None` when none could be started.
    pub pid: Option<u32>,
}

impl Report {
    /// What Lambda bills: whole milliseconds, the start of the process with it (since August 2025).
    #[must_use]
    pub fn billed_ms(&self) -> u128 {
        let init = match self.start {
            Start::Cold(init) => init,
            Start::Warm => Duration::ZERO,
        };
        (self.duration + init).as_micros().div_ceil(1000)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        write!(
            formatter,
            "REPORT {} RequestId: {} {}  Duration: {:.2} ms  Billed: {} ms  Memory: {} MB  Max used: {} MB  ",
            self.function,
            self.request_id,
            match &self.status {
                Status::Success => "ok".to_owned(),
                Status::Error(kind) => format!("error {kind}"),
                Status::Timeout => "timeout".to_owned(),
                Status::OutOfMemory => "error Runtime.OutOfMemory".to_owned(),
            },
            ms(self.duration),
            self.billed_ms(),
            self.memory_mb,
            self.max_memory_mb,
        )?;
        match self.start {
            Start::Cold(init) => write!(formatter, "cold (Init: {:.2} ms)", ms(init))?,
            Start::Warm => formatter.write_str("warm")?,
        }
        if self.attempt > 1 {
            write!(formatter, "  attempt {}", self.attempt)?;
        }
        match &self.message {
            Some(message) => write!(formatter, "  {message}"),
            None => Ok(()),
        }
    }
}
