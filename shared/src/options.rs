//! What an owner may ask of the functions, by kind: `{"tables": {"delimiter": ";"}}`.
//!
//! The API checks it before a file is announced; the function reads its own part of it. A kind without options of
//! its own takes an empty object.

use serde::{Deserialize, Serialize};

/// The part of a function without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// What separates the fields of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Delimiter {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// A tab.
    #[serde(rename = "\t")]
    Tab,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// `|`
    #[serde(rename = "|")]
    Pipe,
}

impl Delimiter {
    /// The byte it is.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
            Self::Semicolon => b';',
            Self::Pipe => b'|',
        }
    }
}

/// What can be asked of `tables`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TablesOptions {
    /// What separates the fields; found from the file if it is not given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<Delimiter>,
}

/// What an owner asks of the functions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Of `tables`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tables: Option<TablesOptions>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_option_is_named() {
        for (text, named) in [
            (r#"{"tables": {"delimitr": ";"}}"#, "delimitr"),
            (r#"{"tables": {"delimiter": "ab"}}"#, "ab"),
            (r#"{"films": {}}"#, "films"),
        ] {
            let error = serde_json::from_str::<Options>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let options: Options = serde_json::from_str(r#"{"tables": {"delimiter": "\t"}}"#).unwrap();
        assert_eq!(
            options
                .tables
                .and_then(|tables| tables.delimiter)
                .map(Delimiter::byte),
            Some(b'\t')
        );
    }
}
