//! DynamoDB's JSON, in which each value names its type, as plain JSON.
//!
//! Source: "`AttributeValue`" in the Amazon DynamoDB Streams API reference.

use serde_json::{Map, Number, Value};

/// An item's attributes as a JSON object; nothing where it is not DynamoDB's JSON.
///
/// Binary values, of which the catalogue has none, stay as they are written: base 64.
pub(crate) fn object(image: &Map<String, Value>) -> Option<Map<String, Value>> {
    image
        .iter()
        .map(|(name, attribute)| Some((name.clone(), value(attribute)?)))
        .collect()
}

fn value(attribute: &Value) -> Option<Value> {
    let mut types = attribute.as_object()?.iter();
    let (kind, value) = types.next()?;
    if types.next().is_some() {
        return None;
    }
    match (kind.as_str(), value) {
        ("S" | "B", Value::String(_)) | ("BOOL", Value::Bool(_)) => Some(value.clone()),
        ("SS" | "BS", Value::Array(texts)) if texts.iter().all(Value::is_string) => Some(value.clone()),
        ("N", Value::String(text)) => number(text),
        ("NS", Value::Array(texts)) => texts.iter().map(|text| number(text.as_str()?)).collect(),
        ("NULL", Value::Bool(true)) => Some(Value::Null),
        ("L", Value::Array(items)) => items.iter().map(self::value).collect(),
        ("M", Value::Object(image)) => object(image).map(Value::Object),
        _ => None,
    }
}

/// A number, which DynamoDB writes as text: up to 38 digits, of which JSON's whole numbers keep 19.
fn number(text: &str) -> Option<Value> {
    text.parse::<Number>().ok().map(Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_becomes_plain_json() {
        let image = json!({
            "text": {"S": "ü"}, "whole": {"N": "18446744073709551615"}, "negative": {"N": "-3"},
            "broken": {"N": "2.5"}, "large": {"N": "1E+30"}, "yes": {"BOOL": true}, "nothing": {"NULL": true},
            "bytes": {"B": "AAE="}, "texts": {"SS": ["a", "b"]}, "numbers": {"NS": ["1", "2"]},
            "list": {"L": [{"S": "x"}, {"L": []}]}, "map": {"M": {"deep": {"M": {}}}},
        });
        let plain = json!({
            "text": "ü", "whole": u64::MAX, "negative": -3, "broken": 2.5, "large": 1e30, "yes": true, "nothing": null,
            "bytes": "AAE=", "texts": ["a", "b"], "numbers": [1, 2], "list": ["x", []], "map": {"deep": {}},
        });
        assert_eq!(object(image.as_object().unwrap()).map(Value::Object), Some(plain));
    }

    #[test]
    fn what_is_not_dynamodbs_json_is_nothing() {
        for attribute in [
            json!("x"),
            json!({}),
            json!({"S": 1}),
            json!({"N": 1}),
            json!({"N": "one"}),
            json!({"N": "NaN"}),
            json!({"S": "x", "N": "1"}),
            json!({"NULL": false}),
            json!({"L": ["x"]}),
            json!({"M": {"x": 1}}),
            json!({"SS": [1]}),
            json!({"X": "y"}),
            json!(null),
        ] {
            let image = json!({"name": attribute});
            assert_eq!(object(image.as_object().unwrap()), None, "{attribute}");
        }
    }
}
