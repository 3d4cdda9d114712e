//! `POST /v1/files/{id}/reprocess`: another attempt, with other options.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    catalogue::{FileView, Reprocess, ReprocessRefusal},
    handover::{Handover, Invoke as _},
    options::Options,
    store::Catalogue as _,
};

use crate::{
    App,
    caller::Writer,
    parts::Completed,
    ports::Ports,
    problem::{AT_WORK, NOT_UPLOADED, Problem, UNAVAILABLE, UPLOAD_GONE},
    request::{Body, Named, Parameters, unknown_file},
};

/// How a file is to be processed this time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// What is asked of the functions, by kind; the same as before if it is not given.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "shared::options::object"
    )]
    #[schemars(with = "Option<Options>")]
    pub(crate) options: Option<Options>,
}

pub(crate) async fn route<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Named,
    parameters: Parameters,
    Body(asked): Body<Again>,
) -> Result<impl IntoResponse, Problem> {
    parameters.end()?;
    if let Some(Err((part, error))) = asked.options.as_ref().map(Options::check) {
        return Err(Problem::field(format!("options.{part}"), error.to_string()));
    }
    let now = (app.now)();
    let wish = Reprocess {
        file: id.of(owner),
        options: asked
            .options
            .and_then(|options| serde_json::to_value(options).ok()),
        now,
    };
    let record = app
        .catalogue()
        .reprocess(&wish)
        .await?
        .map_err(|refusal| match refusal {
            ReprocessRefusal::Unknown => unknown_file(),
            ReprocessRefusal::NotArrived => Problem::new(&NOT_UPLOADED),
            ReprocessRefusal::Gone => Problem::new(&UPLOAD_GONE),
            ReprocessRefusal::Busy => Problem::new(&AT_WORK),
        })?;
    let function = app.functions.of(&record.kind).ok_or_else(|| {
        Problem::new(&UNAVAILABLE).detail(format!("there is no function for {}", record.kind))
    })?;
    let handover = Handover::of(&record).ok_or_else(|| Problem::new(&NOT_UPLOADED))?;
    // If this fails the file is pending, and the client, told so, asks again.
    app.invoke().hand_over(function, &handover).await?;
    let file = FileView::of(record, now);
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::ACCEPTED, no_store, Json(Completed { file })))
}
