//! Event source mappings of a function: the SAM events `SQS` and `DynamoDB`.
//! Reference: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-dynamodb.html>

use std::time::Duration;

use serde_json::Value;

use super::properties::Properties;
use super::{Destination, QueueTrigger, StartingPosition, StreamTrigger, TemplateError};
use crate::event_filter::Filters;

/// Lambda polls a queue with five pollers at first.
const QUEUE_POLLERS: u64 = 5;

/// `None` for a mapping that is not enabled.
pub(super) fn queue(properties: Properties<'_>) -> Result<Option<QueueTrigger>, TemplateError> {
    let arn = properties.required_text("Queue")?;
    let Some(Destination::Queue(queue)) = Destination::from_arn(&arn) else {
        return properties.fail("Queue", format!("{arn:?} is not the ARN of a queue"));
    };
    let batch_size = properties.number("BatchSize")?.unwrap_or(10).clamp(1, 10);
    let scaling = properties.object("ScalingConfig")?.unwrap_or_default();
    let most = scaling.get("MaximumConcurrency").and_then(|most| match most {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    let concurrency = most.unwrap_or(QUEUE_POLLERS).clamp(1, QUEUE_POLLERS);
    let trigger = QueueTrigger {
        queue,
        batch_size: usize::try_from(batch_size).unwrap_or(10),
        batching_window: batching_window(properties)?,
        concurrency: usize::try_from(concurrency).unwrap_or(1),
        reports_item_failures: reports_item_failures(properties)?,
        filters: filters(properties)?,
    };
    Ok(is_enabled(properties)?.then_some(trigger))
}

/// `None` for a mapping that is not enabled.
pub(super) fn stream(id: &str, properties: Properties<'_>) -> Result<Option<StreamTrigger>, TemplateError> {
    let arn = properties.required_text("Stream")?;
    let table = arn
        .strip_prefix("arn:aws:dynamodb:")
        .and_then(|rest| rest.split_once(":table/"))
        .and_then(|(_, rest)| rest.split_once("/stream/"));
    let Some((table, _)) = table else {
        return properties.fail("Stream", format!("{arn:?} is not the ARN of a table's stream"));
    };
    let starting_position = match properties.required_text("StartingPosition")?.as_str() {
        "TRIM_HORIZON" => StartingPosition::TrimHorizon,
        "LATEST" => StartingPosition::Latest,
        other => {
            return properties.fail(
                "StartingPosition",
                format!("{other:?} is neither TRIM_HORIZON nor LATEST"),
            );
        }
    };
    let batch_size = properties.number("BatchSize")?.unwrap_or(100);
    if !(1..=10_000).contains(&batch_size) {
        return properties.fail("BatchSize", "is not between 1 and 10000");
    }
    if properties
        .number("TumblingWindowInSeconds")?
        .is_some_and(|window| window > 0)
    {
        return properties.fail("TumblingWindowInSeconds", "windows are not served here");
    }
    let trigger = StreamTrigger {
        id: id.to_owned(),
        table: table.to_owned(),
        starting_position,
        batch_size: usize::try_from(batch_size).unwrap_or(100),
        batching_window: batching_window(properties)?,
        maximum_retry_attempts: limit(properties, "MaximumRetryAttempts", 0, 10_000)?
            .and_then(|attempts| u32::try_from(attempts).ok()),
        maximum_record_age: limit(properties, "MaximumRecordAgeInSeconds", 60, 604_800)?
            .map(Duration::from_secs),
        bisects: properties.truth("BisectBatchOnFunctionError")?.unwrap_or(false),
        reports_item_failures: reports_item_failures(properties)?,
        filters: filters(properties)?,
        on_failure: on_failure(properties)?,
        stream_arn: arn.clone(),
    };
    Ok(is_enabled(properties)?.then_some(trigger))
}

fn is_enabled(properties: Properties<'_>) -> Result<bool, TemplateError> {
    Ok(properties.truth("Enabled")?.unwrap_or(true))
}

fn batching_window(properties: Properties<'_>) -> Result<Duration, TemplateError> {
    let key = "MaximumBatchingWindowInSeconds";
    match properties.number(key)?.unwrap_or(0) {
        seconds if seconds <= 300 => Ok(Duration::from_secs(seconds)),
        _ => properties.fail(key, "is not between 0 and 300 seconds"),
    }
}

/// A number in its bounds, or -1 for no limit.
fn limit(properties: Properties<'_>, key: &str, least: u64, most: u64) -> Result<Option<u64>, TemplateError> {
    if properties.text(key)?.as_deref() == Some("-1") {
        return Ok(None);
    }
    match properties.number(key)? {
        Some(number) if !(least..=most).contains(&number) => {
            properties.fail(key, format!("is neither -1 nor between {least} and {most}"))
        }
        number => Ok(number),
    }
}

fn reports_item_failures(properties: Properties<'_>) -> Result<bool, TemplateError> {
    let key = "FunctionResponseTypes";
    let kinds = properties.texts(key)?;
    match kinds.iter().find(|kind| *kind != "ReportBatchItemFailures") {
        Some(unknown) => properties.fail(key, format!("{unknown:?} is not ReportBatchItemFailures")),
        None => Ok(!kinds.is_empty()),
    }
}

fn filters(properties: Properties<'_>) -> Result<Filters, TemplateError> {
    let mut filters = Filters::default();
    let Some(criteria) = properties.object("FilterCriteria")? else {
        return Ok(filters);
    };
    let path = properties.path_of("FilterCriteria.Filters");
    let Some(Value::Array(items)) = criteria.get("Filters") else {
        return Err(TemplateError::new(&path, "is not a list"));
    };
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}].Pattern");
        let Some(pattern) = item.get("Pattern").and_then(Value::as_str) else {
            return Err(TemplateError::new(&path, "is not the text of a pattern"));
        };
        filters
            .add(pattern)
            .map_err(|error| TemplateError::new(&path, error.to_string()))?;
    }
    Ok(filters)
}

fn on_failure(properties: Properties<'_>) -> Result<Option<String>, TemplateError> {
    let destinations = properties.object("DestinationConfig")?.unwrap_or_default();
    let Some(given) = destinations.get("OnFailure") else {
        return Ok(None);
    };
    let key = "DestinationConfig.OnFailure.Destination";
    match given
        .get("Destination")
        .and_then(Value::as_str)
        .map(Destination::from_arn)
    {
        Some(Some(Destination::Queue(queue))) => Ok(Some(queue)),
        Some(_) => properties.fail(key, "streams hand their failures to queues only, here"),
        None => properties.fail(key, "is missing: name the queue"),
    }
}
