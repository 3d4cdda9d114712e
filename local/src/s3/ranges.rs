//! Range headers that are none. S3 ignores them, as RFC 9110 says; `s3s` refuses them. The header may be
//! signed, so it cannot be dropped before the signature was verified: this route stands behind that, drops
//! it, and sends the request round again.

use http::header::{self, HeaderMap};
use http::{Extensions, Method, Request, Uri};
use s3s::dto::Range;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result};

/// The route, with a service that asks for no signature: it only gets what was verified.
pub(super) struct IgnoreBadRanges(pub(super) S3Service);

#[async_trait::async_trait]
impl S3Route for IgnoreBadRanges {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        (method == Method::GET || method == Method::HEAD)
            && headers
                .get(header::RANGE)
                .is_some_and(|range| range.to_str().map_or(true, |range| Range::parse(range).is_err()))
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut again = Request::new(request.input);
        *again.method_mut() = request.method;
        *again.uri_mut() = without_signature(&request.uri)?;
        *again.headers_mut() = request.headers;
        *again.extensions_mut() = request.extensions;
        again.headers_mut().remove(header::RANGE);
        again.headers_mut().remove(header::AUTHORIZATION);
        let response = self
            .0
            .call(again)
            .await
            .map_err(|error| S3Error::internal_error(std::io::Error::other(format!("{error:?}"))))?;
        let (parts, body) = response.into_parts();
        Ok(S3Response {
            output: body,
            status: Some(parts.status),
            headers: parts.headers,
            extensions: parts.extensions,
        })
    }
}

/// The parameters of a presigned URL: of version 4, and of version 2.
fn without_signature(uri: &Uri) -> S3Result<Uri> {
    let signs = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !(name.starts_with("X-Amz-") || ["AWSAccessKeyId", "Signature", "Expires"].contains(&name))
    };
    let query: Vec<&str> = uri.query().unwrap_or_default().split('&').filter(signs).collect();
    let path = format!("{}?{}", uri.path(), query.join("&"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path.parse().map_err(S3Error::internal_error)?);
    Uri::from_parts(parts).map_err(S3Error::internal_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_goes() {
        let uri = "/b/k?versionId=1&X-Amz-Signature=2&X-Amz-Expires=3&response-expires=4"
            .parse()
            .unwrap();
        assert_eq!(
            without_signature(&uri).unwrap(),
            "/b/k?versionId=1&response-expires=4"
        );
    }
}
