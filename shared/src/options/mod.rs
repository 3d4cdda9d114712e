//! What an owner may ask of the functions, by kind: `{"tables": {"delimiter": ";"}}`.
//!
//! The API checks it before a file is announced; the function reads its own part of it. A kind without options of
//! its own takes an empty object.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

mod filters;
mod images;
mod numbers;
mod spec;
mod tables;

pub use filters::{Colour, Filters, MAX_WATERMARK_BYTES, Position, Rotation, Watermark};
pub use images::{
    DEFAULT_WIDTHS, Fit, Focus, ImageFormat, ImagesOptions, MAX_RENDITIONS, Point, Quality, RenditionSpec,
    Side,
};
pub use numbers::{Decimal, Whole};
pub use tables::{
    Delimiter, EncodingName, MAX_HEADER_ROWS, MAX_SKIP_LINES, Mark, ParquetVersion, TablesOptions,
};

/// The options of a function: from the record, and from the object's metadata where the record says nothing.
pub trait Asked: Sized {
    /// These options, and where they say nothing those of the metadata (names without `x-amz-meta-`). A function that
    /// reads no metadata leaves them as they are.
    ///
    /// # Errors
    /// Names what is no option, and what is no value of one.
    fn or_metadata(self, metadata: &BTreeMap<String, String>) -> Result<Self, OptionError> {
        let _ = metadata;
        Ok(self)
    }
}

impl Asked for NoOptions {}

/// The part of a function without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoOptions {}

/// What is wrong with an option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionError(String);

/// What the names of options in an object's metadata begin with, `x-amz-meta-` left off or not.
const METADATA: &str = "longshore-";

/// Hands each option in an object's metadata to `set`, its name in lower case with `_` between words; other names are passed over.
fn each_in_metadata<'a>(
    metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
    mut set: impl FnMut(&str, &str) -> Result<(), OptionError>,
) -> Result<(), OptionError> {
    for (name, value) in metadata {
        let lower = name.to_ascii_lowercase();
        let bare = lower.strip_prefix("x-amz-meta-").unwrap_or(&lower);
        if let Some(option) = bare.strip_prefix(METADATA) {
            set(&option.replace('-', "_"), value).map_err(|error| OptionError(format!("{name}: {error}")))?;
        }
    }
    Ok(())
}

fn at_most<'de, D: Deserializer<'de>>(deserializer: D, most: u32) -> Result<Option<u32>, D::Error> {
    /// JSON Schema counts `3.0` among the integers.
    struct Whole(u32);

    impl Visitor<'_> for Whole {
        type Value = Option<u32>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from 0 to {}", self.0)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
            u32::try_from(number)
                .ok()
                .filter(|number| *number <= self.0)
                .map(Some)
                .ok_or_else(|| E::custom(format!("{number} is more than {}", self.0)))
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
            let whole = u64::try_from(number).map_err(|_| E::custom(format!("{number} is less than 0")))?;
            self.visit_u64(whole)
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
            let whole = (0..=self.0).find(|whole| f64::from(*whole).total_cmp(&number).is_eq());
            match whole {
                Some(whole) => Ok(Some(whole)),
                None if number == 0.0 => Ok(Some(0)),
                None => Err(E::custom(format!(
                    "{number} is no whole number from 0 to {}",
                    self.0
                ))),
            }
        }
    }

    deserializer.deserialize_any(Whole(most))
}

/// Reads an object, or nothing. What serde derives would take a list of the fields' values too, which no schema says.
///
/// # Errors
/// What is neither, and what the object's own reading fails with.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(Object(PhantomData))
}

/// What an owner asks of the functions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Of `tables`.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "object")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<TablesOptions>"))]
    pub tables: Option<TablesOptions>,
    /// Of `images`.
    #[serde(skip_serializing_if = "Option::is_none", default, deserialize_with = "object")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<ImagesOptions>"))]
    pub images: Option<ImagesOptions>,
}

impl Options {
    /// Whether what each part says goes together, as far as no single field tells.
    ///
    /// # Errors
    /// The part, as `images`, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, OptionError)> {
        match self.images.as_ref().map(ImagesOptions::resolve) {
            Some(Err(error)) => Err(("images", error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> TablesOptions {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_no_option_is_named() {
        for (text, named) in [
            (r#"{"tables": {"delimitr": ";"}}"#, "delimitr"),
            (r#"{"tables": {"delimiter": ""}}"#, "1 to 8"),
            (r#"{"tables": {"delimiter": "\n"}}"#, "line end"),
            (r#"{"tables": {"delimiter": "123456789"}}"#, "123456789"),
            (r#"{"tables": {"quote": "ab"}}"#, "ab"),
            (r#"{"tables": {"quote": "é"}}"#, "é"),
            (r#"{"tables": {"comment": "123456789"}}"#, "at most 8"),
            (r#"{"tables": {"header_rows": 17}}"#, "17 is more than 16"),
            (r#"{"tables": {"header_rows": -1}}"#, "-1"),
            (r#"{"tables": {"skip_lines": 1001}}"#, "1001"),
            (r#"{"tables": {"encoding": "ebcdic"}}"#, "ebcdic"),
            (r#"{"tables": {"parquet_version": "v3"}}"#, "v3"),
            (r#"{"films": {}}"#, "films"),
            (r#"{"tables": [";"]}"#, "an object"),
            (r#"{"tables": {"header_rows": 1.5}}"#, "whole number"),
            (r#"{"tables": {"skip_lines": -1}}"#, "less than 0"),
        ] {
            let error = serde_json::from_str::<Options>(text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn options_are_what_they_were_written_as() {
        for text in [
            r"{}",
            r#"{"delimiter":"\t"}"#,
            r#"{"delimiter":"||","quote":"'","escape":"\\","comment":"\#","header_rows":0,"skip_lines":3,"encoding":"windows-1252","parquet_version":"v1"}"#,
            r#"{"quote":"","comment":""}"#,
        ] {
            let text = text.replace(r"\#", "#");
            assert_eq!(serde_json::to_string(&options(&text)).unwrap(), text);
        }
        assert_eq!(
            options(r#"{"delimiter": ";"}"#).delimiter,
            Some(Delimiter::SEMICOLON)
        );
        assert_eq!(options(r#"{"quote": ""}"#).quote, Some(Mark::NONE));
    }

    #[test]
    fn options_stand_in_an_objects_metadata_too() {
        let read = TablesOptions::from_metadata([
            ("x-amz-meta-longshore-delimiter", "tab"),
            ("Longshore-Header-Rows", "2"),
            ("longshore-skip_lines", "1"),
            ("longshore-quote", "none"),
            ("longshore-encoding", "Latin1"),
            ("longshore-parquet-version", "v1"),
            ("author", "ann"),
        ]);
        let expected = options(
            r#"{"delimiter":"\t","header_rows":2,"skip_lines":1,"quote":"","encoding":"latin1","parquet_version":"v1"}"#,
        );
        assert_eq!(read, Ok(expected));
        for (name, value, named) in [
            (
                "longshore-delimitr",
                ";",
                "longshore-delimitr: no option of that name",
            ),
            (
                "longshore-header-rows",
                "two",
                "\"two\" is no number from 0 to 16",
            ),
            ("longshore-delimiter", "", "1 to 8"),
            ("longshore-parquet-version", "2", "neither v1 nor v2"),
        ] {
            let error = TablesOptions::from_metadata([(name, value)])
                .unwrap_err()
                .to_string();
            assert!(error.contains(named), "{error}");
        }
        let both = options(r#"{"delimiter":";"}"#).or(options(r#"{"delimiter":",","quote":"'"}"#));
        assert_eq!(both, options(r#"{"delimiter":";","quote":"'"}"#));
    }
}
