//! What the command line says.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use shared::options::ImagesOptions;

pub(crate) const HELP: &str = "\
usage: render FILE... OUT_DIR [--spec SPEC] [--decode-only] [--threads N]

Makes renditions and manifest.json of each FILE, into OUT_DIR/<name of the file>/. OUT_DIR is created.

  --spec SPEC    what to make: JSON, or a file with JSON, as the API's options of images; without it
                 widths of 320, 1024 and 2048 pixels as WebP and JPEG
  --decode-only  writes the decoded, oriented sRGB pixels as OUT_DIR/<name of the file without its last
                 extension>.png; where two would get the same name, all but the first get
                 <whole name of the file>.png, and then -2, -3, ... before the .png
  --threads N    how many threads encode, 1 to 64; without it as many as there are cores, at most 2

Standard output has a line for each file: 'done FILE ...', 'rejected FILE code: message' where the file is
at fault, 'failed FILE ...' where we are. The exit code is 0, 2 if any was rejected, 1 if we failed.
";

/// More threads are of use only where memory is planned for them.
const MOST_THREADS: usize = 2;

pub(crate) struct Arguments {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) out_dir: PathBuf,
    pub(crate) options: ImagesOptions,
    pub(crate) decode_only: bool,
    pub(crate) threads: usize,
}

impl Arguments {
    /// Nothing, if help was asked for.
    pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Option<Self>> {
        let mut threads =
            std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS));
        let mut options = ImagesOptions::default();
        let mut decode_only = false;
        let mut paths = Vec::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("--decode-only") => decode_only = true,
                Some("--threads") => {
                    let number = arguments
                        .next()
                        .and_then(|number| number.to_str().and_then(|number| number.parse().ok()));
                    let number = number.filter(|number| (1..=64).contains(number));
                    threads = number.context("--threads takes a number from 1 to 64")?;
                }
                Some("--spec") => {
                    let spec = arguments
                        .next()
                        .context("--spec takes JSON or a file with JSON")?;
                    options = read_spec(&spec)?;
                }
                Some(option) if option.starts_with("--") => anyhow::bail!("no option {option}\n{HELP}"),
                _ => paths.push(PathBuf::from(argument)),
            }
        }
        let out_dir = paths.pop().with_context(|| HELP)?;
        anyhow::ensure!(!paths.is_empty(), HELP);
        Ok(Some(Self {
            files: paths,
            out_dir,
            options,
            decode_only,
            threads,
        }))
    }
}

fn read_spec(spec: &OsString) -> anyhow::Result<ImagesOptions> {
    let inline = spec.to_str().filter(|text| text.trim_start().starts_with('{'));
    let text = match inline {
        Some(text) => text.to_owned(),
        None => {
            fs::read_to_string(spec).with_context(|| format!("cannot read {}", Path::new(spec).display()))?
        }
    };
    let options = ImagesOptions::from_json(&text).map_err(|error| anyhow::anyhow!("--spec: {error}"))?;
    options
        .resolve()
        .map_err(|error| anyhow::anyhow!("--spec: {error}"))?;
    Ok(options)
}

/// Names in the output folder, each given once.
#[derive(Default)]
pub(crate) struct Names(BTreeSet<OsString>);

impl Names {
    pub(crate) fn of(&mut self, file: &Path, decode_only: bool) -> OsString {
        let whole = file.file_name().unwrap_or_default().to_owned();
        let with = |stem: &OsString, ending: &str| {
            let mut name = stem.clone();
            name.push(ending);
            name
        };
        let ending = if decode_only { ".png" } else { "" };
        let stem = if decode_only {
            file.file_stem().unwrap_or_default().to_owned()
        } else {
            whole.clone()
        };
        let numbered = (2..).map(|number| with(&whole, &format!("-{number}{ending}")));
        let mut candidates = [with(&stem, ending), with(&whole, ending)]
            .into_iter()
            .chain(numbered);
        let name = candidates.find(|name| !self.0.contains(name)).unwrap_or_default();
        self.0.insert(name.clone());
        name
    }
}
