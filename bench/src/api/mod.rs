//! `bench-api`: how long the HTTP API takes on the local stack, beside a function that does nothing.
//!
//! `README.md` of this folder says what is measured, how, and what it does not show.

mod client;
mod load;
mod pairs;
mod report;
mod stage;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Parser;

use self::{report::Report, stage::Stage};
use crate::{machine, say};

/// Measures the HTTP API on the local stack
#[derive(Debug, Parser)]
#[command(name = "bench-api")]
struct Arguments {
    /// How often each request of the comparison is sent
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Clients at the same time, each an owner of its own
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    clients: u16,
    /// How long they go on
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Processes of a function at most [default: as `make dev`]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    processes: Option<u16>,
    /// The folder with README.md and results/
    #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
    out: PathBuf,
    /// Print the figures, and write no file
    #[arg(long)]
    dry_run: bool,
}

/// The program.
pub async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            say("bench-api: there were errors under load");
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("bench-api: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures and writes; gives whether no request failed.
async fn run(arguments: Arguments) -> Result<bool> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the bench folder lies in no workspace")?;
    let load_average = machine::load_average();
    let stage = Stage::start(workspace, arguments.processes.map(usize::from)).await?;
    say(&format!("comparing: {} rounds, one client", arguments.rounds));
    let pairs = pairs::measure(&stage, arguments.rounds).await?;
    say(&format!(
        "load: {} clients for {} seconds",
        arguments.clients, arguments.seconds
    ));
    let duration = Duration::from_secs(arguments.seconds);
    let load = load::measure(&stage, arguments.clients, duration).await?;
    stage.shutdown().await;
    let report = Report::new(load_average, pairs, load);
    let table = report.table();
    let _ = writeln!(std::io::stdout(), "{table}");
    if !arguments.dry_run {
        report.write(&arguments.out, &table)?;
    }
    Ok(report.load.errors == 0)
}
