//! The signal that the stack is to stop.

use tokio::sync::watch;

/// Seen by everything that runs in the stack.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// The two ends. Dropping the sender counts as the signal.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    pub(crate) fn is_given(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }

    /// Waits for the signal.
    pub(crate) async fn given(&mut self) {
        // The guard must not live on: it would keep the caller's future from moving between threads.
        drop(self.0.wait_for(|stop| *stop).await);
    }
}
