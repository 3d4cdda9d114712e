//! `images` as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    shared::lambda::run(images::Images)
}
