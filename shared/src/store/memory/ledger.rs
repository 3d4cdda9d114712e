//! Counts and answers in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::{super::StoreError, lock};
use crate::{
    keys::Owner,
    store::ledger::{Answer, Begun, KEPT_FOR, Ledger, Quota, Repeatable, TRY_ENDS_AFTER, Usage},
    time::UnixMillis,
};

#[derive(Debug)]
struct Kept {
    fingerprint: String,
    since: UnixMillis,
    answer: Option<Answer>,
}

/// Counts and answers in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryLedger {
    usage: Arc<Mutex<HashMap<(Owner, String), Usage>>>,
    requests: Arc<Mutex<HashMap<(Owner, String), Kept>>>,
}

impl Ledger for MemoryLedger {
    async fn charge(
        &self,
        owner: &Owner,
        day: &str,
        bytes: u64,
        quota: Quota,
    ) -> Result<Result<Usage, Usage>, StoreError> {
        let mut usage = lock(&self.usage);
        let used = usage.entry((owner.clone(), day.to_owned())).or_default();
        Ok(match quota.admit(*used, bytes) {
            Some(next) => {
                *used = next;
                Ok(next)
            }
            None => Err(*used),
        })
    }

    async fn usage(&self, owner: &Owner, day: &str) -> Result<Usage, StoreError> {
        let key = (owner.clone(), day.to_owned());
        Ok(lock(&self.usage).get(&key).copied().unwrap_or_default())
    }

    async fn begin(&self, request: &Repeatable, now: UnixMillis) -> Result<Begun, StoreError> {
        let mut requests = lock(&self.requests);
        let key = (request.owner.clone(), request.key.clone());
        if let Some(kept) = requests.get(&key)
            && now < kept.since.after(KEPT_FOR)
        {
            return Ok(if kept.fingerprint != request.fingerprint {
                Begun::Different
            } else if let Some(answer) = &kept.answer {
                Begun::Answered(answer.clone())
            } else if kept.since.after(TRY_ENDS_AFTER) <= now {
                Begun::New { since: kept.since }
            } else {
                Begun::Running
            });
        }
        let kept = Kept {
            fingerprint: request.fingerprint.clone(),
            since: now,
            answer: None,
        };
        requests.insert(key, kept);
        Ok(Begun::New { since: now })
    }

    async fn finish(&self, request: &Repeatable, answer: &Answer) -> Result<(), StoreError> {
        let key = (request.owner.clone(), request.key.clone());
        if let Some(kept) = lock(&self.requests).get_mut(&key) {
            kept.answer = Some(answer.clone());
        }
        Ok(())
    }

    async fn forget(&self, request: &Repeatable) -> Result<(), StoreError> {
        let key = (request.owner.clone(), request.key.clone());
        lock(&self.requests).remove(&key);
        Ok(())
    }
}
