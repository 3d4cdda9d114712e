//! What a reader should look at.

use super::html::commas;
use super::report::{Alert, AlertKind, Column, Shown, Table};

/// Alerts of a table at most; a wide table of bad columns says no more by saying more.
const MOST: usize = 1000;
const MOSTLY_NULL: f64 = 0.5;
const IMBALANCED: f64 = 0.95;
const OUTLIERS: f64 = 0.005;
/// With fewer values, that each is different says little.
const KEY_ROWS: u64 = 10;

pub(crate) fn of(table: &Table) -> Vec<Alert> {
    let mut alerts = Vec::new();
    if table.rows_rejected > 0 {
        let reasons: Vec<String> = table
            .rejected_by_reason
            .iter()
            .map(|(reason, count)| format!("{reason} ({})", commas(*count)))
            .collect();
        let message = format!(
            "{} of {} records were rejected: {}",
            commas(table.rows_rejected),
            commas(table.rows),
            reasons.join(", ")
        );
        alerts.push(alert(
            AlertKind::RejectedRows,
            None,
            message,
            table.rows_rejected,
            table.rows,
        ));
    }
    let duplicates = table.duplicate_rows;
    if duplicates.count > 0 {
        let about = if duplicates.exact { "" } else { "about " };
        let message = format!(
            "{about}{} rows equal another row in every cell",
            commas(duplicates.count)
        );
        alerts.push(alert(
            AlertKind::DuplicateRows,
            None,
            message,
            duplicates.count,
            table.rows_written,
        ));
    }
    for column in &table.columns {
        of_column(column, &column.name, table, &mut alerts);
    }
    alerts.sort_by_key(|alert| alert.kind);
    alerts.truncate(MOST);
    alerts
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn alert(kind: AlertKind, column: Option<&str>, message: String, count: u64, all: u64) -> Alert {
    Alert {
        kind,
        column: column.map(str::to_owned),
        message,
        count,
        share: count as f64 / all.max(1) as f64,
    }
}

fn of_column(column: &Column, path: &str, table: &Table, alerts: &mut Vec<Alert>) {
    let rows = column.count + column.nulls;
    let mut say =
        |kind, count, all, message: String| alerts.push(alert(kind, Some(path), message, count, all));
    if let Some(widened) = &column.widened {
        let at = widened
            .row
            .map(|row| format!(" in row {row}"))
            .unwrap_or_default();
        let message = format!("not {}: {:?}{at} is none", widened.from, short(&widened.value));
        say(
            AlertKind::MixedTypes,
            widened.count.unwrap_or(1),
            column.count,
            message,
        );
    }
    if rows > 0 && column.count == 0 {
        say(
            AlertKind::Empty,
            column.nulls,
            rows,
            "no cell holds a value".into(),
        );
    } else if share(column.nulls, rows) >= MOSTLY_NULL {
        let message = format!("{} of cells hold no value", percent(column.nulls, rows));
        say(AlertKind::MostlyNull, column.nulls, rows, message);
    }
    of_values(column, table, &mut say);
    if let Some(padded) = column.padded.filter(|padded| *padded > 0) {
        let message = format!("{} values begin or end with white space", commas(padded));
        say(AlertKind::Whitespace, padded, column.count, message);
    }
    if let Some(mojibake) = column.mojibake.filter(|mojibake| *mojibake > 0) {
        let message = format!(
            "{} values look as if decoded by the wrong encoding",
            commas(mojibake)
        );
        say(AlertKind::Mojibake, mojibake, column.count, message);
    }
    if let Some(not_finite) = column.not_finite {
        let message = format!("{} values are not finite", commas(not_finite));
        say(AlertKind::NotFinite, not_finite, column.count, message);
    }
    if let Some(outliers) = &column.outliers {
        let beyond = outliers.below + outliers.above;
        if share(beyond, column.count) >= OUTLIERS {
            let about = if outliers.exact { "" } else { "about " };
            let message = format!(
                "{about}{} of values lie far from the middle half",
                percent(beyond, column.count)
            );
            say(AlertKind::Outliers, beyond, column.count, message);
        }
    }
    if let Some(items) = &column.items {
        of_column(items, &format!("{path}[]"), table, alerts);
    }
    for field in &column.fields {
        of_column(field, &format!("{path}.{}", field.name), table, alerts);
    }
}

/// Alerts of how different the values are.
fn of_values(column: &Column, table: &Table, say: &mut impl FnMut(AlertKind, u64, u64, String)) {
    let Some(distinct) = column.distinct else { return };
    let count = column.count;
    if count > 1 && distinct == 1 && column.distinct_exact {
        let value = column.min.as_ref().map(show).unwrap_or_default();
        say(
            AlertKind::Constant,
            count,
            count,
            format!("every value is {value}"),
        );
        return;
    }
    let top = column.top_values.as_ref().and_then(|top| top.values.first());
    if let Some(top) = top.filter(|top| share(top.count, count) >= IMBALANCED && distinct > 1) {
        let message = format!("{} of values are {}", percent(top.count, count), show(&top.value));
        say(AlertKind::Imbalanced, top.count, count, message);
    }
    if count >= KEY_ROWS && column.nulls == 0 && is_key(column, distinct, table) {
        let message = if column.distinct_exact {
            "each row has a value of its own".to_owned()
        } else {
            // Few repeats are fewer than the estimate is wrong by.
            format!(
                "about as many different values as rows ({} of {}, give or take {:.1} %): each row may have one of its own",
                commas(distinct),
                commas(count),
                200.0 * table.precision.distinct_standard_error
            )
        };
        say(AlertKind::CandidateKey, distinct, count, message);
    }
}

/// Whether each value may be different, as far as that is known. Floats are measurements, and truth values no keys.
fn is_key(column: &Column, distinct: u64, table: &Table) -> bool {
    if matches!(column.r#type.as_str(), "float64" | "float32" | "bool" | "list") {
        return false;
    }
    if column.distinct_exact {
        return distinct == column.count;
    }
    let seen_twice = column
        .top_values
        .as_ref()
        .is_some_and(|top| top.values.iter().any(|top| top.count > 1));
    let missing = 1.0 - share(distinct, column.count);
    !seen_twice && missing <= 2.0 * table.precision.distinct_standard_error
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(count: u64, all: u64) -> f64 {
    count as f64 / all.max(1) as f64
}

/// A share for people: all and none are said only of all and none.
pub(crate) fn percent(count: u64, all: u64) -> String {
    let percent = 100.0 * share(count, all);
    match percent {
        _ if count == 0 => "0 %".into(),
        _ if count >= all => "100 %".into(),
        percent if percent < 0.1 => "< 0.1 %".into(),
        percent if percent > 99.9 => "> 99.9 %".into(),
        percent if percent < 10.0 => format!("{percent:.1} %"),
        percent if percent > 99.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn show(value: &Shown) -> String {
    match value {
        Shown::Bool(value) => value.to_string(),
        Shown::Int(value) => value.to_string(),
        Shown::UInt(value) => value.to_string(),
        Shown::Float(value) => value.to_string(),
        Shown::Text(value) => format!("{:?}", short(value)),
    }
}
