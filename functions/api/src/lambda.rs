//! The API on Lambda, behind API Gateway's HTTP API (payload format 2.0).

use std::{process::ExitCode, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, header::HeaderName},
};
use lambda_http::{
    Context, RequestExt as _,
    request::RequestContext,
    tower::{ServiceExt as _, service_fn},
};
use shared::{
    aws,
    config::{ConfigError, Environment},
    keys::Owner,
    lambda::{StartError, start},
    store::dynamodb::DynamoCatalogue,
    time::UnixMillis,
};
use tracing::Instrument as _;

use crate::{App, Kinds, caller::Caller, problem::Cause, router, s3::S3Presigner};

/// What the function is told.
#[derive(Debug)]
struct Config {
    table_name: String,
    uploads_bucket: String,
    results_bucket: String,
    kinds: Kinds,
    upload_expiry: Duration,
}

impl Config {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            uploads_bucket: environment.required("UPLOADS_BUCKET")?.to_owned(),
            results_bucket: environment.required("RESULTS_BUCKET")?.to_owned(),
            kinds: environment.parse("KINDS")?,
            upload_expiry: Duration::from_secs(60 * environment.parse::<u64>("UPLOAD_EXPIRY_MINUTES")?),
        })
    }
}

/// Runs the API on Lambda until its environment is taken down.
#[must_use]
pub fn run() -> ExitCode {
    start(&Environment::of_process(), async |environment| {
        let config = Config::read(environment)?;
        let sdk = aws::configure().await;
        let router = router(App {
            catalogue: DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(&sdk), config.table_name),
            presigner: S3Presigner::new(&aws_sdk_s3::Client::new(&sdk)),
            kinds: config.kinds,
            uploads_bucket: config.uploads_bucket,
            results_bucket: config.results_bucket,
            upload_expiry: config.upload_expiry,
            now: UnixMillis::now,
        });
        lambda_http::run(service_fn(move |request: lambda_http::Request| {
            let router = router.clone();
            async move { answer(router, request).await }
        }))
        .await
        .map_err(StartError::Runtime)
    })
}

/// Answers one request and logs one line.
async fn answer(
    router: axum::Router,
    request: lambda_http::Request,
) -> Result<Response<Body>, std::convert::Infallible> {
    let request_id = request
        .lambda_context_ref()
        .map(|context: &Context| context.request_id.clone())
        .unwrap_or_default();
    let caller = request.request_context_ref().and_then(caller);
    let span = tracing::info_span!(
        "request",
        request_id,
        owner = caller.as_ref().map(|caller| caller.owner.as_str())
    );
    let (mut parts, body) = request.into_parts();
    parts.extensions.clear();
    if let Some(caller) = caller {
        parts.extensions.insert(caller);
    }
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    async move {
        let Ok(mut response) = router.oneshot(Request::from_parts(parts, Body::new(body))).await;
        let status = response.status().as_u16();
        let cause = response
            .extensions_mut()
            .remove::<Cause>()
            .map(|Cause(error)| error.to_string());
        if let Some(error) = cause {
            tracing::error!(%method, path, status, error, "could not answer");
        } else {
            tracing::info!(%method, path, status, "answered");
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-request-id"), value);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

/// The caller that the JWT authorizer verified, from the request's context: never from a header.
fn caller(context: &RequestContext) -> Option<Caller> {
    let RequestContext::ApiGatewayV2(context) = context else {
        return None;
    };
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    Some(Caller {
        owner: Owner::new(claims.get("sub")?).ok()?,
    })
}
