//! What every store must do, as a suite to run against each implementation.
//!
//! A broken promise panics with what was expected: call these from a test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite: a panic is how it reports"
)]

mod catalogue;
mod endpoints;
mod histories;
mod ledger;
mod lifecycle;
mod objects;

pub use catalogue::catalogue;
pub use endpoints::endpoints;
pub use histories::histories;
pub use ledger::ledger;
pub use lifecycle::lifecycle;
pub use objects::objects;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::{MemoryCatalogue, MemoryEndpoints, MemoryLedger, MemoryObjects};

    #[tokio::test]
    async fn the_stores_in_memory_conform() {
        let store = MemoryObjects::default();
        objects(&store, "bucket", &async |at| store.etag(&at).unwrap()).await;
        let records = MemoryCatalogue::default();
        catalogue(&records).await;
        lifecycle(&records).await;
        histories(&records).await;
        ledger(&MemoryLedger::default()).await;
        endpoints(&MemoryEndpoints::default()).await;
    }
}
