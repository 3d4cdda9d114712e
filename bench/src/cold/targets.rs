//! What was to be reached, and whether it was.

use serde::Serialize;

use super::{
    figures::{Figures, find},
    jobs::Job,
    measure::MEMORIES_MB,
    subjects::Language,
};
use crate::samples::round;

/// How much more processor time than the bare hello's an init may take.
pub(crate) const INIT_CPU_MS_OVER_HELLO: f64 = 4.0;
/// Which part of the peer's init and first invocation together ours may take.
pub(crate) const PART_OF_PEER: f64 = 0.1;

/// One target for one function.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Target {
    pub(crate) job: Job,
    pub(crate) what: What,
    /// Nothing where the target is not about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_mb: Option<u64>,
    pub(crate) measured: f64,
    pub(crate) at_most: f64,
    pub(crate) is_met: bool,
}

/// What is compared, in milliseconds but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// Processor time of init, over the bare hello's.
    InitCpuMsOverHello,
    /// The first invocation, against the peer's.
    FirstMs,
    /// Init and the first invocation, as a part of the peer's.
    PartOfPeer,
}

/// All targets for which both sides were measured.
pub(crate) fn evaluate(all: &[Figures]) -> Vec<Target> {
    let mut targets = Vec::new();
    let hello = find(all, Job::Hello, Language::Rust);
    let functions = all
        .iter()
        .filter(|figures| figures.language == Language::Rust && figures.job != Job::Hello);
    for ours in functions {
        let mut add = |what, memory_mb, measured: f64, at_most: f64| {
            targets.push(Target {
                job: ours.job,
                what,
                memory_mb,
                measured: round(measured),
                at_most: round(at_most),
                is_met: measured <= at_most,
            });
        };
        if let Some(hello) = hello {
            let over = ours.init_cpu_ms.p50 - hello.init_cpu_ms.p50;
            add(What::InitCpuMsOverHello, None, over, INIT_CPU_MS_OVER_HELLO);
        }
        let Some(peer) = find(all, ours.job, Language::Python) else {
            continue;
        };
        for memory_mb in MEMORIES_MB {
            if let (Some(our), Some(their)) = (ours.at.get(&memory_mb), peer.at.get(&memory_mb)) {
                let (our, their) = (our.first_wall_ms.p50, their.first_wall_ms.p50);
                add(What::FirstMs, Some(memory_mb), our, their);
            }
            if let (Some(our), Some(their)) = (ours.both_ms(memory_mb), peer.both_ms(memory_mb)) {
                add(What::PartOfPeer, Some(memory_mb), our / their, PART_OF_PEER);
            }
        }
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::testing;

    #[test]
    fn a_function_is_held_to_its_peer_and_to_the_hello() {
        let targets = evaluate(&testing::figures());
        assert_eq!(targets.len(), 1 + 2 * MEMORIES_MB.len());
        let is_met = |what: What| {
            targets
                .iter()
                .filter(|target| target.what == what)
                .all(|target| target.is_met)
        };
        assert!(is_met(What::InitCpuMsOverHello) && is_met(What::FirstMs));
        assert!(!is_met(What::PartOfPeer));
    }
}
