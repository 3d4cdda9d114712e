//! Runs the core on a local file:
//! `cargo run --release -p tables --example convert -- [--threads N] [--only NAME,…] [--option NAME=VALUE] FILE OUT_DIR`.
//!
//! An option is one of those of an upload, as metadata spells it: `delimiter=;`, `header-rows=0`, `parquet-version=v1`.
//! Writes the outputs (with `--only`, those named alone) into `OUT_DIR`, in place of those of an earlier run, and the report, as JSON, to standard output. On a terminal a bar shows how far it is.
//! The exit code is 0 when done, 2 when the file is rejected, 1 when the fault is ours.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter, IsTerminal, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::Context;
use shared::{
    Facts, Failure, FailureKind, Input, Limits, OutputWriter, Outputs, Processor, Source,
    options::TablesOptions,
};
use tables::Tables;

const USAGE: &str = "usage: convert [--threads N] [--only NAME,...] [--option NAME=VALUE] FILE OUT_DIR";
const OUTPUTS: [&str; 6] = [
    "table.parquet",
    "table.proto",
    "table.pb",
    "profile.json",
    "profile.html",
    "rejects.jsonl",
];
/// More threads are of use only where memory is planned for them.
const MOST_THREADS: usize = 2;

struct Arguments {
    threads: usize,
    /// The outputs that are made; none named: all.
    only: Vec<String>,
    options: TablesOptions,
    file: PathBuf,
    out_dir: PathBuf,
}

impl Arguments {
    fn read(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Self> {
        let mut threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
        let mut only = Vec::new();
        let mut options = TablesOptions::default();
        let mut paths = Vec::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            if argument == "--threads" {
                let number = arguments
                    .next()
                    .and_then(|number| number.to_str().and_then(|number| number.parse().ok()));
                threads = number
                    .filter(|number| (1..=64).contains(number))
                    .context("--threads takes a number from 1 to 64")?;
            } else if argument == "--only" {
                let names = arguments.next().context("--only takes names of outputs")?;
                only.extend(names.to_string_lossy().split(',').map(str::to_owned));
            } else if argument == "--option" {
                let option = arguments.next().context("--option takes NAME=VALUE")?;
                options = options_of(&option.to_string_lossy())?.or(options);
            } else {
                paths.push(PathBuf::from(argument));
            }
        }
        let [file, out_dir] = <[PathBuf; 2]>::try_from(paths).map_err(|_| anyhow::anyhow!(USAGE))?;
        if let Some(name) = only.iter().find(|name| !OUTPUTS.contains(&name.as_str())) {
            anyhow::bail!("there is no output {name}: there are {}", OUTPUTS.join(", "));
        }
        Ok(Self {
            threads,
            only,
            options,
            file,
            out_dir,
        })
    }
}

/// An option, as metadata spells it.
fn options_of(option: &str) -> anyhow::Result<TablesOptions> {
    let (name, value) = option.split_once('=').context("--option takes NAME=VALUE")?;
    Ok(TablesOptions::from_metadata([(
        format!("longshore-{name}").as_str(),
        value,
    )])?)
}

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            return ExitCode::from(1);
        }
    };
    let file = &arguments.file;
    match convert(&arguments) {
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

fn convert(arguments: &Arguments) -> anyhow::Result<Result<(), Failure>> {
    let Arguments {
        threads,
        only,
        options,
        file,
        out_dir,
    } = arguments;
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
    let limits = Limits {
        threads: *threads,
        ..Limits::default()
    };
    let source = LocalFile {
        path: file.clone(),
        bar: Bar::new(metadata.len()),
    };
    let mut outputs = Folder {
        root: out_dir.clone(),
        only: only.clone(),
        begun: Vec::new(),
    };
    let result = Tables.process(Input::new(&facts, &limits, &source), options, &mut outputs);
    source.bar.end();
    let report = match result {
        Ok(report) => report,
        Err(failure) => {
            outputs.remove();
            outputs.begun.clear();
            outputs.forget_earlier(file)?;
            return Ok(Err(failure));
        }
    };
    outputs.publish()?;
    outputs.forget_earlier(file)?;
    serde_json::to_writer_pretty(io::stdout(), &report)?;
    writeln!(io::stdout())?;
    Ok(Ok(()))
}

/// How much of the file has been read, shown where there is a terminal to show it on.
struct Bar {
    shown: bool,
    size_bytes: u64,
    percent: AtomicU64,
}

impl Bar {
    const WIDTH: u64 = 40;

    fn new(size_bytes: u64) -> Self {
        Self {
            shown: io::stderr().is_terminal() && size_bytes > 0,
            size_bytes,
            percent: AtomicU64::new(u64::MAX),
        }
    }

    fn show(&self, read_bytes: u64) {
        if !self.shown {
            return;
        }
        let percent = (read_bytes * 100 / self.size_bytes).min(100);
        if self.percent.swap(percent, Ordering::Relaxed) != percent {
            let filled = usize::try_from(percent * Self::WIDTH / 100).unwrap_or_default();
            let bar = format!(
                "{:<width$}",
                "#".repeat(filled),
                width = usize::try_from(Self::WIDTH).unwrap_or_default()
            );
            let mib = self.size_bytes >> 20;
            let _ = write!(io::stderr(), "\r[{bar}] {percent:3} % of {mib} MiB");
        }
    }

    fn end(&self) {
        if self.shown {
            // The line is given back.
            let _ = write!(io::stderr(), "\r\x1B[K");
        }
    }
}

struct LocalFile {
    path: PathBuf,
    bar: Bar,
}

impl LocalFile {
    fn open(&self) -> Result<File, Failure> {
        File::open(&self.path)
            .map_err(|error| Failure::internal("open", format!("{}: {error}", self.path.display())))
    }
}

/// One pass over the file. A second one begins at the left again.
struct Pass<'a> {
    file: File,
    read_bytes: u64,
    bar: &'a Bar,
}

impl Read for Pass<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read_bytes += read as u64;
        self.bar.show(self.read_bytes);
        Ok(read)
    }
}

impl Source for LocalFile {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        Ok(Box::new(Pass {
            file: self.open()?,
            read_bytes: 0,
            bar: &self.bar,
        }))
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
    root: PathBuf,
    only: Vec<String>,
    begun: Vec<String>,
}

impl Folder {
    fn path(&self, name: &str, part: bool) -> PathBuf {
        self.root.join(if part {
            format!("{name}.part")
        } else {
            name.to_owned()
        })
    }

    fn publish(&mut self) -> anyhow::Result<()> {
        let mut begun = std::mem::take(&mut self.begun);
        // One that was dropped and not begun again is none.
        begun.retain(|name| self.path(name, true).exists());
        self.begun = begun;
        for name in &self.begun {
            fs::rename(self.path(name, true), self.path(name, false))
                .with_context(|| format!("cannot name {name}"))?;
        }
        Ok(())
    }

    /// Removes what an earlier run left and this one did not make, but not the file that was read.
    fn forget_earlier(&self, file: &Path) -> anyhow::Result<()> {
        let read = fs::canonicalize(file).ok();
        let is_made = |name: &&str| self.begun.iter().any(|begun| begun == *name);
        for name in OUTPUTS.iter().filter(|name| self.wants(name) && !is_made(name)) {
            let path = self.path(name, false);
            if path.exists() && fs::canonicalize(&path).ok() != read {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    fn remove(&self) {
        for name in &self.begun {
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
        // One that was dropped may be begun again.
        if !self.begun.iter().any(|begun| begun == name) {
            self.begun.push(name.to_owned());
        }
        Ok(Box::new(LocalOutput {
            writer: BufWriter::with_capacity(1 << 20, file),
            path: Some(path),
        }))
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }
}

struct LocalOutput {
    writer: BufWriter<File>,
    /// Of what is to be removed unless it is ended.
    path: Option<PathBuf>,
}

impl Drop for LocalOutput {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

impl Write for LocalOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl OutputWriter for LocalOutput {
    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| Failure::from_write(&error))?;
        self.path = None;
        Ok(())
    }
}
