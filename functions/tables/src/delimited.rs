//! The run over delimited text: slabs in, row groups, profile and rejects out, in one pass or two.

use std::{
    collections::BTreeSet,
    io::Read,
    sync::atomic::{AtomicBool, Ordering},
};

use arrow_schema::Schema;
use shared::{Failure, Input, Outputs, Place};

use crate::{
    columns::{Columns, Plan, names::unique_names},
    dialect::Dialect,
    pipeline,
    processor::MAX_COLUMNS,
    profile::{Lanes, Profile, Turn},
    read::{Block, Counts, Delimited, Slab, Slabs},
    rejects::{Expected, Rejected, Rejects},
    source::Places,
    types::{Inference, token::Tokens},
    write::{Begun, Part, RowGroupWriter, Wants, proto::Message},
};

/// The most text of a slab, in bytes.
const MOST_SLAB_BYTES: usize = 14 << 20;
/// What is looked at before types are chosen, in bytes: enough to be right of nearly every file, and little beside one
/// that is not small.
const MOST_OBSERVED_BYTES: usize = 2 << 20;
/// What a cell takes: two bytes where its column has a dictionary, eight or more where it has none.
const CELL_BYTES: u64 = 4;
/// A slab of more rejects than this is split again when they are written, rather than keep them all.
const MOST_KEPT_REJECTS: usize = 1000;

/// A table that was read and written.
pub(crate) struct Outcome {
    /// What it held.
    pub(crate) counts: Counts,
    /// What the rows hold.
    pub(crate) profile: Profile,
    /// Records that are no rows.
    pub(crate) rejects: Rejects,
    /// Rows in the table.
    pub(crate) rows_written: u64,
}

/// Reads and writes the table.
///
/// # Errors
/// [`Failure::limit`] when it has more than [`MAX_COLUMNS`] columns; [`Failure::rejected`] when no record is a row; what
/// reading and writing fail with.
pub(crate) fn run(
    file: &Delimited,
    input: &Input<'_>,
    outputs: &mut dyn Outputs,
) -> Result<Outcome, Failure> {
    // Only row groups gain by being large.
    let most = if Wants::of(outputs).parquet {
        MOST_SLAB_BYTES
    } else {
        MOST_OBSERVED_BYTES
    };
    let slab_bytes = pipeline::slab_bytes(input.limits, most);
    let most = (slab_bytes, pipeline::most_cells(input.limits, CELL_BYTES));
    run_as(file, input, outputs, most, input.limits.threads.max(1))
}

/// Reads and writes the table in slabs of about so many bytes and row groups of about so many cells at most, on so many threads.
fn run_as(
    file: &Delimited,
    input: &Input<'_>,
    outputs: &mut dyn Outputs,
    (slab_bytes, most_cells): (usize, usize),
    threads: usize,
) -> Result<Outcome, Failure> {
    let dialect = &file.dialect;
    if dialect.columns() > MAX_COLUMNS {
        let message = format!("the header has more than {MAX_COLUMNS} columns");
        return Err(Failure::limit("too-many-columns", message).at(Place::Byte { offset: 0 }));
    }
    let table = Table {
        dialect,
        names: unique_names(&dialect.header),
        threads,
        most_cells,
    };
    let mut slabs = file.slabs(input)?.of_bytes(slab_bytes);
    let first = slabs.next_slab()?;
    let observed = match &first {
        Some(slab) => table.look(slab),
        None => vec![(Inference::default(), true); dialect.columns()],
    };
    let plans: Vec<Plan> = observed
        .iter()
        .map(|(inference, repeats)| Plan::of(inference, *repeats))
        .collect();
    let inferences = observed.iter().map(|(inference, _)| inference.clone()).collect();
    match table.pass(slabs, first, &plans, inferences, outputs)? {
        Ended::Written(outcome) => Ok(*outcome),
        Ended::Contradicted(inferences) => {
            let repeats = observed.iter().map(|(_, repeats)| *repeats);
            let plan = |(inference, repeats)| Plan {
                open: false,
                ..Plan::of(inference, repeats)
            };
            let plans: Vec<Plan> = inferences.iter().zip(repeats).map(plan).collect();
            match table.pass(
                file.slabs(input)?.of_bytes(slab_bytes),
                None,
                &plans,
                inferences,
                outputs,
            )? {
                Ended::Written(outcome) => Ok(*outcome),
                Ended::Contradicted(_) => Err(Failure::internal(
                    "second-pass",
                    "a cell is of another type than it was",
                )),
            }
        }
    }
}

struct Table<'a> {
    dialect: &'a Dialect,
    names: Vec<String>,
    threads: usize,
    /// Of so many cells at most a row group is made.
    most_cells: usize,
}

/// How a pass ended.
enum Ended {
    Written(Box<Outcome>),
    /// Not all cells were of their columns' types; this is what all of them say.
    Contradicted(Vec<Inference>),
}

/// What a worker made of a slab.
struct Done {
    slab: Slab,
    counts: Counts,
    rejected: Vec<Rejected<'static>>,
    inferences: Vec<Inference>,
    tokens: Vec<Tokens>,
    /// Nothing, where a cell contradicts its column's type.
    written: Option<Vec<Part>>,
}

/// What a slab's cells say of their types, and what the slab held.
struct Observed {
    inferences: Vec<Inference>,
    counts: Counts,
    rejected: Vec<Rejected<'static>>,
}

impl Table<'_> {
    fn pass<R: Read>(
        &self,
        mut slabs: Slabs<R>,
        mut first: Option<Slab>,
        plans: &[Plan],
        mut inferences: Vec<Inference>,
        outputs: &mut dyn Outputs,
    ) -> Result<Ended, Failure> {
        let fields = plans
            .iter()
            .zip(&self.names)
            .map(|(plan, name)| plan.kind.field(name));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        let message = Message::of(&schema)?;
        let wants = Wants::of(outputs);
        let mut begun = Some(Begun::new(&schema, self.profile(&schema, plans), outputs)?);
        let lanes = Lanes::new(&schema, self.threads);
        let mut counts = Counts::default();
        let mut rejects = Rejects::default();
        let mut tokens = vec![Tokens::default(); plans.len()];
        let contradicted = AtomicBool::new(false);
        let spare = std::sync::Mutex::new(Vec::new());
        let lost = |_| Failure::internal("pipeline", "a worker is gone");
        pipeline::run(
            self.threads,
            || {
                for buffer in spare.lock().map_err(lost)?.drain(..) {
                    slabs.recycle(buffer);
                }
                first
                    .take()
                    .map_or_else(|| slabs.next_slab(), |slab| Ok(Some(slab)))
            },
            || None,
            |worker, number, slab| {
                let done = self.work(
                    (worker, lanes.turn(number)),
                    slab,
                    plans,
                    (&schema, &message, wants),
                    contradicted.load(Ordering::Relaxed),
                )?;
                if done.written.is_none() {
                    contradicted.store(true, Ordering::Relaxed);
                }
                Ok(done)
            },
            |done| {
                for (ours, theirs) in inferences.iter_mut().zip(&done.inferences) {
                    *ours = ours.merge(theirs);
                }
                let as_planned = inferences
                    .iter()
                    .zip(plans)
                    .all(|(inference, plan)| inference.decide() == plan.kind);
                if let (Some(begun), Some(parts), true) = (&mut begun, done.written, as_planned) {
                    parts.into_iter().try_for_each(|part| begun.append(part))?;
                    tokens
                        .iter_mut()
                        .zip(&done.tokens)
                        .for_each(|(ours, theirs)| ours.merge(theirs));
                    self.take_rejects(
                        &done.slab,
                        &done.counts,
                        done.rejected,
                        counts.records,
                        &mut rejects,
                        outputs,
                    )?;
                } else {
                    // What was begun is dropped, and so never was.
                    contradicted.store(true, Ordering::Relaxed);
                    begun = None;
                    rejects = Rejects::default();
                }
                counts.add(&done.counts);
                spare.lock().map_err(lost)?.push(done.slab.into_buffer());
                Ok(())
            },
        )?;
        let Some(begun) = begun else {
            return Ok(Ended::Contradicted(inferences));
        };
        if counts.records > 0 && counts.rows == 0 {
            return Err(rejects.no_good_row());
        }
        let (mut profile, rows_written) = begun.finish(lanes, &message, outputs)?;
        let mut words = BTreeSet::new();
        for (column, tokens) in profile.columns.iter_mut().zip(&tokens) {
            words.extend(tokens.iter().map(|(token, _)| token.to_owned()));
            column.null_tokens = tokens
                .iter()
                .map(|(token, count)| (token.to_owned(), count))
                .collect();
        }
        profile.file.null_tokens = words.into_iter().collect();
        Ok(Ended::Written(Box::new(Outcome {
            counts,
            profile,
            rejects,
            rows_written,
        })))
    }

    /// A profile that knows how the columns were called and what they are.
    fn profile(&self, schema: &Schema, plans: &[Plan]) -> Profile {
        let mut profile = Profile::new(schema);
        for ((column, plan), header) in profile.columns.iter_mut().zip(plans).zip(&self.dialect.header) {
            column.source_name = (*header != column.name).then(|| header.clone());
            column.described = plan.kind.to_string();
            column.format = plan.kind.format();
        }
        profile
    }

    fn expected(&self, slab: &Slab) -> Expected<'_> {
        Expected {
            dialect: self.dialect,
            names: &self.names,
            record_bytes: slab.record_bytes(),
        }
    }

    /// What a slab's beginning says of the columns' types, and whether they repeat themselves.
    fn look(&self, slab: &Slab) -> Vec<(Inference, bool)> {
        let mut columns = Columns::new(&self.unknown(), self.most_cells);
        // Enough is enough.
        let _ = slab.for_each_block_until(MOST_OBSERVED_BYTES, self.dialect, |block| {
            // Anything is text.
            let _ = columns.take(block);
            if columns.is_full() { Err(()) } else { Ok(()) }
        });
        columns.observe()
    }

    /// What a slab's cells say of the columns' types.
    fn observe(&self, slab: &Slab) -> Result<Observed, Failure> {
        let new = || Columns::new(&self.unknown(), self.most_cells);
        let mut columns = new();
        let mut inferences = vec![Inference::default(); self.dialect.columns()];
        let mut merge = |columns: Columns| {
            for (ours, (theirs, _)) in inferences.iter_mut().zip(columns.observe()) {
                *ours = ours.merge(&theirs);
            }
        };
        let mut rejected = Vec::new();
        let mut places = slab.places();
        let counts = slab.for_each_block(self.dialect, |block| {
            keep(block, &mut places, self.expected(slab), &mut rejected);
            let _ = columns.take(block);
            if columns.is_full() {
                merge(std::mem::replace(&mut columns, new()));
            }
            Ok(())
        })?;
        merge(columns);
        Ok(Observed {
            inferences,
            counts,
            rejected,
        })
    }

    fn unknown(&self) -> Vec<Plan> {
        vec![Plan::UNKNOWN; self.dialect.columns()]
    }

    fn work(
        &self,
        (worker, mut turn): (&mut Option<RowGroupWriter>, Turn<'_>),
        slab: Slab,
        plans: &[Plan],
        (schema, message, wants): (&Schema, &Message, Wants),
        contradicted: bool,
    ) -> Result<Done, Failure> {
        // Made within the turn, which is given up if that fails.
        let worker = match worker {
            Some(worker) => worker,
            none => none.insert(RowGroupWriter::new(schema)?),
        };
        let new = || Columns::new(plans, self.most_cells);
        let mut columns = new();
        let mut inferences = vec![Inference::default(); plans.len()];
        let mut tokens = vec![Tokens::default(); plans.len()];
        let mut parts = Vec::new();
        let mut write = |columns: Columns| {
            let parsed = columns.build(&self.names, wants.parquet)?;
            for (ours, theirs) in inferences.iter_mut().zip(&parsed.inferences) {
                *ours = ours.merge(theirs);
            }
            for (ours, theirs) in tokens.iter_mut().zip(&parsed.tokens) {
                ours.merge(theirs);
            }
            let encode = || worker.encode(&parsed.batch);
            parts.push(Part::of(&parsed.batch, encode, &mut turn, message, wants)?);
            Ok(())
        };
        let mut rejected = Vec::new();
        let mut fits = !contradicted;
        let mut counts = Counts::default();
        if fits {
            let mut places = slab.places();
            counts = slab.for_each_block(self.dialect, |block| {
                keep(block, &mut places, self.expected(&slab), &mut rejected);
                fits = fits && columns.take(block);
                if fits && columns.is_full() {
                    write(std::mem::replace(&mut columns, new()))?;
                }
                Ok(())
            })?;
        }
        if !fits {
            let Observed {
                inferences,
                counts,
                rejected,
            } = self.observe(&slab)?;
            return Ok(Done {
                slab,
                counts,
                rejected,
                inferences,
                tokens: Vec::new(),
                written: None,
            });
        }
        write(columns)?;
        turn.end();
        Ok(Done {
            slab,
            counts,
            rejected,
            inferences,
            tokens,
            written: Some(parts),
        })
    }

    /// Writes a slab's rejects; `before` is how many records stand before it.
    fn take_rejects(
        &self,
        slab: &Slab,
        counts: &Counts,
        rejected: Vec<Rejected<'static>>,
        before: u64,
        rejects: &mut Rejects,
        outputs: &mut dyn Outputs,
    ) -> Result<(), Failure> {
        if rejected.len() as u64 == counts.rejects {
            let numbered = rejected.into_iter().map(|rejected| Rejected {
                row: rejected.row + before,
                ..rejected
            });
            return rejects.take(numbered, outputs);
        }
        let mut places = slab.places();
        slab.for_each_block(self.dialect, |block| {
            let numbered = Rejected::of(block, &mut places, self.expected(slab)).map(|rejected| Rejected {
                row: rejected.row + before,
                ..rejected
            });
            rejects.take(numbered, outputs)
        })?;
        Ok(())
    }
}

/// Keeps a block's rejects, unless there are many.
fn keep(
    block: &Block<'_>,
    places: &mut Places<'_>,
    expected: Expected<'_>,
    rejected: &mut Vec<Rejected<'static>>,
) {
    let room = (MOST_KEPT_REJECTS + 1).saturating_sub(rejected.len());
    rejected.extend(
        Rejected::of(block, places, expected)
            .take(room)
            .map(Rejected::into_owned),
    );
}

#[cfg(test)]
#[path = "delimited_tests.rs"]
mod tests;
