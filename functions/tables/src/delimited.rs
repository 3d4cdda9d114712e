//! The run over delimited text: slabs in, row groups, profile and rejects out, in one pass or two.

use std::{
    collections::{BTreeSet, VecDeque},
    io::Read,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use arrow_schema::Schema;
use shared::{Failure, Input, Outputs, Place, options::ParquetVersion};

use crate::{
    cells::Rows,
    columns::{Columns, Leftovers, Plan, names::unique_names},
    dialect::Dialect,
    no_rows::{NoRows, keep},
    pipeline::{self, Hand},
    processor::MAX_COLUMNS,
    profile::{Lanes, Profile, Turn},
    read::{Counts, Delimited, Slab, Slabs},
    rejects::{Expected, Rejected, Rejects},
    spare::Spare,
    types::{Inference, token::Tokens},
    write::{Begun, Part, PartMaker, Recipe, RowGroupWriter, Wants, proto::Message},
};

/// The most text of a slab, in bytes.
const MOST_SLAB_BYTES: usize = 14 << 20;
/// What a slab takes, times its size: measured on texts that are all different.
const SLAB_TIMES: u64 = 7;
/// What is looked at before types are chosen, in bytes: a 64th of the file, but no less and no more than this, which is enough to be
/// right of nearly every file.
const OBSERVED_BYTES: std::ops::RangeInclusive<usize> = (64 << 10)..=(2 << 20);
/// A slab's bytes where no row groups are made of them, which alone gain by being large.
const SLAB_BYTES_WITHOUT_GROUPS: usize = 2 << 20;
/// What a cell takes: two bytes where its column has a dictionary, eight or more where it has none.
const CELL_BYTES: u64 = 4;

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

/// Reads and writes the table, Parquet in the encodings of this version. None, if nothing beyond ASCII was seen of its text, which turns out
/// to be no UTF-8.
///
/// # Errors
/// [`Failure::limit`] when it has more than [`MAX_COLUMNS`] columns; [`Failure::rejected`] when no record is a row; what
/// reading and writing fail with.
pub(crate) fn run(
    file: &Delimited,
    version: ParquetVersion,
    input: &Input<'_>,
    outputs: &mut dyn Outputs,
) -> Result<Option<Outcome>, Failure> {
    let most = if Wants::of(outputs).parquet {
        MOST_SLAB_BYTES
    } else {
        SLAB_BYTES_WITHOUT_GROUPS
    };
    let slab_bytes = pipeline::slab_bytes(input.limits, file.dialect.columns(), SLAB_TIMES, most);
    let most = (slab_bytes, pipeline::most_cells(input.limits, CELL_BYTES));
    run_as(file, version, input, outputs, most, input.limits.threads.max(1))
}

/// Reads and writes the table in slabs of about so many bytes and row groups of about so many cells at most, on so many threads.
fn run_as(
    file: &Delimited,
    version: ParquetVersion,
    input: &Input<'_>,
    outputs: &mut dyn Outputs,
    (slab_bytes, most_cells): (usize, usize),
    threads: usize,
) -> Result<Option<Outcome>, Failure> {
    let dialect = &file.dialect;
    if dialect.columns() > MAX_COLUMNS {
        let message = format!("the header has more than {MAX_COLUMNS} columns");
        return Err(Failure::limit("too-many-columns", message).at(Place::Byte { offset: 0 }));
    }
    let table = Table {
        dialect,
        names: unique_names(&dialect.header),
        version,
        threads,
        most_cells,
        is_open: file.text.is_open,
    };
    let text_bytes = match file.text.compression {
        None => input.facts.size_bytes,
        // Nobody knows.
        Some(_) => u64::MAX,
    };
    let slabs = || {
        let slabs = file.slabs(input)?.of_bytes(slab_bytes);
        Ok(slabs.shared_out(text_bytes, threads))
    };
    let mut first_slabs = slabs()?;
    let mut read = VecDeque::from_iter(first_slabs.next_slab()?);
    let observed = match read.front() {
        Some(slab) if threads > 1 && !first_slabs.is_at_end() => {
            // Who looks at the first slab keeps nobody from reading the second.
            let (observed, second) = thread::scope(|scope| {
                let second = scope.spawn(|| first_slabs.next_slab());
                let observed = table.look(slab, observed_bytes(input));
                (observed, second.join())
            });
            read.extend(second.unwrap_or_else(|panic| resume_unwind(panic))?);
            observed
        }
        Some(slab) => table.look(slab, observed_bytes(input)),
        None => vec![(Inference::default(), true); dialect.columns()],
    };
    let plans: Vec<Plan> = observed
        .iter()
        .map(|(inference, repeats)| Plan::of(inference, *repeats))
        .collect();
    let inferences = observed.iter().map(|(inference, _)| inference.clone()).collect();
    match table.pass(first_slabs, read, &plans, inferences, outputs)? {
        Ended::Written(outcome) => Ok(Some(*outcome)),
        Ended::Undecodable => Ok(None),
        Ended::Contradicted(inferences) => {
            let repeats = observed.iter().map(|(_, repeats)| *repeats);
            let plan = |(inference, repeats)| Plan {
                open: false,
                ..Plan::of(inference, repeats)
            };
            let plans: Vec<Plan> = inferences.iter().zip(repeats).map(plan).collect();
            match table.pass(slabs()?, VecDeque::new(), &plans, inferences, outputs)? {
                Ended::Written(outcome) => Ok(Some(*outcome)),
                Ended::Undecodable => Ok(None),
                Ended::Contradicted(_) => Err(Failure::internal(
                    "second-pass",
                    "a cell is of another type than it was",
                )),
            }
        }
    }
}

/// How much is looked at before types are chosen.
fn observed_bytes(input: &Input<'_>) -> usize {
    let share = usize::try_from(input.facts.size_bytes / 64).unwrap_or(usize::MAX);
    share.clamp(*OBSERVED_BYTES.start(), *OBSERVED_BYTES.end())
}

struct Table<'a> {
    dialect: &'a Dialect,
    names: Vec<String>,
    version: ParquetVersion,
    threads: usize,
    /// Of so many cells at most a row group is made.
    most_cells: usize,
    /// Whether its encoding is still to be told.
    is_open: bool,
}

/// How a pass ended.
enum Ended {
    Written(Box<Outcome>),
    /// Not all cells were of their columns' types; this is what all of them say.
    Contradicted(Vec<Inference>),
    /// Something beyond ASCII came first, and is no UTF-8.
    Undecodable,
}

/// What a thread keeps from slab to slab.
struct Worker {
    groups: RowGroupWriter,
    leftovers: Leftovers,
}

/// What comes of a slab: parts, and then this.
enum Step {
    Part(Part),
    Done(Done),
}

/// What a worker found in a slab.
struct Done {
    counts: Counts,
    no_rows: NoRows,
    inferences: Vec<Inference>,
    tokens: Vec<Tokens>,
    /// No cell contradicts its column's type.
    fits: bool,
}

impl Table<'_> {
    fn pass<R: Read + Send>(
        &self,
        mut slabs: Slabs<R>,
        mut read: VecDeque<Slab>,
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
        let mut begun = Some(Begun::new(&schema, outputs)?);
        let lanes = Lanes::new(self.profile(&schema, plans), &schema, self.threads);
        let mut counts = Counts::default();
        let mut rejects = Rejects::default();
        let mut tokens = vec![Tokens::default(); plans.len()];
        let contradicted = AtomicBool::new(false);
        let undecodable = AtomicBool::new(false);
        let buffers = Spare::default();
        let recipe = Recipe::new(&schema, self.version, &message, &buffers, outputs);
        let texts = Spare::default();
        pipeline::run(
            self.threads,
            || {
                if undecodable.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                if let Some(slab) = read.pop_front() {
                    return Ok(Some(slab));
                }
                slabs.recycle(texts.take());
                slabs.next_slab()
            },
            || None,
            |worker, number, slab, hand| {
                let done = self.work(
                    (worker, lanes.turn(number)),
                    slab,
                    plans,
                    (&recipe, &texts),
                    contradicted.load(Ordering::Relaxed),
                    hand,
                )?;
                if !done.fits {
                    contradicted.store(true, Ordering::Relaxed);
                }
                hand(Step::Done(done))
            },
            |step| {
                let done = match step {
                    Step::Part(part) => return Begun::append_to(begun.as_mut(), part, &recipe),
                    Step::Done(done) => done,
                };
                for (ours, theirs) in inferences.iter_mut().zip(&done.inferences) {
                    *ours = ours.merge(theirs);
                }
                let as_planned = inferences
                    .iter()
                    .zip(plans)
                    .all(|(inference, plan)| inference.decide() == plan.kind);
                if begun.is_some() && done.fits && as_planned {
                    tokens
                        .iter_mut()
                        .zip(&done.tokens)
                        .for_each(|(ours, theirs)| ours.merge(theirs));
                    if self.is_open && done.no_rows.are_undecodable() {
                        undecodable.store(true, Ordering::Relaxed);
                        begun = None;
                    } else {
                        self.take_rejects(done.no_rows, counts.records, &mut rejects, &texts, outputs)?;
                    }
                } else {
                    // What was begun is dropped, and so never was.
                    contradicted.store(true, Ordering::Relaxed);
                    begun = None;
                    rejects = Rejects::default();
                }
                counts.add(&done.counts);
                Ok(())
            },
        )?;
        if undecodable.load(Ordering::Relaxed) {
            return Ok(Ended::Undecodable);
        }
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
    fn look(&self, slab: &Slab, bytes: usize) -> Vec<(Inference, bool)> {
        let mut columns = Columns::new(&self.unknown(), self.most_cells);
        // Enough is enough.
        let _ = slab.for_each_block_until(bytes, self.dialect, |block| {
            // Anything is text.
            let _ = columns.take(block);
            if columns.is_full() { Err(()) } else { Ok(()) }
        });
        columns.observe()
    }

    /// What a slab's cells say of the columns' types, and what it holds.
    fn observe(&self, slab: &Slab) -> Result<(Vec<Inference>, Counts), Failure> {
        let new = || Columns::new(&self.unknown(), self.most_cells);
        let mut columns = new();
        let mut inferences = vec![Inference::default(); self.dialect.columns()];
        let mut merge = |columns: Columns| {
            for (ours, (theirs, _)) in inferences.iter_mut().zip(columns.observe()) {
                *ours = ours.merge(&theirs);
            }
        };
        let counts = slab.for_each_block(self.dialect, |block| {
            let _ = columns.take(block);
            if columns.is_full() {
                merge(std::mem::replace(&mut columns, new()));
            }
            Ok(())
        })?;
        merge(columns);
        Ok((inferences, counts))
    }

    fn unknown(&self) -> Vec<Plan> {
        vec![Plan::UNKNOWN; self.dialect.columns()]
    }

    fn work(
        &self,
        (worker, turn): (&mut Option<Worker>, Turn<'_>),
        slab: Slab,
        plans: &[Plan],
        (recipe, texts): (&Recipe<'_>, &Spare),
        contradicted: bool,
        hand: Hand<'_, Step>,
    ) -> Result<Done, Failure> {
        // Made within the turn, which is given up if that fails.
        let worker = match worker {
            Some(worker) => worker,
            none => none.insert(Worker {
                groups: recipe.groups()?,
                leftovers: Leftovers::default(),
            }),
        };
        let new = |worker: &mut Worker| {
            let leftovers = std::mem::take(&mut worker.leftovers);
            Columns::with(leftovers, plans, self.most_cells)
        };
        let mut columns = new(worker);
        let mut inferences = vec![Inference::default(); plans.len()];
        let mut tokens = vec![Tokens::default(); plans.len()];
        let mut write = |worker: &mut Worker, columns: Columns| {
            let mut part = PartMaker::new(columns.rows(), recipe, &mut worker.groups, &turn);
            let parsed = columns.build(&self.names, recipe.wants.parquet, |array| {
                part.add(&Arc::clone(array).into())
            })?;
            let part = part.end(&Rows::from(&parsed.batch))?;
            for (ours, theirs) in inferences.iter_mut().zip(&parsed.inferences) {
                *ours = ours.merge(theirs);
            }
            for (ours, theirs) in tokens.iter_mut().zip(&parsed.tokens) {
                ours.merge(theirs);
            }
            worker.leftovers = Leftovers::of(parsed.batch);
            hand(Step::Part(part))
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
                    write(worker, std::mem::replace(&mut columns, Columns::new(&[], 0)))?;
                    columns = new(worker);
                }
                Ok(())
            })?;
        }
        if !fits {
            let (inferences, counts) = self.observe(&slab)?;
            texts.put(slab.into_buffer());
            return Ok(Done {
                counts,
                no_rows: NoRows::Kept(Vec::new()),
                inferences,
                tokens: Vec::new(),
                fits,
            });
        }
        let no_rows = if rejected.len() as u64 == counts.rejects {
            // All of its cells are in columns: it is read into again while it is in the cache.
            texts.put(slab.into_buffer());
            NoRows::Kept(rejected)
        } else {
            NoRows::Within(slab)
        };
        write(worker, columns)?;
        turn.end();
        Ok(Done {
            counts,
            no_rows,
            inferences,
            tokens,
            fits,
        })
    }

    /// Writes a slab's rejects; `before` is how many records stand before it.
    fn take_rejects(
        &self,
        no_rows: NoRows,
        before: u64,
        rejects: &mut Rejects,
        texts: &Spare,
        outputs: &mut dyn Outputs,
    ) -> Result<(), Failure> {
        match no_rows {
            NoRows::Kept(rejected) => {
                let rejected = rejected.into_iter().map(|rejected| rejected.after(before));
                rejects.take(rejected, outputs)
            }
            NoRows::Within(slab) => {
                let mut places = slab.places();
                slab.for_each_block(self.dialect, |block| {
                    let rejected = Rejected::of(block, &mut places, self.expected(&slab));
                    rejects.take(rejected.map(|rejected| rejected.after(before)), outputs)
                })?;
                texts.put(slab.into_buffer());
                Ok(())
            }
        }
    }
}

#[cfg(test)]
#[path = "delimited_tests.rs"]
mod tests;
