//! Rows as records: sizes first, a column at a time, and then the bytes, a column at a time, each into its place.
//!
//! Rows are taken in blocks whose records stay in the cache. The first pass over a block adds up how long each
//! record will be; from that follows where each begins, and the room is made at once, filled with zeros. In the second
//! pass every row has a cursor, and each column writes at the cursors and moves them on. So a column's type is looked at
//! once a block, and its loop is about one type.
//!
//! A value is put down by an OR of 16 bytes into the zeros: it needs no branch on how long it is, and what lies behind it,
//! written before or after, stays.

use std::ops::Range;

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::TimeUnit;
use shared::Failure;

use super::{Coded, Member, format, placed::Placed};
use crate::{cells::Rows, write::varint};

/// The most rows of a block, and the most cells.
const BLOCK_ROWS: usize = 512;
const BLOCK_CELLS: usize = 16 << 10;
/// Room behind the last record of a block for the 16 bytes that its last value is put down by.
const SLACK_BYTES: usize = 16;

/// Adds rows to `out`.
pub(super) fn encode(fields: &[Member], rows: &Rows, out: &mut Vec<u8>) -> Result<(), Failure> {
    if fields.len() != rows.columns.len() {
        return Err(mismatch(
            "rows have another number of columns than their message has fields",
        ));
    }
    let columns = fields.iter().zip(&rows.columns);
    let columns = columns.map(|(member, cells)| Placed::new(member, cells));
    let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
    let cells: usize = rows.columns.iter().map(|cells| cells.values.len()).sum();
    let step = (BLOCK_CELLS / (cells / rows.count.max(1)).max(1)).clamp(1, BLOCK_ROWS);
    let (mut lens, mut cursors, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for start in (0..rows.count).step_by(step) {
        let block = start..rows.count.min(start + step);
        lens.clear();
        lens.resize(block.len(), 0);
        for column in &mut columns {
            column.measure(block.clone(), &mut lens);
        }
        // No length takes more room than that of the longest.
        let most = varint::len(lens.iter().fold(0, |most, len| most | len) as u64);
        let mut end = out.len();
        out.resize(
            end + lens.iter().sum::<usize>() + most * block.len() + SLACK_BYTES,
            0,
        );
        cursors.clear();
        ends.clear();
        for len in &lens {
            let (bytes, size) = varint::spread(*len as u64);
            put(out, &mut end, bytes, size);
            cursors.push(end);
            end += len;
            ends.push(end);
        }
        for column in &mut columns {
            column.write(block.clone(), &mut cursors, out);
        }
        out.truncate(end);
        if start == 0 {
            // The other blocks will be about as long.
            out.reserve(end / block.len().max(1) * (rows.count - block.len()) + end);
        }
        if cursors != ends {
            return Err(mismatch("a record is not as long as it was measured"));
        }
    }
    Ok(())
}

pub(super) fn mismatch(what: &str) -> Failure {
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

/// The same for up to 8 bytes.
#[inline]
fn put_word(out: &mut [u8], cursor: &mut usize, bytes: u64, len: usize) {
    if let Some(place) = out.get_mut(*cursor..).and_then(<[u8]>::first_chunk_mut::<8>) {
        *place = (u64::from_le_bytes(*place) | bytes).to_le_bytes();
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
pub(super) struct Tag {
    bytes: u128,
    /// The first 8 of the bytes.
    first: u64,
    len: usize,
}

impl Tag {
    /// None, for what is packed.
    pub(super) const NONE: Self = Self {
        bytes: 0,
        first: 0,
        len: 0,
    };

    pub(super) fn new(number: u32, wire_type: u64) -> Self {
        let (bytes, len) = varint::spread(u64::from(number) << 3 | wire_type);
        Self {
            bytes,
            first: u64::try_from(bytes).unwrap_or(u64::MAX),
            len,
        }
    }

    /// Bytes with the tag before them.
    #[inline]
    const fn before(self, (bytes, len): (u128, usize)) -> (u128, usize) {
        // A shift by a constant is a fraction of one of 128 bits by a variable.
        let bytes = match self.len {
            1 => bytes << 8,
            2 => bytes << 16,
            len => bytes << (8 * len),
        };
        (self.bytes | bytes, self.len + len)
    }
}

pub(super) const VARINT: u64 = 0;
pub(super) const FIXED_64: u64 = 1;
pub(super) const DELIMITED: u64 = 2;

/// One member of a message for all the values of an array.
pub(super) struct Column {
    pub(super) tag: Tag,
    /// Which values are not there.
    pub(super) nulls: Option<NullBuffer>,
    pub(super) values: Values,
}

/// Adds the text of the value at an index.
pub(super) type Format = Box<dyn FnMut(usize, &mut Vec<u8>)>;

pub(super) enum Values {
    Bool(BooleanBuffer),
    Varint(ScalarBuffer<u64>),
    Double(ScalarBuffer<f64>),
    Text {
        offsets: OffsetBuffer<i32>,
        bytes: Buffer,
    },
    /// What becomes text first: a block's texts, made when they are measured.
    Formatted {
        format: Format,
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
fn each(nulls: Option<&NullBuffer>, range: Range<usize>, mut take: impl FnMut(usize, usize)) {
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
    /// Adds to each of the block's records what its value will take.
    pub(super) fn measure(&mut self, range: Range<usize>, records: &mut [usize]) {
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
                let values: &[u64] = values;
                each(nulls, range, |at, index| add(at, varint::len(get(values, index))));
            }
            Values::Text { offsets, .. } => {
                let offsets: &[i32] = offsets;
                each(nulls, range, |at, index| {
                    let (start, end) = span(offsets, index);
                    add(at, delimited(end - start));
                });
            }
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
    pub(super) fn write(&mut self, range: Range<usize>, cursors: &mut [usize], out: &mut [u8]) {
        let tag = self.tag;
        let nulls = self.nulls.as_ref();
        match &mut self.values {
            Values::Coded(coded) => coded.write(range, cursors, out),
            Values::Bool(values) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (bytes, len) = tag.before((u128::from(values.value(index)), 1));
                put(out, cursor, bytes, len);
            }),
            Values::Varint(values) => {
                let values: &[u64] = values;
                each(nulls, range, |at, index| {
                    let Some(cursor) = cursors.get_mut(at) else { return };
                    let (bytes, len) = tag.before(varint::spread(get(values, index)));
                    put(out, cursor, bytes, len);
                });
            }
            Values::Double(values) => each(nulls, range, |at, index| {
                let Some(cursor) = cursors.get_mut(at) else { return };
                let (bytes, len) = tag.before((u128::from(get(values, index).to_bits()), 8));
                put(out, cursor, bytes, len);
            }),
            Values::Text { offsets, bytes } => {
                let (offsets, bytes): (&[i32], &[u8]) = (offsets, bytes);
                each(nulls, range, |at, index| {
                    let Some(cursor) = cursors.get_mut(at) else { return };
                    let (start, end) = span(offsets, index);
                    let rest = bytes.get(start..).unwrap_or_default();
                    write_text(tag, rest, end - start, cursor, out);
                });
            }
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

#[inline]
pub(super) fn get<T: Copy + Default>(values: &[T], index: usize) -> T {
    values.get(index).copied().unwrap_or_default()
}

/// An offset of Arrow's, never negative.
#[inline]
pub(super) fn index(offset: i32) -> usize {
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
fn items(offsets: &[i32], rows: &Range<usize>) -> Range<usize> {
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
    // Most texts fit behind their length in one step, if as many bytes can be read.
    if let (1, 0..=6, Some(text)) = (tag.len, len, rest.first_chunk::<8>()) {
        let text = u64::from_le_bytes(*text) & ((1 << (8 * len)) - 1);
        put_word(out, cursor, tag.first | (len as u64) << 8 | text << 16, 2 + len);
        return;
    }
    let (head, head_len) = tag.before(varint::spread(len as u64));
    if let (2, 0..=14, Some(text)) = (head_len, len, rest.first_chunk::<16>()) {
        let text = u128::from_le_bytes(*text) & ((1 << (8 * len)) - 1);
        put(out, cursor, head | text << 16, 2 + len);
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

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
