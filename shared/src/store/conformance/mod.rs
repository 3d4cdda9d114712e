//! What every store must do, as a suite to run against each implementation.
//!
//! A broken promise panics with what was expected: call these from a test.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test suite: a panic is how it reports"
)]

mod catalogue;
mod objects;

pub use catalogue::catalogue;
pub use objects::objects;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::{MemoryCatalogue, MemoryObjects};

    #[tokio::test]
    async fn the_stores_in_memory_conform() {
        let store = MemoryObjects::default();
        objects(&store, "bucket", &async |at| store.etag(&at).unwrap()).await;
        catalogue(&MemoryCatalogue::default()).await;
    }
}
