//! One attempt's way, over stores in memory that break on demand.
#![cfg(feature = "attempt")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects by panicking"
)]

mod flaky;
mod stage;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::json;
use shared::{
    FailureKind,
    attempt::{Ending, Invocation},
    catalogue::{Outcome, Reprocess, Sequencer, Status},
    event::{Change, HandedFile, What},
    keys::{FileId, FileRef, Owner},
    store::{Catalogue as _, Objects as _},
    time::UnixMillis,
};
use stage::{Copy, Stage};

#[tokio::test]
async fn a_file_is_unloaded_once_with_few_calls() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    let ending = stage.ending(change.clone(), "r1").await;
    assert_eq!((ending.as_str(), ending.bytes_out()), ("done", 6));
    let record = stage.record().await;
    assert_eq!(record.report.as_ref().unwrap()["declared_type"], "x/declared");
    assert_eq!(
        (record.status, record.size_bytes(), record.name.as_str()),
        (Status::Done, Some(5), "x.bin")
    );
    assert_eq!(
        stage.results().await,
        [stage.key(1, "copy.bin"), stage.key(1, "size.txt")]
    );
    assert_eq!(stage.output("copy.bin").await, b"hello");
    assert_eq!(
        stage.objects.objects.unfinished_uploads(),
        0,
        "what was begun and dropped is aborted"
    );
    for request in ["r1", "r2"] {
        assert_eq!(
            stage.ending(change.clone(), request).await,
            Ending::Already(Status::Done)
        );
    }
    let (reads, writes) = (&stage.objects.reads, &stage.objects.writes);
    assert_eq!(
        (reads.load(Ordering::Relaxed), writes.load(Ordering::Relaxed)),
        (1, 2)
    );
    assert_eq!(stage.record().await, record);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let stage = Stage::new();
    let change = stage.upload("01", "").await;
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
    assert_eq!(stage.output("size.txt").await, b"0");
}

#[tokio::test]
async fn a_large_file_is_read_in_ranges_resumed_and_written_in_parts() {
    let stage = Stage::new();
    let body: Vec<u8> = (0..25_000_000_u32)
        .map(|n| u8::try_from(n * 31 % 251).unwrap())
        .collect();
    let change = stage.upload("01", body.clone()).await;
    stage.objects.broken_reads.store(3, Ordering::Relaxed);
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
    assert!(stage.output("copy.bin").await == body, "the same bytes came out");
    // Three ranges, and one more request for each that broke.
    assert_eq!(stage.objects.reads.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_broken_read_is_taken_up_where_it_broke() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello, this is long enough").await;
    stage.objects.broken_reads.store(3, Ordering::Relaxed);
    assert_eq!(
        stage.ending(change.clone(), "r1").await.as_str(),
        "done",
        "a broken read is taken up where it broke"
    );
    let stage = Stage::new();
    let mut change = stage.upload("01", "").await;
    // The event speaks of more bytes than any read gives.
    if let What::Created { size_bytes, .. } = &mut change.what {
        *size_bytes = 5;
    }
    assert_eq!(
        stage.ending(change, "r1").await,
        Ending::Committed(Box::new(Outcome::Superseded))
    );
}

#[tokio::test]
async fn a_bad_file_is_rejected_for_good_and_leaves_nothing() {
    let stage = Stage::new();
    let change = stage.upload("01", "!reject").await;
    let failure = stage
        .ending(change.clone(), "r1")
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Rejected, "bad")
    );
    assert_eq!(stage.record().await.status, Status::Rejected);
    assert_eq!(
        stage.ending(change, "r2").await,
        Ending::Already(Status::Rejected)
    );
    assert!(stage.results().await.is_empty());
}

#[tokio::test]
async fn a_file_above_its_limit_is_refused_unread() {
    let stage = Stage::new();
    let mut change = stage.upload("01", "small").await;
    if let What::Created { size_bytes, .. } = &mut change.what {
        *size_bytes = (30 << 20) + 1;
    }
    assert_eq!(
        stage.ending(change, "r1").await.failure().unwrap().kind,
        FailureKind::Limit
    );
    assert_eq!(stage.record().await.status, Status::Rejected);
    assert_eq!(stage.objects.reads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_panic_is_caught_recorded_and_retried() {
    let stage = Stage::new();
    let change = stage.upload("01", "!panics").await;
    for attempt in 1..=2 {
        let failure = stage
            .ending(change.clone(), "r1")
            .await
            .failure()
            .unwrap()
            .clone();
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (FailureKind::Internal, "the processor panicked: a bug")
        );
        let record = stage.record().await;
        assert_eq!(
            (record.status, record.fence, record.failure),
            (Status::Failed, attempt, Some(failure))
        );
    }
    assert!(stage.results().await.is_empty());
}

#[tokio::test]
async fn work_stops_by_itself_before_the_time_is_over() {
    let stage = Stage::new();
    let change = stage.upload("01", "!sleeps").await;
    let invocation = Invocation {
        request_id: "r1".into(),
        remaining: Duration::from_millis(700),
    };
    let started = std::time::Instant::now();
    let unloaded = stage
        .unloader
        .unload(&Arc::new(Copy), change, &invocation)
        .await
        .unwrap();
    assert!(
        started.elapsed() < invocation.remaining,
        "{:?}",
        started.elapsed()
    );
    let failure = unloaded.ending.failure().unwrap();
    assert_eq!(
        (failure.kind, failure.code.as_ref()),
        (FailureKind::Transient, "deadline")
    );
    assert_eq!(
        stage.record().await.failure.as_ref(),
        Some(failure),
        "the record says so"
    );
}

#[tokio::test]
async fn an_upload_that_changes_or_goes_under_our_hands_is_left_to_its_own_event() {
    let stage = Stage::new();
    let old = stage.upload("01", "old").await;
    let new = stage.upload("02", "new").await;
    assert_eq!(
        stage.ending(old.clone(), "r1").await,
        Ending::Committed(Box::new(Outcome::Superseded))
    );
    assert_eq!(stage.record().await.status, Status::Pending);
    assert_eq!(stage.ending(new.clone(), "r2").await.as_str(), "done");
    assert_eq!(stage.ending(old, "r1").await, Ending::Stale);
    assert_eq!(stage.output("copy.bin").await, b"new");

    let stage = Stage::new();
    let change = stage.upload("01", "x").await;
    stage.objects.delete(&stage.upload).await.unwrap();
    assert_eq!(
        stage.ending(change, "r1").await,
        Ending::Committed(Box::new(Outcome::Gone))
    );
    assert_eq!(stage.record().await.status, Status::Removed);
}

#[tokio::test]
async fn a_newer_upload_replaces_the_outputs_and_the_old_ones_go() {
    let stage = Stage::new();
    let old = stage.upload("01", "old").await;
    assert_eq!(stage.ending(old, "r1").await.as_str(), "done");
    let new = stage.upload("02", "newer").await;
    assert_eq!(stage.ending(new, "r2").await.as_str(), "done");
    assert_eq!(
        stage.results().await,
        [stage.key(2, "copy.bin"), stage.key(2, "size.txt")]
    );
    assert_eq!(stage.output("size.txt").await, b"5");
}

#[tokio::test]
async fn outputs_become_visible_together_or_not_at_all() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    *stage.objects.writes_until_broken.lock().unwrap() = Some(1);
    let failure = stage
        .ending(change.clone(), "r1")
        .await
        .failure()
        .unwrap()
        .clone();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(
        stage.results().await.is_empty(),
        "the one that was written is taken back"
    );
    *stage.objects.writes_until_broken.lock().unwrap() = None;
    assert_eq!(stage.ending(change, "r1").await.as_str(), "done");
}

#[tokio::test]
async fn an_upload_deleted_before_its_newer_version_is_unloaded_leaves_no_outputs() {
    let stage = Stage::new();
    let old = stage.upload("01", "old").await;
    stage.ending(old, "r1").await;
    let broken = stage.upload("02", "!broken").await;
    assert_eq!(stage.ending(broken, "r2").await.as_str(), "failed");
    assert_eq!(
        stage.results().await.len(),
        2,
        "a retry may still come: the older outputs stay"
    );
    let removed = Change {
        what: What::Removed,
        at: stage.upload.clone(),
        sequencer: Sequencer::new("03"),
        handed: None,
    };
    assert_eq!(stage.ending(removed, "r3").await, Ending::Removed);
    assert_eq!(stage.record().await.status, Status::Removed);
    assert!(stage.results().await.is_empty());
}

#[tokio::test]
async fn an_upload_deleted_later_keeps_its_results() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    stage.ending(change, "r1").await;
    let removed = Change {
        what: What::Removed,
        at: stage.upload.clone(),
        sequencer: Sequencer::new("02"),
        handed: None,
    };
    assert_eq!(stage.ending(removed.clone(), "r2").await, Ending::Removed);
    assert_eq!(stage.ending(removed, "r2").await, Ending::Stale);
    let record = stage.record().await;
    assert_eq!(
        (record.status, record.upload_removed_at.is_some()),
        (Status::Done, true)
    );
    assert_eq!(stage.results().await.len(), 2);
}

#[tokio::test]
async fn a_key_of_another_function_is_our_mistake() {
    let stage = Stage::new();
    let mut change = stage.upload("01", "hello").await;
    change.at.key = "logs/x".into();
    assert_eq!(
        stage.unload(change, "r1").await.unwrap_err().kind,
        FailureKind::Internal
    );
}

#[tokio::test]
async fn what_the_owner_asks_of_the_function_reaches_it() {
    let stage = Stage::new();
    let change = stage.upload("01", "hello").await;
    for (note, options, status) in [
        (
            "asked",
            json!({"copy": {"note": "asked"}, "other": {"x": 1}}),
            Status::Done,
        ),
        ("", json!({"other": {}}), Status::Done),
        ("", json!({"copy": {"nota": 1}}), Status::Rejected),
    ] {
        if stage.catalogue.get(&stage.file).await.unwrap().is_none() {
            stage.ending(change.clone(), "r0").await;
        }
        let wish = Reprocess {
            file: stage.file.clone(),
            options: Some(options),
            now: UnixMillis::now(),
        };
        stage.catalogue.reprocess(&wish).await.unwrap().unwrap();
        stage.ending(change.clone(), "r1").await;
        let record = stage.record().await;
        assert_eq!(record.status, status, "{record:?}");
        if status == Status::Done {
            assert_eq!(record.report.unwrap()["note"], note);
        } else {
            assert_eq!(record.failure.unwrap().code, "options");
        }
    }
}

#[tokio::test]
async fn a_file_that_was_handed_over_is_the_one_that_it_says() {
    let stage = Stage::new();
    let mut change = stage.upload("01", "hello").await;
    let file = FileRef {
        owner: Owner::new("alice").unwrap(),
        id: FileId::of_dropped("elsewhere", "inbox/alice/x"),
    };
    change.handed = Some(HandedFile {
        file: file.clone(),
        name: "handed.bin".into(),
    });
    stage.ending(change, "r1").await;
    let record = stage.catalogue.get(&file).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.name.as_str()),
        (Status::Done, "handed.bin")
    );
    assert!(
        record.outputs[0].key.starts_with("copy/alice/"),
        "{:?}",
        record.outputs
    );
}
