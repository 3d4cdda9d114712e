//! From what a profile keeps to what it says.

use super::{
    FileFacts, Profile, alerts,
    column::{Body, ColumnProfile},
    kind::Kind,
    ordered::{Key, Ordered},
    report::{
        Booleans, Column, Distinct, Estimate, FORMAT, Lengths, PrecisionFacts, Quantiles, Shown, Table,
        TopValue, TopValues,
    },
    text::{Span, Texts},
};

/// Values named as those seen most.
const TOP: usize = 10;
/// The same in a wide table.
const TOP_OF_WIDE: usize = 5;
/// Patterns named.
const PATTERNS: usize = 6;
/// More columns make a wide table.
const WIDE: usize = 256;

pub(crate) fn table(profile: &Profile) -> Table {
    let top = if profile.columns.len() > WIDE {
        TOP_OF_WIDE
    } else {
        TOP
    };
    let columns: Vec<Column> = profile
        .columns
        .iter()
        .map(|profile| column(profile, top))
        .collect();
    let rejected = profile.rejected.values().sum();
    let precision = profile.precision;
    let different = profile.row_hashes.count();
    let mut table = Table {
        format: FORMAT,
        file: FileFacts::clone(&profile.file),
        rows: profile.rows + rejected,
        rows_written: profile.rows,
        rows_rejected: rejected,
        rejected_by_reason: profile.rejected.clone(),
        blank_lines: profile.blank_lines,
        duplicate_rows: duplicates(profile.rows, different, precision.distinct_standard_error()),
        precision: PrecisionFacts {
            exact_distinct: precision.exact,
            distinct_standard_error: precision.distinct_standard_error(),
            quantile_rank_error: precision.quantile_rank_error(),
            text_bytes: precision.text_bytes,
        },
        alerts: Vec::new(),
        columns,
    };
    table.alerts = alerts::of(&table);
    table
}

/// Rows less different rows; where the difference might be the estimate's error alone, none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an error of some percent"
)]
fn duplicates(rows: u64, different: Distinct, standard_error: f64) -> Estimate {
    let count = rows.saturating_sub(different.count);
    let noise = if different.exact {
        0
    } else {
        (3.0 * standard_error * rows as f64).ceil() as u64
    };
    Estimate {
        count: if count > noise { count } else { 0 },
        exact: different.exact,
    }
}

pub(crate) fn column(profile: &ColumnProfile, top: usize) -> Column {
    let mut column = Column {
        name: profile.name.clone(),
        source_name: profile.source_name.clone(),
        r#type: profile.described.clone(),
        count: profile.rows - profile.nulls,
        nulls: profile.nulls,
        empties: 0,
        distinct: None,
        distinct_exact: true,
        min: None,
        max: None,
        mean: None,
        standard_deviation: None,
        not_finite: (profile.not_finite > 0).then_some(profile.not_finite),
        quantiles: None,
        histogram: None,
        outliers: None,
        top_values: None,
        booleans: None,
        lengths: None,
        characters: None,
        patterns: None,
        padded: None,
        mojibake: None,
        widened: profile.widened.clone(),
        format: profile.format.clone(),
        null_tokens: profile.null_tokens.clone(),
        items: None,
        fields: Vec::new(),
    };
    match &profile.body {
        Body::Bool { trues, falses } => bools(&mut column, *trues, *falses),
        Body::Narrow(ordered) => values(&mut column, profile.kind, ordered, top),
        Body::Wide(ordered) => values(&mut column, profile.kind, ordered, top),
        Body::Text(texts) => text(&mut column, texts, top),
        Body::List {
            lengths: span,
            distinct,
            items,
        } => {
            set_distinct(&mut column, distinct.count());
            column.lengths = lengths(*span);
            column.items = Some(Box::new(self::column(items, top)));
        }
        Body::Struct(fields) => column.fields = fields.iter().map(|field| self::column(field, top)).collect(),
        Body::Other => {}
    }
    column
}

/// There are no more different values than values, whatever an estimate says.
fn set_distinct(column: &mut Column, distinct: Distinct) {
    column.distinct = Some(distinct.count.min(column.count));
    column.distinct_exact = distinct.exact;
}

fn bools(column: &mut Column, trues: u64, falses: u64) {
    let distinct = usize::from(trues > 0) + usize::from(falses > 0);
    set_distinct(column, Distinct::exact(distinct));
    if distinct > 0 {
        column.min = Some(Shown::Bool(falses == 0));
        column.max = Some(Shown::Bool(trues > 0));
        column.booleans = Some(Booleans {
            r#true: trues,
            r#false: falses,
        });
    }
}

fn values<K: Key>(column: &mut Column, kind: Kind, ordered: &Ordered<K>, top: usize) {
    set_distinct(column, ordered.distinct());
    let Some((min, max)) = ordered.range() else { return };
    column.min = Some(kind.show(min.into()));
    column.max = Some(kind.show(max.into()));
    if kind.is_number() {
        let moments = ordered.moments();
        column.mean = moments.mean().filter(|mean| mean.is_finite());
        column.standard_deviation = moments
            .standard_deviation()
            .filter(|deviation| deviation.is_finite());
    }
    if kind.is_measure() {
        let distribution = ordered.distribution();
        column.quantiles = Some(Quantiles {
            exact: distribution.exact,
            values: distribution.quantiles(),
        });
        column.histogram = distribution.histogram();
        column.outliers = distribution.outliers();
    }
    let (counted, others) = ordered.top();
    column.top_values = top_values(counted, others, top, column.distinct_exact, |key| {
        kind.show(key.into())
    });
}

fn text(column: &mut Column, texts: &Texts, top: usize) {
    set_distinct(column, texts.distinct());
    let summary = texts.summary();
    column.empties = summary.empties;
    let Some((min, max)) = &summary.range else { return };
    column.min = Some(Shown::Text(min.to_string()));
    column.max = Some(Shown::Text(max.to_string()));
    column.lengths = lengths(summary.bytes);
    column.characters = lengths(summary.chars);
    column.patterns = Some(summary.patterns(PATTERNS));
    column.padded = Some(summary.padded);
    column.mojibake = Some(summary.mojibake);
    let (counted, others) = texts.top();
    column.top_values = top_values(counted, others, top, column.distinct_exact, |text| {
        Shown::Text(text.to_owned())
    });
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn lengths(span: Span) -> Option<Lengths> {
    (span.count > 0).then(|| Lengths {
        min: span.min,
        max: span.max,
        mean: span.total as f64 / span.count as f64,
    })
}

/// The values seen most. Where counts are not exact, only values are named that came at least as often as any other
/// may have.
fn top_values<V: Ord + Copy>(
    mut counted: Vec<(V, u64, u64)>,
    others: u64,
    top: usize,
    exact: bool,
    show: impl Fn(V) -> Shown,
) -> Option<TopValues> {
    counted.sort_by(|(a, a_count, _), (b, b_count, _)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
    if !exact {
        counted.retain(|(_, count, _)| *count > 1 && *count >= others);
    }
    let next = counted.get(top).map_or(0, |(_, count, error)| count + error);
    counted.truncate(top);
    if counted.is_empty() {
        return None;
    }
    let values = counted.into_iter().map(|(value, count, error)| TopValue {
        value: show(value),
        count,
        at_most: count + error,
    });
    Some(TopValues {
        exact,
        others_at_most: others.max(next),
        values: values.collect(),
    })
}
