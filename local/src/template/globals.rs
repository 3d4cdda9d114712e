//! The `Globals` section, merged into the resources as SAM does: maps are merged, lists are joined (the
//! global part first), anything else is replaced by what the resource says.
//! Reference: <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html>

use serde_json::{Map, Value};

use super::attributes::IMPLICIT_API;
use super::resolve::is_intrinsic;

const SECTIONS: [(&str, &str); 3] = [
    ("Function", "AWS::Serverless::Function"),
    ("HttpApi", "AWS::Serverless::HttpApi"),
    ("SimpleTable", "AWS::Serverless::SimpleTable"),
];

/// Merges `Globals` into every resource of a type that it names, and adds the HTTP API that SAM makes by itself
/// when a route names none.
pub(super) fn merge(document: &mut Map<String, Value>) {
    let globals = document.remove("Globals").unwrap_or(Value::Null);
    let Some(resources) = document.get_mut("Resources").and_then(Value::as_object_mut) else {
        return;
    };
    if !resources.contains_key(IMPLICIT_API) && resources.values().any(has_route_without_api) {
        let api = serde_json::json!({ "Type": "AWS::Serverless::HttpApi", "Properties": {} });
        resources.insert(IMPLICIT_API.to_owned(), api);
    }
    for resource in resources.values_mut().filter_map(Value::as_object_mut) {
        let section = SECTIONS
            .iter()
            .find(|(_, kind)| resource.get("Type").and_then(Value::as_str) == Some(kind))
            .and_then(|(section, _)| globals.get(section));
        let Some(section) = section else { continue };
        let own = resource.remove("Properties").unwrap_or(Value::Null);
        resource.insert("Properties".to_owned(), merged(section, own));
    }
}

fn has_route_without_api(resource: &Value) -> bool {
    let events = resource
        .get("Properties")
        .and_then(|properties| properties.get("Events"));
    events
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .any(|(_, event)| {
            event.get("Type").and_then(Value::as_str) == Some("HttpApi")
                && event
                    .get("Properties")
                    .and_then(|properties| properties.get("ApiId"))
                    .is_none()
        })
}

fn merged(global: &Value, own: Value) -> Value {
    if is_intrinsic(global) || is_intrinsic(&own) {
        return if own.is_null() { global.clone() } else { own };
    }
    match (global, own) {
        (global, Value::Null) => global.clone(),
        (Value::Object(global), Value::Object(mut own)) => {
            for (key, value) in global {
                let mine = own.remove(key).unwrap_or(Value::Null);
                own.insert(key.clone(), merged(value, mine));
            }
            Value::Object(own)
        }
        (Value::Array(global), Value::Array(own)) => {
            Value::Array(global.iter().cloned().chain(own).collect())
        }
        (_, own) => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_merge_lists_join_scalars_are_replaced() {
        let global =
            json!({"Timeout": 3, "Layers": ["a"], "Environment": {"Variables": {"A": "1", "B": "1"}}});
        let own = json!({"Timeout": 9, "Layers": ["b"], "Environment": {"Variables": {"B": {"Ref": "X"}}}});
        let expected = json!({"Timeout": 9, "Layers": ["a", "b"],
            "Environment": {"Variables": {"A": "1", "B": {"Ref": "X"}}}});
        assert_eq!(merged(&global, own), expected);
    }
}
