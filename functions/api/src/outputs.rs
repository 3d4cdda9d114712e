//! `GET /v1/files/{id}/outputs/{name}`: the way to one output, or a small one itself.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{catalogue::Status, keys::FileRef, store::Location};

use crate::{
    App,
    caller::Reader,
    files,
    ports::{Ports, Storage as _},
    problem::{NOT_DONE, Problem},
    request::{Parameters, unknown_file},
};

/// How long the URL of an output can be used: for the redirect that a client follows at once.
const DOWNLOAD_EXPIRY: Duration = Duration::from_mins(5);

/// Largest output that is answered itself: a Lambda function's answer has at most 6 MB.
const INLINE_MAX_BYTES: u64 = 5_000_000;

pub(crate) async fn show<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    path: Result<Path<(String, String)>, PathRejection>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let inline = parameters.read("inline", |text| match text {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    });
    parameters.end()?;
    let Path((id, name)) = path.map_err(|_| unknown_file())?;
    let id = id.parse().map_err(|_| unknown_file())?;
    let record = files::find(&app, &FileRef { owner, id })
        .await?
        .seen_at((app.now)());
    if record.status != Status::Done {
        return Err(Problem::new(&NOT_DONE).detail(format!("the file is {}", record.status)));
    }
    let output = record
        .outputs
        .iter()
        .find(|output| output.name == name)
        .ok_or_else(|| Problem::not_found("the file has no output of this name"))?;
    let at = Location::new(&app.results_bucket, &output.key);
    if inline == Some(true) {
        if output.content_type != "application/json" {
            let problem = format!("only JSON is inlined, and this output is {}", output.content_type);
            return Err(Problem::field("inline", problem));
        }
        if output.size_bytes > INLINE_MAX_BYTES {
            let size = output.size_bytes;
            let problem = format!("the output has {size} bytes, and at most {INLINE_MAX_BYTES} are inlined");
            return Err(Problem::field("inline", problem));
        }
        let body = app.storage().read(&at).await?;
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (header::CACHE_CONTROL, "private, no-cache"),
        ];
        return Ok((headers, body).into_response());
    }
    let url = app
        .storage()
        .sign_download(&at, &output.name, DOWNLOAD_EXPIRY)
        .await?;
    let headers = [
        (header::LOCATION, url),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}
