//! Objects and their versions: put, find, delete.

use rusqlite::{Connection, OptionalExtension as _, Row};
use s3s::dto::ETagCondition;
use time::OffsetDateTime;

use super::super::event::{EventKind, ObjectEvent, Origin};
use super::super::fault::{self, Fault, Outcome};
use super::super::model::{GrantRow, NULL_VERSION, NewObject, ObjectRow, Tags, Versioning};
use super::{Change, buckets, from_micros, key_text, signed, unsigned};

pub(super) const COLUMNS: &str = "sequence, key, version_id, is_latest, is_delete_marker, size_bytes, etag, \
                                  modified_us, segments, attributes, tags";

pub(super) fn row(row: &Row<'_>) -> Outcome<ObjectRow> {
    Ok(ObjectRow {
        sequence: row.get(0)?,
        key: key_text(row.get(1)?),
        version_id: row.get(2)?,
        is_latest: row.get(3)?,
        is_delete_marker: row.get(4)?,
        size_bytes: unsigned(row.get(5)?),
        etag: row.get(6)?,
        modified: from_micros(row.get(7)?),
        segments: serde_json::from_str(row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?)?,
        attributes: serde_json::from_str(row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?)?,
        tags: serde_json::from_str(row.get_ref(10)?.as_str().map_err(rusqlite::Error::from)?)?,
    })
}

/// The newest version, a delete marker among them.
pub(in super::super) fn latest(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> Outcome<Option<ObjectRow>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key = ?2 AND is_latest = 1"
    ))?;
    let mut rows = select.query((bucket, key.as_bytes()))?;
    rows.next()?.map(row).transpose()
}

/// One version by its id.
pub(in super::super) fn version(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version_id: &str,
) -> Outcome<Option<ObjectRow>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key = ?2 AND version_id = ?3"
    ))?;
    let mut rows = select.query((bucket, key.as_bytes(), version_id))?;
    rows.next()?.map(row).transpose()
}

/// The version asked for, or the newest; with the bucket's versioning. Delete markers are found too.
pub(in super::super) fn lookup(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Outcome<(ObjectRow, Versioning)> {
    let versioning = buckets::bucket(connection, bucket)?.versioning;
    let found = match version_id {
        Some(id) => version(connection, bucket, key, id)?.ok_or_else(fault::no_such_version)?,
        None => latest(connection, bucket, key)?.ok_or_else(fault::no_such_key)?,
    };
    Ok((found, versioning))
}

/// What must hold of the object in place when a write is committed.
#[derive(Debug, Default, Clone)]
pub(in super::super) struct WriteCondition {
    pub(in super::super) if_match: Option<ETagCondition>,
    pub(in super::super) if_none_match: Option<ETagCondition>,
}

impl WriteCondition {
    pub(in super::super) fn check(&self, connection: &Connection, bucket: &str, key: &str) -> Outcome<()> {
        if self.if_match.is_none() && self.if_none_match.is_none() {
            return Ok(());
        }
        let current = latest(connection, bucket, key)?.filter(|object| !object.is_delete_marker);
        let names = |condition: &ETagCondition, object: &ObjectRow| {
            condition.as_etag().is_none_or(|etag| etag.value() == object.etag)
        };
        if let Some(condition) = &self.if_match {
            let object = current.as_ref().ok_or_else(fault::no_such_key)?;
            if !names(condition, object) {
                return Err(fault::precondition_failed().into());
            }
        }
        if let (Some(condition), Some(object)) = (&self.if_none_match, &current)
            && names(condition, object)
        {
            return Err(fault::precondition_failed().into());
        }
        Ok(())
    }
}

/// A version as a client is told of it.
fn shown_version(versioning: Versioning, version_id: &str) -> Option<String> {
    (versioning != Versioning::Unversioned).then(|| version_id.to_owned())
}

/// Puts an object in place; the one before it goes, or stays as an older version. Returns the new row's
/// time and the version id to show.
pub(in super::super) fn put(
    change: &mut Change<'_>,
    origin: &Origin,
    kind: EventKind,
    object: NewObject,
    condition: &WriteCondition,
) -> Outcome<(OffsetDateTime, Option<String>)> {
    let versioning = buckets::bucket(&change.transaction, &object.bucket)?.versioning;
    condition.check(&change.transaction, &object.bucket, &object.key)?;
    let (sequence, version_id) = insert(change, versioning, &object, false)?;
    let shown = shown_version(versioning, &version_id);
    change.tell(
        origin,
        sequence,
        ObjectEvent {
            kind,
            bucket: object.bucket,
            key: object.key,
            size_bytes: Some(object.size_bytes),
            etag: Some(object.etag),
            version_id: shown.clone(),
            sequencer: String::new(),
            time: OffsetDateTime::UNIX_EPOCH,
            request_id: String::new(),
            source_ip: None,
        },
    );
    Ok((from_micros(sequence), shown))
}

fn insert(
    change: &mut Change<'_>,
    versioning: Versioning,
    object: &NewObject,
    is_delete_marker: bool,
) -> Outcome<(i64, String)> {
    let sequence = change.tick()?;
    let key = object.key.as_bytes();
    // Before the old row goes: a copy onto itself names the same blobs.
    change.retain(&object.segments)?;
    let version_id = if versioning == Versioning::Enabled {
        ulid::Ulid::generate().to_string().to_ascii_lowercase()
    } else {
        if let Some(old) = version(&change.transaction, &object.bucket, &object.key, NULL_VERSION)? {
            remove_row(change, old)?;
        }
        NULL_VERSION.to_owned()
    };
    change
        .transaction
        .prepare_cached("UPDATE objects SET is_latest = 0 WHERE bucket = ?1 AND key = ?2 AND is_latest = 1")?
        .execute((&object.bucket, key))?;
    change
        .transaction
        .prepare_cached("INSERT INTO objects VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute((
            sequence,
            &object.bucket,
            key,
            &version_id,
            is_delete_marker,
            signed(object.size_bytes),
            &object.etag,
            sequence,
            serde_json::to_string(&object.segments)?,
            serde_json::to_string(&object.attributes)?,
            serde_json::to_string(&object.tags)?,
        ))?;
    Ok((sequence, version_id))
}

fn remove_row(change: &mut Change<'_>, row: ObjectRow) -> Outcome<()> {
    change
        .transaction
        .prepare_cached("DELETE FROM objects WHERE sequence = ?1")?
        .execute([row.sequence])?;
    change.release(row.segments)
}

/// What a deletion did.
#[derive(Debug, Default)]
pub(in super::super) struct Deletion {
    /// A delete marker was made, or the version removed was one.
    pub(in super::super) delete_marker: bool,
    pub(in super::super) version_id: Option<String>,
}

/// Deletes one version for good, or what the key shows now: then a versioned bucket gets a delete marker.
/// What is not there is no error.
pub(in super::super) fn delete(
    change: &mut Change<'_>,
    origin: &Origin,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Outcome<Deletion> {
    let versioning = buckets::bucket(&change.transaction, bucket)?.versioning;
    let event = |kind, version_id: Option<String>| ObjectEvent {
        kind,
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        size_bytes: None,
        etag: None,
        version_id,
        sequencer: String::new(),
        time: OffsetDateTime::UNIX_EPOCH,
        request_id: String::new(),
        source_ip: None,
    };
    let target = match (version_id, versioning) {
        (Some(id), _) => Some(id),
        (None, Versioning::Unversioned) => Some(NULL_VERSION),
        (None, _) => None,
    };
    let Some(target) = target else {
        let marker = NewObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            size_bytes: 0,
            etag: String::new(),
            segments: Vec::new(),
            attributes: super::super::model::Attributes::default(),
            tags: Tags::new(),
        };
        let (sequence, id) = insert(change, versioning, &marker, true)?;
        change.tell(
            origin,
            sequence,
            event(EventKind::RemovedDeleteMarkerCreated, Some(id.clone())),
        );
        return Ok(Deletion {
            delete_marker: true,
            version_id: Some(id),
        });
    };
    let shown = version_id.map(str::to_owned);
    let Some(row) = version(&change.transaction, bucket, key, target)? else {
        return Ok(Deletion {
            delete_marker: false,
            version_id: shown,
        });
    };
    let delete_marker = row.is_delete_marker;
    let was_latest = row.is_latest;
    remove_row(change, row)?;
    if was_latest {
        change
            .transaction
            .prepare_cached(
                "UPDATE objects SET is_latest = 1 WHERE sequence = (SELECT sequence FROM objects \
                 WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1)",
            )?
            .execute((bucket, key.as_bytes()))?;
    }
    let sequence = change.tick()?;
    change.tell(origin, sequence, event(EventKind::RemovedDelete, shown.clone()));
    Ok(Deletion {
        delete_marker,
        version_id: shown,
    })
}

/// The version that something about it is changed of; a delete marker has nothing to change.
fn changeable(
    change: &Change<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
) -> Outcome<(ObjectRow, Versioning)> {
    let (row, versioning) = lookup(&change.transaction, bucket, key, version_id)?;
    if row.is_delete_marker {
        return Err(Fault::S3(fault::s3(
            s3s::S3ErrorCode::MethodNotAllowed,
            "The specified method is not allowed against this resource.",
        )));
    }
    Ok((row, versioning))
}

/// Replaces the tags of one version. Returns the version id to show.
pub(in super::super) fn set_tags(
    change: &Change<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    tags: &Tags,
) -> Outcome<Option<String>> {
    let (row, versioning) = changeable(change, bucket, key, version_id)?;
    change
        .transaction
        .prepare_cached("UPDATE objects SET tags = ?2 WHERE sequence = ?1")?
        .execute((row.sequence, serde_json::to_string(tags)?))?;
    Ok(shown_version(versioning, &row.version_id))
}

/// Replaces the grants of one version.
pub(in super::super) fn set_grants(
    change: &Change<'_>,
    bucket: &str,
    key: &str,
    version_id: Option<&str>,
    grants: Vec<GrantRow>,
) -> Outcome<()> {
    let (mut row, _) = changeable(change, bucket, key, version_id)?;
    row.attributes.grants = grants;
    change
        .transaction
        .prepare_cached("UPDATE objects SET attributes = ?2 WHERE sequence = ?1")?
        .execute((row.sequence, serde_json::to_string(&row.attributes)?))?;
    Ok(())
}

/// Whether any row names the blob.
pub(in super::super) fn names_blob(connection: &Connection, id: &str) -> Outcome<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM blobs WHERE id = ?1")?
        .query_row([id], |_| Ok(()))
        .optional()?
        .is_some())
}
