//! The order of changes to one key.

use serde::{Deserialize, Serialize};

use crate::time::UnixMillis;

/// Which of two events about the same key is the later one.
///
/// S3 gives a hexadecimal text; of two, the shorter is padded with zeros on the right, and then they compare as
/// text ("Event message structure" in the Amazon S3 user guide). Kept padded and in capitals, so that
/// DynamoDB's comparison of strings is this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequencer(String);

/// As wide as any sequencer seen so far (18), and as much again.
const WIDTH: usize = 36;

impl Sequencer {
    /// From an event's `sequencer`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(format!("{:0<WIDTH$}", text.to_ascii_uppercase()))
    }

    /// For an event without one: by the event's time. S3's own begin with the seconds since 1970 in ten hex
    /// digits, so the two kinds order as well as can be.
    #[must_use]
    pub fn from_time(time: UnixMillis) -> Self {
        let millis = time.as_millis();
        Self::new(&format!("{:010X}{:03X}", millis / 1000, millis % 1000))
    }

    /// The padded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_is_padded_on_the_right() {
        let order = [
            "0055AED6DCD90281E5",
            "0055AED6DCD90281E6",
            "0055aed6dcd90281e7",
            "0055AED6DD",
        ];
        for pair in order.windows(2) {
            assert!(Sequencer::new(pair[0]) < Sequencer::new(pair[1]), "{pair:?}");
        }
        assert_eq!(Sequencer::new("0055AED6"), Sequencer::new("0055aed60000"));
    }

    #[test]
    fn times_order_among_themselves_and_among_s3s() {
        let at = |millis| Sequencer::from_time(UnixMillis::new(millis));
        assert!(at(1_437_521_628_001) < at(1_437_521_628_002));
        assert!(at(1_437_521_627_999) < Sequencer::new("0055AED6DCD90281E5"));
        assert!(at(1_437_521_629_000) > Sequencer::new("0055AED6DCD90281E5"));
    }
}
