//! `profile.html`: one page that needs nothing else, neither network nor script.
//!
//! Whatever comes from the file is escaped ([`escape`]). The page is bounded: the first [`CARDS`] columns have a card,
//! and all of them a line in the table of columns, up to [`LINES`]; values and names are cut.

mod card;
mod chart;
mod escape;
mod summary;

use std::fmt::Write;

use escape::{Float, Name, TextValue, thousands};

use super::report::{AlertKind, Column, Shown, Table};

/// Columns with a card of their own.
const CARDS: usize = 200;
/// Columns in the table of columns, fields of structures among them.
const LINES: usize = 8192;
/// Alerts that are listed.
const ALERTS: usize = 60;

/// A column, or a field within one, with its path.
struct Entry<'a> {
    path: String,
    column: &'a Column,
    alerts: Vec<&'a super::report::Alert>,
}

/// The page.
pub(crate) fn page(table: &Table) -> String {
    let entries = entries(table);
    let name = table.file.name.as_deref().unwrap_or("Table");
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{} – profile</title>\n<style>\n{}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#columns\">Skip to the columns</a>\n",
        Name(name),
        include_str!("style.css"),
    );
    summary::header(&mut page, table, name);
    page.push_str("<main>\n");
    summary::alerts(&mut page, table, &entries);
    summary::columns(&mut page, &entries);
    page.push_str("<section aria-labelledby=\"cards\">\n<h2 id=\"cards\">Column by column</h2>\n");
    for (number, entry) in entries.iter().take(CARDS).enumerate() {
        card::card(&mut page, number, entry);
    }
    if entries.len() > CARDS {
        let _ = writeln!(
            page,
            "<p class=\"quiet\">The other {} columns are in the table above, and in profile.json with all that is here said of these.</p>",
            commas((entries.len() - CARDS) as u64)
        );
    }
    page.push_str("</section>\n</main>\n");
    summary::footer(&mut page, table);
    page.push_str("</body>\n</html>\n");
    page
}

fn entries(table: &Table) -> Vec<Entry<'_>> {
    fn add<'a>(entries: &mut Vec<Entry<'a>>, path: &str, column: &'a Column) {
        if entries.len() >= LINES {
            return;
        }
        let (items, fields) = (&column.items, &column.fields);
        entries.push(Entry {
            path: path.to_owned(),
            column,
            alerts: Vec::new(),
        });
        if let Some(items) = items {
            add(entries, &format!("{path}[]"), items);
        }
        for field in fields {
            add(entries, &format!("{path}.{}", field.name), field);
        }
    }
    let mut entries = Vec::new();
    for column in &table.columns {
        add(&mut entries, &column.name, column);
    }
    let mut by_path: std::collections::HashMap<&str, Vec<&super::report::Alert>> =
        std::collections::HashMap::new();
    for alert in &table.alerts {
        if let Some(column) = &alert.column {
            by_path.entry(column).or_default().push(alert);
        }
    }
    for entry in &mut entries {
        entry.alerts = by_path.get(entry.path.as_str()).cloned().unwrap_or_default();
    }
    entries
}

/// What an alert is called, and how grave it is.
const fn named(kind: AlertKind) -> (&'static str, &'static str) {
    match kind {
        AlertKind::RejectedRows => ("Rejected rows", "bad"),
        AlertKind::Mojibake => ("Wrong encoding", "bad"),
        AlertKind::MixedTypes => ("Mixed types", "bad"),
        AlertKind::DuplicateRows => ("Duplicate rows", "warn"),
        AlertKind::Empty => ("No values", "warn"),
        AlertKind::MostlyNull => ("Mostly null", "warn"),
        AlertKind::Constant => ("Constant", "warn"),
        AlertKind::Whitespace => ("White space", "warn"),
        AlertKind::NotFinite => ("Not finite", "warn"),
        AlertKind::Outliers => ("Outliers", "note"),
        AlertKind::Imbalanced => ("Imbalanced", "note"),
        AlertKind::CandidateKey => ("Candidate key", "note"),
    }
}

/// A count with its thousands apart.
pub(crate) fn commas(count: u64) -> String {
    thousands(&count.to_string())
}

/// Whether a column may hold years: those stand without commas.
fn is_like_years(column: &Column) -> bool {
    let is_like = |value: &Option<Shown>| matches!(value, Some(Shown::Int(1000..3000)));
    is_like(&column.min) && is_like(&column.max)
}

/// A value as markup.
fn show(column: &Column, value: &Shown) -> String {
    match value {
        Shown::Bool(value) => value.to_string(),
        Shown::Int(value) if is_like_years(column) => value.to_string(),
        Shown::Int(value) => {
            let sign = if *value < 0 { "−" } else { "" };
            format!("{sign}{}", thousands(&value.unsigned_abs().to_string()))
        }
        Shown::UInt(value) => thousands(&value.to_string()),
        Shown::Float(value) => Float(*value).to_string(),
        Shown::Text(value) => TextValue(value).to_string(),
    }
}

#[cfg(test)]
mod tests;
