//! How long a failed delivery waits.

use std::{str::FromStr, time::Duration};

use sha2::{Digest, Sha256};

/// The longest that SQS hides a message, in seconds, counted from its receipt: 12 hours, less what the try takes
/// ("Amazon SQS visibility timeout").
const MAX_WAIT_SECONDS: u32 = 12 * 3600 - 120;

/// The waits after the first, the second, … failed try, in seconds. One try more than there are waits is made: the
/// queue's `maxReceiveCount` has to be that number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff(Vec<u32>);

/// A text that is no list of waits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waits are whole seconds from 0 to 36000, separated by spaces")]
pub struct InvalidBackoff;

/// The longest wait that can be configured, in seconds: with what is added to spread tries, within SQS's 12 hours.
const MAX_CONFIGURED_SECONDS: u32 = 36_000;

impl FromStr for Backoff {
    type Err = InvalidBackoff;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wait = |word: &str| {
            let seconds = word.parse().map_err(|_| InvalidBackoff)?;
            (seconds <= MAX_CONFIGURED_SECONDS)
                .then_some(seconds)
                .ok_or(InvalidBackoff)
        };
        let waits = text.split_whitespace().map(wait).collect::<Result<Vec<_>, _>>()?;
        if waits.is_empty() {
            return Err(InvalidBackoff);
        }
        Ok(Self(waits))
    }
}

impl Backoff {
    /// How many tries there are in all.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.0.len() + 1
    }

    /// How many seconds to wait after the try of that number (from 1) failed.
    ///
    /// Up to a fifth is added, by `seed`, so that deliveries that failed together do not come back together. The
    /// endpoint's own wish (`Retry-After`) counts where it is longer, up to the longest wait of the list. After the
    /// last try nothing is waited for: the next receipt takes the message out of the queue.
    #[must_use]
    pub fn wait(&self, tried: u32, seed: &str, wish: Option<Duration>) -> u32 {
        let index = usize::try_from(tried.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(base) = self.0.get(index).copied() else {
            return 0;
        };
        let digest = Sha256::digest(format!("{seed} {tried}"));
        let random = digest.first().copied().unwrap_or_default();
        let spread = base + base * u32::from(random) / 255 / 5;
        let longest = self.0.iter().copied().max().unwrap_or_default();
        let wish = wish.map_or(0, |wish| u32::try_from(wish.as_secs()).unwrap_or(u32::MAX));
        spread.max(wish.min(longest)).min(MAX_WAIT_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: &str = "5 30 120 600 1800 3600 7200 14400";

    #[test]
    fn each_try_waits_its_own_time_and_up_to_a_fifth_more() {
        let backoff: Backoff = SCHEDULE.parse().unwrap();
        assert_eq!(backoff.tries(), 9);
        let mut seen = std::collections::BTreeSet::new();
        for (tried, base) in (1..).zip([5, 30, 120, 600, 1800, 3600, 7200, 14400]) {
            for seed in 0..200 {
                let wait = backoff.wait(tried, &seed.to_string(), None);
                assert!((base..=base + base / 5).contains(&wait), "try {tried}: {wait}");
                if tried == 8 {
                    seen.insert(wait);
                }
            }
        }
        assert!(seen.len() > 50, "waits are spread: {}", seen.len());
        assert_eq!(backoff.wait(3, "a", None), backoff.wait(3, "a", None));
        for tried in [9, 10, u32::MAX] {
            assert_eq!(backoff.wait(tried, "a", None), 0, "the last try is over");
        }
        assert!(
            backoff.wait(0, "a", None) <= 6,
            "a count that cannot be is the first"
        );
    }

    #[test]
    fn an_endpoints_wish_counts_where_it_is_longer_and_not_absurd() {
        let backoff: Backoff = SCHEDULE.parse().unwrap();
        let wait = |wish| backoff.wait(1, "a", Some(Duration::from_secs(wish)));
        assert!(wait(1) >= 5);
        assert_eq!(wait(90), 90);
        assert_eq!(wait(u64::MAX), 14400);
        let longest: Backoff = "36000".parse().unwrap();
        assert!((0..100).all(|seed| longest.wait(1, &seed.to_string(), None) <= MAX_WAIT_SECONDS));
    }

    #[test]
    fn what_is_no_list_of_waits_is_refused() {
        for text in ["", "  ", "5,30", "-1", "5 x", "1.5", "36001", "99999999999"] {
            assert_eq!(text.parse::<Backoff>(), Err(InvalidBackoff), "{text}");
        }
        assert_eq!("0 0".parse(), Ok(Backoff(vec![0, 0])));
    }
}
