//! Update expressions, put together piece by piece.

use std::collections::HashMap;

use serde::Serialize;

use super::Item;
use crate::catalogue::{HistoryEntry, Status, history::MAX_ENTRIES};

/// An `UpdateItem` as it is put together: every name and value by placeholder, so that no reserved word is met.
#[derive(Debug, Clone, Default)]
pub(super) struct Update {
    pub(super) set: Vec<String>,
    remove: Vec<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
}

impl Update {
    /// `#name`, for an attribute's name.
    pub(super) fn name(&mut self, name: &str) -> String {
        self.names.insert(format!("#{name}"), name.to_owned());
        format!("#{name}")
    }

    /// `:name`, for a value.
    pub(super) fn value(&mut self, name: &str, value: impl Serialize) -> Result<String, serde_dynamo::Error> {
        self.values
            .insert(format!(":{name}"), serde_dynamo::to_attribute_value(value)?);
        Ok(format!(":{name}"))
    }

    /// Sets an attribute.
    pub(super) fn set(&mut self, name: &str, value: impl Serialize) -> Result<(), serde_dynamo::Error> {
        let assignment = format!("{} = {}", self.name(name), self.value(name, value)?);
        self.set.push(assignment);
        Ok(())
    }

    /// Sets an attribute that is not there yet.
    pub(super) fn set_first(&mut self, name: &str, value: impl Serialize) -> Result<(), serde_dynamo::Error> {
        let (placeholder, value) = (self.name(name), self.value(name, value)?);
        self.set
            .push(format!("{placeholder} = if_not_exists({placeholder}, {value})"));
        Ok(())
    }

    /// Adds one to a number, which counts as 0 where it is missing.
    pub(super) fn increment(&mut self, name: &str) -> Result<(), serde_dynamo::Error> {
        let (name, zero, one) = (self.name(name), self.value("zero", 0)?, self.value("one", 1)?);
        self.set
            .push(format!("{name} = if_not_exists({name}, {zero}) + {one}"));
        Ok(())
    }

    /// Adds an entry to the history.
    pub(super) fn record(&mut self, entry: &HistoryEntry) -> Result<(), serde_dynamo::Error> {
        let history = self.name("history");
        let (none, entry) = (
            self.value("no_entries", Vec::<HistoryEntry>::new())?,
            self.value("entry", [entry])?,
        );
        self.value("most_entries", MAX_ENTRIES)?;
        self.set.push(format!(
            "{history} = list_append(if_not_exists({history}, {none}), {entry})"
        ));
        Ok(())
    }

    /// The condition that the history has room for the entry that this adds, if it adds one.
    pub(super) fn room(&self) -> Option<&'static str> {
        let adds = self.values.contains_key(":entry");
        adds.then_some("(attribute_not_exists(#history) OR size(#history) < :most_entries)")
    }

    /// Removes the first entries of a full history.
    pub(super) fn forget(entries: usize) -> Result<(Self, String), serde_dynamo::Error> {
        let mut update = Self::default();
        let (history, full) = (update.name("history"), update.value("most_entries", MAX_ENTRIES)?);
        update.remove = (0..entries).map(|index| format!("{history}[{index}]")).collect();
        Ok((update, format!("size({history}) >= {full}")))
    }

    /// Removes attributes.
    pub(super) fn remove(&mut self, names: &[&str]) {
        for name in names {
            let name = self.name(name);
            self.remove.push(name);
        }
    }

    /// `#status IN (…)`.
    pub(super) fn status_in(&mut self, statuses: &[Status]) -> Result<String, serde_dynamo::Error> {
        let mut values = Vec::new();
        for status in statuses {
            values.push(self.value(status.as_str(), status)?);
        }
        Ok(format!("{} IN ({})", self.name("status"), values.join(", ")))
    }

    /// The update expression.
    pub(super) fn expression(&self) -> String {
        let clause = |verb: &str, parts: &[String]| match parts {
            [] => None,
            parts => Some(format!("{verb} {}", parts.join(", "))),
        };
        [clause("SET", &self.set), clause("REMOVE", &self.remove)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }
}
