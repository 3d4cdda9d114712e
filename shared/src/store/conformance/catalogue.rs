//! What every store of records must do.

use std::time::Duration;

use serde_json::json;

use crate::{
    catalogue::{
        Attempt, Claim, Claimed, Committed, FileRecord, Outcome, Output, Removal, Removed, Sequencer, Status,
        Upload,
    },
    failure::Failure,
    keys::{FileId, FileRef, Owner},
    store::{Catalogue, Page, StoreErrorKind},
    time::UnixMillis,
};

/// A file of a fresh owner.
pub(super) fn file(owner: &str) -> FileRef {
    let id = FileId::generate(UnixMillis::now());
    FileRef {
        owner: Owner::new(format!("{owner}-{id}")).unwrap(),
        id,
    }
}

pub(super) fn claim_of(file: &FileRef, sequencer: &str, holder: &str, now: u64) -> Claim {
    Claim {
        file: file.clone(),
        kind: "tables".into(),
        name: "ü.csv".into(),
        bucket: "uploads".into(),
        key: format!("tables/{file}/ü.csv"),
        upload: Upload {
            size_bytes: 42,
            etag: format!("etag-{sequencer}"),
            sequencer: Sequencer::new(sequencer),
        },
        processor_version: 1,
        holder: holder.into(),
        now: UnixMillis::new(now),
        lease_until: UnixMillis::new(now + 1000),
    }
}

pub(super) fn done(name: &str) -> Outcome {
    let output = Output {
        name: name.into(),
        key: format!("tables/x/1/{name}"),
        size_bytes: u64::MAX >> 12,
        content_type: "text/plain".into(),
    };
    Outcome::Done {
        outputs: vec![output],
        report: json!({"rows": 3, "nested": {"list": [1, "x", null, true, 2.5]}}),
    }
}

pub(super) async fn granted<C: Catalogue>(store: &C, claim: &Claim) -> Attempt {
    match store.claim(claim).await.unwrap() {
        Claimed::Granted(attempt) => attempt,
        other => panic!("the claim is to be granted, not {other:?}"),
    }
}

/// Runs the suite for stores of records.
pub async fn catalogue<C: Catalogue>(store: &C) {
    announced_files(store).await;
    one_attempt_at_a_time(store).await;
    late_commits(store).await;
    overwritten_uploads(store).await;
    removed_uploads(store).await;
    owners_lists(store).await;
}

async fn announced_files<C: Catalogue>(store: &C) {
    let file = file("announced");
    assert_eq!(store.get(&file).await.unwrap(), None);
    let now = UnixMillis::new(1_000_000_000_123);
    let mut record = FileRecord::announced(
        file.clone(),
        "tables",
        "naïve 🚢.csv",
        ("uploads", "tables/k"),
        now,
    );
    record.announced_bytes = Some(u64::MAX >> 1);
    record.expires_at = Some(4_000_000_000);
    store.create(&record).await.unwrap();
    assert_eq!(store.get(&file).await.unwrap(), Some(record.clone()));
    assert_eq!(
        store.create(&record).await.unwrap_err().kind,
        StoreErrorKind::Changed
    );
    let attempt = granted(store, &claim_of(&file, "01", "r1", 1_000_000_001_000)).await;
    assert_eq!(attempt.fence, 1);
    let claimed = store.get(&file).await.unwrap().unwrap();
    assert_eq!(
        (claimed.status, claimed.created_at, claimed.expires_at),
        (Status::Processing, now, None)
    );
    assert_eq!(claimed.name, record.name, "the announced name stays");
    assert_eq!(claimed.size_bytes(), Some(42));
}

async fn one_attempt_at_a_time<C: Catalogue>(store: &C) {
    let file = file("single");
    let first = granted(store, &claim_of(&file, "01", "r1", 10_000)).await;
    let busy = store.claim(&claim_of(&file, "01", "r2", 10_999)).await.unwrap();
    assert_eq!(
        busy,
        Claimed::Busy {
            until: UnixMillis::new(11_000)
        }
    );
    let retried = granted(store, &claim_of(&file, "01", "r1", 10_500)).await;
    assert_eq!(
        retried.fence, 2,
        "a retry of the invocation that holds the lease takes over"
    );
    let lost = store
        .commit(&first, &done("a"), UnixMillis::new(10_600))
        .await
        .unwrap();
    assert_eq!(
        lost,
        Committed::Lost,
        "the fence is not the first attempt's any more"
    );
    let late = granted(store, &claim_of(&file, "01", "r2", 11_500)).await;
    assert_eq!(late.fence, 3, "a lease that ran out holds nobody back");
    assert_eq!(
        store
            .commit(&late, &done("b"), UnixMillis::new(11_600))
            .await
            .unwrap(),
        Committed::Yes
    );
    for (holder, by_holder) in [("r2", true), ("r3", false)] {
        let again = store.claim(&claim_of(&file, "01", holder, 20_000)).await.unwrap();
        assert_eq!(
            again,
            Claimed::Already {
                status: Status::Done,
                fence: 3,
                by_holder
            }
        );
    }
    let mut newer = claim_of(&file, "01", "r4", 20_000);
    newer.processor_version = 2;
    assert_eq!(
        granted(store, &newer).await.fence,
        4,
        "another version of the processor does it again"
    );
}

async fn late_commits<C: Catalogue>(store: &C) {
    let file = file("late");
    let attempt = granted(store, &claim_of(&file, "01", "r1", 10_000)).await;
    let failed = Outcome::Failed(Failure::transient("deadline", "out of time"));
    assert_eq!(
        store
            .commit(&attempt, &failed, UnixMillis::new(10_100))
            .await
            .unwrap(),
        Committed::Yes
    );
    let record = store.get(&file).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.failure.unwrap().code.as_ref()),
        (Status::Failed, "deadline")
    );
    let attempt = granted(store, &claim_of(&file, "01", "r2", 10_200)).await;
    for _ in 0..2 {
        let sent = store
            .commit(&attempt, &done("a"), UnixMillis::new(10_300))
            .await
            .unwrap();
        assert_eq!(
            sent,
            Committed::Yes,
            "a commit sent twice, because its answer got lost, counts"
        );
    }
    let record = store.get(&file).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.outputs.len(), record.failure),
        (Status::Done, 1, None)
    );
    let Outcome::Done { outputs, report } = done("a") else {
        unreachable!()
    };
    assert_eq!((record.outputs, record.report), (outputs, Some(report)));
    let elsewhere = Attempt::new(self::file("nobody"), 1);
    assert_eq!(
        store
            .commit(&elsewhere, &failed, UnixMillis::new(1))
            .await
            .unwrap(),
        Committed::Lost
    );
}

async fn overwritten_uploads<C: Catalogue>(store: &C) {
    let file = file("overwritten");
    let old = granted(store, &claim_of(&file, "01", "r1", 10_000)).await;
    let new = granted(store, &claim_of(&file, "02", "r2", 10_001)).await;
    assert_eq!(
        store
            .commit(&old, &done("old"), UnixMillis::new(10_002))
            .await
            .unwrap(),
        Committed::Lost
    );
    assert_eq!(
        store.claim(&claim_of(&file, "01", "r1", 99_000)).await.unwrap(),
        Claimed::Stale
    );
    assert_eq!(
        store
            .commit(&new, &Outcome::Superseded, UnixMillis::new(10_003))
            .await
            .unwrap(),
        Committed::Yes
    );
    assert_eq!(store.get(&file).await.unwrap().unwrap().status, Status::Pending);
    let newest = granted(store, &claim_of(&file, "0200001", "r3", 10_004)).await;
    let rejected = Outcome::Failed(Failure::rejected("binary", "not a table"));
    assert_eq!(
        store
            .commit(&newest, &rejected, UnixMillis::new(10_005))
            .await
            .unwrap(),
        Committed::Yes
    );
    let record = store.get(&file).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.outputs.len(), record.report),
        (Status::Rejected, 0, None)
    );
}

async fn removed_uploads<C: Catalogue>(store: &C) {
    let removal = |file: &FileRef, sequencer: &str| Removal {
        file: file.clone(),
        kind: "tables".into(),
        name: "x.csv".into(),
        bucket: "uploads".into(),
        key: "tables/x.csv".into(),
        sequencer: Sequencer::new(sequencer),
        now: UnixMillis::new(50_000),
    };
    let marked = |fence| Removed::Marked {
        fence,
        kind: "tables".into(),
    };
    let never_seen = file("unseen");
    assert_eq!(
        store.remove(&removal(&never_seen, "02")).await.unwrap(),
        marked(1)
    );
    assert_eq!(
        store.get(&never_seen).await.unwrap().unwrap().status,
        Status::Removed
    );
    let late = store
        .claim(&claim_of(&never_seen, "01", "r", 60_000))
        .await
        .unwrap();
    assert_eq!(
        late,
        Claimed::Stale,
        "an event that arrives after the removal is old"
    );
    granted(store, &claim_of(&never_seen, "03", "r", 60_000)).await;

    let at_work = file("at-work");
    let attempt = granted(store, &claim_of(&at_work, "01", "r", 49_900)).await;
    assert_eq!(store.remove(&removal(&at_work, "02")).await.unwrap(), marked(2));
    let committed = store
        .commit(&attempt, &done("a"), UnixMillis::new(50_100))
        .await
        .unwrap();
    assert_eq!(committed, Committed::Lost, "what is removed is not done");

    let finished = file("finished");
    let attempt = granted(store, &claim_of(&finished, "01", "r", 40_000)).await;
    store
        .commit(&attempt, &done("a"), UnixMillis::new(40_100))
        .await
        .unwrap();
    assert_eq!(
        store.remove(&removal(&finished, "01")).await.unwrap(),
        Removed::Stale
    );
    assert_eq!(
        store.remove(&removal(&finished, "02")).await.unwrap(),
        Removed::Kept
    );
    let record = store.get(&finished).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.outputs.len()),
        (Status::Done, 1),
        "results outlive their upload"
    );
    assert_eq!(record.upload_removed_at, Some(UnixMillis::new(50_000)));
}

async fn owners_lists<C: Catalogue>(store: &C) {
    let owner = file("lists").owner;
    let mut expected = Vec::new();
    for minute in 0..7 {
        let now = UnixMillis::new(minute * 60_000);
        let file = FileRef {
            owner: owner.clone(),
            id: FileId::generate(now),
        };
        expected.insert(0, file.id);
        store
            .create(&FileRecord::announced(file, "tables", "x", ("uploads", "k"), now))
            .await
            .unwrap();
    }
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..4 {
        let page = page_when_settled(
            store,
            &owner,
            after.as_deref(),
            (expected.len() - seen.len()).min(3),
        )
        .await;
        seen.extend(page.files.iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected, "newest first, none twice, none left out");
    assert_eq!(after, None);
    let young = store
        .list(&owner, 10, None, UnixMillis::new(5 * 60_000))
        .await
        .unwrap();
    let young_ids: Vec<_> = young.files.iter().map(|record| record.id).collect();
    assert_eq!(
        (young_ids.as_slice(), young.next),
        (expected.get(..2).unwrap(), None)
    );
    let stranger = store
        .list(&file("stranger").owner, 10, None, UnixMillis::default())
        .await
        .unwrap();
    assert!(stranger.files.is_empty() && stranger.next.is_none());
}

/// An index may lag behind its table: asks again until the page is as long as it must be.
async fn page_when_settled<C: Catalogue>(
    store: &C,
    owner: &Owner,
    after: Option<&str>,
    length: usize,
) -> Page {
    for _ in 0..50 {
        let page = store.list(owner, 3, after, UnixMillis::default()).await.unwrap();
        if page.files.len() == length {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the list never had {length} files");
}
