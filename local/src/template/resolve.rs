//! The intrinsic functions of CloudFormation, evaluated over the JSON form of a template.
//! Reference: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::attributes::Attributes;
use super::yaml::join;
use super::{TemplateError, parameters};

/// Deeper than any honest template; a circle of references ends here instead of in a stack overflow.
const MAX_DEPTH: usize = 64;

/// Evaluates what is under a path of the template. `None` stands for `AWS::NoValue`.
pub(crate) struct Resolver<'a> {
    pub(super) document: &'a Map<String, Value>,
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) attributes: Attributes,
    depth: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        document: &'a Map<String, Value>,
        overrides: &BTreeMap<String, String>,
        local: &BTreeMap<String, String>,
        attributes: Attributes,
    ) -> Result<Self, TemplateError> {
        let parameters = parameters::read(document, overrides, local)?;
        Ok(Self {
            document,
            parameters,
            attributes,
            depth: Cell::new(0),
        })
    }

    /// A top-level section (`Resources`, `Mappings`, …) as a map, empty when the template has none.
    pub(super) fn section(&self, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.document
            .get(name)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    /// The raw resource of that logical id.
    pub(super) fn resource(&self, logical_id: &str) -> Option<&'a Value> {
        self.document.get("Resources")?.get(logical_id)
    }

    /// Evaluates a node.
    pub(crate) fn resolve(&self, node: &Value, path: &str) -> Result<Option<Value>, TemplateError> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return Err(TemplateError::new(path, "references go round in a circle"));
        }
        self.depth.set(depth + 1);
        let result = self.resolve_node(node, path);
        self.depth.set(depth);
        result
    }

    fn resolve_node(&self, node: &Value, path: &str) -> Result<Option<Value>, TemplateError> {
        match node {
            Value::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    resolved.extend(self.resolve(item, &format!("{path}[{index}]"))?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            Value::Object(map) => {
                if let Some((name, argument)) = intrinsic(map) {
                    return self.call(name, argument, &join(path, name));
                }
                let mut resolved = Map::new();
                for (key, value) in map {
                    if let Some(value) = self.resolve(value, &join(path, key))? {
                        resolved.insert(key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn call(&self, name: &str, argument: &Value, path: &str) -> Result<Option<Value>, TemplateError> {
        let fail = |problem: &str| TemplateError::new(path, problem);
        match name {
            "Ref" => {
                let target = argument.as_str().ok_or_else(|| fail("wants a name"))?;
                self.reference(target, path)
            }
            "Fn::GetAtt" => {
                let (resource, attribute) = match argument {
                    Value::String(text) => text.split_once('.').map(|(r, a)| (r.to_owned(), a.to_owned())),
                    Value::Array(parts) => match parts.as_slice() {
                        [Value::String(resource), attribute] => {
                            Some((resource.clone(), self.text(attribute, path)?))
                        }
                        _ => None,
                    },
                    _ => None,
                }
                .ok_or_else(|| fail("wants a resource and an attribute"))?;
                self.attribute(&resource, &attribute, path)
                    .map(|text| Some(Value::String(text)))
            }
            "Fn::Sub" => self
                .substitute(argument, path)
                .map(|text| Some(Value::String(text))),
            "Fn::Join" => match self.arguments(argument, path)?.as_slice() {
                [Value::String(separator), Value::Array(items)] => {
                    let parts = items
                        .iter()
                        .map(|item| scalar_text(item, path))
                        .collect::<Result<Vec<_>, _>>()?;
                    Ok(Some(Value::String(parts.join(separator))))
                }
                _ => Err(fail("wants a separator and a list")),
            },
            "Fn::Select" => match self.arguments(argument, path)?.as_slice() {
                [index, Value::Array(items)] => {
                    let index: usize = scalar_text(index, path)?
                        .parse()
                        .map_err(|_| fail("the index is not a number"))?;
                    let item = items.get(index).ok_or_else(|| {
                        TemplateError::new(path, format!("index {index} in a list of {}", items.len()))
                    })?;
                    Ok(Some(item.clone()))
                }
                _ => Err(fail("wants an index and a list")),
            },
            "Fn::Split" => match self.arguments(argument, path)?.as_slice() {
                [Value::String(separator), Value::String(text)] if !separator.is_empty() => Ok(Some(
                    Value::Array(text.split(separator.as_str()).map(Value::from).collect()),
                )),
                _ => Err(fail("wants a separator and a text")),
            },
            "Fn::FindInMap" => self.find_in_map(&self.arguments(argument, path)?, path).map(Some),
            "Fn::If" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(condition), yes, no]) => {
                    let branch = if self.condition(condition, path)? { yes } else { no };
                    self.resolve(branch, path)
                }
                _ => Err(fail("wants a condition and two values")),
            },
            "Fn::Base64" => {
                use base64::Engine as _;
                let text = self.text(argument, path)?;
                Ok(Some(Value::String(
                    base64::engine::general_purpose::STANDARD.encode(text),
                )))
            }
            "Condition" | "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => self
                .truth(name, argument, path)
                .map(|truth| Some(Value::Bool(truth))),
            "Fn::ImportValue" => Err(fail("values of other stacks are not there on the local stack")),
            "Fn::Transform" => Err(fail("macros are not run on the local stack")),
            _ => Err(fail("this function is not known to the local stack")),
        }
    }

    /// Evaluates to a text; numbers and booleans count as their spelling, as CloudFormation does it.
    pub(super) fn text(&self, node: &Value, path: &str) -> Result<String, TemplateError> {
        match self.resolve(node, path)? {
            Some(value) => scalar_text(&value, path),
            None => Err(TemplateError::new(path, "AWS::NoValue where a text is needed")),
        }
    }

    fn arguments(&self, node: &Value, path: &str) -> Result<Vec<Value>, TemplateError> {
        match self.resolve(node, path)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(TemplateError::new(path, "wants a list of arguments")),
        }
    }

    /// Both forms of `Fn::Sub`: `${Name}`, `${Resource.Attribute}`, `${AWS::Region}`, own variables, and `${!literal}`.
    fn substitute(&self, argument: &Value, path: &str) -> Result<String, TemplateError> {
        let (pattern, variables) = match argument {
            Value::String(pattern) => (pattern, None),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(pattern), Value::Object(variables)] => (pattern, Some(variables)),
                _ => return Err(TemplateError::new(path, "wants a text and a map")),
            },
            _ => return Err(TemplateError::new(path, "wants a text")),
        };
        let mut text = String::with_capacity(pattern.len());
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| TemplateError::new(path, "a ${ without its }"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                text.push_str("${");
                text.push_str(literal);
                text.push('}');
            } else if let Some(value) = variables.and_then(|variables| variables.get(name)) {
                text.push_str(&self.text(value, &join(path, name))?);
            } else if let Some((resource, attribute)) = name.split_once('.') {
                text.push_str(&self.attribute(resource, attribute, path)?);
            } else {
                let value = self.reference(name, path)?;
                let value =
                    value.ok_or_else(|| TemplateError::new(path, format!("${{{name}}} has no value")))?;
                text.push_str(&scalar_text(&value, path)?);
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    fn find_in_map(&self, arguments: &[Value], path: &str) -> Result<Value, TemplateError> {
        let [map, first, second] = arguments else {
            return Err(TemplateError::new(path, "wants a map and two keys"));
        };
        let keys = [
            scalar_text(map, path)?,
            scalar_text(first, path)?,
            scalar_text(second, path)?,
        ];
        let mut found = self.document.get("Mappings");
        for key in &keys {
            found = found.and_then(|value| value.get(key));
        }
        found
            .cloned()
            .ok_or_else(|| TemplateError::new(path, format!("no Mappings.{}", keys.join("."))))
    }
}

/// The one entry of a map that is a call. `Condition` is one only with a text beside nothing else: an IAM
/// statement has a `Condition` map.
fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    let known = name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    known.then_some((name.as_str(), argument))
}

/// Whether a raw node is a call of an intrinsic function: merging never looks inside one.
pub(crate) fn is_intrinsic(node: &Value) -> bool {
    node.as_object().is_some_and(|map| intrinsic(map).is_some())
}

/// A scalar as CloudFormation writes it into a text.
pub(crate) fn scalar_text(value: &Value, path: &str) -> Result<String, TemplateError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err(TemplateError::new(path, "a list or a map where a text is needed")),
    }
}
