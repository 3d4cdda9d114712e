//! `bench-cold`: see `bench::cold`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    bench::cold::main().await
}
