//! `notify` as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    notify::lambda::run()
}
