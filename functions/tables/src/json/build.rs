//! Records to arrays: each value goes from the text straight into its column's array to be.
//!
//! A column keeps the values that are there, and in which rows they stand. So a record takes the time and the memory of the
//! keys it has, not of those that others have.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, StructArray, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};

use super::{
    Fault, MOST_MISSING,
    cursor::{Cursor, Whole},
    moments::Moments,
    numbers::as_float,
    presence::Presence,
    shape::{Kind, Node, Object, Seen},
};
use crate::{cells::Cells, write::proto::NEVER_EMPTY};

/// Why a record is not taken.
pub(super) enum Stop {
    Fault(Fault),
    Contradiction,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a record takes of memory.
struct Tally {
    cells: usize,
    /// Fields that the objects within it have not.
    missing: usize,
}

/// What an item of a list takes, in cells: Parquet's writer takes its levels, and that of records its place.
const ITEM_CELLS: usize = 3;

/// The columns that are an object's members.
pub(super) struct Members {
    columns: Vec<(Key, Column)>,
    index: HashMap<Vec<u8>, usize>,
    /// The columns that no object lacks.
    required: Vec<usize>,
}

/// A key, and how it most likely stands in the text.
struct Key {
    quoted: Option<Vec<u8>>,
}

struct Column {
    /// It may lack the last rows, which then have no value.
    presence: Presence,
    is_nullable: bool,
    values: Values,
}

/// The values that are there.
enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    UInt(Vec<u64>),
    Float(Vec<f64>),
    Text {
        bytes: Vec<u8>,
        offsets: Vec<i32>,
        seen: Seen,
    },
    Moments(Moments),
    Struct(Members),
    List {
        item: Box<Column>,
        offsets: Vec<i32>,
        is_never_empty: bool,
    },
}

impl Members {
    pub(super) fn new(object: &Object, fields: &Fields) -> Self {
        let mut index = HashMap::new();
        let is_required = |(_, field): &(usize, &Arc<Field>)| !field.is_nullable();
        let required = fields.iter().enumerate().filter(is_required);
        let required = required.map(|(at, _)| at).collect();
        let columns = object
            .fields()
            .zip(fields)
            .enumerate()
            .map(|(at, ((key, node), field))| {
                index.insert(key.as_bytes().to_vec(), at);
                let is_plain = key
                    .bytes()
                    .all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
                let quoted = is_plain.then(|| format!("\"{key}\"").into_bytes());
                (Key { quoted }, Column::new(node, field))
            });
        Self {
            columns: columns.collect(),
            index,
            required,
        }
    }

    /// Takes a record; `rows` were taken before. Gives what it takes of memory, in cells.
    pub(super) fn take_record(&mut self, text: &[u8], rows: usize) -> Result<usize, Stop> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        if cursor.peek() != Some(b'{') {
            cursor.skip_value(0)?;
            cursor.end()?;
            return Err(Stop::Fault(Fault::NotAnObject));
        }
        let mut tally = Tally { cells: 1, missing: 0 };
        self.take(&mut cursor, rows, 0, &mut tally)?;
        cursor.end()?;
        Ok(tally.cells)
    }

    /// Takes the object at the cursor.
    fn take(
        &mut self,
        cursor: &mut Cursor<'_>,
        rows: usize,
        depth: usize,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        let mut members = cursor.open(b'}', depth)?;
        let (mut next, mut seen) = (0, 0);
        while members.next(cursor, "a comma or the closing brace")? {
            let at = self.find(cursor, next)?;
            next = at + 1;
            cursor.colon()?;
            let Some((_, column)) = self.columns.get_mut(at) else {
                return Err(Stop::Contradiction);
            };
            if column.presence.len() > rows {
                // The last of two counts.
                column.truncate(rows);
            }
            column.presence.pass_to(rows);
            column.take(cursor, depth + 1, tally)?;
            seen += 1;
        }
        if depth == 0 {
            tally.cells += seen;
        } else {
            // Within columns all of them have a place.
            tally.cells += self.columns.len();
            tally.missing += self.columns.len().saturating_sub(seen);
            if tally.missing > MOST_MISSING {
                return Err(Stop::Fault(Fault::TooSparse));
            }
        }
        let is_there = |at: &usize| {
            self.columns
                .get(*at)
                .is_some_and(|(_, column)| column.presence.len() > rows)
        };
        if self.required.iter().all(is_there) {
            Ok(())
        } else {
            Err(Stop::Contradiction)
        }
    }

    /// Passes a key; gives where its column is, or a place where none is.
    #[inline]
    fn find(&self, cursor: &mut Cursor<'_>, guess: usize) -> Result<usize, Fault> {
        // Most objects have their keys in one order, some of them left out.
        for (at, (key, _)) in self.columns.iter().enumerate().skip(guess).take(4) {
            if key.quoted.as_ref().is_some_and(|quoted| cursor.take(quoted)) {
                return Ok(at);
            }
        }
        let text = cursor.string()?;
        let at = if text.is_escaped {
            let mut key = Vec::new();
            text.write(&mut key)?;
            self.index.get(&key)
        } else {
            self.index.get(text.raw)
        };
        Ok(at.copied().unwrap_or(self.columns.len()))
    }

    pub(super) fn say_no_more_than(&self, object: &Object) -> bool {
        let mut columns = self.columns.iter().zip(object.fields());
        columns.all(|((_, column), (_, node))| column.says_no_more_than(node))
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        for (_, column) in &mut self.columns {
            column.truncate(rows);
        }
    }

    /// The columns of so many rows.
    pub(super) fn finish(self, fields: &Fields, rows: usize) -> Result<Vec<Cells>, ArrowError> {
        let columns = self.columns.into_iter().zip(fields);
        columns
            .map(|((_, column), field)| column.finish(field, rows))
            .collect()
    }
}

impl Column {
    fn new(node: &Node, field: &Field) -> Self {
        let values = match (node.kind(), field.data_type()) {
            (Kind::Bool, _) => Values::Bool(Vec::new()),
            (Kind::Int, _) => Values::Int(Vec::new()),
            (Kind::UInt, _) => Values::UInt(Vec::new()),
            (Kind::Float, _) => Values::Float(Vec::new()),
            (Kind::Struct(object), DataType::Struct(fields)) => Values::Struct(Members::new(object, fields)),
            (Kind::List(item), DataType::List(item_field)) => Values::List {
                item: Box::new(Self::new(item, item_field)),
                offsets: vec![0],
                is_never_empty: field.metadata().contains_key(NEVER_EMPTY),
            },
            (Kind::Text(seen), _) => Values::text(seen),
            (Kind::Moments(strings), _) => Values::Moments(Moments::new(strings)),
            (Kind::Struct(_) | Kind::List(_), _) => Values::text(Seen::Mixed),
        };
        Self {
            presence: Presence::default(),
            is_nullable: field.is_nullable(),
            values,
        }
    }

    /// Whether its strings say no more than is known of its node's.
    fn says_no_more_than(&self, node: &Node) -> bool {
        match (&self.values, node.kind()) {
            (Values::Moments(moments), Kind::Moments(known)) => moments.say_no_more_than(known),
            (Values::Struct(members), Kind::Struct(object)) => members.say_no_more_than(object),
            (Values::List { item, .. }, Kind::List(node)) => item.says_no_more_than(node),
            _ => true,
        }
    }

    /// Takes the value at the cursor. Of a fault or a contradiction it may keep a part: [`Column::truncate`].
    fn take(&mut self, cursor: &mut Cursor<'_>, depth: usize, tally: &mut Tally) -> Result<(), Stop> {
        let first = cursor.peek();
        if first == Some(b'n') {
            cursor.literal("null")?;
            if !self.is_nullable {
                return Err(Stop::Contradiction);
            }
            self.presence.pass_to(self.presence.len() + 1);
            return Ok(());
        }
        match &mut self.values {
            Values::Int(values) if is_number(first) => match cursor.number()? {
                Whole::Int(value) => values.push(value),
                _ => return Err(Stop::Contradiction),
            },
            Values::UInt(values) if is_number(first) => match cursor.number()? {
                Whole::Int(value) => values.push(u64::try_from(value).map_err(|_| Stop::Contradiction)?),
                Whole::Big(value) => values.push(value),
                _ => return Err(Stop::Contradiction),
            },
            Values::Float(values) if is_number(first) => {
                let start = cursor.at();
                let whole = cursor.number()?;
                values.push(as_float(whole, cursor.since(start)).ok_or(Stop::Contradiction)?);
            }
            Values::Bool(values) if first == Some(b't') => {
                cursor.literal("true")?;
                values.push(true);
            }
            Values::Bool(values) if first == Some(b'f') => {
                cursor.literal("false")?;
                values.push(false);
            }
            Values::Moments(moments) if first == Some(b'"') => {
                if !moments.take(cursor.string()?)? {
                    return Err(Stop::Contradiction);
                }
            }
            Values::Text { bytes, offsets, seen } => {
                if first == Some(b'"') {
                    cursor.string()?.write(bytes)?;
                } else {
                    let start = cursor.at();
                    cursor.skip_value(depth)?;
                    let raw = cursor.since(start);
                    let is_known = match seen {
                        Seen::Nothing => false,
                        Seen::EmptyObjects => first != Some(b'{') || is_empty_object(raw),
                        Seen::Mixed => true,
                    };
                    if !is_known {
                        return Err(Stop::Contradiction);
                    }
                    bytes.extend_from_slice(raw);
                }
                offsets.push(offset(bytes.len()));
            }
            Values::Struct(members) if first == Some(b'{') => {
                members.take(cursor, self.presence.values(), depth, tally)?;
            }
            Values::List {
                item,
                offsets,
                is_never_empty,
            } if first == Some(b'[') => {
                let mut items = cursor.open(b']', depth)?;
                let mut is_empty = true;
                while items.next(cursor, "a comma or the closing bracket")? {
                    is_empty = false;
                    tally.cells += ITEM_CELLS;
                    item.take(cursor, depth + 1, tally)?;
                }
                if is_empty && *is_never_empty {
                    return Err(Stop::Contradiction);
                }
                offsets.push(offset(item.presence.len()));
            }
            _ => return Err(Stop::Contradiction),
        }
        self.presence.push();
        Ok(())
    }

    /// Lets go of all but the first rows.
    fn truncate(&mut self, len: usize) {
        self.presence.truncate(len);
        let len = self.presence.values();
        match &mut self.values {
            Values::Bool(values) => values.truncate(len),
            Values::Int(values) => values.truncate(len),
            Values::UInt(values) => values.truncate(len),
            Values::Float(values) => values.truncate(len),
            Values::Text { bytes, offsets, .. } => bytes.truncate(cut(offsets, len)),
            Values::Moments(moments) => moments.truncate(len),
            Values::Struct(members) => members.truncate(len),
            Values::List { item, offsets, .. } => item.truncate(cut(offsets, len)),
        }
    }

    fn finish(self, field: &Field, rows: usize) -> Result<Cells, ArrowError> {
        Ok(Cells {
            values: self.values.finish(field, self.presence.values())?,
            places: self.presence.places(rows).map(Arc::from),
            rows,
        })
    }
}

impl Values {
    fn text(seen: Seen) -> Self {
        Self::Text {
            bytes: Vec::new(),
            offsets: vec![0],
            seen,
        }
    }

    /// An array of the values, of which there are so many.
    fn finish(self, field: &Field, len: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match (self, field.data_type()) {
            (Self::Bool(values), _) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), None)),
            (Self::Int(values), _) => Arc::new(Int64Array::try_new(values.into(), None)?),
            (Self::UInt(values), _) => Arc::new(UInt64Array::try_new(values.into(), None)?),
            (Self::Float(values), _) => Arc::new(Float64Array::try_new(values.into(), None)?),
            (Self::Text { bytes, offsets, .. }, _) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), None)?)
            }
            (Self::Moments(moments), kind) => moments.finish(kind)?,
            (Self::Struct(members), DataType::Struct(fields)) => {
                let members = members.finish(fields, len)?;
                let members = members.iter().map(Cells::to_array).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new(fields.clone(), members, None)?)
            }
            (Self::List { item, offsets, .. }, DataType::List(field)) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let items = item.presence.len();
                let items = item.finish(field, items)?.to_array()?;
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, None)?)
            }
            (_, other) => return Err(ArrowError::SchemaError(format!("no values for {other}"))),
        })
    }
}

const fn is_number(first: Option<u8>) -> bool {
    matches!(first, Some(b'-' | b'0'..=b'9'))
}

fn is_empty_object(raw: &[u8]) -> bool {
    let inner = raw.strip_prefix(b"{").and_then(|raw| raw.strip_suffix(b"}"));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// Never beyond: a slab is far smaller than 2 GiB.
fn offset(len: usize) -> i32 {
    i32::try_from(len).unwrap_or(i32::MAX)
}

/// Cuts offsets after `len` values; gives where the last of those ends.
fn cut(offsets: &mut Vec<i32>, len: usize) -> usize {
    offsets.truncate(len + 1);
    offsets
        .last()
        .map_or(0, |end| usize::try_from(*end).unwrap_or_default())
}
