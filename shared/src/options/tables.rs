//! What can be asked of `tables`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Asked, OptionError, at_most, each_in_metadata};

impl Asked for TablesOptions {
    fn or_metadata(self, metadata: &BTreeMap<String, String>) -> Result<Self, OptionError> {
        let metadata = metadata
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(self.or(Self::from_metadata(metadata)?))
    }
}

/// What separates the fields of a table: 1 to 8 characters, none of them a line end or `"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delimiter(Cow<'static, str>);

impl Delimiter {
    /// `,`
    pub const COMMA: Self = Self(Cow::Borrowed(","));
    /// A tab.
    pub const TAB: Self = Self(Cow::Borrowed("\t"));
    /// `;`
    pub const SEMICOLON: Self = Self(Cow::Borrowed(";"));
    /// `|`
    pub const PIPE: Self = Self(Cow::Borrowed("|"));

    /// What it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Delimiter {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        let is_taken = (1..=8).contains(&text.chars().count()) && !text.contains(['\n', '\r', '"', '\0']);
        if is_taken {
            return Ok(Self(Cow::Owned(text)));
        }
        Err(OptionError(format!(
            "{text:?} is no delimiter: 1 to 8 characters, none of them a line end, a NUL or a double quote"
        )))
    }
}

impl From<Delimiter> for String {
    fn from(delimiter: Delimiter) -> Self {
        delimiter.0.into_owned()
    }
}

/// A character that quotes or escapes: one of ASCII, or none (an empty text).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mark(Option<u8>);

impl Mark {
    /// That nothing does.
    pub const NONE: Self = Self(None);
    /// `"`
    pub const DOUBLE_QUOTE: Self = Self(Some(b'"'));
    /// `'`
    pub const APOSTROPHE: Self = Self(Some(b'\''));
    /// `\`
    pub const BACKSLASH: Self = Self(Some(b'\\'));

    /// The character, if there is one.
    #[must_use]
    pub const fn byte(self) -> Option<u8> {
        self.0
    }
}

impl TryFrom<String> for Mark {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        match text.as_bytes() {
            [] => Ok(Self(None)),
            [byte] if byte.is_ascii_graphic() => Ok(Self(Some(*byte))),
            _ => Err(OptionError(format!(
                "{text:?} is no quote or escape: one character of ASCII that can be seen, or none"
            ))),
        }
    }
}

impl From<Mark> for String {
    fn from(mark: Mark) -> Self {
        mark.0.map(char::from).into_iter().collect()
    }
}

/// The name of a character encoding: one that the WHATWG Encoding Standard has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EncodingName(String);

/// The encodings that a text may be said to be in.
const ENCODINGS: [&str; 41] = [
    "utf-8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "us-ascii",
    "latin1",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "macintosh",
    "x-mac-cyrillic",
    "ibm866",
    "koi8-r",
    "koi8-u",
    "gbk",
    "gb18030",
    "big5",
    "euc-jp",
    "iso-2022-jp",
    "shift_jis",
    "euc-kr",
];

impl EncodingName {
    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EncodingName {
    type Error = OptionError;

    fn try_from(text: String) -> Result<Self, OptionError> {
        let name = text.to_ascii_lowercase();
        if ENCODINGS.contains(&name.as_str()) {
            return Ok(Self(name));
        }
        Err(OptionError(format!(
            "{text:?} is no encoding that is read: one of {}",
            ENCODINGS.join(", ")
        )))
    }
}

impl From<EncodingName> for String {
    fn from(name: EncodingName) -> Self {
        name.0
    }
}

/// The most rows that a header may be said to have.
pub const MAX_HEADER_ROWS: u32 = 16;
/// The most lines that may be said to stand before a header.
pub const MAX_SKIP_LINES: u32 = 1_000;

/// Which encodings of values `table.parquet` may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParquetVersion {
    /// Plain values and dictionaries, which every reader knows.
    V1,
    /// Packed differences too, which are smaller: `PyArrow`, `DuckDB`, polars, Spark and Trino read them, some older readers do not.
    #[default]
    V2,
}

impl ParquetVersion {
    fn named(name: &str) -> Result<Self, OptionError> {
        match name {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(OptionError(format!("{name:?} is neither v1 nor v2"))),
        }
    }
}

/// What can be asked of `tables`. What is not given is found from the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TablesOptions {
    /// What separates the fields: 1 to 8 characters, such as `;` or `||`. `\s+` is white space, however much: columns that spaces align.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delimiter: Option<Delimiter>,
    /// What quotes a field: one character, or an empty text if nothing does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quote: Option<Mark>,
    /// What makes a quote within a quoted field text: the quote itself if it is doubled, another character such as a
    /// backslash, or an empty text if nothing does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub escape: Option<Mark>,
    /// What begins a line that is a comment: 1 to 8 characters, or an empty text if there are none.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "comment"
    )]
    #[cfg_attr(feature = "schema", schemars(length(max = 8)))]
    pub comment: Option<String>,
    /// How many rows make the header; 0 if there is none.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "header_rows"
    )]
    #[cfg_attr(feature = "schema", schemars(range(max = 16)))]
    pub header_rows: Option<u32>,
    /// How many lines stand before the header, or before the first row if there is none.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "skip_lines"
    )]
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000)))]
    pub skip_lines: Option<u32>,
    /// The character encoding.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encoding: Option<EncodingName>,
    /// Which encodings of values `table.parquet` may have: `v2` if it is not given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parquet_version: Option<ParquetVersion>,
}

impl TablesOptions {
    /// The options in an object's metadata: `x-amz-meta-longshore-delimiter: ;`. Names go without regard to case, `-` or `_`
    /// between words; those of others are passed over. A header cannot hold a tab: `tab` or `\t` stands for it, `space` for a
    /// space, `none` for an empty text.
    ///
    /// # Errors
    /// Names what is no option, and what is no value of one.
    pub fn from_metadata<'a>(
        metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, OptionError> {
        let mut options = Self::default();
        each_in_metadata(metadata, |option, value| options.set(option, value))?;
        Ok(options)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), OptionError> {
        let text = match value {
            "comma" => ",",
            "tab" | "\\t" => "\t",
            "semicolon" => ";",
            "pipe" => "|",
            "space" => " ",
            "none" => "",
            other => other,
        };
        let number = |most: u32| match value.parse::<u32>() {
            Ok(number) if number <= most => Ok(number),
            _ => Err(OptionError(format!("{value:?} is no number from 0 to {most}"))),
        };
        match option {
            "delimiter" => self.delimiter = Some(text.to_owned().try_into()?),
            "quote" => self.quote = Some(text.to_owned().try_into()?),
            "escape" => self.escape = Some(text.to_owned().try_into()?),
            "comment" => self.comment = Some(checked_comment(text.to_owned())?),
            "header_rows" => self.header_rows = Some(number(MAX_HEADER_ROWS)?),
            "skip_lines" => self.skip_lines = Some(number(MAX_SKIP_LINES)?),
            "encoding" => self.encoding = Some(value.to_owned().try_into()?),
            "parquet_version" => self.parquet_version = Some(ParquetVersion::named(value)?),
            _ => {
                let options =
                    "delimiter, quote, escape, comment, header-rows, skip-lines, encoding, parquet-version";
                return Err(OptionError(format!(
                    "no option of that name: there are {options}"
                )));
            }
        }
        Ok(())
    }

    /// These options, and where they say nothing those of `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            delimiter: self.delimiter.or(other.delimiter),
            quote: self.quote.or(other.quote),
            escape: self.escape.or(other.escape),
            comment: self.comment.or(other.comment),
            header_rows: self.header_rows.or(other.header_rows),
            skip_lines: self.skip_lines.or(other.skip_lines),
            encoding: self.encoding.or(other.encoding),
            parquet_version: self.parquet_version.or(other.parquet_version),
        }
    }
}

fn checked_comment(text: String) -> Result<String, OptionError> {
    if text.chars().count() <= 8 && !text.contains(['\n', '\r', '\0']) {
        return Ok(text);
    }
    Err(OptionError(format!(
        "{text:?} begins no comment: at most 8 characters, none of them a line end or a NUL"
    )))
}

fn comment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(checked_comment).transpose().map_err(D::Error::custom)
}

fn header_rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    at_most(deserializer, MAX_HEADER_ROWS)
}

fn skip_lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    at_most(deserializer, MAX_SKIP_LINES)
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Delimiter, ENCODINGS, EncodingName, Mark};

    impl JsonSchema for Delimiter {
        fn schema_name() -> Cow<'static, str> {
            "Delimiter".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "What separates the fields of a table: 1 to 8 characters, none of them a line end or a double quote.",
                "type": "string",
                "minLength": 1,
                "maxLength": 8,
                "pattern": "^[^\\n\\r\"\\u0000]+$",
            })
        }
    }

    impl JsonSchema for Mark {
        fn schema_name() -> Cow<'static, str> {
            "Mark".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A character that quotes or escapes: one of ASCII, or none (an empty text).",
                "type": "string",
                "maxLength": 1,
                "pattern": "^[!-~]?$",
            })
        }
    }

    impl JsonSchema for EncodingName {
        fn schema_name() -> Cow<'static, str> {
            "EncodingName".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "The name of a character encoding: one that the WHATWG Encoding Standard has.",
                "type": "string",
                "enum": ENCODINGS.as_slice(),
            })
        }
    }
}
