//! Columns of numbers, decimals, dates, times and UUIDs: values with an order and a fixed width.

use super::{
    distribution::Distribution, few::Few, frequent::Frequent, hash, kind::Kind, moments::Moments,
    precision::Precision, quantiles::Quantiles, registers::Registers, report::Distinct,
};

/// Values that are looked at together: they and what is made of them stay in the first cache.
pub(crate) const CHUNK: usize = 512;

/// A value of fixed width whose order is that of the column's values.
pub(crate) trait Key: Copy + Ord + Default + Into<u128> {
    fn hash(self) -> u64;
    /// The numbers that keys stand for.
    fn numbers<'a>(kind: Kind, keys: &[Self], into: &'a mut [f64; CHUNK]) -> &'a [f64];
}

impl Key for u64 {
    #[inline]
    fn hash(self) -> u64 {
        hash::hash_bits(self)
    }

    fn numbers<'a>(kind: Kind, keys: &[Self], into: &'a mut [f64; CHUNK]) -> &'a [f64] {
        kind.numbers(keys, into);
        into.get(..keys.len()).unwrap_or_default()
    }
}

impl Key for u128 {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "its halves")]
    fn hash(self) -> u64 {
        hash::hash_pair(self as u64, (self >> 64) as u64)
    }

    fn numbers<'a>(kind: Kind, keys: &[Self], into: &'a mut [f64; CHUNK]) -> &'a [f64] {
        for (into, key) in into.iter_mut().zip(keys) {
            *into = kind.position(*key);
        }
        into.get(..keys.len()).unwrap_or_default()
    }
}

/// The values of a column.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<K> {
    kind: Kind,
    precision: Precision,
    state: State<K>,
}

#[derive(Debug, Clone)]
enum State<K> {
    Few(Few<K>),
    Many(Box<Many<K>>),
}

#[derive(Debug, Clone)]
struct Many<K> {
    registers: Registers,
    frequent: Frequent<K>,
    quantiles: Quantiles<K>,
    moments: Moments,
    range: Option<(K, K)>,
}

impl<K: Key> Ordered<K> {
    pub(crate) fn new(kind: Kind, precision: Precision) -> Self {
        Self {
            kind,
            precision,
            state: State::Few(Few::new(precision.exact)),
        }
    }

    /// Takes values of the array observed, at most [`CHUNK`], with their hashes and rows.
    pub(crate) fn add_all(&mut self, keys: &[K], hashes: &[u64], rows: &[u32], value: impl Fn(u32) -> K) {
        let taken = match &mut self.state {
            State::Few(few) => few.add_all(hashes, rows),
            State::Many(_) => 0,
        };
        if taken < hashes.len() {
            self.become_many(value);
            let rest = |all: usize| taken.min(all)..;
            if let (State::Many(many), Some(keys), Some(hashes), Some(rows)) = (
                &mut self.state,
                keys.get(rest(keys.len())),
                hashes.get(rest(hashes.len())),
                rows.get(rest(rows.len())),
            ) {
                many.add_all(self.kind, keys, hashes, rows);
            }
        }
    }

    /// Takes values with their hashes and how often each came. What was added before is settled.
    pub(crate) fn add_counted(&mut self, values: &[(K, u64, u64)]) {
        let mut rest = values;
        if let State::Few(few) = &mut self.state {
            let fits = |(key, hash, count): &&(K, u64, u64)| few.add_value(*hash, *count, || *key);
            let taken = values.iter().take_while(fits).count();
            rest = values.get(taken..).unwrap_or_default();
            if !rest.is_empty() {
                self.become_many(|_| K::default());
            }
        }
        if let State::Many(many) = &mut self.state {
            for (key, hash, count) in rest {
                many.count(self.kind, *key, *hash, *count);
            }
        }
    }

    /// Keeps what so far are rows of the array observed.
    pub(crate) fn settle(&mut self, value: impl Fn(u32) -> K) {
        match &mut self.state {
            State::Few(few) => few.settle(value),
            State::Many(many) => many.frequent.settle(value),
        }
    }

    fn become_many(&mut self, value: impl Fn(u32) -> K) {
        let State::Few(few) = &mut self.state else { return };
        let mut many = Many::new(self.precision);
        if let Some(rows) = few.rows() {
            let keys: Vec<K> = rows.once.iter().map(|row| value(*row)).collect();
            let chunks = keys.chunks(CHUNK).zip(rows.once_hashes.chunks(CHUNK));
            for ((keys, hashes), rows) in chunks.zip(rows.once.chunks(CHUNK)) {
                many.add_all(self.kind, keys, hashes, rows);
            }
            for (row, hash, count) in rows.repeated {
                many.count(self.kind, value(row), hash, count);
            }
        } else {
            few.settle(value);
            many.take(self.kind, few);
        }
        self.state = State::Many(Box::new(many));
    }

    /// Takes the other's values. Both are settled.
    pub(crate) fn merge(&mut self, other: &Self) {
        match (&mut self.state, &other.state) {
            (State::Few(ours), State::Few(theirs)) => {
                let mut together = ours.clone();
                let fits = theirs
                    .iter()
                    .all(|(key, hash, count)| together.add_value(hash, count, || *key));
                if fits {
                    self.state = State::Few(together);
                } else {
                    let mut many = Many::new(self.precision);
                    many.take(self.kind, ours);
                    many.take(self.kind, theirs);
                    self.state = State::Many(Box::new(many));
                }
            }
            (State::Few(ours), State::Many(theirs)) => {
                let mut many = theirs.clone();
                many.take(self.kind, ours);
                self.state = State::Many(many);
            }
            (State::Many(ours), State::Few(theirs)) => ours.take(self.kind, theirs),
            (State::Many(ours), State::Many(theirs)) => ours.merge(theirs),
        }
    }

    pub(crate) fn distinct(&self) -> Distinct {
        match &self.state {
            State::Few(few) => Distinct::exact(few.len()),
            State::Many(many) => Distinct::estimated(many.registers.estimate()),
        }
    }

    pub(crate) fn moments(&self) -> Moments {
        match &self.state {
            State::Few(few) => {
                let mut moments = Moments::default();
                let mut values: Vec<_> = few.iter().map(|(key, _, count)| (*key, count)).collect();
                values.sort_unstable_by_key(|(key, _)| *key);
                for (key, count) in values {
                    moments.add(self.kind.position(key.into()), count);
                }
                moments
            }
            State::Many(many) => many.moments,
        }
    }

    pub(crate) fn range(&self) -> Option<(K, K)> {
        match &self.state {
            State::Few(few) => {
                let min = few.iter().map(|(key, ..)| *key).min()?;
                let max = few.iter().map(|(key, ..)| *key).max()?;
                Some((min, max))
            }
            State::Many(many) => many.range,
        }
    }

    /// How the values lie, for quantiles and the histogram.
    pub(crate) fn distribution(&self) -> Distribution {
        let (mut values, exact): (Vec<(K, u64)>, bool) = match &self.state {
            State::Few(few) => (few.iter().map(|(key, _, count)| (*key, count)).collect(), true),
            State::Many(many) => (many.quantiles.weighted(), false),
        };
        values.sort_unstable_by_key(|(key, _)| *key);
        let values = values
            .into_iter()
            .map(|(key, count)| (key.into(), count))
            .collect();
        let range = self.range().map(|(min, max)| (min.into(), max.into()));
        Distribution::new(self.kind, values, range, exact)
    }

    /// Values with how often they came at least and how much more that may be; and how often any other came at most.
    pub(crate) fn top(&self) -> (Vec<(K, u64, u64)>, u64) {
        match &self.state {
            State::Few(few) => (few.iter().map(|(key, _, count)| (*key, count, 0)).collect(), 0),
            State::Many(many) => {
                let counted = many.frequent.iter();
                let values = counted.map(|counted| (*counted.value, counted.count, counted.error));
                (values.collect(), many.frequent.most_lost())
            }
        }
    }
}

impl<K: Key> Many<K> {
    fn new(precision: Precision) -> Self {
        Self {
            registers: Registers::new(precision.register_bits),
            frequent: Frequent::new(precision.buckets),
            quantiles: Quantiles::new(precision.quantile_k),
            moments: Moments::default(),
            range: None,
        }
    }

    #[inline]
    fn add_all(&mut self, kind: Kind, keys: &[K], hashes: &[u64], rows: &[u32]) {
        self.registers.add_all(hashes);
        self.frequent.add_all(hashes, rows);
        let mut low = keys.first().copied().unwrap_or_default();
        let mut high = low;
        for key in keys {
            low = low.min(*key);
            high = high.max(*key);
        }
        self.widen(low, high);
        if kind.is_measure() {
            self.quantiles.add_all(keys);
        }
        if kind.is_number() {
            let mut numbers = [0.0; CHUNK];
            self.moments.add_all(K::numbers(kind, keys, &mut numbers));
        }
    }

    fn widen(&mut self, low: K, high: K) {
        let (min, max) = self.range.unwrap_or((low, high));
        self.range = Some((min.min(low), max.max(high)));
    }

    /// Takes values that were counted exactly, settled, in an order of their own.
    fn take(&mut self, kind: Kind, few: &Few<K>) {
        let mut values: Vec<_> = few.iter().map(|(key, hash, count)| (*key, hash, count)).collect();
        values.sort_unstable_by_key(|(key, ..)| *key);
        for (key, hash, count) in values {
            self.count(kind, key, hash, count);
        }
    }

    /// Takes a value that came `count` times.
    fn count(&mut self, kind: Kind, key: K, hash: u64, count: u64) {
        self.registers.add_all(&[hash]);
        self.frequent.add(hash, count, &key);
        self.widen(key, key);
        if kind.is_measure() {
            self.quantiles.add(key, count);
        }
        if kind.is_number() {
            self.moments.add(kind.position(key.into()), count);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.registers.merge(&other.registers);
        self.frequent.merge(&other.frequent);
        self.quantiles.merge(&other.quantiles);
        self.moments.merge(&other.moments);
        if let Some((low, high)) = other.range {
            self.widen(low, high);
        }
    }
}
