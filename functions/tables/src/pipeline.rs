//! Work in parallel, results in order: threads make jobs in turn, each does the ones it made, and the first thread takes what
//! they give, in the order of the jobs.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Condvar, Mutex, PoisonError, mpsc::sync_channel},
    thread,
};

use shared::{Failure, Limits};

/// How many jobs are under way at most on so many threads, what is held in memory at a time: one on each, and one that is
/// done before those ahead of it are.
pub(crate) const fn jobs(threads: usize) -> usize {
    if threads <= 1 { 1 } else { threads + 1 }
}

/// What a slab has at least, in bytes.
const LEAST_SLAB_BYTES: usize = 256 << 10;
/// What a column takes on each thread, whatever its rows are: its profile, mostly.
const COLUMN_BYTES: u64 = 16 << 10;

/// How many bytes a slab of so many columns may have, `most` at most, for all that are under way to stay within the memory there is. In
/// a worker a slab takes up to `times` its size: it, its columns, what is written of it.
pub(crate) fn slab_bytes(limits: &Limits, columns: usize, times: u64, most: usize) -> usize {
    let columns_bytes = columns as u64 * limits.threads as u64 * COLUMN_BYTES;
    // Smaller slabs make smaller row groups, which nobody likes to read.
    let bytes = limits.memory_bytes - columns_bytes.min(limits.memory_bytes / 2);
    usize::try_from(bytes / (jobs(limits.threads) as u64 * times))
        .unwrap_or(usize::MAX)
        .clamp(LEAST_SLAB_BYTES, most)
}

/// How many cells of so many bytes a thread may hold at a time: a quarter of the memory. Where all of them stand in the text a slab
/// has hardly more, but those that a record does not have take memory, too.
pub(crate) fn most_cells(limits: &Limits, cell_bytes: u64) -> usize {
    usize::try_from(limits.memory_bytes / 4 / cell_bytes).unwrap_or(usize::MAX)
}

/// A worker whose turn has not come keeps so many items before it waits for it.
const MOST_KEPT: usize = 4;

/// Does the jobs of `next` on `threads` threads and hands what they give to `take`, in order. With one thread, or none,
/// everything is done on this one.
///
/// `worker` makes what each thread keeps from job to job; `work` is told the job's number, from 0, and hands over what comes
/// of it, item by item. A thread makes its next job itself, so that what it has just read is at hand. At no time are there more
/// than [`jobs`] of which not all is taken, and of each of them there are but a few items: that bounds the memory.
///
/// # Errors
/// The first failure of any part, in the order of the jobs; hardly a job is begun after it.
pub(crate) fn run<Job, Item: Send, Worker>(
    threads: usize,
    mut next: impl FnMut() -> Result<Option<Job>, Failure> + Send,
    worker: impl Fn() -> Worker + Sync,
    work: impl Fn(&mut Worker, usize, Job, Hand<'_, Item>) -> Result<(), Failure> + Sync,
    mut take: impl FnMut(Item) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if threads <= 1 {
        let mut worker = worker();
        let mut index = 0;
        while let Some(job) = next()? {
            work(&mut worker, index, job, &mut take)?;
            index += 1;
        }
        return Ok(());
    }
    let source = Mutex::new(Source {
        next,
        index: 0,
        ended: false,
    });
    let (sender, receiver) = sync_channel::<Message<Item>>(jobs(threads));
    let turns = Turns::default();
    thread::scope(|scope| {
        // Dropped when this ends, in whichever way: the threads then find no job, and nobody who takes what they have, and
        // end too.
        let receiver = receiver;
        let _end = EndOnDrop(&turns);
        for _ in 0..threads {
            let sender = sender.clone();
            let (source, worker, work, turns) = (&source, &worker, &work, &turns);
            scope.spawn(move || {
                let mut own = worker();
                loop {
                    let (index, job) = match Source::job(source, turns, jobs(threads)) {
                        Some((index, Ok(Ok(job)))) => (index, job),
                        Some((index, Ok(Err(failure)))) => {
                            let _ = sender.send((index, Vec::new(), Some(Ok(Err(failure)))));
                            return;
                        }
                        Some((index, Err(panic))) => {
                            let _ = sender.send((index, Vec::new(), Some(Err(panic))));
                            return;
                        }
                        None => return,
                    };
                    let mut items = Vec::new();
                    let mut hand = |item| {
                        items.push(item);
                        if items.len() > MOST_KEPT {
                            turns.wait_for(index);
                        } else if !turns.has_come(index) {
                            return Ok(());
                        }
                        let items = std::mem::take(&mut items);
                        sender.send((index, items, None)).map_err(|_| gone())
                    };
                    let end = catch_unwind(AssertUnwindSafe(|| work(&mut own, index, job, &mut hand)));
                    if sender.send((index, items, Some(end))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut taken = 0;
        let mut waiting = BTreeMap::<usize, VecDeque<_>>::new();
        while let Ok((index, items, end)) = receiver.recv() {
            waiting.entry(index).or_default().push_back((items, end));
            while let Some((items, end)) = waiting.get_mut(&taken).and_then(VecDeque::pop_front) {
                items.into_iter().try_for_each(&mut take)?;
                if let Some(end) = end {
                    end.unwrap_or_else(|panic| resume_unwind(panic))?;
                    waiting.remove(&taken);
                    taken += 1;
                    turns.come_to(taken);
                }
            }
        }
        if waiting.is_empty() { Ok(()) } else { Err(gone()) }
    })
}

/// Where jobs come from.
struct Source<Next> {
    next: Next,
    /// The number of the next one.
    index: usize,
    ended: bool,
}

/// A job, or why there is none.
type Made<Job> = thread::Result<Result<Job, Failure>>;

impl<Job, Next: FnMut() -> Result<Option<Job>, Failure>> Source<Next> {
    /// Makes the next job and gives its number, once fewer than `most` are under way; none if there are no more.
    fn job(source: &Mutex<Self>, turns: &Turns, most: usize) -> Option<(usize, Made<Job>)> {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        if source.ended || turns.wait_for((source.index + 1).saturating_sub(most)) {
            return None;
        }
        let index = source.index;
        source.index += 1;
        let made = catch_unwind(AssertUnwindSafe(|| (source.next)())).map(Result::transpose);
        source.ended = !matches!(made, Ok(Some(Ok(_))));
        match made {
            Ok(job) => job.map(|job| (index, Ok(job))),
            Err(panic) => Some((index, Err(panic))),
        }
    }
}

/// Where a worker hands over what comes of a job.
pub(crate) type Hand<'a, Item> = &'a mut dyn FnMut(Item) -> Result<(), Failure>;

/// Items of a job, and how it ended, once it has.
type Message<Item> = (usize, Vec<Item>, Option<thread::Result<Result<(), Failure>>>);

fn gone() -> Failure {
    Failure::internal("pipeline", "a worker is gone")
}

/// Which job's items are taken.
#[derive(Default)]
struct Turns {
    current: Mutex<usize>,
    moved: Condvar,
}

impl Turns {
    fn has_come(&self, index: usize) -> bool {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) >= index
    }

    /// Waits until it has; whether it never will, as no more is taken.
    fn wait_for(&self, index: usize) -> bool {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.moved.wait_while(current, |current| *current < index);
        *wait.unwrap_or_else(PoisonError::into_inner) == usize::MAX
    }

    fn come_to(&self, index: usize) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = index;
        self.moved.notify_all();
    }
}

/// Lets nobody wait once no more is taken.
struct EndOnDrop<'a>(&'a Turns);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.come_to(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Each job hands over its number's multiples, 0 to 30 of them, and so what all of them are in order is known.
    fn multiples(threads: usize, jobs: u64, bad: Option<u64>) -> Result<Vec<u64>, Failure> {
        let (mut job, mut taken) = (0, Vec::new());
        let next = || {
            job += 1;
            Ok((job <= jobs).then_some(job))
        };
        let work = |(): &mut (), index, job: u64, hand: Hand<'_, u64>| {
            assert_eq!(Ok(job), u64::try_from(index + 1));
            // The later of two jobs is the faster.
            let pause = if job % 2 == 1 { 300 } else { 0 };
            thread::sleep(std::time::Duration::from_micros(pause));
            (0..job % 31).try_for_each(|times| hand(job * times))?;
            if bad == Some(job) {
                return Err(Failure::internal("bad", job.to_string()));
            }
            Ok(())
        };
        run(
            threads,
            next,
            || (),
            work,
            |item| {
                taken.push(item);
                Ok(())
            },
        )?;
        Ok(taken)
    }

    #[test]
    fn items_are_taken_in_order_on_any_number_of_threads() {
        let expected: Vec<u64> = (1..=40)
            .flat_map(|job| (0..job % 31).map(move |times| job * times))
            .collect();
        for threads in 0..5 {
            assert_eq!(multiples(threads, 40, None), Ok(expected.clone()));
            assert_eq!(multiples(threads, 0, None), Ok(Vec::new()));
        }
    }

    #[test]
    fn a_failure_ends_it_on_any_number_of_threads() {
        for threads in 0..5 {
            assert_eq!(multiples(threads, 40, Some(7)).unwrap_err().message, "7");
        }
    }

    #[test]
    fn who_takes_may_fail_while_workers_wait_for_their_turn() {
        for threads in 0..5 {
            let mut jobs = 0..9;
            let work = |(): &mut (), _, job, hand: Hand<'_, i32>| (0..99).try_for_each(|_| hand(job));
            let take = |job| {
                if job == 1 {
                    Err(Failure::internal("full", "no"))
                } else {
                    Ok(())
                }
            };
            let failure = run(threads, || Ok(jobs.next()), || (), work, take).unwrap_err();
            assert_eq!(failure.message, "no");
        }
    }

    #[test]
    fn of_a_job_there_are_few_items_at_a_time() {
        let (made, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let most = AtomicUsize::new(0);
        let mut jobs = 0..6;
        let work = |(): &mut (), _, _, hand: Hand<'_, ()>| {
            (0..200).try_for_each(|_| {
                let under_way = made.fetch_add(1, Ordering::SeqCst) - taken.load(Ordering::SeqCst);
                most.fetch_max(under_way, Ordering::SeqCst);
                hand(())
            })
        };
        let take = |()| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        run(3, || Ok(jobs.next()), || (), work, take).unwrap();
        assert_eq!(taken.into_inner(), 6 * 200);
        // What workers keep, and what is on its way or waits for its turn.
        assert!(most.into_inner() <= (2 * super::jobs(3) + 1) * (MOST_KEPT + 1));
    }

    #[test]
    fn a_panic_is_handed_on() {
        let mut jobs = 0..9;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            run(
                2,
                || Ok(jobs.next()),
                || (),
                |(), _, job, hand: Hand<'_, ()>| if job == 3 { panic!("a worker's") } else { hand(()) },
                |()| Ok(()),
            )
        }));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"a worker's"));
    }
}
