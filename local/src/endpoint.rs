//! The one AWS port: which service a request is for.

use http::{Request, Response, StatusCode};
use serde_json::json;

use crate::lambda::invoke_api;
use crate::serve::{self, Body, Handler};
use crate::sqs::api::TARGET as SQS_TARGET;

/// The handlers behind the port.
pub(crate) struct Endpoint {
    pub(crate) s3: Handler,
    pub(crate) dynamodb: Handler,
    pub(crate) sqs: Handler,
    pub(crate) lambda: Handler,
}

/// A service of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Service {
    S3,
    DynamoDb,
    Sqs,
    Lambda,
    Other(String),
}

impl Endpoint {
    pub(crate) fn handler(self) -> Handler {
        let endpoint = std::sync::Arc::new(self);
        serve::handler(move |request| {
            let endpoint = endpoint.clone();
            async move { endpoint.answer(request).await }
        })
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let service = service(&request);
        // S3 verifies signatures itself. For the others a signature must be there: a web page cannot send one
        // without a preflight, so that none can invoke functions or read queues through the developer's browser.
        let unsigned = scope_service(&request).is_none();
        if unsigned && matches!(service, Service::Sqs | Service::Lambda | Service::DynamoDb) {
            let body =
                json!({ "__type": "MissingAuthenticationToken", "message": "Missing Authentication Token" });
            return serve::json(StatusCode::FORBIDDEN, &body);
        }
        let (handler, name) = match &service {
            Service::S3 => (Some(&self.s3), "s3"),
            Service::DynamoDb => (Some(&self.dynamodb), "dynamodb"),
            Service::Sqs => (Some(&self.sqs), "sqs"),
            Service::Lambda => (Some(&self.lambda), "lambda"),
            Service::Other(name) => (None, name.as_str()),
        };
        let Some(handler) = handler else {
            let message = format!("the local stack does not serve {name}");
            let body = json!({ "__type": "NotImplemented", "message": message });
            return serve::json(StatusCode::NOT_IMPLEMENTED, &body);
        };
        handler(request).await
    }
}

/// By the scope of the signature; without one by the target header, and at last by the path. Presigned and
/// anonymous requests are S3's.
fn service(request: &Request<Body>) -> Service {
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if let Some(name) = scope_service(request) {
        return match name {
            "s3" | "s3express" => Service::S3,
            "dynamodb" => Service::DynamoDb,
            "sqs" => Service::Sqs,
            "lambda" => Service::Lambda,
            other => Service::Other(other.to_owned()),
        };
    }
    if target.starts_with("DynamoDB_") {
        Service::DynamoDb
    } else if target.starts_with(SQS_TARGET) {
        Service::Sqs
    } else if request.uri().path().starts_with(invoke_api::PREFIX) {
        Service::Lambda
    } else {
        Service::S3
    }
}

/// The service in `Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
fn scope_service(request: &Request<Body>) -> Option<&str> {
    let header = request
        .headers()
        .get(http::header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let credential = header.strip_prefix("AWS4-")?.split_once("Credential=")?.1;
    let scope = credential.split([',', ' ']).next()?;
    scope.rsplit('/').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_found() {
        let signed = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            )
        };
        for (path, target, authorization, expected) in [
            ("/b/k", "", signed("s3"), Service::S3),
            (
                "/",
                "DynamoDB_20120810.GetItem",
                signed("dynamodb"),
                Service::DynamoDb,
            ),
            ("/", "AmazonSQS.SendMessage", signed("sqs"), Service::Sqs),
            (
                "/2015-03-31/functions/f/invocations",
                "",
                signed("lambda"),
                Service::Lambda,
            ),
            ("/2015-03-31/functions/f", "", signed("s3"), Service::S3),
            ("/2015-03-31/functions/f", "", String::new(), Service::Lambda),
            ("/", "AmazonSQS.SendMessage", String::new(), Service::Sqs),
            ("/b/k?X-Amz-Signature=1", "", String::new(), Service::S3),
            ("/", "", signed("sts"), Service::Other("sts".to_owned())),
        ] {
            let request = Request::builder()
                .uri(path)
                .header("x-amz-target", target)
                .header("authorization", authorization)
                .body(serve::full(""))
                .unwrap();
            assert_eq!(service(&request), expected, "{path} {target}");
        }
    }
}
