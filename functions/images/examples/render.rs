//! Runs the core on local files:
//! `cargo run --release -p images --example render -- FILE… OUT_DIR [--spec SPEC] [--decode-only] [--threads N]`.
//!
//! One line a file on standard output: `done FILE …` or `rejected FILE code: message` (`failed`, where the fault is ours). On a
//! terminal a bar on standard error shows how far it is. The exit code is 0 when all are done, 2 when any was rejected, 1 when we
//! failed at any.

#[path = "render/arguments.rs"]
mod arguments;
#[path = "render/folder.rs"]
mod folder;

use std::{
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
};

use anyhow::Context;
use images::{Images, decode::PictureLimits, decode_only};
use shared::{Facts, Failure, FailureKind, Input, Limits, Processor as _, options::ImagesOptions};

use arguments::{Arguments, HELP, Names};
use folder::{Folder, LocalFile};

/// What became of a file.
enum Outcome {
    Done(String),
    Rejected(String),
    Failed(String),
}

fn main() -> ExitCode {
    match Arguments::read(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => {
            let _ = write!(io::stdout(), "{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    if let Err(error) = fs::create_dir_all(&arguments.out_dir) {
        let _ = writeln!(
            io::stderr(),
            "cannot create {}: {error}",
            arguments.out_dir.display()
        );
        return ExitCode::from(1);
    }
    let mut names = Names::default();
    let (mut rejected, mut failed) = (0_usize, 0_usize);
    let count = arguments.files.len();
    for (index, file) in arguments.files.iter().enumerate() {
        show_bar(index, count);
        let name = names.of(file, arguments.decode_only);
        let path = arguments.out_dir.join(name);
        // A panic in one file never stops the rest.
        let outcome = catch_unwind(AssertUnwindSafe(|| one(arguments, file, &path)));
        let outcome = outcome.unwrap_or_else(|_| Outcome::Failed("panic: see above".to_owned()));
        let shown = file.display();
        hide_bar();
        let _ = match outcome {
            Outcome::Done(what) => writeln!(io::stdout(), "done {shown} {what}"),
            Outcome::Rejected(why) => {
                rejected += 1;
                writeln!(io::stdout(), "rejected {shown} {why}")
            }
            Outcome::Failed(why) => {
                failed += 1;
                writeln!(io::stdout(), "failed {shown} {why}")
            }
        };
    }
    match (rejected, failed) {
        (0, 0) => ExitCode::SUCCESS,
        (_, 0) => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

fn one(arguments: &Arguments, file: &Path, path: &Path) -> Outcome {
    let input = match LocalFile::new(file) {
        Ok(input) => input,
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    };
    let facts = Facts {
        name: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        size_bytes: input.size_bytes,
        declared_type: None,
    };
    let limits = Limits {
        threads: arguments.threads,
        ..Limits::default()
    };
    let input = Input::new(&facts, &limits, &input);
    let result = if arguments.decode_only {
        decode(&input, path)
    } else {
        render(&input, &arguments.options, path)
    };
    match result {
        Ok(Ok(what)) => Outcome::Done(what),
        Ok(Err(failure)) => {
            let why = format!("{}: {failure}", failure.code);
            match failure.kind {
                FailureKind::Rejected | FailureKind::Limit => Outcome::Rejected(why),
                FailureKind::Transient | FailureKind::Internal => Outcome::Failed(why),
            }
        }
        Err(error) => Outcome::Failed(format!("{error:#}")),
    }
}

fn render(
    input: &Input<'_>,
    options: &ImagesOptions,
    path: &Path,
) -> anyhow::Result<Result<String, Failure>> {
    let mut outputs = Folder::new(path)?;
    let report = match Images::default().process(*input, options, &mut outputs) {
        Ok(report) => report,
        Err(failure) => {
            outputs.remove();
            return Ok(Err(failure));
        }
    };
    outputs.publish()?;
    let size = format!("{}x{}", report.width, report.height);
    Ok(Ok(format!(
        "{size} {} renditions, {} bytes",
        report.renditions, report.renditions_bytes
    )))
}

fn decode(input: &Input<'_>, path: &Path) -> anyhow::Result<Result<String, Failure>> {
    let part = path.with_extension("png.part");
    let file = File::create(&part).with_context(|| format!("cannot create {}", part.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let facts = match decode_only::to_png(input, &PictureLimits::default(), &mut out) {
        Ok(facts) => facts,
        Err(failure) => {
            let _ = fs::remove_file(&part);
            return Ok(Err(failure));
        }
    };
    out.flush().context("cannot write")?;
    fs::rename(&part, path).with_context(|| format!("cannot name {}", path.display()))?;
    Ok(Ok(format!("{}x{} {}", facts.width, facts.height, path.display())))
}

fn show_bar(done: usize, count: usize) {
    const WIDTH: usize = 40;
    if io::stderr().is_terminal() && count > 0 {
        let filled = "#".repeat(done * WIDTH / count);
        let _ = write!(io::stderr(), "\r[{filled:<WIDTH$}] {done} of {count}");
    }
}

fn hide_bar() {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "\r\x1B[K");
    }
}
