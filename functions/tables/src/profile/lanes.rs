//! A profile for each of the threads that observe a table, and which slab goes into which: sketches that live as long as
//! the table are cheaper than new ones for each slab that are merged.

use std::{
    iter,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use arrow_schema::Schema;

use super::{Mismatch, Profile};
use crate::cells::Cells;

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

/// Rows of a slab, in its turn, which the profile takes note of column by column.
pub(crate) struct Batch<'a> {
    state: MutexGuard<'a, State>,
    columns: usize,
    /// The rows', of the columns so far.
    hashes: Vec<u64>,
}

impl Lanes {
    /// So many, at least one; the first goes into `profile`, which has no row yet.
    pub(crate) fn new(profile: Profile, schema: &Schema, lanes: usize) -> Self {
        let others = (1..lanes).map(|_| Profile::new(schema));
        let lane = |(slab, profile)| Lane {
            state: Mutex::new(State {
                profile,
                next: slab,
                given_up: false,
            }),
            moved: Condvar::new(),
        };
        Self(iter::once(profile).chain(others).enumerate().map(lane).collect())
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

    /// What was observed.
    ///
    /// # Errors
    /// When the lanes are of different tables.
    pub(crate) fn into_profile(self) -> Result<Profile, Mismatch> {
        let profile = |lane: Lane| {
            let state = lane.state.into_inner().unwrap_or_else(PoisonError::into_inner);
            state.profile
        };
        let mut profiles = self.0.into_iter().map(profile);
        let mut first = profiles.next().ok_or_else(|| Mismatch("no lane".to_owned()))?;
        profiles.try_for_each(|other| first.merge(&other))?;
        Ok(first)
    }
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Turn<'a> {
    /// Waits for the turn, for so many rows of the slab; none, if the table was given up.
    pub(crate) fn batch(&self, rows: usize) -> Option<Batch<'a>> {
        self.wait().map(|state| Batch {
            state,
            columns: 0,
            hashes: vec![0; rows],
        })
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

impl Batch<'_> {
    /// Takes note of the next column.
    ///
    /// # Errors
    /// When it is of another type, or one too many.
    pub(crate) fn column(&mut self, cells: &Cells) -> Result<(), Mismatch> {
        let profile = &mut self.state.profile;
        profile.observe_column(self.columns, cells, &mut self.hashes)?;
        self.columns += 1;
        Ok(())
    }

    /// Takes note of the rows.
    ///
    /// # Errors
    /// When not all of their columns came.
    pub(crate) fn end(mut self) -> Result<(), Mismatch> {
        let columns = self.state.profile.columns.len();
        if self.columns != columns {
            return Err(Mismatch(format!("{} of {columns} columns", self.columns)));
        }
        self.state.profile.observe_rows(self.hashes);
        Ok(())
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

    use arrow_array::{ArrayRef, Int64Array, RecordBatch};
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

    fn observe(turn: &Turn<'_>, rows: &RecordBatch) {
        let mut batch = turn.batch(rows.num_rows()).unwrap();
        for array in rows.columns() {
            batch.column(&Arc::clone(array).into()).unwrap();
        }
        batch.end().unwrap();
    }

    /// Each of three threads has every third slab, and the first of them is the slowest.
    fn observed(pauses: [u64; 3]) -> serde_json::Value {
        let lanes = Lanes::new(Profile::new(&schema()), &schema(), 2);
        thread::scope(|scope| {
            for (first, pause) in pauses.into_iter().enumerate() {
                let lanes = &lanes;
                scope.spawn(move || {
                    for slab in (first..60).step_by(3) {
                        thread::sleep(Duration::from_micros(pause));
                        let turn = lanes.turn(slab);
                        let batch = batch(slab);
                        observe(&turn, &batch.slice(0, 100));
                        observe(&turn, &batch.slice(100, 400));
                        turn.end();
                    }
                });
            }
        });
        let profile = lanes.into_profile().unwrap();
        assert_eq!(profile.rows(), 60 * 500);
        serde_json::from_slice(&profile.to_json().unwrap()).unwrap()
    }

    #[test]
    fn what_is_said_does_not_depend_on_which_thread_was_faster() {
        assert_eq!(observed([900, 0, 300]), observed([0, 300, 900]));
    }

    #[test]
    fn rows_that_lack_a_column_are_refused() {
        let lanes = Lanes::new(Profile::new(&schema()), &schema(), 1);
        let turn = lanes.turn(0);
        assert!(turn.batch(500).unwrap().end().is_err());
        drop(turn);
        assert_eq!(lanes.into_profile().unwrap().rows(), 0);
    }

    #[test]
    fn nobody_waits_for_a_slab_that_was_given_up() {
        let lanes = Lanes::new(Profile::new(&schema()), &schema(), 1);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| lanes.turn(1).batch(500).is_none());
            drop(lanes.turn(0));
            assert!(waiting.join().unwrap());
        });
        let profile = lanes.into_profile().unwrap();
        assert_eq!(profile.rows(), 0);
    }
}
