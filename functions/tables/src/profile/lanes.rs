//! A profile for each of the threads that observe a table, and which slab goes into which: sketches that live as long as
//! the table are cheaper than new ones for each slab that are merged.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use super::{Mismatch, Profile};

/// Profiles that slabs go into by turns: slab `i` of a table into that of lane `i` modulo their number, after slab `i` less that
/// number. So what is said of a table does not depend on which thread was the faster.
#[derive(Debug)]
pub(crate) struct Lanes(Vec<Lane>);

#[derive(Debug)]
struct Lane {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug)]
struct State {
    profile: Profile,
    /// The slab whose turn it is.
    next: usize,
    /// A slab was given up, and so is the table.
    given_up: bool,
}

/// A slab's turn, until it ends. Dropped before that, it gives the table up: no slab after it waits for it.
pub(crate) struct Turn<'a> {
    lanes: &'a Lanes,
    slab: usize,
    ended: bool,
}

impl Lanes {
    /// So many, at least one.
    pub(crate) fn new(schema: &Schema, lanes: usize) -> Self {
        let lane = |slab| Lane {
            state: Mutex::new(State {
                profile: Profile::new(schema),
                next: slab,
                given_up: false,
            }),
            moved: Condvar::new(),
        };
        Self((0..lanes.max(1)).map(lane).collect())
    }

    /// The turn of the slab of this number, from 0.
    pub(crate) const fn turn(&self, slab: usize) -> Turn<'_> {
        Turn {
            lanes: self,
            slab,
            ended: false,
        }
    }

    fn of(&self, slab: usize) -> Option<&Lane> {
        self.0.get(slab % self.0.len().max(1))
    }

    /// Gives what was observed to `profile`.
    ///
    /// # Errors
    /// When it is of another table.
    pub(crate) fn merge_into(self, profile: &mut Profile) -> Result<(), Mismatch> {
        self.0.into_iter().try_for_each(|lane| {
            let state = lane.state.into_inner().unwrap_or_else(PoisonError::into_inner);
            profile.merge(&state.profile)
        })
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Turn<'a> {
    /// Waits for the turn and takes note of rows of the slab, unless the table was given up.
    ///
    /// # Errors
    /// When the batch has other columns.
    pub(crate) fn observe(&mut self, batch: &RecordBatch) -> Result<(), Mismatch> {
        match self.wait() {
            Some(mut state) => state.profile.observe(batch),
            None => Ok(()),
        }
    }

    /// Ends the turn, all of the slab having been observed.
    pub(crate) fn end(mut self) {
        if let Some(mut state) = self.wait() {
            state.next += self.lanes.0.len();
        }
        self.ended = true;
        if let Some(lane) = self.lanes.of(self.slab) {
            lane.moved.notify_all();
        }
    }

    /// The lane, once it is the slab's turn; none, if the table was given up.
    fn wait(&self) -> Option<MutexGuard<'a, State>> {
        let lane = self.lanes.of(self.slab)?;
        let waits = |state: &mut State| state.next != self.slab && !state.given_up;
        let state = lane.moved.wait_while(lane.state(), waits);
        Some(state.unwrap_or_else(PoisonError::into_inner)).filter(|state| !state.given_up)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let (Some(lane), false) = (self.lanes.of(self.slab), self.ended) {
            lane.state().given_up = true;
            lane.moved.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use arrow_array::{ArrayRef, Int64Array};
    use arrow_schema::{DataType, Field};

    use super::*;

    fn batch(slab: usize) -> RecordBatch {
        let values = (0..500).map(|value| i64::try_from(slab * 1000 + value * value).unwrap());
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("a", values)]).unwrap()
    }

    fn schema() -> Schema {
        Schema::new(vec![Field::new("a", DataType::Int64, false)])
    }

    /// Each of three threads has every third slab, and the first of them is the slowest.
    fn observed(pauses: [u64; 3]) -> serde_json::Value {
        let lanes = Lanes::new(&schema(), 2);
        thread::scope(|scope| {
            for (first, pause) in pauses.into_iter().enumerate() {
                let lanes = &lanes;
                scope.spawn(move || {
                    for slab in (first..60).step_by(3) {
                        thread::sleep(Duration::from_micros(pause));
                        let mut turn = lanes.turn(slab);
                        let batch = batch(slab);
                        turn.observe(&batch.slice(0, 100)).unwrap();
                        turn.observe(&batch.slice(100, 400)).unwrap();
                        turn.end();
                    }
                });
            }
        });
        let mut profile = Profile::new(&schema());
        lanes.merge_into(&mut profile).unwrap();
        assert_eq!(profile.rows(), 60 * 500);
        serde_json::from_slice(&profile.to_json().unwrap()).unwrap()
    }

    #[test]
    fn what_is_said_does_not_depend_on_which_thread_was_faster() {
        assert_eq!(observed([900, 0, 300]), observed([0, 300, 900]));
    }

    #[test]
    fn nobody_waits_for_a_slab_that_was_given_up() {
        let lanes = Lanes::new(&schema(), 1);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| lanes.turn(1).observe(&batch(1)));
            drop(lanes.turn(0));
            waiting.join().unwrap().unwrap();
        });
        let mut profile = Profile::new(&schema());
        lanes.merge_into(&mut profile).unwrap();
        assert_eq!(profile.rows(), 0);
    }
}
