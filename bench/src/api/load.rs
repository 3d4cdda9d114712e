//! The load: many clients for a while, each an owner of its own that asks again as soon as it is answered.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    client::{Ask, Client},
    stage::Stage,
};
use crate::samples::{Samples, Summary, round};

/// What a client asks, in this order, again and again; each begins somewhere else.
const MIX: [Route; 20] = [
    Route::File,
    Route::List,
    Route::File,
    Route::Announce,
    Route::File,
    Route::Events,
    Route::File,
    Route::Stats,
    Route::List,
    Route::File,
    Route::Events,
    Route::File,
    Route::Announce,
    Route::List,
    Route::File,
    Route::Stats,
    Route::File,
    Route::Events,
    Route::List,
    Route::Announce,
];

/// Errors that are shown; all are counted.
const ERRORS_SHOWN: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Route {
    File,
    List,
    Events,
    Stats,
    Announce,
}

impl Route {
    fn name(self) -> &'static str {
        match self {
            Self::File => "GET /v1/files/{id}",
            Self::List => "GET /v1/files",
            Self::Events => "GET /v1/files/{id}/events",
            Self::Stats => "GET /v1/stats",
            Self::Announce => "POST /v1/uploads",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Load {
    pub(crate) clients: u16,
    /// From the first request until the last answer.
    pub(crate) seconds: f64,
    /// Answered as expected.
    pub(crate) requests: usize,
    /// Any other answer, and connections that failed.
    pub(crate) errors: usize,
    pub(crate) requests_per_second: f64,
    /// Processes of the API's function at the end: the stack starts more of them when the others take long.
    pub(crate) processes: usize,
    pub(crate) all: Summary,
    pub(crate) routes: BTreeMap<&'static str, Summary>,
    /// Some of the errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) first_errors: Vec<String>,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    samples: BTreeMap<Route, Samples>,
    errors: Vec<String>,
}

/// Measures so many clients for so long.
pub(crate) async fn measure(stage: &Stage, clients: u16, duration: Duration) -> Result<Load> {
    let mut ready = Vec::new();
    for index in 0..clients {
        let client = stage.client(&format!("bench-{index}"))?;
        let id = client.upload().await.with_context(|| format!("client {index}"))?;
        ready.push((client, id));
    }
    let begin = Instant::now();
    let end = begin + duration;
    let mut running = JoinSet::new();
    for (index, (client, id)) in ready.into_iter().enumerate() {
        running.spawn(ask_until(end, client, id, index));
    }
    let mut total = Seen::default();
    for seen in running.join_all().await {
        for (route, samples) in seen.samples {
            total.samples.entry(route).or_default().append(samples);
        }
        total.errors.extend(seen.errors);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let processes = stage.processes();
    let mut all = Samples::default();
    for samples in total.samples.values() {
        all.append(samples.clone());
    }
    let all = all.summary();
    let routes = total.samples.into_iter();
    let count = u32::try_from(all.count).unwrap_or(u32::MAX);
    Ok(Load {
        clients,
        seconds: round(seconds),
        requests: all.count,
        errors: total.errors.len(),
        requests_per_second: round(f64::from(count) / seconds),
        processes,
        all,
        routes: routes
            .map(|(route, samples)| (route.name(), samples.summary()))
            .collect(),
        first_errors: total.errors.into_iter().take(ERRORS_SHOWN).collect(),
    })
}

/// Asks until then. `done` is a file that was processed; it and the one announced last are asked for by turns.
async fn ask_until(end: Instant, client: Client, done: String, index: usize) -> Seen {
    let mut seen = Seen::default();
    let mut last: Option<String> = None;
    let mix = MIX.iter().cycle().skip(index % MIX.len());
    for (number, route) in mix.enumerate() {
        if Instant::now() >= end {
            break;
        }
        let id = last.as_ref().filter(|_| number % 2 == 1).unwrap_or(&done);
        match ask_one(&client, *route, id, number).await {
            Ok((took, announced)) => {
                seen.samples.entry(*route).or_default().push(took);
                last = announced.or(last);
            }
            Err(error) => seen.errors.push(format!("{error:#}")),
        }
    }
    seen
}

/// Asks once; gives the time and the id of a file that was announced.
async fn ask_one(
    client: &Client,
    route: Route,
    id: &str,
    number: usize,
) -> Result<(Duration, Option<String>)> {
    let ask = match route {
        Route::File => Ask::get(format!("/v1/files/{id}")),
        Route::List => Ask::get("/v1/files"),
        Route::Events => Ask::get(format!("/v1/files/{id}/events")),
        Route::Stats => Ask::get("/v1/stats"),
        Route::Announce => Ask::announce("more.csv", 1_000, &format!("more-{number}"))?,
    };
    let answer = client.ask(&ask).await?;
    let announced = if route == Route::Announce {
        let body: Value = serde_json::from_slice(&answer.body).context("an answer is no JSON")?;
        body.pointer("/file/id")
            .and_then(Value::as_str)
            .map(str::to_owned)
    } else {
        None
    };
    Ok((answer.took, announced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_asked() {
        for route in [
            Route::File,
            Route::List,
            Route::Events,
            Route::Stats,
            Route::Announce,
        ] {
            assert!(MIX.contains(&route), "{}", route.name());
        }
    }
}
