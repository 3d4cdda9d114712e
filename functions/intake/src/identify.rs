//! The question, the answer, and the order in which the answer is looked for.

use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::{
    access_log, binary,
    compression::{self, Compression},
    delimited,
    encoding::{self, Encoding, Text},
    json, markup, prose, w3c,
};

/// How many of a file's first bytes [`identify`] looks at; more are ignored.
///
/// As many as hold one whole block of zstd (128 KiB and its headers), without which nothing of it can be read.
pub const SAMPLE_BYTES: usize = 160 << 10;
/// How many bytes of a text are looked at, whether it lay in the sample or came out of a compression.
pub(crate) const TEXT_BYTES: usize = 64 << 10;

/// Fewer bytes than these, out of a compression that is damaged behind them, say nothing.
const SCRAP_BYTES: usize = 32;

/// What is known of a file before it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The first [`SAMPLE_BYTES`] of the file, or all of it if it is smaller.
    pub head: &'a [u8],
    /// The size of the whole file, in bytes.
    pub size_bytes: u64,
    /// What its uploader calls it: asked only where the bytes leave the answer open.
    pub name: &'a str,
}

/// Which function unloads a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Delimited text, JSON Lines and JSON arrays of objects.
    Tables,
    /// Raster images and SVG.
    Images,
    /// Access logs.
    Logs,
    /// Archives of source code and packages of software.
    Audit,
}

impl Kind {
    /// The kind's name: the function's, the crate's and the folder's.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Images => "images",
            Self::Logs => "logs",
            Self::Audit => "audit",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a file is, by its bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Identified {
    /// The kind of function that unloads it; none if nothing does.
    pub kind: Option<Kind>,
    /// Its format in one word, compression left out: `csv`, `tsv`, `jsonl`, `json`, `jpeg`, `combined`, `alb`, `zip`, `pdf`, `text`.
    pub format: Cow<'static, str>,
    /// The same for people, made to follow "looks like": `CSV delimited by semicolons, in Windows-1252, gzip-compressed`.
    pub looks_like: String,
    /// The media type of the file as it lies there: `application/gzip` for a gzip-compressed CSV.
    pub media_type: Cow<'static, str>,
    /// The media type of what is inside the compression, or [`Identified::media_type`] again.
    pub content_media_type: Cow<'static, str>,
    /// How sure this is, from 0 to 1: see the crate's documentation.
    pub confidence: f32,
    /// The compression around the format.
    pub compression: Option<Compression>,
    /// The encoding of what is text.
    pub encoding: Option<Encoding>,
    /// The delimiter of delimited text.
    pub delimiter: Option<char>,
}

/// An answer about bytes that are not compressed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guess {
    pub(crate) kind: Option<Kind>,
    pub(crate) format: Cow<'static, str>,
    pub(crate) looks_like: String,
    pub(crate) media_type: Cow<'static, str>,
    pub(crate) confidence: f32,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) delimiter: Option<char>,
}

impl Guess {
    /// An answer for a function of `kind`, or for none.
    pub(crate) fn new(
        kind: Option<Kind>,
        format: impl Into<Cow<'static, str>>,
        looks_like: impl Into<String>,
        media_type: impl Into<Cow<'static, str>>,
        confidence: f32,
    ) -> Self {
        Self {
            kind,
            format: format.into(),
            looks_like: looks_like.into(),
            media_type: media_type.into(),
            confidence,
            encoding: None,
            delimiter: None,
        }
    }
}

/// Says what a file is by its first bytes.
///
/// Takes any bytes: damaged, hostile, cut off. Time is linear in the sample, memory a small multiple of it.
#[must_use]
pub fn identify(sample: Sample<'_>) -> Identified {
    let head = sample.head.get(..SAMPLE_BYTES).unwrap_or(sample.head);
    let whole = sample.size_bytes <= head.len() as u64;
    let Some(compression) = Compression::of(head) else {
        return answer(identify_content(head, whole, sample.name), None);
    };
    let inside = compression::look_inside(compression, head, whole);
    let is_scrap = inside.is_damaged && inside.bytes.len() < SCRAP_BYTES;
    if inside.bytes.is_empty() || is_scrap {
        let state = if inside.is_damaged { "damaged" } else { "empty" };
        let name = compression.as_str();
        let guess = Guess::new(
            None,
            name,
            format!("{state} {name}"),
            compression.media_type(),
            0.9,
        );
        return Identified {
            compression: None,
            ..answer(guess, None)
        };
    }
    let name = stem(sample.name, compression);
    let mut guess = identify_content(&inside.bytes, inside.is_whole, &name);
    match guess.kind {
        // Only text and tar are unloaded from inside a compression.
        Some(Kind::Images) if guess.format != "svg" => guess.kind = None,
        Some(Kind::Audit) if guess.format != "tar" => guess.kind = None,
        _ => {}
    }
    answer(guess, Some(compression))
}

/// The name without the ending of its compression: `a.csv` of `a.csv.gz`, `a.tar` of `a.tgz`.
fn stem(name: &str, compression: Compression) -> String {
    let lower = name.to_ascii_lowercase();
    for (ending, instead) in compression.endings() {
        if let Some(stem) = lower.strip_suffix(ending) {
            return format!("{stem}{instead}");
        }
    }
    lower
}

fn answer(guess: Guess, compression: Option<Compression>) -> Identified {
    let mut looks_like = guess.looks_like;
    if let Some(encoding) = guess.encoding
        && encoding != Encoding::Utf8
    {
        looks_like = format!("{looks_like}, in {encoding}");
    }
    if let Some(compression) = compression {
        looks_like = format!("{looks_like}, {compression}-compressed");
    }
    Identified {
        kind: guess.kind,
        format: guess.format,
        looks_like,
        media_type: compression.map_or_else(
            || guess.media_type.clone(),
            |compression| compression.media_type().into(),
        ),
        content_media_type: guess.media_type,
        confidence: guess.confidence.clamp(0.0, 1.0),
        compression,
        encoding: guess.encoding,
        delimiter: guess.delimiter,
    }
}

/// What bytes that are not compressed are.
fn identify_content(head: &[u8], whole: bool, name: &str) -> Guess {
    if head.is_empty() {
        return Guess::new(None, "empty", "an empty file", "application/x-empty", 1.0);
    }
    let start = head.get(..TEXT_BYTES).unwrap_or(head);
    let text = encoding::decode(start, whole && start.len() == head.len());
    if let Some(guess) = binary::identify(head, whole, name, text.as_ref()) {
        return guess;
    }
    let Some(text) = text else {
        return binary::unknown(head);
    };
    let mut guess = identify_text(&text, name);
    guess.encoding = Some(text.encoding);
    guess
}

/// What a text is: the first that knows it for certain, or else the likeliest.
fn identify_text(text: &Text, name: &str) -> Guess {
    let name = name.to_ascii_lowercase();
    if text.content.trim().is_empty() {
        // A table of empty cells says nothing that its name could settle.
        return Guess::new(
            None,
            "blank",
            "text without a single character",
            "text/plain",
            1.0,
        );
    }
    markup::identify(text)
        .or_else(|| w3c::identify(text))
        .or_else(|| access_log::identify(text))
        .or_else(|| json::identify(text, &name))
        .or_else(|| delimited::identify(text, &name))
        .unwrap_or_else(|| prose::identify(text, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_compression_is_taken_off_a_name() {
        assert_eq!(stem("A.CSV.GZ", Compression::Gzip), "a.csv");
        assert_eq!(stem("src.tgz", Compression::Gzip), "src.tar");
        assert_eq!(stem("logs.jsonl.zst", Compression::Zstd), "logs.jsonl");
        assert_eq!(stem("plain", Compression::Gzip), "plain");
    }

    #[test]
    fn nothing_is_named_as_such() {
        let empty = identify(Sample {
            head: b"",
            size_bytes: 0,
            name: "a.csv",
        });
        assert_eq!((empty.kind, empty.format.as_ref()), (None, "empty"));
        let blank = identify(Sample {
            head: b" \r\n\t\n",
            size_bytes: 5,
            name: "a.csv",
        });
        assert_eq!((blank.kind, blank.format.as_ref()), (None, "blank"));
    }
}
