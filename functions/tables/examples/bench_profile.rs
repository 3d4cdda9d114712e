//! What a profile costs a cell, by kind of column: `cargo run --release -p tables --no-default-features --example
//! bench_profile`. Each column comes in arrays of as many rows as a slab of 16 MiB may hold, with a profile of its own
//! as in a run, and those are merged. Best of fifteen, in processor time (Linux).

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "made-up values"
)]

use std::{
    hint::black_box,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use tables::{cells::Rows, profile::Profile};

const ROWS: usize = 160_000;
const PARTS: usize = 8;

fn main() -> anyhow::Result<()> {
    for (name, make) in columns() {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let parts: Vec<ArrayRef> = (0..PARTS).map(|part| make(part * ROWS, &mut random)).collect();
        let mut best = (Duration::MAX, Duration::MAX);
        for _ in 0..15 {
            let times = run(&parts)?;
            if times.0 < best.0 {
                best = times;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a measurement")]
        let ns = |time: Duration| time.as_nanos() as f64 / (ROWS * PARTS) as f64;
        writeln!(
            io::stdout(),
            "{name:<28} {:6.2} ns a cell, {:6.2} of it to merge",
            ns(best.0),
            ns(best.1)
        )?;
    }
    Ok(())
}

fn run(parts: &[ArrayRef]) -> anyhow::Result<(Duration, Duration)> {
    let schema = Arc::new(Schema::new(match parts {
        [first, ..] => vec![Field::new("a", first.data_type().clone(), true)],
        [] => Vec::new(),
    }));
    let batches: Vec<RecordBatch> = parts
        .iter()
        .map(|part| RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(part)]))
        .collect::<Result<_, _>>()?;
    let start = cpu_time();
    let mut merging = Duration::ZERO;
    let mut whole = Profile::new(&schema);
    for batch in &batches {
        let mut part = Profile::new(&schema);
        part.observe(&Rows::from(batch))?;
        let before = cpu_time();
        whole.merge(&part)?;
        merging += cpu_time().saturating_sub(before);
    }
    black_box(&whole);
    Ok((cpu_time().saturating_sub(start), merging))
}

/// What this thread has used of a processor: other work on the machine does not count.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

type Make = fn(usize, &mut Random) -> ArrayRef;

fn columns() -> Vec<(&'static str, Make)> {
    vec![
        ("int64 constant", |_, _| ints(|_| Some(2013))),
        ("int64 12 values, sorted", |from, _| {
            ints(|row| Some(((from + row) / 110_000) as i64))
        }),
        ("int64 60 values", |_, random| {
            ints(|_| Some(random.below(60) as i64))
        }),
        ("int64 60 values, 3 % null", |_, random| {
            ints(|_| (random.below(100) >= 3).then(|| random.below(60) as i64))
        }),
        ("int64 1000 values", |_, random| {
            ints(|_| Some(random.below(1000) as i64))
        }),
        ("int64 1300 values", |_, random| {
            ints(|_| Some(random.below(1300) as i64))
        }),
        ("int64 sequence", |from, _| ints(|row| Some((from + row) as i64))),
        ("int64 random", |_, random| {
            ints(|_| Some(random.next().cast_signed()))
        }),
        ("int64 skewed", |_, random| {
            ints(|_| Some((1_000_000_000 / (random.below(1_000_000_000) + 1)) as i64))
        }),
        ("int64 random, 10 % null", |_, random| {
            ints(|_| (random.below(10) > 0).then(|| random.next().cast_signed()))
        }),
        ("float64 prices", |_, random| {
            Arc::new(Float64Array::from_iter_values(
                (0..ROWS).map(|_| random.below(100_000) as f64 / 100.0),
            ))
        }),
        ("float64 random", |_, random| {
            Arc::new(Float64Array::from_iter_values(
                (0..ROWS).map(|_| random.next() as f64),
            ))
        }),
        ("bool", |_, random| {
            Arc::new(
                (0..ROWS)
                    .map(|_| Some(random.below(2) == 0))
                    .collect::<BooleanArray>(),
            )
        }),
        ("date 365 days", |_, random| {
            Arc::new(Date32Array::from_iter_values(
                (0..ROWS).map(|_| 15_706 + random.below(365) as i32),
            ))
        }),
        ("timestamp rising", |from, _| {
            Arc::new(TimestampMicrosecondArray::from_iter_values(
                (0..ROWS).map(|row| (from + row) as i64 * 1_000_000),
            ))
        }),
        ("string 3 values", |_, random| {
            texts(|_| ["EWR", "JFK", "LGA"][random.below(3) as usize].to_owned())
        }),
        ("string 100 airports", |_, random| {
            texts(|_| format!("A{:02}", random.below(100)))
        }),
        ("string 4000 tail numbers", |_, random| {
            texts(|_| format!("N{}", 10_000 + random.below(4000)))
        }),
        ("string unique, 12 bytes", |from, _| {
            texts(|row| format!("user{:08}", from + row))
        }),
        ("string names, é", |_, random| {
            texts(|_| format!("José {}", random.below(1_000_000)))
        }),
        ("string 60 bytes", |_, random| {
            texts(|_| {
                format!(
                    "the quick brown fox number {} jumps over the lazy dog",
                    random.next()
                )
            })
        }),
    ]
}

fn ints(mut value: impl FnMut(usize) -> Option<i64>) -> ArrayRef {
    Arc::new((0..ROWS).map(&mut value).collect::<Int64Array>())
}

fn texts(mut value: impl FnMut(usize) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..ROWS).map(&mut value)))
}

/// xorshift64 (Marsaglia 2003), multiplied.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 32) % end
    }
}
