//! The tables of a template, made or brought up to date.

use dynoxide::DynoxideError;
use serde_json::{Value, json};

use super::{Error, Server};

impl Server {
    /// Makes a table from a `CreateTable` request, and its time to live from a `TimeToLiveSpecification` in
    /// the same document, as a template has it. A table that is there keeps its items and its keys, and gets the
    /// stream and the time to live that it does not have yet. Blocks.
    pub fn ensure_table(&self, definition: &Value) -> Result<(), Error> {
        let mut definition = definition.clone();
        let time_to_live = definition
            .as_object_mut()
            .and_then(|table| table.remove("TimeToLiveSpecification"));
        let name = definition.get("TableName").cloned().unwrap_or_default();
        let stream = definition.get("StreamSpecification").cloned();
        match self.database.create_table(serde_json::from_value(definition)?) {
            Ok(_) => {}
            Err(DynoxideError::ResourceInUseException(_)) => {
                if let Some(stream) = stream {
                    self.ensure_stream(&name, &stream)?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        match time_to_live {
            Some(specification) => self.ensure_time_to_live(&name, &specification),
            None => Ok(()),
        }
    }

    fn ensure_stream(&self, table: &Value, wanted: &Value) -> Result<(), Error> {
        let request = json!({ "TableName": table });
        let described =
            serde_json::to_value(self.database.describe_table(serde_json::from_value(request)?)?)?;
        let there = described.pointer("/Table/StreamSpecification");
        let is_enabled = there
            .and_then(|stream| stream.get("StreamEnabled"))
            .and_then(Value::as_bool)
            == Some(true);
        let update = |specification: Value| -> Result<(), Error> {
            let request = json!({"TableName": table, "StreamSpecification": specification});
            self.database.update_table(serde_json::from_value(request)?)?;
            Ok(())
        };
        if is_enabled {
            if there.and_then(|stream| stream.get("StreamViewType")) == wanted.get("StreamViewType") {
                return Ok(());
            }
            // Another view wants a new stream.
            update(json!({"StreamEnabled": false}))?;
        }
        update(wanted.clone())
    }

    fn ensure_time_to_live(&self, table: &Value, wanted: &Value) -> Result<(), Error> {
        let request = json!({ "TableName": table });
        let described = self
            .database
            .describe_time_to_live(serde_json::from_value(request)?)?;
        let described = serde_json::to_value(described)?;
        let there = |key: &str| described.pointer(&format!("/TimeToLiveDescription/{key}"));
        let is_enabled = there("TimeToLiveStatus").and_then(Value::as_str) == Some("ENABLED");
        let update = |specification: Value| -> Result<(), Error> {
            let request = json!({"TableName": table, "TimeToLiveSpecification": specification});
            self.database
                .update_time_to_live(serde_json::from_value(request)?)?;
            Ok(())
        };
        if is_enabled {
            let attribute = there("AttributeName").cloned();
            if attribute.as_ref() == wanted.get("AttributeName") {
                return Ok(());
            }
            update(json!({"AttributeName": attribute, "Enabled": false}))?;
        }
        update(wanted.clone())
    }
}
