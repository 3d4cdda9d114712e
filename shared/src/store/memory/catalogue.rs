//! Records in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::{
    super::{Catalogue, Page, StoreError, StoreErrorKind},
    lock,
};
use crate::{
    catalogue::{
        Attempt, Claim, Claimed, Committed, Deletion, FileRecord, Outcome, Removal, Removed, Reprocess,
        ReprocessRefusal, Status, lifecycle, transition,
    },
    keys::{FileRef, Owner},
    time::UnixMillis,
};

/// Records in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryCatalogue {
    records: Arc<Mutex<HashMap<FileRef, FileRecord>>>,
}

impl Catalogue for MemoryCatalogue {
    async fn create(&self, record: &FileRecord) -> Result<(), StoreError> {
        let mut records = lock(&self.records);
        let file = record.file();
        if records.contains_key(&file) {
            return Err(StoreError::new(
                StoreErrorKind::Changed,
                "create",
                &file,
                "the file has a record already",
            ));
        }
        records.insert(file, record.clone());
        Ok(())
    }

    async fn get(&self, file: &FileRef) -> Result<Option<FileRecord>, StoreError> {
        Ok(lock(&self.records).get(file).cloned())
    }

    async fn list(
        &self,
        owner: &Owner,
        limit: u16,
        after: Option<&str>,
        since: UnixMillis,
    ) -> Result<Page, StoreError> {
        let mut files: Vec<_> = lock(&self.records)
            .values()
            .filter(|record| record.owner == *owner && record.status != Status::Deleted)
            .filter(|record| record.created_at >= since)
            .filter(|record| after.is_none_or(|after| *record.listed_as() < *after))
            .cloned()
            .collect();
        files.sort_by_key(|record| std::cmp::Reverse(record.listed_as()));
        let more = files.len() > usize::from(limit);
        files.truncate(usize::from(limit));
        let next = files.last().filter(|_| more).map(FileRecord::listed_as);
        Ok(Page { files, next })
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let mut records = lock(&self.records);
        let (claimed, next) = transition::claim(records.get(&claim.file), claim);
        if let Some(next) = next {
            records.insert(claim.file.clone(), next);
        }
        Ok(claimed)
    }

    async fn commit(
        &self,
        attempt: &Attempt,
        outcome: &Outcome,
        now: UnixMillis,
    ) -> Result<Committed, StoreError> {
        let mut records = lock(&self.records);
        let next = records
            .get(&attempt.file)
            .and_then(|record| transition::commit(record, attempt, outcome, now));
        Ok(match next {
            Some(next) => {
                records.insert(attempt.file.clone(), next);
                Committed::Yes
            }
            None => Committed::Lost,
        })
    }

    async fn remove(&self, removal: &Removal) -> Result<Removed, StoreError> {
        let mut records = lock(&self.records);
        Ok(match transition::remove(records.get(&removal.file), removal) {
            Some((removed, next)) => {
                records.insert(removal.file.clone(), next);
                removed
            }
            None => Removed::Stale,
        })
    }

    async fn reprocess(&self, wish: &Reprocess) -> Result<Result<FileRecord, ReprocessRefusal>, StoreError> {
        let mut records = lock(&self.records);
        let next = lifecycle::reprocess(records.get(&wish.file), wish);
        if let Ok(next) = &next {
            records.insert(wish.file.clone(), next.clone());
        }
        Ok(next)
    }

    async fn expire(&self, file: &FileRef, now: UnixMillis) -> Result<bool, StoreError> {
        let mut records = lock(&self.records);
        let next = records
            .get(file)
            .and_then(|record| lifecycle::expire(record, now));
        let expired = next.is_some();
        if let Some(next) = next {
            records.insert(file.clone(), next);
        }
        Ok(expired)
    }

    async fn delete(&self, deletion: &Deletion) -> Result<Option<u64>, StoreError> {
        let mut records = lock(&self.records);
        Ok(records.get_mut(&deletion.file).map(|record| {
            *record = lifecycle::delete(record, deletion);
            record.fence
        }))
    }
}
