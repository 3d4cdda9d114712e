//! What a change of the catalogue's table means to us.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::{
    catalogue::{FileRecord, HistoryEvent, Status},
    keys::FileRef,
    time::UnixMillis,
};

use crate::{attribute, event::TableChange};

/// The sort keys that we know: a file's record, and the marker that is removed when its upload can no longer arrive.
const RECORD: &str = "record";
const EXPIRY: &str = "expiry";

/// What a change means.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A file came into a final state: its owner is to be told.
    Ended(Box<FileRecord>),
    /// The time for a file's upload is over.
    Overdue {
        /// Which file.
        file: FileRef,
        /// What the table's clock says at least.
        now: UnixMillis,
    },
    /// Nothing to anyone.
    Nothing,
}

/// Why a change cannot be understood: something else wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its keys are not the catalogue's.
    #[error("the keys of the item: {0}")]
    Keys(String),
    /// The item is no record.
    #[error("the item of {file}: {problem}")]
    Item {
        /// Whose record it should be.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// What tells one state of a record from another.
#[derive(Deserialize)]
struct State {
    status: Status,
}

/// Reads a change. `tries` is how often one invocation is tried in all: a failure before the last is not final.
///
/// A state is entered once, whatever else is written to the record in it: an owner is told of no state twice, unless
/// the file was in another between.
pub fn read(change: &TableChange, tries: usize) -> Result<News, Malformed> {
    let keys = attribute::object(&change.keys).unwrap_or_default();
    let key = |name: &str| keys.get(name).and_then(Value::as_str);
    let (Some(partition), Some(sort)) = (key("pk"), key("sk")) else {
        let found = Value::Object(change.keys.clone()).to_string();
        return Err(Malformed::Keys(found.chars().take(200).collect()));
    };
    match (sort, change.event_name.as_str()) {
        (EXPIRY, "REMOVE") if change.by_time_to_live => overdue(partition, change),
        (RECORD, "INSERT" | "MODIFY") => ended(partition, change, tries),
        _ => Ok(News::Nothing),
    }
}

fn overdue(partition: &str, change: &TableChange) -> Result<News, Malformed> {
    let file = partition
        .parse()
        .map_err(|_| Malformed::Keys(format!("{partition:?} is no file")))?;
    let marker = change.old_image.as_ref().and_then(attribute::object);
    let expired_at = marker.and_then(|marker| marker.get("expires_at")?.as_u64());
    // The table counts in whole seconds: its clock is past the last millisecond of that one.
    let now = UnixMillis::new(expired_at.map_or(0, |seconds| seconds.saturating_add(1).saturating_mul(1000)));
    Ok(News::Overdue { file, now })
}

fn ended(partition: &str, change: &TableChange, tries: usize) -> Result<News, Malformed> {
    let malformed = |problem: String| Malformed::Item {
        file: partition.to_owned(),
        problem,
    };
    let missing =
        || malformed("there is no new image of it: the stream's view type must be NEW_AND_OLD_IMAGES".into());
    let new = change.new_image.as_ref().ok_or_else(missing)?;
    let new = plain(new).map_err(malformed)?;
    let State { status } = State::deserialize(&new).map_err(|error| malformed(error.to_string()))?;
    if !is_told(status) {
        return Ok(News::Nothing);
    }
    // An old image that cannot be read was not a state of a record: this is its first.
    let old = change.old_image.as_ref().and_then(|old| plain(old).ok());
    let before = old.and_then(|old| State::deserialize(&old).ok());
    if before.is_some_and(|before| before.status == status) {
        return Ok(News::Nothing);
    }
    let record: FileRecord = serde_json::from_value(new).map_err(|error| malformed(error.to_string()))?;
    if status == Status::Failed && !is_last_try(&record, tries) {
        return Ok(News::Nothing);
    }
    Ok(News::Ended(Box::new(record)))
}

fn plain(image: &Map<String, Value>) -> Result<Value, String> {
    let object = attribute::object(image).ok_or("not an item in DynamoDB's JSON")?;
    Ok(Value::Object(object))
}

/// Whether owners are told of a state. Of a deletion they know: they asked for it.
const fn is_told(status: Status) -> bool {
    match status {
        Status::Done | Status::Rejected | Status::Failed | Status::Removed | Status::Expired => true,
        Status::Pending | Status::Processing | Status::Deleted => false,
    }
}

/// Whether Lambda tries the invocation that failed no more: it keeps the request id over its retries, and each of them
/// claims the file once.
fn is_last_try(record: &FileRecord, tries: usize) -> bool {
    let holder = record.lease.as_ref().map(|lease| lease.holder.as_str());
    let of_holder = |entry: &&_| {
        let entry: &shared::catalogue::HistoryEntry = entry;
        entry.event == HistoryEvent::Claimed && entry.request_id.as_deref() == holder
    };
    record.history.iter().filter(of_holder).count() >= tries
}
