//! Buckets, tables and queues.

use serde_json::{Map, Value, json};

use super::properties::Properties;
use super::{Bucket, Queue, Redrive, Table, TemplateError, TimeToLive};

pub(super) fn bucket(logical_id: &str, properties: Properties<'_>) -> Result<Bucket, TemplateError> {
    let versioned = properties
        .object("VersioningConfiguration")?
        .and_then(|versioning| versioning.get("Status").cloned())
        .is_some_and(|status| status == "Enabled");
    Ok(Bucket {
        logical_id: logical_id.to_owned(),
        name: properties.resolver.name(logical_id)?,
        versioned,
        cors: properties.value("CorsConfiguration")?,
        lifecycle: properties.value("LifecycleConfiguration")?,
    })
}

/// `AWS::DynamoDB::Table` spells nearly everything as the `CreateTable` call does.
/// Reference: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>
pub(super) fn table(logical_id: &str, properties: Properties<'_>) -> Result<Table, TemplateError> {
    const SAME: [&str; 7] = [
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "TableClass",
        "BillingMode",
    ];
    let name = properties.resolver.name(logical_id)?;
    let mut create = Map::from_iter([("TableName".to_owned(), json!(name))]);
    for key in SAME {
        if let Some(value) = properties.value(key)? {
            create.insert(key.to_owned(), whole_numbers(value));
        }
    }
    if !create.contains_key("KeySchema") {
        return properties.fail("KeySchema", "is missing");
    }
    if let Some(mut stream) = properties.object("StreamSpecification")? {
        stream.insert("StreamEnabled".to_owned(), Value::Bool(true));
        create.insert("StreamSpecification".to_owned(), Value::Object(stream));
    }
    let time_to_live = match properties.object("TimeToLiveSpecification")? {
        Some(map)
            if map
                .get("Enabled")
                .is_some_and(|enabled| enabled == true || enabled == "true") =>
        {
            let Some(attribute) = map.get("AttributeName").and_then(Value::as_str) else {
                return properties.fail("TimeToLiveSpecification.AttributeName", "is missing");
            };
            Some(TimeToLive {
                attribute: attribute.to_owned(),
            })
        }
        _ => None,
    };
    Ok(Table {
        logical_id: logical_id.to_owned(),
        name,
        create_table: Value::Object(create),
        time_to_live,
    })
}

/// `AWS::Serverless::SimpleTable`: one hash key, on demand.
pub(super) fn simple_table(logical_id: &str, properties: Properties<'_>) -> Result<Table, TemplateError> {
    let name = properties.resolver.name(logical_id)?;
    let key = properties.object("PrimaryKey")?.unwrap_or_default();
    let part = |name: &str, default: &str| {
        key.get(name)
            .and_then(Value::as_str)
            .unwrap_or(default)
            .to_owned()
    };
    let attribute = part("Name", "id");
    let kind = match part("Type", "String").as_str() {
        "String" => "S",
        "Number" => "N",
        "Binary" => "B",
        other => return properties.fail("PrimaryKey.Type", format!("{other:?} is not a type of a key")),
    };
    let create_table = json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind}],
        "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    Ok(Table {
        logical_id: logical_id.to_owned(),
        name,
        create_table,
        time_to_live: None,
    })
}

/// CloudFormation takes `"5"` for a capacity, the API takes 5 only.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let number = match (&value, key.ends_with("CapacityUnits")) {
                        (Value::String(text), true) => text.parse::<u64>().ok(),
                        _ => None,
                    };
                    let value = number.map_or_else(|| whole_numbers(value), |number| json!(number));
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(whole_numbers).collect()),
        other => other,
    }
}

pub(super) fn queue(logical_id: &str, properties: Properties<'_>) -> Result<Queue, TemplateError> {
    if properties.truth("FifoQueue")? == Some(true) {
        return properties.fail("FifoQueue", "FIFO queues are not served here");
    }
    let bounded = |key: &str, default: u64, most: u64| match properties.number(key)?.unwrap_or(default) {
        number if number <= most => Ok(number),
        number => properties.fail(key, format!("{number} is more than {most}")),
    };
    let redrive = match properties.object("RedrivePolicy")? {
        None => None,
        Some(policy) => {
            let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
            let count = policy.get("maxReceiveCount").and_then(|count| match count {
                Value::Number(number) => number.as_u64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            });
            let queue = target.and_then(|arn| arn.rsplit(':').next());
            let (Some(queue), Some(max_receive_count)) = (queue, count) else {
                return properties.fail("RedrivePolicy", "wants deadLetterTargetArn and maxReceiveCount");
            };
            Some(Redrive {
                queue: queue.to_owned(),
                max_receive_count,
            })
        }
    };
    Ok(Queue {
        logical_id: logical_id.to_owned(),
        name: properties.resolver.name(logical_id)?,
        visibility_timeout_seconds: bounded("VisibilityTimeout", 30, 43_200)?,
        retention_seconds: bounded("MessageRetentionPeriod", 345_600, 1_209_600)?,
        delay_seconds: bounded("DelaySeconds", 0, 900)?,
        receive_wait_seconds: bounded("ReceiveMessageWaitTimeSeconds", 0, 20)?,
        redrive,
    })
}
