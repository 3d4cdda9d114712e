//! Quantiles in bounded memory: the KLL sketch (Karnin, Lang and Liberty, "Optimal quantile approximation in streams",
//! arXiv:1603.05346).
//!
//! Level `h` holds values that stand for 2^h each. A level that is full is sorted, and every other value of it, from
//! a first or second one that a coin picks, goes one level up. As in the paper the lowest levels give way to a sampler
//! once many values have come: of each [`BLOCK`] consecutive ones, one at random stands for all.

/// So many values are all taken; of what follows, one of each block.
const SAMPLED_FROM: u64 = 16 << 10;
/// Values that one stands for, once values are sampled: a power of two.
const BLOCK: usize = 8;
const BLOCK_LEVEL: usize = BLOCK.ilog2() as usize;
/// What sampling adds to a rank's error at most (when twice [`SAMPLED_FROM`] values have come), with 99 % confidence:
/// of a block of b values, a rank's share q varies by b²·q(1-q)(1-1/b), so by 14 at most.
pub(crate) const SAMPLING_RANK_ERROR: f64 = 2.576 * 0.005_17 / 2.0;
/// What a level holds at least: with less, the levels below would be compacted at every other value.
const MIN_CAPACITY: usize = 32;

/// The sketch, of values that have an order.
#[derive(Debug, Clone)]
pub(crate) struct Quantiles<K> {
    k: usize,
    levels: Vec<Vec<K>>,
    held: usize,
    /// What each level may hold, and all together.
    capacities: Vec<usize>,
    capacity: usize,
    weight: u64,
    coin: u64,
}

impl<K: Copy + Ord> Quantiles<K> {
    pub(crate) fn new(k: usize) -> Self {
        let mut new = Self {
            k,
            levels: Vec::new(),
            held: 0,
            capacities: Vec::new(),
            capacity: 0,
            weight: 0,
            coin: 0x2545_F491_4F6C_DD1D,
        };
        new.grow(1);
        new
    }

    /// Makes it so many levels. The top one holds `k`, each below it two thirds of the one above.
    fn grow(&mut self, levels: usize) {
        self.levels.resize(levels, Vec::new());
        let mut capacity = self.k;
        self.capacities.clear();
        for _ in 0..levels {
            self.capacities.push(capacity.max(MIN_CAPACITY));
            capacity = (capacity * 2).div_ceil(3);
        }
        self.capacities.reverse();
        self.capacity = self.capacities.iter().sum();
    }

    fn random(&mut self) -> u64 {
        // xorshift64: Marsaglia 2003.
        self.coin ^= self.coin << 13;
        self.coin ^= self.coin >> 7;
        self.coin ^= self.coin << 17;
        self.coin
    }

    /// Takes values.
    #[inline]
    pub(crate) fn add_all(&mut self, values: &[K]) {
        let all = usize::try_from(SAMPLED_FROM.saturating_sub(self.weight)).unwrap_or(usize::MAX);
        let (all, sampled) = values.split_at(all.min(values.len()));
        let blocks = sampled.chunks_exact(BLOCK);
        for part in [all, blocks.remainder()] {
            let mut rest = part;
            while !rest.is_empty() {
                let room = self.capacity.saturating_sub(self.held).max(1);
                let (now, later) = rest.split_at(room.min(rest.len()));
                self.push(0, now);
                rest = later;
            }
            self.weight += part.len() as u64;
        }
        let picks = blocks.len();
        for block in blocks {
            // The high bits are the better ones.
            #[allow(clippy::cast_possible_truncation, reason = "below BLOCK, whatever its type")]
            let pick = (self.random() >> (64 - BLOCK_LEVEL)) as usize;
            if let Some(value) = block.get(pick) {
                self.push(BLOCK_LEVEL, std::slice::from_ref(value));
            }
        }
        self.weight += (picks * BLOCK) as u64;
    }

    /// Takes a value that came `count` times.
    pub(crate) fn add(&mut self, value: K, count: u64) {
        let mut rest = count;
        while rest != 0 {
            self.push(rest.trailing_zeros() as usize, &[value]);
            rest &= rest - 1;
        }
        self.weight += count;
    }

    #[inline]
    fn push(&mut self, level: usize, values: &[K]) {
        if level >= self.levels.len() {
            self.grow(level + 1);
        }
        if let Some(held) = self.levels.get_mut(level) {
            held.extend_from_slice(values);
            self.held += values.len();
        }
        if self.held >= self.capacity {
            self.compress();
        }
    }

    /// Takes the other's values.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.levels.len() > self.levels.len() {
            self.grow(other.levels.len());
        }
        for (ours, theirs) in self.levels.iter_mut().zip(&other.levels) {
            ours.extend_from_slice(theirs);
        }
        self.held += other.held;
        self.weight += other.weight;
        while self.held >= self.capacity {
            self.compress();
        }
    }

    /// Halves the lowest level that is full.
    fn compress(&mut self) {
        let mut levels = self.levels.iter().zip(&self.capacities);
        let full = levels.position(|(values, capacity)| values.len() >= *capacity);
        // Together full, so one of them is.
        let Some(level) = full else { return };
        if level + 1 == self.levels.len() {
            self.grow(level + 2);
        }
        let second = self.random() >> 63 == 1;
        let Some([low, high]) = self.levels.get_mut(level..level + 2) else {
            return;
        };
        if level == 0 {
            low.sort_unstable();
        } else {
            // What came up from below is in order, some at a time: that is made use of.
            low.sort();
        }
        // Of an odd number the last stays, whatever it is: sorted last, it is the greatest; the coin decides for the
        // others, so that no rank is favoured.
        let stays = if low.len() % 2 == 1 { low.pop() } else { None };
        let before = low.len();
        high.extend(low.iter().skip(usize::from(second)).step_by(2).copied());
        low.clear();
        low.extend(stays);
        self.held -= before / 2;
    }

    /// The values held with what each stands for, in order.
    pub(crate) fn weighted(&self) -> Vec<(K, u64)> {
        let mut all = Vec::with_capacity(self.held);
        for (level, values) in self.levels.iter().enumerate() {
            all.extend(values.iter().map(|value| (*value, 1 << level)));
        }
        all.sort_unstable_by_key(|(value, _)| *value);
        all
    }
}
