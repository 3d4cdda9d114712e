//! What the function answers with: a picture, or a problem (RFC 9457).

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::json;
use shared::store::{ByteStream, StoreError};

/// A body of any kind.
pub(super) type Body = UnsyncBoxBody<Bytes, StoreError>;

/// A body that is there already, in parts of 64 KiB: what a stream begins with leaves before the rest is copied.
pub(super) fn whole(bytes: Bytes) -> Body {
    const PART_BYTES: usize = 64 << 10;
    let parts = (0..bytes.len()).step_by(PART_BYTES).map(move |from| {
        let to = (from + PART_BYTES).min(bytes.len());
        Ok(Frame::data(bytes.slice(from..to)))
    });
    StreamBody::new(stream::iter(parts)).boxed_unsync()
}

/// A body as it arrives.
pub(super) fn streamed(stream: ByteStream) -> Body {
    StreamBody::new(stream.map(|chunk| chunk.map(Frame::data))).boxed_unsync()
}

/// No body.
pub(super) fn nothing() -> Body {
    Full::new(Bytes::new())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Why there is no picture.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) detail: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
        }
    }

    /// As a problem document. What went wrong on our side is not told.
    pub(super) fn into_response(self) -> Response<Body> {
        let detail = if self.status.is_server_error() {
            "try again later".to_owned()
        } else {
            self.detail
        };
        let document = json!({
            "type": format!("urn:problem-type:longshore:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": detail,
        });
        let mut response = Response::new(whole(Bytes::from(document.to_string())));
        *response.status_mut() = self.status;
        for (name, value) in [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ] {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
