//! Records in one DynamoDB table.
//!
//! ```text
//! pk             sk        attributes
//! <owner>/<id>   record    FileRecord, by its fields' names; listed_as
//! index by-owner: owner, listed_as (newest last)
//! ```
//!
//! A transition is one conditional `UpdateItem`: the conditions here say what
//! [`transition`] says, and a condition that fails hands back the record that made it fail.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::Serialize;

use super::{Catalogue, Page, StoreError, StoreErrorKind};
use crate::{
    catalogue::{
        Attempt, Claim, Claimed, Committed, FileRecord, Lease, Outcome, Removal, Removed, Status, transition,
    },
    keys::{FileRef, Owner},
    time::UnixMillis,
};

type Item = HashMap<String, AttributeValue>;

/// The sort key of a file's record; other things about a file may lie beside it.
const RECORD: &str = "record";
/// The index that lists an owner's files.
const BY_OWNER: &str = "by-owner";

/// Records in one DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoCatalogue {
    client: Client,
    table: String,
}

/// An `UpdateItem` as it is put together: every name and value by placeholder, so that no reserved word is met.
#[derive(Debug, Default)]
struct Update {
    set: Vec<String>,
    remove: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Update {
    /// `#name`, for an attribute's name.
    fn name(&mut self, name: &str) -> String {
        self.names.insert(format!("#{name}"), name.to_owned());
        format!("#{name}")
    }

    /// `:name`, for a value.
    fn value(&mut self, name: &str, value: impl Serialize) -> Result<String, serde_dynamo::Error> {
        self.values
            .insert(format!(":{name}"), serde_dynamo::to_attribute_value(value)?);
        Ok(format!(":{name}"))
    }

    /// Sets an attribute.
    fn set(&mut self, name: &str, value: impl Serialize) -> Result<(), serde_dynamo::Error> {
        let assignment = format!("{} = {}", self.name(name), self.value(name, value)?);
        self.set.push(assignment);
        Ok(())
    }

    /// Sets an attribute that is not there yet.
    fn set_first(&mut self, name: &str, value: impl Serialize) -> Result<(), serde_dynamo::Error> {
        let (placeholder, value) = (self.name(name), self.value(name, value)?);
        self.set
            .push(format!("{placeholder} = if_not_exists({placeholder}, {value})"));
        Ok(())
    }

    /// Adds one to a number, which counts as 0 where it is missing.
    fn increment(&mut self, name: &str) -> Result<(), serde_dynamo::Error> {
        let (name, zero, one) = (self.name(name), self.value("zero", 0)?, self.value("one", 1)?);
        self.set
            .push(format!("{name} = if_not_exists({name}, {zero}) + {one}"));
        Ok(())
    }

    /// Removes attributes.
    fn remove(&mut self, names: &[&str]) {
        for name in names {
            let name = self.name(name);
            self.remove.push(name);
        }
    }

    /// `#status IN (…)`.
    fn status_in(&mut self, statuses: &[Status]) -> Result<String, serde_dynamo::Error> {
        let mut values = Vec::new();
        for status in statuses {
            values.push(self.value(status.as_str(), status)?);
        }
        Ok(format!("{} IN ({})", self.name("status"), values.join(", ")))
    }

    /// The update expression.
    fn expression(&self) -> String {
        let mut expression = format!("SET {}", self.set.join(", "));
        if !self.remove.is_empty() {
            expression = format!("{expression} REMOVE {}", self.remove.join(", "));
        }
        expression
    }
}

/// What an update came to: the record before it, or the record that made its condition fail.
enum Updated {
    Yes(Option<FileRecord>),
    No(Option<FileRecord>),
}

fn key(file: &FileRef) -> [(String, AttributeValue); 2] {
    [
        ("pk".to_owned(), AttributeValue::S(file.to_string())),
        ("sk".to_owned(), AttributeValue::S(RECORD.to_owned())),
    ]
}

fn read(operation: &'static str, item: Item) -> Result<FileRecord, StoreError> {
    let subject = item
        .get("pk")
        .and_then(|pk| pk.as_s().ok())
        .cloned()
        .unwrap_or_default();
    serde_dynamo::from_item(item)
        .map_err(|error| StoreError::new(StoreErrorKind::Malformed, operation, subject, error.to_string()))
}

/// The record in what an update gives back; nothing if there was none before, which DynamoDB says with no item
/// at all and others with an item that has only its key.
fn existing(operation: &'static str, item: Item) -> Option<Result<FileRecord, StoreError>> {
    item.contains_key("owner").then(|| read(operation, item))
}

/// Says what an error of the SDK means.
fn store_error<E>(operation: &'static str, subject: &impl ToString, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let throttled = [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
        "InternalServerError",
    ];
    let answer = error.raw_response().map(|response| response.status().as_u16());
    let kind = match (error.code(), answer) {
        (Some("ConditionalCheckFailedException"), _) => StoreErrorKind::Changed,
        (Some(code), _) if throttled.contains(&code) => StoreErrorKind::Unavailable,
        (_, Some(400..500)) => StoreErrorKind::Refused,
        _ => StoreErrorKind::Unavailable,
    };
    let message = match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or("no message")),
        _ => super::chain(error),
    };
    StoreError::new(kind, operation, subject.to_string(), message)
}

impl DynamoCatalogue {
    /// Records in the table `table`.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    async fn update(
        &self,
        file: &FileRef,
        built: Result<(Update, String), serde_dynamo::Error>,
    ) -> Result<Updated, StoreError> {
        let operation = "UpdateItem";
        let (update, condition) = built.map_err(|error| {
            StoreError::new(StoreErrorKind::Malformed, operation, file, error.to_string())
        })?;
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(file).into()))
            .update_expression(update.expression())
            .condition_expression(condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let before = answer.attributes.and_then(|item| existing(operation, item));
                Ok(Updated::Yes(before.transpose()?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let record = failed.item.clone().and_then(|item| existing(operation, item));
                    Ok(Updated::No(record.transpose()?))
                }
                _ => Err(store_error(operation, file, &error)),
            },
        }
    }
}

fn claim_update(claim: &Claim) -> Result<(Update, String), serde_dynamo::Error> {
    let mut update = Update::default();
    let at = (claim.bucket.as_str(), claim.key.as_str());
    let fresh = FileRecord::announced(claim.file.clone(), &claim.kind, &claim.name, at, claim.now);
    update.set("owner", &fresh.owner)?;
    update.set("id", fresh.id)?;
    update.set_first("kind", &fresh.kind)?;
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
    update.remove(&["failure", "upload_removed_at", "expires_at"]);
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
         OR ({ended} AND #processor_version <> :processor_version)))"
    );
    Ok((update, condition))
}

fn commit_update(
    attempt: &Attempt,
    outcome: &Outcome,
    now: UnixMillis,
) -> Result<(Update, String), serde_dynamo::Error> {
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
        Outcome::Failed(failure) => {
            update.set("failure", failure)?;
            if failure.kind.is_final() {
                update.remove(&["outputs", "report"]);
            }
        }
        Outcome::Superseded => update.remove(&["failure"]),
        Outcome::Gone => update.remove(&["outputs", "report", "failure"]),
    }
    let (fence, mine) = (update.name("fence"), update.value("fence", attempt.fence)?);
    let condition = format!("{fence} = {mine} AND attribute_exists({lease}) AND {ended}");
    Ok((update, condition))
}

/// `kept`: for an upload whose file was unloaded or rejected, and keeps that state.
fn remove_update(removal: &Removal, kept: bool) -> Result<(Update, String), serde_dynamo::Error> {
    let mut update = Update::default();
    update.set("sequencer", &removal.sequencer)?;
    update.set("updated_at", removal.now)?;
    update.remove(&["expires_at"]);
    let older = "(attribute_not_exists(#sequencer) OR #sequencer < :sequencer)";
    let ended = update.status_in(&[Status::Done, Status::Rejected])?;
    if kept {
        update.set("upload_removed_at", removal.now)?;
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
    update.increment("fence")?;
    update.remove(&["lease", "outputs", "report", "failure"]);
    Ok((update, format!("{older} AND NOT ({ended})")))
}

impl Catalogue for DynamoCatalogue {
    async fn create(&self, record: &FileRecord) -> Result<(), StoreError> {
        let operation = "PutItem";
        let file = record.file();
        let mut item: Item = serde_dynamo::to_item(record).map_err(|error| {
            StoreError::new(StoreErrorKind::Malformed, operation, &file, error.to_string())
        })?;
        item.extend(key(&file));
        item.insert("listed_as".to_owned(), AttributeValue::S(record.listed_as()));
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error(operation, &file, &error))
    }

    async fn get(&self, file: &FileRef) -> Result<Option<FileRecord>, StoreError> {
        let operation = "GetItem";
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(file).into()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error(operation, file, &error))?;
        answer.item.map(|item| read(operation, item)).transpose()
    }

    async fn list(&self, owner: &Owner, limit: u16, after: Option<&str>) -> Result<Page, StoreError> {
        let operation = "Query";
        let owner_is = "#owner = :owner";
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(BY_OWNER)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":owner", AttributeValue::S(owner.as_str().to_owned()))
            .scan_index_forward(false)
            // One more than asked for tells whether there is a next page.
            .limit(i32::from(limit) + 1);
        query = match after {
            None => query.key_condition_expression(owner_is),
            Some(after) => query
                .key_condition_expression(format!("{owner_is} AND listed_as < :after"))
                .expression_attribute_values(":after", AttributeValue::S(after.to_owned())),
        };
        let answer = query
            .send()
            .await
            .map_err(|error| store_error(operation, owner, &error))?;
        // A page of 1 MB ends early, whatever the limit.
        let cut = answer.last_evaluated_key.is_some();
        let read = |item| read(operation, item);
        let mut files = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()?;
        let more = cut || files.len() > usize::from(limit);
        files.truncate(usize::from(limit));
        let next = files.last().filter(|_| more).map(FileRecord::listed_as);
        Ok(Page { files, next })
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        match self.update(&claim.file, claim_update(claim)).await? {
            Updated::Yes(before) => {
                let fence = before.map_or(0, |record| record.fence) + 1;
                Ok(Claimed::Granted(Attempt {
                    file: claim.file.clone(),
                    fence,
                }))
            }
            Updated::No(record) => record
                .and_then(|record| transition::refuse(&record, claim))
                .ok_or_else(|| {
                    let message = "the condition failed on a record that it holds for";
                    StoreError::new(StoreErrorKind::Malformed, "UpdateItem", &claim.file, message)
                }),
        }
    }

    async fn commit(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        now: UnixMillis,
    ) -> Result<Committed, StoreError> {
        Ok(
            match self
                .update(&attempt.file, commit_update(attempt, outcome, now))
                .await?
            {
                Updated::Yes(_) => Committed::Yes,
                Updated::No(_) => Committed::Lost,
            },
        )
    }

    async fn remove(&self, removal: &Removal) -> Result<Removed, StoreError> {
        // Which of the two it is shows only in the record: most uploads that are deleted were unloaded before.
        let mut kept = true;
        for _ in 0..3 {
            match self.update(&removal.file, remove_update(removal, kept)).await? {
                Updated::Yes(_) if kept => return Ok(Removed::Kept),
                Updated::Yes(before) => {
                    let fence = before.map_or(0, |record| record.fence) + 1;
                    return Ok(Removed::Marked { fence });
                }
                Updated::No(record) => match record {
                    Some(record) if transition::remove(Some(&record), removal).is_none() => {
                        return Ok(Removed::Stale);
                    }
                    record => {
                        kept = record
                            .is_some_and(|record| matches!(record.status, Status::Done | Status::Rejected));
                    }
                },
            }
        }
        let message = "the record changed at each try";
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            "UpdateItem",
            &removal.file,
            message,
        ))
    }
}
