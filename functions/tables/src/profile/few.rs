//! Different values, each with how often it came, as long as they are few: everything said of them is exact.

/// An open-addressed table of hashes, at most half full.
#[derive(Debug, Clone)]
pub(crate) struct Few<V> {
    slots: Vec<Slot>,
    values: Vec<Kept<V>>,
    /// How many of `values`, from the first, no longer wait for their array.
    settled: usize,
    most: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    /// 0: the place is free.
    count: u64,
    value: u32,
}

/// Values by their rows in the array observed.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Of those that came once.
    pub(crate) once: Vec<u32>,
    pub(crate) once_hashes: Vec<u64>,
    /// The first row, the hash, and how often each of the others came.
    pub(crate) repeated: Vec<(u32, u64, u64)>,
}

#[derive(Debug, Clone)]
enum Kept<V> {
    /// It stands in this row of the array that is observed.
    Row(u32),
    Value(V),
}

impl<V> Few<V> {
    /// Takes up to `most` different values.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            slots: vec![Slot::default(); 8],
            values: Vec::new(),
            settled: 0,
            most,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Counts values of the array observed, by their hashes and rows. Gives how many it took: all, or those before the
    /// first that would be one too many.
    #[inline]
    pub(crate) fn add_all(&mut self, hashes: &[u64], rows: &[u32]) -> usize {
        // Sorted and constant columns repeat a value over many chunks.
        if let ([first, others @ ..], [row, ..]) = (hashes, rows)
            && others.iter().all(|hash| hash == first)
        {
            let fits = self.add(*first, hashes.len() as u64, || Kept::Row(*row));
            return if fits { hashes.len() } else { 0 };
        }
        for (taken, (hash, row)) in hashes.iter().zip(rows).enumerate() {
            if !self.add(*hash, 1, || Kept::Row(*row)) {
                return taken;
            }
        }
        hashes.len()
    }

    /// Counts a value that came `count` times; whether there was room for it.
    pub(crate) fn add_value(&mut self, hash: u64, count: u64, value: impl FnOnce() -> V) -> bool {
        self.add(hash, count, || Kept::Value(value()))
    }

    #[inline]
    fn add(&mut self, hash: u64, count: u64, value: impl FnOnce() -> Kept<V>) -> bool {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let mut place = hash as usize & mask;
        while let Some(slot) = self.slots.get_mut(place) {
            if slot.hash == hash && slot.count > 0 {
                slot.count += count;
                return true;
            }
            if slot.count == 0 {
                if self.values.len() >= self.most {
                    return false;
                }
                *slot = Slot {
                    hash,
                    count,
                    value: u32::try_from(self.values.len()).unwrap_or(u32::MAX),
                };
                self.values.push(value());
                if self.values.len() * 2 > self.slots.len() {
                    self.grow();
                }
                return true;
            }
            place = (place + 1) & mask;
        }
        false
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![Slot::default(); self.slots.len() * 2];
        let mask = slots.len() - 1;
        for old in std::mem::replace(&mut self.slots, slots) {
            if old.count == 0 {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
            let mut place = old.hash as usize & mask;
            while let Some(slot) = self.slots.get_mut(place) {
                if slot.count == 0 {
                    *slot = old;
                    break;
                }
                place = (place + 1) & mask;
            }
        }
    }

    /// Keeps the values that so far are rows of the array observed: it goes away.
    pub(crate) fn settle(&mut self, value: impl Fn(u32) -> V) {
        for kept in self.values.iter_mut().skip(self.settled) {
            if let Kept::Row(row) = kept {
                *kept = Kept::Value(value(*row));
            }
        }
        self.settled = self.values.len();
    }

    /// If all values are rows of the array observed: the hashes and rows of those that came once, in order, and of the others row,
    /// hash and how often they came.
    pub(crate) fn rows(&self) -> Option<Rows> {
        if self.settled > 0 {
            return None;
        }
        let mut rows = Rows::default();
        let mut once: Vec<(u32, u64)> = Vec::with_capacity(self.values.len());
        for slot in self.slots.iter().filter(|slot| slot.count > 0) {
            let Some(Kept::Row(row)) = self.values.get(slot.value as usize) else {
                return None;
            };
            if slot.count == 1 {
                once.push((*row, slot.hash));
            } else {
                rows.repeated.push((*row, slot.hash, slot.count));
            }
        }
        once.sort_unstable();
        rows.repeated.sort_unstable();
        (rows.once, rows.once_hashes) = once.into_iter().unzip();
        Some(rows)
    }

    /// Every value with its hash and how often it came. Settle first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&V, u64, u64)> {
        let counted = self.slots.iter().filter(|slot| slot.count > 0);
        counted.filter_map(|slot| match self.values.get(slot.value as usize) {
            Some(Kept::Value(value)) => Some((value, slot.hash, slot.count)),
            Some(Kept::Row(_)) | None => None,
        })
    }
}
