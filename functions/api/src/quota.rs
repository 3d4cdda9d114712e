//! What an owner may announce in a day (UTC).

use schemars::JsonSchema;
use serde::Serialize;
use shared::{
    keys::Owner,
    store::ledger::{Ledger as _, Usage},
    time::UnixMillis,
};

use crate::{
    App,
    ports::Ports,
    problem::{Problem, QUOTA_EXCEEDED},
};

/// Use of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Share {
    /// Used today.
    pub(crate) used: u64,
    /// To be used in a day.
    pub(crate) limit: u64,
}

/// Today's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Today {
    /// Files that were announced.
    pub(crate) files: Share,
    /// Their bytes, as announced.
    pub(crate) bytes: Share,
    /// When the next day begins.
    pub(crate) resets_at: UnixMillis,
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// `2026-11-21`.
fn day(now: UnixMillis) -> String {
    now.to_string().chars().take(10).collect()
}

fn resets_at(now: UnixMillis) -> UnixMillis {
    UnixMillis::new((now.as_seconds() / DAY_SECONDS + 1) * DAY_SECONDS * 1000)
}

/// Counts one more file, or refuses it.
pub(crate) async fn charge<P: Ports>(
    app: &App<P>,
    owner: &Owner,
    bytes: u64,
    now: UnixMillis,
) -> Result<(), Problem> {
    match app.ledger().charge(owner, &day(now), bytes, app.quota).await? {
        Ok(_) => Ok(()),
        Err(Usage { files, bytes: used }) => {
            let detail = format!(
                "today {files} of {} files and {used} of {} bytes were announced; this is one of {bytes} bytes",
                app.quota.files, app.quota.bytes
            );
            let seconds = resets_at(now).since(now).as_secs().max(1);
            Err(Problem::new(&QUOTA_EXCEEDED).detail(detail).retry_after(seconds))
        }
    }
}

/// What was used today.
pub(crate) async fn today<P: Ports>(app: &App<P>, owner: &Owner, now: UnixMillis) -> Result<Today, Problem> {
    let used = app.ledger().usage(owner, &day(now)).await?;
    Ok(Today {
        files: Share {
            used: used.files,
            limit: app.quota.files,
        },
        bytes: Share {
            used: used.bytes,
            limit: app.quota.bytes,
        },
        resets_at: resets_at(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight() {
        let noon = UnixMillis::new(1_795_262_400_000);
        assert_eq!(day(noon), "2026-11-21");
        assert_eq!(resets_at(noon).to_string(), "2026-11-22T00:00:00.000Z");
        assert_eq!(resets_at(resets_at(noon)).to_string(), "2026-11-23T00:00:00.000Z");
    }
}
