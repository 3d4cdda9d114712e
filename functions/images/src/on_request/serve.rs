//! From a request to its rendition.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use lambda_http::RequestExt as _;
use sha2::{Digest as _, Sha256};
use shared::{
    Facts, Failure, FailureKind, Input, Processor as _,
    catalogue::{FileRecord, Status, Upload},
    deadline::Deadline,
    image_url::{SignedImage, UrlKey, UrlRefusal, read_query},
    keys,
    limits::Limits,
    options::RenditionSpec,
    store::{
        Catalogue, Location, Objects, StoreError,
        read::{ObjectSource, ReadPlan},
    },
    time::UnixMillis,
};

use super::{
    accept,
    answer::{Body, Refusal, nothing, streamed, whole},
};
use crate::{Images, decode::PictureLimits, render::render_one};

/// How long a cache may keep a rendition, in seconds, if its address is good for that long.
const MOST_CACHED_SECONDS: u64 = 86_400;
/// How long reading and rendering may take, of the time the function has.
const TIME: std::time::Duration = std::time::Duration::from_secs(50);

/// What an animation that is rendered whole may sum up to, in pixels: what passes in that time.
const ANIMATED_PIXELS: u64 = 150_000_000;

/// What requests are answered with.
pub(super) struct Service<O, C> {
    pub(super) objects: O,
    pub(super) catalogue: C,
    pub(super) results_bucket: String,
    pub(super) key: UrlKey,
    pub(super) limits: Limits,
    /// What a decoder may hold.
    pub(super) decoded_bytes: u64,
}

/// A rendition that is asked for, and what stands for it.
struct Wanted {
    record: FileRecord,
    upload: Upload,
    spec: RenditionSpec,
    /// Of the upload's version, the specification and this code's version.
    etag: String,
    cached_seconds: u64,
}

impl<O: Objects, C: Catalogue> Service<O, C> {
    /// Answers a request, and logs one line.
    pub(super) async fn answer(&self, request: lambda_http::Request) -> Response<Body> {
        let path = request.raw_http_path().trim_start_matches('/').to_owned();
        let answer = self.picture(&path, &request, UnixMillis::now()).await;
        match answer {
            Ok(response) => {
                tracing::info!(path, status = response.status().as_u16(), "answered");
                response
            }
            Err(refusal) if refusal.status.is_server_error() => {
                tracing::error!(
                    path,
                    status = refusal.status.as_u16(),
                    code = refusal.code,
                    error = refusal.detail,
                    "could not answer"
                );
                refusal.into_response()
            }
            Err(refusal) => {
                tracing::info!(
                    path,
                    status = refusal.status.as_u16(),
                    code = refusal.code,
                    "refused"
                );
                refusal.into_response()
            }
        }
    }

    async fn picture<B>(
        &self,
        path: &str,
        request: &Request<B>,
        now: UnixMillis,
    ) -> Result<Response<Body>, Refusal> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut allowed = Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "GET or HEAD",
            );
            allowed.detail.push_str(" alone");
            return Err(allowed);
        }
        let query = request.uri().query().unwrap_or_default();
        let signed = self.key.verify(path, query, now).map_err(|refusal| {
            let status = match refusal {
                UrlRefusal::Signature => StatusCode::FORBIDDEN,
                UrlRefusal::Expired => StatusCode::GONE,
            };
            let code = if status == StatusCode::GONE {
                "address-expired"
            } else {
                "address-not-signed"
            };
            Refusal::new(status, code, refusal.to_string())
        })?;
        let wanted = self.wanted(&signed, request.headers(), now).await?;
        let is_known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tags| names(tags, &wanted.etag));
        if is_known {
            return Ok(wanted.response(StatusCode::NOT_MODIFIED, nothing()));
        }
        let body = self.rendition(&wanted).await?;
        let body = if *request.method() == Method::HEAD {
            nothing()
        } else {
            body
        };
        Ok(wanted.response(StatusCode::OK, body))
    }

    /// What the address asks for, if there is such a picture.
    async fn wanted(
        &self,
        signed: &SignedImage,
        headers: &HeaderMap,
        now: UnixMillis,
    ) -> Result<Wanted, Refusal> {
        let pairs = signed
            .query
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut spec = read_query(pairs).map_err(|problem| {
            let detail = format!("{}: {}", problem.parameter, problem.problem);
            Refusal::new(StatusCode::BAD_REQUEST, "invalid-request", detail)
        })?;
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        spec.format = Some(spec.format.unwrap_or_else(|| accept::format(accept)));
        // What the address leaves open may not go with what the client accepts.
        if let Err(error) = spec.check() {
            return Err(Refusal::new(
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                error.to_string(),
            ));
        }
        let record = self
            .catalogue
            .get(&signed.file)
            .await
            .map_err(|error| of_store(&error))?;
        let missing = || Refusal::new(StatusCode::NOT_FOUND, "not-found", "there is no such picture");
        let record = record
            .filter(|record| {
                record.kind == Images::NAME
                    && record.status == Status::Done
                    && record.upload_removed_at.is_none()
            })
            .ok_or_else(missing)?;
        let upload = record.upload.clone().ok_or_else(missing)?;
        let text = serde_json::to_string(&spec).map_err(|error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
        })?;
        let digest = Sha256::digest(format!("{}|{}|{text}", Images::VERSION, upload.etag));
        let half = digest.first_chunk().copied().unwrap_or_default();
        let etag = format!("{:032x}", u128::from_be_bytes(half));
        let left = signed.expires_at.saturating_sub(now.as_seconds());
        Ok(Wanted {
            record,
            upload,
            spec,
            etag,
            cached_seconds: left.min(MOST_CACHED_SECONDS),
        })
    }

    /// The rendition's bytes: from the bucket if it was made before, else made, and kept there.
    async fn rendition(&self, wanted: &Wanted) -> Result<Body, Refusal> {
        let prefix = keys::outputs_prefix(Images::NAME, &wanted.record.file());
        let extension = wanted.spec.format().extension();
        let kept = Location::new(
            &self.results_bucket,
            format!("{prefix}on-request/{}.{extension}", wanted.etag),
        );
        if let Some((_, stream)) = self.objects.find(&kept).await.map_err(|error| of_store(&error))? {
            return Ok(streamed(stream));
        }
        let bytes = Bytes::from(self.render(wanted).await.map_err(of_failure)?);
        let media_type = wanted.spec.format().media_type();
        // One that cannot be kept is still what was asked for.
        if let Err(error) = self.objects.put(&kept, media_type, bytes.clone()).await {
            tracing::warn!(%error, "could not keep a rendition");
        }
        Ok(whole(bytes))
    }

    async fn render(&self, wanted: &Wanted) -> Result<Vec<u8>, Failure> {
        let at = Location::new(&wanted.record.bucket, &wanted.record.key);
        let deadline = Deadline::before_end_of(TIME);
        let plan = ReadPlan::default();
        let (source, _) =
            ObjectSource::open(self.objects.clone(), at, &wanted.upload, plan, deadline).await?;
        let facts = Facts {
            name: wanted.record.name.clone(),
            size_bytes: wanted.upload.size_bytes,
            declared_type: wanted.record.declared_type.clone(),
        };
        let (limits, spec, decoded_bytes) = (self.limits.clone(), wanted.spec.clone(), self.decoded_bytes);
        let made = tokio::task::spawn_blocking(move || {
            let limits_of_picture = PictureLimits {
                decoded_bytes,
                animated_pixels: ANIMATED_PIXELS,
                ..PictureLimits::default()
            };
            render_one(&Input::new(&facts, &limits, &source), &spec, &limits_of_picture)
        })
        .await
        .map_err(|error| Failure::internal("panic", error.to_string()))?;
        made.map(|rendition| rendition.bytes)
    }
}

impl Wanted {
    fn response(&self, status: StatusCode, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        let texts = [
            (header::ETAG, format!("\"{}\"", self.etag)),
            (
                header::CACHE_CONTROL,
                format!("public, max-age={}, immutable", self.cached_seconds),
            ),
            (header::VARY, "accept".to_owned()),
            // A picture that is opened by itself may run nothing.
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        ];
        for (name, text) in texts {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
        if status == StatusCode::OK {
            let media_type = self.spec.format().media_type();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        response
    }
}

/// Whether a list of entity tags (RFC 9110, section 13.1.2) names this one.
fn names(tags: &str, etag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == etag)
}

fn of_store(error: &StoreError) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn of_failure(failure: Failure) -> Refusal {
    let status = match failure.kind {
        FailureKind::Rejected | FailureKind::Limit => StatusCode::UNPROCESSABLE_ENTITY,
        FailureKind::Transient => StatusCode::SERVICE_UNAVAILABLE,
        FailureKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, failure.code.as_ref(), failure.to_string())
}
