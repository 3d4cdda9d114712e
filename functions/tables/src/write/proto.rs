//! `table.proto` and `table.pb`: a table as Protocol Buffers.
//!
//! [`Message::of`] lays an Arrow schema out as a proto3 message `Row`; [`Message::text`] is the `.proto` file and
//! [`Message::encode`] writes a batch's rows as records of it, each after its length as a varint: the format of Java's
//! `writeDelimitedTo`, and of `google.protobuf.proto.parse_length_prefixed` in Python.
//! (<https://protobuf.dev/programming-guides/encoding/>, <https://protobuf.dev/reference/protobuf/proto3-spec/>)
//!
//! | column | field |
//! |---|---|
//! | boolean, signed and unsigned integers, floats, text | `optional` `bool`, `int64`, `uint64`, `double`, `string` |
//! | timestamp with a zone | `google.protobuf.Timestamp`: the instant, in UTC |
//! | timestamp without a zone, date, time of day | `optional string`, ISO 8601; a fraction has 3, 6 or 9 digits, as `ProtoJSON` writes it |
//! | decimal | `optional string`: all the digits of its scale |
//! | UUID (16 bytes) | `optional string`, `8-4-4-4-12` lower-case |
//! | other bytes | `optional bytes` |
//! | struct | a message of its own |
//! | list | `repeated`; see below |
//!
//! Strings stand where a number would lose something: a `double` has no decimals, and a local time is no instant.
//! A null is a field that is absent, which `optional` and messages tell from zero and `""`. A `repeated` field can say
//! neither that it is null nor that an item is, so that
//! - an item that may be null (by the schema) is a message around `optional value`, and absence within it is the null;
//! - a list in a list is a message around `repeated items`;
//! - a list that may be null is a message around `repeated items` too, unless the column's metadata say that there is no
//!   empty list in it ([`NEVER_EMPTY`]), so that no item means null; in one that may not be null it means empty.
//!
//! Field numbers are the column's position, from 1, and pass over 19000 to 19999, which Protocol Buffers keeps for itself.

mod arrays;
mod coded;
mod encode;
mod format;
mod names;
mod placed;
mod text;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use shared::Failure;

use coded::Coded;
use names::Names;

use crate::cells::Rows;

/// Metadata key of a field that is a list: where it is there, no list of the column is empty.
pub const NEVER_EMPTY: &str = "longshore.never-empty";

/// Messages deeper than this are refused: parsers take 100 (C++, Java, Python).
const MAX_DEPTH: usize = 99;

/// The message `Row` of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    fields: Vec<Member>,
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    number: u32,
    name: String,
    /// The column's name, where the field stands for one.
    column: Option<String>,
    kind: Kind,
    label: Label,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    /// A null is absence.
    Optional,
    /// `repeated`, and no item means null.
    RepeatedOrNull,
    /// `repeated`, and no item means an empty list.
    Repeated,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Scalar(Scalar),
    /// `google.protobuf.Timestamp`.
    Instant(TimeUnit),
    Message {
        name: String,
        members: Vec<Member>,
        wraps: Wraps,
    },
}

/// What a message stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wraps {
    /// A struct: a member for each of its fields.
    Struct,
    /// An item of a list that may be null: one member, `value`.
    Item,
    /// A list: one member, `items`.
    List,
}

/// A value that is no message, by how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Date,
    Time(TimeUnit),
    LocalTimestamp(TimeUnit),
    Decimal { scale: i8 },
    Uuid,
}

impl Scalar {
    const fn keyword(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int64",
            Self::UInt => "uint64",
            Self::Double => "double",
            Self::Bytes => "bytes",
            _ => "string",
        }
    }

    /// Whether `repeated` fields of it are packed: one length, then the values without tags.
    const fn is_packed(self) -> bool {
        matches!(self, Self::Bool | Self::Int | Self::UInt | Self::Double)
    }
}

impl Message {
    /// Lays out the message of a schema: the same schema, the same message.
    ///
    /// # Errors
    /// [`Failure::internal`] for a column of a type that no table of ours has (maps, unions, intervals).
    pub fn of(schema: &Schema) -> Result<Self, Failure> {
        let mut types = Names::new(&["row"]);
        let columns = schema.fields().iter().map(AsRef::as_ref);
        Ok(Self {
            fields: members(columns, "", 1, &mut types)?,
        })
    }

    /// Adds a batch's rows to `out`, each as its length and then its fields.
    ///
    /// # Errors
    /// [`Failure::internal`] when the batch is not of the schema that the message was laid out for.
    pub fn encode(&self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.encode_rows(&Rows::from(batch), out)
    }

    /// The same, of rows whose columns may lack most of them.
    ///
    /// # Errors
    /// As [`Message::encode`].
    pub fn encode_rows(&self, rows: &Rows, out: &mut Vec<u8>) -> Result<(), Failure> {
        encode::encode(&self.fields, rows, out)
    }

    /// The `.proto` file.
    #[must_use]
    pub fn text(&self) -> String {
        text::write(&self.fields)
    }
}

/// Adds a batch's rows to `out` as records of the message of its schema.
///
/// # Errors
/// See [`Message::of`].
pub fn encode(batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), Failure> {
    Message::of(batch.schema_ref())?.encode(batch, out)
}

/// The field number of the column at a position.
fn number(position: usize) -> u32 {
    let number = u32::try_from(position).unwrap_or(u32::MAX).saturating_add(1);
    if number < 19_000 {
        number
    } else {
        number.saturating_add(1_000)
    }
}

fn members<'a>(
    fields: impl Iterator<Item = &'a Field>,
    path: &str,
    depth: usize,
    types: &mut Names,
) -> Result<Vec<Member>, Failure> {
    if depth > MAX_DEPTH {
        let message = format!("messages within messages beyond {MAX_DEPTH}, at {path}");
        return Err(Failure::limit("too-deep", message));
    }
    let mut names = Names::new(&[]);
    fields
        .enumerate()
        .map(|(position, field)| {
            let name = names.field(field.name(), position);
            let path = format!("{path}{}", names::camel(&name));
            let column = Some(field.name().clone());
            member(field, (number(position), name, column), &path, depth, types)
        })
        .collect()
}

/// The member that stands for a column, or for a field of a struct.
fn member(
    field: &Field,
    (number, name, column): (u32, String, Option<String>),
    path: &str,
    depth: usize,
    types: &mut Names,
) -> Result<Member, Failure> {
    let (kind, label) = match list_item(field.data_type()) {
        None => (kind(field, path, depth, types)?, Label::Optional),
        Some(item) if !field.is_nullable() => (item_kind(item, path, depth, types)?, Label::Repeated),
        Some(item) if field.metadata().contains_key(NEVER_EMPTY) => {
            (item_kind(item, path, depth, types)?, Label::RepeatedOrNull)
        }
        Some(item) => (list_message(item, path, depth, types)?, Label::Optional),
    };
    Ok(Member {
        number,
        name,
        column,
        kind,
        label,
    })
}

/// A list as a message.
fn list_message(item: &Field, path: &str, depth: usize, types: &mut Names) -> Result<Kind, Failure> {
    let name = types.message(&format!("{path}List"));
    let kind = item_kind(item, path, depth + 1, types)?;
    let items = Member {
        number: 1,
        name: "items".to_owned(),
        column: None,
        kind,
        label: Label::Repeated,
    };
    Ok(Kind::Message {
        name,
        members: vec![items],
        wraps: Wraps::List,
    })
}

/// What a list's items are.
fn item_kind(item: &Field, path: &str, depth: usize, types: &mut Names) -> Result<Kind, Failure> {
    if depth > MAX_DEPTH {
        let message = format!("messages within messages beyond {MAX_DEPTH}, at {path}");
        return Err(Failure::limit("too-deep", message));
    }
    if item.is_nullable() {
        let name = types.message(&format!("{path}Item"));
        let value = member(item, (1, "value".to_owned(), None), path, depth + 1, types)?;
        return Ok(Kind::Message {
            name,
            members: vec![value],
            wraps: Wraps::Item,
        });
    }
    match list_item(item.data_type()) {
        Some(inner) => list_message(inner, path, depth, types),
        None => kind(item, path, depth, types),
    }
}

/// What a value is that is no list.
fn kind(field: &Field, path: &str, depth: usize, types: &mut Names) -> Result<Kind, Failure> {
    let scalar = match field.data_type() {
        DataType::Boolean => Scalar::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Scalar::Int,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => Scalar::UInt,
        DataType::Float32 | DataType::Float64 => Scalar::Double,
        // A column without a value.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => Scalar::Text,
        DataType::Dictionary(_, values) if matches!(**values, DataType::Utf8) => Scalar::Text,
        DataType::Binary => Scalar::Bytes,
        DataType::FixedSizeBinary(16) => Scalar::Uuid,
        DataType::Date32 => Scalar::Date,
        DataType::Time32(unit) | DataType::Time64(unit) => Scalar::Time(*unit),
        DataType::Timestamp(unit, None) => Scalar::LocalTimestamp(*unit),
        DataType::Timestamp(unit, Some(_)) => return Ok(Kind::Instant(*unit)),
        DataType::Decimal128(_, scale) => Scalar::Decimal { scale: *scale },
        DataType::Struct(fields) => {
            let name = types.message(path);
            let fields = fields.iter().map(AsRef::as_ref);
            let members = members(fields, path, depth + 1, types)?;
            return Ok(Kind::Message {
                name,
                members,
                wraps: Wraps::Struct,
            });
        }
        other => {
            let message = format!("column {:?} is {other}, which has no field type", field.name());
            return Err(Failure::internal("proto", message));
        }
    };
    Ok(Kind::Scalar(scalar))
}

fn list_item(kind: &DataType) -> Option<&Field> {
    match kind {
        DataType::List(item) => Some(item),
        _ => None,
    }
}
