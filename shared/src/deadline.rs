//! The moment at which work must stop, so that the record can still say so.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::failure::Failure;

/// When an attempt must stop.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    stop_at: Instant,
    grace: Duration,
}

impl Deadline {
    /// Stops shortly before an invocation's `remaining` time is over: a tenth of it early, at least half a
    /// second and at most five.
    #[must_use]
    pub fn before_end_of(remaining: Duration) -> Self {
        let margin = (remaining / 10).clamp(Duration::from_millis(500), Duration::from_secs(5));
        Self {
            stop_at: Instant::now() + remaining.saturating_sub(margin),
            grace: margin / 2,
        }
    }

    /// The failure of work that is not done by now.
    #[must_use]
    pub fn failure() -> Failure {
        Failure::transient(
            "deadline",
            "stopped shortly before the invocation's time was over",
        )
    }

    /// Fails once the time is up.
    pub fn check(self) -> Result<(), Failure> {
        if Instant::now() < self.stop_at {
            Ok(())
        } else {
            Err(Self::failure())
        }
    }

    /// Waits for `work`, but not past the deadline.
    pub async fn within<T>(self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.stop_at, work).await.map_err(|_| Self::failure())
    }

    /// Waits for work that itself stops at the deadline: half the margin longer, the rest is for the record.
    pub async fn within_grace<T>(self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.stop_at + self.grace, work)
            .await
            .map_err(|_| Self::failure())
    }
}
