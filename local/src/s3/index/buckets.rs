//! Buckets and what is configured on them.

use rusqlite::{Connection, OptionalExtension as _};
use s3s::S3ErrorCode;
use time::OffsetDateTime;

use super::super::fault::{self, Outcome};
use super::super::model::{BucketRow, Versioning};
use super::{Change, from_micros, micros};

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<BucketRow> {
    Ok(BucketRow {
        name: row.get(0)?,
        created: from_micros(row.get(1)?),
        region: row.get(2)?,
        versioning: Versioning::parse(&row.get::<_, String>(3)?),
    })
}

/// The bucket, or `NoSuchBucket`.
pub(in super::super) fn bucket(connection: &Connection, name: &str) -> Outcome<BucketRow> {
    find(connection, name)?.ok_or_else(|| fault::no_such_bucket().into())
}

pub(in super::super) fn find(connection: &Connection, name: &str) -> Outcome<Option<BucketRow>> {
    Ok(connection
        .prepare_cached("SELECT name, created_us, region, versioning FROM buckets WHERE name = ?1")?
        .query_row([name], row)
        .optional()?)
}

/// All buckets by name.
pub(in super::super) fn all(connection: &Connection) -> Outcome<Vec<BucketRow>> {
    let mut select = connection
        .prepare_cached("SELECT name, created_us, region, versioning FROM buckets ORDER BY name")?;
    Ok(select.query_map([], row)?.collect::<Result<_, _>>()?)
}

/// Makes a bucket; `false` if it is there already.
pub(in super::super) fn create(change: &Change<'_>, name: &str, region: &str) -> Outcome<bool> {
    let inserted = change
        .transaction
        .prepare_cached("INSERT OR IGNORE INTO buckets VALUES (?1, ?2, ?3, '')")?
        .execute((name, micros(OffsetDateTime::now_utc()), region))?;
    Ok(inserted == 1)
}

/// Removes an empty bucket, its configuration, and uploads that were never completed.
pub(in super::super) fn delete(change: &mut Change<'_>, name: &str) -> Outcome<()> {
    bucket(&change.transaction, name)?;
    let occupied = change
        .transaction
        .prepare_cached("SELECT 1 FROM objects WHERE bucket = ?1 LIMIT 1")?
        .exists([name])?;
    if occupied {
        return Err(fault::s3(
            S3ErrorCode::BucketNotEmpty,
            "The bucket you tried to delete is not empty",
        )
        .into());
    }
    for upload in super::uploads::ids(&change.transaction, name)? {
        super::uploads::remove(change, &upload)?;
    }
    change
        .transaction
        .execute("DELETE FROM configurations WHERE bucket = ?1", [name])?;
    change
        .transaction
        .execute("DELETE FROM buckets WHERE name = ?1", [name])?;
    Ok(())
}

pub(in super::super) fn set_versioning(
    change: &Change<'_>,
    name: &str,
    versioning: Versioning,
) -> Outcome<()> {
    bucket(&change.transaction, name)?;
    change.transaction.execute(
        "UPDATE buckets SET versioning = ?2 WHERE name = ?1",
        (name, versioning.as_str()),
    )?;
    Ok(())
}

/// A configuration document (`cors`, `lifecycle`, …) as it was stored; `NoSuchBucket` without the bucket.
pub(in super::super) fn configuration(
    connection: &Connection,
    name: &str,
    kind: &str,
) -> Outcome<Option<String>> {
    bucket(connection, name)?;
    Ok(connection
        .prepare_cached("SELECT document FROM configurations WHERE bucket = ?1 AND kind = ?2")?
        .query_row((name, kind), |row| row.get(0))
        .optional()?)
}

/// Stores a configuration document, or removes it.
pub(in super::super) fn configure(
    change: &Change<'_>,
    name: &str,
    kind: &str,
    document: Option<&str>,
) -> Outcome<()> {
    bucket(&change.transaction, name)?;
    match document {
        Some(document) => change.transaction.execute(
            "INSERT OR REPLACE INTO configurations VALUES (?1, ?2, ?3)",
            (name, kind, document),
        )?,
        None => change.transaction.execute(
            "DELETE FROM configurations WHERE bucket = ?1 AND kind = ?2",
            (name, kind),
        )?,
    };
    Ok(())
}
