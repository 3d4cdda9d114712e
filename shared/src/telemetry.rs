//! What ops see: one JSON object a line, logs and CloudWatch metrics alike.

use std::{io::Write as _, sync::Once, time::Duration};

use serde::Serialize;
use serde_json::json;
use tracing_subscriber::{filter::Targets, fmt, prelude::*};

use crate::time::UnixMillis;

/// Starts the log: JSON lines on standard output with the fields of the spans they stand in, at `level` and
/// above; from libraries only warnings and errors. Panics are logged too. Later calls change nothing.
pub fn start(level: &str) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let lines = fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false);
        tracing_subscriber::registry()
            .with(filter(level))
            .with(lines)
            .init();
        let most = tracing::level_filters::STATIC_MAX_LEVEL;
        if level
            .parse::<tracing::level_filters::LevelFilter>()
            .is_ok_and(|wanted| wanted > most)
        {
            tracing::warn!("LOG_LEVEL is {level}, but this build logs no more than {most}");
        }
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(
                place,
                "{}",
                panic.payload_as_str().unwrap_or("a panic without a message")
            );
        }));
    });
}

/// What is logged at a level. A level that is none is `info`.
fn filter(level: &str) -> Targets {
    let level: tracing::Level = level.parse().unwrap_or(tracing::Level::INFO);
    let filter = Targets::new().with_default(level);
    if level > tracing::Level::INFO {
        return filter;
    }
    ["aws", "hyper", "lambda_runtime", "rustls"]
        .into_iter()
        .fold(filter, |filter, library| {
            filter.with_target(library, tracing::Level::WARN.min(level))
        })
}

/// The metrics' namespace in CloudWatch.
pub const NAMESPACE: &str = "Longshore";

/// What is counted of each change to an object that a function was told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileMetrics<'a> {
    /// The function.
    pub kind: &'a str,
    /// How it ended ([`Ending::as_str`](crate::attempt::Ending::as_str), or `failed`).
    pub outcome: &'a str,
    /// Bytes of the upload.
    pub bytes_in: u64,
    /// Bytes of the outputs that the record names.
    pub bytes_out: u64,
    /// From the event's decoding to the record.
    #[serde(skip)]
    pub duration: Duration,
    /// The invocation.
    pub request_id: &'a str,
    /// The file, where it is known.
    pub file_id: Option<String>,
}

impl FileMetrics<'_> {
    /// The line that CloudWatch takes metrics from: its embedded metric format
    /// ("Specification: Embedded metric format" in the CloudWatch user guide). Metrics by kind and outcome;
    /// the ids are fields of the line only, since each value of a dimension costs.
    fn line(&self, now: UnixMillis) -> serde_json::Value {
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let metrics = [
            metric("files", "Count"),
            metric("bytes_in", "Bytes"),
            metric("bytes_out", "Bytes"),
            metric("duration_ms", "Milliseconds"),
        ];
        let mut line = json!({
            "_aws": {
                "Timestamp": now.as_millis(),
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": [["kind", "outcome"]], "Metrics": metrics},
                ],
            },
            "files": 1,
            "duration_ms": u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX),
        });
        if let (Some(line), Ok(serde_json::Value::Object(fields))) =
            (line.as_object_mut(), serde_json::to_value(self))
        {
            line.extend(fields);
        }
        line
    }

    /// Writes the line.
    pub fn emit(&self) {
        let line = self.line(UnixMillis::now());
        // Standard output is all that a function has to say it on: if it is closed, nobody listens.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_heard_from_warnings_on_unless_all_is_wanted() {
        use tracing::Level;
        for (level, ours, libraries) in [
            ("info", Level::INFO, Level::WARN),
            ("warn", Level::WARN, Level::WARN),
            ("error", Level::ERROR, Level::ERROR),
            ("debug", Level::DEBUG, Level::DEBUG),
            ("nonsense", Level::INFO, Level::WARN),
        ] {
            let filter = filter(level);
            for (target, most) in [("shared::lambda", ours), ("hyper_util::client", libraries)] {
                for line in [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG] {
                    assert_eq!(
                        filter.would_enable(target, &line),
                        line <= most,
                        "{level} {target} {line}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_metrics_line_is_in_the_embedded_metric_format() {
        let metrics = FileMetrics {
            kind: "tables",
            outcome: "done",
            bytes_in: 5,
            bytes_out: 7,
            duration: Duration::from_millis(12),
            request_id: "r",
            file_id: None,
        };
        let line = metrics.line(UnixMillis::new(1_000));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Longshore");
        assert_eq!(line["_aws"]["Timestamp"], 1000);
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(
                line[dimension.as_str().unwrap()].is_string(),
                "{dimension} is a field"
            );
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(
                line[metric["Name"].as_str().unwrap()].is_u64(),
                "{metric} is a number"
            );
        }
        assert_eq!(
            (line["duration_ms"].as_u64(), line["bytes_out"].as_u64()),
            (Some(12), Some(7))
        );
    }
}
