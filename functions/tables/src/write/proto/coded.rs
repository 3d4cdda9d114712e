//! Columns that come with a dictionary: each different value is encoded once, with its tag, and a row takes its bytes.

use std::ops::Range;

use arrow_array::{Array, DictionaryArray, types::UInt16Type};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use shared::Failure;

use super::{
    Member,
    encode::{Column, get, mismatch, put, put_text},
};

/// The key of a null: that of no value, and so of no bytes.
const NULL: u16 = u16::MAX;
/// How many bytes are put down at once.
const HEAD_BYTES: usize = 16;

/// A column's values as they stand in a record, and which each row has.
pub(super) struct Coded {
    keys: ScalarBuffer<u16>,
    nulls: Option<NullBuffer>,
    /// Where there are nulls: the keys of the block that was measured, [`NULL`] among them.
    block: Vec<u16>,
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
        if array.nulls().is_some() && values.len() > usize::from(NULL) {
            return Err(mismatch(
                "a dictionary has more values than it can have and a null",
            ));
        }
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
            let value = bytes.get(*start..start + len).unwrap_or_default();
            let head = bytes.get(*start..).and_then(<[u8]>::first_chunk::<HEAD_BYTES>);
            let head = head.map_or(0, |head| u128::from_le_bytes(*head));
            let piece = Piece {
                head: if *len < HEAD_BYTES {
                    head & ((1 << (8 * len)) - 1)
                } else {
                    head
                },
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
            block: Vec::new(),
            pieces: pieces.collect(),
            lens,
            rest,
        }))
    }

    /// Adds to each of the block's records what its value will take.
    pub(super) fn measure(&mut self, range: Range<usize>, records: &mut [usize]) {
        let keys = self.keys.get(range.clone()).unwrap_or_default();
        let keys = match &self.nulls {
            None => keys,
            Some(nulls) => {
                self.block.clear();
                let key = |(key, row): (&u16, usize)| if nulls.is_valid(row) { *key } else { NULL };
                self.block.extend(keys.iter().zip(range).map(key));
                &self.block
            }
        };
        for (record, key) in records.iter_mut().zip(keys) {
            *record += get(&self.lens, usize::from(*key));
        }
    }

    /// Writes the values of the block that was measured at the cursors.
    pub(super) fn write(&self, range: Range<usize>, cursors: &mut [usize], out: &mut [u8]) {
        let keys = match &self.nulls {
            None => self.keys.get(range).unwrap_or_default(),
            Some(_) => &self.block,
        };
        for (cursor, key) in cursors.iter_mut().zip(keys) {
            self.put(*key, cursor, out);
        }
    }

    #[inline]
    fn put(&self, key: u16, cursor: &mut usize, out: &mut [u8]) {
        let piece = get(&self.pieces, usize::from(key));
        if piece.len <= HEAD_BYTES {
            put(out, cursor, piece.head, piece.len);
        } else {
            put(out, cursor, piece.head, HEAD_BYTES);
            let rest = self.rest.get(piece.rest..piece.rest + piece.len - HEAD_BYTES);
            put_text(out, cursor, rest.unwrap_or_default());
        }
    }
}
