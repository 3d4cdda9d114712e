//! Lambda: the Runtime API that function binaries speak, the processes they run in, the Invoke API, and the
//! queue of asynchronous invocations.
//!
//! ```text
//! invoke_api ─┐                            ┌─► instance (one process, one invocation at a time)
//! gateway    ─┼─► service ─► pool ─────────┤        ▲ /next, /response, /error
//! queue      ─┤   (cap, 429)               └─►      └── runtime_api
//! sources    ─┘
//! ```

pub(crate) mod destination;
mod environment;
mod instance;
pub(crate) mod invoke_api;
pub(crate) mod journal;
mod logs;
mod memory;
mod outcome;
mod pool;
pub(crate) mod queue;
mod report;
mod runtime_api;
mod service;
pub(crate) mod sources;

pub use environment::Credentials;
pub use logs::LogSink;
pub use outcome::{FunctionError, Outcome};
pub use report::{Report, Start, Status};
pub use service::{InvokeError, Invoked};
pub(crate) use service::{Lambda, Settings, Wait};
