//! The values seen most, in bounded memory: Misra and Gries, "Finding repeated elements" (1982), with its counters in
//! buckets of four that a value's hash picks, as in a set-associative cache: a value costs one look at one bucket.
//!
//! A value whose bucket holds four others takes one off each of them, and `lost` counts that. So a value came at least
//! as often as its counter says and at most `lost` times more; one without a counter, at most `lost` times. Each loss
//! takes five values of the bucket with it (but for one in nine, which makes room), so of n values over b buckets about
//! n / 5b are lost at most, less those of the values that are kept. Counters of two parts add up and what is beyond four is taken off again, as in Agarwal et
//! al., "Mergeable summaries" (2012).

const WAYS: usize = 4;
/// The value of a counter is kept; it is no row of the array observed.
const KEPT: u32 = u32::MAX;
/// So many losses since the last time pay for one more.
const MUCH_LOST: u64 = 8;

/// Counters for the values seen most.
#[derive(Debug, Clone)]
pub(crate) struct Frequent<V> {
    buckets: Vec<Bucket>,
    /// Four a bucket.
    values: Vec<Option<V>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    hashes: [u64; WAYS],
    /// 0: the counter is free.
    counts: [u64; WAYS],
    rows: [u32; WAYS],
    lost: u64,
    /// What `lost` was when the bucket was settled last.
    lost_before: u64,
}

/// Where in a bucket a value is counted, or may be.
enum Way {
    Held(usize),
    Free(usize),
    None,
}

/// A value, how often it came at least, and how much more that may be.
pub(crate) struct Counted<'a, V> {
    pub(crate) value: &'a V,
    pub(crate) count: u64,
    pub(crate) error: u64,
}

impl Bucket {
    /// The counter of a hash, or one that is free.
    #[inline]
    fn way_of(&self, hash: u64) -> Way {
        let mut found = Way::None;
        for (way, (held, count)) in self.hashes.iter().zip(&self.counts).enumerate() {
            if *count == 0 {
                found = Way::Free(way);
            } else if *held == hash {
                return Way::Held(way);
            }
        }
        found
    }

    /// Counts one. Which counter is the value's is found without a branch: of values that are all different none could be foretold.
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "a lazy one is a branch")]
    fn add(&mut self, hash: u64, row: u32) {
        let (mut held, mut free) = (WAYS, WAYS);
        for (way, (held_hash, count)) in self.hashes.iter().zip(&self.counts).enumerate() {
            let is_free = *count == 0;
            free = if is_free { way } else { free };
            held = if !is_free & (*held_hash == hash) {
                way
            } else {
                held
            };
        }
        let is_new = held == WAYS;
        let way = if is_new { free } else { held };
        if let (Some(held_hash), Some(count), Some(at)) = (
            self.hashes.get_mut(way),
            self.counts.get_mut(way),
            self.rows.get_mut(way),
        ) {
            *held_hash = hash;
            *count += 1;
            *at = if is_new { row } else { *at };
        } else {
            self.lose(1);
        }
    }

    fn lose(&mut self, by: u64) {
        for count in &mut self.counts {
            *count = count.saturating_sub(by);
        }
        self.lost += by;
    }
}

impl<V: Clone> Frequent<V> {
    /// So many buckets: a power of two.
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            buckets: vec![Bucket::default(); buckets],
            values: vec![None; buckets * WAYS],
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
        let low = hash as usize;
        low & (self.buckets.len() - 1)
    }

    /// Counts values of the array observed, by their hashes and rows.
    #[inline]
    pub(crate) fn add_all(&mut self, hashes: &[u64], rows: &[u32]) {
        for (hash, row) in hashes.iter().zip(rows) {
            let place = self.place(*hash);
            if let Some(bucket) = self.buckets.get_mut(place) {
                bucket.add(*hash, *row);
            }
        }
    }

    /// Counts a value that came `count` times.
    pub(crate) fn add(&mut self, hash: u64, count: u64, value: &V) {
        let place = self.place(hash);
        let values = self.values.chunks_exact_mut(WAYS).nth(place);
        let (Some(bucket), Some(values)) = (self.buckets.get_mut(place), values) else {
            return;
        };
        let way = match bucket.way_of(hash) {
            Way::Held(way) => {
                if let Some(held) = bucket.counts.get_mut(way) {
                    *held += count;
                }
                return;
            }
            Way::Free(way) => Some((way, count)),
            // The least of the five takes itself off the others.
            Way::None => {
                let least = bucket.counts.iter().copied().fold(count, u64::min);
                bucket.lose(least);
                let free = bucket.counts.iter().position(|count| *count == 0);
                free.filter(|_| count > least).map(|way| (way, count - least))
            }
        };
        if let Some((way, count)) = way
            && let (Some(our_hash), Some(our_count), Some(our_row), Some(our_value)) = (
                bucket.hashes.get_mut(way),
                bucket.counts.get_mut(way),
                bucket.rows.get_mut(way),
                values.get_mut(way),
            )
        {
            (*our_hash, *our_count, *our_row) = (hash, count, KEPT);
            *our_value = Some(value.clone());
        }
    }

    /// Adds counters to a bucket's own and keeps the four greatest.
    fn put(&mut self, place: usize, more: &[(u64, u64, &V)]) {
        let values = self.values.chunks_exact_mut(WAYS).nth(place);
        let (Some(bucket), Some(values)) = (self.buckets.get_mut(place), values) else {
            return;
        };
        let mut all: Vec<(u64, u64, Option<V>)> = Vec::with_capacity(2 * WAYS);
        for way in 0..WAYS {
            if let (Some(hash), Some(count), Some(value)) = (
                bucket.hashes.get(way),
                bucket.counts.get(way),
                values.get_mut(way),
            ) && *count > 0
            {
                all.push((*hash, *count, value.take()));
            }
        }
        for (hash, count, value) in more {
            match all.iter_mut().find(|(held, ..)| held == hash) {
                Some((_, held, _)) => *held += count,
                None => all.push((*hash, *count, Some((*value).clone()))),
            }
        }
        all.sort_by(|(a_hash, a, _), (b_hash, b, _)| b.cmp(a).then(a_hash.cmp(b_hash)));
        let off = all.get(WAYS).map_or(0, |(_, count, _)| *count);
        bucket.lost += off;
        bucket.counts = [0; WAYS];
        for (way, (hash, count, value)) in all.into_iter().take(WAYS).enumerate() {
            if let (Some(our_hash), Some(our_count), Some(our_row), Some(our_value)) = (
                bucket.hashes.get_mut(way),
                bucket.counts.get_mut(way),
                bucket.rows.get_mut(way),
                values.get_mut(way),
            ) {
                *our_hash = hash;
                *our_count = count - off;
                *our_row = KEPT;
                *our_value = value;
            }
        }
    }

    /// Keeps the values that so far are rows of the array observed: it goes away. Where much was lost, counters of one
    /// would soon be lost too: they are now, which is cheaper than to keep their values.
    pub(crate) fn settle(&mut self, value: impl Fn(u32) -> V) {
        for (bucket, values) in self.buckets.iter_mut().zip(self.values.chunks_exact_mut(WAYS)) {
            if bucket.lost >= bucket.lost_before + MUCH_LOST {
                if bucket.counts.contains(&1) {
                    bucket.lose(1);
                }
                bucket.lost_before = bucket.lost;
            }
            for ((count, row), kept) in bucket.counts.iter().zip(&mut bucket.rows).zip(values) {
                if *count == 0 {
                    *kept = None;
                } else if *row != KEPT {
                    *kept = Some(value(*row));
                    *row = KEPT;
                }
            }
        }
    }

    /// Takes the other's counters. Both are settled.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (place, (theirs, values)) in other
            .buckets
            .iter()
            .zip(other.values.chunks_exact(WAYS))
            .enumerate()
        {
            let mut more = Vec::with_capacity(WAYS);
            for ((hash, count), value) in theirs.hashes.iter().zip(&theirs.counts).zip(values) {
                if let (Some(value), true) = (value, *count > 0) {
                    more.push((*hash, *count, value));
                }
            }
            self.put(place, &more);
            if let Some(ours) = self.buckets.get_mut(place) {
                ours.lost += theirs.lost;
            }
        }
    }

    /// The values counted. Settle first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Counted<'_, V>> {
        let buckets = self.buckets.iter().zip(self.values.chunks_exact(WAYS));
        buckets.flat_map(|(bucket, values)| {
            bucket.counts.iter().zip(values).filter_map(|(count, value)| {
                Some(Counted {
                    value: value.as_ref().filter(|_| *count > 0)?,
                    count: *count,
                    error: bucket.lost,
                })
            })
        })
    }

    /// How often a value without a counter came at most.
    pub(crate) fn most_lost(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.lost).max().unwrap_or(0)
    }
}
