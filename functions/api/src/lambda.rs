//! The API on Lambda, behind API Gateway's HTTP API (payload format 2.0).

use std::{process::ExitCode, time::Duration};

use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, Uri, header::HeaderName},
};
use lambda_http::{
    Context, RequestExt as _,
    request::RequestContext,
    tower::{ServiceExt as _, service_fn},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use shared::{
    aws,
    config::{ConfigError, Environment},
    handover::{Functions, LambdaInvoke},
    image_url::UrlKey,
    keys::Owner,
    lambda::{StartError, start},
    store::{dynamodb::DynamoCatalogue, ledger::Quota},
    time::UnixMillis,
    webhook::Targets,
};
use tracing::Instrument as _;

use crate::{
    App, ImageUrls, Kinds, RequestId, SigningKey, caller::Caller, ports::Ports, problem::Cause, router,
    s3::S3Storage,
};

/// What the function is told.
#[derive(Debug)]
struct Config {
    table_name: String,
    uploads_bucket: String,
    results_bucket: String,
    kinds: Kinds,
    functions: Functions,
    quota: Quota,
    upload_expiry: Duration,
    webhook_targets: Targets,
    signing_key: SigningKey,
    images: ImageUrls,
}

impl Config {
    fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            table_name: environment.required("TABLE_NAME")?.to_owned(),
            uploads_bucket: environment.required("UPLOADS_BUCKET")?.to_owned(),
            results_bucket: environment.required("RESULTS_BUCKET")?.to_owned(),
            kinds: environment.parse("KINDS")?,
            functions: environment.parse("FUNCTIONS")?,
            quota: Quota {
                files: environment.parse("DAILY_FILES")?,
                bytes: environment.parse("DAILY_BYTES")?,
            },
            upload_expiry: Duration::from_secs(60 * environment.parse::<u64>("UPLOAD_EXPIRY_MINUTES")?),
            webhook_targets: environment.parse("WEBHOOK_TARGETS")?,
            signing_key: SigningKey::new(environment.required("SIGNING_KEY")?),
            images: ImageUrls {
                base: environment.required("IMAGE_URL")?.to_owned(),
                key: UrlKey::new(environment.required("IMAGE_URL_KEY")?),
                sizes: environment.parse("IMAGE_SIZES")?,
            },
        })
    }
}

/// AWS.
struct Aws {
    catalogue: DynamoCatalogue,
    storage: S3Storage,
    invoke: LambdaInvoke,
}

impl Ports for Aws {
    type Catalogue = DynamoCatalogue;
    type Ledger = DynamoCatalogue;
    type Endpoints = DynamoCatalogue;
    type Storage = S3Storage;
    type Invoke = LambdaInvoke;

    fn catalogue(&self) -> &DynamoCatalogue {
        &self.catalogue
    }

    fn ledger(&self) -> &DynamoCatalogue {
        &self.catalogue
    }

    fn endpoints(&self) -> &DynamoCatalogue {
        &self.catalogue
    }

    fn storage(&self) -> &S3Storage {
        &self.storage
    }

    fn invoke(&self) -> &LambdaInvoke {
        &self.invoke
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Runs the API on Lambda until its environment is taken down.
#[must_use]
pub fn run() -> ExitCode {
    start(&Environment::of_process(), async |environment| {
        let config = Config::read(environment)?;
        let aws = aws::configure(environment)?;
        let sdk = &aws.sdk;
        let catalogue = DynamoCatalogue::new(aws_sdk_dynamodb::Client::new(sdk), config.table_name);
        // S3 and Lambda are needed by few requests; most sign URLs at most.
        aws.rehearse(catalogue.rehearse()).await;
        let router = router(App {
            ports: Aws {
                catalogue,
                storage: S3Storage::new(
                    aws_sdk_s3::Client::new(sdk),
                    sdk.region().cloned(),
                    sdk.credentials_provider(),
                ),
                invoke: LambdaInvoke::new(aws_sdk_lambda::Client::new(sdk)),
            },
            kinds: config.kinds,
            functions: config.functions,
            quota: config.quota,
            uploads_bucket: config.uploads_bucket,
            results_bucket: config.results_bucket,
            upload_expiry: config.upload_expiry,
            webhook_targets: config.webhook_targets,
            images: config.images,
            signing_key: config.signing_key,
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
    let uri = uri(&request);
    let (mut parts, body) = request.into_parts();
    parts.uri = uri.unwrap_or(parts.uri);
    parts.extensions.clear();
    parts.extensions.insert(RequestId(request_id.clone()));
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

/// What a path may hold as it is (RFC 3986, section 3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@');

/// The URI that the client asked for. The gateway hands the path of an HTTP API on decoded, and `lambda_http` takes it as
/// it is written: a `?` that the client had encoded would begin a query there, and `..` would climb to another route.
fn uri(request: &lambda_http::Request) -> Option<Uri> {
    let path = request.raw_http_path();
    // Nothing that exists has these in its path, and what follows them has been read as part of the query.
    let query = request.uri().query().filter(|_| !path.contains(['?', '#']));
    let mut uri = utf8_percent_encode(path, PATH).to_string();
    if let Some(query) = query {
        uri.push('?');
        uri.push_str(query);
    }
    uri.parse().ok()
}

/// The caller that the JWT authorizer verified, from the request's context: never from a header.
fn caller(context: &RequestContext) -> Option<Caller> {
    let RequestContext::ApiGatewayV2(context) = context else {
        return None;
    };
    let claims = &context.authorizer.as_ref()?.jwt.as_ref()?.claims;
    let scopes = ["scope", "scp"].iter().find_map(|name| claims.get(*name));
    Some(Caller {
        owner: Owner::new(claims.get("sub")?).ok()?,
        scopes: scopes.map(|text| words(text)).unwrap_or_default(),
    })
}

/// The gateway hands claims on as texts: a list as `[a b]`.
fn words(text: &str) -> Vec<String> {
    let text = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_the_client_asked_for() {
        for (decoded, query, uri_of_request) in [
            (
                "/v1/files",
                "?limit=2&name_prefix=a%20b",
                "/v1/files?limit=2&name_prefix=a%20b",
            ),
            ("/v1/files/a b/events", "", "/v1/files/a%20b/events"),
            ("/v1/files/a?b/events", "", "/v1/files/a%3Fb/events"),
            ("/v1/files/a#b", "?wait=1", "/v1/files/a%23b"),
            ("/v1/files/../stats", "", "/v1/files/../stats"),
            ("/v1/files/a%2Fb", "", "/v1/files/a%252Fb"),
            ("/v1/files/ü\u{0}\\", "", "/v1/files/%C3%BC%00%5C"),
        ] {
            let event = serde_json::json!({
                "version": "2.0", "routeKey": "GET /v1/files/{id}", "rawPath": decoded,
                "rawQueryString": query.trim_start_matches('?'),
                "headers": {"host": "api.example.com"}, "isBase64Encoded": false,
                "requestContext": {
                    "accountId": "0", "apiId": "a", "stage": "$default", "requestId": "r", "time": "t", "timeEpoch": 0,
                    "http": {"method": "GET", "path": decoded, "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": ""},
                },
            });
            let request = lambda_http::request::from_str(&event.to_string()).unwrap();
            assert_eq!(uri(&request).unwrap(), uri_of_request, "{decoded}");
        }
    }

    #[test]
    fn scopes_come_as_words_or_as_a_list() {
        assert_eq!(words("files:read files:write"), ["files:read", "files:write"]);
        assert_eq!(words("[files:read files:write]"), ["files:read", "files:write"]);
        assert!(words("").is_empty());
    }
}
