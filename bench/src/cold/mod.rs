//! `bench-cold`: how long a function takes until it has answered for the first time, beside what people write in
//! Python for the same job.

mod certificates;
mod chart;
mod cost;
mod figures;
mod front;
mod item;
mod jobs;
mod measure;
mod process;
mod report;
mod runtime;
mod share;
mod sizes;
mod stage;
mod subjects;
mod targets;
#[cfg(test)]
mod testing;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};
use clap::Parser;

use self::{
    figures::Figures,
    measure::Bench,
    report::Report,
    share::Share,
    stage::{Places, Stage},
    subjects::subjects,
};
use crate::{machine, say};

/// Measures cold starts behind TLS and under Lambda's share of a core
#[derive(Debug, Parser)]
#[command(name = "bench-cold")]
struct Arguments {
    /// How many processes of each are started at each memory
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these: hello, api, intake, notify, tables, images; separated by commas. Writes no file: the tables are
    /// those of one whole run
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The folder with the functions, NAME/bootstrap or NAME [default: target/package/ARCH of this machine]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// The folder with the packages whose sizes are told [default: target/package/arm64]
    #[arg(long)]
    packages: Option<PathBuf>,
    /// The folder with the peers, as bench/peers/build.py makes them [default: target/peers]
    #[arg(long)]
    peers: Option<PathBuf>,
    /// The Python that has awslambdaric [default: .venv-bench/bin/python]
    #[arg(long)]
    python: Option<PathBuf>,
    /// Print the figures, and write no file
    #[arg(long)]
    dry_run: bool,
}

/// The program.
pub async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("bench-cold: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the bench folder lies in no workspace")?;
    let target = workspace.join("target");
    let packages = arguments.packages.unwrap_or_else(|| target.join("package/arm64"));
    let bin_dir = arguments
        .bin_dir
        .unwrap_or_else(|| target.join("package").join(std::env::consts::ARCH));
    let places = Places {
        workspace: workspace.to_owned(),
        bin_dir: std::path::absolute(bin_dir)?,
        peers: std::path::absolute(arguments.peers.unwrap_or_else(|| target.join("peers")))?,
        python: arguments.python.map_or_else(
            || Ok(workspace.join(".venv-bench/bin/python")),
            std::path::absolute,
        )?,
    };
    let load_average = machine::load_average();
    let share = Share::open();
    if let Share::None { reason } = &share {
        say(&format!("left out: Lambda's share of a core: {reason}"));
    }
    let stage = Stage::start(places.clone()).await?;
    let subjects = subjects(&stage, &arguments.only, &places.bin_dir, &places.peers)?;
    let mut bench = Bench {
        stage: &stage,
        share: &share,
        files: 0,
    };
    let measured = bench.measure(&subjects, arguments.rounds).await?;
    stage.shutdown().await;
    let figures: Vec<_> = measured
        .iter()
        .map(|measured| Figures::of(measured, &packages, &places.peers))
        .collect();
    let report = Report::new(load_average, &share, &places, arguments.rounds, figures);
    let _ = writeln!(std::io::stdout(), "{}\n{}", report.table(), report.costs());
    if arguments.dry_run || !arguments.only.is_empty() {
        return Ok(());
    }
    report.write(workspace)
}
