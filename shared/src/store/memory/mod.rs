//! Stores in memory: what the S3 and DynamoDB stores promise, without them.

mod catalogue;
mod endpoints;
mod ledger;
mod objects;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use catalogue::MemoryCatalogue;
pub use endpoints::MemoryEndpoints;
pub use ledger::MemoryLedger;
pub use objects::MemoryObjects;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment: a panic elsewhere cannot have left half of one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
