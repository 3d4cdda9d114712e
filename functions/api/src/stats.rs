//! `GET /v1/stats`: how many of the caller's files became what, and how much of today's quota is used.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Json, extract::State, http::header, response::IntoResponse};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{catalogue::FileView, store::Catalogue as _, time::UnixMillis};

use crate::{
    App,
    caller::Reader,
    ports::Ports,
    problem::Problem,
    quota::{self, Today},
    request::{Parameters, number_within},
};

/// Days that are counted, unless asked otherwise.
const DAYS: u64 = 30;

/// Most files that are counted: it takes a query for each page of them.
const MAX_FILES: u64 = 10_000;

/// Files on a page.
const PAGE: u16 = 1_000;

/// What became of the files of some days.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Stats {
    /// Files created from then on are counted.
    pub(crate) from: UnixMillis,
    /// Up to then.
    pub(crate) to: UnixMillis,
    /// Whether all of them were counted; if not, the newest were, and `from` says since when.
    pub(crate) complete: bool,
    /// How many there are.
    pub(crate) files: u64,
    /// How many by status.
    pub(crate) by_status: BTreeMap<String, u64>,
    /// How many by kind.
    pub(crate) by_kind: BTreeMap<String, u64>,
    /// Bytes of their uploads.
    pub(crate) bytes_in: u64,
    /// Bytes of their outputs.
    pub(crate) bytes_out: u64,
    /// Today's quota.
    pub(crate) today: Today,
}

pub(crate) async fn route<P: Ports>(
    State(app): State<Arc<App<P>>>,
    Reader(owner): Reader,
    mut parameters: Parameters,
) -> Result<impl IntoResponse, Problem> {
    let days = parameters.read("days", number_within(1..=366)).unwrap_or(DAYS);
    parameters.end()?;
    let now = (app.now)();
    let from = UnixMillis::new(now.as_millis().saturating_sub(days * 24 * 60 * 60 * 1000));
    let mut stats = Stats {
        from,
        to: now,
        complete: true,
        files: 0,
        by_status: BTreeMap::new(),
        by_kind: BTreeMap::new(),
        bytes_in: 0,
        bytes_out: 0,
        today: quota::today(&app, &owner, now).await?,
    };
    let mut after: Option<String> = None;
    loop {
        let page = app.catalogue().list(&owner, PAGE, after.as_deref(), from).await?;
        for record in page.files {
            let created_at = record.created_at;
            stats.count(&FileView::of(record, now));
            stats.from = if page.next.is_some() { created_at } else { from };
        }
        after = page.next;
        // The time of the request is not ours alone.
        let late = (app.now)().since(now) > Duration::from_secs(8);
        if after.is_none() {
            break;
        }
        if stats.files >= MAX_FILES || late {
            stats.complete = false;
            break;
        }
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(stats)))
}

impl Stats {
    fn count(&mut self, file: &FileView) {
        self.files += 1;
        *self.by_status.entry(file.status.to_string()).or_default() += 1;
        *self.by_kind.entry(file.kind.clone()).or_default() += 1;
        self.bytes_in += file.size_bytes.unwrap_or_default();
        let outputs = file.outputs.iter().flatten();
        self.bytes_out += outputs.map(|output| output.size_bytes).sum::<u64>();
    }
}
