//! Logs that say themselves what their fields are: the W3C extended format of IIS and others, and `CloudFront`'s.
//!
//! <https://www.w3.org/TR/WD-logfile.html>

use crate::{
    encoding::Text,
    identify::{Guess, Kind},
};

/// How many lines may come before the directive that names the fields.
const DIRECTIVE_LINES: usize = 64;
/// The directives of the format.
const DIRECTIVES: [&str; 9] = [
    "version",
    "fields",
    "software",
    "start-date",
    "end-date",
    "date",
    "remark",
    "gmt-offset",
    "x-",
];

/// The log whose directives `text` begins with.
pub(crate) fn identify(text: &Text) -> Option<Guess> {
    let mut fields = None;
    let mut first = true;
    for line in text.lines().take(DIRECTIVE_LINES) {
        let directive = line
            .trim()
            .strip_prefix('#')
            .and_then(|line| line.split_once(':'));
        match directive {
            Some((name, value)) if name.eq_ignore_ascii_case("fields") => {
                fields = Some(value);
                break;
            }
            Some((name, _)) if is_directive(name) => {}
            // Records may come before the directive if another log was put in front.
            _ if first => return None,
            _ => {}
        }
        first = false;
    }
    let names: Vec<&str> = fields?.split_whitespace().collect();
    let known = names.iter().filter(|name| is_field(name)).count();
    if names.is_empty() || known * 2 < names.len() {
        return None;
    }
    let is_cloudfront = names.contains(&"x-edge-location");
    let (format, looks_like) = if is_cloudfront {
        ("cloudfront", "an Amazon CloudFront access log")
    } else {
        ("w3c", "a log in the W3C extended format")
    };
    Some(Guess::new(
        Some(Kind::Logs),
        format,
        looks_like,
        "text/plain",
        0.99,
    ))
}

fn is_directive(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    DIRECTIVES
        .iter()
        .any(|directive| name == *directive || (*directive == "x-" && name.starts_with("x-")))
}

/// Whether a field's name is one of the format's: a prefix for whose it is and a name, or one of a few alone.
fn is_field(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "date"
            | "time"
            | "bytes"
            | "time-taken"
            | "cached"
            | "count"
            | "interval"
            | "duration"
            | "timetakenms"
    ) || [
        "c-", "s-", "r-", "cs-", "sc-", "sr-", "rs-", "x-", "cs(", "sc(", "date-", "time-", "ssl-", "fle-",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}
