//! The table's stream: from what became of files to deliveries in the queue.

use std::collections::HashMap;

use shared::{
    catalogue::FileRecord,
    keys::{FileRef, Owner},
    store::{Catalogue, StoreError, StoreErrorKind, endpoints::Endpoints},
    time::UnixMillis,
    webhook::EndpointId,
};

use crate::{
    change::{self, News},
    delivery::{Delivery, Queue},
    event::{EventError, TableChange},
    notice::Notice,
};

/// Reads the stream.
#[derive(Debug, Clone)]
pub struct Watcher<C, E, Q> {
    /// The records, to let announcements expire.
    pub catalogue: C,
    /// Who is to be told.
    pub endpoints: E,
    /// Where deliveries wait.
    pub queue: Q,
    /// How often Lambda tries an invocation of a function that unloads files, retries included.
    pub tries: usize,
    /// The clock.
    pub now: fn() -> UnixMillis,
}

/// The endpoints of the owners that were asked for in one batch.
type Seen = HashMap<Owner, Vec<EndpointId>>;

impl<C: Catalogue, E: Endpoints, Q: Queue> Watcher<C, E, Q> {
    /// Sees to changes in their order. Gives the number of the first that is to be tried again, and with it all after
    /// it: the stream comes back from there.
    ///
    /// A change that cannot be understood is logged and passed over: it would block the stream, and trying it
    /// again changes nothing.
    pub async fn watch(&self, changes: Vec<Result<TableChange, EventError>>) -> Option<String> {
        let mut seen = Seen::new();
        for change in changes {
            let change = match change {
                Ok(change) => change,
                Err(error) => {
                    tracing::error!(%error, "the record of the stream cannot be understood; passed over");
                    continue;
                }
            };
            let sequence_number = change.sequence_number.as_deref().unwrap_or_default();
            let news = match change::read(&change, self.tries) {
                Ok(news) => news,
                Err(error) => {
                    tracing::error!(%error, sequence_number, "the change cannot be understood; passed over");
                    continue;
                }
            };
            match self.see_to(news, &mut seen).await {
                Ok(()) => {}
                Err(error) if error.kind == StoreErrorKind::Malformed => {
                    tracing::error!(%error, sequence_number, "the change cannot be seen to; passed over");
                }
                Err(error) => {
                    tracing::error!(%error, sequence_number, "the change could not be seen to; it comes back");
                    return Some(sequence_number.to_owned());
                }
            }
        }
        None
    }

    async fn see_to(&self, news: News, seen: &mut Seen) -> Result<(), StoreError> {
        match news {
            News::Nothing => Ok(()),
            News::Overdue { file, now } => self.expire(&file, now).await,
            News::Ended(record) => self.tell(*record, seen).await,
        }
    }

    /// Its own change, if it makes one, comes back through the stream, and tells the owner.
    async fn expire(&self, file: &FileRef, at_least: UnixMillis) -> Result<(), StoreError> {
        let now = (self.now)().max(at_least);
        if self.catalogue.expire(file, now).await? {
            tracing::info!(file_id = %file.id, "expired: nothing was uploaded in time");
        }
        Ok(())
    }

    async fn tell(&self, record: FileRecord, seen: &mut Seen) -> Result<(), StoreError> {
        let owner = record.owner.clone();
        let ids = if let Some(ids) = seen.get(&owner) {
            ids
        } else {
            let endpoints = self.endpoints.endpoints(&owner).await?;
            let ids = endpoints.into_iter().map(|endpoint| endpoint.id).collect();
            seen.entry(owner).or_insert(ids)
        };
        if ids.is_empty() {
            return Ok(());
        }
        let file = record.file();
        let notice = Notice::of(record)
            .map_err(|error| StoreError::new(StoreErrorKind::Malformed, "Notice", file, error.to_string()))?;
        let deliveries: Vec<_> = ids.iter().map(|id| Delivery::new(&notice, *id)).collect();
        self.queue.send(&deliveries).await?;
        tracing::info!(
            file_id = %notice.file_id,
            webhook_id = notice.webhook_id,
            endpoints = deliveries.len(),
            "on its way"
        );
        Ok(())
    }
}
