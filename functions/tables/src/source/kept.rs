//! Small files, read once.

use shared::{Failure, Input};

use super::first_bytes;

/// Files up to this size are read once and kept, instead of being fetched for each look at them.
pub(super) const KEEP_BYTES: u64 = 8 << 20;

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
    let (bytes, ended) = first_bytes(&mut input.reader()?, size + 1)?;
    Ok(ended.then_some(bytes))
}
