//! Runs the core on a local file: `cargo run --release -p tables --example convert -- FILE OUT_DIR`.
//!
//! Writes the outputs into `OUT_DIR` and the report, as JSON, to standard output. The exit code is 0 when done, 2
//! when the file is rejected, 1 when the fault is ours.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use shared::{
    Facts, Failure, FailureKind, Input, Limits, OutputWriter, Outputs, Processor, Source,
    options::TablesOptions,
};
use tables::Tables;

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [file, out_dir] = arguments.as_slice() else {
        let _ = writeln!(io::stderr(), "usage: convert FILE OUT_DIR");
        return ExitCode::from(1);
    };
    match convert(file, out_dir) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(failure)) => {
            let _ = writeln!(io::stderr(), "{}: {}: {failure}", file.display(), failure.code);
            let at_fault = matches!(failure.kind, FailureKind::Rejected | FailureKind::Limit);
            ExitCode::from(if at_fault { 2 } else { 1 })
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}: {error:#}", file.display());
            ExitCode::from(1)
        }
    }
}

fn convert(file: &Path, out_dir: &Path) -> anyhow::Result<Result<(), Failure>> {
    let metadata = fs::metadata(file).context("cannot read the file")?;
    anyhow::ensure!(metadata.is_file(), "not a file");
    fs::create_dir_all(out_dir).with_context(|| format!("cannot create {}", out_dir.display()))?;
    let facts = Facts {
        name: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        size_bytes: metadata.len(),
        declared_type: None,
    };
    let limits = Limits::default();
    let source = LocalFile(file.to_owned());
    let mut outputs = Folder {
        folder: out_dir.to_owned(),
        finished: Vec::new(),
    };
    let report = match Tables.process(
        Input::new(&facts, &limits, &source),
        &TablesOptions::default(),
        &mut outputs,
    ) {
        Ok(report) => report,
        Err(failure) => {
            outputs.remove();
            return Ok(Err(failure));
        }
    };
    outputs.publish()?;
    serde_json::to_writer_pretty(io::stdout(), &report)?;
    writeln!(io::stdout())?;
    Ok(Ok(()))
}

struct LocalFile(PathBuf);

impl LocalFile {
    fn open(&self) -> Result<File, Failure> {
        File::open(&self.0)
            .map_err(|error| Failure::internal("open", format!("{}: {error}", self.0.display())))
    }
}

impl Source for LocalFile {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(self.open()?))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        let mut file = self.open()?;
        let ours = |error: io::Error| Failure::internal("read", error.to_string());
        file.seek(SeekFrom::Start(offset)).map_err(ours)?;
        let mut length = 0;
        while let Some(free) = buffer.get_mut(length..).filter(|free| !free.is_empty()) {
            match file.read(free).map_err(ours)? {
                0 => break,
                read => length += read,
            }
        }
        Ok(length)
    }
}

/// Outputs under a temporary name until all are there.
struct Folder {
    folder: PathBuf,
    finished: Vec<String>,
}

impl Folder {
    fn path(&self, name: &str, part: bool) -> PathBuf {
        self.folder.join(if part {
            format!("{name}.part")
        } else {
            name.to_owned()
        })
    }

    fn publish(&self) -> anyhow::Result<()> {
        for name in &self.finished {
            fs::rename(self.path(name, true), self.path(name, false))
                .with_context(|| format!("cannot name {name}"))?;
        }
        Ok(())
    }

    fn remove(&self) {
        for name in &self.finished {
            let _ = fs::remove_file(self.path(name, true));
        }
    }
}

impl Outputs for Folder {
    fn create(&mut self, name: &str, _content_type: &str) -> Result<Box<dyn OutputWriter>, Failure> {
        if !shared::processor::is_output_name(name) {
            return Err(Failure::internal(
                "output-name",
                format!("{name:?} cannot name an output"),
            ));
        }
        let path = self.path(name, true);
        let file = File::create(&path)
            .map_err(|error| Failure::internal("create", format!("{}: {error}", path.display())))?;
        self.finished.push(name.to_owned());
        Ok(Box::new(LocalOutput(BufWriter::new(file))))
    }
}

struct LocalOutput(BufWriter<File>);

impl Write for LocalOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl OutputWriter for LocalOutput {
    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.0.flush().map_err(|error| Failure::from_write(&error))
    }
}
