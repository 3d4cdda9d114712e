//! How operations fail: with an S3 error the client caused, or with one of ours.

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

/// Why an operation did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The client gets to see this one.
    #[error("{0}")]
    S3(#[from] S3Error),
    #[error("the index of the object store failed: {0}")]
    Index(#[from] rusqlite::Error),
    #[error("a row of the index is not readable: {0}")]
    Row(#[from] serde_json::Error),
    #[error("a blob failed: {0}")]
    Blob(#[from] std::io::Error),
    #[error("a blocking task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl From<Fault> for S3Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::S3(error) => error,
            other => {
                tracing::error!(error = %other, "the object store failed");
                S3Error::with_message(
                    S3ErrorCode::InternalError,
                    "We encountered an internal error. Please try again.",
                )
            }
        }
    }
}

/// The outcome of work on the index.
pub(super) type Outcome<T> = Result<T, Fault>;

/// An S3 error with the message that S3 gives.
pub(super) fn s3(code: S3ErrorCode, message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    S3Error::with_message(code, message)
}

/// An error whose code `s3s` does not list.
pub(super) fn custom(code: &'static str, status: StatusCode, message: &'static str) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

pub(super) fn no_such_bucket() -> S3Error {
    s3(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
}

pub(super) fn no_such_key() -> S3Error {
    s3(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

pub(super) fn no_such_version() -> S3Error {
    s3(
        S3ErrorCode::NoSuchVersion,
        "The specified version does not exist.",
    )
}

pub(super) fn no_such_upload() -> S3Error {
    s3(
        S3ErrorCode::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
         aborted or completed.",
    )
}

pub(super) fn precondition_failed() -> S3Error {
    s3(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}

pub(super) fn invalid_argument(message: impl Into<std::borrow::Cow<'static, str>>) -> S3Error {
    s3(S3ErrorCode::InvalidArgument, message)
}
