//! Records in one DynamoDB table.
//!
//! ```text
//! pk                    sk           attributes
//! <owner>/<id>          record       FileRecord, by its fields' names; listed_as
//! <owner>/<id>          expiry       expires_at: its removal is the sign to expire an upload that never came
//! <owner>/quota         2026-11-21   files, bytes; expires_at
//! <owner>/idempotency   a digest     the answer to a request; expires_at
//! <owner>/webhooks      an id        Endpoint, by its fields' names
//! <owner>/webhooks      count        count: how many endpoints there are
//! index by-owner: owner, listed_as (newest last); only records have both
//! ```
//!
//! A transition is one conditional `UpdateItem`: the conditions here say what
//! [`transition`] says, and a condition that fails hands back the record that made it fail.

mod endpoints;
mod ledger;
mod transitions;
mod update;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Catalogue, Page, StoreError, StoreErrorKind};
use crate::{
    catalogue::{
        Attempt, Claim, Claimed, Committed, Deletion, FileRecord, Outcome, Removal, Removed, Reprocess,
        ReprocessRefusal, Status, lifecycle, transition,
    },
    keys::{FileRef, Owner},
    time::UnixMillis,
};
use transitions::Built;
use update::Update;

type Item = HashMap<String, AttributeValue>;

/// The sort key of a file's record; other things about a file may lie beside it.
const RECORD: &str = "record";
/// The sort key of the marker whose time to live is the announced upload's.
const EXPIRY: &str = "expiry";
/// The index that lists an owner's files.
const BY_OWNER: &str = "by-owner";

/// Records in one DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoCatalogue {
    client: Client,
    table: String,
}

/// What an update came to: the record before it, or the record that made its condition fail.
enum Updated {
    Yes(Option<FileRecord>),
    No(Option<FileRecord>),
}

fn key_of(pk: impl Into<String>, sk: impl Into<String>) -> [(String, AttributeValue); 2] {
    [
        ("pk".to_owned(), AttributeValue::S(pk.into())),
        ("sk".to_owned(), AttributeValue::S(sk.into())),
    ]
}

fn key(file: &FileRef) -> [(String, AttributeValue); 2] {
    key_of(file.to_string(), RECORD)
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

    /// Applies a transition to a record. If it adds to a history that is full, the older half of that goes first.
    async fn update(&self, file: &FileRef, built: Built) -> Result<Updated, StoreError> {
        let (update, mut condition) = built.map_err(|error| {
            StoreError::new(StoreErrorKind::Malformed, "UpdateItem", file, error.to_string())
        })?;
        if let Some(room) = update.room() {
            condition = format!("({condition}) AND {room}");
        }
        let mut updated = self.send(file, update.clone(), condition.clone()).await?;
        if let Updated::No(Some(record)) = &updated
            && update.room().is_some()
            && transition::forgotten_entries(record) > 0
        {
            self.forget_history(file, record).await?;
            updated = self.send(file, update, condition).await?;
        }
        Ok(updated)
    }

    async fn forget_history(&self, file: &FileRef, record: &FileRecord) -> Result<(), StoreError> {
        let (update, condition) = Update::forget(transition::forgotten_entries(record)).map_err(|error| {
            StoreError::new(StoreErrorKind::Malformed, "UpdateItem", file, error.to_string())
        })?;
        // Whoever was faster did the same.
        self.send(file, update, condition).await.map(drop)
    }

    async fn send(&self, file: &FileRef, update: Update, condition: String) -> Result<Updated, StoreError> {
        let operation = "UpdateItem";
        let values = (!update.values.is_empty()).then(|| update.values.clone());
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(file).into()))
            .update_expression(update.expression())
            .condition_expression(condition)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(values)
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

    /// Writes the marker whose removal, once its time to live is over, is the sign to expire the upload.
    async fn mark_expiry(&self, file: &FileRef, at: UnixMillis) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(key_of(file.to_string(), EXPIRY).into()))
            .item("expires_at", AttributeValue::N(at.as_seconds().to_string()))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("PutItem", file, &error))
    }
}

impl DynamoCatalogue {
    /// What a rehearsal asks of the table ([`crate::aws::Aws::rehearse`]): as a claim or a look-up would.
    pub async fn rehearse(&self) {
        let [(pk, pk_value), (sk, sk_value)] = key_of("rehearsal", RECORD);
        let _ = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(pk, pk_value)
            .key(sk, sk_value)
            .send()
            .await;
    }
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
        let create = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send();
        let mark = async {
            match record.upload_expires_at {
                Some(at) => self.mark_expiry(&file, at).await,
                None => Ok(()),
            }
        };
        let (created, marked) = futures::join!(create, mark);
        created.map_err(|error| store_error(operation, &file, &error))?;
        marked
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

    async fn list(
        &self,
        owner: &Owner,
        limit: u16,
        after: Option<&str>,
        since: UnixMillis,
    ) -> Result<Page, StoreError> {
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
        let found = files.len();
        // The newest come first: behind the first that is too old, all are.
        files.truncate(files.partition_point(|record| record.created_at >= since));
        let more = files.len() == found && (cut || found > usize::from(limit));
        files.truncate(usize::from(limit));
        let next = files.last().filter(|_| more).map(FileRecord::listed_as);
        Ok(Page { files, next })
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        match self.update(&claim.file, transitions::claim(claim)).await? {
            Updated::Yes(before) => {
                let (fence, options, declared_type) = before.map_or_else(Default::default, |record| {
                    (record.fence, record.options, record.declared_type)
                });
                Ok(Claimed::Granted(Attempt {
                    file: claim.file.clone(),
                    fence: fence + 1,
                    options,
                    declared_type,
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
                .update(&attempt.file, transitions::commit(attempt, outcome, now))
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
            match self
                .update(&removal.file, transitions::remove(removal, kept))
                .await?
            {
                Updated::Yes(_) if kept => return Ok(Removed::Kept),
                Updated::Yes(before) => {
                    let (fence, kind) = before
                        .map_or_else(|| (0, removal.kind.clone()), |record| (record.fence, record.kind));
                    return Ok(Removed::Marked {
                        fence: fence + 1,
                        kind,
                    });
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

    async fn reprocess(&self, wish: &Reprocess) -> Result<Result<FileRecord, ReprocessRefusal>, StoreError> {
        match self.update(&wish.file, transitions::reprocess(wish)).await? {
            Updated::Yes(Some(before)) => Ok(lifecycle::reprocess(Some(&before), wish)),
            Updated::Yes(None) | Updated::No(None) => Ok(Err(ReprocessRefusal::Unknown)),
            Updated::No(Some(record)) => {
                // What has changed since the condition failed is as good as at work.
                Ok(Err(
                    lifecycle::refuse_reprocess(&record, wish.now).unwrap_or(ReprocessRefusal::Busy)
                ))
            }
        }
    }

    async fn expire(&self, file: &FileRef, now: UnixMillis) -> Result<bool, StoreError> {
        let updated = self.update(file, transitions::expire(now)).await?;
        Ok(matches!(updated, Updated::Yes(_)))
    }

    async fn delete(&self, deletion: &Deletion) -> Result<Option<u64>, StoreError> {
        Ok(
            match self.update(&deletion.file, transitions::delete(deletion)).await? {
                Updated::Yes(before) => before.map(|record| record.fence + 1),
                Updated::No(_) => None,
            },
        )
    }
}
