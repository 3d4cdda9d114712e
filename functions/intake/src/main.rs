//! `intake` as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    intake::lambda::run()
}
