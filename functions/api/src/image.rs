//! `GET /v1/files/{id}/image`: the way to a rendition of a picture, made when it is fetched.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    catalogue::Status,
    image_url::{PARAMETERS, SignedImage, Sizes, UrlKey, read_query},
};

use crate::{
    App,
    caller::Reader,
    files,
    ports::Ports,
    problem::{NOT_AN_IMAGE, NOT_DONE, Problem},
    request::{Named, Parameters, number_within},
};

/// How long an address is good for when the request does not say, in seconds.
pub(crate) const EXPIRY_SECONDS: u64 = 3_600;
/// For how long it may be asked for, in seconds: a week.
pub(crate) const MAX_EXPIRY_SECONDS: u64 = 604_800;

/// Where pictures are rendered on request.
#[derive(Debug)]
pub struct ImageUrls {
    /// The address of the function that renders, with the slash it ends in.
    pub base: String,
    /// What its addresses are signed with.
    pub key: UrlKey,
    /// The sizes that are rendered.
    pub sizes: Sizes,
}

pub(crate) async fn show<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    named: Named,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let expires_in = parameters.read("expires_in", number_within(60..=MAX_EXPIRY_SECONDS));
    let query: Vec<(String, String)> = PARAMETERS
        .iter()
        .filter_map(|(name, _)| Some(((*name).to_owned(), parameters.text(name)?)))
        .collect();
    let pairs = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let spec = read_query(pairs).map_err(|wrong| parameters.refuse(&wrong.parameter, wrong.problem));
    parameters.end()?;
    let now = (app.now)();
    let file = named.of(owner);
    let record = files::find(&app, &file).await?.seen_at(now);
    // Whose file it is not is not told more than that.
    if let Some(wrong) = spec.ok().and_then(|spec| app.images.sizes.check(&spec).err()) {
        return Err(Problem::field(wrong.parameter, wrong.problem));
    }
    if record.kind != "images" {
        let detail = format!("the file is of the kind {}", record.kind);
        return Err(Problem::new(&NOT_AN_IMAGE).detail(detail));
    }
    if record.status != Status::Done {
        return Err(Problem::new(&NOT_DONE).detail(format!("the file is {}", record.status)));
    }
    let expires_in = expires_in.unwrap_or(EXPIRY_SECONDS);
    let address = app.images.key.sign(&SignedImage {
        file,
        query,
        expires_at: now.as_seconds() + expires_in,
    });
    let headers = [
        (header::LOCATION, format!("{}{address}", app.images.base)),
        // The address is good for longer than it is kept.
        (
            header::CACHE_CONTROL,
            format!("private, max-age={}", expires_in / 2),
        ),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}
