//! Points in time, as the catalogue keeps them.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. Written and read as RFC 3339 with milliseconds, which sorts as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("format" = "date-time")))]
#[serde(into = "String", try_from = "String")]
pub struct UnixMillis(u64);

/// The last moment that can be written in every time zone, 9999-12-30T22:00:00.000Z.
const LATEST: u64 = 253_402_207_200_000;

impl UnixMillis {
    /// From milliseconds since the epoch; what lies after the year 9999 becomes its end.
    #[must_use]
    pub const fn new(millis: u64) -> Self {
        Self(if millis > LATEST { LATEST } else { millis })
    }

    /// The system's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(u64::try_from(since.as_millis()).unwrap_or(LATEST))
    }

    /// Reads a bound of a search, in RFC 3339: nothing happened before 1970, so that is the earliest there is.
    pub fn bound(text: &str) -> Result<Self, InvalidTime> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTime(text.to_owned()))?;
        Ok(Self::new(u64::try_from(time.as_millisecond()).unwrap_or(0)))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, as DynamoDB's time to live wants them.
    #[must_use]
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This point in time and so much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::new(
            self.0
                .saturating_add(u64::try_from(duration.as_millis()).unwrap_or(LATEST)),
        )
    }

    /// How long from `earlier` to here; nothing if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.0).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl FromStr for UnixMillis {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTime(text.to_owned()))?;
        u64::try_from(time.as_millisecond())
            .map(Self::new)
            .map_err(|_| InvalidTime(text.to_owned()))
    }
}

impl From<UnixMillis> for String {
    fn from(time: UnixMillis) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for UnixMillis {
    type Error = InvalidTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A text that is not a point in time since 1970 in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time since 1970")]
pub struct InvalidTime(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_the_same_time_and_sort_alike() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_237_200_007, "2026-11-21T05:00:00.007Z"),
        ] {
            let time = UnixMillis::new(millis);
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time));
        }
        assert_eq!(UnixMillis::new(u64::MAX).to_string(), "9999-12-30T22:00:00.000Z");
        assert!("1969-12-31T23:59:59Z".parse::<UnixMillis>().is_err());
        assert_eq!(
            UnixMillis::bound("1327-11-06T13:01:19+10:28"),
            Ok(UnixMillis::new(0))
        );
        assert_eq!(
            UnixMillis::bound("1970-01-01T00:00:01Z"),
            Ok(UnixMillis::new(1000))
        );
        assert!(UnixMillis::bound("yesterday").is_err());
    }
}
