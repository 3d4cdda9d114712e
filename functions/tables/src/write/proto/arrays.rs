//! Arrow arrays as what `super::encode` writes from.

use arrow_array::{
    Array, StructArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, ScalarBuffer};
use arrow_schema::DataType;
use shared::Failure;

use super::{
    Coded, Kind, Label, Member, Scalar, Wraps,
    encode::{Column, DELIMITED, FIXED_64, Format, Tag, VARINT, Values, get, index, mismatch},
    format,
};

impl Column {
    pub(super) fn of_member(
        member: &Member,
        array: &dyn Array,
        mask: Option<&NullBuffer>,
    ) -> Result<Self, Failure> {
        if mask.is_none()
            && let Some(coded) = Coded::of(member, array)?
        {
            return Ok(Self {
                tag: Tag::NONE,
                nulls: None,
                values: Values::Coded(coded),
            });
        }
        match member.label {
            Label::Optional => Self::of_kind(&member.kind, member.number, array, mask),
            Label::Repeated | Label::RepeatedOrNull => {
                Self::of_list(&member.kind, member.number, array, mask)
            }
        }
    }

    /// A `repeated` field.
    fn of_list(
        kind: &Kind,
        number: u32,
        array: &dyn Array,
        mask: Option<&NullBuffer>,
    ) -> Result<Self, Failure> {
        let list = array
            .as_list_opt::<i32>()
            .ok_or_else(|| mismatch("no list, though its field is repeated"))?;
        let nulls = NullBuffer::union(array.nulls(), mask);
        let items = list.values();
        // Items may lie behind a null.
        let hides = |nulls: &&NullBuffer| {
            let mut lens = list.offsets().lengths().enumerate();
            lens.any(|(row, len)| len > 0 && nulls.is_null(row))
        };
        let mask = nulls.as_ref().filter(hides).map(|nulls| {
            let mut seen = BooleanBufferBuilder::new(items.len());
            seen.append_n(index(get(list.offsets(), 0)), false);
            for (row, len) in list.offsets().lengths().enumerate() {
                seen.append_n(len, nulls.is_valid(row));
            }
            seen.append_n(items.len() - seen.len(), false);
            NullBuffer::new(seen.finish())
        });
        let is_packed = matches!(kind, Kind::Scalar(scalar) if scalar.is_packed());
        let mut item = Self::of_kind(kind, number, items, mask.as_ref())?;
        if is_packed {
            item.tag = Tag::NONE;
        }
        Ok(Self {
            tag: Tag::new(number, DELIMITED),
            nulls: None,
            values: Values::List {
                offsets: list.offsets().clone(),
                item: Box::new(item),
                is_packed,
                lens: Vec::new(),
            },
        })
    }

    fn of_kind(
        kind: &Kind,
        number: u32,
        array: &dyn Array,
        mask: Option<&NullBuffer>,
    ) -> Result<Self, Failure> {
        let nulls =
            NullBuffer::union(array.logical_nulls().as_ref(), mask).filter(|nulls| nulls.null_count() > 0);
        let (wire_type, values) = match kind {
            Kind::Scalar(scalar) => {
                let wire_type = match scalar {
                    Scalar::Bool | Scalar::Int | Scalar::UInt => VARINT,
                    Scalar::Double => FIXED_64,
                    _ => DELIMITED,
                };
                (wire_type, scalar_values(*scalar, array)?)
            }
            Kind::Instant(unit) => (DELIMITED, Values::Instant(ticks(array)?, *unit)),
            Kind::Message { members, wraps, .. } => {
                let nulls = match wraps {
                    // Present, whatever is in it.
                    Wraps::Item => mask,
                    Wraps::Struct | Wraps::List => nulls.as_ref(),
                };
                let members = match (wraps, members.as_slice()) {
                    (Wraps::Struct, members) => of_struct(members, array, nulls)?,
                    (Wraps::Item | Wraps::List, [member]) => vec![Self::of_member(member, array, nulls)?],
                    _ => return Err(mismatch("a message around a value has one member")),
                };
                let values = Values::Message {
                    members,
                    lens: Vec::new(),
                };
                return Ok(Self {
                    tag: Tag::new(number, DELIMITED),
                    nulls: nulls.cloned(),
                    values,
                });
            }
        };
        Ok(Self {
            tag: Tag::new(number, wire_type),
            nulls,
            values,
        })
    }
}

/// The members of a struct; where the struct is null, so are they.
fn of_struct(
    members: &[Member],
    array: &dyn Array,
    nulls: Option<&NullBuffer>,
) -> Result<Vec<Column>, Failure> {
    let fields: &StructArray = array
        .as_struct_opt()
        .ok_or_else(|| mismatch("no struct, though its field is a message"))?;
    if fields.num_columns() != members.len() {
        return Err(mismatch(
            "a struct has another number of fields than its message has",
        ));
    }
    let fields = members.iter().zip(fields.columns());
    fields
        .map(|(member, array)| Column::of_member(member, array, nulls))
        .collect()
}

/// The values of an array of 64 bits each, whatever they mean.
fn ticks(array: &dyn Array) -> Result<ScalarBuffer<i64>, Failure> {
    let data = array.to_data();
    let buffer = data
        .buffers()
        .first()
        .filter(|_| data.data_type().primitive_width() == Some(8));
    let buffer = buffer.ok_or_else(|| mismatch("no array of 64 bits a value"))?;
    Ok(ScalarBuffer::new(buffer.clone(), data.offset(), data.len()))
}

fn widened<T: Into<i64>>(values: impl Iterator<Item = T>) -> Values {
    Values::Varint(values.map(|value| value.into().cast_unsigned()).collect())
}

#[expect(clippy::too_many_lines, reason = "a line or two for each type")]
fn scalar_values(scalar: Scalar, array: &dyn Array) -> Result<Values, Failure> {
    // Each arm is reached with an array of its type only, unless the batch is of another schema.
    macro_rules! primitive {
        ($kind:ty) => {
            array
                .as_primitive_opt::<$kind>()
                .ok_or_else(|| mismatch("a column is of another type than its field"))?
                .values()
        };
    }
    let formatted = |format: Format| Values::Formatted {
        format,
        bytes: Vec::new(),
        ends: Vec::new(),
    };
    Ok(match (scalar, array.data_type()) {
        (Scalar::Bool, DataType::Boolean) => Values::Bool(array.as_boolean().values().clone()),
        (Scalar::Int, DataType::Int8) => widened(primitive!(Int8Type).iter().copied()),
        (Scalar::Int, DataType::Int16) => widened(primitive!(Int16Type).iter().copied()),
        (Scalar::Int, DataType::Int32) => widened(primitive!(Int32Type).iter().copied()),
        (Scalar::Int, DataType::Int64) => Values::Varint(primitive!(Int64Type).inner().clone().into()),
        (Scalar::UInt, DataType::UInt8) => widened(primitive!(UInt8Type).iter().copied()),
        (Scalar::UInt, DataType::UInt16) => widened(primitive!(UInt16Type).iter().copied()),
        (Scalar::UInt, DataType::UInt32) => widened(primitive!(UInt32Type).iter().copied()),
        (Scalar::UInt, DataType::UInt64) => Values::Varint(primitive!(UInt64Type).clone()),
        (Scalar::Double, DataType::Float32) => Values::Double(
            primitive!(Float32Type)
                .iter()
                .map(|value| f64::from(*value))
                .collect(),
        ),
        (Scalar::Double, DataType::Float64) => Values::Double(primitive!(Float64Type).clone()),
        (Scalar::Text, DataType::Utf8) => {
            let texts = array.as_string::<i32>();
            Values::Text {
                offsets: texts.offsets().clone(),
                bytes: texts.values().clone(),
            }
        }
        (Scalar::Text, DataType::LargeUtf8) => {
            let texts = array.as_string::<i64>().clone();
            formatted(Box::new(move |index, out| {
                out.extend_from_slice(texts.value(index).as_bytes());
            }))
        }
        (Scalar::Text, DataType::Utf8View) => {
            let texts = array.as_string_view().clone();
            formatted(Box::new(move |index, out| {
                out.extend_from_slice(texts.value(index).as_bytes());
            }))
        }
        (Scalar::Text, DataType::Dictionary(_, values)) if matches!(**values, DataType::Utf8) => {
            let dictionary = array.as_any_dictionary();
            let texts = dictionary.values().as_string::<i32>().clone();
            let keys = if texts.is_empty() {
                Vec::new()
            } else {
                dictionary.normalized_keys()
            };
            formatted(Box::new(move |index, out| {
                if let Some(key) = keys.get(index) {
                    out.extend_from_slice(texts.value(*key).as_bytes());
                }
            }))
        }
        (Scalar::Text, DataType::Null) => formatted(Box::new(|_, _| ())),
        (Scalar::Bytes, DataType::Binary) => {
            let bytes = array.as_binary::<i32>();
            Values::Text {
                offsets: bytes.offsets().clone(),
                bytes: bytes.values().clone(),
            }
        }
        (Scalar::Uuid, DataType::FixedSizeBinary(16)) => {
            let uuids = array.as_fixed_size_binary().clone();
            formatted(Box::new(move |index, out| format::uuid(uuids.value(index), out)))
        }
        (Scalar::Date, DataType::Date32) => {
            let days = primitive!(Date32Type).clone();
            let mut dates = format::Dates::default();
            formatted(Box::new(move |index, out| {
                dates.write(i64::from(get(&days, index)), out);
            }))
        }
        (Scalar::Time(unit), DataType::Time64(_)) => {
            let times = ticks(array)?;
            formatted(Box::new(move |index, out| {
                format::time(get(&times, index), unit, out);
            }))
        }
        (Scalar::Time(unit), DataType::Time32(_)) => {
            let data = array.to_data();
            let buffer = data.buffers().first().cloned().unwrap_or_default();
            let times = ScalarBuffer::<i32>::new(buffer, data.offset(), data.len());
            formatted(Box::new(move |index, out| {
                format::time(i64::from(get(&times, index)), unit, out);
            }))
        }
        (Scalar::LocalTimestamp(unit), DataType::Timestamp(_, None)) => {
            let times = ticks(array)?;
            let mut dates = format::Dates::default();
            formatted(Box::new(move |index, out| {
                dates.write_timestamp(get(&times, index), unit, out);
            }))
        }
        (Scalar::Decimal { scale }, DataType::Decimal128(..)) => {
            let values = primitive!(Decimal128Type).clone();
            formatted(Box::new(move |index, out| {
                format::decimal(get(&values, index), scale, out);
            }))
        }
        _ => return Err(mismatch("a column is of another type than its field")),
    })
}
