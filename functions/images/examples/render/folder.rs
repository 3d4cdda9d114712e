//! Local files as a core reads and writes them.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Mutex,
};

use anyhow::Context;
use shared::{Failure, OutputWriter, Outputs, Source};

pub(crate) struct LocalFile {
    path: PathBuf,
    pub(crate) size_bytes: u64,
    positioned: Mutex<File>,
}

impl LocalFile {
    pub(crate) fn new(path: &Path) -> anyhow::Result<Self> {
        let metadata = fs::metadata(path).context("cannot read the file")?;
        anyhow::ensure!(metadata.is_file(), "not a file");
        let file = File::open(path).context("cannot open the file")?;
        Ok(Self {
            path: path.to_owned(),
            size_bytes: metadata.len(),
            positioned: Mutex::new(file),
        })
    }
}

impl Source for LocalFile {
    fn reader(&self) -> Result<Box<dyn Read + Send + '_>, Failure> {
        let file = File::open(&self.path)
            .map_err(|error| Failure::internal("open", format!("{}: {error}", self.path.display())))?;
        Ok(Box::new(file))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Failure> {
        let ours = |error: io::Error| Failure::internal("read", error.to_string());
        let mut file = self
            .positioned
            .lock()
            .map_err(|_| Failure::internal("read", "a thread ended early"))?;
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
pub(crate) struct Folder {
    folder: PathBuf,
    begun: Vec<String>,
}

impl Folder {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self {
            folder: folder.to_owned(),
            begun: Vec::new(),
        })
    }

    fn path(&self, name: &str, part: bool) -> PathBuf {
        self.folder.join(if part {
            format!("{name}.part")
        } else {
            name.to_owned()
        })
    }

    pub(crate) fn publish(&self) -> anyhow::Result<()> {
        for name in &self.begun {
            fs::rename(self.path(name, true), self.path(name, false))
                .with_context(|| format!("cannot name {name}"))?;
        }
        Ok(())
    }

    /// Takes away what was begun, and the folder if there is nothing else in it.
    pub(crate) fn remove(&self) {
        for name in &self.begun {
            let _ = fs::remove_file(self.path(name, true));
        }
        let _ = fs::remove_dir(&self.folder);
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
        if !self.begun.iter().any(|begun| begun == name) {
            self.begun.push(name.to_owned());
        }
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
