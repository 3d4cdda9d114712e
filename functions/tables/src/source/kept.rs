//! Small files, read once.

use std::io::{self, Read as _};

use shared::{Failure, Input};

/// Files up to this size are read once and kept, instead of being fetched for each look at them.
const KEEP_BYTES: u64 = 8 << 20;

/// The whole of a small file; nothing of a larger one, or of one that turns out larger than its facts say.
///
/// # Errors
/// What the source says.
pub fn keep(input: &Input<'_>) -> Result<Option<Vec<u8>>, Failure> {
    if input.facts.size_bytes > KEEP_BYTES.min(input.limits.memory_bytes / 8) {
        return Ok(None);
    }
    let size = usize::try_from(input.facts.size_bytes).unwrap_or_default();
    // A byte of room tells the end of the file from a file larger than its facts say.
    let mut bytes = vec![0; size + 1];
    let mut length = 0;
    let mut reader = input.reader()?;
    while let Some(free) = bytes.get_mut(length..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::from_read(&error)),
        }
    }
    Ok(None)
}
