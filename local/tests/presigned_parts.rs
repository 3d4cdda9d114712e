//! Parts sent to presigned URLs whose signature covers their length and their SHA-256.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures::stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use local::s3::{self, dto};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// What the signature's canonical query leaves as it is.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    BASE64.encode(Sha256::digest(bytes))
}

/// The path and query of a presigned request; the headers are part of what is signed.
fn presign(method: &Method, query: &[(&str, &str)], headers: &[(&str, String)]) -> String {
    let now = jiff::Timestamp::now();
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{}/us-east-1/s3/aws4_request", now.strftime("%Y%m%d"));
    let mut headers = headers.to_vec();
    headers.push(("host", "localhost".to_owned()));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let credential = format!("test/{scope}");
    let mut pairs = query.to_vec();
    pairs.extend([
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &date),
        ("X-Amz-Expires", "60"),
        ("X-Amz-SignedHeaders", &names),
    ]);
    let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
    let mut pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.sort();
    let query = pairs.join("&");
    let lines = headers.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}{name}:{value}\n")
    });
    let canonical = format!("{method}\n/uploads/big\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let key = scope
        .split('/')
        .fold(b"AWS4secret".to_vec(), |key, part| hmac(&key, part));
    format!("/uploads/big?{query}&X-Amz-Signature={}", hex(&hmac(&key, &text)))
}

async fn open() -> s3::Server {
    let options = s3::Options {
        data_dir: None,
        credentials: vec![s3::Credentials {
            access_key_id: "test".into(),
            secret_access_key: "secret".into(),
        }],
        region: "us-east-1".into(),
        domain: "localhost".into(),
    };
    let server = s3::Server::open(options, Arc::new(|_| {})).unwrap();
    let rule = dto::CORSRule {
        allowed_headers: Some(vec!["*".to_owned()]),
        allowed_methods: vec!["PUT".to_owned(), "POST".to_owned()],
        allowed_origins: vec!["https://app.example".to_owned()],
        expose_headers: Some(vec!["ETag".to_owned()]),
        id: None,
        max_age_seconds: Some(600),
    };
    let settings = s3::BucketSettings {
        cors: Some(dto::CORSConfiguration {
            cors_rules: vec![rule],
        }),
        ..s3::BucketSettings::default()
    };
    server.ensure_bucket("uploads", settings).await.unwrap();
    server
}

async fn text(response: Response<s3::Body>) -> (StatusCode, String) {
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}

fn request(method: Method, uri: &str, headers: &[(&str, String)]) -> http::request::Builder {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request
}

async fn call(
    server: &s3::Server,
    method: Method,
    query: &[(&str, &str)],
    headers: &[(&str, String)],
    body: &str,
) -> (StatusCode, String) {
    let uri = presign(&method, query, headers);
    let length = ("content-length", body.len().to_string());
    let mut headers = headers.to_vec();
    if !headers.contains(&length) {
        headers.push(length);
    }
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let request = request(method, &uri, &headers).body(body).unwrap();
    text(server.handle(request).await).await
}

fn between<'a>(document: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = document.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[tokio::test]
async fn a_part_is_what_its_url_was_made_for() {
    let server = open().await;
    let algorithm = [("x-amz-checksum-algorithm", "SHA256".to_owned())];
    let (status, document) = call(&server, Method::POST, &[("uploads", "")], &algorithm, "").await;
    assert_eq!(status, StatusCode::OK, "{document}");
    let id = between(&document, "<UploadId>", "</UploadId>").to_owned();
    let part = b"the only part";
    let query = [("partNumber", "1"), ("uploadId", id.as_str())];
    let length = part.len().to_string();
    let signed = [
        ("content-length", length.clone()),
        ("x-amz-checksum-sha256", sha256(part)),
    ];
    let uri = presign(&Method::PUT, &query, &signed);

    let send = async |length: &str, checksum: Option<String>, body: &'static [u8]| {
        let mut headers = vec![("content-length", length.to_owned())];
        headers.extend(checksum.map(|checksum| ("x-amz-checksum-sha256", checksum)));
        let request = request(Method::PUT, &uri, &headers);
        let body = Full::new(Bytes::from_static(body));
        text(server.handle(request.body(body).unwrap()).await).await
    };
    let refused = |what: &str, (status, document): (StatusCode, String), expected: u16, code: &str| {
        assert_eq!(status.as_u16(), expected, "{what}: {document}");
        assert!(
            document.contains(&format!("<Code>{code}</Code>")),
            "{what}: {document}"
        );
    };
    let longer = send("14", Some(sha256(part)), b"the only part!").await;
    refused("longer", longer, 403, "SignatureDoesNotMatch");
    let other = send(&length, Some(sha256(b"THE ONLY PART")), b"THE ONLY PART").await;
    refused("another checksum", other, 403, "SignatureDoesNotMatch");
    let missing = send(&length, None, part).await;
    refused("no checksum", missing, 403, "SignatureDoesNotMatch");
    let changed = send(&length, Some(sha256(part)), b"THE ONLY PART").await;
    refused("other bytes", changed, 400, "BadDigest");
    let chunks = part
        .chunks(4)
        .map(|chunk| Ok::<_, Infallible>(http_body::Frame::data(Bytes::copy_from_slice(chunk))));
    let chunks = StreamBody::new(stream::iter(chunks.collect::<Vec<_>>()));
    let chunked = request(Method::PUT, &uri, &[("x-amz-checksum-sha256", sha256(part))]);
    let (status, document) = text(server.handle(chunked.body(chunks).unwrap()).await).await;
    assert!(
        status.is_client_error(),
        "a length that is not told: {status} {document}"
    );
    let list = [("uploadId", id.as_str())];
    let (_, listed) = call(&server, Method::GET, &list, &[], "").await;
    assert!(!listed.contains("<Part>"), "{listed}");

    let plain = [("content-length", length.clone())];
    let (status, document) = call(&server, Method::PUT, &query, &plain, "the only part").await;
    refused(
        "without the upload's checksum",
        (status, document.clone()),
        400,
        "InvalidRequest",
    );
    assert!(
        document.contains("expected checksum Type: sha256, actual checksum Type: null"),
        "{document}"
    );

    let (status, document) = send(&length, Some(sha256(part)), part).await;
    assert_eq!(status, StatusCode::OK, "{document}");
    let (_, listed) = call(&server, Method::GET, &list, &[], "").await;
    assert!(
        listed.contains(&format!("<ChecksumSHA256>{}</ChecksumSHA256>", sha256(part))),
        "{listed}"
    );
    let etag = between(&listed, "<ETag>", "</ETag>").to_owned();

    let complete = |checksum: Option<String>| {
        let checksum = checksum.map(|value| format!("<ChecksumSHA256>{value}</ChecksumSHA256>"));
        let checksum = checksum.unwrap_or_default();
        format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag>{checksum}</Part>\
             </CompleteMultipartUpload>"
        )
    };
    let without = call(&server, Method::POST, &list, &[], &complete(None)).await;
    assert!(
        without.1.contains(
            "The complete request must include the checksum for each part. It was missing for part 1"
        ),
        "{}",
        without.1
    );
    refused("completed without checksums", without, 400, "InvalidRequest");
    let wrong = call(&server, Method::POST, &list, &[], &complete(Some(sha256(b"x")))).await;
    refused("completed with another checksum", wrong, 400, "InvalidPart");
    let (status, document) = call(&server, Method::POST, &list, &[], &complete(Some(sha256(part)))).await;
    assert_eq!(status, StatusCode::OK, "{document}");
    let composite = format!("{}-1", BASE64.encode(Sha256::digest(Sha256::digest(part))));
    assert!(document.contains(&composite), "{document}");
}

#[tokio::test]
async fn a_browser_may_send_parts_and_forms_from_an_allowed_origin() {
    let server = open().await;
    let ask = async |path: &str, origin: &str, method: &str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri(path)
            .header("host", "localhost")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header(
                "access-control-request-headers",
                "content-type,x-amz-checksum-sha256",
            );
        server
            .handle(request.body(Full::new(Bytes::new())).unwrap())
            .await
    };
    for (path, method) in [
        ("/uploads/big?partNumber=1&uploadId=x", "PUT"),
        ("/uploads", "POST"),
    ] {
        let allowed = ask(path, "https://app.example", method).await;
        assert_eq!(allowed.status(), StatusCode::OK, "{path}");
        let headers = allowed.headers();
        assert_eq!(
            headers.get("access-control-allow-origin").unwrap(),
            "https://app.example"
        );
        let names = headers
            .get("access-control-allow-headers")
            .unwrap()
            .to_str()
            .unwrap();
        assert!(names.contains("x-amz-checksum-sha256"), "{names}");
        let refused = ask(path, "https://evil.example", method).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(
        ask("/uploads/big", "https://app.example", "DELETE")
            .await
            .status(),
        StatusCode::FORBIDDEN
    );
}
