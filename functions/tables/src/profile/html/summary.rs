//! What stands above the cards: facts, alerts, the table of columns; and below them how exact all that is.

use std::{collections::HashMap, fmt::Write};

use serde_json::Value;

use super::{
    super::{alerts::percent, report::Table},
    ALERTS, CARDS, Entry, chart,
    escape::{Bytes, Count, Escaped, Name},
    named, show,
};

/// Name, size and shape.
pub(super) fn header(page: &mut String, table: &Table, name: &str) {
    let _ = write!(
        page,
        "<header>\n<p class=\"eyebrow\">Table profile</p>\n<h1>{}</h1>\n<dl class=\"facts\">\n",
        Name(name)
    );
    fact(page, "Rows", &Count(table.rows_written).to_string(), "");
    fact(
        page,
        "Columns",
        &Count(table.columns.len() as u64).to_string(),
        "",
    );
    let rejected = if table.rows_rejected > 0 { "bad" } else { "" };
    fact(
        page,
        "Rejected",
        &Count(table.rows_rejected).to_string(),
        rejected,
    );
    let about = if table.duplicate_rows.exact || table.duplicate_rows.count == 0 {
        ""
    } else {
        "≈ "
    };
    fact(
        page,
        "Duplicate rows",
        &format!("{about}{}", Count(table.duplicate_rows.count)),
        if table.duplicate_rows.count > 0 {
            "warn"
        } else {
            ""
        },
    );
    let nulls: u64 = table.columns.iter().map(|column| column.nulls).sum();
    let cells: u64 = table
        .columns
        .iter()
        .map(|column| column.nulls + column.count)
        .sum();
    fact(page, "Null cells", &percent(nulls, cells), "");
    page.push_str("</dl>\n");
    file_facts(page, table);
    page.push_str("</header>\n");
}

fn fact(page: &mut String, term: &str, value: &str, class: &str) {
    let _ = writeln!(
        page,
        "<div class=\"{class}\"><dt>{term}</dt><dd>{value}</dd></div>"
    );
}

/// What the file is, in one line.
fn file_facts(page: &mut String, table: &Table) {
    let file = &table.file;
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(size) = file.size_bytes {
        facts.push(("Size".into(), Bytes(size).to_string()));
    }
    if let Some(format) = &file.format {
        facts.push(("Format".into(), Escaped(&format.replace('_', " ")).to_string()));
    }
    for (name, value) in [
        ("Dialect", &file.dialect),
        ("Encoding", &file.encoding),
        ("Compression", &file.compression),
    ] {
        match value {
            Some(Value::Object(fields)) => {
                for (key, value) in fields {
                    let mut key = key.replace('_', " ");
                    if let Some(first) = key.get_mut(..1) {
                        first.make_ascii_uppercase();
                    }
                    if let Some(value) = spell(value) {
                        facts.push((Escaped(&key).to_string(), value));
                    }
                }
            }
            Some(value) => facts.extend(spell(value).map(|value| (name.to_owned(), value))),
            None => {}
        }
    }
    if !file.null_tokens.is_empty() {
        let tokens = Value::from(file.null_tokens.as_slice());
        facts.extend(spell(&tokens).map(|tokens| ("Null tokens".to_owned(), tokens)));
    }
    if table.blank_lines > 0 {
        facts.push(("Blank lines".into(), Count(table.blank_lines).to_string()));
    }
    if facts.is_empty() {
        return;
    }
    page.push_str("<dl class=\"file\">\n");
    for (term, value) in facts {
        let _ = writeln!(page, "<div><dt>{term}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>\n");
}

/// A value of the dialect for people; nothing of what is absent.
fn spell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(value) => Some(if *value { "yes" } else { "no" }.to_owned()),
        Value::Number(number) => Some(Escaped(&number.to_string()).to_string()),
        Value::String(text) => Some(format!("<code>{}</code>", spell_text(text))),
        Value::Array(values) => {
            let spelt: Vec<String> = values.iter().take(12).filter_map(spell).collect();
            let more = if values.len() > 12 { " …" } else { "" };
            (!spelt.is_empty()).then(|| format!("{}{more}", spelt.join(" ")))
        }
        Value::Object(fields) => {
            let spelt = fields.iter().take(12).filter_map(|(key, value)| {
                Some(format!("{} {}", Escaped(&key.replace('_', " ")), spell(value)?))
            });
            Some(spelt.collect::<Vec<_>>().join(", ")).filter(|spelt| !spelt.is_empty())
        }
    }
}

fn spell_text(text: &str) -> String {
    match text {
        "" => "empty".to_owned(),
        "\t" => "tab".to_owned(),
        "\n" => "LF".to_owned(),
        "\r\n" => "CRLF".to_owned(),
        "\r" => "CR".to_owned(),
        " " => "space".to_owned(),
        text => Name(text).to_string(),
    }
}

/// What to look at, with links.
pub(super) fn alerts(page: &mut String, table: &Table, entries: &[Entry<'_>]) {
    page.push_str("<section aria-labelledby=\"alerts\">\n<h2 id=\"alerts\">Alerts</h2>\n");
    if table.alerts.is_empty() {
        page.push_str("<p class=\"quiet\">Nothing stands out.</p>\n</section>\n");
        return;
    }
    let places: HashMap<&str, usize> = entries
        .iter()
        .enumerate()
        .map(|(number, entry)| (entry.path.as_str(), number))
        .collect();
    page.push_str("<ul class=\"alerts\">\n");
    for alert in table.alerts.iter().take(ALERTS) {
        let (name, class) = named(alert.kind);
        let _ = write!(page, "<li><span class=\"tag {class}\">{name}</span> <span>");
        if let Some(column) = &alert.column {
            match places.get(column.as_str()) {
                Some(number) => {
                    let _ = write!(
                        page,
                        "<a href=\"#{}\"><bdi>{}</bdi></a>: ",
                        anchor(*number),
                        Name(column)
                    );
                }
                None => {
                    let _ = write!(page, "<bdi>{}</bdi>: ", Name(column));
                }
            }
        }
        let _ = writeln!(page, "{}</span></li>", Escaped(&alert.message));
    }
    page.push_str("</ul>\n");
    if let Some(more) = table.alerts.len().checked_sub(ALERTS).filter(|more| *more > 0) {
        let _ = writeln!(page, "<p class=\"quiet\">And {more} more, in profile.json.</p>");
    }
    page.push_str("</section>\n");
}

/// Where a column is described: its card, or its line.
pub(super) fn anchor(number: usize) -> String {
    format!("{}{}", if number < CARDS { "c" } else { "r" }, number + 1)
}

/// A line a column.
pub(super) fn columns(page: &mut String, entries: &[Entry<'_>]) {
    page.push_str(
        "<section aria-labelledby=\"columns\">\n<h2 id=\"columns\">Columns</h2>\n\
         <div class=\"scroll\" role=\"region\" aria-labelledby=\"columns\" tabindex=\"0\">\n<table class=\"columns\">\n\
         <thead><tr><th scope=\"col\" class=\"n number\">#</th><th scope=\"col\">Name</th><th scope=\"col\" class=\"type\">Type</th>\
         <th scope=\"col\">Nulls</th><th scope=\"col\" class=\"n\">Distinct</th><th scope=\"col\" class=\"range\">Range</th></tr></thead>\n<tbody>\n",
    );
    for (number, entry) in entries.iter().enumerate() {
        let column = entry.column;
        let (id, link) = if number < CARDS {
            (
                String::new(),
                format!(
                    "<a href=\"#{}\"><bdi>{}</bdi></a>",
                    anchor(number),
                    Name(&entry.path)
                ),
            )
        } else {
            (
                format!(" id=\"{}\"", anchor(number)),
                format!("<bdi>{}</bdi>", Name(&entry.path)),
            )
        };
        let _ = write!(
            page,
            "<tr{id}><td class=\"n quiet number\">{}</td><th scope=\"row\">{link}{}</th><td class=\"type\"><code>{}</code></td><td class=\"null\">",
            number + 1,
            dots(entry),
            Escaped(&column.r#type),
        );
        let rows = column.count + column.nulls;
        let share = percent(column.nulls, rows);
        chart::parts(
            page,
            &format!("{share} null"),
            &[
                ("none", column.nulls, "nulls"),
                ("blank", column.empties, "empty texts"),
                ("full", column.count - column.empties.min(column.count), "values"),
            ],
        );
        let _ = write!(page, "<small>{share}</small></td><td class=\"n\">");
        if let Some(distinct) = column.distinct {
            let about = if column.distinct_exact { "" } else { "≈ " };
            let _ = write!(page, "{about}{}", Count(distinct));
        }
        page.push_str("</td><td class=\"range\">");
        if let (Some(min), Some(max)) = (&column.min, &column.max) {
            if min == max {
                let _ = write!(page, "<bdi>{}</bdi>", show(column, min));
            } else {
                let _ = write!(
                    page,
                    "<bdi>{}</bdi> <span class=\"quiet\">to</span> <bdi>{}</bdi>",
                    show(column, min),
                    show(column, max)
                );
            }
        }
        page.push_str("</td></tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

/// How many alerts a column has, by the gravest.
fn dots(entry: &Entry<'_>) -> String {
    let Some(first) = entry.alerts.first() else {
        return String::new();
    };
    let names: Vec<&str> = entry.alerts.iter().map(|alert| named(alert.kind).0).collect();
    let (_, class) = named(first.kind);
    format!(
        " <span class=\"dot {class}\" role=\"img\" aria-label=\"{}\" title=\"{}\">{}</span>",
        names.join(", "),
        names.join(", "),
        names.len()
    )
}

/// How exact the page is.
pub(super) fn footer(page: &mut String, table: &Table) {
    let precision = table.precision;
    let _ = write!(
        page,
        "<footer>\n<h2>How exact this is</h2>\n<p>Counts of rows, values, nulls and lengths, the least and the greatest, means \
         and standard deviations are computed from every cell. A column of up to {} different values is described exactly \
         throughout. Beyond that, numbers marked ≈ are estimates: different values with a standard error of {:.1}&nbsp;% \
         (HyperLogLog), quantiles, histograms and outliers with ranks within {:.1}&nbsp;% in 99 of 100 cases (KLL), values \
         seen most with the bounds that stand beside them (Misra–Gries), patterns from a sample. All of it, and more, is in \
         <code>profile.json</code>.</p>\n</footer>\n",
        Count(precision.exact_distinct as u64),
        precision.distinct_standard_error * 100.0,
        precision.quantile_rank_error * 100.0,
    );
}
