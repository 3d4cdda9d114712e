//! Listings: a walk over the keys of a bucket in the order of their UTF-8 bytes, that jumps over what a
//! delimiter folds into one common prefix.

use rusqlite::{Connection, Row};

use super::super::fault::Outcome;
use super::super::model::{ObjectRow, UploadRow};
use super::objects::{self, COLUMNS};
use super::uploads;

/// How many rows are read at a time: few after a jump, since the next may follow at once, then more.
const BATCH: std::ops::RangeInclusive<usize> = 4..=256;

/// What to list.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Query {
    pub(in super::super) bucket: String,
    pub(in super::super) prefix: String,
    pub(in super::super) delimiter: Option<String>,
    /// Where to go on.
    pub(in super::super) after: Option<After>,
    /// How many entries, common prefixes among them, at most.
    pub(in super::super) limit: usize,
}

/// The last entry of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum After {
    /// Everything behind this key (and, where versions are listed, this version of it).
    Key(String, Option<String>),
    /// Everything behind the keys with this prefix.
    Prefix(String),
}

/// One entry.
#[derive(Debug, Clone)]
pub(in super::super) enum Entry<R> {
    Row(R),
    CommonPrefix(String),
}

/// A page.
#[derive(Debug)]
pub(in super::super) struct Page<R> {
    pub(in super::super) entries: Vec<Entry<R>>,
    pub(in super::super) is_truncated: bool,
}

/// The first byte string behind all that start with `prefix`; `None` when there is none.
fn behind(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = prefix.to_vec();
    while let Some(last) = bytes.pop() {
        if last < u8::MAX {
            bytes.push(last + 1);
            return Some(bytes);
        }
    }
    None
}

/// The common prefix that `key` folds into.
fn common_prefix<'k>(key: &'k str, query: &Query) -> Option<&'k str> {
    let delimiter = query.delimiter.as_deref().filter(|d| !d.is_empty())?;
    let rest = key.get(query.prefix.len()..)?;
    let end = query.prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// Where the walk stands: at a key, or behind one row of it.
#[derive(Debug, Clone)]
struct Cursor<P> {
    key: Vec<u8>,
    behind: Option<P>,
}

/// Walks rows from `start`, which `fetch` yields in order from a cursor on.
fn walk<R, P: Clone>(
    query: &Query,
    start: Cursor<P>,
    key_of: impl Fn(&R) -> &str,
    place_of: impl Fn(&R) -> P,
    mut fetch: impl FnMut(&Cursor<P>, usize) -> Outcome<Vec<R>>,
) -> Outcome<Page<R>> {
    let mut page = Page {
        entries: Vec::new(),
        is_truncated: false,
    };
    if query.limit == 0 {
        return Ok(page);
    }
    let skipped = match &query.after {
        Some(After::Key(key, _)) => Some(key.as_str()),
        _ => None,
    };
    let mut cursor = start;
    let mut size = if query.delimiter.is_some() {
        *BATCH.start()
    } else {
        *BATCH.end()
    };
    'batches: loop {
        let rows = fetch(&cursor, size.min(query.limit.saturating_add(1)))?;
        size = (size * 2).min(*BATCH.end());
        let Some(last) = rows.last() else { return Ok(page) };
        cursor = Cursor {
            key: key_of(last).as_bytes().to_vec(),
            behind: Some(place_of(last)),
        };
        for row in rows {
            let key = key_of(&row);
            if !key.starts_with(&query.prefix) {
                return Ok(page);
            }
            let folded = common_prefix(key, query).map(str::to_owned);
            // A marker that is itself a common prefix stands behind all that it folds.
            let is_skipped = folded.is_some() && folded.as_deref() == skipped;
            if page.entries.len() == query.limit && !is_skipped {
                page.is_truncated = true;
                return Ok(page);
            }
            let Some(prefix) = folded else {
                page.entries.push(Entry::Row(row));
                continue;
            };
            let next = behind(prefix.as_bytes());
            if !is_skipped {
                page.entries.push(Entry::CommonPrefix(prefix));
            }
            let Some(key) = next else { return Ok(page) };
            cursor = Cursor { key, behind: None };
            size = *BATCH.start();
            continue 'batches;
        }
    }
}

/// The first key a page can hold; `None` when nothing can follow.
fn first_key(query: &Query) -> Option<Vec<u8>> {
    let prefix = query.prefix.as_bytes().to_vec();
    Some(match &query.after {
        None => prefix,
        Some(After::Key(key, _)) => key.as_bytes().to_vec().max(prefix),
        Some(After::Prefix(folded)) => behind(folded.as_bytes())?.max(prefix),
    })
}

fn collect(
    mut rows: rusqlite::Rows<'_>,
    read: impl Fn(&Row<'_>) -> Outcome<ObjectRow>,
) -> Outcome<Vec<ObjectRow>> {
    let mut objects = Vec::new();
    while let Some(row) = rows.next()? {
        objects.push(read(row)?);
    }
    Ok(objects)
}

/// Lists what the keys show now.
pub(in super::super) fn objects(connection: &Connection, query: &Query) -> Outcome<Page<ObjectRow>> {
    let Some(key) = first_key(query) else {
        return Ok(Page {
            entries: Vec::new(),
            is_truncated: false,
        });
    };
    // A key is listed once, so its place is only "behind it".
    let behind = matches!(&query.after, Some(After::Key(after, _)) if after.as_bytes() == key).then_some(());
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key >= ?2 AND (?3 OR key > ?2) \
         AND is_latest = 1 AND is_delete_marker = 0 ORDER BY key LIMIT ?4"
    ))?;
    walk(
        query,
        Cursor { key, behind },
        |row: &ObjectRow| row.key.as_str(),
        |_| (),
        |cursor, size| {
            let rows = select.query((&query.bucket, &cursor.key, cursor.behind.is_none(), size))?;
            collect(rows, objects::row)
        },
    )
}

/// Lists all versions and delete markers, those of one key from the newest on.
pub(in super::super) fn versions(connection: &Connection, query: &Query) -> Outcome<Page<ObjectRow>> {
    let Some(key) = first_key(query) else {
        return Ok(Page {
            entries: Vec::new(),
            is_truncated: false,
        });
    };
    let behind = match &query.after {
        Some(After::Key(after, version)) if after.as_bytes() == key => Some(match version {
            // An unknown version stands for all of its key.
            Some(id) => objects::version(connection, &query.bucket, after, id)?.map_or(0, |row| row.sequence),
            None => 0,
        }),
        _ => None,
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM objects WHERE bucket = ?1 AND key >= ?2 AND (key > ?2 OR sequence < ?3) \
         ORDER BY key, sequence DESC LIMIT ?4"
    ))?;
    walk(
        query,
        Cursor { key, behind },
        |row: &ObjectRow| row.key.as_str(),
        |row| row.sequence,
        |cursor, size| {
            let below = cursor.behind.unwrap_or(i64::MAX);
            let rows = select.query((&query.bucket, &cursor.key, below, size))?;
            collect(rows, objects::row)
        },
    )
}

/// Lists unfinished uploads; where to go on is a key and an upload id.
pub(in super::super) fn uploads(connection: &Connection, query: &Query) -> Outcome<Page<UploadRow>> {
    let Some(key) = first_key(query) else {
        return Ok(Page {
            entries: Vec::new(),
            is_truncated: false,
        });
    };
    let behind = match &query.after {
        // Without an upload id the marker stands for all uploads of its key: no id is behind this one.
        Some(After::Key(after, id)) if after.as_bytes() == key => {
            Some(id.clone().unwrap_or_else(|| "\u{10ffff}".to_owned()))
        }
        _ => None,
    };
    walk(
        query,
        Cursor { key, behind },
        |row: &UploadRow| row.key.as_str(),
        |row| row.id.clone(),
        |cursor, size| {
            let id = cursor.behind.as_deref().unwrap_or_default();
            uploads::after(connection, &query.bucket, &cursor.key, id, size)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_prefix() {
        assert_eq!(behind(b"a/"), Some(b"a0".to_vec()));
        assert_eq!(behind(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(behind(b"\xff"), None);
        assert_eq!(behind(b""), None);
    }

    #[test]
    fn a_delimiter_folds_behind_the_prefix_only() {
        let query = Query {
            prefix: "a/".into(),
            delimiter: Some("/".into()),
            ..Query::default()
        };
        assert_eq!(common_prefix("a/b/c", &query), Some("a/b/"));
        assert_eq!(common_prefix("a/b", &query), None);
        assert_eq!(common_prefix("a//c", &query), Some("a//"));
    }
}
