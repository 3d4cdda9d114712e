//! The profile of a column.

use std::collections::BTreeMap;

use arrow_array::{
    Array, DictionaryArray,
    cast::AsArray,
    types::{Decimal128Type, UInt16Type},
};
use arrow_schema::DataType;
use serde::Serialize;

use super::{
    Mismatch,
    hashes::Hashes,
    kind::Kind,
    observe,
    ordered::Ordered,
    precision::Precision,
    row_hashes::RowHashes,
    text::{Span, Texts},
};
use crate::order::key_of_digits;

/// What kept a column from a narrower type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Widened {
    /// The narrower type.
    pub from: String,
    /// A cell that is not of it.
    pub value: String,
    /// The row of that cell, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// How many cells are not of it, if that was counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

/// A column of the rows that were written, or a field of a structure, or what a list holds.
#[derive(Debug, Clone)]
pub struct ColumnProfile {
    /// Its name in the Parquet file.
    pub name: String,
    /// Its name in the file that was read, where that is another.
    pub source_name: Option<String>,
    /// Its type, for people: `int64`, `decimal(9,2)`, `timestamp_utc`.
    pub described: String,
    /// What kept it from a narrower type.
    pub widened: Option<Widened>,
    /// How its cells are spelled, where values show otherwise.
    pub format: Option<String>,
    /// Words that were read as nulls, and how often each came.
    pub null_tokens: BTreeMap<String, u64>,
    pub(crate) data_type: DataType,
    pub(crate) kind: Kind,
    pub(crate) rows: u64,
    pub(crate) nulls: u64,
    pub(crate) not_finite: u64,
    pub(crate) body: Body,
}

#[derive(Debug, Clone)]
pub(crate) enum Body {
    Bool {
        trues: u64,
        falses: u64,
    },
    Narrow(Ordered<u64>),
    Wide(Ordered<u128>),
    Text(Texts),
    List {
        lengths: Span,
        distinct: Hashes,
        items: Box<ColumnProfile>,
    },
    Struct(Vec<ColumnProfile>),
    Other,
}

impl ColumnProfile {
    /// A column without a cell yet: its name in the table and in the file that was read, its type for people and as
    /// Arrow has it.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        source_name: &str,
        described: impl Into<String>,
        data_type: &DataType,
        precision: Precision,
    ) -> Self {
        let name = name.into();
        let kind = Kind::of(data_type);
        let child = |field: &arrow_schema::Field| {
            let described = describe(field.data_type());
            Self::new(
                field.name(),
                field.name(),
                described,
                field.data_type(),
                precision,
            )
        };
        let body = match (kind, data_type) {
            (Kind::Bool, _) => Body::Bool { trues: 0, falses: 0 },
            (Kind::Text, _) => Body::Text(Texts::new(precision)),
            (Kind::WideDecimal { .. } | Kind::Uuid, _) => Body::Wide(Ordered::new(kind, precision)),
            (Kind::List, DataType::List(item)) => Body::List {
                lengths: Span::default(),
                distinct: Hashes::new(precision),
                items: Box::new(child(item)),
            },
            (Kind::Struct, DataType::Struct(fields)) => {
                Body::Struct(fields.iter().map(|field| child(field)).collect())
            }
            (Kind::Other | Kind::List | Kind::Struct, _) => Body::Other,
            _ => Body::Narrow(Ordered::new(kind, precision)),
        };
        Self {
            source_name: (source_name != name).then(|| source_name.to_owned()),
            name,
            described: described.into(),
            widened: None,
            format: None,
            null_tokens: BTreeMap::new(),
            data_type: data_type.clone(),
            kind,
            rows: 0,
            nulls: 0,
            not_finite: 0,
            body,
        }
    }

    /// How many sketches a column of this type has: itself, or what it is made of.
    pub(crate) fn leaves(data_type: &DataType) -> usize {
        match data_type {
            DataType::List(item) => 1 + Self::leaves(item.data_type()),
            DataType::Struct(fields) => fields.iter().map(|field| Self::leaves(field.data_type())).sum(),
            _ => 1,
        }
    }

    /// What it is made of: the fields of a structure, what a list holds.
    pub(crate) fn parts_mut(&mut self) -> &mut [Self] {
        match &mut self.body {
            Body::Struct(fields) => fields,
            Body::List { items, .. } => std::slice::from_mut(items),
            _ => &mut [],
        }
    }

    /// Takes note of so many rows that have no value.
    pub(crate) fn add_nulls(&mut self, count: u64) {
        self.rows += count;
        self.nulls += count;
        if let Body::Struct(fields) = &mut self.body {
            for field in fields {
                field.add_nulls(count);
            }
        }
    }

    /// Takes note of an array's values. Where there are as many row hashes as values, each value's goes into its row's; none are left
    /// alone.
    ///
    /// # Errors
    /// When the array is of another type than the column.
    pub(crate) fn observe(&mut self, array: &dyn Array, row_hashes: RowHashes<'_>) -> Result<(), Mismatch> {
        if let Some(coded) = array.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() {
            return self.observe_coded(coded, row_hashes);
        }
        if array.data_type() != &self.data_type {
            return Err(Mismatch(format!(
                "column {:?} is {}, and an array {}",
                self.name,
                self.data_type,
                array.data_type()
            )));
        }
        self.rows += array.len() as u64;
        self.nulls += array.logical_null_count() as u64;
        let not_finite = &mut self.not_finite;
        match &mut self.body {
            Body::Bool { trues, falses } => {
                let (t, f) = observe::bools(array.as_boolean(), row_hashes);
                *trues += t;
                *falses += f;
            }
            Body::Narrow(ordered) => observe::narrow(ordered, array, row_hashes, not_finite),
            Body::Wide(ordered) => match &self.data_type {
                DataType::Decimal128(..) => {
                    let values = array.as_primitive::<Decimal128Type>().values();
                    observe::fixed(
                        ordered,
                        values,
                        array.nulls(),
                        key_of_digits,
                        |_| true,
                        row_hashes,
                    );
                }
                _ => observe::uuids(ordered, array.as_fixed_size_binary(), row_hashes),
            },
            Body::Text(texts) => match &self.data_type {
                DataType::LargeUtf8 => observe::texts(texts, array.as_string::<i64>(), row_hashes),
                _ => observe::texts(texts, array.as_string::<i32>(), row_hashes),
            },
            Body::List {
                lengths,
                distinct,
                items,
            } => {
                observe::lists(lengths, distinct, items, array.as_list(), row_hashes)?;
            }
            Body::Struct(fields) => observe::structs(fields, array.as_struct(), row_hashes)?,
            Body::Other => {}
        }
        Ok(())
    }

    /// Takes what the other took, of the rows that follow.
    ///
    /// # Errors
    /// When it is another column, or has sketches of another size.
    pub fn merge(&mut self, other: &Self) -> Result<(), Mismatch> {
        if self.name != other.name || self.data_type != other.data_type {
            return Err(Mismatch(format!(
                "column {:?} ({}) and column {:?} ({})",
                self.name, self.data_type, other.name, other.data_type
            )));
        }
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.not_finite += other.not_finite;
        for (token, count) in &other.null_tokens {
            *self.null_tokens.entry(token.clone()).or_default() += count;
        }
        if self.widened.is_none() {
            self.widened.clone_from(&other.widened);
        }
        match (&mut self.body, &other.body) {
            (Body::Bool { trues, falses }, Body::Bool { trues: t, falses: f }) => {
                *trues += t;
                *falses += f;
            }
            (Body::Narrow(ours), Body::Narrow(theirs)) => ours.merge(theirs),
            (Body::Wide(ours), Body::Wide(theirs)) => ours.merge(theirs),
            (Body::Text(ours), Body::Text(theirs)) => ours.merge(theirs),
            (
                Body::List {
                    lengths,
                    distinct,
                    items,
                },
                Body::List {
                    lengths: their_lengths,
                    distinct: their_distinct,
                    items: their_items,
                },
            ) => {
                lengths.merge(their_lengths);
                distinct.merge(their_distinct);
                items.merge(their_items)?;
            }
            (Body::Struct(ours), Body::Struct(theirs)) => {
                for (ours, theirs) in ours.iter_mut().zip(theirs) {
                    ours.merge(theirs)?;
                }
            }
            // The types are the same, and so are the bodies.
            _ => {}
        }
        Ok(())
    }
}

/// A type as people are told of it, unless the caller says it better.
pub(crate) fn describe(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".into(),
        DataType::Float32 => "float32".into(),
        DataType::Float64 => "float64".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".into(),
        DataType::Time32(_) | DataType::Time64(_) => "time".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp_utc".into(),
        DataType::Utf8 | DataType::LargeUtf8 => "string".into(),
        DataType::FixedSizeBinary(16) => "uuid".into(),
        DataType::List(_) => "list".into(),
        DataType::Struct(_) => "struct".into(),
        DataType::Null => "null".into(),
        other => other.to_string().to_lowercase(),
    }
}
