//! `make dev`: starts the local stack, says where everything is, and prints a line per invocation.

mod start_table;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use local::{Credentials, Data, Notes, Offline, Options, Stack, TokenTerms};

/// How long the token in the start table is good.
const TOKEN_DAYS: u64 = 30;

/// The local stack: S3, DynamoDB, SQS, Lambda and API Gateway in one process. A development tool: it listens
/// on loopback only (but see --container-access), and everybody on this machine may use it.
#[derive(Parser)]
#[command(name = "local")]
struct Cli {
    #[command(flatten)]
    place: PlaceArgs,
    /// Keep no data
    #[arg(long)]
    ephemeral: bool,
    /// Listen for containers too, S3, DynamoDB, SQS and Lambda alone: on the address by which they reach this machine,
    /// that of Docker's bridge unless another is given
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "172.17.0.1", value_name = "ADDRESS")]
    container_access: Option<IpAddr>,
    /// Where the function binaries are [default: beside this one]
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Seconds before the first retry of an asynchronous invocation, twice that before the second (on Lambda: a
    /// minute, and two)
    #[arg(long, default_value_t = 1.0)]
    retry_delay: f64,
    /// Processes per function at most; a function behind the HTTP API may have more
    #[arg(long, default_value_t = 4)]
    concurrency: usize,
    /// Processes at most of a function behind the HTTP API
    #[arg(long, default_value_t = 64)]
    http_concurrency: usize,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct PlaceArgs {
    /// The SAM template that says what to run
    #[arg(long, global = true, default_value = "template.yaml")]
    template: PathBuf,
    /// Where data is kept
    #[arg(long, global = true, default_value = ".longshore")]
    data_dir: PathBuf,
    /// Port of S3, DynamoDB, SQS and Lambda; 0 for any free one
    #[arg(long, global = true, default_value_t = 4566)]
    aws_port: u16,
    /// Port of the HTTP API; 0 for any free one
    #[arg(long, global = true, default_value_t = 3000)]
    api_port: u16,
    /// A parameter of the template; may be given several times
    #[arg(long = "parameter", global = true, value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
}

#[derive(Subcommand)]
enum Command {
    /// Print a token that the HTTP API takes for that owner
    Token {
        /// Whose files the token opens (`sub`)
        owner: String,
        /// A scope; may be given several times [default: every scope that a route asks for]
        #[arg(long = "scope")]
        scopes: Vec<String>,
        /// How long it is good
        #[arg(long, default_value_t = TOKEN_DAYS)]
        days: u64,
        /// How long it is good in seconds, in place of --days; negative for one that has expired
        #[arg(
            long,
            conflicts_with = "days",
            allow_hyphen_values = true,
            value_name = "SECONDS"
        )]
        expires_in: Option<i64>,
        /// Whom it names as its issuer [default: the one that the API trusts]
        #[arg(long)]
        issuer: Option<String>,
        /// Whom it is for [default: the API]
        #[arg(long)]
        audience: Option<String>,
    },
    /// Print what the functions are told, as `sam local … --env-vars` takes it
    Env {
        /// The address by which the functions reach this machine. No name: S3 clients put the bucket's before it
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
        host: IpAddr,
        /// Print what points the AWS CLI and SDKs at the stack instead, for a shell
        #[arg(long)]
        export: bool,
    },
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("wants NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "local: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let parameters: BTreeMap<String, String> = cli.place.parameters.iter().cloned().collect();
    let offline = Offline {
        template: &cli.place.template,
        parameters: &parameters,
        folder: &cli.place.data_dir,
        api_port: cli.place.api_port,
    };
    match &cli.command {
        Some(Command::Token {
            owner,
            scopes,
            days,
            expires_in,
            issuer,
            audience,
        }) => {
            let days = i64::try_from(*days).unwrap_or(i64::MAX);
            let terms = TokenTerms {
                scopes: (!scopes.is_empty()).then(|| scopes.clone()),
                issuer: issuer.clone(),
                audience: audience.clone(),
                expires_in_seconds: expires_in.unwrap_or_else(|| days.saturating_mul(24 * 60 * 60)),
                ..TokenTerms::for_owner(owner)
            };
            say(&offline.token(&terms)?);
            Ok(())
        }
        Some(Command::Env { host, export }) => {
            anyhow::ensure!(
                cli.place.aws_port != 0,
                "--aws-port 0 names no running stack: give its port"
            );
            let endpoint = format!("http://{}", SocketAddr::new(*host, cli.place.aws_port));
            if *export {
                say(&Credentials::local().export(&endpoint));
            } else {
                say(&format!("{:#}", offline.environment(&endpoint).await?));
            }
            Ok(())
        }
        None => serve(cli, parameters).await,
    }
}

async fn serve(cli: Cli, parameters: BTreeMap<String, String>) -> Result<()> {
    let bin_dir = match cli.bin_dir.clone() {
        Some(folder) => folder,
        None => folder_of_this_program()?,
    };
    let retry_delay = Duration::try_from_secs_f64(cli.retry_delay)
        .with_context(|| format!("--retry-delay {} is no number of seconds", cli.retry_delay))?;
    let data = if cli.ephemeral {
        Data::Ephemeral
    } else {
        Data::Folder(cli.place.data_dir.clone())
    };
    let options = Options {
        data: data.clone(),
        aws_port: cli.place.aws_port,
        api_port: cli.place.api_port,
        container_access: cli.container_access,
        parameters,
        retry_delay,
        concurrency: cli.concurrency,
        http_concurrency: cli.http_concurrency,
        log_sink: Arc::new(|function, line| say(&format!("[{function}] {line}"))),
        notes: Notes::to(|note| say(&format!("NOTE {note}"))),
        ..Options::new(&cli.place.template, &bin_dir)
    };
    // Before the start: a signal during it is not lost.
    let stop = stop_signal()?;
    let stack = Stack::start(options).await?;
    let mut reports = stack.reports();
    let token = stack.token("you", &[], Duration::from_hours(TOKEN_DAYS * 24))?;
    say(&start_table::render(
        &stack,
        &start_table::Facts {
            bin_dir,
            data,
            retry_delay,
            token,
        },
    ));
    let printer = tokio::spawn(async move {
        use tokio::sync::broadcast::error::RecvError;
        loop {
            match reports.recv().await {
                Ok(report) => say(&report.to_string()),
                Err(RecvError::Lagged(missed)) => say(&format!("NOTE {missed} reports were not printed")),
                Err(RecvError::Closed) => break,
            }
        }
    });
    stop.await;
    say("stopping");
    stack.shutdown().await;
    printer.abort();
    Ok(())
}

fn folder_of_this_program() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    program
        .parent()
        .map(PathBuf::from)
        .context("this program is in no folder")
}

/// Ctrl-C, and what `kill` sends.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// One line on stdout. A reader that went away is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
