//! The chart in `README.md`: init and the first invocation, one on the other, of each function and its peer.

use std::fmt::Write as _;

use super::{
    figures::Figures,
    jobs::Job,
    subjects::{Language, Subject},
};

/// At which memory.
const MEMORY_MB: u64 = 512;

// Pixels.
const WIDTH: f64 = 860.0;
/// Left of the bars.
const NAMES: f64 = 96.0;
/// Right of them, for the longest text behind a bar.
const NUMBERS: f64 = 220.0;
const TOP: f64 = 96.0;
const BAR: f64 = 16.0;
const BETWEEN_BARS: f64 = 4.0;
const BETWEEN_GROUPS: f64 = 18.0;
const BOTTOM: f64 = 52.0;

const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.quiet { fill: #59636e }
.name { font-weight: 600 }
.ground { fill: #ffffff }
.line { stroke: #d1d9e0 }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round }
.rust-init { fill: #9a3412 } .rust-first { fill: #ea8a4b }
.python-init { fill: #1e4e79 } .python-first { fill: #6ca6d9 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ground { fill: #0d1117 } .line { stroke: #3d444d }
  .value { stroke: #0d1117 }
  .rust-init { fill: #c2410c } .rust-first { fill: #fdba74 }
  .python-init { fill: #2f72b0 } .python-first { fill: #a5cdf0 }
}";

/// One bar.
struct Bar {
    figures: (Job, Language),
    init_ms: f64,
    first_ms: f64,
}

/// The chart as SVG, for light and dark grounds.
pub(crate) fn draw(all: &[Figures]) -> String {
    let bars: Vec<Bar> = all.iter().filter_map(bar).collect();
    let most = bars
        .iter()
        .map(|bar| bar.init_ms + bar.first_ms)
        .fold(1.0, f64::max);
    let step = step(most);
    let end = (most / step).ceil() * step;
    let room = WIDTH - NAMES - NUMBERS;
    let x = |ms: f64| NAMES + ms / end * room;
    let mut body = String::new();
    let mut y = TOP;
    let mut last = None;
    for bar in &bars {
        let (job, language) = bar.figures;
        if last != Some(job) {
            if last.is_some() {
                y += BETWEEN_GROUPS;
            }
            let rows = bars.iter().filter(|bar| bar.figures.0 == job).count();
            let middle = if rows > 1 {
                y + BAR + BETWEEN_BARS / 2.0
            } else {
                y + BAR / 2.0
            };
            let _ = writeln!(
                body,
                r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                NAMES - 12.0,
                middle + 4.5,
                job.name()
            );
            last = Some(job);
        }
        draw_bar(&mut body, bar, Subject { job, language }.row().peer, y, &x);
        y += BAR + BETWEEN_BARS;
    }
    let height = y + BOTTOM;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Init and first invocation in milliseconds\">\n<style>\n{STYLE}\n</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    let _ = writeln!(
        text,
        "<text class=\"title\" x=\"24\" y=\"32\">Cold start with {MEMORY_MB} MB: until the first answer, in milliseconds</text>"
    );
    draw_legend(&mut text);
    let ticks = (0_u32..)
        .map(|tick| f64::from(tick) * step)
        .take_while(|ms| *ms <= end);
    for ms in ticks {
        let at = x(ms);
        let _ = writeln!(
            text,
            "<line class=\"line\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
             <text class=\"quiet\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{ms}</text>",
            TOP - 8.0,
            y + 4.0,
            y + 22.0
        );
    }
    text + &body + "</svg>\n"
}

fn bar(figures: &Figures) -> Option<Bar> {
    Some(Bar {
        figures: (figures.job, figures.language),
        init_ms: figures.init_wall_ms.p50,
        first_ms: figures.at.get(&MEMORY_MB)?.first_wall_ms.p50,
    })
}

fn draw_bar(body: &mut String, bar: &Bar, peer: &str, y: f64, x: &impl Fn(f64) -> f64) {
    let (_, language) = bar.figures;
    let class = language.name().to_lowercase();
    let (zero, middle, end) = (x(0.0), x(bar.init_ms), x(bar.init_ms + bar.first_ms));
    for (part, from, to) in [("init", zero, middle), ("first", middle, end)] {
        let _ = writeln!(
            body,
            "<rect class=\"{class}-{part}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>",
            // Nothing that took time is invisible.
            (to - from).max(0.7)
        );
    }
    let language = match language {
        Language::Rust => "Rust".to_owned(),
        Language::Python => peer.replace("awslambdaric alone", "Python"),
    };
    let _ = writeln!(
        body,
        "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{} <tspan class=\"quiet\">{language}</tspan></text>",
        end + 8.0,
        y + BAR / 2.0 + 4.5,
        number(bar.init_ms + bar.first_ms)
    );
}

fn draw_legend(text: &mut String) {
    let entries = [
        ("rust-init", "Rust: init"),
        ("rust-first", "first invocation"),
        ("python-init", "Python: init"),
        ("python-first", "first invocation"),
    ];
    let mut x = 24.0;
    for (class, name) in entries {
        let _ = writeln!(
            text,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"52\" width=\"12\" height=\"12\"/><text x=\"{:.1}\" y=\"62.5\">{name}</text>",
            x + 18.0
        );
        x += 140.0;
    }
}

fn number(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

/// A round step for some five lines.
fn step(most: f64) -> f64 {
    let rough = most / 5.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * magnitude)
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold::testing;

    #[test]
    fn steps_are_round() {
        for (most, expected) in [(1_000.0, 200.0), (1_234.0, 500.0), (90.0, 20.0), (4.0, 1.0)] {
            assert!((step(most) - expected).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn every_subject_has_a_bar_of_two_parts() {
        let figures = testing::figures();
        let svg = draw(&figures);
        assert_eq!(svg.matches("height=\"16\"").count(), 2 * figures.len());
        assert_eq!(svg.matches("class=\"name\"").count(), 3);
        assert!(!svg.contains("script") && !svg.contains("NaN"));
    }
}
