//! What every store of records must do beside the way from an upload to its results: sorting, another attempt,
//! expiry, deletion, and a history that does not grow.

use serde_json::json;

use super::catalogue::{claim_of, done, file, granted};
use crate::{
    catalogue::{
        Claimed, Committed, Deletion, FileRecord, HistoryEvent, Identified, Outcome, Reprocess,
        ReprocessRefusal, Sequencer, Status, history::MAX_ENTRIES,
    },
    keys::{AUTO, FileRef},
    store::Catalogue,
    time::UnixMillis,
};

/// Runs the suite for what happens to records beside attempts.
pub async fn lifecycle<C: Catalogue>(store: &C) {
    sorted_files(store).await;
    another_attempt(store).await;
    expired_uploads(store).await;
    deleted_files(store).await;
    long_histories(store).await;
}

fn announced(file: &FileRef, kind: &str) -> FileRecord {
    let at = ("uploads", "inbox/k");
    let mut record = FileRecord::announced(file.clone(), kind, "x.csv", at, UnixMillis::new(9_000));
    record.upload_expires_at = Some(UnixMillis::new(20_000));
    record.expires_at = Some(4_000_000_000);
    record.options = Some(json!({"tables": {"delimiter": ";"}}));
    record.declared_type = Some("text/csv".into());
    record
}

async fn read<C: Catalogue>(store: &C, file: &FileRef) -> FileRecord {
    store.get(file).await.unwrap().unwrap()
}

async fn sorted_files<C: Catalogue>(store: &C) {
    let file = file("sorted");
    store.create(&announced(&file, AUTO)).await.unwrap();
    let mut sorting = claim_of(&file, "01", "intake-1", 10_000);
    sorting.kind = AUTO.into();
    let attempt = granted(store, &sorting).await;
    assert_eq!(
        attempt.declared_type.as_deref(),
        Some("text/csv"),
        "a claim tells what was announced"
    );
    let identified = Identified {
        kind: Some("tables".into()),
        format: "csv".into(),
        looks_like: "CSV".into(),
        media_type: "text/csv".into(),
        confidence: 0.9,
        declared_type: None,
        mismatch: false,
    };
    let handed = Outcome::HandedOver(identified.clone());
    for _ in 0..2 {
        let committed = store
            .commit(&attempt, &handed, UnixMillis::new(10_100))
            .await
            .unwrap();
        assert_eq!(committed, Committed::Yes);
    }
    let record = read(store, &file).await;
    assert_eq!((record.status, record.kind.as_str()), (Status::Pending, "tables"));
    assert_eq!(record.identified, Some(identified));

    let working = claim_of(&file, "01", "tables-1", 10_200);
    let attempt = granted(store, &working).await;
    assert_eq!(attempt.options, Some(json!({"tables": {"delimiter": ";"}})));
    sorting.holder = "intake-2".into();
    let again = store.claim(&sorting).await.unwrap();
    assert!(
        matches!(again, Claimed::Busy { .. }),
        "sorted, and at work: {again:?}"
    );
    store
        .commit(&attempt, &done("a"), UnixMillis::new(10_300))
        .await
        .unwrap();
    sorting.processor_version = 7;
    let again = store.claim(&sorting).await.unwrap();
    assert!(
        matches!(
            again,
            Claimed::Already {
                status: Status::Done,
                ..
            }
        ),
        "not sorted again: {again:?}"
    );
    assert!(read(store, &file).await.identified.is_some());

    let mut newer = claim_of(&file, "02", "intake-3", 10_400);
    newer.kind = AUTO.into();
    granted(store, &newer).await;
    let record = read(store, &file).await;
    assert_eq!(
        (record.kind.as_str(), record.identified),
        (AUTO, None),
        "new bytes are looked at anew"
    );
}

async fn another_attempt<C: Catalogue>(store: &C) {
    use HistoryEvent::{Claimed as Began, Done, Reprocessed};

    let file = file("again");
    let wish = |now| Reprocess {
        file: file.clone(),
        options: Some(json!({"tables": {}})),
        now: UnixMillis::new(now),
    };
    let refused = async |now| store.reprocess(&wish(now)).await.unwrap().unwrap_err();
    assert_eq!(refused(1).await, ReprocessRefusal::Unknown);
    store.create(&announced(&file, "tables")).await.unwrap();
    assert_eq!(refused(9_500).await, ReprocessRefusal::NotArrived);
    let lost = granted(store, &claim_of(&file, "01", "r1", 10_000)).await;
    assert_eq!(refused(10_999).await, ReprocessRefusal::Busy);
    let record = store.reprocess(&wish(11_000)).await.unwrap().unwrap();
    assert_eq!(record, read(store, &file).await);
    assert_eq!(
        (record.status, record.options),
        (Status::Pending, Some(json!({"tables": {}})))
    );
    let late = store
        .commit(&lost, &done("late"), UnixMillis::new(11_001))
        .await
        .unwrap();
    assert_eq!(
        late,
        Committed::Lost,
        "an attempt that was given up does not commit"
    );
    let attempt = granted(store, &claim_of(&file, "01", "r2", 11_100)).await;
    store
        .commit(&attempt, &done("a"), UnixMillis::new(11_200))
        .await
        .unwrap();
    let keeping = Reprocess {
        options: None,
        ..wish(11_300)
    };
    let record = store.reprocess(&keeping).await.unwrap().unwrap();
    assert_eq!(
        record.options,
        Some(json!({"tables": {}})),
        "without options they stay"
    );
    let attempt = granted(store, &claim_of(&file, "01", "r3", 11_400)).await;
    assert_eq!(attempt.fence, 3);
    store
        .commit(&attempt, &done("b"), UnixMillis::new(11_500))
        .await
        .unwrap();
    let events: Vec<_> = read(store, &file)
        .await
        .history
        .iter()
        .map(|entry| entry.event)
        .collect();
    assert_eq!(
        events,
        [Began, Reprocessed, Began, Done, Reprocessed, Began, Done]
    );
}

async fn expired_uploads<C: Catalogue>(store: &C) {
    let file = file("expires");
    assert!(!store.expire(&file, UnixMillis::new(30_000)).await.unwrap());
    store.create(&announced(&file, "tables")).await.unwrap();
    assert!(
        !store.expire(&file, UnixMillis::new(19_999)).await.unwrap(),
        "it has time left"
    );
    assert!(store.expire(&file, UnixMillis::new(20_000)).await.unwrap());
    assert!(
        !store.expire(&file, UnixMillis::new(20_001)).await.unwrap(),
        "once is enough"
    );
    assert_eq!(read(store, &file).await.status, Status::Expired);
    granted(store, &claim_of(&file, "01", "r", 21_000)).await;
    assert!(
        !store.expire(&file, UnixMillis::new(30_000)).await.unwrap(),
        "it came after all"
    );
}

async fn deleted_files<C: Catalogue>(store: &C) {
    let file = file("deleted");
    let deletion = |sequencer: &str| Deletion {
        file: file.clone(),
        sequencer: Sequencer::new(sequencer),
        now: UnixMillis::new(15_000),
        forgotten_at: 4_000_000_000,
    };
    assert_eq!(store.delete(&deletion("05")).await.unwrap(), None);
    store.create(&announced(&file, "tables")).await.unwrap();
    let attempt = granted(store, &claim_of(&file, "01", "r", 10_000)).await;
    assert_eq!(store.delete(&deletion("05")).await.unwrap(), Some(2));
    let late = store
        .commit(&attempt, &done("late"), UnixMillis::new(10_100))
        .await
        .unwrap();
    assert_eq!(late, Committed::Lost);
    let left = read(store, &file).await;
    assert_eq!(
        (left.status, left.name.as_str(), left.history.len()),
        (Status::Deleted, "", 0)
    );
    let listed = store
        .list(&file.owner, 10, None, UnixMillis::default())
        .await
        .unwrap();
    assert!(listed.files.is_empty(), "what is deleted is not listed");
    let old = store.claim(&claim_of(&file, "04", "r", 20_000)).await.unwrap();
    assert_eq!(old, Claimed::Stale, "an event from before does not bring it back");
    assert_eq!(
        store.delete(&deletion("05")).await.unwrap(),
        Some(3),
        "to be cleared away again"
    );
    granted(store, &claim_of(&file, "06", "r", 20_000)).await;
    let anew = read(store, &file).await;
    assert_eq!(
        (anew.created_at, anew.name.as_str()),
        (UnixMillis::new(20_000), "ü.csv")
    );
    let listed = store
        .list(&file.owner, 10, None, UnixMillis::default())
        .await
        .unwrap();
    assert_eq!(listed.files.len(), 1, "uploaded anew, it is a file again");
}

async fn long_histories<C: Catalogue>(store: &C) {
    let file = file("long");
    for version in 0..MAX_ENTRIES {
        let now = 10_000 + version as u64;
        let attempt = granted(store, &claim_of(&file, &format!("{version:04}"), "r", now)).await;
        let committed = store
            .commit(&attempt, &done("a"), UnixMillis::new(now))
            .await
            .unwrap();
        assert_eq!(committed, Committed::Yes, "version {version}");
    }
    let history = read(store, &file).await.history;
    assert!(
        (MAX_ENTRIES / 2..=MAX_ENTRIES).contains(&history.len()),
        "{}",
        history.len()
    );
    assert_eq!(history.last().unwrap().attempt, MAX_ENTRIES as u64);
}
