//! The comparison: one client asks for a file and for a hello by turns, so that whatever else the machine does
//! meets both alike.

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::{client::Ask, stage::Stage};
use crate::samples::{Samples, Summary, round};

/// Rounds that are not counted: processes start, connections open, caches fill.
const WARM_UP: u32 = 200;

/// How much slower than a hello a file may be at p50, in milliseconds.
pub(crate) const GOAL_MS: f64 = 3.0;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pairs {
    pub(crate) hello: Summary,
    pub(crate) file: Summary,
    /// With `If-None-Match`: 304.
    pub(crate) file_known: Summary,
    /// `file.p50_ms - hello.p50_ms`.
    pub(crate) difference_p50_ms: f64,
    /// `file.p50_ms / hello.p50_ms`.
    pub(crate) ratio_p50: f64,
    pub(crate) goal_ms: f64,
}

/// Measures so many rounds of three requests. Any unexpected answer ends it.
pub(crate) async fn measure(stage: &Stage, rounds: u32) -> Result<Pairs> {
    let client = stage.client("bench")?;
    let path = format!("/v1/files/{}", client.upload().await?);
    let first = client.ask(&Ask::get(path.clone())).await?;
    let etag = first.headers.get("etag").context("the file has no etag")?.clone();
    let mut asks = [
        (Ask::get("/hello"), Samples::default()),
        (Ask::get(path.clone()), Samples::default()),
        (Ask::get_known(path, etag), Samples::default()),
    ];
    for round in 0..WARM_UP + rounds {
        // None of them always follows the same one's cache misses.
        asks.rotate_left(usize::from(round % 2 == 1));
        for (ask, samples) in &mut asks {
            let answer = client.ask(ask).await?;
            if round >= WARM_UP {
                samples.push(answer.took);
            }
        }
        asks.rotate_right(usize::from(round % 2 == 1));
    }
    let [hello, file, file_known] = asks.map(|(_, samples)| samples.summary());
    Ok(Pairs {
        hello,
        file,
        file_known,
        difference_p50_ms: round(file.p50_ms - hello.p50_ms),
        ratio_p50: round(file.p50_ms / hello.p50_ms),
        goal_ms: GOAL_MS,
    })
}
