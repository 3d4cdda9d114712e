//! All that is said of one column.

use std::fmt::Write;

use super::{
    super::{
        alerts::percent,
        report::{Column, Patterns, TopValues},
    },
    Entry, chart,
    escape::{Count, Escaped, Float, Name},
    named, show,
    summary::anchor,
};

/// A card.
pub(super) fn card(page: &mut String, number: usize, entry: &Entry<'_>) {
    let column = entry.column;
    let id = anchor(number);
    let _ = write!(
        page,
        "<article class=\"card\" id=\"{id}\" aria-labelledby=\"{id}-name\">\n<header><h3 id=\"{id}-name\"><bdi>{}</bdi></h3> \
         <code class=\"type\">{}</code><a class=\"up\" href=\"#columns\" aria-label=\"Back to all columns\">↑</a></header>\n",
        Name(&entry.path),
        Escaped(&column.r#type),
    );
    if let Some(source) = &column.source_name {
        let _ = writeln!(
            page,
            "<p class=\"quiet\">In the file: <bdi>{}</bdi></p>",
            Name(source)
        );
    }
    if !entry.alerts.is_empty() {
        page.push_str("<ul class=\"alerts\">\n");
        for alert in &entry.alerts {
            let (name, class) = named(alert.kind);
            let _ = writeln!(
                page,
                "<li><span class=\"tag {class}\">{name}</span> <span>{}</span></li>",
                Escaped(&alert.message)
            );
        }
        page.push_str("</ul>\n");
    }
    fullness(page, column);
    page.push_str("<div class=\"body\">\n<div>\n");
    facts(page, column);
    page.push_str("</div>\n<div>\n");
    if let Some(histogram) = column
        .histogram
        .as_ref()
        .filter(|histogram| histogram.bins.len() > 1)
    {
        chart::histogram(page, column, histogram);
    }
    if let Some(booleans) = &column.booleans {
        truth(page, booleans.r#true, booleans.r#false);
    }
    if let Some(top) = &column.top_values {
        top_values(page, column, top);
    }
    if let Some(patterns) = column
        .patterns
        .as_ref()
        .filter(|patterns| !patterns.values.is_empty())
    {
        pattern_list(page, patterns);
    }
    page.push_str("</div>\n</div>\n</article>\n");
}

/// How many cells hold something.
fn fullness(page: &mut String, column: &Column) {
    let rows = column.count + column.nulls;
    let mut said = vec![format!("{} values", Count(column.count))];
    if column.nulls > 0 {
        said.push(format!(
            "{} null ({})",
            Count(column.nulls),
            percent(column.nulls, rows)
        ));
    }
    if column.empties > 0 {
        said.push(format!(
            "{} empty ({})",
            Count(column.empties),
            percent(column.empties, rows)
        ));
    }
    let said = said.join(" · ");
    if column.nulls + column.empties > 0 {
        chart::parts(
            page,
            &said,
            &[
                ("none", column.nulls, "nulls"),
                ("blank", column.empties, "empty texts"),
                ("full", column.count - column.empties.min(column.count), "values"),
            ],
        );
    }
    let _ = writeln!(page, "<p class=\"said\">{said}</p>");
}

fn facts(page: &mut String, column: &Column) {
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(distinct) = column.distinct {
        let about = if column.distinct_exact { "" } else { "≈ " };
        let share = percent(distinct, column.count);
        facts.push((
            "Distinct".into(),
            format!("{about}{} <small>{share}</small>", Count(distinct)),
        ));
    }
    let quantile = |share: f64| {
        let quantiles = column.quantiles.as_ref()?;
        let quantile = quantiles
            .values
            .iter()
            .find(|held| (held.share - share).abs() < 1e-9)?;
        Some(format!(
            "{}{}",
            if quantiles.exact { "" } else { "≈ " },
            show(column, &quantile.value)
        ))
    };
    // All that can be said of one value is what it is.
    let constant = column
        .min
        .as_ref()
        .filter(|_| column.min == column.max && column.distinct_exact);
    if let Some(value) = constant {
        facts.push(("Value".into(), show(column, value)));
        return list(page, facts);
    }
    facts.extend(column.min.as_ref().map(|min| ("Least".into(), show(column, min))));
    for (share, name) in [
        (0.05, "5 %"),
        (0.25, "Lower quartile"),
        (0.5, "Median"),
        (0.75, "Upper quartile"),
        (0.95, "95 %"),
    ] {
        facts.extend(quantile(share).map(|value| (name.into(), value)));
    }
    facts.extend(
        column
            .max
            .as_ref()
            .map(|max| ("Greatest".into(), show(column, max))),
    );
    facts.extend(column.mean.map(|mean| ("Mean".into(), Float(mean).to_string())));
    facts.extend(
        column
            .standard_deviation
            .map(|deviation| ("Standard deviation".into(), Float(deviation).to_string())),
    );
    let unit = if column.items.is_some() { "Items" } else { "Bytes" };
    for (name, lengths) in [("Characters", &column.characters), (unit, &column.lengths)] {
        // Of ASCII the bytes say nothing more.
        if let Some(lengths) = lengths.filter(|_| name != "Bytes" || column.characters != column.lengths) {
            let range = if lengths.min == lengths.max {
                Count(lengths.min).to_string()
            } else {
                let mean = Float((lengths.mean * 10.0).round() / 10.0);
                format!(
                    "{}–{} <small>mean {mean}</small>",
                    Count(lengths.min),
                    Count(lengths.max)
                )
            };
            facts.push((name.into(), range));
        }
    }
    if let Some(outliers) = column
        .outliers
        .as_ref()
        .filter(|held| held.below + held.above > 0)
    {
        let about = if outliers.exact { "" } else { "≈ " };
        let count = outliers.below + outliers.above;
        facts.push((
            "Outliers".into(),
            format!(
                "{about}{} <small>{}</small>",
                Count(count),
                percent(count, column.count)
            ),
        ));
    }
    list(page, facts);
}

fn list(page: &mut String, facts: Vec<(String, String)>) {
    page.push_str("<dl class=\"stats\">\n");
    for (term, value) in facts {
        let _ = writeln!(page, "<div><dt>{term}</dt><dd><bdi>{value}</bdi></dd></div>");
    }
    page.push_str("</dl>\n");
}

fn truth(page: &mut String, trues: u64, falses: u64) {
    let total = trues + falses;
    page.push_str("<h4>Shares</h4>\n");
    chart::parts(
        page,
        &format!("{} true, {} false", percent(trues, total), percent(falses, total)),
        &[("yes", trues, "true"), ("other", falses, "false")],
    );
    let _ = writeln!(
        page,
        "<p class=\"said\"><span class=\"key yes\"></span>true {} ({}) · <span class=\"key other\"></span>false {} ({})</p>",
        Count(trues),
        percent(trues, total),
        Count(falses),
        percent(falses, total),
    );
}

fn top_values(page: &mut String, column: &Column, top: &TopValues) {
    // That each value is there once, or that there is but one, needs no list.
    if top.values.iter().all(|value| value.at_most <= 1) || (column.distinct == Some(1) && top.exact) {
        return;
    }
    page.push_str(
        "<table class=\"bars\"><caption>Values seen most</caption><thead class=\"unseen\"><tr><th scope=\"col\">Value</th>\
         <th scope=\"col\">Count</th><th scope=\"col\">Share</th></tr></thead><tbody>\n",
    );
    let most = top.values.first().map_or(1, |value| value.at_most);
    for value in &top.values {
        let about = if value.at_most > value.count { "≥ " } else { "" };
        let upper = if value.at_most > value.count {
            format!(" title=\"at most {}\"", Count(value.at_most))
        } else {
            String::new()
        };
        let _ = writeln!(
            page,
            "<tr style=\"--w:{}%\"><th scope=\"row\"><bdi>{}</bdi></th><td{upper}>{about}{}</td><td>{}</td></tr>",
            chart::width(value.count, most),
            show(column, &value.value),
            Count(value.count),
            percent(value.count, column.count),
        );
    }
    page.push_str("</tbody></table>\n");
}

fn pattern_list(page: &mut String, patterns: &Patterns) {
    page.push_str(
        "<table class=\"bars\"><caption>Patterns</caption><thead class=\"unseen\"><tr><th scope=\"col\">Pattern</th>\
         <th scope=\"col\">Share</th></tr></thead><tbody>\n",
    );
    let most = patterns
        .values
        .iter()
        .map(|pattern| pattern.count)
        .max()
        .unwrap_or(1)
        .max(patterns.others);
    for pattern in &patterns.values {
        let shown = if pattern.named {
            format!("<i>{}</i>", Escaped(&pattern.pattern.replace('_', " ")))
        } else {
            format!("<code>{}</code>", Escaped(&pattern.pattern))
        };
        let _ = writeln!(
            page,
            "<tr style=\"--w:{}%\"><th scope=\"row\">{shown}</th><td>{}</td></tr>",
            chart::width(pattern.count, most),
            percent(pattern.count, patterns.examined),
        );
    }
    if patterns.others > 0 {
        let _ = writeln!(
            page,
            "<tr style=\"--w:{}%\"><th scope=\"row\"><i class=\"quiet\">others</i></th><td>{}</td></tr>",
            chart::width(patterns.others, most),
            percent(patterns.others, patterns.examined),
        );
    }
    page.push_str("</tbody></table>\n");
}
