//! The `Parameters` section: defaults, overrides, types and constraints.
//! Reference: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::TemplateError;
use super::resolve::scalar_text;

/// The value of every parameter. `overrides` are the user's and are checked; `local` are what the local stack
/// gives in place of a default (its token issuer) and are taken as they are.
pub(super) fn read(
    document: &Map<String, Value>,
    overrides: &BTreeMap<String, String>,
    local: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, TemplateError> {
    let declared = document.get("Parameters").and_then(Value::as_object);
    let is_declared = |name: &String| declared.is_some_and(|declared| declared.contains_key(name));
    if let Some(unknown) = overrides.keys().find(|name| !is_declared(name)) {
        return Err(TemplateError::new(
            "Parameters",
            format!("there is no parameter {unknown}"),
        ));
    }
    let mut values = BTreeMap::new();
    for (name, declaration) in declared.into_iter().flatten() {
        let path = format!("Parameters.{name}");
        let text = match (overrides.get(name), local.get(name), declaration.get("Default")) {
            (Some(text), ..) => {
                check(declaration, text, &path)?;
                text.clone()
            }
            (None, Some(text), _) => text.clone(),
            (None, None, Some(default)) => {
                let text = scalar_text(default, &path)?;
                check(declaration, &text, &path)?;
                text
            }
            (None, None, None) => {
                return Err(TemplateError::new(
                    &path,
                    "has no default: give it with --parameter",
                ));
            }
        };
        values.insert(name.clone(), typed(declaration, &text));
    }
    Ok(values)
}

fn kind(declaration: &Value) -> &str {
    declaration
        .get("Type")
        .and_then(Value::as_str)
        .unwrap_or("String")
}

/// A list type gives a list; everything else stays a text, as in CloudFormation.
fn typed(declaration: &Value, text: &str) -> Value {
    let kind = kind(declaration);
    if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        Value::Array(text.split(',').map(|item| Value::from(item.trim())).collect())
    } else {
        Value::from(text)
    }
}

fn check(declaration: &Value, text: &str, path: &str) -> Result<(), TemplateError> {
    let kind = kind(declaration);
    if kind.starts_with("AWS::SSM::Parameter::Value") {
        return Err(TemplateError::new(
            path,
            "a value kept in SSM is not there: give it with --parameter",
        ));
    }
    let fail = |problem: String| Err(TemplateError::new(path, problem));
    let items: Vec<&str> = if kind == "CommaDelimitedList" || kind.starts_with("List<") {
        text.split(',').map(str::trim).collect()
    } else {
        vec![text]
    };
    for item in items {
        if kind == "Number" || kind == "List<Number>" {
            let Ok(number) = item.parse::<f64>() else {
                return fail(format!("{item:?} is not a number"));
            };
            if bound(declaration, "MinValue").is_some_and(|least| number < least)
                || bound(declaration, "MaxValue").is_some_and(|most| number > most)
            {
                return fail(format!("{item} is out of its range"));
            }
        }
        if let Some(allowed) = declaration.get("AllowedValues").and_then(Value::as_array) {
            let allowed: Vec<String> = allowed
                .iter()
                .map(|value| scalar_text(value, path))
                .collect::<Result<_, _>>()?;
            if !allowed.iter().any(|value| value == item) {
                return fail(format!("{item:?} is not one of {}", allowed.join(", ")));
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a parameter is at most 4 KB long")]
    let length = text.chars().count() as f64;
    if bound(declaration, "MinLength").is_some_and(|least| length < least)
        || bound(declaration, "MaxLength").is_some_and(|most| length > most)
    {
        return fail(format!("{text:?} is too short or too long"));
    }
    Ok(())
}

fn bound(declaration: &Value, name: &str) -> Option<f64> {
    match declaration.get(name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
