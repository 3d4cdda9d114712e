//! Drawings, as inline SVG.

use std::fmt::Write;

use super::{
    super::report::{Column, Histogram, Quantiles, Scale, Shown},
    escape::{Count, Escaped},
    show,
};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 112.0;
/// Where the bars end; the box of the quartiles lies below.
const BASE: f64 = 92.0;
/// The least a bar is high, if it holds anything.
const LEAST: f64 = 1.5;

/// A histogram with the quartiles below it.
pub(super) fn histogram(page: &mut String, column: &Column, histogram: &Histogram) {
    let most = histogram
        .bins
        .iter()
        .map(|bin| bin.count)
        .max()
        .unwrap_or(0)
        .max(1);
    let (Some(first), Some(last)) = (histogram.bins.first(), histogram.bins.last()) else {
        return;
    };
    #[expect(clippy::cast_precision_loss, reason = "a drawing")]
    let (width, scale) = (WIDTH / histogram.bins.len() as f64, (BASE - 4.0) / most as f64);
    let about = if histogram.exact { "" } else { "about " };
    let _ = write!(
        page,
        "<figure class=\"chart\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Histogram of {} bins from {} to {}; the fullest holds {about}{} values\">",
        histogram.bins.len(),
        plain(column, &first.from),
        plain(column, &last.to),
        Count(most),
    );
    let gap = (width * 0.12).min(2.0);
    let mut left = 0.0;
    for (at, bin) in histogram.bins.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a drawing")]
        let height = bin.count as f64 * scale;
        let height = if bin.count > 0 { height.max(LEAST) } else { 0.0 };
        let end = if at + 1 == histogram.bins.len() && histogram.last_includes_end {
            "up to"
        } else {
            "to below"
        };
        let _ = write!(
            page,
            "<g><title>{} {end} {}: {about}{}</title><rect class=\"hover\" x=\"{left:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{BASE}\"/>",
            plain(column, &bin.from),
            plain(column, &bin.to),
            Count(bin.count),
        );
        if height > 0.0 {
            let _ = write!(
                page,
                "<rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
                left + gap / 2.0,
                BASE - height,
                width - gap,
            );
        }
        page.push_str("</g>");
        left += width;
    }
    let _ = write!(page, "<path class=\"axis\" d=\"M0 {BASE}H{WIDTH}\"/>");
    if let Some(quantiles) = &column.quantiles {
        quartiles(page, quantiles, histogram.scale, histogram.span);
    }
    let _ = write!(
        page,
        "</svg><figcaption><span>{}</span>{}<span>{}</span></figcaption></figure>",
        column
            .min
            .as_ref()
            .map(|min| show(column, min))
            .unwrap_or_default(),
        if histogram.scale == Scale::Log {
            "<span>logarithmic</span>"
        } else {
            ""
        },
        column
            .max
            .as_ref()
            .map(|max| show(column, max))
            .unwrap_or_default(),
    );
}

/// 5 % to 95 % as a line, the middle half as a box, the median as a mark.
fn quartiles(page: &mut String, quantiles: &Quantiles, scale: Scale, (low, high): (f64, f64)) {
    let place = |share: f64| {
        let quantile = quantiles
            .values
            .iter()
            .find(|quantile| (quantile.share - share).abs() < 1e-9)?;
        let place = (scale.of(quantile.position) - low) / (high - low) * WIDTH;
        place.is_finite().then(|| place.clamp(0.0, WIDTH))
    };
    let middle = BASE + 12.0;
    if let (Some(p5), Some(q1), Some(q2), Some(q3), Some(p95)) =
        (place(0.05), place(0.25), place(0.5), place(0.75), place(0.95))
    {
        let _ = write!(
            page,
            "<path class=\"whisker\" d=\"M{p5:.1} {middle}H{p95:.1}\"/><rect class=\"box\" x=\"{q1:.1}\" y=\"{:.1}\" \
             width=\"{:.1}\" height=\"8\"/><rect class=\"median\" x=\"{:.1}\" y=\"{:.1}\" width=\"2.5\" height=\"14\"/>",
            middle - 4.0,
            (q3 - q1).max(1.0),
            (q2 - 1.25).clamp(0.0, WIDTH - 2.5),
            middle - 7.0,
        );
    }
}

fn plain(column: &Column, value: &Shown) -> String {
    match value {
        Shown::Text(text) => Escaped(text).to_string(),
        other => show(column, other),
    }
}

/// A bar of parts, each with its class, share and name.
pub(super) fn parts(page: &mut String, label: &str, parts: &[(&str, u64, &str)]) {
    let total: u64 = parts.iter().map(|(_, count, _)| count).sum();
    let _ = write!(
        page,
        "<div class=\"parts\" role=\"img\" aria-label=\"{}\">",
        Escaped(label)
    );
    for (class, count, name) in parts {
        if *count > 0 {
            let _ = write!(
                page,
                "<span class=\"{class}\" style=\"width:{}%\" title=\"{}: {}\"></span>",
                width(*count, total),
                Escaped(name),
                Count(*count),
            );
        }
    }
    page.push_str("</div>");
}

/// A share in percent, as CSS takes it; what is there is seen.
#[expect(clippy::cast_precision_loss, reason = "a drawing")]
pub(super) fn width(count: u64, total: u64) -> String {
    let percent = 100.0 * count as f64 / total.max(1) as f64;
    let percent = if count > 0 { percent.max(0.4) } else { 0.0 };
    format!("{percent:.1}").trim_end_matches(".0").to_owned()
}
