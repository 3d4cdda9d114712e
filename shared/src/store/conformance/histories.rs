//! Random histories: a store must end up, step for step, where the transitions lead.

use serde_json::json;

use super::catalogue::{claim_of, done, file};
use crate::{
    catalogue::{
        Attempt, Claim, Deletion, FileRecord, Identified, Outcome, Removal, Reprocess, Sequencer, Upload,
    },
    failure::Failure,
    keys::AUTO,
    store::{Catalogue, memory::MemoryCatalogue},
    time::UnixMillis,
};

/// Runs random histories through a store of records and through the transitions.
pub async fn histories<C: Catalogue>(store: &C) {
    for seed in 1..=30 {
        history(store, seed).await;
    }
}

fn identified(kind: Option<&str>) -> Identified {
    Identified {
        kind: kind.map(str::to_owned),
        format: "csv".into(),
        looks_like: "CSV".into(),
        media_type: "text/csv".into(),
        confidence: 0.75,
        declared_type: Some("image/png".into()),
        mismatch: true,
    }
}

/// How attempts may end.
fn outcomes() -> [Outcome; 7] {
    [
        done("a"),
        Outcome::Failed(Failure::rejected("bad", "bad")),
        Outcome::Failed(Failure::internal("panic", "panic")),
        Outcome::Superseded,
        Outcome::Gone,
        Outcome::HandedOver(identified(Some("tables"))),
        Outcome::Unknown(
            identified(None),
            Failure::rejected("unknown-format", "a PDF document"),
        ),
    ]
}

/// One random history of one file.
async fn history<C: Catalogue>(store: &C, seed: u64) {
    let model = MemoryCatalogue::default();
    let file = file("history");
    if seed.is_multiple_of(2) {
        let at = ("uploads", "inbox/k");
        let mut announced = FileRecord::announced(file.clone(), AUTO, "n", at, UnixMillis::new(9_000));
        announced.upload_expires_at = Some(UnixMillis::new(15_000));
        announced.options = Some(json!({"tables": {"delimiter": ";"}}));
        store.create(&announced).await.unwrap();
        model.create(&announced).await.unwrap();
    }
    let mut random = seed;
    // A linear congruential generator (Knuth, MMIX): the same histories for every store.
    let mut below = move |bound: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let (mut now, outcomes) = (10_000, outcomes());
    for step in 0..25 {
        now += below(700);
        let context = format!("seed {seed}, step {step}");
        match below(14) {
            0..5 => {
                let (sequencer, holder) = (format!("0{}", below(4)), format!("r{}", below(3)));
                let mut claim = claim_of(&file, &sequencer, &holder, now);
                claim.processor_version = 1 + u32::from(below(8) == 0);
                if below(3) == 0 {
                    claim.kind = AUTO.into();
                }
                assert_eq!(store.claim(&claim).await, model.claim(&claim).await, "{context}");
            }
            5..9 => {
                let current = model.get(&file).await.unwrap().map_or(1, |record| record.fence);
                let attempt = Attempt::new(file.clone(), current.saturating_sub(below(2)));
                let outcome = outcomes.get(usize::try_from(below(7)).unwrap()).unwrap();
                let at = UnixMillis::new(now);
                let expected = model.commit(&attempt, outcome, at).await;
                assert_eq!(store.commit(&attempt, outcome, at).await, expected, "{context}");
            }
            9 => {
                let at = UnixMillis::new(now);
                assert_eq!(
                    store.expire(&file, at).await,
                    model.expire(&file, at).await,
                    "{context}"
                );
            }
            10..12 => {
                let wish = Reprocess {
                    file: file.clone(),
                    options: (below(2) == 0).then(|| json!({})),
                    now: UnixMillis::new(now),
                };
                assert_eq!(
                    store.reprocess(&wish).await,
                    model.reprocess(&wish).await,
                    "{context}"
                );
            }
            12 if below(4) == 0 => {
                let deletion = Deletion {
                    file: file.clone(),
                    sequencer: Sequencer::new(&format!("0{}", below(4))),
                    now: UnixMillis::new(now),
                    forgotten_at: 4_000_000_000,
                };
                assert_eq!(
                    store.delete(&deletion).await,
                    model.delete(&deletion).await,
                    "{context}"
                );
            }
            _ => {
                let removal = removal_of(claim_of(&file, &format!("0{}", below(4)), "r", now));
                assert_eq!(
                    store.remove(&removal).await,
                    model.remove(&removal).await,
                    "{context}"
                );
            }
        }
        assert_eq!(
            store.get(&file).await.unwrap(),
            model.get(&file).await.unwrap(),
            "{context}"
        );
    }
}

/// The news that the upload of a claim was deleted.
fn removal_of(claim: Claim) -> Removal {
    let Upload { sequencer, .. } = claim.upload;
    Removal {
        file: claim.file,
        kind: claim.kind,
        name: claim.name,
        bucket: claim.bucket,
        key: claim.key,
        sequencer,
        now: claim.now,
    }
}
