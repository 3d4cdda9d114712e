//! The transitions as conditional updates: what each condition and each assignment says,
//! [`crate::catalogue::transition`] says too.

use super::update::Update;
use crate::{
    catalogue::{
        Attempt, Claim, Deletion, FileRecord, HistoryEntry, HistoryEvent, Lease, Outcome, Removal, Reprocess,
        Status, transition,
    },
    keys::AUTO,
    time::UnixMillis,
};

/// An update and its condition.
pub(super) type Built = Result<(Update, String), serde_dynamo::Error>;

pub(super) fn claim(claim: &Claim) -> Built {
    let mut update = Update::default();
    let at = (claim.bucket.as_str(), claim.key.as_str());
    let fresh = FileRecord::announced(claim.file.clone(), &claim.kind, &claim.name, at, claim.now);
    update.set("owner", &fresh.owner)?;
    update.set("id", fresh.id)?;
    update.set("kind", &fresh.kind)?;
    update.set_first("name", &fresh.name)?;
    update.set_first("created_at", fresh.created_at)?;
    update.set_first("listed_as", fresh.listed_as())?;
    update.set("bucket", &claim.bucket)?;
    update.set("key", &claim.key)?;
    update.set("updated_at", claim.now)?;
    update.set("size_bytes", claim.upload.size_bytes)?;
    update.set("etag", &claim.upload.etag)?;
    update.set("sequencer", &claim.upload.sequencer)?;
    update.set(
        "lease",
        Lease {
            holder: claim.holder.clone(),
            until: claim.lease_until,
        },
    )?;
    update.set("processor_version", claim.processor_version)?;
    update.increment("fence")?;
    update.record(&transition::claim_entry(claim))?;
    update.remove(&[
        "failure",
        "upload_removed_at",
        "expires_at",
        "upload_expires_at",
        "multipart",
    ]);
    if claim.kind == AUTO {
        update.remove(&["identified"]);
    }
    let (status, processing) = (
        update.name("status"),
        update.value("processing", Status::Processing)?,
    );
    update.set.push(format!("{status} = {processing}"));

    let released = update.status_in(&[Status::Pending, Status::Failed])?;
    let ended = update.status_in(&[Status::Done, Status::Rejected])?;
    let lease = update.name("lease");
    let (until, holder) = (update.name("until"), update.name("holder"));
    let (now, me) = (
        update.value("now", claim.now)?,
        update.value("me", &claim.holder)?,
    );
    let condition = format!(
        "attribute_not_exists(#sequencer) OR #sequencer < :sequencer OR (#sequencer = :sequencer AND ({released} \
         OR ({status} = {processing} AND ({lease}.{until} <= {now} OR {lease}.{holder} = {me})) \
         OR ({ended} AND #kind = :kind AND #processor_version <> :processor_version)))"
    );
    Ok((update, condition))
}

pub(super) fn commit(attempt: &Attempt, outcome: &Outcome, now: UnixMillis) -> Built {
    let mut update = Update::default();
    let ended = update.status_in(&[Status::Processing, outcome.status()])?;
    let status = update.name("status");
    update.set.push(format!("{status} = :{}", outcome.status()));
    update.set("updated_at", now)?;
    let (lease, until) = (update.name("lease"), update.name("until"));
    let over = update.value("over", UnixMillis::default())?;
    update.set.push(format!("{lease}.{until} = {over}"));
    match outcome {
        Outcome::Done { outputs, report } => {
            update.set("outputs", outputs)?;
            update.set("report", report)?;
            update.remove(&["failure"]);
        }
        Outcome::Failed(failure) | Outcome::Unknown(_, failure) => {
            update.set("failure", failure)?;
            if failure.kind.is_final() {
                update.remove(&["outputs", "report"]);
            }
        }
        Outcome::HandedOver(identified) => {
            if let Some(kind) = &identified.kind {
                update.set("kind", kind)?;
            }
            update.remove(&["failure"]);
        }
        Outcome::Superseded => update.remove(&["failure"]),
        Outcome::Gone => update.remove(&["outputs", "report", "failure"]),
    }
    if let Some(identified) = outcome.identified() {
        update.set("identified", identified)?;
    }
    update.record(&outcome.entry(attempt.fence, now))?;
    let (fence, mine) = (update.name("fence"), update.value("fence", attempt.fence)?);
    let condition = format!("{fence} = {mine} AND attribute_exists({lease}) AND {ended}");
    Ok((update, condition))
}

/// `kept`: for an upload whose file was unloaded or rejected, and keeps that state.
pub(super) fn remove(removal: &Removal, kept: bool) -> Built {
    let mut update = Update::default();
    update.set("sequencer", &removal.sequencer)?;
    update.set("updated_at", removal.now)?;
    update.remove(&["expires_at"]);
    let deleted = update.status_in(&[Status::Deleted])?;
    let older = format!("(attribute_not_exists(#sequencer) OR #sequencer < :sequencer) AND NOT ({deleted})");
    let ended = update.status_in(&[Status::Done, Status::Rejected])?;
    if kept {
        update.set("upload_removed_at", removal.now)?;
        update.record(&HistoryEntry::new(removal.now, HistoryEvent::UploadRemoved))?;
        return Ok((update, format!("{older} AND {ended}")));
    }
    let at = (removal.bucket.as_str(), removal.key.as_str());
    let fresh = FileRecord::announced(
        removal.file.clone(),
        &removal.kind,
        &removal.name,
        at,
        removal.now,
    );
    update.set("owner", &fresh.owner)?;
    update.set("id", fresh.id)?;
    update.set_first("kind", &fresh.kind)?;
    update.set_first("name", &fresh.name)?;
    update.set_first("bucket", &fresh.bucket)?;
    update.set_first("key", &fresh.key)?;
    update.set_first("created_at", fresh.created_at)?;
    update.set_first("listed_as", fresh.listed_as())?;
    update.set_first("size_bytes", 0)?;
    update.set_first("etag", "")?;
    update.set("status", Status::Removed)?;
    update.record(&HistoryEntry::new(removal.now, HistoryEvent::Removed))?;
    update.increment("fence")?;
    update.remove(&["lease", "outputs", "report", "failure"]);
    Ok((update, format!("{older} AND NOT ({ended})")))
}

pub(super) fn reprocess(wish: &Reprocess) -> Built {
    let mut update = Update::default();
    let (status, lease, until) = (update.name("status"), update.name("lease"), update.name("until"));
    update.set("updated_at", wish.now)?;
    if let Some(options) = &wish.options {
        update.set("options", options)?;
    }
    update.record(&HistoryEntry::new(wish.now, HistoryEvent::Reprocessed))?;
    update.remove(&["lease", "failure"]);
    let ready = update.status_in(&[Status::Pending, Status::Done, Status::Rejected, Status::Failed])?;
    let (processing, now) = (
        update.value("processing", Status::Processing)?,
        update.value("now", wish.now)?,
    );
    // Its placeholder is there from the condition.
    update.set.push(format!("{status} = :{}", Status::Pending));
    let (sequencer, removed) = (update.name("sequencer"), update.name("upload_removed_at"));
    let condition = format!(
        "attribute_exists({sequencer}) AND attribute_not_exists({removed}) AND ({ready} OR ({status} = {processing} \
         AND {lease}.{until} <= {now}))"
    );
    Ok((update, condition))
}

pub(super) fn expire(now: UnixMillis) -> Built {
    let mut update = Update::default();
    update.set("updated_at", now)?;
    update.record(&HistoryEntry::new(now, HistoryEvent::Expired))?;
    let pending = update.status_in(&[Status::Pending])?;
    let (status, expired) = (update.name("status"), update.value("expired", Status::Expired)?);
    update.set.push(format!("{status} = {expired}"));
    let (until, sequencer) = (update.name("upload_expires_at"), update.name("sequencer"));
    let now = update.value("now", now)?;
    let condition = format!("{pending} AND attribute_not_exists({sequencer}) AND {until} <= {now}");
    Ok((update, condition))
}

/// Everything that is not needed to keep late events away goes; out of the owner's list too (`listed_as`).
pub(super) fn delete(deletion: &Deletion) -> Built {
    let mut update = Update::default();
    update.set("status", Status::Deleted)?;
    update.set("updated_at", deletion.now)?;
    update.set("size_bytes", 0)?;
    update.set("etag", "")?;
    update.set("sequencer", &deletion.sequencer)?;
    update.set("expires_at", deletion.forgotten_at)?;
    update.increment("fence")?;
    update.remove(&[
        "name",
        "created_at",
        "listed_as",
        "announced_bytes",
        "declared_type",
        "sha256",
        "options",
        "upload_expires_at",
        "multipart",
        "identified",
        "lease",
        "processor_version",
        "outputs",
        "report",
        "failure",
        "upload_removed_at",
        "history",
    ]);
    let owner = update.name("owner");
    Ok((update, format!("attribute_exists({owner})")))
}
