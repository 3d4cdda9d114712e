//! Parts merge to what one pass says.

use super::*;
use crate::profile::report::{Column, Table};
use proptest::prelude::*;

/// A table of three columns of which some values repeat, some are null, and some are texts of any kind.
fn rows() -> impl Strategy<Value = Vec<(Option<i64>, Option<f64>, Option<String>)>> {
    let int = proptest::option::weighted(0.9, prop_oneof![-3_i64..3, any::<i64>()]);
    let float = proptest::option::weighted(0.9, prop_oneof![(0_i32..5).prop_map(f64::from), -1e9..1e9_f64]);
    let text = proptest::option::weighted(0.9, prop_oneof!["[ab]{0,2}", "\\PC{0,12}", "[A-Z]{2}[0-9]{1,3}"]);
    proptest::collection::vec((int, float, text), 0..300)
}

fn profile(rows: &[(Option<i64>, Option<f64>, Option<String>)], precision: Precision) -> Profile {
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|row| row.2.as_deref()).collect::<StringArray>()),
    ];
    let schema = Arc::new(Schema::new(
        ["int", "float", "text"]
            .into_iter()
            .zip(&arrays)
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect::<Vec<_>>(),
    ));
    let mut profile = Profile::with_precision(&schema, precision);
    profile
        .observe(&Rows::from(&RecordBatch::try_new(schema, arrays).unwrap()))
        .unwrap();
    profile
        .rejected
        .insert("field-count".into(), rows.len() as u64 % 3);
    profile.blank_lines = 1;
    profile
}

fn merge(a: &Profile, b: &Profile) -> Profile {
    let mut merged = a.clone();
    merged.merge(b).unwrap();
    merged
}

/// What merging may not change, once values are many.
fn exact(column: &Column) -> Column {
    let mut column = column.clone();
    if !column.distinct_exact {
        column.mean = None;
        column.standard_deviation = None;
        column.quantiles = None;
        column.histogram = None;
        column.outliers = None;
        column.top_values = None;
        column.patterns = None;
    }
    column
}

fn counts(table: &Table) -> (Vec<Column>, u64, u64, u64, report::Estimate) {
    let columns = table.columns.iter().map(exact).collect();
    (
        columns,
        table.rows,
        table.rows_rejected,
        table.blank_lines,
        table.duplicate_rows,
    )
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * (a.abs() + b.abs()) + 1e-6,
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parts_are_the_whole(rows in rows(), first in 0_usize..300, second in 0_usize..300) {
        let (first, second) = (first.min(second).min(rows.len()), first.max(second).min(rows.len()));
        for precision in [Precision::NARROW, Precision::WIDE] {
            let [a, b, c] = [&rows[..first], &rows[first..second], &rows[second..]].map(|rows| profile(rows, precision));
            let mut whole = profile(&rows, precision);
            whole.blank_lines = 3;
            whole.rejected = [("field-count".to_owned(), [&a, &b, &c].map(|part| part.rejected["field-count"]).iter().sum())].into();
            let whole = whole.report();
            let left = merge(&merge(&a, &b), &c).report();
            let right = merge(&a, &merge(&b, &c)).report();
            for merged in [&left, &right] {
                prop_assert_eq!(counts(merged), counts(&whole));
                for (ours, theirs) in merged.columns.iter().zip(&whole.columns) {
                    prop_assert!(close(ours.mean, theirs.mean), "{:?} {:?}", ours.mean, theirs.mean);
                    prop_assert!(close(ours.standard_deviation, theirs.standard_deviation));
                }
            }
        }
    }
}

#[test]
fn different_tables_do_not_merge() {
    let mut one = profile(&[], Precision::NARROW);
    let other = profile_of(&[("int", ints([1]))]);
    assert!(one.merge(&other).is_err());
    assert!(one.merge(&profile(&[], Precision::WIDE)).is_err());
    let mut column = observed(&ints([1]), Precision::NARROW);
    assert!(column.merge(&observed(&texts(["a"]), Precision::NARROW)).is_err());
    assert!(column.observe(&texts(["a"]), RowHashes::alone(&mut [])).is_err());
}

#[test]
fn many_parts_of_many_values_count_as_one_pass_does() {
    let values: Vec<String> = (0..60_000)
        .map(|at| format!("name {}", at * 7 % 40_000))
        .collect();
    let whole = observed(&texts(&values), Precision::NARROW);
    let mut parts = observed(&texts(&values[..500]), Precision::NARROW);
    for part in values[500..].chunks(7_000) {
        parts.merge(&observed(&texts(part), Precision::NARROW)).unwrap();
    }
    let report = |column: &ColumnProfile| exact(&crate::profile::summarise::column(column, 10));
    assert_eq!(report(&parts), report(&whole));
}
