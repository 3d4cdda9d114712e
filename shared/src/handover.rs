//! Hands a file over to the function of a kind, by asynchronous invocation, without copying its object.
//!
//! ```text
//! intake ─┐  {"handover": {…}}   ┌─► the function of the kind, as if S3 had told it
//! api    ─┴─► Invoke (Event) ────┘   (retried by Lambda, then the failure queue)
//! ```

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{FileRecord, Sequencer},
    event::{Change, HandedFile, What},
    keys::{FileId, Owner},
    store::{Location, StoreError},
};

/// What the function of a kind is told: which file, and which version of its object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Whom the file belongs to.
    pub owner: Owner,
    /// Its id.
    pub id: FileId,
    /// Its name.
    pub name: String,
    /// Where the upload lies.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The object's size.
    pub size_bytes: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Where it stands among the changes to its key.
    pub sequencer: Sequencer,
}

/// An invocation's payload that is a hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// What is handed over.
    pub handover: Handover,
}

impl Handover {
    /// Of a record's upload; nothing if it has none.
    #[must_use]
    pub fn of(record: &FileRecord) -> Option<Self> {
        let upload = record.upload.as_ref()?;
        Some(Self {
            owner: record.owner.clone(),
            id: record.id,
            name: record.name.clone(),
            bucket: record.bucket.clone(),
            key: record.key.clone(),
            size_bytes: upload.size_bytes,
            etag: upload.etag.clone(),
            sequencer: upload.sequencer.clone(),
        })
    }
}

impl From<Handover> for Change {
    fn from(handover: Handover) -> Self {
        let Handover {
            owner,
            id,
            name,
            bucket,
            key,
            size_bytes,
            etag,
            sequencer,
        } = handover;
        Self {
            what: What::Created { size_bytes, etag },
            at: Location::new(bucket, key),
            sequencer,
            handed: Some(HandedFile {
                file: crate::keys::FileRef { owner, id },
                name,
            }),
        }
    }
}

/// The functions by kind. Written `auto=longshore-intake tables=longshore-tables`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Functions(BTreeMap<String, String>);

/// A text that lists no functions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind and the name of its function, such as tables=longshore-tables")]
pub struct InvalidFunctions(String);

impl FromStr for Functions {
    type Err = InvalidFunctions;

    fn from_str(text: &str) -> Result<Self, InvalidFunctions> {
        let function = |word: &str| {
            let (kind, name) = word.split_once('=')?;
            (!kind.is_empty() && !name.is_empty()).then(|| (kind.to_owned(), name.to_owned()))
        };
        text.split_whitespace()
            .map(|word| function(word).ok_or_else(|| InvalidFunctions(word.to_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Functions {
    /// The function of a kind; none if this deployment has none.
    #[must_use]
    pub fn of(&self, kind: &str) -> Option<&str> {
        self.0.get(kind).map(String::as_str)
    }
}

/// A way to the functions.
pub trait Invoke: Clone + Send + Sync + 'static {
    /// Hands a file over to a function: returns once the invocation is queued.
    fn hand_over(
        &self,
        function: &str,
        handover: &Handover,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Invokes through AWS Lambda.
#[cfg(feature = "handover")]
#[derive(Debug, Clone)]
pub struct LambdaInvoke {
    client: aws_sdk_lambda::Client,
}

#[cfg(feature = "handover")]
impl LambdaInvoke {
    /// Invokes through a client.
    #[must_use]
    pub const fn new(client: aws_sdk_lambda::Client) -> Self {
        Self { client }
    }

    /// What a rehearsal sends ([`crate::aws::Aws::rehearse`]).
    pub async fn rehearse(&self) {
        let _ = self.client.invoke().function_name("rehearsal").send().await;
    }
}

#[cfg(feature = "handover")]
impl Invoke for LambdaInvoke {
    async fn hand_over(&self, function: &str, handover: &Handover) -> Result<(), StoreError> {
        use crate::store::StoreErrorKind;
        use aws_sdk_lambda::{error::ProvideErrorMetadata as _, primitives::Blob, types::InvocationType};

        let operation = "Invoke";
        let payload = Payload {
            handover: handover.clone(),
        };
        let payload = serde_json::to_vec(&payload).map_err(|error| {
            StoreError::new(StoreErrorKind::Malformed, operation, function, error.to_string())
        })?;
        self.client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload))
            .send()
            .await
            .map(drop)
            .map_err(|error| {
                let answer = error.raw_response().map(|response| response.status().as_u16());
                let kind = match answer {
                    Some(429) | None => StoreErrorKind::Unavailable,
                    Some(status) if status < 500 => StoreErrorKind::Refused,
                    Some(_) => StoreErrorKind::Unavailable,
                };
                let message = error.code().map_or_else(
                    || crate::store::chain(&error),
                    |code| format!("{code}: {}", error.message().unwrap_or("no message")),
                );
                StoreError::new(kind, operation, function, message)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_and_what_is_none_is_named() {
        let functions: Functions = "auto=x-intake tables=x-tables".parse().unwrap();
        assert_eq!(
            (functions.of("tables"), functions.of("logs")),
            (Some("x-tables"), None)
        );
        assert_eq!("".parse::<Functions>().unwrap().of("tables"), None);
        for text in ["tables", "tables=", "=x"] {
            assert!(text.parse::<Functions>().is_err(), "{text}");
        }
    }
}
