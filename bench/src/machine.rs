//! On what something was measured, and when.

use std::{fmt::Write as _, process::Command};

use serde::Serialize;

/// What every report says first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// UTC, RFC 3339.
    pub(crate) measured_at: String,
    /// Cargo's profile of the program that measures, and of what it starts from beside itself.
    profile: &'static str,
    /// That the stack, the functions and the clients share.
    cores: usize,
    platform: String,
    /// Programs that wanted a core in the minute before: above 0.5 or so, the cores were not ours alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    load_average_before: Option<f64>,
    versions: Versions,
}

#[derive(Debug, Clone, Serialize)]
struct Versions {
    longshore: &'static str,
    /// The commit, with `-dirty` if files differ from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rustc: Option<String>,
}

impl Machine {
    pub(crate) fn now(load_average_before: Option<f64>) -> Self {
        let now = jiff::Timestamp::now();
        Self {
            measured_at: now.round(jiff::Unit::Second).unwrap_or(now).to_string(),
            profile: if cfg!(debug_assertions) { "dev" } else { "release" },
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            load_average_before,
            versions: Versions {
                longshore: env!("CARGO_PKG_VERSION"),
                commit: said_by(
                    "git",
                    &["describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"],
                ),
                rustc: said_by("rustc", &["--version"]),
            },
        }
    }

    /// When, on what, and with which profile; without a full stop.
    pub(crate) fn sentence(&self) -> String {
        let mut text = self.when_and_where();
        let rustc = self.versions.rustc.as_deref().unwrap_or("an unknown rustc");
        let _ = write!(text, ", profile `{}`, {rustc}", self.profile);
        if let Some(load_average) = self.load_average_before {
            let _ = write!(text, "; load average before the start: {load_average}");
        }
        text
    }

    /// When and on what.
    pub(crate) fn when_and_where(&self) -> String {
        format!("{} on {} cores ({})", self.measured_at, self.cores, self.platform)
    }
}

/// The load average of the last minute, where there is one.
pub(crate) fn load_average() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The first line that a program says; nothing if it is not there.
pub(crate) fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let said = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let line = text.lines().next().filter(|_| said.status.success())?;
    Some(line.to_owned())
}
