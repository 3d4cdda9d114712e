//! Columns of rows that may lack them: what they hold takes memory and time, what they lack hardly any.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::{ArrowError, SchemaRef};

/// A column of some rows: its values, and in which rows they stand.
#[derive(Debug, Clone)]
pub struct Cells {
    /// A value for each place, none of them null; or, without places, one for each row, some of which may be.
    pub values: ArrayRef,
    /// The row of each value, from 0, ascending.
    pub places: Option<Arc<[u32]>>,
    /// How many rows.
    pub rows: usize,
}

impl From<ArrayRef> for Cells {
    fn from(values: ArrayRef) -> Self {
        Self {
            rows: values.len(),
            values,
            places: None,
        }
    }
}

impl Cells {
    /// An array of a value for each row.
    ///
    /// # Errors
    /// What Arrow fails with.
    pub fn to_array(&self) -> Result<ArrayRef, ArrowError> {
        let Some(places) = &self.places else {
            return Ok(Arc::clone(&self.values));
        };
        if places.is_empty() {
            return Ok(new_null_array(self.values.data_type(), self.rows));
        }
        let mut indices = vec![0; self.rows];
        let mut nulls = NullBufferBuilder::new(self.rows);
        for (index, place) in (0_u32..).zip(places.iter()) {
            let place = *place as usize;
            if let Some(to) = indices.get_mut(place) {
                *to = index;
            }
            nulls.append_n_nulls(place.saturating_sub(nulls.len()));
            nulls.append_non_null();
        }
        nulls.append_n_nulls(self.rows.saturating_sub(nulls.len()));
        let indices = UInt32Array::try_new(indices.into(), nulls.finish())?;
        arrow_select::take::take(&self.values, &indices, None)
    }
}

/// Some rows of a table.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The table's.
    pub schema: SchemaRef,
    /// How many.
    pub count: usize,
    /// Their columns.
    pub columns: Vec<Cells>,
}

impl From<&RecordBatch> for Rows {
    fn from(batch: &RecordBatch) -> Self {
        Self {
            schema: batch.schema(),
            count: batch.num_rows(),
            columns: batch
                .columns()
                .iter()
                .map(|array| Arc::clone(array).into())
                .collect(),
        }
    }
}

impl Rows {
    /// The rows as a batch, each column with a value for each of them.
    ///
    /// # Errors
    /// What Arrow fails with.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let arrays = self
            .columns
            .iter()
            .map(Cells::to_array)
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{BooleanArray, Int64Array, RecordBatch, StringArray, StructArray};
    use arrow_schema::{DataType, Field, Fields, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::{profile::Profile, write::proto};

    /// An array's values that are not null, and where they stand.
    fn sparse(array: &ArrayRef) -> Cells {
        let present = (0_u32..)
            .take(array.len())
            .filter(|row| array.is_valid(*row as usize));
        let places: Vec<u32> = present.collect();
        let values = arrow_select::take::take(array, &UInt32Array::from(places.clone()), None).unwrap();
        Cells {
            values,
            places: Some(places.into()),
            rows: array.len(),
        }
    }

    /// A whole number, a text, a truth, and whether there is a structure of the first two.
    type Row = (Option<i64>, Option<String>, Option<bool>, bool);

    fn batch(rows: &[Row]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let texts: ArrayRef = Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringArray>());
        let truths: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>());
        let fields = Fields::from(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("t", DataType::Utf8, true),
        ]);
        let valid: Vec<bool> = rows.iter().map(|row| row.3).collect();
        let columns = vec![Arc::clone(&numbers), Arc::clone(&texts)];
        let structs: ArrayRef = Arc::new(StructArray::new(fields, columns, Some(valid.into())));
        let arrays = vec![numbers, texts, truths, structs];
        let field = |(name, array): (&str, &ArrayRef)| Field::new(name, array.data_type().clone(), true);
        let fields: Vec<Field> = ["a", "b", "c", "d"].into_iter().zip(&arrays).map(field).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_columns_lack_changes_nothing_that_is_said_of_them(
            rows in prop::collection::vec((
                prop::option::weighted(0.1, 0_i64..9),
                prop::option::weighted(0.2, "[a-c]{0,20}"),
                prop::option::weighted(0.3, any::<bool>()),
                prop::bool::weighted(0.2),
            ), 0..1200),
        ) {
            let batch = batch(&rows);
            let whole = Rows::from(&batch);
            let columns = batch.columns().iter().map(sparse).collect();
            let sparse = Rows { columns, ..whole.clone() };
            for (cells, array) in sparse.columns.iter().zip(batch.columns()) {
                let again = cells.to_array().unwrap();
                prop_assert!((0..batch.num_rows()).all(|row| again.is_valid(row) == array.is_valid(row)));
            }
            let message = proto::Message::of(batch.schema_ref()).unwrap();
            let (mut records, mut expected) = (Vec::new(), Vec::new());
            message.encode(&batch, &mut expected).unwrap();
            message.encode_rows(&sparse, &mut records).unwrap();
            prop_assert_eq!(&records, &expected);
            records.clear();
            message.encode(&sparse.to_batch().unwrap(), &mut records).unwrap();
            prop_assert_eq!(records, expected);
            let profile = |rows: &Rows| {
                let mut profile = Profile::new(batch.schema_ref());
                profile.observe(rows).unwrap();
                String::from_utf8(profile.to_json().unwrap()).unwrap()
            };
            prop_assert_eq!(profile(&sparse), profile(&whole));
        }
    }
}
