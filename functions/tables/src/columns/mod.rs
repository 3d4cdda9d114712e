//! Cells to typed columns: a slab's cells are parsed straight from its bytes, one column after the other in each block,
//! into what becomes Arrow arrays.
//!
//! A column begins with a dictionary (`coder`), which is given up when its cells do not repeat themselves (`column`).

mod coder;
mod column;
mod dictionary;
mod key;
pub mod names;
mod values;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, RecordBatchOptions, types::UInt16Type};
use arrow_schema::{ArrowError, Field, Schema};
use shared::Failure;

use crate::{
    read::Block,
    types::{ColumnType, Inference, token::Tokens},
};
use column::{Built, Column};
pub(crate) use dictionary::with_dictionary;
use values::Values;

/// What is known of a column before its cells are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Its type.
    pub kind: ColumnType,
    /// Whether its cells repeat themselves.
    pub repeats: bool,
    /// Whether what is text so far may be of another type after all: a column of nothing, say.
    pub open: bool,
}

impl Plan {
    /// What the cells seen so far say.
    #[must_use]
    pub fn of(inference: &Inference, repeats: bool) -> Self {
        Self {
            kind: inference.decide(),
            repeats,
            open: !inference.is_settled(),
        }
    }

    /// Text, of which nothing is known.
    pub const UNKNOWN: Self = Self {
        kind: ColumnType::String,
        repeats: true,
        open: false,
    };
}

/// The rows of a slab, as they are parsed.
#[derive(Debug)]
pub struct Columns {
    all: Vec<Column>,
    rows: usize,
    /// With more than so many it is full.
    most_rows: usize,
}

/// The rows of a slab, parsed.
#[derive(Debug)]
pub struct Parsed {
    /// One array a column: dictionaries with 16-bit keys, or arrays of the columns' types.
    pub batch: RecordBatch,
    /// What the cells say of the columns' types.
    pub inferences: Vec<Inference>,
    /// The words for nothing in each column.
    pub tokens: Vec<Tokens>,
}

/// What the columns of one slab leave for those of the next: room, and nothing that a result depends on.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(Vec<Leftover>);

/// Of one column.
#[derive(Debug, Default)]
struct Leftover {
    codes: Vec<u16>,
    /// How many entries its dictionary had.
    entries: usize,
    /// Where it had none.
    values: Option<Values>,
}

impl Leftovers {
    /// Those of a batch that nobody needs any more.
    pub(crate) fn of(batch: RecordBatch) -> Self {
        let (_, arrays, _) = batch.into_parts();
        let of_column = |array: ArrayRef| {
            let Some(coded) = array.as_any().downcast_ref::<DictionaryArray<UInt16Type>>() else {
                return Leftover {
                    values: Values::emptied(array),
                    ..Leftover::default()
                };
            };
            let (keys, entries) = (coded.keys().values().inner().clone(), coded.values().len());
            // The last but one to hold them.
            drop(array);
            let mut keys: Vec<u16> = keys.into_vec().unwrap_or_default();
            keys.clear();
            Leftover {
                codes: keys,
                entries,
                values: None,
            }
        };
        Self(arrays.into_iter().map(of_column).collect())
    }
}

impl Columns {
    /// Columns without a row, and with room for about so many cells.
    #[must_use]
    pub fn new(plans: &[Plan], most_cells: usize) -> Self {
        Self::with(Leftovers::default(), plans, most_cells)
    }

    /// The same, in what others left.
    pub(crate) fn with(leftovers: Leftovers, plans: &[Plan], most_cells: usize) -> Self {
        let mut leftovers = leftovers.0.into_iter();
        let column = |plan: &Plan| Column::new(*plan, leftovers.next().unwrap_or_default());
        Self {
            all: plans.iter().map(column).collect(),
            rows: 0,
            most_rows: most_cells / plans.len().max(1),
        }
    }

    /// Whether there is no room for more.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.rows > self.most_rows
    }

    /// Adds the rows of a block; whether every cell was of its column's type. If not, nothing more can be added.
    #[must_use]
    pub fn take(&mut self, block: &Block<'_>) -> bool {
        if self.rows == 0 {
            let rows = block.rows_in_slab().min(self.most_rows);
            self.all.iter_mut().for_each(|column| column.expect(rows));
        }
        self.rows += block.rows();
        self.all
            .iter_mut()
            .enumerate()
            .all(|(index, column)| column.take(block, index))
    }

    /// Of columns of text: what their cells say of their types, and whether they repeat themselves.
    #[must_use]
    pub fn observe(self) -> Vec<(Inference, bool)> {
        self.all.into_iter().map(Column::observe).collect()
    }

    /// How many rows it has.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as arrays; with `in_order`, which Parquet wants, the values of dictionaries in order and all different. Each array is
    /// shown to `see` as soon as there is one, while it is in the cache.
    ///
    /// # Errors
    /// [`Failure::internal`] when Arrow refuses what was built; what `see` fails with.
    pub fn build(
        self,
        names: &[String],
        in_order: bool,
        mut see: impl FnMut(&ArrayRef) -> Result<(), Failure>,
    ) -> Result<Parsed, Failure> {
        let broken = |error: ArrowError| Failure::internal("arrow", error.to_string());
        let show = |column: Column| {
            let built = column.build(in_order).map_err(broken)?;
            see(&built.array)?;
            Ok(built)
        };
        let built: Vec<Built> = self.all.into_iter().map(show).collect::<Result<_, Failure>>()?;
        let arrays: Vec<ArrayRef> = built.iter().map(|built| Arc::clone(&built.array)).collect();
        let field = |(array, name): (&ArrayRef, &String)| Field::new(name, array.data_type().clone(), true);
        let schema = Schema::new(arrays.iter().zip(names).map(field).collect::<Vec<_>>());
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let batch = RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).map_err(broken)?;
        let (inferences, tokens) = built
            .into_iter()
            .map(|built| (built.inference, built.tokens))
            .unzip();
        Ok(Parsed {
            batch,
            inferences,
            tokens,
        })
    }
}
