//! What every store of counts and answers must do.

use std::time::Duration;

use super::catalogue::file;
use crate::{
    store::ledger::{Answer, Begun, KEPT_FOR, Ledger, Quota, Repeatable, TRY_ENDS_AFTER, Usage},
    time::UnixMillis,
};

/// Runs the suite for stores of counts and answers.
pub async fn ledger<L: Ledger>(store: &L) {
    quotas(store).await;
    repetitions(store).await;
}

async fn quotas<L: Ledger>(store: &L) {
    let owner = file("quota").owner;
    let quota = Quota { files: 3, bytes: 100 };
    let usage = |files, bytes| Usage { files, bytes };
    assert_eq!(store.usage(&owner, "2026-11-21").await.unwrap(), usage(0, 0));
    let charge = async |bytes| store.charge(&owner, "2026-11-21", bytes, quota).await.unwrap();
    assert_eq!(charge(60).await, Ok(usage(1, 60)));
    assert_eq!(
        charge(41).await,
        Err(usage(1, 60)),
        "too many bytes are not counted"
    );
    assert_eq!(charge(101).await, Err(usage(1, 60)));
    assert_eq!(charge(40).await, Ok(usage(2, 100)));
    assert_eq!(charge(0).await, Ok(usage(3, 100)));
    assert_eq!(charge(0).await, Err(usage(3, 100)), "too many files");
    assert_eq!(store.usage(&owner, "2026-11-21").await.unwrap(), usage(3, 100));
    let tomorrow = store.charge(&owner, "2026-11-22", 1, quota).await.unwrap();
    assert_eq!(tomorrow, Ok(usage(1, 1)), "each day has its own");
    let nothing = Quota { files: 0, bytes: 9 };
    assert_eq!(
        store.charge(&owner, "2026-11-23", 1, nothing).await.unwrap(),
        Err(usage(0, 0))
    );
    let stranger = file("stranger").owner;
    assert_eq!(store.usage(&stranger, "2026-11-21").await.unwrap(), usage(0, 0));
}

async fn repetitions<L: Ledger>(store: &L) {
    let request = Repeatable {
        owner: file("repeats").owner,
        key: "key".into(),
        fingerprint: "asks this".into(),
    };
    let now = UnixMillis::now();
    let begin = async |request: &Repeatable, now| store.begin(request, now).await.unwrap();
    assert_eq!(begin(&request, now).await, Begun::New { since: now });
    let soon = now.after(Duration::from_secs(1));
    assert_eq!(begin(&request, soon).await, Begun::Running);
    let other = Repeatable {
        fingerprint: "asks that".into(),
        ..request.clone()
    };
    assert_eq!(begin(&other, soon).await, Begun::Different);
    let late = now.after(TRY_ENDS_AFTER);
    assert_eq!(
        begin(&request, late).await,
        Begun::New { since: now },
        "the first try broke off"
    );

    let answer = Answer {
        status: 201,
        headers: vec![("location".into(), "/v1/files/x".into())],
        body: "{\"ü\":1}".into(),
    };
    store.finish(&request, &answer).await.unwrap();
    assert_eq!(begin(&request, late).await, Begun::Answered(answer));
    assert_eq!(begin(&other, late).await, Begun::Different);
    let stranger = Repeatable {
        owner: file("stranger").owner,
        ..other.clone()
    };
    assert_eq!(
        begin(&stranger, late).await,
        Begun::New { since: late },
        "names are an owner's own"
    );
    let tomorrow = now.after(KEPT_FOR + Duration::from_secs(1));
    assert_eq!(begin(&other, tomorrow).await, Begun::New { since: tomorrow });
    store.forget(&other).await.unwrap();
    assert_eq!(begin(&request, tomorrow).await, Begun::New { since: tomorrow });
}
