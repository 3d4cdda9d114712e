//! Columns that come with a dictionary: each different value is encoded once, with its tag, and a row takes its bytes.

use std::ops::Range;

use arrow_array::{Array, DictionaryArray, types::UInt16Type};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use shared::Failure;

use super::{
    Member,
    encode::{Column, get, put, put_text},
};

/// How many bytes are put down at once.
const HEAD_BYTES: usize = 16;

/// A column's values as they stand in a record, and which each row has.
pub(super) struct Coded {
    keys: ScalarBuffer<u16>,
    nulls: Option<NullBuffer>,
    pieces: Vec<Piece>,
    /// How long they are, once more: all that is asked of most of them at first.
    lens: Vec<usize>,
    /// What is beyond the heads.
    rest: Vec<u8>,
}

/// A value's bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    head: u128,
    len: usize,
    /// Where in the rest the bytes beyond the head begin.
    rest: usize,
}

impl Coded {
    /// The column, if it comes with a dictionary.
    pub(super) fn of(member: &Member, array: &dyn Array) -> Result<Option<Self>, Failure> {
        let Some(array) = array.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() else {
            return Ok(None);
        };
        let values = array.values();
        let mut column = Column::of_member(member, values, None)?;
        let mut lens = vec![0; values.len()];
        column.measure(0..values.len(), &mut lens);
        let mut cursors = Vec::with_capacity(lens.len());
        let mut end = 0;
        for len in &lens {
            cursors.push(end);
            end += len;
        }
        let mut bytes = vec![0; end + HEAD_BYTES];
        let starts = cursors.clone();
        column.write(0..values.len(), &mut cursors, &mut bytes);
        let mut rest = Vec::new();
        let pieces = starts.iter().zip(&lens).map(|(start, len)| {
            let mut head = [0; HEAD_BYTES];
            let value = bytes.get(*start..start + len).unwrap_or_default();
            for (to, from) in head.iter_mut().zip(value) {
                *to = *from;
            }
            let piece = Piece {
                head: u128::from_le_bytes(head),
                len: *len,
                rest: rest.len(),
            };
            rest.extend_from_slice(value.get(HEAD_BYTES..).unwrap_or_default());
            piece
        });
        Ok(Some(Self {
            keys: array.keys().values().clone(),
            nulls: array
                .keys()
                .nulls()
                .filter(|nulls| nulls.null_count() > 0)
                .cloned(),
            pieces: pieces.collect(),
            lens,
            rest,
        }))
    }

    /// Adds to each of the block's records what its value will take.
    pub(super) fn measure(&self, range: Range<usize>, records: &mut [usize]) {
        let keys = self.keys.get(range.clone()).unwrap_or_default();
        let len = |key: &u16| self.lens.get(usize::from(*key)).copied().unwrap_or_default();
        match &self.nulls {
            None => records
                .iter_mut()
                .zip(keys)
                .for_each(|(record, key)| *record += len(key)),
            Some(nulls) => {
                for ((record, key), row) in records.iter_mut().zip(keys).zip(range) {
                    *record += if nulls.is_valid(row) { len(key) } else { 0 };
                }
            }
        }
    }

    /// Writes the block's values at the cursors.
    pub(super) fn write(&self, range: Range<usize>, cursors: &mut [usize], out: &mut [u8]) {
        let keys: &[u16] = &self.keys;
        for (cursor, row) in cursors.iter_mut().zip(range) {
            if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                continue;
            }
            let piece = get(&self.pieces, usize::from(get(keys, row)));
            if piece.len <= HEAD_BYTES {
                put(out, cursor, piece.head, piece.len);
            } else {
                put(out, cursor, piece.head, HEAD_BYTES);
                let rest = self.rest.get(piece.rest..piece.rest + piece.len - HEAD_BYTES);
                put_text(out, cursor, rest.unwrap_or_default());
            }
        }
    }
}
