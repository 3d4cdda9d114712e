//! The run over JSON: slabs in, row groups, profile and rejects out, in one pass or a few.

use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use shared::{Failure, Input, Outputs, Place, options::ParquetVersion};

use crate::{
    cells::Rows,
    columns::with_dictionary,
    json::{Fault, JsonKind, Parse, Reject, SLAB_BYTES, Shape, Slab, Slabs, parse_in_batches},
    pipeline::{self, Hand},
    profile::{Lanes, Profile, Turn},
    rejects::{Rejected, Rejects, shown},
    source::{Places, Text},
    spare::Spare,
    write::{Begun, Part, PartMaker, Recipe, RowGroupWriter, proto::Message},
};

/// What most values take, once as they are built, with their places, and once as they are written.
const CELL_BYTES: u64 = 16;

/// What a slab takes, times its size: measured on long texts, which grow in their columns.
const SLAB_TIMES: u64 = 10;

/// A table that was read and written.
pub(crate) struct Outcome {
    pub(crate) records: u64,
    pub(crate) blank_lines: u64,
    pub(crate) columns: usize,
    pub(crate) profile: Profile,
    pub(crate) rejects: Rejects,
    pub(crate) rows_written: u64,
}

/// Reads and writes the table, Parquet in the encodings of this version.
///
/// # Errors
/// [`Failure::rejected`] when no record is a row or none has a key; [`Failure::limit`] when there are too many keys; what reading
/// and writing fail with.
pub(crate) fn run(
    text: &Text,
    kind: JsonKind,
    version: ParquetVersion,
    input: &Input<'_>,
    outputs: &mut dyn Outputs,
) -> Result<Outcome, Failure> {
    let run = Run {
        text,
        kind,
        version,
        input,
        record_bytes: input.limits.record_bytes,
    };
    let mut slabs = run.slabs()?;
    let Some(first) = slabs.next_slab()? else {
        return Err(
            Failure::rejected("empty", "the file is empty: not even a record").at(Place::Byte { offset: 0 })
        );
    };
    let mut shape = Shape::infer(&first, run.record_bytes);
    if shape.columns() > 0 {
        match run.pass(slabs, Some(first), &shape, outputs)? {
            Ended::Written(outcome) => return Ok(*outcome),
            // Of the slabs that fitted it is not known what else they would fit.
            Ended::Contradicted => {}
        }
    }
    run.observe(&mut shape)?;
    if !shape.has_objects() {
        return Err(run.no_object(outputs)?);
    }
    match run.pass(run.slabs()?, None, &shape, outputs)? {
        Ended::Written(outcome) => Ok(*outcome),
        Ended::Contradicted => Err(Failure::internal(
            "second-pass",
            "a record is of another shape than it was",
        )),
    }
}

struct Run<'a> {
    text: &'a Text,
    kind: JsonKind,
    version: ParquetVersion,
    input: &'a Input<'a>,
    record_bytes: usize,
}

/// How a pass ended.
enum Ended {
    Written(Box<Outcome>),
    Contradicted,
}

/// What comes of a slab: parts, and then this.
enum Step {
    Part(Part),
    Done(Done),
}

/// What a worker found in a slab.
struct Done {
    slab: Slab,
    records: u64,
    rows: u64,
    blank_lines: u64,
    rejects: Vec<Reject>,
    /// No record contradicts the shape.
    fits: bool,
}

impl<'a> Run<'a> {
    fn slabs(&self) -> Result<Slabs<impl Read + Send + use<'a>>, Failure> {
        let text = self.text.reader(self.input)?;
        let progress = text.progress();
        let slabs = Slabs::new(text, self.kind, self.record_bytes).placed(progress);
        Ok(slabs.of_bytes(self.slab_bytes(1)))
    }

    /// How many bytes a slab of a table of so many columns may have.
    fn slab_bytes(&self, columns: usize) -> usize {
        pipeline::slab_bytes(self.input.limits, columns, SLAB_TIMES, SLAB_BYTES)
    }

    /// The failure of a text in which no record is an object.
    fn no_object(&self, outputs: &mut dyn Outputs) -> Result<Failure, Failure> {
        let (mut slabs, mut rejects, mut before) = (self.slabs()?, Rejects::default(), 0);
        while let Some(slab) = slabs.next_slab()? {
            let Parse::Done(parsed) = crate::json::parse(&slab, &Shape::default(), self.record_bytes)? else {
                break;
            };
            let mut places = slab.places();
            let numbered = parsed
                .rejects
                .iter()
                .map(|reject| self.rejected(&slab, reject, &mut places, before));
            rejects.take(numbered, outputs)?;
            before += parsed.records;
        }
        Ok(rejects.no_good_row())
    }

    /// Widens a shape by all there is.
    fn observe(&self, shape: &mut Shape) -> Result<(), Failure> {
        let mut slabs = self.slabs()?;
        pipeline::run(
            self.input.limits.threads,
            || slabs.next_slab(),
            || (),
            |(), _, slab, hand| hand(Shape::infer(&slab, self.record_bytes)),
            |other| {
                shape.merge(other);
                Ok(())
            },
        )
    }

    fn pass(
        &self,
        slabs: Slabs<impl Read + Send>,
        mut first: Option<Slab>,
        shape: &Shape,
        outputs: &mut dyn Outputs,
    ) -> Result<Ended, Failure> {
        shape.check()?;
        let mut slabs = slabs.of_bytes(self.slab_bytes(shape.columns()));
        let schema = Arc::new(shape.schema());
        let message = Message::of(&schema)?;
        let buffers = Spare::default();
        let recipe = Recipe::new(&schema, self.version, &message, &buffers, outputs);
        let mut profile = Profile::new(&schema);
        shape.name_sources(&mut profile.columns);
        let mut begun = Some(Begun::new(&schema, outputs)?);
        let lanes = Lanes::new(profile, &schema, self.input.limits.threads);
        let mut rejects = Rejects::default();
        let (mut records, mut rows, mut blank_lines) = (0, 0, 0);
        let contradicted = AtomicBool::new(false);
        pipeline::run(
            self.input.limits.threads,
            || {
                if contradicted.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                first
                    .take()
                    .map_or_else(|| slabs.next_slab(), |slab| Ok(Some(slab)))
            },
            || None,
            |worker, number, slab, hand| {
                let worker = (worker, lanes.turn(number));
                let done = self.work(worker, slab, shape, &recipe, hand)?;
                hand(Step::Done(done))
            },
            |step| {
                let done = match step {
                    Step::Part(part) => return Begun::append_to(begun.as_mut(), part, &recipe),
                    Step::Done(done) => done,
                };
                if begun.is_none() || !done.fits {
                    contradicted.store(true, Ordering::Relaxed);
                    begun = None;
                    rejects = Rejects::default();
                    return Ok(());
                }
                let mut places = done.slab.places();
                let numbered = done
                    .rejects
                    .iter()
                    .map(|reject| self.rejected(&done.slab, reject, &mut places, records));
                rejects.take(numbered, outputs)?;
                records += done.records;
                rows += done.rows;
                blank_lines += done.blank_lines;
                Ok(())
            },
        )?;
        let Some(begun) = begun else {
            return Ok(Ended::Contradicted);
        };
        if records > 0 && rows == 0 {
            return Err(rejects.no_good_row());
        }
        let (profile, rows_written) = begun.finish(lanes, &message, outputs)?;
        let columns = schema.fields().len();
        Ok(Ended::Written(Box::new(Outcome {
            records,
            blank_lines,
            columns,
            profile,
            rejects,
            rows_written,
        })))
    }

    fn work(
        &self,
        (worker, turn): (&mut Option<RowGroupWriter>, Turn<'_>),
        slab: Slab,
        shape: &Shape,
        recipe: &Recipe<'_>,
        hand: Hand<'_, Step>,
    ) -> Result<Done, Failure> {
        // Made within the turn, which is given up if that fails.
        let worker = match worker {
            Some(worker) => worker,
            none => none.insert(recipe.groups()?),
        };
        let most_cells = pipeline::most_cells(self.input.limits, CELL_BYTES);
        let take = |mut rows: Rows| {
            for cells in &mut rows.columns {
                cells.values = with_dictionary(Arc::clone(&cells.values))
                    .map_err(|error| Failure::internal("arrow", error.to_string()))?;
            }
            let mut part = PartMaker::new(rows.count, recipe, worker, &turn);
            rows.columns.iter().try_for_each(|cells| part.add(cells))?;
            hand(Step::Part(part.end(&rows)?))
        };
        let taken = parse_in_batches(&slab, shape, self.record_bytes, most_cells, take)?;
        if taken.is_some() {
            turn.end();
        }
        let fits = taken.is_some();
        let taken = taken.unwrap_or_default();
        Ok(Done {
            slab,
            records: taken.records,
            rows: taken.rows,
            blank_lines: taken.blank_lines,
            rejects: taken.rejects,
            fits,
        })
    }

    fn rejected<'s>(
        &self,
        slab: &'s Slab,
        reject: &Reject,
        places: &mut Places<'_>,
        before: u64,
    ) -> Rejected<'s> {
        let start = reject.range.start;
        let offset = places.file_offset(start);
        let is_decoded = !places.is_as_it_stands();
        let in_file = |at: usize| {
            let at = places.file_offset(start + at).saturating_sub(offset);
            usize::try_from(at).unwrap_or(usize::MAX)
        };
        let fault = reject.fault.map_place(in_file);
        let (reason, message) = fault.explain(self.record_bytes, is_decoded);
        let raw = slab.raw(reject);
        Rejected {
            row: before + reject.row,
            offset,
            line: Some(reject.line),
            reason,
            message,
            cell: None,
            undecodable: match fault {
                Fault::NotUtf8 { at } => Some(offset + at as u64),
                _ => None,
            },
            raw: shown(raw).into(),
        }
    }
}
