//! What becomes of a batch of stream records when its function failed: the rest tried again, the rest cut in
//! two, or given up.
//! Reference: <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>

use bytes::Bytes;
use serde_json::Value;

/// A record of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) sequence_number: String,
    /// Seconds since 1970.
    pub(super) created_seconds: i64,
    /// As the function gets it.
    pub(super) json: Value,
}

/// Records that go to the function together, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) records: Vec<Record>,
    /// Attempts that failed at its first record.
    pub(super) failures: u32,
}

/// What to do after a failure.
#[derive(Debug, PartialEq)]
pub(super) struct AfterFailure {
    /// The records that the function was done with nevertheless.
    pub(super) settled: Vec<Record>,
    pub(super) next: Next,
}

#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// In this order.
    Retry(Vec<Piece>),
    GiveUp(Piece),
}

impl Piece {
    pub(super) fn new(records: Vec<Record>) -> Self {
        Self { records, failures: 0 }
    }

    /// The function failed at the record with that index: everything before it is done, it and what follows is
    /// not. `most` is the number of attempts after the first, without end when absent.
    pub(super) fn failed_at(mut self, index: usize, bisects: bool, most: Option<u32>) -> AfterFailure {
        let mut rest = self.records.split_off(index.min(self.records.len()));
        let settled = self.records;
        let retry = |pieces| Next::Retry(pieces);
        if bisects && rest.len() > 1 {
            // To cut costs no attempt: only a record that is alone can run out of them.
            let next = if index > 0 {
                retry(vec![Self::new(rest)])
            } else {
                let second = rest.split_off(rest.len() / 2);
                retry(vec![Self::new(rest), Self::new(second)])
            };
            return AfterFailure { settled, next };
        }
        let rest = Self {
            records: rest,
            failures: if index > 0 { 1 } else { self.failures + 1 },
        };
        let next = if most.is_some_and(|most| rest.failures > most) {
            Next::GiveUp(rest)
        } else {
            retry(vec![rest])
        };
        AfterFailure { settled, next }
    }

    /// Takes the records off its head that are older than that.
    pub(super) fn split_old(&mut self, oldest_seconds: i64) -> Option<Self> {
        let young = self
            .records
            .iter()
            .position(|record| record.created_seconds >= oldest_seconds)
            .unwrap_or(self.records.len());
        if young == 0 {
            return None;
        }
        let rest = self.records.split_off(young);
        let old = Self {
            records: std::mem::replace(&mut self.records, rest),
            failures: self.failures,
        };
        self.failures = 0;
        Some(old)
    }

    /// The index of the first record that the function's answer names as failed: `Ok(None)` when it names
    /// none, an error when it cannot be read or names what was not in the batch, which fails the batch.
    pub(super) fn first_failure(&self, payload: &Bytes) -> Result<Option<usize>, ()> {
        let failed = super::item_failures(payload).ok_or(())?;
        let mut first: Option<usize> = None;
        for id in failed {
            let index = self
                .records
                .iter()
                .position(|record| record.sequence_number == id)
                .ok_or(())?;
            first = Some(first.map_or(index, |first| first.min(index)));
        }
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(numbers: std::ops::Range<i64>) -> Vec<Record> {
        numbers
            .map(|number| Record {
                sequence_number: number.to_string(),
                created_seconds: number,
                json: Value::Null,
            })
            .collect()
    }

    fn piece(numbers: std::ops::Range<i64>, failures: u32) -> Piece {
        Piece {
            records: records(numbers),
            failures,
        }
    }

    #[test]
    fn a_failed_batch_is_tried_again_and_given_up_at_last() {
        let after = |failures| piece(0..3, failures).failed_at(0, false, Some(2));
        assert_eq!(after(0).next, Next::Retry(vec![piece(0..3, 1)]));
        assert_eq!(after(1).next, Next::Retry(vec![piece(0..3, 2)]));
        assert_eq!(after(2).next, Next::GiveUp(piece(0..3, 3)));
        let endless = piece(0..3, 9_999).failed_at(0, false, None);
        assert_eq!(endless.next, Next::Retry(vec![piece(0..3, 10_000)]));
    }

    #[test]
    fn what_came_before_the_failed_record_is_done() {
        let after = piece(0..5, 1).failed_at(3, false, Some(2));
        assert_eq!(after.settled, records(0..3));
        assert_eq!(after.next, Next::Retry(vec![piece(3..5, 1)]));
    }

    #[test]
    fn bisecting_isolates_the_failing_record_without_costing_attempts() {
        let after = piece(0..5, 0).failed_at(0, true, Some(0));
        assert_eq!(after.next, Next::Retry(vec![piece(0..2, 0), piece(2..5, 0)]));
        let at_record = piece(0..5, 0).failed_at(2, true, Some(0));
        assert_eq!(at_record.settled, records(0..2));
        assert_eq!(at_record.next, Next::Retry(vec![piece(2..5, 0)]));
        let alone = piece(4..5, 0).failed_at(0, true, Some(0));
        assert_eq!(alone.next, Next::GiveUp(piece(4..5, 1)));
    }

    #[test]
    fn old_records_are_taken_off() {
        let mut mixed = piece(0..5, 4);
        assert_eq!(mixed.split_old(2), Some(piece(0..2, 4)));
        assert_eq!(mixed, piece(2..5, 0));
        assert_eq!(mixed.split_old(2), None);
        assert_eq!(mixed.split_old(9), Some(piece(2..5, 0)));
        assert!(mixed.records.is_empty());
    }

    #[test]
    fn the_first_failure_of_an_answer_counts() {
        let piece = piece(0..5, 0);
        let read = |text: &'static str| piece.first_failure(&Bytes::from_static(text.as_bytes()));
        assert_eq!(
            read(r#"{"batchItemFailures":[{"itemIdentifier":"3"},{"itemIdentifier":"1"}]}"#),
            Ok(Some(1))
        );
        assert_eq!(read(r#"{"batchItemFailures":[]}"#), Ok(None));
        assert_eq!(read("null"), Ok(None));
        for bad in [
            r#"{"batchItemFailures":[{"itemIdentifier":"9"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"other":"1"}]}"#,
            "\"x\"",
        ] {
            assert_eq!(read(bad), Err(()), "{bad}");
        }
    }
}
