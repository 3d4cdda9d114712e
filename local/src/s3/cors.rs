//! Cross-origin requests, by the bucket's own configuration and nothing else.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>

use http::header::{self, HeaderMap, HeaderName};
use http::{HeaderValue, Method, Response, StatusCode};
use s3s::dto::{CORSConfiguration, CORSRule};
use s3s::{Body, S3Error, S3Result};

use super::fault::custom;
use super::{Server, config, front};

/// What a browser says of where its request comes from.
#[derive(Debug, Clone)]
pub(super) struct Browser {
    origin: String,
}

impl Browser {
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
        Some(Self {
            origin: origin.to_owned(),
        })
    }
}

/// Whether `pattern`, with at most one star, stands for `text`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

/// The first rule that allows this.
fn rule_for<'c>(
    configuration: &'c CORSConfiguration,
    origin: &str,
    method: &str,
    headers: &[String],
) -> Option<&'c CORSRule> {
    configuration.cors_rules.iter().find(|rule| {
        let allowed = rule.allowed_headers.as_deref().unwrap_or_default();
        rule.allowed_origins
            .iter()
            .any(|pattern| matches(pattern, origin))
            && rule
                .allowed_methods
                .iter()
                .any(|allowed| allowed.as_str() == method)
            && headers.iter().all(|name| {
                allowed
                    .iter()
                    .any(|pattern| matches(&pattern.to_ascii_lowercase(), name))
            })
    })
}

/// The headers that tell the browser what is allowed.
fn grant(rule: &CORSRule, origin: &str, requested_headers: &[String]) -> Vec<(HeaderName, String)> {
    let any_origin = rule.allowed_origins.iter().any(|pattern| pattern == "*");
    let methods: Vec<&str> = rule
        .allowed_methods
        .iter()
        .map(std::convert::AsRef::<str>::as_ref)
        .collect();
    let mut headers = vec![
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            if any_origin {
                "*".to_owned()
            } else {
                origin.to_owned()
            },
        ),
        (header::ACCESS_CONTROL_ALLOW_METHODS, methods.join(", ")),
        (
            header::VARY,
            "Origin, Access-Control-Request-Headers, Access-Control-Request-Method".to_owned(),
        ),
    ];
    if !requested_headers.is_empty() {
        headers.push((header::ACCESS_CONTROL_ALLOW_HEADERS, requested_headers.join(", ")));
    }
    if let Some(exposed) = rule.expose_headers.as_ref().filter(|exposed| !exposed.is_empty()) {
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.join(", ")));
    }
    if let Some(seconds) = rule.max_age_seconds {
        headers.push((header::ACCESS_CONTROL_MAX_AGE, seconds.to_string()));
    }
    if !any_origin {
        headers.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true".to_owned()));
    }
    headers
}

fn insert(into: &mut HeaderMap, granted: Vec<(HeaderName, String)>) {
    for (name, value) in granted {
        if let Ok(value) = HeaderValue::try_from(value) {
            into.insert(name, value);
        }
    }
}

fn forbidden(message: &'static str) -> S3Error {
    custom("AccessForbidden", StatusCode::FORBIDDEN, message)
}

/// Answers an `OPTIONS` request.
pub(super) async fn preflight(
    server: &Server,
    bucket: Option<&str>,
    browser: Option<&Browser>,
    headers: &HeaderMap,
) -> S3Result<Response<Body>> {
    let bucket = bucket.ok_or_else(front::no_bucket)?;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let insufficient = |message: &'static str| custom("BadRequest", StatusCode::BAD_REQUEST, message);
    let browser =
        browser.ok_or_else(|| insufficient("Insufficient information. Origin request header needed."))?;
    let method = text(header::ACCESS_CONTROL_REQUEST_METHOD).ok_or_else(|| {
        insufficient("Insufficient information. Access-Control-Request-Method request header needed.")
    })?;
    let requested: Vec<String> = text(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let configuration = config::load::<CORSConfiguration>(&server.store, bucket.to_owned(), config::CORS)
        .await?
        .ok_or_else(|| forbidden("CORSResponse: CORS is not enabled for this bucket."))?;
    let rule = rule_for(&configuration, &browser.origin, method, &requested).ok_or_else(|| {
        forbidden(
            "CORSResponse: This CORS request is not allowed. This is usually because the evalution of \
             Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are \
             not whitelisted by the resource's CORS spec.",
        )
    })?;
    let mut response = Response::new(Body::empty());
    insert(response.headers_mut(), grant(rule, &browser.origin, &requested));
    Ok(response)
}

/// Adds what a browser needs to see the answer to a request that was no preflight.
pub(super) async fn allow(
    server: &Server,
    bucket: &str,
    method: &Method,
    browser: &Browser,
    headers: &mut HeaderMap,
) {
    let found = config::load::<CORSConfiguration>(&server.store, bucket.to_owned(), config::CORS).await;
    if let Ok(Some(configuration)) = found
        && let Some(rule) = rule_for(&configuration, &browser.origin, method.as_str(), &[])
    {
        insert(headers, grant(rule, &browser.origin, &[]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_star() {
        assert!(matches("*", "https://a.example"));
        assert!(matches("https://*.example", "https://a.example"));
        assert!(!matches("https://*.example", "http://a.example"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("x-amz-*", "x-amz-date"));
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rule = |origin: &str, method: &str, header: &str| CORSRule {
            allowed_origins: vec![origin.to_owned()],
            allowed_methods: vec![method.to_owned()],
            allowed_headers: Some(vec![header.to_owned()]),
            ..CORSRule::default()
        };
        let rules = vec![rule("https://a.example", "PUT", "X-*"), rule("*", "GET", "*")];
        let configuration = CORSConfiguration { cors_rules: rules };
        let find = |origin: &str, method: &str, headers: &[&str]| {
            let headers: Vec<String> = headers.iter().map(|&name| name.to_owned()).collect();
            rule_for(&configuration, origin, method, &headers)
                .and_then(|rule| rule.allowed_origins.first().cloned())
        };
        assert_eq!(
            find("https://a.example", "PUT", &["x-a"]).as_deref(),
            Some("https://a.example")
        );
        assert_eq!(find("https://a.example", "PUT", &["content-type"]), None);
        assert_eq!(find("https://b.example", "GET", &["range"]).as_deref(), Some("*"));
        assert_eq!(find("https://b.example", "PUT", &[]), None);
    }
}
