//! What every Longshore function shares.
//!
//! Without features this crate is the contract alone ([`processor`], [`failure`], [`limits`]): synchronous, and
//! free of AWS, tokio, the clock, the environment and the file system, so that a function's core serves
//! Lambda, the command line and a test alike. The features add the outer rings, each on top of the one before:
//!
//! | feature | adds |
//! |---|---|
//! | `catalogue` | the catalogue's types and transitions, events, keys, the store traits, the stores in memory |
//! | `attempt` | one attempt's way through the stores, on tokio |
//! | `aws` | S3 and DynamoDB behind the store traits, configuration |
//! | `handover` | handing files over to the functions of their kinds |
//! | `lambda` | telemetry and the loop that runs a processor on Lambda |
//! | `decompress` | capped decoders of gzip and zstd |
//! | `schema` | JSON Schemas of what clients see |
//! | `conformance` | the suite that every store implementation must pass |

#[cfg(feature = "attempt")]
pub mod attempt;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "catalogue")]
pub mod catalogue;
#[cfg(feature = "aws")]
pub mod config;
#[cfg(feature = "attempt")]
pub mod deadline;
#[cfg(feature = "decompress")]
pub mod decompress;
#[cfg(feature = "catalogue")]
pub mod event;
pub mod failure;
#[cfg(feature = "catalogue")]
pub mod handover;
#[cfg(feature = "catalogue")]
pub mod image_url;
mod in_memory;
#[cfg(feature = "catalogue")]
pub mod keys;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod limits;
pub mod options;
pub mod processor;
#[cfg(feature = "catalogue")]
pub mod store;
#[cfg(feature = "lambda")]
pub mod telemetry;
#[cfg(feature = "catalogue")]
pub mod time;
#[cfg(feature = "catalogue")]
pub mod webhook;

pub use failure::{Failure, FailureKind, Place};
pub use in_memory::InMemory;
pub use limits::Limits;
pub use processor::{Facts, Input, OutputWriter, Outputs, Processor, Source};
