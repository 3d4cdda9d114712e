//! What can be uploaded.

use std::{collections::BTreeMap, str::FromStr};

use shared::{keys::AUTO, options::Options};

/// The kinds of file, each with the largest size its function takes. Written `tables=1000 logs=2000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds(BTreeMap<String, u64>);

/// A text that lists no kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind and its largest size in bytes, such as tables=1000")]
pub struct InvalidKinds(String);

impl FromStr for Kinds {
    type Err = InvalidKinds;

    fn from_str(text: &str) -> Result<Self, InvalidKinds> {
        let kind = |word: &str| {
            let (name, max_bytes) = word.split_once('=')?;
            let named =
                !name.is_empty() && name != AUTO && name.bytes().all(|byte| byte.is_ascii_lowercase());
            named.then_some((name.to_owned(), max_bytes.parse().ok()?))
        };
        let kinds = text
            .split_whitespace()
            .map(|word| kind(word).ok_or_else(|| InvalidKinds(word.to_owned())));
        let kinds: BTreeMap<_, _> = kinds.collect::<Result<_, _>>()?;
        if kinds.is_empty() {
            Err(InvalidKinds(text.to_owned()))
        } else {
            Ok(Self(kinds))
        }
    }
}

impl Kinds {
    /// The largest file of a kind, in bytes; nothing for an unknown kind. What will be sorted may be as large as the
    /// largest: its function refuses what is too large for it.
    #[must_use]
    pub fn max_bytes(&self, kind: &str) -> Option<u64> {
        if kind == AUTO {
            self.0.values().max().copied()
        } else {
            self.0.get(kind).copied()
        }
    }

    /// The kinds' names, `auto` first.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        [AUTO]
            .into_iter()
            .chain(self.0.keys().map(String::as_str))
            .collect()
    }
}

/// The kinds of whose functions something is asked.
pub(crate) fn asked_of(options: &Options) -> Vec<String> {
    let value = serde_json::to_value(options).unwrap_or_default();
    value
        .as_object()
        .map(|map| map.keys().cloned().collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_and_what_is_none_is_named() {
        let kinds: Kinds = "tables=1000 logs=5".parse().unwrap();
        assert_eq!(
            ["logs", "images", "auto"].map(|kind| kinds.max_bytes(kind)),
            [Some(5), None, Some(1000)]
        );
        assert_eq!(kinds.names(), ["auto", "logs", "tables"]);
        for text in [
            "",
            "tables",
            "tables=",
            "=5",
            "tables=1000 Logs=5",
            "../x=5",
            "tables=-1",
            "auto=5",
        ] {
            assert!(text.parse::<Kinds>().is_err(), "{text}");
        }
    }
}
