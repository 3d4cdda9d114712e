//! Files that only their owner may read: keys and secrets of the local stack.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes the whole file, aside and renamed: a killed start leaves no half of it.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let aside = path.with_extension("new");
    let written = create(&aside).and_then(|mut file| file.write_all(content));
    written
        .and_then(|()| std::fs::rename(&aside, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn create(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    // One left by a start that was killed may have other permissions.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(not(unix))]
fn create(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::File::create(path)
}
