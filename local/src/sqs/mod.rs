//! A small SQS: the standard queues of the template, kept on disk.

pub(crate) mod api;
mod checksums;
mod messages;

pub(crate) use messages::{Received, Sqs};
