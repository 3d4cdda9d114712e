//! DynamoDB's items as events spell them.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};

/// An item from its JSON: `{"name": {"S": "text"}}`. Of the types only those that records have.
pub(crate) fn from_json(item: &Value) -> Result<HashMap<String, AttributeValue>> {
    map(item.as_object().context("an item is an object")?)
}

fn map(object: &Map<String, Value>) -> Result<HashMap<String, AttributeValue>> {
    object
        .iter()
        .map(|(name, value)| Ok((name.clone(), attribute(value)?)))
        .collect()
}

fn attribute(value: &Value) -> Result<AttributeValue> {
    let object = value.as_object().context("an attribute is an object")?;
    let (kind, value) = object.iter().next().context("an attribute has a type")?;
    Ok(match (kind.as_str(), value) {
        ("S", Value::String(text)) => AttributeValue::S(text.clone()),
        ("N", Value::String(number)) => AttributeValue::N(number.clone()),
        ("BOOL", Value::Bool(value)) => AttributeValue::Bool(*value),
        ("NULL", Value::Bool(value)) => AttributeValue::Null(*value),
        ("M", Value::Object(object)) => AttributeValue::M(map(object)?),
        ("L", Value::Array(values)) => {
            AttributeValue::L(values.iter().map(attribute).collect::<Result<_>>()?)
        }
        _ => bail!("{kind} is no type that a record has"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_are_read() {
        let item = from_json(&json!({"a": {"L": [{"M": {"b": {"N": "1"}}}]}})).unwrap();
        let inner = item["a"].as_l().unwrap()[0].as_m().unwrap();
        assert_eq!(inner["b"].as_n().unwrap(), "1");
        assert!(from_json(&json!({"a": {"X": 1}})).is_err());
    }
}
