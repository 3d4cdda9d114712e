//! Columns that not all rows have.

use std::{ops::Range, sync::Arc};

use shared::Failure;

use super::{Member, encode::Column};
use crate::cells::Cells;

/// A column of rows, and in which of them its values stand, if not in all.
pub(super) struct Placed {
    column: Column,
    places: Option<Arc<[u32]>>,
    /// The values of the block that is measured, which begin where those of the block before end.
    values: Range<usize>,
    /// What is asked of each of them.
    scratch: Vec<usize>,
}

impl Placed {
    pub(super) fn new(member: &Member, cells: &Cells) -> Result<Self, Failure> {
        Ok(Self {
            column: Column::of_member(member, &cells.values, None)?,
            places: cells.places.clone(),
            values: 0..0,
            scratch: Vec::new(),
        })
    }

    /// Adds to each of the block's records what its value will take. Blocks come one after the other.
    #[inline]
    pub(super) fn measure(&mut self, block: Range<usize>, records: &mut [usize]) {
        let Some(places) = &self.places else {
            return self.column.measure(block, records);
        };
        let rest = places.get(self.values.end..).unwrap_or_default();
        let count = rest
            .iter()
            .take_while(|place| (**place as usize) < block.end)
            .count();
        self.values = self.values.end..self.values.end + count;
        if count == 0 {
            return;
        }
        self.scratch.clear();
        self.scratch.resize(count, 0);
        self.column.measure(self.values.clone(), &mut self.scratch);
        for (place, len) in rest.iter().zip(&self.scratch) {
            if let Some(record) = records.get_mut(*place as usize - block.start) {
                *record += len;
            }
        }
    }

    /// Writes the values of the block that was measured at the cursors.
    #[inline]
    pub(super) fn write(&mut self, block: Range<usize>, cursors: &mut [usize], out: &mut [u8]) {
        let Some(places) = &self.places else {
            return self.column.write(block, cursors, out);
        };
        if self.values.is_empty() {
            return;
        }
        let places = places.get(self.values.clone()).unwrap_or_default();
        let rows = places.iter().map(|place| *place as usize - block.start);
        self.scratch.clear();
        self.scratch.extend(
            rows.clone()
                .map(|row| cursors.get(row).copied().unwrap_or_default()),
        );
        self.column.write(self.values.clone(), &mut self.scratch, out);
        for (row, cursor) in rows.zip(&self.scratch) {
            if let Some(to) = cursors.get_mut(row) {
                *to = *cursor;
            }
        }
    }
}
