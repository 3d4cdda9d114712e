//! Words that stand for a missing value.
//!
//! They are only that in a column whose other cells are all of one type that is not text: `NA` among numbers is a null,
//! `NA` among country codes is Namibia. Which ones a column has, and how often, is told in its profile, so that what was
//! read can be told from what was written.

/// The words, as R, pandas, SQL dumps, Excel and people write them. The empty cell is none of them: it is a null anyway.
pub const TOKENS: [&str; 22] = [
    "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NULL", "null", "Null", "NaN", "nan", "NAN", "None", "none",
    "NONE", "nil", "\\N", "-", "--", "?", ".", "…",
];

/// The most bytes a word has.
const MOST_BYTES: usize = 4;

/// Which word this is, by its place in [`TOKENS`].
#[must_use]
pub fn find(cell: &[u8]) -> Option<usize> {
    if cell.len() > MOST_BYTES {
        return None;
    }
    TOKENS.iter().position(|token| token.as_bytes() == cell)
}

/// How often each word was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens([u64; TOKENS.len()]);

impl Tokens {
    /// Takes note of a word met so many times.
    pub fn add(&mut self, token: usize, times: u64) {
        if let Some(count) = self.0.get_mut(token) {
            *count += times;
        }
    }

    /// What one pass over both would have counted.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            *ours += theirs;
        }
    }

    /// The words that were met, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TOKENS.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_as_they_are_spelled() {
        assert!(TOKENS.iter().all(|token| token.len() <= MOST_BYTES));
        assert_eq!(find(b"NA"), Some(0));
        for text in ["", "Na", "NA ", "N", "nulls", "0"] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }
}
