//! Work in parallel, results in order: one thread makes jobs, others do them, and the first takes what they give, in
//! the order of the jobs.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Mutex, PoisonError,
        mpsc::{channel, sync_channel},
    },
    thread,
};

use shared::{Failure, Limits};

/// So many jobs more than there are threads are under way: one is made, or its results are taken, while another one waits, so that a
/// thread that is done finds something to do.
const AHEAD: usize = 2;

/// How many jobs are under way at most on so many threads: what is held in memory at a time.
pub(crate) const fn jobs(threads: usize) -> usize {
    if threads <= 1 { 1 } else { threads + AHEAD }
}

/// What a slab has at least, in bytes.
const LEAST_SLAB_BYTES: usize = 256 << 10;
/// A slab in a worker takes up to so many times its size: it, its columns, what is written of it.
const SLAB_TIMES: u64 = 5;

/// How many bytes a slab may have, `most` at most, for all that are under way to stay within the memory there is.
pub(crate) fn slab_bytes(limits: &Limits, most: usize) -> usize {
    let bytes = limits.memory_bytes / (jobs(limits.threads) as u64 * SLAB_TIMES);
    usize::try_from(bytes)
        .unwrap_or(usize::MAX)
        .clamp(LEAST_SLAB_BYTES, most)
}

/// How many cells of so many bytes a thread may hold at a time: a quarter of the memory. Where all of them stand in the text a slab
/// has hardly more, but those that a record does not have take memory, too.
pub(crate) fn most_cells(limits: &Limits, cell_bytes: u64) -> usize {
    usize::try_from(limits.memory_bytes / 4 / cell_bytes).unwrap_or(usize::MAX)
}

/// Does the jobs of `next` on `threads` threads and hands what they give to `take`, in order. With one thread, or none,
/// everything is done on this one.
///
/// `worker` makes what each thread keeps from job to job; `work` is told the job's number, from 0. At no time are
/// there more than [`jobs`] of which the results are not taken: that bounds the memory.
///
/// # Errors
/// The first failure of any part, in the order of the jobs; no job is begun after it.
pub(crate) fn run<Job: Send, Done: Send, Worker>(
    threads: usize,
    mut next: impl FnMut() -> Result<Option<Job>, Failure>,
    worker: impl Fn() -> Worker + Sync,
    work: impl Fn(&mut Worker, usize, Job) -> Result<Done, Failure> + Sync,
    mut take: impl FnMut(Done) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if threads <= 1 {
        let mut worker = worker();
        let mut index = 0;
        while let Some(job) = next()? {
            take(work(&mut worker, index, job)?)?;
            index += 1;
        }
        return Ok(());
    }
    let (job_sender, job_receiver) = sync_channel::<(usize, Job)>(jobs(threads));
    let job_receiver = Mutex::new(job_receiver);
    let (done_sender, done_receiver) = channel();
    thread::scope(|scope| {
        // Dropped when this ends, in whichever way: the threads then find no job and end too.
        let job_sender = job_sender;
        for _ in 0..threads {
            let done_sender = done_sender.clone();
            let (job_receiver, worker, work) = (&job_receiver, &worker, &work);
            scope.spawn(move || {
                let mut own = worker();
                loop {
                    let job = job_receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((index, job)) = job else {
                        return;
                    };
                    let result = catch_unwind(AssertUnwindSafe(|| work(&mut own, index, job)));
                    if done_sender.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        let gone = || Failure::internal("pipeline", "a worker is gone");
        let (mut begun, mut taken, mut ended) = (0, 0, false);
        let mut waiting = BTreeMap::new();
        loop {
            while !ended && begun - taken < jobs(threads) {
                if let Some(job) = next()? {
                    job_sender.send((begun, job)).map_err(|_| gone())?;
                    begun += 1;
                } else {
                    ended = true;
                }
            }
            if begun == taken {
                return Ok(());
            }
            let (index, result) = done_receiver.recv().map_err(|_| gone())?;
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&taken) {
                taken += 1;
                take(result.unwrap_or_else(|panic| resume_unwind(panic))?)?;
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: usize, jobs: u64, bad: Option<u64>) -> Result<Vec<u64>, Failure> {
        let (mut job, mut taken) = (0, Vec::new());
        let next = || {
            job += 1;
            Ok((job <= jobs).then_some(job))
        };
        let work = |(): &mut (), index, job: u64| {
            assert_eq!(Ok(job), u64::try_from(index + 1));
            // The later of two jobs is the faster.
            thread::sleep(std::time::Duration::from_micros(if job % 2 == 1 {
                300
            } else {
                0
            }));
            if bad == Some(job) {
                Err(Failure::internal("bad", job.to_string()))
            } else {
                Ok(job * job)
            }
        };
        run(
            threads,
            next,
            || (),
            work,
            |done| {
                taken.push(done);
                Ok(())
            },
        )?;
        Ok(taken)
    }

    #[test]
    fn results_are_taken_in_order_on_any_number_of_threads() {
        let expected: Vec<u64> = (1..=40).map(|job| job * job).collect();
        for threads in 0..5 {
            assert_eq!(squares(threads, 40, None), Ok(expected.clone()));
            assert_eq!(squares(threads, 0, None), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_failure_ends_it_on_any_number_of_threads() {
        for threads in 0..5 {
            assert_eq!(squares(threads, 40, Some(7)).unwrap_err().message, "7");
        }
    }

    #[test]
    fn a_panic_is_handed_on() {
        let mut jobs = 0..9;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            run(
                2,
                || Ok(jobs.next()),
                || (),
                |(), _, job| if job == 3 { panic!("a worker's") } else { Ok(()) },
                |()| Ok(()),
            )
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"a worker's"));
    }
}
