//! What the records hold: which keys, and what stands under each.
//!
//! A shape only widens. Of everything that could stand under a key it keeps whether it was seen, so that what two parts of
//! a text show can be put together in any grouping, and gives what one pass over both would have: the type is decided
//! from what was seen, last of all.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use arrow_schema::{DataType, Field, Fields, Schema};
use shared::Failure;

use super::{
    Fault, Slab,
    cursor::{Cursor, Text},
    numbers::number_bits,
};
use crate::{
    columns::names::unique_names,
    processor::MAX_COLUMNS,
    profile::ColumnProfile,
    types::{ColumnType, Inference},
    write::proto::NEVER_EMPTY,
};

/// An object within a row that has more keys, over all rows, has names for data (identifiers, dates): it stays JSON text.
pub const MAX_FIELDS: usize = 1_000;

/// What records hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    pub(super) row: Object,
}

/// The members of objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    fields: Vec<(String, Node)>,
    index: HashMap<String, usize>,
    /// How many objects there were.
    objects: u64,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        (self.objects, &self.fields) == (other.objects, &other.fields)
    }
}

impl Eq for Object {}

/// What was seen under a key, or in a list.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    seen: u16,
    /// In how many objects the key was.
    present: u64,
    /// The object in which it was last, by its number: a key may be there twice.
    last: u64,
    object: Option<Box<Object>>,
    item: Option<Box<Node>>,
    /// What the strings may be.
    strings: Option<Box<Inference>>,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        (self.seen, self.present, &self.object, &self.item, &self.strings)
            == (
                other.seen,
                other.present,
                &other.object,
                &other.item,
                &other.strings,
            )
    }
}

impl Eq for Node {}

const NULL: u16 = 1;
const BOOL: u16 = 1 << 1;
const TEXT: u16 = 1 << 2;
const OBJECT: u16 = 1 << 3;
const LIST: u16 = 1 << 4;
const EMPTY_LIST: u16 = 1 << 5;
/// An integer that an `i64` holds; one below zero; one that an `f64` does not hold.
pub(super) const INT: u16 = 1 << 6;
pub(super) const NEGATIVE: u16 = 1 << 7;
pub(super) const UNSAFE_INT: u16 = 1 << 8;
/// An integer that only a `u64` holds.
pub(super) const BIG: u16 = 1 << 9;
/// Another number, that an `f64` holds; and one that none of them does.
pub(super) const FLOAT: u16 = 1 << 10;
pub(super) const HUGE: u16 = 1 << 11;
/// An object of too many keys.
const WIDE: u16 = 1 << 12;

/// What a column is written as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    Bool,
    Int,
    UInt,
    Float,
    Text(Seen),
    /// Strings that are days, times, instants or UUIDs: so much is known of them.
    Moments(&'a Inference),
    Struct(&'a Object),
    List(&'a Node),
}

/// Why a column is text: what follows from it is whether another value could make it something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It had no value yet.
    Nothing,
    /// Objects, and no key in them.
    EmptyObjects,
    /// Strings or a mix: whatever comes, it stays text.
    Mixed,
}

impl Shape {
    /// The shape of a slab's records; those that will be rejected are passed over.
    #[must_use]
    pub fn infer(slab: &Slab, record_bytes: usize) -> Self {
        let mut shape = Self::default();
        slab.for_each_record(record_bytes, |record| {
            // All of it is checked before any of it counts.
            let Ok(text) = record.text.and_then(check_object) else {
                return;
            };
            let mut cursor = Cursor::new(text);
            cursor.skip_space();
            // It was checked.
            let _ = shape.row.observe(&mut cursor, 0);
        });
        shape
    }

    /// Takes in what another part of the text showed: keys that are new come behind those that are known.
    pub fn merge(&mut self, other: Self) {
        self.row.merge(other.row);
    }

    /// Whether a record was an object.
    #[must_use]
    pub const fn has_objects(&self) -> bool {
        self.row.objects > 0
    }

    /// How many columns a table of it has, the fields of structs counted.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.row.columns()
    }

    /// Tells the columns of its schema which keys they are of, where their names are others.
    pub fn name_sources(&self, columns: &mut [ColumnProfile]) {
        self.row.name_sources(columns);
    }

    /// Whether the same is known of the strings, which `other` has in the same places at least.
    pub(super) fn knows_strings_of(&self, other: &Self) -> bool {
        self.row.knows_strings_of(&other.row)
    }

    /// Whether there is a column at all, and no more of them than a table may have.
    ///
    /// # Errors
    /// [`Failure::rejected`] and [`Failure::limit`].
    pub fn check(&self) -> Result<(), Failure> {
        match self.columns() {
            0 => Err(Failure::rejected("no-columns", "no object has a key")),
            columns if columns > MAX_COLUMNS => {
                let message =
                    format!("{columns} different keys, and a table has at most {MAX_COLUMNS} columns");
                Err(Failure::limit("too-many-columns", message))
            }
            _ => Ok(()),
        }
    }

    /// The Arrow schema. Keys are names, made unique and legal ([`unique_names`]).
    #[must_use]
    pub fn schema(&self) -> Schema {
        Schema::new(self.row.arrow_fields())
    }
}

/// A record's text, if it is an object.
pub(super) fn check_object(text: &[u8]) -> Result<&[u8], Fault> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let first = cursor.peek();
    cursor.skip_value(0)?;
    cursor.end()?;
    if first == Some(b'{') {
        Ok(text)
    } else {
        Err(Fault::NotAnObject)
    }
}

impl Object {
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.fields.iter().map(|(key, node)| (key.as_str(), node))
    }

    pub(super) fn arrow_fields(&self) -> Fields {
        let keys: Vec<String> = self.fields.iter().map(|(key, _)| key.clone()).collect();
        let fields = unique_names(&keys).into_iter().zip(&self.fields);
        fields
            .map(|(name, (_, node))| node.arrow_field(&name, node.present < self.objects))
            .collect()
    }

    fn columns(&self) -> usize {
        self.fields.iter().map(|(_, node)| node.columns()).sum()
    }

    fn knows_strings_of(&self, other: &Self) -> bool {
        let mut fields = self.fields.iter().zip(&other.fields);
        fields.all(|((_, ours), (_, theirs))| ours.knows_strings_of(theirs))
    }

    fn name_sources(&self, columns: &mut [ColumnProfile]) {
        for ((key, node), column) in self.fields.iter().zip(columns) {
            column.source_name = (*key != column.name).then(|| key.clone());
            node.name_sources(column);
        }
    }

    /// Takes note of the object at the cursor; the position is that of its first key that is one too many, if so.
    fn observe(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
        self.objects += 1;
        let mut members = cursor.open(b'}', depth)?;
        let mut next = 0;
        while members.next(cursor, "a comma or the closing brace")? {
            let text = cursor.string()?;
            let mut key = Cow::Borrowed(text.raw);
            if text.is_escaped {
                let mut unescaped = Vec::new();
                text.write(&mut unescaped)?;
                key = Cow::Owned(unescaped);
            }
            let key = std::str::from_utf8(&key).unwrap_or_default();
            cursor.colon()?;
            let at = self.find(key, next);
            next = at + 1;
            let objects = self.objects;
            if let Some((_, node)) = self.fields.get_mut(at) {
                if node.last != objects {
                    node.last = objects;
                    node.present += 1;
                }
                node.observe(cursor, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Where a key is; it is added if it is nowhere. `guess` is the place after the last one.
    fn find(&mut self, key: &str, guess: usize) -> usize {
        if self.fields.get(guess).is_some_and(|(known, _)| known == key) {
            return guess;
        }
        if let Some(at) = self.index.get(key) {
            return *at;
        }
        let at = self.fields.len();
        self.index.insert(key.to_owned(), at);
        self.fields.push((key.to_owned(), Node::default()));
        at
    }

    fn merge(&mut self, other: Self) {
        self.objects += other.objects;
        for (key, node) in other.fields {
            let at = self.find(&key, self.fields.len());
            if let Some((_, known)) = self.fields.get_mut(at) {
                known.merge(node);
            }
        }
    }
}

impl Node {
    /// What its column is written as.
    pub(super) fn kind(&self) -> Kind<'_> {
        const NUMBER: u16 = INT | BIG | FLOAT | HUGE;
        let seen = |bits: u16| self.seen & bits != 0;
        let kinds = [BOOL, TEXT, OBJECT | WIDE, LIST, NUMBER];
        match kinds.into_iter().filter(|kind| seen(*kind)).count() {
            0 => return Kind::Text(Seen::Nothing),
            1 => {}
            _ => return Kind::Text(Seen::Mixed),
        }
        if seen(BOOL) {
            return Kind::Bool;
        }
        if seen(NUMBER) {
            return match () {
                () if seen(HUGE) || (seen(BIG) && seen(NEGATIVE | FLOAT)) => Kind::Text(Seen::Mixed),
                () if seen(FLOAT) && seen(UNSAFE_INT) => Kind::Text(Seen::Mixed),
                () if seen(FLOAT) => Kind::Float,
                () if seen(BIG) => Kind::UInt,
                () => Kind::Int,
            };
        }
        if let Some(strings) = self.strings.as_deref().filter(|_| seen(TEXT))
            && strings.decide() != ColumnType::String
        {
            return Kind::Moments(strings);
        }
        match (&self.object, &self.item) {
            (Some(object), _) if seen(OBJECT) && !seen(WIDE) => {
                if object.fields.is_empty() {
                    Kind::Text(Seen::EmptyObjects)
                } else {
                    Kind::Struct(object)
                }
            }
            (_, Some(item)) if seen(LIST) => Kind::List(item),
            _ => Kind::Text(Seen::Mixed),
        }
    }

    fn name_sources(&self, column: &mut ColumnProfile) {
        match (self.kind(), column.parts_mut()) {
            (Kind::Struct(object), fields) => object.name_sources(fields),
            (Kind::List(item), [items]) => item.name_sources(items),
            _ => {}
        }
    }

    fn knows_strings_of(&self, other: &Self) -> bool {
        let within = match (&self.object, &other.object, &self.item, &other.item) {
            (Some(ours), Some(theirs), _, _) if !ours.knows_strings_of(theirs) => false,
            (_, _, Some(ours), Some(theirs)) => ours.knows_strings_of(theirs),
            _ => true,
        };
        within && self.strings == other.strings
    }

    /// As an Arrow field; `is_missing` if there is an object without it.
    fn arrow_field(&self, name: &str, is_missing: bool) -> Field {
        let field = |kind| Field::new(name, kind, true);
        match self.kind() {
            Kind::Bool => field(DataType::Boolean),
            Kind::Int => field(DataType::Int64),
            Kind::UInt => field(DataType::UInt64),
            Kind::Float => field(DataType::Float64),
            Kind::Text(_) => field(DataType::Utf8),
            Kind::Moments(strings) => strings.decide().field(name),
            Kind::Struct(object) => field(DataType::Struct(object.arrow_fields())),
            Kind::List(item) => {
                // Protocol Buffers cannot tell null from empty: so it matters whether there are both.
                let has_nulls = is_missing || self.seen & NULL != 0;
                let has_empties = self.seen & EMPTY_LIST != 0;
                let item = item
                    .arrow_field("item", false)
                    .with_nullable(item.seen & NULL != 0);
                let field = field(DataType::List(Arc::new(item))).with_nullable(has_nulls || !has_empties);
                if has_empties {
                    return field;
                }
                field.with_metadata(HashMap::from([(NEVER_EMPTY.to_owned(), String::new())]))
            }
        }
    }

    fn columns(&self) -> usize {
        match self.kind() {
            Kind::Struct(object) => object.columns(),
            Kind::List(item) => item.columns(),
            _ => 1,
        }
    }

    /// Takes note of the value at the cursor.
    fn observe(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<(), Fault> {
        self.seen |= match cursor.peek() {
            Some(b'n') => {
                cursor.literal("null")?;
                NULL
            }
            Some(b't') => {
                cursor.literal("true")?;
                BOOL
            }
            Some(b'f') => {
                cursor.literal("false")?;
                BOOL
            }
            Some(b'"') => {
                let text = cursor.string()?;
                text.check()?;
                self.observe_string(text)?;
                TEXT
            }
            Some(b'{') if self.seen & WIDE != 0 => {
                cursor.skip_value(depth)?;
                OBJECT
            }
            Some(b'{') => {
                let object = self.object.get_or_insert_default();
                object.observe(cursor, depth)?;
                OBJECT | self.narrow()
            }
            Some(b'[') => {
                let item = self.item.get_or_insert_default();
                let mut items = cursor.open(b']', depth)?;
                let mut bits = LIST | EMPTY_LIST;
                while items.next(cursor, "a comma or the closing bracket")? {
                    bits = LIST;
                    item.observe(cursor, depth + 1)?;
                }
                bits
            }
            _ => {
                let start = cursor.at();
                let whole = cursor.number()?;
                number_bits(whole, cursor.since(start))
            }
        };
        Ok(())
    }

    /// Takes note of what a string may be.
    fn observe_string(&mut self, text: Text<'_>) -> Result<(), Fault> {
        let new = || Box::new(Inference::of_strings());
        let strings = self.strings.get_or_insert_with(new);
        if strings.is_settled() {
            return Ok(());
        }
        if text.is_escaped {
            let mut unescaped = Vec::new();
            text.write(&mut unescaped)?;
            strings.observe_string(&unescaped);
        } else {
            strings.observe_string(text.raw);
        }
        Ok(())
    }

    /// Lets go of the keys if they are too many.
    fn narrow(&mut self) -> u16 {
        if self
            .object
            .as_ref()
            .is_none_or(|object| object.fields.len() <= MAX_FIELDS)
        {
            return 0;
        }
        self.object = None;
        WIDE
    }

    fn merge(&mut self, other: Self) {
        self.seen |= other.seen;
        self.present += other.present;
        // Of another count of objects: none of those to come.
        self.last = 0;
        match (&mut self.object, other.object) {
            (Some(object), Some(other)) => object.merge(*other),
            (none, other) => *none = none.take().or(other),
        }
        if self.seen & WIDE != 0 {
            self.object = None;
        }
        self.seen |= self.narrow();
        match (&mut self.strings, other.strings) {
            (Some(strings), Some(other)) => **strings = strings.merge_strings(&other),
            (none, other) => *none = none.take().or(other),
        }
        match (&mut self.item, other.item) {
            (Some(item), Some(other)) => item.merge(*other),
            (none, other) => *none = none.take().or(other),
        }
    }
}
