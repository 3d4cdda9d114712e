//! What stands before `s3s`: request ids, browsers' preflights and forms, and error documents as S3 writes
//! them.

use http::header::{self, HeaderName};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use s3s::{Body, S3Error, S3ErrorCode};

use super::event::Origin;
use super::{Server, cors, fault, form};
use crate::serve::Peer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const EXTENDED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// The status that an operation wants instead of the one `s3s` gives it; travels in a response's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Status(pub(super) StatusCode);

/// This answer's `ETag` element has no quotes: `GetObjectAttributes` is the only one that S3 writes so.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainEtag;

/// What the front has to know of a request after it is gone.
struct Asked {
    method: Method,
    host: Option<String>,
    path: String,
    bucket: Option<String>,
    browser: Option<cors::Browser>,
}

/// Answers one request.
pub(super) async fn handle(server: &Server, mut request: Request<Body>) -> Response<Body> {
    let request_id = new_request_id();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let host = host.or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str().to_owned())
    });
    let path = request.uri().path().to_owned();
    let asked = Asked {
        method: request.method().clone(),
        bucket: server.hosts.bucket(host.as_deref(), &path),
        browser: cors::Browser::of(request.headers()),
        host,
        path,
    };
    let source_ip = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    request.extensions_mut().insert(Origin {
        request_id: request_id.clone(),
        source_ip,
    });

    let mut response = answer(server, &asked, request).await;
    if let Some(Status(status)) = response.extensions().get::<Status>() {
        *response.status_mut() = *status;
    }
    if response.extensions().get::<PlainEtag>().is_some()
        && let Some(document) = response.body().bytes()
    {
        let document = without_etag_quotes(&String::from_utf8_lossy(&document));
        *response.body_mut() = Body::from(document);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    finish_errors(&asked, &request_id, &mut response);
    if let (Some(browser), Some(bucket)) = (&asked.browser, &asked.bucket)
        && asked.method != Method::OPTIONS
    {
        cors::allow(server, bucket, &asked.method, browser, response.headers_mut()).await;
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(EXTENDED_REQUEST_ID, HeaderValue::from_static(HOST_ID));
    headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
    response
}

/// S3's are 16 upper-case characters and digits.
fn new_request_id() -> String {
    ulid::Ulid::generate()
        .to_string()
        .chars()
        .rev()
        .take(16)
        .collect()
}

/// S3 names the machine that answered; there is only one.
const HOST_ID: &str = "bG9uZ3Nob3JlIGxvY2FsIFMzIHNlcnZlciwgbm90IEFtYXpvbidz";

async fn answer(server: &Server, asked: &Asked, request: Request<Body>) -> Response<Body> {
    let outcome = if asked.method == Method::OPTIONS {
        cors::preflight(
            server,
            asked.bucket.as_deref(),
            asked.browser.as_ref(),
            request.headers(),
        )
        .await
    } else if is_form(asked, server, &request) {
        form::handle(server, asked.bucket.clone().unwrap_or_default(), request).await
    } else {
        return match server.service.call(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(?error, "an answer of the object store could not be written");
                render(s3s::s3_error!(InternalError))
            }
        };
    };
    outcome.unwrap_or_else(render)
}

fn is_form(asked: &Asked, server: &Server, request: &Request<Body>) -> bool {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    asked.method == Method::POST
        && content_type.is_some_and(|value| {
            value
                .get(..19)
                .is_some_and(|start| start.eq_ignore_ascii_case("multipart/form-data"))
        })
        && server.hosts.is_bucket_root(asked.host.as_deref(), &asked.path)
}

fn render(error: S3Error) -> Response<Body> {
    error.to_http_response().unwrap_or_else(|_| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

/// Takes the quotes off the text of the first `ETag` element.
fn without_etag_quotes(document: &str) -> String {
    let Some((before, rest)) = document.split_once("<ETag>") else {
        return document.to_owned();
    };
    let Some((etag, after)) = rest.split_once("</ETag>") else {
        return document.to_owned();
    };
    let etag = etag.replace("&quot;", "").replace('"', "");
    format!("{before}<ETag>{etag}</ETag>{after}")
}

/// Completes error documents: a message, the resource, the ids. A HEAD and a 304 have no body.
fn finish_errors(asked: &Asked, request_id: &str, response: &mut Response<Body>) {
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED || (asked.method == Method::HEAD && !status.is_success()) {
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(header::CONTENT_LENGTH);
        if status == StatusCode::NOT_MODIFIED {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        return;
    }
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    let Some(document) = response.body().bytes() else {
        return;
    };
    let Ok(document) = std::str::from_utf8(&document) else {
        return;
    };
    let Some(completed) = complete(document, &asked.path, request_id) else {
        return;
    };
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    *response.body_mut() = Body::from(completed);
}

fn complete(document: &str, path: &str, request_id: &str) -> Option<String> {
    let body = document.split_once("<Error>")?.1.strip_suffix("</Error>")?;
    let code = body.split_once("<Code>")?.1.split_once("</Code>")?.0;
    let message = if body.contains("<Message>") {
        String::new()
    } else {
        format!("<Message>{}</Message>", default_message(code))
    };
    Some(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{body}{message}<Resource>{}</Resource>\
         <RequestId>{request_id}</RequestId><HostId>{HOST_ID}</HostId></Error>",
        escape(path)
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Messages of errors that `s3s` finds and leaves without one.
fn default_message(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key \
             and signing method."
        }
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "NotImplemented" => {
            "A header or operation you requested implies functionality that is not implemented"
        }
        "MissingRequestBodyError" => "Request Body is empty",
        "IncompleteBody" => {
            "You did not provide the number of bytes specified by the Content-Length HTTP header"
        }
        "AccessDenied" => "Access Denied",
        _ => "The request could not be served",
    }
}

/// An error for requests that name no bucket where one is needed.
pub(super) fn no_bucket() -> S3Error {
    fault::s3(
        S3ErrorCode::MethodNotAllowed,
        "The specified method is not allowed against this resource.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_quotes_of_the_etag_go() {
        let document = "<a><ETag>&quot;x-1&quot;</ETag><b>\"</b></a>";
        assert_eq!(without_etag_quotes(document), "<a><ETag>x-1</ETag><b>\"</b></a>");
        assert_eq!(without_etag_quotes("<a/>"), "<a/>");
    }

    #[test]
    fn error_documents_are_completed() {
        let document = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code></Error>";
        let completed = complete(document, "/a&b", "ID").unwrap();
        assert!(completed.contains("<Message>The request signature"));
        assert!(completed.contains("<Resource>/a&amp;b</Resource><RequestId>ID</RequestId>"));
        assert_eq!(complete("<html/>", "/", "ID"), None);
    }
}
