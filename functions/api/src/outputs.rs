//! `GET /v1/files/{id}/outputs/{name}`: the way to one output.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use shared::{
    catalogue::Status,
    store::{Catalogue, Location},
};

use crate::{App, caller::Caller, files, presign::Presign, problem::Problem};

/// How long the URL of an output can be used: for the redirect that a client follows at once.
const DOWNLOAD_EXPIRY: Duration = Duration::from_mins(5);

pub(crate) async fn redirect<C: Catalogue, P: Presign>(
    State(app): State<Arc<App<C, P>>>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Path((id, name)) = path.map_err(|_| files::unknown_file())?;
    let record = files::find(&app, caller, &id).await?;
    if record.status != Status::Done {
        return Err(Problem::not_done(format!("the file is {}", record.status)));
    }
    let output = record
        .outputs
        .iter()
        .find(|output| output.name == name)
        .ok_or_else(|| Problem::not_found("the file has no output of this name"))?;
    let at = Location::new(&app.results_bucket, &output.key);
    let url = app.presigner.download(&at, &output.name, DOWNLOAD_EXPIRY).await?;
    Ok((
        StatusCode::FOUND,
        [
            (header::LOCATION, url),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ],
    ))
}
