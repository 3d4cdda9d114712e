//! The HTTP API as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    api::lambda::run()
}
