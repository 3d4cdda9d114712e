//! Sorts one file: from its event to the function of its kind.
//!
//! ```text
//! claim ─► read its first bytes, pinned ─► identify ─► commit: handed over ─► invoke the function of its kind
//!                                             └──────► commit: rejected, with what it looks like
//! ```
//!
//! The record comes before the invocation: a function that is invoked finds it ready to be claimed. If the invocation
//! fails, so does this attempt, and Lambda's retry does both again.

use futures::StreamExt as _;
use shared::{
    Failure,
    attempt::{Ending, Invocation, Unloaded, claim_for, file_of, remove_upload, shortened},
    catalogue::{self, Attempt, Claim, Claimed, Committed, Outcome, Removal, Upload},
    deadline::Deadline,
    event::{Change, What},
    handover::{Functions, Handover, Invoke},
    keys::{AUTO, Owner},
    lambda::Work,
    store::{Catalogue, Objects, StoreError, StoreErrorKind},
    time::UnixMillis,
};

use crate::{Identified, SAMPLE_BYTES, Sample, declared_mismatch, identify};

/// Raised when the same bytes would be taken for something else: a file that was rejected is then sorted anew by a late
/// event.
const VERSION: u32 = 1;

/// What sorting needs.
#[derive(Debug, Clone)]
pub struct Sorter<O, C, I> {
    /// Uploads, and the results of files that are no more.
    pub objects: O,
    /// The records.
    pub catalogue: C,
    /// The way to the functions.
    pub invoke: I,
    /// The functions that there are.
    pub functions: Functions,
    /// Where outputs lie.
    pub results_bucket: String,
    /// Whom files belong to that were dropped without an owner.
    pub drop_owner: Owner,
}

impl<O: Objects, C: Catalogue, I: Invoke> Work for Sorter<O, C, I> {
    const KIND: &'static str = AUTO;

    async fn see_to(&self, change: Change, invocation: &Invocation) -> Result<Unloaded, Failure> {
        let (file, name) = file_of(AUTO, &change, &self.drop_owner)?;
        tracing::Span::current().record("file_id", tracing::field::display(&file.id));
        let Change {
            what, at, sequencer, ..
        } = change;
        let (ending, bytes_in) = match what {
            What::Other(_) => (Ending::Ignored, 0),
            What::Removed => {
                let removal = Removal {
                    file: file.clone(),
                    kind: AUTO.to_owned(),
                    name,
                    bucket: at.bucket,
                    key: at.key,
                    sequencer,
                    now: UnixMillis::now(),
                };
                let (objects, catalogue) = (&self.objects, &self.catalogue);
                let ending = remove_upload(objects, catalogue, &self.results_bucket, &removal).await?;
                (ending, 0)
            }
            What::Created { size_bytes, etag } => {
                let upload = Upload {
                    size_bytes,
                    etag,
                    sequencer,
                };
                let claim = claim_for((AUTO, VERSION), file.clone(), name, at, upload, invocation);
                let deadline = Deadline::before_end_of(invocation.remaining);
                (self.sort(&claim, deadline).await?, size_bytes)
            }
        };
        Ok(Unloaded {
            file,
            ending,
            bytes_in,
        })
    }
}

impl<O: Objects, C: Catalogue, I: Invoke> Sorter<O, C, I> {
    async fn sort(&self, claim: &Claim, deadline: Deadline) -> Result<Ending, Failure> {
        let claimed = deadline.within(self.catalogue.claim(claim)).await?;
        let attempt = match claimed.map_err(StoreError::into_failure)? {
            Claimed::Granted(attempt) => attempt,
            Claimed::Already { status, .. } => return Ok(Ending::Already(status)),
            Claimed::Stale => return Ok(Ending::Stale),
            Claimed::Busy { until } => return Ok(Ending::Busy(until)),
        };
        let looked = deadline.within(self.look(claim, &attempt)).await;
        let outcome = match looked.unwrap_or_else(|late| Err(Looked::Failed(late))) {
            Ok(outcome) => outcome,
            Err(Looked::Changed) => Outcome::Superseded,
            Err(Looked::Gone) => Outcome::Gone,
            Err(Looked::Failed(failure)) => Outcome::Failed(shortened(failure)),
        };
        let committed = self.catalogue.commit(&attempt, &outcome, UnixMillis::now()).await;
        if committed.map_err(StoreError::into_failure)? == Committed::Lost {
            return Ok(Ending::Lost);
        }
        if let Outcome::HandedOver(identified) = &outcome {
            self.hand_over(claim, identified).await?;
        }
        Ok(Ending::Committed(Box::new(outcome)))
    }

    /// Reads the first bytes and says what they are.
    async fn look(&self, claim: &Claim, attempt: &Attempt) -> Result<Outcome, Looked> {
        let (head, object_type) = self.head(claim).await?;
        let identified = identify(Sample {
            head: &head,
            size_bytes: claim.upload.size_bytes,
            name: &claim.name,
        });
        // What was announced, else what the object says of itself.
        let declared = attempt.declared_type.clone().or(object_type);
        let recorded = recorded(&identified, declared);
        tracing::info!(
            format = recorded.format,
            confidence = recorded.confidence,
            mismatch = recorded.mismatch,
            "identified"
        );
        let looks_like = &recorded.looks_like;
        Ok(match recorded.kind.as_deref() {
            None => {
                let message = format!("nothing unloads this: it looks like {looks_like}");
                Outcome::Unknown(recorded, shortened(Failure::rejected("unknown-format", message)))
            }
            Some(kind) if self.functions.of(kind).is_none() => {
                let message =
                    format!("this deployment has no function for {kind}: it looks like {looks_like}");
                Outcome::Unknown(recorded, shortened(Failure::rejected("no-function", message)))
            }
            Some(_) => Outcome::HandedOver(recorded),
        })
    }

    /// The first bytes, and the media type that the object has.
    async fn head(&self, claim: &Claim) -> Result<(Vec<u8>, Option<String>), Looked> {
        let size_bytes = claim.upload.size_bytes;
        let wanted = size_bytes.min(SAMPLE_BYTES as u64);
        // No range holds a byte of an empty object.
        let range = (wanted > 0).then_some(0..wanted);
        let (head, mut stream) = self.objects.get(&claim.at(), &claim.upload.etag, range).await?;
        let mut bytes = Vec::with_capacity(SAMPLE_BYTES);
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        bytes.truncate(SAMPLE_BYTES);
        Ok((bytes, head.content_type))
    }

    async fn hand_over(&self, claim: &Claim, identified: &catalogue::Identified) -> Result<(), Failure> {
        let kind = identified.kind.as_deref().unwrap_or_default();
        let function = self
            .functions
            .of(kind)
            .ok_or_else(|| Failure::internal("no-function", format!("there is no function for {kind}")))?;
        let handover = Handover {
            owner: claim.file.owner.clone(),
            id: claim.file.id,
            name: claim.name.clone(),
            bucket: claim.bucket.clone(),
            key: claim.key.clone(),
            size_bytes: claim.upload.size_bytes,
            etag: claim.upload.etag.clone(),
            sequencer: claim.upload.sequencer.clone(),
        };
        self.invoke
            .hand_over(function, &handover)
            .await
            .map_err(StoreError::into_failure)
    }
}

/// Why the bytes could not be looked at.
enum Looked {
    Changed,
    Gone,
    Failed(Failure),
}

impl From<StoreError> for Looked {
    fn from(error: StoreError) -> Self {
        match error.kind {
            StoreErrorKind::Changed => Self::Changed,
            StoreErrorKind::NotFound => Self::Gone,
            _ => Self::Failed(error.into_failure()),
        }
    }
}

/// What the catalogue keeps of an answer.
fn recorded(identified: &Identified, declared_type: Option<String>) -> catalogue::Identified {
    catalogue::Identified {
        kind: identified.kind.map(|kind| kind.as_str().to_owned()),
        format: identified.format.clone().into_owned(),
        looks_like: identified.looks_like.clone(),
        media_type: identified.media_type.clone().into_owned(),
        // Two digits say enough.
        confidence: (f64::from(identified.confidence) * 100.0).round() / 100.0,
        mismatch: declared_mismatch(identified, declared_type.as_deref()),
        declared_type,
    }
}
