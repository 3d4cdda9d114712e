//! What `profile.json` says. These types are its shape: `docs/profile.schema.json` is made from them.

use std::collections::BTreeMap;

use serde::Serialize;

/// Raised when the shape changes so that a reader of the one before would read it wrong.
pub const FORMAT: u32 = 2;

/// The profile of a table: what its file is, what became of its rows, what its columns hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(title = "Profile of a table"))]
pub struct Table {
    /// The version of this shape: 2.
    #[cfg_attr(test, schemars(extend("const" = FORMAT)))]
    pub format: u32,
    /// What the file is and how it was read.
    pub file: super::FileFacts,
    /// Records of the file: always `rows_written` + `rows_rejected`.
    pub rows: u64,
    /// Rows of the table.
    pub rows_written: u64,
    /// Records that are no rows.
    pub rows_rejected: u64,
    /// How many of them for which reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Blank lines, which are no records.
    pub blank_lines: u64,
    /// Rows that another row equals in every cell: rows less different rows.
    pub duplicate_rows: Estimate,
    /// How exact what follows is.
    pub precision: PrecisionFacts,
    /// What a reader should look at, most telling first.
    pub alerts: Vec<Alert>,
    /// The columns, in the file's order.
    pub columns: Vec<Column>,
}

/// A number that may be an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Estimate {
    /// The number; an estimate below its own error is 0.
    pub count: u64,
    /// Whether it is exact.
    pub exact: bool,
}

/// How exact a profile is. Counts are exact unless something beside them says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PrecisionFacts {
    /// A column of up to so many different values is described exactly.
    pub exact_distinct: usize,
    /// The relative standard error of a `distinct` that is not exact (`HyperLogLog`).
    pub distinct_standard_error: f64,
    /// By how much the rank of a quantile may be off, as a share of the values, with 99 % confidence (KLL).
    pub quantile_rank_error: f64,
    /// Texts are cut to so many bytes here, between characters.
    pub text_bytes: usize,
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Records were rejected.
    RejectedRows,
    /// Text decoded by the wrong encoding: `Ã©`, `â€™`, U+FFFD.
    Mojibake,
    /// Nearly all cells fit a narrower type than the column's.
    MixedTypes,
    /// Rows equal other rows.
    DuplicateRows,
    /// There is no value at all.
    Empty,
    /// Most cells hold no value.
    MostlyNull,
    /// All values are the same.
    Constant,
    /// Values begin or end with white space.
    Whitespace,
    /// Numbers that are not finite: not a number, or infinite.
    NotFinite,
    /// Values far from the middle half.
    Outliers,
    /// One of several values makes up nearly all.
    Imbalanced,
    /// Each row has a value of its own, so the column may be a key; or about as many different values as rows, where only
    /// an estimate says how many there are, which a few repeats would not change.
    CandidateKey,
}

/// Something a reader should look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// The path of the column, unless it is about the table: names joined by `.`, `[]` for the items of a list.
    pub column: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// How many values or rows it is about.
    pub count: u64,
    /// The same as a share of all that it could be about, from 0 to 1.
    pub share: f64,
}

/// A value: numbers and truth values are themselves; decimals, days (`2024-02-29`), times (`12:00:00.5`), instants
/// (`2024-02-29T12:00:00Z`, without `Z` if without zone) and UUIDs are texts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Shown {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An integer from 0 on.
    UInt(u64),
    /// A float, always finite.
    Float(f64),
    /// Anything else.
    Text(String),
}

impl Shown {
    /// JSON has no number that is not finite: such a one is shown as text.
    pub(crate) fn float(value: f64) -> Self {
        if value.is_finite() {
            Self::Float(value)
        } else {
            Self::Text(value.to_string())
        }
    }
}

/// How many different values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Distinct {
    pub(crate) count: u64,
    pub(crate) exact: bool,
}

impl Distinct {
    pub(crate) fn exact(count: usize) -> Self {
        Self {
            count: count as u64,
            exact: true,
        }
    }

    pub(crate) fn estimated(count: u64) -> Self {
        Self { count, exact: false }
    }
}

/// A column, or a field of a structure, or what a list holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Column {
    /// Its name in the Parquet file.
    pub name: String,
    /// Its name in the file that was read, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Its type.
    pub r#type: String,
    /// Values: cells that are not null.
    pub count: u64,
    /// Cells without a value.
    pub nulls: u64,
    /// Texts of no characters; always 0 where there is no text.
    pub empties: u64,
    /// Different values, nulls not among them; null for structures.
    pub distinct: Option<u64>,
    /// Whether `distinct` is exact; if not, see `precision.distinct_standard_error`.
    pub distinct_exact: bool,
    /// The least value; of texts by their bytes.
    pub min: Option<Shown>,
    /// The greatest value.
    pub max: Option<Shown>,
    /// The mean of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The standard deviation of numbers, as of a sample (n - 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_deviation: Option<f64>,
    /// Floats that are not finite. They are values, and nothing else here speaks of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_finite: Option<u64>,
    /// Quantiles of numbers, days and times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantiles: Option<Quantiles>,
    /// How numbers, days and times lie between the least and the greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
    /// Values beyond Tukey's fences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers: Option<Outliers>,
    /// The values seen most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_values: Option<TopValues>,
    /// Truth values by their truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booleans: Option<Booleans>,
    /// Lengths of texts in bytes (UTF-8), of lists in items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Lengths>,
    /// Lengths of texts in characters (Unicode scalar values).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters: Option<Lengths>,
    /// What texts look like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patterns: Option<Patterns>,
    /// Texts that begin or end with white space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub padded: Option<u64>,
    /// Texts that were decoded by the wrong encoding, by the look of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mojibake: Option<u64>,
    /// What kept the column from a narrower type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widened: Option<super::Widened>,
    /// How its cells are spelled, where values show otherwise: `DD.MM.YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Words that were read as nulls, and how often each came; nulls beyond these were empty cells.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub null_tokens: BTreeMap<String, u64>,
    /// What the lists hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Column>>,
    /// The fields of a structure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Column>,
}

/// Quantiles, each a value of the column (type 1 of Hyndman and Fan).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Quantiles {
    /// Whether they are exact; if not, see `precision.quantile_rank_error`.
    pub exact: bool,
    /// By share, rising.
    pub values: Vec<Quantile>,
}

/// A quantile.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Quantile {
    /// The share of all values that are not greater, from 0 to 1.
    pub share: f64,
    /// The value.
    pub value: Shown,
    /// Where it lies on a line.
    #[serde(skip)]
    pub(crate) position: f64,
}

/// How a histogram's line is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By factors: for positive values that are skewed.
    Log,
}

impl Scale {
    /// Where a position lies.
    pub(crate) fn of(self, position: f64) -> f64 {
        match self {
            Self::Linear => position,
            Self::Log => position.ln(),
        }
    }

    /// What lies there.
    pub(crate) fn back(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log => place.exp(),
        }
    }
}

/// Bins of one width on their scale; counts that are not exact add up to the count of values within what the sketch rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Histogram {
    /// Whether the counts are exact; if not, see `precision.quantile_rank_error`.
    pub exact: bool,
    /// How the line from the least to the greatest value is divided.
    pub scale: Scale,
    /// Whether the last bin holds its own end. All others end before theirs.
    pub last_includes_end: bool,
    /// The bins, rising.
    pub bins: Vec<Bin>,
    /// Where the first begins and the last ends, on the scale.
    #[serde(skip)]
    pub(crate) span: (f64, f64),
}

/// A bin.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bin {
    /// Where it begins.
    pub from: Shown,
    /// Where it ends.
    pub to: Shown,
    /// Values in it.
    pub count: u64,
}

/// Values more than 1.5 interquartile ranges beyond the quartiles (Tukey 1977).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outliers {
    /// Whether the counts are exact; if not, see `precision.quantile_rank_error`.
    pub exact: bool,
    /// The lower fence.
    pub low_fence: Shown,
    /// The upper fence.
    pub high_fence: Shown,
    /// Values below the lower fence.
    pub below: u64,
    /// Values above the upper fence.
    pub above: u64,
}

/// The values seen most.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TopValues {
    /// Whether the counts are exact.
    pub exact: bool,
    /// A value that is not named came at most so often as the last one named, or so often, whichever is more.
    pub others_at_most: u64,
    /// The values, most first.
    pub values: Vec<TopValue>,
}

/// A value and how often it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TopValue {
    /// The value; of a long text its beginning.
    pub value: Shown,
    /// How often it came at least.
    pub count: u64,
    /// How often it came at most.
    pub at_most: u64,
}

/// Truth values by their truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Booleans {
    /// True.
    pub r#true: u64,
    /// False.
    pub r#false: u64,
}

/// A range of lengths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Lengths {
    /// The shortest.
    pub min: u64,
    /// The longest.
    pub max: u64,
    /// The mean.
    pub mean: f64,
}

/// What texts look like: the name of a form (`email`, `url`, `uuid`, `ipv4`, `ipv6`, `iso_date`, `iso_timestamp`,
/// `time`, `phone`, `prose`, …), or a shape such as `AA-999`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Patterns {
    /// Values that were looked at: all of them, or a sample.
    pub examined: u64,
    /// Values of patterns that are not named.
    pub others: u64,
    /// The patterns, most first.
    pub values: Vec<Pattern>,
}

/// A pattern. In a shape `A` is an upper-case letter, `a` a lower-case one, `9` a digit, `+` more of the same; a
/// capitalised word is `Aa+`, and anything else is itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pattern {
    /// Its name, or the shape.
    pub pattern: String,
    /// Whether it is a name.
    pub named: bool,
    /// Values of those examined that look so.
    pub count: u64,
}
