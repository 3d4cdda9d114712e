//! Typed access to the properties of one resource; every error names the path it is about.

use serde_json::{Map, Value};

use super::TemplateError;
use super::resolve::{Resolver, scalar_text};
use super::yaml::join;

/// A map of the template that is read property by property, so that what nobody reads (policies, roles) is
/// never evaluated and cannot fail.
#[derive(Clone, Copy)]
pub(super) struct Properties<'a> {
    pub(super) resolver: &'a Resolver<'a>,
    pub(super) map: &'a Map<String, Value>,
    pub(super) path: &'a str,
}

impl Properties<'_> {
    pub(super) fn path_of(&self, key: &str) -> String {
        join(self.path, key)
    }

    pub(super) fn fail<T>(&self, key: &str, problem: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError::new(&self.path_of(key), problem))
    }

    /// The evaluated property; `None` when it is absent or `AWS::NoValue`.
    pub(super) fn value(&self, key: &str) -> Result<Option<Value>, TemplateError> {
        match self.map.get(key) {
            Some(Value::Null) | None => Ok(None),
            Some(node) => self.resolver.resolve(node, &self.path_of(key)),
        }
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, TemplateError> {
        let Some(value) = self.value(key)? else {
            return Ok(None);
        };
        let text = scalar_text(&value, &self.path_of(key))?;
        if super::secrets::is_dynamic(&text) {
            return self.fail(key, "dynamic references are resolved in environments only");
        }
        Ok(Some(text))
    }

    pub(super) fn required_text(&self, key: &str) -> Result<String, TemplateError> {
        self.text(key)?.map_or_else(|| self.fail(key, "is missing"), Ok)
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, TemplateError> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => self.fail(key, format!("{text:?} is not a whole number")),
            },
        }
    }

    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, TemplateError> {
        match self.text(key)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => self.fail(key, format!("{text:?} is neither true nor false")),
        }
    }

    /// A list of texts; one text counts as a list of one, as SAM takes it for `Events` of a bucket.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, TemplateError> {
        match self.value(key)? {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| scalar_text(item, &self.path_of(key)))
                .collect(),
            Some(one) => Ok(vec![scalar_text(&one, &self.path_of(key))?]),
        }
    }

    /// An evaluated property that must be a map.
    pub(super) fn object(&self, key: &str) -> Result<Option<Map<String, Value>>, TemplateError> {
        match self.value(key)? {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => self.fail(key, "is not a map"),
        }
    }
}
