//! How many different values: exact while there are few, an estimate after that.
//!
//! Values come as 64-bit hashes, each computed once. Up to [`EXACT`] different ones are kept, so the count is exact (but
//! for two values of one hash: a chance below 10^-13). After that a `HyperLogLog` of 4,096 registers (Flajolet et al.
//! 2007) remains, read with Ertl's estimator, "New cardinality estimation algorithms for `HyperLogLog` sketches"
//! (arXiv:1702.01284), which needs no bias table.

use std::f64::consts::LN_2;

/// How many different values are counted exactly.
pub const EXACT: usize = 1024;
/// The standard error of the estimate: 1.04 / √4096.
pub const STANDARD_ERROR: f64 = 0.01625;

const REGISTER_BITS: u32 = 12;
const REGISTERS: usize = 1 << REGISTER_BITS;
/// Bits of a hash that a register's rank is taken from.
const RANK_BITS: u32 = 64 - REGISTER_BITS;

/// Counts different hashes. [`Distinct::merge`] gives the same as one pass over both.
#[derive(Debug, Clone)]
pub struct Distinct {
    state: State,
    /// The last hash: columns repeat themselves.
    last: u64,
}

#[derive(Debug, Clone)]
enum State {
    /// An open-addressed table of hashes, a power of two, at most half full; 0 is an empty place.
    Few {
        table: Vec<u64>,
        held: usize,
    },
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            state: State::Few {
                table: vec![0; 8],
                held: 0,
            },
            last: 0,
        }
    }
}

impl Distinct {
    /// Takes note of a value's hash.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        // The empty place's value is given away: it counts as its neighbour.
        let hash = hash.max(1);
        if hash == self.last {
            return;
        }
        self.last = hash;
        match &mut self.state {
            State::Many(registers) => note(registers, hash),
            State::Few { table, held } => {
                if insert(table, hash) {
                    *held += 1;
                    if *held > EXACT {
                        self.state = State::Many(registers_of(table));
                    } else if *held * 2 > table.len() {
                        let mut larger = vec![0; table.len() * 2];
                        for hash in table.iter().filter(|hash| **hash != 0) {
                            insert(&mut larger, *hash);
                        }
                        *table = larger;
                    }
                }
            }
        }
    }

    /// What one pass over both would have counted. Associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        match &other.state {
            State::Few { table, .. } => {
                for hash in table.iter().filter(|hash| **hash != 0) {
                    self.add(*hash);
                }
            }
            State::Many(theirs) => {
                if let State::Few { table, .. } = &self.state {
                    self.state = State::Many(registers_of(table));
                }
                if let State::Many(ours) = &mut self.state {
                    for (ours, theirs) in ours.iter_mut().zip(theirs.iter()) {
                        *ours = (*ours).max(*theirs);
                    }
                }
            }
        }
    }

    /// How many, and whether that is exact.
    #[must_use]
    pub fn count(&self) -> (u64, bool) {
        match &self.state {
            State::Few { held, .. } => (*held as u64, true),
            State::Many(registers) => (estimate(registers), false),
        }
    }
}

/// Puts a hash into a table with free places; whether it is new.
#[inline]
fn insert(table: &mut [u64], hash: u64) -> bool {
    let mask = table.len() - 1;
    #[expect(clippy::cast_possible_truncation, reason = "only the low bits are used")]
    let mut place = hash as usize & mask;
    while let Some(held) = table.get_mut(place) {
        if *held == hash {
            return false;
        }
        if *held == 0 {
            *held = hash;
            return true;
        }
        place = (place + 1) & mask;
    }
    false
}

#[inline]
fn note(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = (hash >> RANK_BITS) as usize;
    // The set bit bounds the rank at RANK_BITS + 1, which fits a byte.
    #[expect(clippy::cast_possible_truncation, reason = "at most 53")]
    let rank = ((hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() + 1) as u8;
    if let Some(held) = registers.get_mut(register)
        && *held < rank
    {
        *held = rank;
    }
}

fn registers_of(table: &[u64]) -> Box<[u8; REGISTERS]> {
    let mut registers = Box::new([0; REGISTERS]);
    for hash in table.iter().filter(|hash| **hash != 0) {
        note(&mut registers, *hash);
    }
    registers
}

/// Ertl's improved raw estimator (algorithm 6 of the paper).
#[expect(clippy::cast_precision_loss, reason = "counts of at most 4,096")]
fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let mut counts = [0_u32; RANK_BITS as usize + 2];
    for register in registers {
        if let Some(count) = counts.get_mut(usize::from(*register)) {
            *count += 1;
        }
    }
    let m = REGISTERS as f64;
    let (zeros, saturated) = (counts.first().copied(), counts.last().copied());
    let mut z = m * tau(1.0 - f64::from(saturated.unwrap_or(0)) / m);
    for count in counts.iter().skip(1).take(RANK_BITS as usize).rev() {
        z = 0.5 * (z + f64::from(*count));
    }
    z += m * sigma(f64::from(zeros.unwrap_or(0)) / m);
    let estimate = m / (2.0 * LN_2) * m / z;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and saturating is right for what a hash cannot tell apart"
    )]
    let rounded = estimate.round() as u64;
    rounded
}

fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

/// Spreads the bits of a number over all 64 (the finaliser of `MurmurHash3`): different numbers, different hashes.
#[inline]
#[must_use]
pub fn hash_bits(bits: u64) -> u64 {
    let mut hash = bits ^ 0x9E37_79B9_7F4A_7C15;
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    hash ^ (hash >> 33)
}

/// The XXH3 hash of a text.
#[inline]
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Distinct {
        let mut distinct = Distinct::default();
        values
            .into_iter()
            .for_each(|value| distinct.add(hash_bits(value)));
        distinct
    }

    #[test]
    fn few_are_counted_and_many_are_estimated_within_three_errors() {
        for n in [0, 1, 2, 7, 1000, 1024] {
            assert_eq!(of((0..n).chain(0..n)).count(), (n, true));
        }
        for n in [1025_u64, 2000, 5000, 10_000, 20_000, 100_000, 1_000_000] {
            let (count, exact) = of(0..n).count();
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let error = (count as f64 - n as f64).abs() / n as f64;
            assert!(!exact && error < 3.0 * STANDARD_ERROR, "{n}: {count}");
        }
    }

    #[test]
    fn texts_spread_as_well_as_numbers() {
        let mut distinct = Distinct::default();
        for n in 0..50_000 {
            distinct.add(hash_bytes(format!("name {n}").as_bytes()));
        }
        let (count, _) = distinct.count();
        assert!((47_500..52_500).contains(&count), "{count}");
    }

    proptest::proptest! {
        #[test]
        fn parts_merge_to_what_one_pass_counts(a in 0_u64..3000, b in 0_u64..3000, c in 0_u64..3000, shift in 0_u64..2000) {
            let parts = [of(0..a), of(shift..shift + b), of(2 * shift..2 * shift + c)];
            let whole = of((0..a).chain(shift..shift + b).chain(2 * shift..2 * shift + c)).count();
            let [one, two, three] = parts;
            let (mut left, mut right, mut tail) = (one.clone(), one, two.clone());
            left.merge(&two);
            left.merge(&three);
            tail.merge(&three);
            right.merge(&tail);
            proptest::prop_assert_eq!(left.count(), whole);
            proptest::prop_assert_eq!(right.count(), whole);
        }
    }
}
