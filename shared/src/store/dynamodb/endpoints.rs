//! Endpoints, beside the records.
//!
//! An endpoint and the count change in one transaction, so that no two registrations at the same time pass the limit.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};

use super::{DynamoCatalogue, Item, StoreError, StoreErrorKind, key_of, store_error};
use crate::{
    keys::Owner,
    store::endpoints::{Endpoints, Registered},
    webhook::{Endpoint, EndpointId, MAX_ENDPOINTS},
};

/// The sort key of the count. It sorts behind every id: a ULID begins with a digit below 8.
const COUNT: &str = "count";
const AFTER_ALL_IDS: &str = "8";
/// How often a transaction is tried that meets another on the same owner's endpoints.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(40);

/// Why a transaction changed nothing: whether the condition on the endpoint, or on the count, did not hold.
struct Cancelled {
    by_endpoint: bool,
    by_count: bool,
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn partition(owner: &Owner) -> String {
    format!("{}/webhooks", owner.segment())
}

fn key(owner: &Owner, sort: impl Into<String>) -> Item {
    key_of(partition(owner), sort).into()
}

fn read(operation: &'static str, item: Item) -> Result<Endpoint, StoreError> {
    let subject = match item.get("pk") {
        Some(AttributeValue::S(pk)) => pk.clone(),
        _ => String::new(),
    };
    serde_dynamo::from_item(item)
        .map_err(|error| StoreError::new(StoreErrorKind::Malformed, operation, subject, error.to_string()))
}

impl DynamoCatalogue {
    /// Adds to the count, which is 0 where it is missing.
    fn count_endpoints(&self, owner: &Owner, change: i8) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(owner, COUNT)))
            .update_expression("ADD #count :change")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":change", AttributeValue::N(change.to_string()));
        let update = if change > 0 {
            update
                .condition_expression("attribute_not_exists(#count) OR #count < :max")
                .expression_attribute_values(":max", AttributeValue::N(MAX_ENDPOINTS.to_string()))
        } else {
            update
        };
        let update = update.build().map_err(|error| malformed(owner, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Changes an endpoint and the count, or neither.
    async fn change_endpoints(
        &self,
        owner: &Owner,
        endpoint: TransactWriteItem,
        count: TransactWriteItem,
    ) -> Result<Result<(), Cancelled>, StoreError> {
        let mut tries = 1;
        loop {
            let request = self.client.transact_write_items();
            let answer = request
                .transact_items(endpoint.clone())
                .transact_items(count.clone())
                .send()
                .await;
            let Err(error) = answer else {
                return Ok(Ok(()));
            };
            let reasons = reasons(&error);
            if let [by_endpoint, by_count] = reasons.as_slice() {
                let refused = |reason: &str| reason == "ConditionalCheckFailed";
                let cancelled = Cancelled {
                    by_endpoint: refused(by_endpoint),
                    by_count: refused(by_count),
                };
                if cancelled.by_endpoint || cancelled.by_count {
                    return Ok(Err(cancelled));
                }
                if tries < TRIES && reasons.iter().any(|reason| reason == "TransactionConflict") {
                    tokio::time::sleep(BETWEEN_TRIES * tries).await;
                    tries += 1;
                    continue;
                }
            }
            let mut error = store_error("TransactWriteItems", owner, &error);
            if !reasons.is_empty() {
                // A conflict, or a throttled table: the request itself is sound.
                error.kind = StoreErrorKind::Unavailable;
            }
            return Err(error);
        }
    }
}

/// Why each part of a cancelled transaction was refused; nothing if something else went wrong.
fn reasons(error: &SdkError<TransactWriteItemsError>) -> Vec<String> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
            .cancellation_reasons()
            .iter()
            .map(|reason| reason.code().unwrap_or_default().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

fn malformed(owner: &Owner, error: &dyn std::error::Error) -> StoreError {
    StoreError::new(
        StoreErrorKind::Malformed,
        "TransactWriteItems",
        owner,
        error.to_string(),
    )
}

impl Endpoints for DynamoCatalogue {
    async fn register(&self, owner: &Owner, endpoint: &Endpoint) -> Result<Registered, StoreError> {
        let mut item: Item = serde_dynamo::to_item(endpoint).map_err(|error| malformed(owner, &error))?;
        item.extend(key(owner, endpoint.id));
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|error| malformed(owner, &error))?;
        let put = TransactWriteItem::builder().put(put).build();
        match self
            .change_endpoints(owner, put, self.count_endpoints(owner, 1)?)
            .await?
        {
            Ok(()) => Ok(Registered::Yes),
            Err(Cancelled {
                by_endpoint: true, ..
            }) => {
                let message = "there is an endpoint of this id already";
                Err(StoreError::new(
                    StoreErrorKind::Changed,
                    "TransactWriteItems",
                    endpoint.id,
                    message,
                ))
            }
            Err(_) => Ok(Registered::Full),
        }
    }

    async fn endpoints(&self, owner: &Owner) -> Result<Vec<Endpoint>, StoreError> {
        let operation = "Query";
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :end")
            .expression_attribute_values(":pk", text(partition(owner)))
            .expression_attribute_values(":end", text(AFTER_ALL_IDS))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error(operation, owner, &error))?;
        let items = answer.items.unwrap_or_default();
        items.into_iter().map(|item| read(operation, item)).collect()
    }

    async fn endpoint(&self, owner: &Owner, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
        let operation = "GetItem";
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key(owner, id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| store_error(operation, &id, &error))?;
        answer.item.map(|item| read(operation, item)).transpose()
    }

    async fn unregister(&self, owner: &Owner, id: EndpointId) -> Result<bool, StoreError> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(owner, id)))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(|error| malformed(owner, &error))?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        Ok(self
            .change_endpoints(owner, delete, self.count_endpoints(owner, -1)?)
            .await?
            .is_ok())
    }
}
