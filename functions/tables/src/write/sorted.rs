//! Whether a column's values stand in order, page by page and one by one.

use parquet::basic::BoundaryOrder;

use super::physical::Physical;

/// The least and the greatest of both.
#[inline]
pub(crate) fn wider<P: Physical>(values: &P, range: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    (
        if values.compare(other.0, range.0).is_lt() {
            other.0
        } else {
            range.0
        },
        if values.compare(other.1, range.1).is_gt() {
            other.1
        } else {
            range.1
        },
    )
}

/// Whether the pages' least and greatest values stand in order.
pub(crate) struct Order {
    last: Option<(usize, usize)>,
    ascending: bool,
    descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            last: None,
            ascending: true,
            descending: true,
        }
    }
}

impl Order {
    /// Takes note of the next page, which has values, by the places of the least and the greatest.
    pub(crate) fn add<P: Physical>(&mut self, values: &P, range: (usize, usize)) {
        if let Some(last) = self.last {
            let (least, greatest) = (values.compare(last.0, range.0), values.compare(last.1, range.1));
            self.ascending &= least.is_le() && greatest.is_le();
            self.descending &= least.is_ge() && greatest.is_ge();
        }
        self.last = Some(range);
    }

    /// The pages' order, for an index of them.
    pub(crate) fn boundary(&self) -> BoundaryOrder {
        match (self.ascending, self.descending) {
            (true, _) => BoundaryOrder::ASCENDING,
            (_, true) => BoundaryOrder::DESCENDING,
            _ => BoundaryOrder::UNORDERED,
        }
    }

    /// Whether all values do, and in which direction; values that are all equal do not.
    pub(crate) fn sorted<P: Physical>(
        &self,
        values: &P,
        codes: Option<&[u16]>,
        whole: Option<(usize, usize)>,
    ) -> Option<bool> {
        let (least, greatest) = whole?;
        if values.compare(least, greatest).is_eq() {
            return None;
        }
        let all = |in_order: fn(std::cmp::Ordering) -> bool| match codes {
            Some(codes) => codes
                .iter()
                .zip(codes.iter().skip(1))
                .all(|(one, next)| in_order(one.cmp(next))),
            None => (1..values.len()).all(|row| in_order(values.compare(row - 1, row))),
        };
        if self.ascending && all(std::cmp::Ordering::is_le) {
            return Some(false);
        }
        (self.descending && all(std::cmp::Ordering::is_ge)).then_some(true)
    }
}
