//! One column of a slab: cells to typed values.

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, UInt16Array, types::UInt16Type};
use arrow_buffer::{BooleanBuffer, NullBuffer, NullBufferBuilder};
use arrow_schema::ArrowError;

use super::{
    Leftover, Plan,
    coder::{BATCH, Coder, Found, MOST_TEXT_BYTES, does_not_pay},
    key::Key,
    values::{Text, Values},
};
use crate::{
    read::{Block, span::Span},
    types::{
        ColumnType, Inference,
        token::{self, Tokens},
    },
};

/// The code of a null, once all entries have their places.
const NULL: u16 = u16::MAX;

/// Cells of one column, as they are parsed.
#[derive(Debug)]
pub(crate) struct Column {
    kind: ColumnType,
    inference: Inference,
    /// The dictionary's entries while there is one, else the rows.
    values: Values,
    dictionary: Option<Dictionary>,
    /// Which of the rows are null, once there is no dictionary.
    nulls: NullBufferBuilder,
    tokens: Tokens,
    rows: usize,
    /// About how many there will be.
    expected: usize,
    /// The cells of this text may yet be of another type.
    open: bool,
}

#[derive(Debug)]
struct Dictionary {
    coder: Coder,
    codes: Vec<u16>,
    /// What the entries stand for, to tell long ones apart. Strings have it as their values.
    texts: Text,
    /// The entry that all cells of the batch before had, if they had one.
    run: Option<u16>,
    /// The entries that are null, and the word for it.
    nulls: Vec<(u16, Option<usize>)>,
}

/// A column of a slab.
#[derive(Debug)]
pub(crate) struct Built {
    /// Its rows: a [`DictionaryArray`] of 16-bit keys, or an array of its type.
    pub(crate) array: ArrayRef,
    /// What its cells say of its type.
    pub(crate) inference: Inference,
    /// The words for nothing among its cells.
    pub(crate) tokens: Tokens,
}

/// How entering a text ended.
enum Entered {
    Code(u16),
    Full,
    Misfit,
}

impl Column {
    /// A column without a row, in the room that one of the same kind left.
    pub(crate) fn new(plan: Plan, leftover: Leftover) -> Self {
        let Plan { kind, repeats, open } = plan;
        let dictionary = repeats.then(|| Dictionary {
            coder: Coder::with_capacity(leftover.entries),
            codes: leftover.codes,
            texts: Text::with_capacity(0),
            run: None,
            nulls: Vec::new(),
        });
        Self {
            kind,
            inference: Inference::default(),
            values: leftover.values.unwrap_or_else(|| Values::new(kind)),
            dictionary,
            nulls: NullBufferBuilder::new(0),
            tokens: Tokens::default(),
            rows: 0,
            expected: 0,
            open: open && kind == ColumnType::String,
        }
    }

    /// Makes ready for about so many rows.
    pub(crate) fn expect(&mut self, rows: usize) {
        self.expected = rows;
        if let Some(dictionary) = &mut self.dictionary {
            dictionary.codes.reserve(rows);
        }
    }

    /// What the cells of a column of text say of its type, and whether they repeat themselves.
    pub(crate) fn observe(self) -> (Inference, bool) {
        let mut inference = self.inference;
        if let Values::Text(texts) = &self.values {
            texts.iter().for_each(|text| inference.observe(text));
        }
        (inference, self.dictionary.is_some())
    }

    /// Adds a block's cells; whether all were of the type.
    pub(crate) fn take(&mut self, block: &Block<'_>, index: usize) -> bool {
        let mut from = 0;
        if self.dictionary.is_some() {
            match self.code(block, index) {
                Ok(None) => from = block.rows(),
                Ok(Some(row)) => {
                    from = row;
                    self.give_up_dictionary();
                }
                Err(()) => return false,
            }
        }
        if from < block.rows() && !self.parse(block, index, from) {
            return false;
        }
        self.rows += block.rows();
        if let Some(dictionary) = &self.dictionary
            && (does_not_pay(dictionary.coder.len(), self.rows, self.expected.max(self.rows))
                || self.values.text_bytes() > MOST_TEXT_BYTES
                || dictionary.coder.is_slow(self.rows))
        {
            self.give_up_dictionary();
        }
        true
    }

    /// Codes a block's cells. Gives the row at which the dictionary was full, if it was; fails for a cell of another type.
    fn code(&mut self, block: &Block<'_>, index: usize) -> Result<Option<usize>, ()> {
        let rows = block.rows();
        let first = self.dictionary.as_mut().map_or(0, |dictionary| {
            let first = dictionary.codes.len();
            dictionary.codes.resize(first + rows, 0);
            first
        });
        for from in (0..rows).step_by(BATCH) {
            let Some(dictionary) = &mut self.dictionary else {
                break;
            };
            let batch = first + from..first + rows.min(from + BATCH);
            let codes = dictionary.codes.get_mut(batch.clone()).unwrap_or_default();
            let text = |code| text_of(&self.values, &dictionary.texts, code);
            let spans = block.spans_from(from, index);
            let mut missed = dictionary
                .coder
                .code(spans, block.bytes(), dictionary.run, text, codes);
            while missed != 0 {
                let row = from + missed.trailing_zeros() as usize;
                missed &= missed - 1;
                let code = self.code_one(block, block.span(row, index))?;
                let Some(dictionary) = &mut self.dictionary else {
                    break;
                };
                let Some(code) = code else {
                    dictionary.codes.truncate(first + row);
                    return Ok(Some(row));
                };
                if let Some(to) = dictionary.codes.get_mut(first + row) {
                    *to = code;
                }
            }
            if let Some(dictionary) = &mut self.dictionary {
                let codes = dictionary.codes.get(batch).unwrap_or_default();
                let one = codes.first().copied();
                dictionary.run = one.filter(|one| codes.iter().all(|code| code == one));
            }
        }
        Ok(None)
    }

    /// The code of a cell, wherever its entry stands; a new one if there is none. None when the dictionary is full; fails for a
    /// cell of another type.
    fn code_one(&mut self, block: &Block<'_>, span: Span) -> Result<Option<u16>, ()> {
        let Some(dictionary) = &mut self.dictionary else {
            return Ok(None);
        };
        let mut unescaped = Vec::new();
        let cell = block.resolve(span, &mut unescaped);
        let same = |code: u16| is_same(text_of(&self.values, &dictionary.texts, code), cell);
        let is_text = cell.is_empty() && span.is_quoted() && self.kind == ColumnType::String;
        let key = if is_text { Key::QUOTED_EMPTY } else { Key::of(cell) };
        let place = match dictionary.coder.find(key, same) {
            Found::Entry(code) => return Ok(Some(code)),
            Found::Free(place) => place,
        };
        if self.open {
            self.inference.observe(cell);
        }
        match dictionary.enter(key, place, cell, self.kind, &mut self.values, &mut self.inference) {
            Entered::Code(code) => Ok(Some(code)),
            Entered::Full => Ok(None),
            Entered::Misfit => Err(()),
        }
    }

    /// Parses a block's cells from a row on; whether all were of the type.
    fn parse(&mut self, block: &Block<'_>, index: usize, from: usize) -> bool {
        self.values.make_room(self.rows, self.expected);
        let (nulls, tokens, inference) = (&mut self.nulls, &mut self.tokens, &mut self.inference);
        let mut fits = true;
        // One loop a type: what differs is how a cell reads.
        macro_rules! typed {
            ($values:expr, $read:expr) => {
                block.for_each_cell_from(index, from, |cell, _| {
                    if let Some(value) = $read(inference, cell) {
                        nulls.append_non_null();
                        $values.push(value);
                    } else if cell.is_empty() || note_token(cell, tokens) {
                        nulls.append_null();
                        $values.push(Default::default());
                    } else {
                        fits = false;
                    }
                })
            };
        }
        match (&mut self.values, self.kind) {
            (Values::Bool(values), _) => typed!(values, Inference::truth),
            (Values::I32(values), ColumnType::Date(form)) => {
                typed!(values, |inference: &mut Inference, cell| inference
                    .date(cell, form));
            }
            (Values::I64(values), ColumnType::Int64) => typed!(values, Inference::int),
            (Values::I64(values), ColumnType::Time) => typed!(values, Inference::time),
            (Values::I64(values), ColumnType::Timestamp { form, .. }) => {
                typed!(values, |inference: &mut Inference, cell| inference
                    .timestamp(cell, form));
            }
            (Values::I64(values), ColumnType::Decimal { scale, .. }) => {
                typed!(values, |inference: &mut Inference, cell| inference
                    .decimal(cell, scale));
            }
            (Values::U64(values), _) => typed!(values, Inference::uint),
            (Values::F64(values), _) => typed!(values, Inference::float),
            (Values::I128(values), ColumnType::Decimal { scale, .. }) => {
                typed!(values, |inference: &mut Inference, cell| inference
                    .wide_decimal(cell, scale));
            }
            (Values::Uuid(values), _) => typed!(values, Inference::uuid),
            (Values::Text(text), _) => block.for_each_cell_from(index, from, |cell, quoted| {
                if cell.is_empty() && !quoted {
                    nulls.append_null();
                } else {
                    nulls.append_non_null();
                }
                if self.open {
                    inference.observe(cell);
                }
                text.push(cell);
            }),
            _ => fits = false,
        }
        fits
    }

    /// Puts every row in the place of its code.
    fn give_up_dictionary(&mut self) {
        let Some(dictionary) = self.dictionary.take() else {
            return;
        };
        dictionary.count_tokens(&mut self.tokens);
        let is_null = dictionary.marks(dictionary.coder.len());
        for code in &dictionary.codes {
            self.nulls
                .append(!is_null.get(usize::from(*code)).copied().unwrap_or_default());
        }
        self.values = self
            .values
            .gather(dictionary.codes.iter().map(|code| usize::from(*code)));
    }

    /// The column as an array; where it has a dictionary and that is wanted, its values in order and all different.
    pub(crate) fn build(mut self, in_order: bool) -> Result<Built, ArrowError> {
        if self
            .dictionary
            .as_ref()
            .is_some_and(|dictionary| dictionary.coder.len() * 2 > self.rows)
        {
            self.give_up_dictionary();
        }
        let Some(dictionary) = self.dictionary else {
            return Ok(Built {
                array: self.values.into_array(self.kind, self.nulls.finish())?,
                inference: self.inference,
                tokens: self.tokens,
            });
        };
        dictionary.count_tokens(&mut self.tokens);
        let entries = dictionary.coder.len();
        let is_null = dictionary.marks(entries);
        let filled = (0..u16::try_from(entries).unwrap_or(NULL))
            .filter(|entry| is_null.get(usize::from(*entry)) == Some(&false));
        let mut places = vec![NULL; entries];
        let mut kept: Vec<usize> = Vec::with_capacity(entries);
        let mut keep = |entry: u16, same: bool| {
            if !same {
                kept.push(entry.into());
            }
            if let Some(place) = places.get_mut(usize::from(entry)) {
                *place = u16::try_from(kept.len() - 1).unwrap_or(NULL);
            }
        };
        if in_order {
            // Texts that say the same, such as `1` and `1.0`, are one value.
            for (entry, same) in self.values.in_order(filled) {
                keep(entry, same);
            }
        } else {
            filled.for_each(|entry| keep(entry, false));
        }
        let values = self.values.gather(kept.into_iter()).into_array(self.kind, None)?;
        let mut keys = dictionary.codes;
        let place = |key: u16| places.get(usize::from(key)).copied().unwrap_or(NULL);
        let mut nulls = None;
        if !dictionary.nulls.is_empty() {
            let valid = BooleanBuffer::collect_bool(keys.len(), |row| {
                let Some(key) = keys.get_mut(row) else {
                    return false;
                };
                let place = place(*key);
                *key = if place == NULL { 0 } else { place };
                place != NULL
            });
            nulls = Some(NullBuffer::new(valid));
        } else if in_order {
            for key in &mut keys {
                *key = place(*key);
            }
        }
        // A dictionary of nothing cannot be pointed into.
        let array: ArrayRef = if values.is_empty() {
            let mut nothing = Values::new(self.kind);
            (0..keys.len()).for_each(|_| nothing.push_null());
            nothing.into_array(self.kind, nulls)?
        } else {
            Arc::new(DictionaryArray::<UInt16Type>::try_new(
                UInt16Array::try_new(keys.into(), nulls)?,
                values,
            )?)
        };
        Ok(Built {
            array,
            inference: self.inference,
            tokens: self.tokens,
        })
    }
}

impl Dictionary {
    /// Makes a text an entry.
    #[cold]
    #[inline(never)]
    fn enter(
        &mut self,
        key: Key,
        place: usize,
        cell: &[u8],
        kind: ColumnType,
        values: &mut Values,
        inference: &mut Inference,
    ) -> Entered {
        let is_null = cell.is_empty() && key != Key::QUOTED_EMPTY;
        let mut token = None;
        if is_null {
            values.push_null();
        } else if !values.push(kind, cell, inference) {
            token = token::find(cell);
            if token.is_none() {
                return Entered::Misfit;
            }
            values.push_null();
        }
        let Some(code) = self.coder.insert(key, place) else {
            // The value without a code is passed over when the rows are put in their places.
            return Entered::Full;
        };
        if is_null || token.is_some() {
            self.nulls.push((code, token));
        }
        if kind != ColumnType::String {
            self.texts.push(cell);
        }
        Entered::Code(code)
    }

    fn count_tokens(&self, tokens: &mut Tokens) {
        for (entry, token) in &self.nulls {
            if let Some(token) = token {
                let times = self.codes.iter().filter(|code| *code == entry).count();
                tokens.add(*token, times as u64);
            }
        }
    }

    /// Which entries are null.
    fn marks(&self, entries: usize) -> Vec<bool> {
        let mut marks = vec![false; entries];
        for (entry, _) in &self.nulls {
            if let Some(mark) = marks.get_mut(usize::from(*entry)) {
                *mark = true;
            }
        }
        marks
    }
}

/// The text that an entry stands for.
#[inline]
fn text_of<'a>(values: &'a Values, texts: &'a Text, code: u16) -> &'a [u8] {
    match values {
        Values::Text(values) => values,
        _ => texts,
    }
    .get(usize::from(code))
}

/// Whether two texts are the same; those of 16 to 32 bytes, as instants are, without a call.
#[inline]
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (
        one.first_chunk::<16>(),
        other.first_chunk::<16>(),
        one.last_chunk::<16>(),
        other.last_chunk::<16>(),
    ) {
        (Some(front), Some(other_front), Some(back), Some(other_back)) if one.len() <= 32 => {
            let differs =
                |one: &[u8; 16], other: &[u8; 16]| u128::from_ne_bytes(*one) ^ u128::from_ne_bytes(*other);
            differs(front, other_front) | differs(back, other_back) == 0
        }
        _ => one == other,
    }
}

/// Whether the cell is a word for nothing, which is then counted.
#[cold]
fn note_token(cell: &[u8], tokens: &mut Tokens) -> bool {
    token::find(cell).map(|token| tokens.add(token, 1)).is_some()
}
