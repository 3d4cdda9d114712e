//! `POST` of a browser's form: a file with a signed policy.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html>
//!
//! `s3s` would read the whole file into memory first; here it streams to disk as any other upload does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::StreamExt as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{self, HeaderMap, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use multer::{Constraints, Field, Multipart, SizeLimit};
use s3s::dto::PostResponse;
use s3s::{Body, S3Error, S3ErrorCode, S3Result, StdError, xml};
use sha2::Sha256;
use time::OffsetDateTime;

use super::blobs::hex;
use super::event::{EventKind, Origin};
use super::fault::{self, invalid_argument};
use super::index::buckets;
use super::index::objects::WriteCondition;
use super::model::Tags;
use super::policy::{Fields, Policy};
use super::put::{self, Target};
use super::receive::{self, Claims, MAX_PART_BYTES};
use super::{Keys, Server, tagging};

/// The most that all fields before the file may hold.
const MAX_FIELDS_BYTES: u64 = 20 * 1024;
/// The file's field, and room for the fields around it.
const MAX_FORM_BYTES: u64 = MAX_PART_BYTES + 1024 * 1024;

/// Answers a form upload into `bucket`.
pub(super) async fn handle(
    server: &Server,
    bucket: String,
    request: Request<Body>,
) -> S3Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let origin = parts.extensions.get::<Origin>().cloned().unwrap_or_default();
    let boundary = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or_else(malformed)?;
    let limits = SizeLimit::new().whole_stream(MAX_FORM_BYTES);
    let mut form = Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits));
    let (mut fields, file) = fields_and_file(&mut form).await?;

    let policy = authorize(server, &fields, &bucket)?;
    let (min_bytes, max_bytes) = policy
        .length_range()
        .map_or((0, MAX_PART_BYTES), |(min, max)| (min, max.min(MAX_PART_BYTES)));
    let file_name = file.file_name().map(base_name).unwrap_or_default().to_owned();
    for value in fields.values_mut() {
        *value = value.replace("${filename}", &file_name);
    }
    let key = fields.get("key").cloned().unwrap_or_default();
    put::check_key(&key)?;
    {
        let bucket = bucket.clone();
        server
            .store
            .read(move |connection| buckets::bucket(connection, &bucket))
            .await?;
    }
    let headers = as_headers(&fields);
    let claims =
        Claims::from_headers(&headers, None)?.or_algorithm(Some(super::checksum::Algorithm::Crc64Nvme));
    let target = Target {
        bucket: bucket.clone(),
        key: key.clone(),
        attributes: put::attributes(&headers)?,
        tags: tags(&fields)?,
        condition: WriteCondition::default(),
    };
    let file = file.map(|chunk| chunk.map_err(StdError::from));
    let received = receive::receive(&server.store, file, &claims, None, min_bytes..=max_bytes).await?;
    let done = put::commit(&server.store, origin, EventKind::CreatedPost, target, received).await?;
    let host = parts
        .headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let location = location(host.unwrap_or_default(), parts.uri.path(), &key);
    succeed(&fields, &bucket, &key, &location, &done)
}

fn malformed() -> S3Error {
    fault::s3(
        S3ErrorCode::MalformedPOSTRequest,
        "The body of your POST request is not well-formed multipart/form-data.",
    )
}

/// Reads the fields up to the file; what comes behind it is ignored, as S3 does.
async fn fields_and_file<'f>(form: &mut Multipart<'f>) -> S3Result<(Fields, Field<'f>)> {
    let mut fields = Fields::new();
    let mut total = 0;
    loop {
        let Some(mut field) = form.next_field().await.map_err(|_| malformed())? else {
            return Err(invalid_argument(
                "POST requires exactly one file upload per request.",
            ));
        };
        let name = field.name().unwrap_or_default().to_ascii_lowercase();
        if name == "file" {
            return Ok((fields, field));
        }
        let mut value = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|_| malformed())? {
            total += chunk.len() as u64;
            if total > MAX_FIELDS_BYTES {
                return Err(fault::s3(
                    S3ErrorCode::MaxPostPreDataLengthExceededError,
                    "Your POST request fields preceding the upload file was too large.",
                ));
            }
            value.extend_from_slice(&chunk);
        }
        let value = String::from_utf8(value).map_err(|_| malformed())?;
        fields.insert(name, value);
    }
}

/// Browsers send the bare name, some programs a path.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Verifies the policy's signature, of version 4 or 2, and that the form is as the policy says.
fn authorize(server: &Server, fields: &Fields, bucket: &str) -> S3Result<Policy> {
    let required = |name: &'static str| {
        fields.get(&name.to_ascii_lowercase()).ok_or_else(|| {
            invalid_argument(format!(
                "Bucket POST must contain a field named '{name}'.  If it is specified, please check the \
                 order of the fields."
            ))
        })
    };
    required("key")?;
    let Some(encoded) = fields.get("policy") else {
        return Err(fault::s3(S3ErrorCode::AccessDenied, "Access Denied"));
    };
    let holds = if fields.contains_key("x-amz-signature") || fields.contains_key("x-amz-algorithm") {
        if required("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(invalid_argument(
                "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
            ));
        }
        let made_at = required("X-Amz-Date")?;
        let scope: Vec<&str> = required("X-Amz-Credential")?.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = scope.as_slice() else {
            return Err(invalid_argument("The Credential is mal-formed."));
        };
        check_scope(server, [*date, *region, *service], made_at)?;
        let secret = Keys::find(&server.keys, access_key_id)?;
        let signature = required("X-Amz-Signature")?;
        let key = [*date, *region, *service, "aws4_request"]
            .iter()
            .try_fold(format!("AWS4{secret}").into_bytes(), |key, part| {
                hmac_sha256(&key, part.as_bytes())
            });
        verify_hex(
            key.and_then(|key| hmac_sha256(&key, encoded.as_bytes())),
            signature,
        )
    } else {
        let secret = Keys::find(&server.keys, required("AWSAccessKeyId")?)?;
        let signature = BASE64.decode(required("signature")?).unwrap_or_default();
        Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).is_ok_and(|mac| {
            mac.chain_update(encoded.as_bytes())
                .verify_slice(&signature)
                .is_ok()
        })
    };
    if !holds {
        return Err(fault::s3(
            S3ErrorCode::SignatureDoesNotMatch,
            "The request signature we calculated does not match the signature you provided. Check your key \
             and signing method.",
        ));
    }
    let policy = Policy::parse(encoded)?;
    policy.check(fields, bucket, OffsetDateTime::now_utc())?;
    Ok(policy)
}

/// The scope of a credential must be this server's, and of the day that the form names.
fn check_scope(server: &Server, [date, region, service]: [&str; 3], made_at: &str) -> S3Result<()> {
    let day = made_at.split('T').next().unwrap_or_default();
    let problem = if service != "s3" {
        format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".")
    } else if region != server.store.region {
        format!(
            "the region '{region}' is wrong; expecting '{}'",
            server.store.region
        )
    } else if date != day {
        format!("Invalid credential date \"{date}\". This date is not the same as X-Amz-Date: \"{day}\".")
    } else {
        return Ok(());
    };
    Err(fault::s3(
        S3ErrorCode::AuthorizationHeaderMalformed,
        format!("The authorization header is malformed; {problem}"),
    ))
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    Some(mac.chain_update(text).finalize().into_bytes().to_vec())
}

/// Compares without telling by the time it takes where the two differ.
fn verify_hex(expected: Option<Vec<u8>>, given: &str) -> bool {
    let Some(expected) = expected.map(|bytes| hex(&bytes)) else {
        return false;
    };
    expected.len() == given.len()
        && expected
            .bytes()
            .zip(given.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}

/// The fields that are headers of a PUT.
fn as_headers(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let is_header = name.starts_with("x-amz-")
            || [
                "cache-control",
                "content-type",
                "content-disposition",
                "content-encoding",
            ]
            .contains(&name.as_str())
            || ["content-language", "content-md5", "expires"].contains(&name.as_str());
        let name = if name == "acl" { "x-amz-acl" } else { name };
        if (is_header || name == "x-amz-acl")
            && let Ok(name) = HeaderName::from_bytes(name.as_bytes())
            && let Ok(value) = HeaderValue::from_bytes(value.as_bytes())
        {
            headers.insert(name, value);
        }
    }
    headers
}

/// The `tagging` field: XML, unlike the header of a PUT.
fn tags(fields: &Fields) -> S3Result<Tags> {
    let Some(document) = fields.get("tagging") else {
        return Ok(Tags::new());
    };
    let mut deserializer = xml::Deserializer::new(document.as_bytes());
    let tagging = <s3s::dto::Tagging as xml::Deserialize>::deserialize(&mut deserializer);
    let tagging = tagging.map_err(|_| {
        fault::s3(
            S3ErrorCode::MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    })?;
    tagging::from_set(tagging.tag_set, tagging::MAX_OBJECT_TAGS)
}

/// The object's own URL.
fn location(host: &str, path: &str, key: &str) -> String {
    let key = percent_encoding::utf8_percent_encode(key, KEY).to_string();
    format!("http://{host}{}/{key}", path.trim_end_matches('/'))
}

/// What stays as it is in the URL of an object.
const KEY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

fn succeed(
    fields: &Fields,
    bucket: &str,
    key: &str,
    location: &str,
    done: &put::Committed,
) -> S3Result<Response<Body>> {
    let etag = format!("\"{}\"", done.etag);
    let mut response = Response::new(Body::empty());
    let redirect = fields
        .get("success_action_redirect")
        .or_else(|| fields.get("redirect"));
    let redirect = redirect.filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    let mut target = location.to_owned();
    if let Some(url) = redirect {
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, QUERY).to_string();
        let separator = if url.contains('?') { '&' } else { '?' };
        target = format!(
            "{url}{separator}bucket={}&key={}&etag={}",
            encode(bucket),
            encode(key),
            encode(&etag)
        );
        *response.status_mut() = StatusCode::SEE_OTHER;
    } else {
        match fields.get("success_action_status").map(String::as_str) {
            Some("200") => {}
            Some("201") => {
                *response.status_mut() = StatusCode::CREATED;
                let created = PostResponse {
                    location,
                    bucket,
                    key,
                    etag: &etag,
                };
                *response.body_mut() = Body::from(document(&created)?);
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            }
            _ => *response.status_mut() = StatusCode::NO_CONTENT,
        }
    }
    let version = done.version_id.clone();
    let told = [
        (header::ETAG, Some(etag)),
        (header::LOCATION, Some(target)),
        (HeaderName::from_static("x-amz-version-id"), version),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// What stays as it is in a query.
const QUERY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn document(value: &impl xml::Serialize) -> S3Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = xml::Serializer::new(&mut bytes);
    serializer
        .decl()
        .and_then(|()| value.serialize(&mut serializer))
        .map_err(|error| S3Error::internal_error(std::io::Error::other(error.to_string())))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_compared_whole() {
        assert!(verify_hex(Some(vec![0xab, 0xcd]), "abcd"));
        assert!(!verify_hex(Some(vec![0xab, 0xcd]), "abce"));
        assert!(!verify_hex(Some(vec![0xab, 0xcd]), "ab"));
        assert!(!verify_hex(None, ""));
    }

    #[test]
    fn a_file_name_is_no_path() {
        assert_eq!(base_name("C:\\a\\b.csv"), "b.csv");
        assert_eq!(base_name("/tmp/b.csv"), "b.csv");
        assert_eq!(base_name("b.csv"), "b.csv");
    }

    #[test]
    fn only_headers_of_a_put_are_taken_over() {
        let fields: Fields = [
            ("key", "k"),
            ("content-type", "a/b"),
            ("x-amz-meta-a", "1"),
            ("acl", "private"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let headers = as_headers(&fields);
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["x-amz-acl"], "private");
    }
}
