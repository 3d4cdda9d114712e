//! `/v1/uploads/{id}/…`: a multipart upload, from the URLs of its parts to its end.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::{
    catalogue::{FileRecord, FileView, Multipart},
    store::{Location, StoreErrorKind, UploadedPart},
    time::UnixMillis,
};

use crate::{
    App,
    caller::{Reader, Writer},
    deletion, files,
    ports::{PartPolicy, Ports, Storage as _},
    problem::{ALREADY_UPLOADED, NOT_MULTIPART, Problem, UPLOAD_INCOMPLETE},
    request::{Body, Named, Parameters, whole_number},
    uploads::{bytes_of_hex, find_open},
};

/// Most parts whose URLs are asked for at once.
const MAX_BATCH: usize = 100;

/// A part, as its client knows it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Its number, from 1.
    #[serde(deserialize_with = "whole_number")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) number: u16,
    /// Its SHA-256, in hex.
    #[schemars(regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub(crate) sha256: String,
}

/// Parts, as their client knows them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parts {
    /// The parts.
    #[schemars(length(min = 1))]
    pub(crate) parts: Vec<Part>,
}

/// How a part is uploaded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PartWay {
    /// Its number.
    pub(crate) number: u16,
    /// The method: `PUT`.
    pub(crate) method: String,
    /// Where it goes.
    pub(crate) url: String,
    /// Headers that must be sent with just these values.
    pub(crate) headers: BTreeMap<String, String>,
    /// Until when the URL can be used.
    pub(crate) expires_at: UnixMillis,
}

/// How parts are uploaded.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct PartWays {
    /// The parts that were asked for.
    pub(crate) parts: Vec<PartWay>,
}

/// A part that has arrived.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Arrived {
    /// Its number.
    pub(crate) number: u16,
    /// Its size in bytes.
    pub(crate) size_bytes: u64,
    /// Its SHA-256, in hex.
    pub(crate) sha256: String,
}

/// How far a multipart upload is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Progress {
    /// Size of each part but the last, in bytes.
    pub(crate) part_bytes: u64,
    /// How many parts there are.
    pub(crate) parts: u16,
    /// Until when the upload can be completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<UnixMillis>,
    /// The parts that have arrived, by number.
    pub(crate) arrived: Vec<Arrived>,
}

/// A file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Completed {
    /// The file.
    pub(crate) file: FileView,
}

fn multipart(record: &FileRecord) -> Result<(Location, &Multipart), Problem> {
    let multipart = record
        .multipart
        .as_ref()
        .ok_or_else(|| Problem::new(&NOT_MULTIPART))?;
    Ok((Location::new(&record.bucket, &record.key), multipart))
}

/// The size of a part of a file.
fn size_of(record: &FileRecord, multipart: &Multipart, number: u16) -> u64 {
    let before = u64::from(number.saturating_sub(1)) * multipart.part_bytes;
    let rest = record.announced_bytes.unwrap_or_default().saturating_sub(before);
    rest.min(multipart.part_bytes)
}

/// `POST /v1/uploads/{id}/parts`: URLs for a batch of parts.
pub(crate) async fn sign<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Named,
    parameters: Parameters,
    Body(asked): Body<Parts>,
) -> Result<Json<PartWays>, Problem> {
    parameters.end()?;
    let record = find_open(&app, owner, id).await?;
    let (at, multipart) = multipart(&record)?;
    if !(1..=MAX_BATCH).contains(&asked.parts.len()) {
        return Err(Problem::field(
            "parts",
            format!("must have 1 to {MAX_BATCH} parts"),
        ));
    }
    let now = (app.now)();
    // No longer than the upload itself.
    let left = record
        .upload_expires_at
        .map_or(app.upload_expiry, |end| end.since(now));
    let expiry = app.upload_expiry.min(left);
    let mut parts = Vec::with_capacity(asked.parts.len());
    for (index, part) in asked.parts.iter().enumerate() {
        let policy = PartPolicy {
            number: checked_number(index, part, multipart)?,
            size_bytes: size_of(&record, multipart, part.number),
            sha256: STANDARD.encode(checked_digest(index, part)?),
        };
        let request = app
            .storage()
            .sign_part(&at, &multipart.upload_id, &policy, expiry)
            .await?;
        parts.push(PartWay {
            number: part.number,
            method: request.method,
            url: request.url,
            headers: request.headers,
            expires_at: now.after(expiry),
        });
    }
    Ok(Json(PartWays { parts }))
}

fn checked_number(index: usize, part: &Part, multipart: &Multipart) -> Result<u16, Problem> {
    if (1..=multipart.parts).contains(&part.number) {
        Ok(part.number)
    } else {
        let problem = format!("must be from 1 to {}", multipart.parts);
        Err(Problem::field(format!("parts[{index}].number"), problem))
    }
}

fn checked_digest(index: usize, part: &Part) -> Result<Vec<u8>, Problem> {
    bytes_of_hex(&part.sha256)
        .ok_or_else(|| Problem::field(format!("parts[{index}].sha256"), "must be 64 hexadecimal digits"))
}

/// `GET /v1/uploads/{id}/parts`: what has arrived, for a client that goes on where it broke off.
pub(crate) async fn arrived<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    id: Named,
    parameters: Parameters,
) -> Result<Json<Progress>, Problem> {
    parameters.end()?;
    let record = find_open(&app, owner, id).await?;
    let (at, multipart) = multipart(&record)?;
    let arrived = app.storage().arrived_parts(&at, &multipart.upload_id).await?;
    Ok(Json(Progress {
        part_bytes: multipart.part_bytes,
        parts: multipart.parts,
        expires_at: record.upload_expires_at,
        arrived: arrived
            .into_iter()
            .map(|arrived| Arrived {
                number: arrived.part.number,
                size_bytes: arrived.size_bytes,
                sha256: hex_of_base64(&arrived.part.checksum),
            })
            .collect(),
    }))
}

fn hex_of_base64(text: &str) -> String {
    use std::fmt::Write as _;
    let bytes = STANDARD.decode(text).unwrap_or_default();
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `POST /v1/uploads/{id}/complete`: makes the parts the file, if they are all there and are what the client meant.
pub(crate) async fn complete<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Named,
    parameters: Parameters,
    Body(asked): Body<Parts>,
) -> Result<Json<Completed>, Problem> {
    parameters.end()?;
    let file = id.of(owner);
    let record = files::find(&app, &file).await?;
    if record.upload.is_some() {
        // Completed before, and its event has been seen to: the answer got lost.
        let file = FileView::of(record, (app.now)());
        return Ok(Json(Completed { file }));
    }
    if record.clone().seen_at((app.now)()).status == shared::catalogue::Status::Expired {
        return Err(Problem::new(&crate::problem::UPLOAD_EXPIRED));
    }
    let (at, multipart) = multipart(&record)?;
    if asked.parts.is_empty() {
        return Err(Problem::field("parts", "must name every part"));
    }
    let arrived = match app.storage().arrived_parts(&at, &multipart.upload_id).await {
        Err(error) if error.kind == StoreErrorKind::NotFound && app.storage().exists(&at).await? => {
            let file = FileView::of(record, (app.now)());
            return Ok(Json(Completed { file }));
        }
        Err(error) if error.kind == StoreErrorKind::NotFound => {
            return Err(
                Problem::new(&crate::problem::UPLOAD_EXPIRED).detail("the multipart upload was aborted")
            );
        }
        arrived => arrived?,
    };
    let mut meant = BTreeMap::new();
    for (index, part) in asked.parts.iter().enumerate() {
        let number = checked_number(index, part, multipart)?;
        let digest = STANDARD.encode(checked_digest(index, part)?);
        if meant.insert(number, digest).is_some() {
            let problem = format!("part {number} is given twice");
            return Err(Problem::field(format!("parts[{index}].number"), problem));
        }
    }
    let mut parts: Vec<UploadedPart> = Vec::with_capacity(meant.len());
    for number in 1..=multipart.parts {
        let incomplete = |what: String| Problem::new(&UPLOAD_INCOMPLETE).detail(what);
        let digest = meant
            .get(&number)
            .ok_or_else(|| incomplete(format!("part {number} is not given")))?;
        let there = arrived
            .iter()
            .find(|arrived| arrived.part.number == number)
            .ok_or_else(|| incomplete(format!("part {number} has not arrived")))?;
        if there.part.checksum != *digest {
            return Err(incomplete(format!("part {number} has another SHA-256")));
        }
        parts.push(there.part.clone());
    }
    match app
        .storage()
        .complete_upload(&at, &multipart.upload_id, &parts)
        .await
    {
        Err(error) if error.kind == StoreErrorKind::NotFound && app.storage().exists(&at).await? => {}
        completed => completed?,
    }
    let file = FileView::of(record, (app.now)());
    Ok(Json(Completed { file }))
}

/// `DELETE /v1/uploads/{id}`: withdraws an upload that has not arrived.
pub(crate) async fn abort<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Writer(owner): Writer,
    id: Named,
    parameters: Parameters,
) -> Result<StatusCode, Problem> {
    parameters.end()?;
    let file = id.of(owner);
    let Some(record) = deletion::find(&app, &file).await? else {
        return Ok(StatusCode::NO_CONTENT);
    };
    if record.upload.is_some() {
        return Err(Problem::new(&ALREADY_UPLOADED).detail("delete the file instead"));
    }
    deletion::delete(&app, record).await?;
    Ok(StatusCode::NO_CONTENT)
}
