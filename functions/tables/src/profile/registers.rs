//! An estimate of how many different values there are: `HyperLogLog` (Flajolet et al. 2007), read with Ertl's
//! estimator, "New cardinality estimation algorithms for `HyperLogLog` sketches" (arXiv:1702.01284), which needs no
//! bias table.

use std::f64::consts::LN_2;

/// The registers. Merging gives those of one pass over both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registers {
    bits: u32,
    ranks: Box<[u8]>,
}

impl Registers {
    /// 2^`bits` registers, a byte each.
    pub(crate) fn new(bits: u32) -> Self {
        Self {
            bits,
            ranks: vec![0; 1 << bits].into(),
        }
    }

    /// Takes note of hashes.
    #[inline]
    pub(crate) fn add_all(&mut self, hashes: &[u64]) {
        let bits = self.bits;
        // The bit set bounds the rank at 65 - bits.
        let guard = 1 << (bits - 1);
        for hash in hashes {
            #[expect(clippy::cast_possible_truncation, reason = "at most 2^bits")]
            let register = (hash >> (64 - bits)) as usize;
            #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
            let rank = ((hash << bits | guard).leading_zeros() + 1) as u8;
            if let Some(held) = self.ranks.get_mut(register)
                && *held < rank
            {
                *held = rank;
            }
        }
    }

    /// Takes what the other has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.ranks.iter_mut().zip(&other.ranks) {
            *ours = (*ours).max(*theirs);
        }
    }

    /// Ertl's improved raw estimator (algorithm 6 of the paper).
    #[expect(clippy::cast_precision_loss, reason = "counts of at most 4,096")]
    pub(crate) fn estimate(&self) -> u64 {
        let mut counts = [0_u32; 66];
        for rank in &self.ranks {
            if let Some(count) = counts.get_mut(usize::from(*rank)) {
                *count += 1;
            }
        }
        let rank_bits = (64 - self.bits) as usize;
        let count = |rank: usize| f64::from(counts.get(rank).copied().unwrap_or(0));
        let m = self.ranks.len() as f64;
        let mut z = m * tau(1.0 - count(rank_bits + 1) / m);
        for rank in (1..=rank_bits).rev() {
            z = 0.5 * (z + count(rank));
        }
        z += m * sigma(count(0) / m);
        let estimate = m / (2.0 * LN_2) * m / z;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and saturating is right for what a hash cannot tell apart"
        )]
        let rounded = estimate.round() as u64;
        rounded
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{hash::hash_bits, precision::Precision};

    #[test]
    fn estimates_are_within_three_standard_errors() {
        for precision in [Precision::NARROW, Precision::MIDDLE, Precision::WIDE] {
            for n in [65_u64, 1025, 5000, 20_000, 100_000, 1_000_000] {
                let mut registers = Registers::new(precision.register_bits);
                let hashes: Vec<u64> = (0..n).map(hash_bits).collect();
                registers.add_all(&hashes);
                registers.add_all(&hashes);
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let error = (registers.estimate() as f64 - n as f64).abs() / n as f64;
                assert!(
                    error < 3.0 * precision.distinct_standard_error(),
                    "{precision:?} {n}: {error}"
                );
            }
        }
    }
}
