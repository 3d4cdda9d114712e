//! How large a function is, as deployed on arm64.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::subjects::{Language, Subject};

/// Bytes of its files, and of the zip of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    pub(crate) unzipped_bytes: u64,
    pub(crate) zip_bytes: u64,
}

/// What `make package` and `peers/build.py` have made; nothing where they have not.
pub(crate) fn of(subject: Subject, packages: &Path, peers: &Path) -> Option<Sizes> {
    match subject.language {
        Language::Rust => {
            let binary = subject.row().binary;
            let folder = packages.join(binary);
            let zips = [
                folder.join("bootstrap.zip"),
                packages.join(format!("{binary}.zip")),
            ];
            Some(Sizes {
                unzipped_bytes: fs::metadata(folder.join("bootstrap")).ok()?.len(),
                zip_bytes: zips.iter().find_map(|zip| fs::metadata(zip).ok())?.len(),
            })
        }
        Language::Python => {
            let text = fs::read(peers.join(subject.job.name()).join("sizes.json")).ok()?;
            serde_json::from_slice(&text).ok()
        }
    }
}
