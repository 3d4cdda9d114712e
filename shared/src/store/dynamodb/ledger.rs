//! Counts and answers, beside the records.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use serde::{Deserialize, Serialize};

use super::{DynamoCatalogue, Item, StoreError, StoreErrorKind, key_of, store_error};
use crate::{
    keys::Owner,
    store::ledger::{Answer, Begun, KEPT_FOR, Ledger, Quota, Repeatable, TRY_ENDS_AFTER, Usage},
    time::UnixMillis,
};

/// How long a day's counts are kept once they are last added to.
const COUNTS_KEPT: Duration = Duration::from_hours(48);

/// A request as it is kept: without an answer while its first try is under way.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    fingerprint: String,
    since: UnixMillis,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    answer: Option<Answer>,
    expires_at: u64,
}

fn malformed(operation: &'static str, owner: &Owner) -> impl Fn(serde_dynamo::Error) -> StoreError {
    move |error| StoreError::new(StoreErrorKind::Malformed, operation, owner, error.to_string())
}

fn quota_key(owner: &Owner, day: &str) -> [(String, AttributeValue); 2] {
    key_of(format!("{}/quota", owner.segment()), day)
}

fn request_key(request: &Repeatable) -> [(String, AttributeValue); 2] {
    key_of(format!("{}/idempotency", request.owner.segment()), &request.key)
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl Ledger for DynamoCatalogue {
    async fn charge(
        &self,
        owner: &Owner,
        day: &str,
        bytes: u64,
        quota: Quota,
    ) -> Result<Result<Usage, Usage>, StoreError> {
        let operation = "UpdateItem";
        let (Some(room_files), Some(room_bytes)) =
            (quota.files.checked_sub(1), quota.bytes.checked_sub(bytes))
        else {
            return Ok(Err(self.usage(owner, day).await?));
        };
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(quota_key(owner, day).into()))
            .update_expression("ADD files :one, #bytes :bytes SET expires_at = :expires_at")
            .condition_expression(
                "(attribute_not_exists(files) OR files <= :room_files) AND (attribute_not_exists(#bytes) OR \
                 #bytes <= :room_bytes)",
            )
            .expression_attribute_names("#bytes", "bytes")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":bytes", number(bytes))
            .expression_attribute_values(":room_files", number(room_files))
            .expression_attribute_values(":room_bytes", number(room_bytes))
            .expression_attribute_values(
                ":expires_at",
                number(UnixMillis::now().after(COUNTS_KEPT).as_seconds()),
            )
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let usage = |item: Option<Item>| serde_dynamo::from_item(item.unwrap_or_default());
        match answer {
            Ok(answer) => usage(answer.attributes)
                .map(Ok)
                .map_err(malformed(operation, owner)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => usage(failed.item.clone())
                    .map(Err)
                    .map_err(malformed(operation, owner)),
                _ => Err(store_error(operation, owner, &error)),
            },
        }
    }

    async fn usage(&self, owner: &Owner, day: &str) -> Result<Usage, StoreError> {
        let operation = "GetItem";
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(quota_key(owner, day).into()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error(operation, owner, &error))?;
        serde_dynamo::from_item(answer.item.unwrap_or_default()).map_err(malformed(operation, owner))
    }

    async fn begin(&self, request: &Repeatable, now: UnixMillis) -> Result<Begun, StoreError> {
        let operation = "PutItem";
        let kept = Kept {
            fingerprint: request.fingerprint.clone(),
            since: now,
            answer: None,
            expires_at: now.after(KEPT_FOR).as_seconds(),
        };
        let mut item: Item = serde_dynamo::to_item(&kept).map_err(malformed(operation, &request.owner))?;
        item.extend(request_key(request));
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            // DynamoDB takes its time to remove what is past its time to live.
            .condition_expression("attribute_not_exists(pk) OR expires_at <= :now")
            .expression_attribute_values(":now", number(now.as_seconds()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(Begun::New { since: now });
        };
        let Some(PutItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(store_error(operation, &request.owner, &error));
        };
        let kept: Kept = serde_dynamo::from_item(failed.item.clone().unwrap_or_default())
            .map_err(malformed(operation, &request.owner))?;
        Ok(if kept.fingerprint != request.fingerprint {
            Begun::Different
        } else if let Some(answer) = kept.answer {
            Begun::Answered(answer)
        } else if kept.since.after(TRY_ENDS_AFTER) <= now {
            Begun::New { since: kept.since }
        } else {
            Begun::Running
        })
    }

    async fn finish(&self, request: &Repeatable, answer: &Answer) -> Result<(), StoreError> {
        let operation = "UpdateItem";
        let answer =
            serde_dynamo::to_attribute_value(answer).map_err(malformed(operation, &request.owner))?;
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(request_key(request).into()))
            .update_expression("SET answer = :answer")
            .expression_attribute_values(":answer", answer)
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error(operation, &request.owner, &error))
    }

    async fn forget(&self, request: &Repeatable) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(request_key(request).into()))
            .send()
            .await
            .map(drop)
            .map_err(|error| store_error("DeleteItem", &request.owner, &error))
    }
}
