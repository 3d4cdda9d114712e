//! In which rows a column has a value.

/// Runs of rows that have one, and how far it is known.
#[derive(Debug, Default)]
pub(super) struct Presence {
    /// First rows, and those after the last.
    runs: Vec<(u32, u32)>,
    values: usize,
    len: usize,
}

impl Presence {
    /// Of how many rows it is known whether they have a value.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many of them have one.
    #[inline]
    pub(super) const fn values(&self) -> usize {
        self.values
    }

    /// The next row has one.
    #[inline]
    pub(super) fn push(&mut self) {
        let row = number(self.len);
        match self.runs.last_mut() {
            Some((_, end)) if *end == row => *end = row + 1,
            _ => self.runs.push((row, row + 1)),
        }
        self.len += 1;
        self.values += 1;
    }

    /// The rows up to this number of them have none.
    #[inline]
    pub(super) fn pass_to(&mut self, len: usize) {
        self.len = self.len.max(len);
    }

    /// Forgets all but the first rows.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        let len = number(len);
        while let Some((start, end)) = self.runs.last_mut() {
            let kept = (*end).min(len).max(*start);
            self.values -= (*end - kept) as usize;
            *end = kept;
            if kept > *start {
                break;
            }
            self.runs.pop();
        }
    }

    /// The rows that have one; none, if all of so many have.
    pub(super) fn places(&self, rows: usize) -> Option<Vec<u32>> {
        if self.values == rows {
            return None;
        }
        let mut places = Vec::with_capacity(self.values);
        places.extend(self.runs.iter().flat_map(|(start, end)| *start..*end));
        Some(places)
    }
}

/// Never beyond: a slab is far smaller than 4 GiB.
fn number(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn is_as_a_list_of_answers_says(
            steps in proptest::collection::vec((0_usize..4, 0_usize..6), 0..60),
        ) {
            let (mut presence, mut answers) = (Presence::default(), Vec::<bool>::new());
            for (step, count) in steps {
                match step {
                    0 => {
                        presence.pass_to(answers.len() + count);
                        answers.resize(answers.len() + count, false);
                    }
                    1 => {
                        let len = answers.len().saturating_sub(count);
                        presence.truncate(len);
                        answers.truncate(len);
                    }
                    _ => {
                        (0..count).for_each(|_| presence.push());
                        answers.resize(answers.len() + count, true);
                    }
                }
                let rows = answers.len();
                let places: Vec<u32> = (0..).zip(&answers).filter_map(|(row, is)| is.then_some(row)).collect();
                proptest::prop_assert_eq!(presence.len(), rows);
                proptest::prop_assert_eq!(presence.values(), places.len());
                let expected = (places.len() < rows).then_some(places);
                proptest::prop_assert_eq!(presence.places(rows), expected);
            }
        }
    }
}
