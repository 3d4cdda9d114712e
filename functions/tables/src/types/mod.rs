//! What a column holds: which types there are, which cells are of them, and what a column may have over all of its cells.

pub mod infer;
pub mod number;
pub mod time;
pub mod token;
pub mod uuid;

use std::{collections::HashMap, fmt};

use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Serialize, Serializer};

pub use infer::Inference;
use time::{DateForm, Zone};

/// The digits that a narrow decimal has room for: what an `i64` holds.
pub const NARROW_DIGITS: u8 = 18;
/// And a wide one: what an `i128` holds.
pub const WIDE_DIGITS: u8 = 38;

/// The type of a column, with all that is needed to read its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// True or false.
    Bool,
    /// Signed, 64 bits.
    Int64,
    /// Unsigned, 64 bits: a column with numbers beyond an `i64` and none below zero.
    UInt64,
    /// Exactly so many digits after the point; [`NARROW_DIGITS`] or [`WIDE_DIGITS`] in all.
    Decimal {
        /// Digits there is room for.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// IEEE 754, 64 bits; never NaN, never infinite.
    Float64,
    /// A day.
    Date(DateForm),
    /// Microseconds of a day.
    Time,
    /// Microseconds since 1970, of a local clock or in UTC.
    Timestamp {
        /// How the day is spelled.
        form: DateForm,
        /// What the clock is.
        zone: Zone,
    },
    /// 16 bytes (RFC 9562), spelled in lower case.
    Uuid,
    /// UTF-8.
    String,
}

impl ColumnType {
    /// Its name for programs, as profiles have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Decimal { .. } => "decimal",
            Self::Float64 => "float64",
            Self::Date(_) => "date",
            Self::Time => "time",
            Self::Timestamp { zone: Zone::None, .. } => "timestamp",
            Self::Timestamp { .. } => "timestamp_utc",
            Self::Uuid => "uuid",
            Self::String => "string",
        }
    }

    /// How its cells are spelled where Parquet has them otherwise: `DD.MM.YYYY`.
    #[must_use]
    pub fn format(self) -> Option<String> {
        match self {
            Self::Date(form) | Self::Timestamp { form, .. } if form != DateForm::ISO => {
                Some(form.to_string())
            }
            _ => None,
        }
    }

    /// The Arrow type of its values.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int64 => DataType::Int64,
            Self::UInt64 => DataType::UInt64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale.cast_signed()),
            Self::Float64 => DataType::Float64,
            Self::Date(_) => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { zone, .. } => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.name().map(Into::into))
            }
            Self::Uuid => DataType::FixedSizeBinary(16),
            Self::String => DataType::Utf8,
        }
    }

    /// An Arrow field of it, which may hold nulls.
    #[must_use]
    pub fn field(self, name: &str) -> Field {
        let field = Field::new(name, self.data_type(), true);
        if self == Self::Uuid {
            let extension = (uuid::EXTENSION.0.to_owned(), uuid::EXTENSION.1.to_owned());
            return field.with_metadata(HashMap::from([extension]));
        }
        field
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            other => f.write_str(other.name()),
        }
    }
}

impl Serialize for ColumnType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
