//! Figures for tests.

use super::{
    figures::{Figures, FiguresAt, Spread},
    jobs::Job,
    measure::MEMORIES_MB,
    sizes::Sizes,
    subjects::Language,
};

fn spread(p50: f64) -> Spread {
    Spread {
        p10: p50 / 2.0,
        p50,
        p90: p50 * 2.0,
    }
}

fn one(job: Job, language: Language, init_ms: f64, first_ms: f64, memory_mb: u64) -> Figures {
    let at = FiguresAt {
        first_wall_ms: spread(first_ms),
        first_cpu_ms: spread(first_ms / 2.0),
        warm_wall_ms: spread(first_ms / 10.0),
        warm_cpu_ms: spread(first_ms / 20.0),
    };
    let memories = MEMORIES_MB.into_iter().chain([memory_mb]);
    Figures {
        job,
        language,
        sizes: Some(Sizes {
            unzipped_bytes: 2_000_000,
            zip_bytes: 1_000_000,
        }),
        starts: 3,
        init_wall_ms: spread(init_ms),
        init_cpu_ms: spread(init_ms),
        resident_after_init_bytes: 10 << 20,
        peak_resident_bytes: 20 << 20,
        memory_mb,
        at: memories.map(|memory_mb| (memory_mb, at)).collect(),
    }
}

/// A hello and a function in both languages, and a peer without a function.
pub(super) fn figures() -> Vec<Figures> {
    vec![
        one(Job::Hello, Language::Rust, 1.0, 1.0, 128),
        one(Job::Hello, Language::Python, 50.0, 2.0, 128),
        one(Job::Tables, Language::Rust, 5.0, 95.0, 512),
        one(Job::Tables, Language::Python, 400.0, 400.0, 256),
        one(Job::Images, Language::Python, 300.0, 200.0, 128),
    ]
}
