//! `/v1/webhooks`: where an owner is told of what became of files. The function `notify` does the telling.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header},
    response::IntoResponse,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    keys::Owner,
    store::{
        StoreErrorKind,
        endpoints::{self, Endpoints as _},
    },
    time::UnixMillis,
    webhook::{Endpoint, EndpointId, MAX_ENDPOINTS, MAX_URL_BYTES, Secret},
};

use crate::{
    App,
    caller::{Reader, Writer},
    idempotency::RequestName,
    ports::Ports,
    problem::{INTERNAL, Problem, TOO_MANY_ENDPOINTS},
    request::{Body, Parameters},
};

/// An endpoint that a client wants to be told at.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where deliveries are sent (`POST`): HTTPS, a public host, port 443 or 1024 and above.
    #[schemars(length(min = 1, max = MAX_URL_BYTES), extend("format" = "uri"))]
    pub(crate) url: String,
}

/// An endpoint.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Webhook {
    /// Its id.
    pub(crate) id: EndpointId,
    /// Where deliveries are sent, as the URL standard writes it.
    pub(crate) url: String,
    /// When it was registered.
    pub(crate) created_at: UnixMillis,
}

/// An endpoint that was registered just now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Registered {
    /// The endpoint.
    #[serde(flatten)]
    pub(crate) webhook: Webhook,
    /// What its deliveries are signed with, in the form that libraries for Standard Webhooks take. It is not shown again, but where this very request is repeated under its `Idempotency-Key`.
    pub(crate) secret: String,
}

/// An owner's endpoints.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Webhooks {
    /// All of them, the oldest first.
    pub(crate) webhooks: Vec<Webhook>,
}

impl From<Endpoint> for Webhook {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url,
            created_at: endpoint.created_at,
        }
    }
}

pub(crate) async fn register<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    name: Option<Extension<RequestName>>,
    parameters: Parameters,
    Body(asked): Body<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    parameters.end()?;
    let url = app
        .webhook_targets
        .check(&asked.url)
        .map_err(|refusal| Problem::field("url", refusal.to_string()))?;
    let now = (app.now)();
    let endpoint = Endpoint {
        // A request that is tried again after it broke off leads to the same endpoint.
        id: name.map_or_else(
            || EndpointId::generate(now),
            |Extension(name)| EndpointId::named(name.since, &owner, &name.key),
        ),
        url: url.into(),
        secret: Secret::generate().map_err(|_| Problem::new(&INTERNAL).detail("no secret could be made"))?,
        created_at: now,
    };
    let endpoint = keep(&app, &owner, endpoint).await?;
    let secret = endpoint.secret.reveal();
    let webhook = Webhook::from(endpoint);
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    Ok((
        StatusCode::CREATED,
        no_store,
        Json(Registered { webhook, secret }),
    ))
}

async fn keep<P: Ports>(app: &App<P>, owner: &Owner, endpoint: Endpoint) -> Result<Endpoint, Problem> {
    match app.endpoints().register(owner, &endpoint).await {
        Ok(endpoints::Registered::Yes) => Ok(endpoint),
        Ok(endpoints::Registered::Full) => Err(Problem::new(&TOO_MANY_ENDPOINTS)
            .detail(format!("there may be {MAX_ENDPOINTS}: delete one first"))),
        // The first try of this request got that far.
        Err(error) if error.kind == StoreErrorKind::Changed => {
            let kept = app.endpoints().endpoint(owner, endpoint.id).await?;
            kept.ok_or_else(|| error.into())
        }
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn list<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    parameters: Parameters,
) -> Result<impl IntoResponse, Problem> {
    parameters.end()?;
    let endpoints = app.endpoints().endpoints(&owner).await?;
    let webhooks = endpoints.into_iter().map(Webhook::from).collect();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Webhooks { webhooks })))
}

/// An id that is none, one that nobody has and one that someone else has are the same.
pub(crate) async fn unregister<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Result<Path<String>, PathRejection>,
    parameters: Parameters,
) -> Result<StatusCode, Problem> {
    parameters.end()?;
    let unknown = || Problem::not_found("you have no webhook with this id");
    let id: EndpointId = id.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(unknown)?;
    if app.endpoints().unregister(&owner, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown())
    }
}
