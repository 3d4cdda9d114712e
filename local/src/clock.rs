//! Times in the spellings of AWS.

use jiff::Timestamp;

/// `2026-11-21T03:46:02.123Z`, always with three digits.
pub(crate) fn rfc3339_millis(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `21/Nov/2026:03:46:02 +0000`, as in access logs.
pub(crate) fn common_log(time: Timestamp) -> String {
    time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled_as_aws_does() {
        let time: Timestamp = "2020-03-12T19:03:58.3Z".parse().unwrap();
        assert_eq!(rfc3339_millis(time), "2020-03-12T19:03:58.300Z");
        assert_eq!(common_log(time), "12/Mar/2020:19:03:58 +0000");
    }
}
