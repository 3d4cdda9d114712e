//! `GET /v1/files` and `GET /v1/files/{id}`: what became of the caller's files.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::header,
    response::IntoResponse,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use shared::{
    catalogue::{FileRecord, FileView},
    keys::FileRef,
    store::Catalogue,
    time::UnixMillis,
};

use crate::{
    App,
    caller::Caller,
    presign::Presign,
    problem::{FieldProblem, Problem},
};

/// Files on a page, unless asked otherwise, and at most.
const PAGE: (u16, u16) = (50, 100);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    limit: Option<u16>,
    cursor: Option<String>,
}

pub(crate) async fn list<C: Catalogue, P: Presign>(
    State(app): State<Arc<App<C, P>>>,
    caller: Caller,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(Listing { limit, cursor }) = listing
        .map_err(|rejection| Problem::invalid(vec![FieldProblem::new("query", rejection.body_text())]))?;
    let limit = limit.unwrap_or(PAGE.0);
    if !(1..=PAGE.1).contains(&limit) {
        let problem = format!("must be from 1 to {}", PAGE.1);
        return Err(Problem::invalid(vec![FieldProblem::new("limit", problem)]));
    }
    let after = cursor.map(|cursor| {
        let text = URL_SAFE_NO_PAD
            .decode(&cursor)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        // DynamoDB takes no empty key.
        text.filter(|text| !text.is_empty() && text.len() <= 100)
            .ok_or_else(|| {
                Problem::invalid(vec![FieldProblem::new(
                    "cursor",
                    "must be the next_cursor of an earlier answer",
                )])
            })
    });
    let page = app
        .catalogue
        .list(
            &caller.owner,
            limit,
            after.transpose()?.as_deref(),
            UnixMillis::default(),
        )
        .await?;
    let now = (app.now)();
    let files: Vec<_> = page
        .files
        .into_iter()
        .map(|record| FileView::of(record, now))
        .collect();
    let next_cursor = page.next.map(|next| URL_SAFE_NO_PAD.encode(next));
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(json!({"files": files, "next_cursor": next_cursor})),
    ))
}

pub(crate) async fn show<C: Catalogue, P: Presign>(
    State(app): State<Arc<App<C, P>>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    // A path that is not UTF-8 names nothing.
    let Path(id) = id.map_err(|_| unknown_file())?;
    let record = find(&app, caller, &id).await?;
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(FileView::of(record, (app.now)())),
    ))
}

pub(crate) fn unknown_file() -> Problem {
    Problem::not_found("you have no file with this id")
}

/// Finds one of the caller's files: an id that is none, one that nobody has and one that someone else has are the same.
pub(crate) async fn find<C: Catalogue, P: Presign>(
    app: &App<C, P>,
    caller: Caller,
    id: &str,
) -> Result<FileRecord, Problem> {
    let not_found = || Problem::not_found("you have no file with this id");
    let file = FileRef {
        owner: caller.owner,
        id: id.parse().map_err(|_| not_found())?,
    };
    let record = app.catalogue.get(&file).await?.ok_or_else(not_found)?;
    Ok(record.seen_at((app.now)()))
}
