//! `DELETE /v1/files/{id}`: the upload, its outputs and its record go.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use shared::{
    catalogue::{Deletion, FileRecord, Sequencer, Status},
    keys::{self, FileRef},
    store::{Catalogue as _, Location},
};

use crate::{
    App,
    caller::Writer,
    ports::{Ports, Storage as _},
    problem::Problem,
    request::{Named, Parameters, unknown_file},
};

/// How long what is left of a file is kept: longer than any event about it can be late.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(30 * 24);

pub(crate) async fn route<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Named,
    parameters: Parameters,
) -> Result<StatusCode, Problem> {
    parameters.end()?;
    let file = id.of(owner);
    let record = app.catalogue().get(&file).await?.ok_or_else(unknown_file)?;
    delete(&app, record).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finds a file that may have been deleted: nothing if it has.
pub(crate) async fn find<P: Ports>(app: &App<P>, file: &FileRef) -> Result<Option<FileRecord>, Problem> {
    let record = app.catalogue().get(file).await?.ok_or_else(unknown_file)?;
    Ok(Some(record).filter(|record| record.status != Status::Deleted))
}

/// First the record, so that nobody starts on the file any more and whoever is at work loses; then the objects. A
/// second call does what is left of a first that broke off.
pub(crate) async fn delete<P: Ports>(app: &App<P>, record: FileRecord) -> Result<(), Problem> {
    let now = (app.now)();
    let deleted_now = Sequencer::from_time(now);
    let known = record.upload.as_ref().map(|upload| upload.sequencer.clone());
    let deletion = Deletion {
        file: record.file(),
        sequencer: known.map_or(deleted_now.clone(), |known| known.max(deleted_now)),
        now,
        forgotten_at: now.after(FORGOTTEN_AFTER).as_seconds(),
    };
    app.catalogue().delete(&deletion).await?;
    let at = Location::new(&record.bucket, &record.key);
    if let Some(multipart) = &record.multipart {
        app.storage().abort_upload(&at, &multipart.upload_id).await?;
    }
    app.storage().delete(&at).await?;
    let prefix = keys::outputs_prefix(&record.kind, &record.file());
    Ok(app.storage().delete_all(&app.results_bucket, &prefix).await?)
}
