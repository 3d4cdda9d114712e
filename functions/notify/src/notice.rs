//! What an owner is told of a file.

use serde::Serialize;
use shared::{
    catalogue::{FileRecord, FileView},
    keys::{FileId, Owner},
    time::UnixMillis,
};

/// Largest body of a delivery, in bytes. What makes a larger one so is left out, and named in `omitted`: the API
/// has it. (Standard Webhooks recommends less than 20 kB; a message of SQS holds 256 KiB, in which a body grows to
/// at most twice its size.)
pub const MAX_BODY_BYTES: usize = 64 << 10;

/// News of one file, the same for every endpoint of its owner and each time it is made from the same record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// `<file id>_<fence>_<status>`, the value of `webhook-id`: receivers drop what they have seen. It holds no full
    /// stop, as the signature scheme wants it.
    pub webhook_id: String,
    /// Who is told.
    pub owner: Owner,
    /// Of which file.
    pub file_id: FileId,
    /// The JSON document: type, time, and the file as the API shows it.
    pub body: String,
}

#[derive(Serialize)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    timestamp: UnixMillis,
    data: FileView,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    omitted: Vec<&'static str>,
}

impl Notice {
    /// The news that a record's state is.
    pub fn of(record: FileRecord) -> Result<Self, serde_json::Error> {
        let (status, timestamp) = (record.status, record.updated_at);
        let webhook_id = format!("{}_{}_{status}", record.id, record.fence);
        let (owner, file_id) = (record.owner.clone(), record.id);
        let mut payload = Payload {
            kind: format!("file.{status}"),
            timestamp,
            // Seen at the time of the change, not at ours: a repetition is to be the same, byte by byte.
            data: FileView::of(record, timestamp),
            omitted: Vec::new(),
        };
        let mut body = serde_json::to_string(&payload)?;
        for name in ["report", "outputs", "options"] {
            if body.len() <= MAX_BODY_BYTES {
                break;
            }
            match name {
                "report" => payload.data.report = None,
                "outputs" => payload.data.outputs = None,
                _ => payload.data.options = None,
            }
            payload.omitted.push(name);
            body = serde_json::to_string(&payload)?;
        }
        Ok(Self {
            webhook_id,
            owner,
            file_id,
            body,
        })
    }
}
