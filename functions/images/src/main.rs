//! `images` as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    images::lambda::run()
}
