//! Bytes as they come, into a buffer that grows with them.

use std::io::{self, Read};

use shared::Failure;

/// What a buffer is made of first, unless less is wanted.
const FIRST_BYTES: usize = 64 << 10;

/// Reads until the first `target` bytes of `buffer` are filled, of which the first `length` are already, or until the reader
/// ends. Gives how many are filled, and whether it ended. The buffer may be longer; where it is shorter it is doubled as
/// bytes come, so that a small file takes little memory however much is asked for.
pub(crate) fn fill(
    reader: &mut impl Read,
    buffer: &mut Vec<u8>,
    mut length: usize,
    target: usize,
) -> Result<(usize, bool), Failure> {
    while length < target {
        if length >= buffer.len() {
            let more = (buffer.len() * 2).max(FIRST_BYTES).min(target);
            buffer.resize(more, 0);
        }
        let end = buffer.len().min(target);
        match reader.read(buffer.get_mut(length..end).unwrap_or_default()) {
            Ok(0) => return Ok((length, true)),
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::from_read(&error)),
        }
    }
    Ok((length, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_grows_with_what_comes_and_not_with_what_is_asked_for() {
        let text = vec![7; 300_000];
        let mut buffer = Vec::new();
        assert_eq!(
            fill(&mut text.as_slice(), &mut buffer, 0, 1 << 30),
            Ok((300_000, true))
        );
        assert!(buffer.len() < 600_000);
        let mut rest = text.as_slice();
        let mut buffer = vec![1; 10];
        assert_eq!(fill(&mut rest, &mut buffer, 10, 100_000), Ok((100_000, false)));
        assert_eq!((buffer.len(), rest.len()), (100_000, 300_000 - 99_990));
        assert_eq!(fill(&mut rest, &mut buffer, 100_000, 100), Ok((100_000, false)));
        let (before, read) = buffer.split_at(10);
        assert!(before.iter().all(|byte| *byte == 1) && read.iter().all(|byte| *byte == 7));
    }
}
