//! `bench-api`: see `bench::api`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    bench::api::main().await
}
