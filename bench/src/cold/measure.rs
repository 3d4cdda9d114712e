//! The rounds: every subject by turns at every memory, so that whatever else the machine does meets all alike.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    process::{Process, Took},
    runtime::Line,
    share::{MB_OF_A_CORE, Share},
    stage::Stage,
    subjects::{Language, Subject},
};
use crate::say;

/// Where first invocations are compared.
pub(crate) const MEMORIES_MB: [u64; 3] = [128, 512, MB_OF_A_CORE];

/// Sizes that a peer may be given; any megabyte between is possible, but these are what people choose.
const SIZES_MB: [u64; 8] = [128, 256, 512, 1_024, 1_769, 2_048, 3_072, 10_240];

/// Of its memory a function may use so much: Lambda ends what takes more than all, and a larger file than the
/// one that was measured must fit too.
pub(crate) const USABLE: (u64, u64) = (3, 4);

/// Invocations of a process after its first.
pub(crate) const WARM_INVOCATIONS: usize = 4;

/// Processes of each subject before those that count: they fill the page cache, and are looked at for memory.
const WARM_UP: u32 = 2;

/// How long a process rests after init before its memory is read.
const REST: Duration = Duration::from_millis(50);

/// What was measured of one subject.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) subject: Subject,
    pub(crate) resident_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// The memory that it needs: that of the template, or what its peak fits into.
    pub(crate) memory_mb: u64,
    pub(crate) init: Vec<Took>,
    pub(crate) at: BTreeMap<u64, At>,
}

/// What was measured at one memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct At {
    pub(crate) first: Vec<Took>,
    pub(crate) warm: Vec<Took>,
}

/// One process.
struct One {
    init: Took,
    first: Took,
    warm: Vec<Took>,
    resident_bytes: u64,
    peak_bytes: u64,
}

/// Who measures.
pub(crate) struct Bench<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) share: &'a Share,
    /// Files so far: each is called otherwise.
    pub(crate) files: u64,
}

impl Bench<'_> {
    /// Measures all of it. The first wrong answer ends it.
    pub(crate) async fn measure(&mut self, subjects: &[Subject], rounds: u32) -> Result<Vec<Measured>> {
        let mut measured = Vec::with_capacity(subjects.len());
        for subject in subjects {
            measured.push(self.warm_up(*subject).await?);
        }
        let begin = Instant::now();
        for round in 0..rounds {
            for memory_mb in MEMORIES_MB {
                for one in &mut measured {
                    self.add(one, memory_mb).await?;
                }
            }
            for one in &mut measured {
                if !MEMORIES_MB.contains(&one.memory_mb) {
                    self.add(one, one.memory_mb).await?;
                }
            }
            say(&format!(
                "round {} of {rounds}: {:.0} s",
                round + 1,
                begin.elapsed().as_secs_f64()
            ));
        }
        Ok(measured)
    }

    async fn warm_up(&mut self, subject: Subject) -> Result<Measured> {
        let (mut resident_bytes, mut peak_bytes) = (0, 0);
        for _ in 0..WARM_UP {
            let one = self.run(subject, MB_OF_A_CORE, REST).await?;
            resident_bytes = one.resident_bytes;
            peak_bytes = one.peak_bytes.max(peak_bytes);
        }
        let memory_mb = match subject.language {
            Language::Rust => self.stage.memory_mb(subject.row().binary),
            Language::Python => None,
        };
        let memory_mb = memory_mb.unwrap_or_else(|| fitting_mb(peak_bytes));
        say(&format!(
            "{}: {} MB resident, {} MB at most; runs at {memory_mb} MB",
            subject.name(),
            resident_bytes >> 20,
            peak_bytes >> 20
        ));
        Ok(Measured {
            subject,
            resident_bytes,
            peak_bytes,
            memory_mb,
            init: Vec::new(),
            at: BTreeMap::new(),
        })
    }

    async fn add(&mut self, to: &mut Measured, memory_mb: u64) -> Result<()> {
        let one = self.run(to.subject, memory_mb, Duration::ZERO).await?;
        to.init.push(one.init);
        let at = to.at.entry(memory_mb).or_default();
        at.first.push(one.first);
        at.warm.extend(one.warm);
        Ok(())
    }

    async fn run(&mut self, subject: Subject, memory_mb: u64, rest: Duration) -> Result<One> {
        let name = subject.name();
        self.try_run(subject, memory_mb, rest)
            .await
            .with_context(|| format!("{name} at {memory_mb} MB"))
    }

    async fn try_run(&mut self, subject: Subject, memory_mb: u64, rest: Duration) -> Result<One> {
        let stage = self.stage;
        let mut tasks = Vec::with_capacity(1 + WARM_INVOCATIONS);
        for _ in 0..=WARM_INVOCATIONS {
            self.files += 1;
            tasks.push(subject.job.prepare(stage, self.files).await?);
        }
        let handshakes = stage.front.handshakes();
        let line = Line::open().await?;
        let launch = stage.launch(subject, &line.address, memory_mb)?;
        let (mut process, init) = Process::start(&launch, line, self.share, memory_mb, stage.log()).await?;
        let mut resident_bytes = 0;
        if !rest.is_zero() {
            tokio::time::sleep(rest).await;
            resident_bytes = process.resident_bytes()?;
        }
        let mut took = Vec::with_capacity(tasks.len());
        let mut answers = Vec::with_capacity(tasks.len());
        for task in &tasks {
            let (answer, one) = process.invoke(task.event.clone()).await?;
            took.push(one);
            answers.push(answer);
        }
        let peak_bytes = process.peak_bytes()?;
        process.end().await?;
        for (task, answer) in tasks.iter().zip(answers) {
            task.check(stage, &answer).await?;
        }
        for service in subject.job.services() {
            let is_new = stage.front.handshakes().get(service) > handshakes.get(service);
            ensure!(is_new, "it never connected to {service}");
        }
        let first = *took.first().context("no invocation")?;
        Ok(One {
            init,
            first,
            warm: took.split_off(1),
            resident_bytes,
            peak_bytes,
        })
    }
}

/// The smallest size in which a peak leaves the rest free.
fn fitting_mb(peak_bytes: u64) -> u64 {
    let (part, of) = USABLE;
    let fits = |size_mb: &u64| peak_bytes <= (size_mb << 20) / of * part;
    SIZES_MB.into_iter().find(fits).unwrap_or(10_240)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_memory_stays_free() {
        assert_eq!(fitting_mb(96 << 20), 128);
        assert_eq!(fitting_mb((96 << 20) + 1), 256);
        assert_eq!(fitting_mb(200 << 20), 512);
    }
}
