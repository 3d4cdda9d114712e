//! The hash of each row, to tell which rows are the same.

use super::hash;

/// Rows' hashes, as far as one column's values go into them: each is the sum of its values' hashes, times a number that is its column's.
/// So where a value stands matters, and of rows that lack a column nothing is asked.
#[derive(Debug)]
pub(crate) struct RowHashes<'a> {
    all: &'a mut [u64],
    /// Odd.
    weight: u64,
}

impl<'a> RowHashes<'a> {
    /// Of values that are of no row, or that are all there is in theirs.
    pub(crate) const fn alone(all: &'a mut [u64]) -> Self {
        Self { all, weight: 1 }
    }

    /// Of the column of an index.
    pub(crate) const fn of_column(all: &'a mut [u64], index: usize) -> Self {
        let weight = weight(0, index);
        Self { all, weight }
    }

    /// Of a part of what the column holds.
    pub(crate) const fn of_part(&mut self, index: usize) -> RowHashes<'_> {
        RowHashes {
            weight: weight(self.weight, index),
            all: &mut *self.all,
        }
    }

    /// Of some rows; of none, where hashes are not asked for.
    pub(crate) fn of_rows(&mut self, first: usize, count: usize) -> RowHashes<'_> {
        RowHashes {
            all: self.all.get_mut(first..first + count).unwrap_or_default(),
            weight: self.weight,
        }
    }

    /// The same column of other rows.
    pub(crate) const fn of_others<'b>(&self, all: &'b mut [u64]) -> RowHashes<'b> {
        let weight = self.weight;
        RowHashes { all, weight }
    }

    /// Puts a value into its row.
    #[inline]
    pub(crate) fn add(&mut self, row: usize, value: u64) {
        if let Some(row) = self.all.get_mut(row) {
            *row = row.wrapping_add(value.wrapping_mul(self.weight));
        }
    }

    /// Puts a value into each row, from the first on.
    #[inline]
    pub(crate) fn add_all(&mut self, values: impl IntoIterator<Item = u64>) {
        for (row, value) in self.all.iter_mut().zip(values) {
            *row = row.wrapping_add(value.wrapping_mul(self.weight));
        }
    }

    /// Puts one of few values into each row, from the first on: where the value stands among them, if the row has one.
    #[inline]
    pub(crate) fn add_codes(&mut self, values: &[u64], codes: impl IntoIterator<Item = Option<u16>>) {
        let weighed: Vec<u64> = values
            .iter()
            .map(|value| value.wrapping_mul(self.weight))
            .collect();
        let value = |code| weighed.get(usize::from(code)).copied().unwrap_or_default();
        for (row, code) in self.all.iter_mut().zip(codes) {
            *row = row.wrapping_add(code.map_or(0, value));
        }
    }

    /// Adds what went into the hashes of some rows alone, given their places.
    pub(crate) fn add_at(&mut self, places: &[u32], sums: &[u64]) {
        for (place, sum) in places.iter().zip(sums) {
            if let Some(row) = self.all.get_mut(*place as usize) {
                *row = row.wrapping_add(*sum);
            }
        }
    }
}

const fn weight(within: u64, index: usize) -> u64 {
    hash::hash_bits(within.wrapping_add(index as u64 + 1)) | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::hash::hash_bits;

    fn row(cells: &[Option<u64>]) -> u64 {
        let mut all = [0];
        for (index, cell) in cells.iter().enumerate() {
            RowHashes::of_column(&mut all, index).add_all(cell.map(hash_bits));
        }
        all[0]
    }

    #[test]
    fn rows_with_swapped_equal_or_missing_cells_hash_apart() {
        let [one, two] = [Some(1), Some(2)];
        let rows = [
            [one, two],
            [two, one],
            [one, one],
            [two, two],
            [one, None],
            [None, one],
            [None, None],
        ];
        let hashes = std::collections::HashSet::from(rows.map(|cells| row(&cells)));
        assert_eq!(hashes.len(), rows.len());
    }

    #[test]
    fn parts_of_columns_hash_apart() {
        let part = |column, part| {
            let mut all = [0];
            RowHashes::of_column(&mut all, column)
                .of_part(part)
                .add(0, hash_bits(1));
            all[0]
        };
        assert_ne!(part(0, 1), part(1, 0));
        assert_ne!(part(0, 0), row(&[Some(1)]));
    }

    #[test]
    fn a_value_is_in_its_row_however_it_came() {
        let value = hash_bits(7);
        let mut all = [[0; 4]; 3];
        let [one, codes, places] = &mut all;
        RowHashes::of_column(one, 5).add(2, value);
        RowHashes::of_column(codes, 5).add_codes(&[value], [None, None, Some(0)]);
        let mut sums = [0];
        let mut rows = RowHashes::of_column(places, 5);
        rows.of_others(&mut sums).add_all([value]);
        rows.add_at(&[2], &sums);
        assert!(all.iter().all(|rows| *rows == all[0] && rows[2] != 0));
    }
}
