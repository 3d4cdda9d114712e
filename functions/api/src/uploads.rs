//! `POST /v1/uploads`: announces a file and hands out the way to upload it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    catalogue::{FileRecord, FileView, HistoryEntry, HistoryEvent, Multipart},
    keys::{self, AUTO, FileId, FileRef, Owner},
    options::Options,
    store::{Catalogue as _, Location, StoreErrorKind},
    time::UnixMillis,
};

use crate::{
    App,
    caller::Writer,
    idempotency::RequestName,
    ports::{FormPolicy, Ports, Storage as _},
    problem::{FieldProblem, Problem, TOO_LARGE},
    quota,
    request::{Body, Parameters, whole_number},
};

/// How long the record of an upload that never came is kept once its time is over.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(7 * 24);

/// The largest file that is uploaded by a form; larger ones are multipart uploads, which can be resumed.
pub const FORM_MAX_BYTES: u64 = 100_000_000;

/// How long a multipart upload can take: the bucket's lifecycle rule aborts it after a day.
const MULTIPART_EXPIRY: Duration = Duration::from_hours(24);

/// Size of a part, unless there would be too many of them.
const PART_BYTES: u64 = 16 << 20;

/// Most parts of a multipart upload ("Amazon S3 multipart upload limits" in the Amazon S3 user guide).
const MAX_PARTS: u64 = 10_000;

/// What S3 replaces in the fields of a form by the name that the form gives its file ("POST Object" in the Amazon S3 API
/// reference): with it in the key, the sender would choose the key.
const S3_VARIABLE: &str = "${filename}";

/// What a client says of the file it wants to upload.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// Its name: no path, at most 160 bytes.
    #[schemars(
        length(min = 1, max = 160),
        regex(pattern = r"^(?!\.\.?$)(?!.*\$\{filename\})[^/\\\x00-\x1f\x7f-\x9f]+$")
    )]
    pub(crate) name: String,
    /// Its kind; `auto` lets its bytes tell.
    #[serde(default = "auto")]
    pub(crate) kind: String,
    /// Its exact size in bytes.
    #[serde(deserialize_with = "whole_number")]
    pub(crate) size_bytes: u64,
    /// Its media type; `application/octet-stream` if it is not given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(
        length(max = 255),
        regex(pattern = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+/[A-Za-z0-9!#$%&'*+.^_`|~-]+ *(;[ -~]*)?$")
    )]
    pub(crate) content_type: Option<String>,
    /// Its SHA-256, in hex: nothing else is taken for it. For files of up to 100 MB; the parts of larger ones have their own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub(crate) sha256: Option<String>,
    /// What is asked of the functions, by kind.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "shared::options::object"
    )]
    #[schemars(with = "Option<Options>")]
    pub(crate) options: Option<Options>,
}

fn auto() -> String {
    AUTO.to_owned()
}

/// How a file is uploaded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Way {
    /// By a form (`multipart/form-data`): these fields, then the file in the field `file`.
    Form {
        /// The method: `POST`.
        method: String,
        /// Where the form is sent.
        url: String,
        /// Its fields, but for the file.
        fields: BTreeMap<String, String>,
        /// Until when it is taken.
        expires_at: UnixMillis,
    },
    /// In parts, each by a URL of its own.
    Multipart {
        /// Size of each part but the last, in bytes.
        part_bytes: u64,
        /// How many parts there are.
        parts: u16,
        /// Where URLs for parts are asked for (`POST`), and the parts that have arrived (`GET`).
        parts_href: String,
        /// Where the upload is completed (`POST`).
        complete_href: String,
        /// Until when it can be completed.
        expires_at: UnixMillis,
    },
}

/// A file that was announced, and how it is uploaded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Announced {
    /// The file.
    pub(crate) file: FileView,
    /// How it is uploaded.
    pub(crate) upload: Way,
}

pub(crate) async fn create<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    name: Option<Extension<RequestName>>,
    parameters: Parameters,
    Body(asked): Body<NewUpload>,
) -> Result<Response, Problem> {
    parameters.end()?;
    let checked = check(&app, &asked)?;
    let now = (app.now)();
    // A request that is tried again after it broke off leads to the same file.
    let id = name.map_or_else(
        || FileId::generate(now),
        |Extension(name)| FileId::named(name.since, &owner, &name.key),
    );
    quota::charge(&app, &owner, asked.size_bytes, now).await?;
    let file = FileRef { owner, id };
    let record = match announce(&app, &file, &asked, &checked, now).await {
        Err(error) if error.kind == StoreErrorKind::Changed => {
            app.catalogue().get(&file).await?.ok_or(error)?
        }
        announced => announced?,
    };
    answer(&app, record, &checked, now).await
}

/// Writes the record, behind the multipart upload if there is one.
async fn announce<P: Ports>(
    app: &App<P>,
    file: &FileRef,
    asked: &NewUpload,
    checked: &Checked,
    now: UnixMillis,
) -> Result<FileRecord, shared::store::StoreError> {
    let key = keys::upload_key(&asked.kind, file, &asked.name);
    let at = Location::new(&app.uploads_bucket, key);
    let mut record =
        FileRecord::announced(file.clone(), &asked.kind, &asked.name, (&at.bucket, &at.key), now);
    record.announced_bytes = Some(asked.size_bytes);
    record.declared_type = Some(checked.content_type.clone());
    record.sha256 = asked.sha256.as_ref().map(|hex| hex.to_ascii_lowercase());
    record.options = asked
        .options
        .as_ref()
        .and_then(|options| serde_json::to_value(options).ok());
    record
        .history
        .push(HistoryEntry::new(now, HistoryEvent::Announced));
    let expiry = if asked.size_bytes > FORM_MAX_BYTES {
        let (part_bytes, parts) = parts_of(asked.size_bytes);
        record.multipart = Some(Multipart {
            upload_id: app.storage().start_upload(&at, &checked.content_type).await?,
            part_bytes,
            parts,
        });
        MULTIPART_EXPIRY
    } else {
        app.upload_expiry
    };
    let expires_at = now.after(expiry);
    record.upload_expires_at = Some(expires_at);
    record.expires_at = Some(expires_at.after(FORGOTTEN_AFTER).as_seconds());
    let created = app.catalogue().create(&record).await;
    if let (Err(_), Some(multipart)) = (&created, &record.multipart) {
        // Best effort: the bucket's lifecycle rule does it too.
        let _ = app.storage().abort_upload(&at, &multipart.upload_id).await;
    }
    created.map(|()| record)
}

async fn answer<P: Ports>(
    app: &App<P>,
    record: FileRecord,
    checked: &Checked,
    now: UnixMillis,
) -> Result<Response, Problem> {
    let expires_at = record.upload_expires_at.unwrap_or(now);
    let upload = if let Some(multipart) = &record.multipart {
        Way::Multipart {
            part_bytes: multipart.part_bytes,
            parts: multipart.parts,
            parts_href: format!("/v1/uploads/{}/parts", record.id),
            complete_href: format!("/v1/uploads/{}/complete", record.id),
            expires_at,
        }
    } else {
        let policy = FormPolicy {
            at: &Location::new(&record.bucket, &record.key),
            size_bytes: record.announced_bytes.unwrap_or_default(),
            content_type: &checked.content_type,
            sha256: checked.sha256.as_deref(),
            now,
            expires_at,
        };
        let form = app.storage().sign_form(policy).await?;
        Way::Form {
            method: "POST".to_owned(),
            url: form.url,
            fields: form.fields,
            expires_at,
        }
    };
    let headers = [
        (header::LOCATION, format!("/v1/files/{}", record.id)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let file = FileView::of(record, now);
    Ok((StatusCode::CREATED, headers, Json(Announced { file, upload })).into_response())
}

/// What S3 is to hold the upload to.
struct Checked {
    content_type: String,
    /// Base 64, as S3 wants it.
    sha256: Option<String>,
}

/// Checks what a client says.
fn check<P: Ports>(app: &App<P>, asked: &NewUpload) -> Result<Checked, Problem> {
    let mut problems = Vec::new();
    let mut refuse = |field: &str, problem: String| problems.push(FieldProblem::new(field, problem));
    if let Some(problem) = name_problem(&asked.name) {
        refuse("name", problem);
    }
    let content_type = asked
        .content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    if !is_media_type(content_type) {
        refuse(
            "content_type",
            "must be a media type, such as text/csv".to_owned(),
        );
    }
    let max_bytes = app.kinds.max_bytes(&asked.kind);
    if max_bytes.is_none() {
        refuse(
            "kind",
            format!("must be one of: {}", app.kinds.names().join(", ")),
        );
    }
    let sha256 = asked.sha256.as_deref().map(bytes_of_hex);
    if sha256 == Some(None) {
        refuse("sha256", "must be 64 hexadecimal digits".to_owned());
    }
    if asked.sha256.is_some() && asked.size_bytes > FORM_MAX_BYTES {
        let problem =
            format!("only files of up to {FORM_MAX_BYTES} bytes; give the SHA-256 of each part instead");
        refuse("sha256", problem);
    }
    for kind in asked
        .options
        .as_ref()
        .map(crate::kinds::asked_of)
        .unwrap_or_default()
    {
        if asked.kind != AUTO && asked.kind != kind {
            refuse(
                &format!("options.{kind}"),
                format!("the file's kind is {}", asked.kind),
            );
        }
    }
    if let Some(Err((part, error))) = asked.options.as_ref().map(Options::check) {
        problems.push(FieldProblem::new(format!("options.{part}"), error.to_string()));
    }
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    match max_bytes {
        Some(max_bytes) if asked.size_bytes > max_bytes => {
            let (kind, size) = (&asked.kind, asked.size_bytes);
            Err(Problem::new(&TOO_LARGE).detail(format!(
                "{kind} takes files of up to {max_bytes} bytes, not {size}"
            )))
        }
        _ => Ok(Checked {
            content_type: content_type.to_owned(),
            sha256: sha256.flatten().map(|digest| STANDARD.encode(digest)),
        }),
    }
}

/// Size and number of the parts of a file.
fn parts_of(size_bytes: u64) -> (u64, u16) {
    let mut part_bytes = PART_BYTES;
    while size_bytes.div_ceil(part_bytes) > MAX_PARTS {
        part_bytes *= 2;
    }
    let parts = size_bytes.div_ceil(part_bytes);
    (part_bytes, u16::try_from(parts).unwrap_or(u16::MAX))
}

/// The 32 bytes of a SHA-256 in hex.
pub(crate) fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Finds an announced upload of a caller's that has not arrived.
pub(crate) async fn find_open<P: Ports>(
    app: &App<P>,
    owner: Owner,
    id: crate::request::Named,
) -> Result<FileRecord, Problem> {
    let now = (app.now)();
    let record = crate::files::find(app, &id.of(owner)).await?.seen_at(now);
    if record.upload.is_some() {
        return Err(Problem::new(&crate::problem::ALREADY_UPLOADED));
    }
    if record.status == shared::catalogue::Status::Expired {
        return Err(Problem::new(&crate::problem::UPLOAD_EXPIRED));
    }
    Ok(record)
}

/// What is wrong with a file's name: it becomes the last segment of a key.
fn name_problem(name: &str) -> Option<String> {
    if !(1..=keys::MAX_NAME_BYTES).contains(&name.len()) {
        return Some(format!("must have 1 to {} bytes", keys::MAX_NAME_BYTES));
    }
    if name.contains(['/', '\\']) || name.chars().any(char::is_control) || [".", ".."].contains(&name) {
        return Some("must be a file's name: no slashes, no control characters".to_owned());
    }
    if name.contains(S3_VARIABLE) {
        return Some(format!("must not contain {S3_VARIABLE}"));
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
        .trim_end_matches(' ')
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
        for name in [
            "",
            "a${filename}.csv",
            "a/b",
            "..",
            ".",
            "a\\b",
            "a\nb",
            "a\0b",
            &"n".repeat(161),
        ] {
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
            "text/csv\n;x",
            "text/csv\t;x",
            "text/csv\u{2003};x",
            "text/c sv",
            "ü/x",
            "text/csv; x=ü",
        ] {
            assert!(!is_media_type(text), "{text}");
        }
    }

    #[test]
    fn a_file_has_no_more_parts_than_s3_takes() {
        assert_eq!(parts_of(100_000_001), (16 << 20, 6));
        assert_eq!(parts_of(160 << 30), (32 << 20, 5_120));
        assert_eq!(parts_of(5 << 40).0, 1 << 30);
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        assert_eq!(bytes_of_hex(&"0aF0".repeat(16)).unwrap().len(), 32);
        for text in ["", "0a", &"0g".repeat(32), &"+1".repeat(32), &"ü".repeat(32)] {
            assert_eq!(bytes_of_hex(text), None, "{text}");
        }
    }
}
