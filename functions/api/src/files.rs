//! `GET /v1/files`, `GET /v1/files/{id}` and what happened to it: what became of the caller's files.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use shared::{
    catalogue::{FileRecord, FileView, HistoryView, Status},
    keys::{FileRef, Owner},
    store::Catalogue as _,
    time::UnixMillis,
};

use crate::{
    App,
    caller::Reader,
    ports::Ports,
    problem::Problem,
    request::{Named, Parameters, number_within, unknown_file},
};

/// Files on a page, unless asked otherwise, and at most.
const PAGE: (u16, u16) = (50, 100);

/// Records that are looked at for one page: filters that few files pass give short pages, not slow ones.
const MAX_SCANNED: usize = 1_000;

/// Longest wait for a change: API Gateway ends a request after 30 seconds.
pub const MAX_WAIT: Duration = Duration::from_secs(20);

/// How often a waiting request looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// A page of files.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Files {
    /// The files, newest first.
    pub(crate) files: Vec<FileView>,
    /// Where the list goes on; none after its end. A page may be short, or empty, and the list go on all the same.
    pub(crate) next_cursor: Option<String>,
}

/// What happened to a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Events {
    /// What happened, the earliest first; of a long history the latest.
    pub(crate) events: Vec<HistoryView>,
}

/// Which files are listed.
#[derive(Default)]
struct Filter {
    kind: Option<String>,
    status: Option<Status>,
    name_prefix: Option<String>,
    created_from: UnixMillis,
    created_before: Option<UnixMillis>,
}

impl Filter {
    fn read(parameters: &mut Parameters) -> Self {
        let time = |text: &str| {
            UnixMillis::bound(text).map_err(|_| "must be a time such as 2026-11-21T05:00:00Z".to_owned())
        };
        Self {
            kind: parameters.text("kind"),
            status: parameters.read("status", status),
            name_prefix: parameters.text("name_prefix"),
            created_from: parameters.read("created_from", time).unwrap_or_default(),
            created_before: parameters.read("created_before", time),
        }
    }

    fn passes(&self, file: &FileView) -> bool {
        self.kind.as_ref().is_none_or(|kind| *kind == file.kind)
            && self.status.is_none_or(|status| status == file.status)
            && self
                .name_prefix
                .as_ref()
                .is_none_or(|prefix| file.name.starts_with(prefix))
    }

    /// How many records to read at once for a page of `limit` files: those that few pass are not looked for one by one.
    fn batch(&self, limit: u16) -> u16 {
        let all_pass = self.kind.is_none() && self.status.is_none() && self.name_prefix.is_none();
        if all_pass { limit } else { PAGE.1 }
    }

    /// What a cursor is bound to.
    fn text(&self) -> String {
        format!(
            "{:?} {:?} {:?} {} {:?}",
            self.kind, self.status, self.name_prefix, self.created_from, self.created_before
        )
    }
}

/// The statuses that can be seen.
pub(crate) const STATUSES: [Status; 7] = [
    Status::Pending,
    Status::Processing,
    Status::Done,
    Status::Rejected,
    Status::Failed,
    Status::Removed,
    Status::Expired,
];

fn status(text: &str) -> Result<Status, String> {
    let names: Vec<_> = STATUSES.iter().map(|status| status.as_str()).collect();
    STATUSES
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| format!("must be one of: {}", names.join(", ")))
}

pub(crate) async fn list<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    mut parameters: Parameters,
) -> Result<impl IntoResponse, Problem> {
    let filter = Filter::read(&mut parameters);
    let limit = parameters.read("limit", number_within(1..=u64::from(PAGE.1)));
    let limit = limit
        .and_then(|limit| u16::try_from(limit).ok())
        .unwrap_or(PAGE.0);
    let filters = filter.text();
    let cursor = parameters.read("cursor", |cursor| {
        app.signing_key
            .read(&owner, &filters, cursor)
            .ok_or_else(|| "must be the next_cursor of an answer to the same question".to_owned())
    });
    parameters.end()?;
    // Records are listed as `<time>#<id>`: a bare time stands before all of its moment.
    let before = filter.created_before.map(|time| time.to_string());
    let (files, next) = page(&app, &owner, &filter, limit, cursor.or(before)).await?;
    let next_cursor = next.map(|next| app.signing_key.write(&owner, &filters, &next));
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(Files { files, next_cursor }),
    ))
}

/// Looks for files that pass, from a place in the list on.
async fn page<P: Ports>(
    app: &App<P>,
    owner: &Owner,
    filter: &Filter,
    limit: u16,
    mut after: Option<String>,
) -> Result<(Vec<FileView>, Option<String>), Problem> {
    let (mut files, mut scanned) = (Vec::new(), 0);
    let now = (app.now)();
    loop {
        let page = app
            .catalogue()
            .list(owner, filter.batch(limit), after.as_deref(), filter.created_from)
            .await?;
        scanned += page.files.len();
        let last = page.files.len();
        for (index, record) in page.files.into_iter().enumerate() {
            let place = record.listed_as();
            let file = FileView::of(record, now);
            if filter.passes(&file) {
                files.push(file);
            }
            if files.len() == usize::from(limit) {
                let more = index + 1 < last || page.next.is_some();
                return Ok((files, more.then_some(place)));
            }
        }
        after = page.next;
        if after.is_none() || scanned >= MAX_SCANNED {
            return Ok((files, after));
        }
    }
}

pub(crate) async fn show<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    id: Named,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = parameters.read("wait", number_within(0..=MAX_WAIT.as_secs()));
    parameters.end()?;
    let file = id.of(owner);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let until = (app.now)().after(Duration::from_secs(wait.unwrap_or(0)));
    let mut first: Option<FileView> = None;
    loop {
        let now = (app.now)();
        let view = FileView::of(find(&app, &file).await?, now);
        let body = serde_json::to_vec(&view).unwrap_or_default();
        let etag = etag(&body);
        let is_known = known.is_some_and(|known| matches(known, &etag));
        // Who says what they have seen waits for anything else; who does not, for the state to change.
        let settled = match (known, &first) {
            (Some(_), _) => !is_known,
            (None, None) => view.status.is_final(),
            (None, Some(first)) => first.status != view.status || view.status.is_final(),
        };
        if settled || now >= until {
            let status = if is_known {
                StatusCode::NOT_MODIFIED
            } else {
                StatusCode::OK
            };
            let headers = [
                (header::ETAG, etag),
                (header::CACHE_CONTROL, "private, no-cache".to_owned()),
            ];
            return Ok(if is_known {
                (status, headers).into_response()
            } else {
                let json = [(header::CONTENT_TYPE, "application/json")];
                (status, headers, json, body).into_response()
            });
        }
        first.get_or_insert(view);
        app.ports.sleep(LOOK_EVERY.min(until.since(now))).await;
    }
}

/// A strong validator of a representation (RFC 9110, section 8.8.3).
fn etag(body: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(body);
    let hex = digest.iter().take(12).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("\"{hex}\"")
}

/// Whether `If-None-Match` names a validator: compared weakly (RFC 9110, section 13.1.2).
fn matches(known: &str, etag: &str) -> bool {
    known == "*"
        || known
            .split(',')
            .any(|one| one.trim().trim_start_matches("W/") == etag)
}

pub(crate) async fn events<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    id: Named,
    parameters: Parameters,
) -> Result<impl IntoResponse, Problem> {
    parameters.end()?;
    let record = find(&app, &id.of(owner)).await?;
    let events = HistoryView::of(&record);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Events { events })))
}

/// Finds one of the caller's files.
pub(crate) async fn find<P: Ports>(app: &App<P>, file: &FileRef) -> Result<FileRecord, Problem> {
    app.catalogue()
        .get(file)
        .await?
        .filter(|record| record.status != Status::Deleted)
        .ok_or_else(unknown_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_found_in_a_list() {
        for known in ["*", "\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\""] {
            assert!(matches(known, "\"a\""), "{known}");
        }
        for known in ["", "a", "\"b\"", "\"aa\""] {
            assert!(!matches(known, "\"a\""), "{known}");
        }
    }
}
