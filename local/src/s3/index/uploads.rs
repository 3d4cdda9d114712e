//! Multipart uploads and their parts.

use rusqlite::{Connection, Row};
use time::OffsetDateTime;

use super::super::fault::{self, Outcome};
use super::super::model::{PartRow, UploadRow};
use super::{Change, buckets, from_micros, key_text, micros, signed, unsigned};

const UPLOAD: &str = "id, bucket, key, initiated_us, attributes, tags, checksum";
const PART: &str = "number, etag, size_bytes, modified_us, segments, checksum";

fn upload_row(row: &Row<'_>) -> Outcome<UploadRow> {
    Ok(UploadRow {
        id: row.get(0)?,
        bucket: row.get(1)?,
        key: key_text(row.get(2)?),
        initiated: from_micros(row.get(3)?),
        attributes: serde_json::from_str(&row.get::<_, String>(4)?)?,
        tags: serde_json::from_str(&row.get::<_, String>(5)?)?,
        checksum: serde_json::from_str(&row.get::<_, String>(6)?)?,
    })
}

fn part_row(row: &Row<'_>) -> Outcome<PartRow> {
    Ok(PartRow {
        number: row.get(0)?,
        etag: row.get(1)?,
        size_bytes: unsigned(row.get(2)?),
        modified: from_micros(row.get(3)?),
        segments: serde_json::from_str(&row.get::<_, String>(4)?)?,
        checksum: serde_json::from_str(&row.get::<_, String>(5)?)?,
    })
}

/// The upload, or `NoSuchUpload`: also when it is of another bucket or key.
pub(in super::super) fn upload(
    connection: &Connection,
    bucket: &str,
    key: &str,
    id: &str,
) -> Outcome<UploadRow> {
    buckets::bucket(connection, bucket)?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT {UPLOAD} FROM uploads WHERE id = ?1 AND bucket = ?2 AND key = ?3"
    ))?;
    let mut rows = select.query((id, bucket, key.as_bytes()))?;
    match rows.next()? {
        Some(row) => upload_row(row),
        None => Err(fault::no_such_upload().into()),
    }
}

pub(in super::super) fn create(change: &Change<'_>, upload: &UploadRow) -> Outcome<()> {
    buckets::bucket(&change.transaction, &upload.bucket)?;
    change
        .transaction
        .prepare_cached("INSERT INTO uploads VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute((
            &upload.id,
            &upload.bucket,
            upload.key.as_bytes(),
            micros(upload.initiated),
            serde_json::to_string(&upload.attributes)?,
            serde_json::to_string(&upload.tags)?,
            serde_json::to_string(&upload.checksum)?,
        ))?;
    Ok(())
}

/// Stores a part; one of the same number goes.
pub(in super::super) fn put_part(
    change: &mut Change<'_>,
    bucket: &str,
    key: &str,
    id: &str,
    part: &PartRow,
) -> Outcome<OffsetDateTime> {
    upload(&change.transaction, bucket, key, id)?;
    if let Some(old) = find_part(&change.transaction, id, part.number)? {
        change.release(old.segments)?;
    }
    change.retain(&part.segments)?;
    change
        .transaction
        .prepare_cached("INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute((
            id,
            part.number,
            &part.etag,
            signed(part.size_bytes),
            micros(part.modified),
            serde_json::to_string(&part.segments)?,
            serde_json::to_string(&part.checksum)?,
        ))?;
    Ok(part.modified)
}

fn find_part(connection: &Connection, id: &str, number: i32) -> Outcome<Option<PartRow>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {PART} FROM parts WHERE upload = ?1 AND number = ?2"
    ))?;
    let mut rows = select.query((id, number))?;
    rows.next()?.map(part_row).transpose()
}

/// At most `limit` parts whose number is greater than `after`, in order.
pub(in super::super) fn parts(
    connection: &Connection,
    id: &str,
    after: i32,
    limit: usize,
) -> Outcome<Vec<PartRow>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {PART} FROM parts WHERE upload = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
    ))?;
    let mut rows = select.query((id, after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut parts = Vec::new();
    while let Some(row) = rows.next()? {
        parts.push(part_row(row)?);
    }
    Ok(parts)
}

/// Removes an upload and its parts; bytes that no object took over go with them.
pub(in super::super) fn remove(change: &mut Change<'_>, id: &str) -> Outcome<()> {
    for part in parts(&change.transaction, id, 0, usize::MAX)? {
        change.release(part.segments)?;
    }
    change
        .transaction
        .prepare_cached("DELETE FROM parts WHERE upload = ?1")?
        .execute([id])?;
    change
        .transaction
        .prepare_cached("DELETE FROM uploads WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// The ids of a bucket's uploads.
pub(super) fn ids(connection: &Connection, bucket: &str) -> Outcome<Vec<String>> {
    let mut select = connection.prepare_cached("SELECT id FROM uploads WHERE bucket = ?1")?;
    Ok(select
        .query_map([bucket], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

/// At most `limit` uploads from (`key`, behind `id`) on, by key and then by age.
pub(super) fn after(
    connection: &Connection,
    bucket: &str,
    key: &[u8],
    id: &str,
    limit: usize,
) -> Outcome<Vec<UploadRow>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {UPLOAD} FROM uploads WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR id > ?3) \
         ORDER BY key, id LIMIT ?4"
    ))?;
    let mut rows = select.query((bucket, key, id, limit))?;
    let mut uploads = Vec::new();
    while let Some(row) = rows.next()? {
        uploads.push(upload_row(row)?);
    }
    Ok(uploads)
}
