//! The `Conditions` section: `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not`, and conditions that name conditions.

use serde_json::Value;

use super::TemplateError;
use super::resolve::{Resolver, scalar_text};

impl Resolver<'_> {
    /// Whether the condition of that name holds.
    pub(super) fn condition(&self, name: &str, path: &str) -> Result<bool, TemplateError> {
        let node = self
            .document
            .get("Conditions")
            .and_then(|conditions| conditions.get(name))
            .ok_or_else(|| TemplateError::new(path, format!("no condition {name} in Conditions")))?;
        let path = format!("Conditions.{name}");
        match self.resolve(node, &path)? {
            Some(Value::Bool(truth)) => Ok(truth),
            _ => Err(TemplateError::new(&path, "does not come to true or false")),
        }
    }

    /// One call of a condition function.
    pub(super) fn truth(&self, name: &str, argument: &Value, path: &str) -> Result<bool, TemplateError> {
        if name == "Condition" {
            let condition = argument
                .as_str()
                .ok_or_else(|| TemplateError::new(path, "wants a name"))?;
            return self.condition(condition, path);
        }
        let arguments = argument
            .as_array()
            .ok_or_else(|| TemplateError::new(path, "wants a list of arguments"))?;
        match (name, arguments.as_slice()) {
            ("Fn::Equals", [left, right]) => {
                let left = self.resolve(left, path)?;
                let right = self.resolve(right, path)?;
                match (left, right) {
                    (Some(left), Some(right)) => Ok(same(&left, &right, path)),
                    (left, right) => Ok(left.is_none() && right.is_none()),
                }
            }
            ("Fn::Not", [one]) => self.one_truth(one, path).map(|truth| !truth),
            // Every branch is evaluated: a mistake in the second is said even when the first decides.
            ("Fn::And" | "Fn::Or", several) if !several.is_empty() => {
                let truths = several
                    .iter()
                    .map(|one| self.one_truth(one, path))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(if name == "Fn::And" {
                    truths.iter().all(|truth| *truth)
                } else {
                    truths.iter().any(|truth| *truth)
                })
            }
            _ => Err(TemplateError::new(path, "the wrong number of arguments")),
        }
    }

    fn one_truth(&self, node: &Value, path: &str) -> Result<bool, TemplateError> {
        match self.resolve(node, path)? {
            Some(Value::Bool(truth)) => Ok(truth),
            _ => Err(TemplateError::new(
                path,
                "a condition that is neither true nor false",
            )),
        }
    }
}

/// Parameters are texts, and templates compare them with `true` and `1`.
fn same(left: &Value, right: &Value, path: &str) -> bool {
    left == right
        || matches!((scalar_text(left, path), scalar_text(right, path)), (Ok(left), Ok(right)) if left == right)
}
