//! YAML to JSON, with the short tags of CloudFormation (`!Sub x`) turned into the long form
//! (`{"Fn::Sub": x}`), so that everything after this file knows one spelling only.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::TemplateError;

/// Reads one YAML document. JSON templates are YAML, so they pass as well.
pub(crate) fn parse(text: &str) -> Result<Value, TemplateError> {
    let documents =
        Yaml::load_from_str(text).map_err(|error| TemplateError::new("", format!("not YAML: {error}")))?;
    let mut documents = documents.iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => convert(document, ""),
        (None, _) => Err(TemplateError::new("", "the file is empty")),
        (Some(_), Some(_)) => Err(TemplateError::new("", "more than one YAML document in the file")),
    }
}

fn convert(node: &Yaml<'_>, path: &str) -> Result<Value, TemplateError> {
    match node {
        Yaml::Value(scalar) => Ok(convert_scalar(scalar)),
        Yaml::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| convert(item, &format!("{path}[{index}]")))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key =
                    key_text(key).ok_or_else(|| TemplateError::new(path, "a key that is not a word"))?;
                let value = convert(value, &join(path, &key))?;
                map.insert(key, value);
            }
            Ok(Value::Object(map))
        }
        Yaml::Tagged(tag, inner) => {
            let value = convert(inner, path)?;
            if tag.is_yaml_core_schema() {
                Ok(value)
            } else {
                long_form(&tag.suffix, value, path)
            }
        }
        Yaml::Representation(text, ..) => Ok(Value::String(text.to_string())),
        Yaml::Alias(_) | Yaml::BadValue => Err(TemplateError::new(path, "a YAML node that cannot be read")),
    }
}

fn convert_scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(*value),
        Scalar::Integer(value) => json!(value),
        Scalar::FloatingPoint(value) => json!(value.into_inner()),
        Scalar::String(value) => Value::String(value.to_string()),
    }
}

/// Mapping keys such as `200:` are numbers to YAML and words to CloudFormation.
fn key_text(key: &Yaml<'_>) -> Option<String> {
    match key {
        Yaml::Value(Scalar::String(text)) => Some(text.to_string()),
        Yaml::Value(Scalar::Integer(number)) => Some(number.to_string()),
        Yaml::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        _ => None,
    }
}

fn long_form(tag: &str, value: Value, path: &str) -> Result<Value, TemplateError> {
    let name = match tag {
        "Ref" | "Condition" => tag.to_owned(),
        "Base64" | "Cidr" | "FindInMap" | "GetAZs" | "ImportValue" | "Join" | "Select" | "Split" | "Sub"
        | "Transform" | "If" | "Equals" | "And" | "Or" | "Not" => format!("Fn::{tag}"),
        "GetAtt" => {
            let parts = match &value {
                Value::String(text) => text
                    .split_once('.')
                    .map(|(name, attribute)| json!([name, attribute])),
                Value::Array(_) => Some(value.clone()),
                _ => None,
            };
            let parts = parts.ok_or_else(|| TemplateError::new(path, "!GetAtt wants Resource.Attribute"))?;
            return Ok(json!({ "Fn::GetAtt": parts }));
        }
        _ => return Err(TemplateError::new(path, format!("unknown tag !{tag}"))),
    };
    Ok(Value::Object(Map::from_iter([(name, value)])))
}

/// `a` and `b` as the path `a.b`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_long_forms() {
        let value = parse(concat!(
            "a: !Ref X\nb: !GetAtt Y.Arn\nc: !Sub '${X}-1'\nd: !Join ['-', [1, !Ref Z]]\n",
            "e: !If [C, 1, !Ref 'AWS::NoValue']\nf: !GetAtt [Q, Arn]\ng: !Sub\n  - a\n  - {k: v}\n200: 2010-09-09\n",
        ))
        .unwrap();
        assert_eq!(
            value,
            json!({
                "a": {"Ref": "X"}, "b": {"Fn::GetAtt": ["Y", "Arn"]}, "c": {"Fn::Sub": "${X}-1"},
                "d": {"Fn::Join": ["-", [1, {"Ref": "Z"}]]}, "e": {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]},
                "f": {"Fn::GetAtt": ["Q", "Arn"]}, "g": {"Fn::Sub": ["a", {"k": "v"}]}, "200": "2010-09-09",
            })
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("a: {b: !Nope x}", "a.b: unknown tag !Nope"),
            ("a: !GetAtt x", "a: !GetAtt wants Resource.Attribute"),
            ("", "the file is empty"),
            ("a: 1\n---\nb: 1", "more than one YAML document in the file"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), expected);
        }
        assert!(parse("a: [1").unwrap_err().to_string().starts_with("not YAML"));
        assert!(parse("a: 1\na: 2").is_err(), "a key twice");
    }
}
