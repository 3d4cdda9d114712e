//! The local stack: S3, DynamoDB, SQS, Lambda and API Gateway in one process, for development only.
//!
//! It reads the `template.yaml` that is deployed, starts the real function binaries, and gives them what they
//! find on AWS. No function depends on it. Everything listens on loopback only, unless containers are to reach it.

mod clock;
pub mod dynamodb;
mod endpoint;
mod event_filter;
mod gateway;
mod lambda;
mod notes;
mod notifications;
mod offline;
mod private_file;
pub mod s3;
mod secrets;
pub mod serve;
mod sqs;
mod stack;
mod stop;
mod stores;
pub mod template;
mod token;
mod tokens;

pub use event_filter::Filters;
pub use lambda::{Credentials, FunctionError, InvokeError, Invoked, LogSink, Outcome, Report, Start, Status};
pub use notes::Notes;
pub use offline::Offline;
pub use stack::{Data, Options, Stack};
pub use token::Issuer;
pub use tokens::{Signing, TokenTerms};
