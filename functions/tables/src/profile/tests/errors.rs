//! The errors that are stated, measured.

use super::*;
use crate::{
    order::key_of_int,
    profile::{
        column::Body,
        hash::hash_bits,
        ordered::{CHUNK, Ordered},
        report::Shown,
    },
};
use std::collections::HashMap;

/// Values in the orders that sketches meet.
fn inputs(n: u64) -> Vec<(&'static str, Vec<i64>)> {
    let mut random = Random(7);
    let n_signed = n.cast_signed();
    let sorted: Vec<i64> = (0..n_signed).collect();
    let mut shuffled = sorted.clone();
    for at in (1..shuffled.len()).rev() {
        #[expect(clippy::cast_possible_truncation, reason = "a place")]
        shuffled.swap(at, random.below(at as u64 + 1) as usize);
    }
    let skewed = (0..n)
        .map(|_| (n / (random.below(n) + 1)).cast_signed())
        .collect();
    // Least, greatest, next least, next greatest: each compaction sees both ends.
    let zigzag = (0..n_signed)
        .map(|at| if at % 2 == 0 { at / 2 } else { n_signed - at / 2 })
        .collect();
    // A period of the sampler's block: the first of each block is small, the others large.
    let comb = (0..n_signed)
        .map(|at| if at % 8 == 0 { at } else { n_signed + at })
        .collect();
    let runs = (0..n_signed).map(|at| at / 50).collect();
    vec![
        ("sorted", sorted.clone()),
        ("reversed", sorted.into_iter().rev().collect()),
        ("shuffled", shuffled),
        ("skewed", skewed),
        ("zigzag", zigzag),
        ("comb", comb),
        ("runs", runs),
    ]
}

/// How far a quantile's rank is off, as a share.
#[expect(clippy::cast_precision_loss, reason = "small")]
fn rank_error(sorted: &[i64], value: i64, share: f64) -> f64 {
    let below = sorted.partition_point(|held| *held < value) as f64 / sorted.len() as f64;
    let up_to = sorted.partition_point(|held| *held <= value) as f64 / sorted.len() as f64;
    (below - share).max(share - up_to).max(0.0)
}

fn merged(values: &[i64], part: usize, precision: Precision) -> ColumnProfile {
    let mut parts = values
        .chunks(part)
        .map(|part| observed(&ints(part.iter().copied()), precision));
    let mut whole = parts.next().unwrap();
    parts.for_each(|part| whole.merge(&part).unwrap());
    whole
}

#[test]
fn quantiles_keep_their_error() {
    for precision in [Precision::NARROW, Precision::MIDDLE, Precision::WIDE] {
        let stated = precision.quantile_rank_error();
        let (mut worst, mut total, mut over) = (0_f64, 0, 0);
        for n in [5_000, 17_000, 33_000, 200_000] {
            for (name, values) in inputs(n) {
                let mut sorted = values.clone();
                sorted.sort_unstable();
                for part in [values.len(), 40_000, 1_000] {
                    let column = merged(&values, part, precision);
                    let Body::Narrow(ordered) = &column.body else {
                        panic!()
                    };
                    for quantile in ordered.distribution().quantiles() {
                        let Shown::Int(value) = quantile.value else {
                            panic!()
                        };
                        let error = rank_error(&sorted, value, quantile.share);
                        assert!(
                            error < 1.5 * stated,
                            "{precision:?} {name} of {n} by {part}: {error}"
                        );
                        worst = worst.max(error);
                        total += 1;
                        over += usize::from(error > stated);
                    }
                }
            }
        }
        println!("{precision:?}: stated {stated:.4}, worst {worst:.4}, over in {over} of {total}");
        assert!(over * 100 <= total, "{over} of {total} are beyond what 99 % keep");
    }
}

#[test]
fn values_seen_most_are_within_their_bounds() {
    for precision in [Precision::NARROW, Precision::WIDE] {
        for (name, values) in inputs(100_000) {
            let mut exact: HashMap<i64, u64> = HashMap::new();
            for value in &values {
                *exact.entry(*value).or_default() += 1;
            }
            for part in [values.len(), 9_000] {
                let column = merged(&values, part, precision);
                let Body::Narrow(ordered) = &column.body else {
                    panic!()
                };
                let (top, others) = ordered.top();
                let named: HashMap<u64, _> = top
                    .iter()
                    .map(|(key, count, error)| (*key, (*count, *error)))
                    .collect();
                for (value, exact) in &exact {
                    let (count, error) = named.get(&key_of_int(*value)).copied().unwrap_or((0, others));
                    assert!(count <= *exact && *exact <= count + error, "{name}: {value}");
                }
                // Of n values, five are lost at a time in one of the buckets; parts lose one more each.
                let fair = 100_000 / 5 / precision.buckets as u64;
                let parts = values.len().div_ceil(part) as u64;
                assert!(
                    others <= fair * 2 + 20 + parts,
                    "{name} by {part}: {others} against {fair}"
                );
            }
        }
    }
}

#[test]
fn the_most_frequent_of_skewed_texts_are_named() {
    let mut random = Random(3);
    let values: Vec<String> = (0..200_000)
        .map(|at| match at % 2 {
            0 => format!("value {}", 100_000_000 / (random.below(100_000_000) + 1)),
            _ => format!("of its own {at}"),
        })
        .collect();
    let mut exact: HashMap<&str, u64> = HashMap::new();
    for value in &values {
        *exact.entry(value).or_default() += 1;
    }
    let mut most: Vec<_> = exact.into_iter().collect();
    most.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
    let top = column_of(texts(&values)).top_values.unwrap();
    assert!(!top.exact);
    for (named, (text, count)) in top.values.iter().zip(most) {
        assert_eq!(named.value, Shown::Text(text.to_owned()));
        assert!(named.count <= count && count <= named.at_most);
        assert!(named.at_most - named.count < 200, "{named:?}");
    }
}

#[test]
fn collisions_in_a_bucket_cost_no_more_than_is_said() {
    // Values whose hashes all pick one bucket.
    let precision = Precision::NARROW;
    let keys: Vec<u64> = (0_u64..)
        .filter(|key| hash_bits(*key).is_multiple_of(256))
        .take(5_000)
        .collect();
    let mut ordered = Ordered::<u64>::new(crate::profile::kind::Kind::UInt, precision);
    for (at, key) in keys.iter().enumerate() {
        for key in [*key, keys[at % 2]] {
            ordered.add_all(&[key], &[hash_bits(key)], &[0], |_| key);
            ordered.settle(|_| key);
        }
    }
    let (top, _) = ordered.top();
    for key in &keys[..2] {
        let (_, count, error) = top.iter().find(|(held, ..)| held == key).unwrap();
        assert!(*count <= 2501 && 2501 <= count + error, "{count} {error}");
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small")]
fn moments_are_those_of_two_passes() {
    for (name, values) in inputs(50_000) {
        for offset in [0.0, 1e9] {
            let values: Vec<f64> = values.iter().map(|value| *value as f64 * 0.1 + offset).collect();
            // Sums near zero keep their digits.
            let shift = values[0];
            let mean = shift + values.iter().map(|value| value - shift).sum::<f64>() / values.len() as f64;
            let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            let deviation = (squares / (values.len() as f64 - 1.0)).sqrt();
            let column = column_of(floats(values.iter().copied()));
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-8 * b.abs();
            assert!(
                close(column.mean.unwrap(), mean),
                "{name} + {offset}: {:?} and {mean}",
                column.mean
            );
            let measured = column.standard_deviation.unwrap();
            assert!(
                close(measured, deviation),
                "{name} + {offset}: {measured} and {deviation}"
            );
        }
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small")]
fn histograms_count_every_value() {
    for (name, values) in inputs(50_000) {
        let column = column_of(ints(values.iter().copied()));
        let histogram = column.histogram.unwrap();
        let total: u64 = histogram.bins.iter().map(|bin| bin.count).sum();
        assert!(total.abs_diff(50_000) < 2 * CHUNK as u64, "{name}: {total}");
        let error = Precision::NARROW.quantile_rank_error() * 50_000.0;
        for bin in histogram.bins {
            let (Shown::Int(from), Shown::Int(to)) = (bin.from, bin.to) else {
                panic!()
            };
            let exact = values.iter().filter(|value| (from..to).contains(*value)).count();
            // Two ranks lie between.
            assert!(
                (bin.count as f64 - exact as f64).abs() <= 2.0 * error,
                "{name}: {from}–{to}"
            );
        }
    }
}
