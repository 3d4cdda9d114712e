//! Rows as records: sizes first, a column at a time, and then the bytes, a column at a time, each into its place.
//!
//! A batch is taken in blocks of rows whose records stay in the cache. The first pass over a block adds up how long each
//! record will be; from that follows where each begins, and the room is made at once, filled with zeros. In the second
//! pass every row has a cursor, and each column writes at the cursors and moves them on. So a column's type is looked at
//! once a block, and its loop is about one type.
//!
//! A value is put down by an OR of 16 bytes into the zeros: it needs no branch on how long it is, and what lies behind it,
//! written before or after, stays.

use arrow_array::{
    Array, RecordBatch, StructArray,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};
use shared::Failure;

use super::{Coded, Kind, Label, Member, Scalar, Wraps, format, varint};

/// The most rows of a block, and the most cells.
const BLOCK_ROWS: usize = 512;
const BLOCK_CELLS: usize = 16 << 10;
/// Room behind the last record of a block for the 16 bytes that its last value is put down by.
const SLACK_BYTES: usize = 16;

/// Adds the rows of a batch to `out`.
pub(super) fn encode(fields: &[Member], batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), Failure> {
    if fields.len() != batch.num_columns() {
        return Err(mismatch(
            "a batch has another number of columns than its message has fields",
        ));
    }
    let columns = fields.iter().zip(batch.columns());
    let columns = columns.map(|(member, array)| Column::of_member(member, array, None));
    let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
    let step = (BLOCK_CELLS / columns.len().max(1)).clamp(1, BLOCK_ROWS);
    let (mut lens, mut cursors) = (Vec::new(), Vec::new());
    for start in (0..batch.num_rows()).step_by(step) {
        let rows = start..batch.num_rows().min(start + step);
        lens.clear();
        lens.resize(rows.len(), 0);
        for column in &mut columns {
            column.measure(rows.clone(), &mut lens);
        }
        let mut end = out.len();
        cursors.clear();
        for len in &lens {
            cursors.push(end);
            end += varint::len(*len as u64) + len;
        }
        out.resize(end + SLACK_BYTES, 0);
        for (cursor, len) in cursors.iter_mut().zip(&lens) {
            let (bytes, size) = varint::spread(*len as u64);
            put(out, cursor, bytes, size);
        }
        for column in &mut columns {
            column.write(rows.clone(), &mut cursors, out);
        }
        out.truncate(end);
        // Every record ends where the next one's length begins.
        let mut starts = lens.iter().zip(&cursors).skip(1);
        let meets = |cursor: &usize| match starts.next() {
            Some((len, next)) => *cursor + varint::len(*len as u64) + len == *next,
            None => *cursor == end,
        };
        if !cursors.iter().all(meets) {
            return Err(mismatch("a record is not as long as it was measured"));
        }
    }
    Ok(())
}

fn mismatch(what: &str) -> Failure {
    Failure::internal("proto", what)
}

/// ORs up to 16 bytes into the zeros at the cursor and moves it.
#[inline]
pub(super) fn put(out: &mut [u8], cursor: &mut usize, bytes: u128, len: usize) {
    if let Some(place) = out.get_mut(*cursor..).and_then(<[u8]>::first_chunk_mut::<16>) {
        *place = (u128::from_le_bytes(*place) | bytes).to_le_bytes();
    }
    *cursor += len;
}

#[inline]
pub(super) fn put_text(out: &mut [u8], cursor: &mut usize, text: &[u8]) {
    let end = *cursor + text.len();
    if let Some(place) = out.get_mut(*cursor..end) {
        place.copy_from_slice(text);
    }
    *cursor = end;
}

/// A field's number and wire type, as bytes.
#[derive(Debug, Clone, Copy)]
struct Tag {
    bytes: u128,
    len: usize,
}

impl Tag {
    fn new(number: u32, wire_type: u64) -> Self {
        let (bytes, len) = varint::spread(u64::from(number) << 3 | wire_type);
        Self { bytes, len }
    }

    /// Bytes with the tag before them.
    #[inline]
    const fn before(self, (bytes, len): (u128, usize)) -> (u128, usize) {
        (self.bytes | bytes << (8 * self.len), self.len + len)
    }
}

const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const DELIMITED: u64 = 2;

/// One member of a message for all the values of an array.
pub(super) struct Column {
    tag: Tag,
    /// Which values are not there.
    nulls: Option<NullBuffer>,
    values: Values,
}

enum Values {
    Bool(BooleanBuffer),
    Varint(ScalarBuffer<u64>),
    Double(ScalarBuffer<f64>),
    Text {
        offsets: OffsetBuffer<i32>,
        bytes: Buffer,
    },
    /// What becomes text first: a block's texts, made when they are measured.
    Formatted {
        format: Box<dyn FnMut(usize, &mut Vec<u8>)>,
        bytes: Vec<u8>,
        ends: Vec<usize>,
    },
    Instant(ScalarBuffer<i64>, TimeUnit),
    /// Values that stand ready, tags and all.
    Coded(Coded),
    /// `lens` are those of the block.
    Message {
        members: Vec<Column>,
        lens: Vec<usize>,
    },
    /// `lens` are those of the block's items.
    List {
        offsets: OffsetBuffer<i32>,
        item: Box<Column>,
        is_packed: bool,
        lens: Vec<usize>,
    },
}

/// Calls with the position in the block and in the array of each value that is there.
#[inline]
fn each(nulls: Option<&NullBuffer>, range: std::ops::Range<usize>, mut take: impl FnMut(usize, usize)) {
    match nulls {
        None => range.enumerate().for_each(|(at, index)| take(at, index)),
        Some(nulls) => {
            for (at, index) in range.enumerate() {
                if nulls.is_valid(index) {
                    take(at, index);
                }
            }
        }
    }
}

impl Column {
    pub(super) fn of_member(
        member: &Member,
        array: &dyn Array,
        mask: Option<&NullBuffer>,
    ) -> Result<Self, Failure> {
        if mask.is_none()
            && let Some(coded) = Coded::of(member, array)?
        {
            let tag = Tag { bytes: 0, len: 0 };
            return Ok(Self {
                tag,
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
            item.tag = Tag { bytes: 0, len: 0 };
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

    /// Adds to each of the block's records what its value will take.
    pub(super) fn measure(&mut self, range: std::ops::Range<usize>, records: &mut [usize]) {
        let tag = self.tag;
        let nulls = self.nulls.as_ref();
        let mut add = |at: usize, len: usize| {
            if let Some(record) = records.get_mut(at) {
                *record += tag.len + len;
            }
        };
        match &mut self.values {
            Values::Coded(coded) => coded.measure(range, records),
            Values::Bool(_) => each(nulls, range, |at, _| add(at, 1)),
            Values::Double(_) => each(nulls, range, |at, _| add(at, 8)),
            Values::Varint(values) => {
                each(nulls, range, |at, index| add(at, varint::len(get(values, index))));
            }
            Values::Text { offsets, .. } => each(nulls, range, |at, index| {
                let (start, end) = span(offsets, index);
                add(at, delimited(end - start));
            }),
            Values::Formatted { format, bytes, ends } => {
                bytes.clear();
                ends.clear();
                ends.resize(range.len(), 0);
                each(nulls, range, |at, index| {
                    let start = bytes.len();
                    format(index, bytes);
                    if let Some(end) = ends.get_mut(at) {
                        *end = bytes.len();
                    }
                    add(at, delimited(bytes.len() - start));
                });
            }
            Values::Instant(values, unit) => each(nulls, range, |at, index| {
                let (seconds, nanos) = format::instant(get(values, index), *unit);
                add(at, delimited(instant_len(seconds, nanos)));
            }),
            Values::Message { members, lens } => {
                lens.clear();
                lens.resize(range.len(), 0);
                for member in members {
                    member.measure(range.clone(), lens);
                }
                each(nulls, range, |at, _| add(at, delimited(get(lens, at))));
            }
            Values::List {
                offsets,
                item,
                is_packed,
                lens,
            } => {
                let items = items(offsets, &range);
                lens.clear();
                lens.resize(items.len(), 0);
                item.measure(items.clone(), lens);
                for (at, index) in range.enumerate() {
                    let (start, end) = span(offsets, index);
                    let lens = lens
                        .get(start - items.start..end - items.start)
                        .unwrap_or_default();
                    let len: usize = lens.iter().sum();
                    let Some(record) = records.get_mut(at).filter(|_| len > 0) else {
                        continue;
                    };
                    *record += if *is_packed { tag.len + delimited(len) } else { len };
                }
            }
        }
    }

    /// Writes the block's values at the cursors.
    pub(super) fn write(&mut self, range: std::ops::Range<usize>, cursors: &mut [usize], out: &mut [u8]) {
        let tag = self.tag;
        let nulls = self.nulls.as_ref();
        match &mut self.values {
            Values::Coded(coded) => coded.write(range, cursors, out),
            Values::Bool(values) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (bytes, len) = tag.before((u128::from(values.value(index)), 1));
                put(out, cursor, bytes, len);
            }),
            Values::Varint(values) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (bytes, len) = tag.before(varint::spread(get(values, index)));
                put(out, cursor, bytes, len);
            }),
            Values::Double(values) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (bytes, len) = tag.before((u128::from(get(values, index).to_bits()), 8));
                put(out, cursor, bytes, len);
            }),
            Values::Text { offsets, bytes } => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (start, end) = span(offsets, index);
                let rest = bytes.get(start..).unwrap_or_default();
                write_text(tag, rest, end - start, cursor, out);
            }),
            Values::Formatted { bytes, ends, .. } => {
                let mut start = 0;
                each(nulls, range, |at, _| {
                    let Some(cursor) = cursors.get_mut(at) else { return };
                    let end = get(ends, at);
                    write_text(
                        tag,
                        bytes.get(start..).unwrap_or_default(),
                        end - start,
                        cursor,
                        out,
                    );
                    start = end;
                });
            }
            Values::Instant(values, unit) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (seconds, nanos) = format::instant(get(values, index), *unit);
                let (bytes, len) = tag.before((instant_len(seconds, nanos) as u128, 1));
                put(out, cursor, bytes, len);
                for (field, value) in [(1, seconds), (2, nanos)] {
                    if value != 0 {
                        let (bytes, len) = varint::spread(value);
                        put(out, cursor, u128::from(field << 3 | VARINT) | bytes << 8, 1 + len);
                    }
                }
            }),
            Values::Message { members, lens } => {
                each(nulls, range.clone(), |at, _| {
                    let Some(cursor) = cursors.get_mut(at) else { return };
                    let (bytes, len) = tag.before(varint::spread(get(lens, at) as u64));
                    put(out, cursor, bytes, len);
                });
                for member in members {
                    member.write(range.clone(), cursors, out);
                }
            }
            Values::List {
                offsets,
                item,
                is_packed,
                lens,
            } => {
                let items = items(offsets, &range);
                let mut starts = Vec::with_capacity(items.len());
                for (cursor, index) in cursors.iter_mut().zip(range) {
                    let (start, end) = span(offsets, index);
                    let lens = lens
                        .get(start - items.start..end - items.start)
                        .unwrap_or_default();
                    let len: usize = lens.iter().sum();
                    if *is_packed && len > 0 {
                        let (bytes, len) = tag.before(varint::spread(len as u64));
                        put(out, cursor, bytes, len);
                    }
                    for len in lens {
                        starts.push(*cursor);
                        *cursor += len;
                    }
                }
                item.write(items, &mut starts, out);
            }
        }
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

#[inline]
pub(super) fn get<T: Copy + Default>(values: &[T], index: usize) -> T {
    values.get(index).copied().unwrap_or_default()
}

/// An offset of Arrow's, never negative.
#[inline]
fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

#[inline]
fn span(offsets: &[i32], row: usize) -> (usize, usize) {
    match offsets.get(row..).and_then(<[i32]>::first_chunk) {
        Some([start, end]) => (index(*start), index(*end)),
        None => (0, 0),
    }
}

/// The items of some rows.
fn items(offsets: &[i32], rows: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    index(get(offsets, rows.start))..index(get(offsets, rows.end))
}

/// Bytes with their length before them.
#[inline]
const fn delimited(len: usize) -> usize {
    varint::len(len as u64) + len
}

/// Writes the first `len` bytes of `rest`.
#[inline]
fn write_text(tag: Tag, rest: &[u8], len: usize, cursor: &mut usize, out: &mut [u8]) {
    let (head, head_len) = tag.before(varint::spread(len as u64));
    // Most texts fit behind their length in one step, if as many bytes can be read.
    if head_len + len <= 16
        && let Some(text) = rest.first_chunk::<16>()
    {
        let shift = 8 * (16 - len.min(15));
        let text = if len == 0 {
            0
        } else {
            u128::from_le_bytes(*text) << shift >> shift
        };
        put(out, cursor, head | text << (8 * head_len), head_len + len);
        return;
    }
    put(out, cursor, head, head_len);
    put_text(out, cursor, rest.get(..len).unwrap_or_default());
}

const fn instant_len(seconds: u64, nanos: u64) -> usize {
    let seconds = if seconds == 0 { 0 } else { 1 + varint::len(seconds) };
    let nanos = if nanos == 0 { 0 } else { 1 + varint::len(nanos) };
    seconds + nanos
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
    let formatted = |format: Box<dyn FnMut(usize, &mut Vec<u8>)>| Values::Formatted {
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
                out.extend_from_slice(texts.value(index).as_bytes())
            }))
        }
        (Scalar::Text, DataType::Utf8View) => {
            let texts = array.as_string_view().clone();
            formatted(Box::new(move |index, out| {
                out.extend_from_slice(texts.value(index).as_bytes())
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
                dates.write(i64::from(get(&days, index)), out)
            }))
        }
        (Scalar::Time(unit), DataType::Time64(_)) => {
            let times = ticks(array)?;
            formatted(Box::new(move |index, out| {
                format::time(get(&times, index), unit, out)
            }))
        }
        (Scalar::Time(unit), DataType::Time32(_)) => {
            let data = array.to_data();
            let buffer = data.buffers().first().cloned().unwrap_or_default();
            let times = ScalarBuffer::<i32>::new(buffer, data.offset(), data.len());
            formatted(Box::new(move |index, out| {
                format::time(i64::from(get(&times, index)), unit, out)
            }))
        }
        (Scalar::LocalTimestamp(unit), DataType::Timestamp(_, None)) => {
            let times = ticks(array)?;
            let mut dates = format::Dates::default();
            formatted(Box::new(move |index, out| {
                dates.write_timestamp(get(&times, index), unit, out)
            }))
        }
        (Scalar::Decimal { scale }, DataType::Decimal128(..)) => {
            let values = primitive!(Decimal128Type).clone();
            formatted(Box::new(move |index, out| {
                format::decimal(get(&values, index), scale, out)
            }))
        }
        _ => return Err(mismatch("a column is of another type than its field")),
    })
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
