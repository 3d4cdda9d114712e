//! `POST /v1/uploads`: announces a file and hands out the URL to upload it to.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;
use shared::{
    catalogue::{FileRecord, FileView},
    keys::{self, FileId, FileRef},
    store::{Catalogue, Location},
};

use crate::{
    App,
    caller::Caller,
    kinds::Kinds,
    presign::Presign,
    problem::{FieldProblem, Problem},
};

/// How long after its URL has expired the record of an upload that never came is kept.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);

/// What one `PutObject` takes: 5 GiB ("Uploading objects" in the Amazon S3 user guide). Larger files can be
/// dropped into the bucket as multipart uploads.
const MAX_PUT_BYTES: u64 = 5 << 30;

/// What a client says of the file it wants to upload.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Announcement {
    name: String,
    kind: String,
    size_bytes: u64,
    content_type: Option<String>,
}

pub(crate) async fn create<C: Catalogue, P: Presign>(
    State(app): State<Arc<App<C, P>>>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| Problem::unreadable(rejection.body_text()))?;
    let announcement: Announcement =
        serde_json::from_slice(&body).map_err(|error| Problem::unreadable(error.to_string()))?;
    let content_type = check(&announcement, &app.kinds)?;
    let Announcement {
        name,
        kind,
        size_bytes,
        ..
    } = announcement;

    let now = (app.now)();
    let expires_at = now.after(app.upload_expiry);
    let file = FileRef {
        owner: caller.owner,
        id: FileId::generate(now),
    };
    let at = Location::new(&app.uploads_bucket, keys::upload_key(&kind, &file, &name));
    let upload = app
        .presigner
        .upload(&at, size_bytes, &content_type, app.upload_expiry)
        .await?;
    let mut record = FileRecord::announced(file, &kind, &name, (&at.bucket, &at.key), now);
    record.announced_bytes = Some(size_bytes);
    record.expires_at = Some(expires_at.after(FORGOTTEN_AFTER).as_seconds());
    app.catalogue.create(&record).await?;

    let location = format!("/v1/files/{}", record.id);
    let body = json!({
        "file": FileView::of(record, now),
        "upload": {
            "method": upload.method,
            "url": upload.url,
            "headers": upload.headers,
            "expires_at": expires_at,
        },
    });
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers, Json(body)).into_response())
}

/// Checks what a client says; gives the content type to sign.
fn check(announcement: &Announcement, kinds: &Kinds) -> Result<String, Problem> {
    let Announcement {
        name,
        kind,
        size_bytes,
        content_type,
    } = announcement;
    let mut problems = Vec::new();
    if let Some(problem) = name_problem(name) {
        problems.push(FieldProblem::new("name", problem));
    }
    let content_type = content_type.as_deref().unwrap_or("application/octet-stream");
    if !is_media_type(content_type) {
        problems.push(FieldProblem::new(
            "content_type",
            "must be a media type, such as text/csv",
        ));
    }
    let max_bytes = kinds
        .max_bytes(kind)
        .map(|max_bytes| max_bytes.min(MAX_PUT_BYTES));
    if max_bytes.is_none() {
        problems.push(FieldProblem::new(
            "kind",
            format!("must be one of: {}", kinds.names()),
        ));
    }
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    match max_bytes {
        Some(max_bytes) if *size_bytes > max_bytes => Err(Problem::too_large(format!(
            "{kind} takes files of up to {max_bytes} bytes, not {size_bytes}"
        ))),
        _ => Ok(content_type.to_owned()),
    }
}

/// What is wrong with a file's name: it becomes the last segment of a key.
fn name_problem(name: &str) -> Option<String> {
    if !(1..=keys::MAX_NAME_BYTES).contains(&name.len()) {
        return Some(format!("must have 1 to {} bytes", keys::MAX_NAME_BYTES));
    }
    if name.contains(['/', '\\']) || name.chars().any(char::is_control) || [".", ".."].contains(&name) {
        return Some("must be a file's name: no slashes, no control characters".to_owned());
    }
    None
}

/// Whether a text is a media type that can be signed as a header: `type/subtype` of token characters, then
/// printable ASCII for parameters (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let named = essence
        .trim_end()
        .split_once('/')
        .is_some_and(|(main, sub)| token(main) && token(sub));
    named && text.len() <= 255 && parameters.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_key() {
        for name in [
            "flights.csv",
            "ü 🚢.csv",
            "a+b%2F.csv",
            "...",
            "-",
            &"n".repeat(160),
        ] {
            assert_eq!(name_problem(name), None, "{name}");
        }
        for name in ["", "a/b", "..", ".", "a\\b", "a\nb", "a\0b", &"n".repeat(161)] {
            assert!(name_problem(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_media_type_can_be_signed() {
        for text in [
            "text/csv",
            "text/csv; charset=utf-8",
            "application/vnd.x+json",
            "text/csv ;header=present",
        ] {
            assert!(is_media_type(text), "{text}");
        }
        for text in [
            "",
            "text",
            "text/",
            "/csv",
            "text/csv\r\nx: y",
            "text/c sv",
            "ü/x",
            "text/csv; x=ü",
        ] {
            assert!(!is_media_type(text), "{text}");
        }
    }
}
