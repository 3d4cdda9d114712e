//! One attempt: the way of a file from its event to its record.
//!
//! ```text
//! claim ─► open, pinned ─► Processor::process ─► publish the outputs ─► commit, last of all
//! ```
//!
//! A small file costs one conditional write to claim it, one read, one write for each output, and one
//! conditional write to commit.

use std::{any::Any, sync::Arc, time::Duration};

use serde::Deserialize as _;

use crate::{
    catalogue::{Attempt, Claim, Claimed, Committed, Outcome, Output, Removal, Removed, Status, Upload},
    deadline::Deadline,
    event::{Change, HandedFile, What},
    failure::Failure,
    keys::{self, FileRef, Owner, UploadKey},
    limits::Limits,
    options::Asked as _,
    processor::{Facts, Input, Processor},
    store::{
        Catalogue, Location, Objects, StoreError,
        read::{CHANGED, GONE, ObjectSource, ReadPlan},
        write::AttemptOutputs,
    },
    time::UnixMillis,
};

/// Largest report that a record keeps, in bytes of JSON: an item of DynamoDB has at most 400 KB.
const MAX_REPORT_BYTES: usize = 64 << 10;

/// Longest message of a failure that a record keeps, in bytes.
const MAX_MESSAGE_BYTES: usize = 2 << 10;

/// What an attempt needs besides the processor and the event.
#[derive(Debug, Clone)]
pub struct Unloader<O, C> {
    /// Uploads and results.
    pub objects: O,
    /// The records.
    pub catalogue: C,
    /// Where outputs go.
    pub results_bucket: String,
    /// Whom files belong to that were dropped without an owner.
    pub drop_owner: Owner,
    /// What a file may ask of us.
    pub limits: Limits,
    /// How uploads are read.
    pub read_plan: ReadPlan,
}

/// The invocation that an attempt runs in.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id: the same over its retries of one event.
    pub request_id: String,
    /// How much of its time is left.
    pub remaining: Duration,
}

/// What became of one change to an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Unloaded {
    /// Which file.
    pub file: FileRef,
    /// How it went.
    pub ending: Ending,
    /// Size of the upload.
    pub bytes_in: u64,
}

/// How the work on one change ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The record says how: done, rejected, failed, or overwritten or gone meanwhile.
    Committed(Box<Outcome>),
    /// Nothing to do: this version was unloaded or rejected before.
    Already(Status),
    /// Nothing to do: the upload has changed since, and its newer event is seen to.
    Stale,
    /// Another invocation is at work on it, until its lease ends.
    Busy(UnixMillis),
    /// Another attempt claimed the file meanwhile; what this one made was taken back.
    Lost,
    /// The record says that the upload was deleted.
    Removed,
    /// An event that changes no bytes.
    Ignored,
}

impl Ending {
    /// Its name in logs and metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Committed(outcome) => match **outcome {
                Outcome::Superseded => "superseded",
                Outcome::HandedOver(_) => "handed-over",
                _ => outcome.status().as_str(),
            },
            Self::Already(_) => "already",
            Self::Stale => "stale",
            Self::Busy(_) => "busy",
            Self::Lost => "lost",
            Self::Removed => "removed",
            Self::Ignored => "ignored",
        }
    }

    /// Why the file was not unloaded: to be retried unless the failure is final.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Committed(outcome) => outcome.failure(),
            _ => None,
        }
    }

    /// Bytes of the outputs that the record names now.
    #[must_use]
    pub fn bytes_out(&self) -> u64 {
        let outputs = match self {
            Self::Committed(outcome) => match &**outcome {
                Outcome::Done { outputs, .. } => outputs.as_slice(),
                _ => &[],
            },
            _ => &[],
        };
        outputs.iter().map(|output| output.size_bytes).sum()
    }
}

/// The claim of an invocation of a function (its kind and version) on one version of an upload.
#[must_use]
pub fn claim_for(
    (kind, processor_version): (&str, u32),
    file: FileRef,
    name: String,
    at: Location,
    upload: Upload,
    invocation: &Invocation,
) -> Claim {
    let now = UnixMillis::now();
    Claim {
        file,
        kind: kind.to_owned(),
        name,
        bucket: at.bucket,
        key: at.key,
        upload,
        processor_version,
        holder: invocation.request_id.clone(),
        now,
        // The invocation is over by then, whatever became of it.
        lease_until: now.after(invocation.remaining + Duration::from_secs(1)),
    }
}

/// Which file a change is about, and its name: as it was handed over, or as its key says.
///
/// # Errors
/// A key that does not lie under the kind's prefix: the trigger is misconfigured.
pub fn file_of(kind: &str, change: &Change, drop_owner: &Owner) -> Result<(FileRef, String), Failure> {
    if let Some(HandedFile { file, name }) = &change.handed {
        return Ok((file.clone(), name.clone()));
    }
    let Location { bucket, key } = &change.at;
    keys::read_upload_key(kind, bucket, key, drop_owner)
        .map(|UploadKey { file, name }| (file, name.into_owned()))
        .map_err(|foreign| Failure::internal("foreign-key", foreign.to_string()))
}

/// Marks that an upload was deleted, and clears away what attempts on it have published.
///
/// # Errors
/// What kept us from writing it down.
pub async fn remove_upload<O: Objects, C: Catalogue>(
    objects: &O,
    catalogue: &C,
    results_bucket: &str,
    removal: &Removal,
) -> Result<Ending, Failure> {
    match catalogue
        .remove(removal)
        .await
        .map_err(StoreError::into_failure)?
    {
        Removed::Marked { fence, kind } => {
            clear_attempts_below(objects, results_bucket, &kind, &removal.file, fence).await;
            Ok(Ending::Removed)
        }
        Removed::Kept => Ok(Ending::Removed),
        Removed::Stale => Ok(Ending::Stale),
    }
}

/// Deletes what attempts before this fence left: the record names none of it. Best effort. The first attempt
/// has none before it.
pub async fn clear_attempts_below<O: Objects>(
    objects: &O,
    results_bucket: &str,
    kind: &str,
    file: &FileRef,
    fence: u64,
) {
    if fence <= 1 {
        return;
    }
    let prefix = keys::outputs_prefix(kind, file);
    let keys = match objects.list(results_bucket, &prefix).await {
        Ok(keys) => keys,
        Err(error) => return tracing::warn!(%error, "could not look for outputs of older attempts"),
    };
    for key in keys
        .into_iter()
        .filter(|key| keys::fence_of(&prefix, key).is_some_and(|older| older < fence))
    {
        if let Err(error) = objects.delete(&Location::new(results_bucket, key)).await {
            tracing::warn!(%error, "could not delete an output of an older attempt");
        }
    }
}

impl<O: Objects, C: Catalogue> Unloader<O, C> {
    /// Sees to one change to an object.
    ///
    /// # Errors
    /// What kept us from claiming the file or from writing down how it ended. An attempt that failed and could
    /// write so down is no error here, but an [`Ending`] with a [failure](Ending::failure).
    pub async fn unload<P: Processor>(
        &self,
        processor: &Arc<P>,
        change: Change,
        invocation: &Invocation,
    ) -> Result<Unloaded, Failure> {
        let (file, name) = file_of(P::NAME, &change, &self.drop_owner)?;
        let Change {
            what, at, sequencer, ..
        } = change;
        // Every line of the invocation from here on says which file it is about.
        tracing::Span::current().record("file_id", tracing::field::display(&file.id));
        let unloaded = |ending, bytes_in| Unloaded {
            file: file.clone(),
            ending,
            bytes_in,
        };
        match what {
            What::Other(_) => Ok(unloaded(Ending::Ignored, 0)),
            What::Removed => {
                let Location { bucket, key } = at;
                let (file, kind, now) = (file.clone(), P::NAME.to_owned(), UnixMillis::now());
                let removal = Removal {
                    file,
                    kind,
                    name,
                    bucket,
                    key,
                    sequencer,
                    now,
                };
                let ending =
                    remove_upload(&self.objects, &self.catalogue, &self.results_bucket, &removal).await?;
                Ok(unloaded(ending, 0))
            }
            What::Created { size_bytes, etag } => {
                let upload = Upload {
                    size_bytes,
                    etag,
                    sequencer,
                };
                let ending = self
                    .unload_created(processor, file.clone(), name, at, upload, invocation)
                    .await?;
                Ok(unloaded(ending, size_bytes))
            }
        }
    }

    async fn unload_created<P: Processor>(
        &self,
        processor: &Arc<P>,
        file: FileRef,
        name: String,
        at: Location,
        upload: Upload,
        invocation: &Invocation,
    ) -> Result<Ending, Failure> {
        let deadline = Deadline::before_end_of(invocation.remaining);
        let claim = claim_for((P::NAME, P::VERSION), file.clone(), name, at, upload, invocation);
        let claimed = deadline.within(self.catalogue.claim(&claim)).await?;
        let attempt = match claimed.map_err(StoreError::into_failure)? {
            Claimed::Granted(attempt) => attempt,
            Claimed::Already {
                status,
                fence,
                by_holder,
            } => {
                if by_holder {
                    // An earlier try of this invocation committed and broke off before it had cleaned up.
                    self.clear_attempts_below(P::NAME, &file, fence).await;
                }
                return Ok(Ending::Already(status));
            }
            Claimed::Stale => return Ok(Ending::Stale),
            Claimed::Busy { until } => return Ok(Ending::Busy(until)),
        };
        tracing::info!(file_id = %file.id, owner = %file.owner, attempt = attempt.fence, upload = %claim.at(), "claimed");

        let prefix = keys::attempt_prefix(P::NAME, &file, attempt.fence);
        let outputs = AttemptOutputs::new(self.objects.clone(), &self.results_bucket, &prefix, deadline);
        let outcome = match self.work(processor, &claim, &attempt, &outputs, deadline).await {
            Ok((report, outputs)) => Outcome::Done { outputs, report },
            Err(failure) => match failure.code.as_ref() {
                CHANGED => Outcome::Superseded,
                GONE => Outcome::Gone,
                _ => Outcome::Failed(shortened(failure)),
            },
        };

        // First the record, then the cleaning up: the time may be nearly over.
        let committed = self.catalogue.commit(&attempt, &outcome, UnixMillis::now()).await;
        match committed.map_err(StoreError::into_failure)? {
            // If the commit's answer is lost for good, the outputs stay: the record may name them.
            Committed::Lost => {
                outputs.discard().await;
                Ok(Ending::Lost)
            }
            Committed::Yes => {
                if !matches!(outcome, Outcome::Done { .. }) {
                    outputs.discard().await;
                }
                // A failed attempt leaves the record's older outputs alone: it may still name them.
                if matches!(
                    outcome.status(),
                    Status::Done | Status::Rejected | Status::Removed
                ) {
                    self.clear_attempts_below(P::NAME, &file, attempt.fence).await;
                }
                Ok(Ending::Committed(Box::new(outcome)))
            }
        }
    }

    /// Runs the processor and publishes what it made.
    async fn work<P: Processor>(
        &self,
        processor: &Arc<P>,
        claim: &Claim,
        attempt: &Attempt,
        outputs: &AttemptOutputs<O>,
        deadline: Deadline,
    ) -> Result<(serde_json::Value, Vec<Output>), Failure> {
        let upload = &claim.upload;
        if upload.size_bytes > self.limits.input_bytes {
            let message = format!(
                "{} bytes, at most {} are taken",
                upload.size_bytes, self.limits.input_bytes
            );
            return Err(Failure::limit("input-too-large", message));
        }
        let asked = attempt.options.as_ref().and_then(|options| options.get(P::NAME));
        let options: P::Options = asked
            .map_or_else(|| Ok(P::Options::default()), P::Options::deserialize)
            .map_err(|error| Failure::rejected("options", format!("options of {}: {error}", P::NAME)))?;
        let (source, head) = ObjectSource::open(
            self.objects.clone(),
            claim.at(),
            upload,
            self.read_plan.clone(),
            deadline,
        )
        .await?;
        let options = options
            .or_metadata(&head.metadata)
            .map_err(|error| Failure::rejected("options", format!("metadata of the object: {error}")))?;
        let facts = Facts {
            name: claim.name.clone(),
            size_bytes: upload.size_bytes,
            declared_type: head.content_type,
        };
        let (processor, limits, mut handle) = (Arc::clone(processor), self.limits.clone(), outputs.handle());
        // A panic ends up in the join handle: caught, recorded and retried like any failure of ours.
        let span = tracing::Span::current();
        let work = tokio::task::spawn_blocking(move || {
            let _entered = span.enter();
            let report = processor.process(Input::new(&facts, &limits, &source), &options, &mut handle)?;
            serde_json::to_value(report).map_err(|error| Failure::internal("report", error.to_string()))
        });
        let report = match deadline.within_grace(work).await? {
            Ok(report) => report?,
            Err(broken) => return Err(Failure::internal("panic", panic_message(broken))),
        };
        if report.to_string().len() > MAX_REPORT_BYTES {
            return Err(Failure::internal(
                "report",
                format!("the report has more than {MAX_REPORT_BYTES} bytes"),
            ));
        }
        Ok((report, outputs.publish().await?))
    }

    async fn clear_attempts_below(&self, kind: &str, file: &FileRef, fence: u64) {
        clear_attempts_below(&self.objects, &self.results_bucket, kind, file, fence).await;
    }
}

/// A failure whose message fits a record: a panic's message may hold a whole document.
#[must_use]
pub fn shortened(mut failure: Failure) -> Failure {
    let end = failure.message.floor_char_boundary(MAX_MESSAGE_BYTES);
    failure.message.truncate(end);
    failure
}

/// What a panic said, as far as it can be told.
fn panic_message(broken: tokio::task::JoinError) -> String {
    let payload: Box<dyn Any + Send> = match broken.try_into_panic() {
        Ok(payload) => payload,
        Err(cancelled) => return cancelled.to_string(),
    };
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!(
        "the processor panicked: {}",
        text.as_deref().unwrap_or("no message")
    )
}
