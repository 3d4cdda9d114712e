//! What the stack has to say beside the reports of invocations: one line each, to whoever started it.

use std::sync::Arc;

/// Where notes go.
#[derive(Clone)]
pub struct Notes(Arc<dyn Fn(&str) + Send + Sync>);

impl Notes {
    /// Notes go to that function.
    pub fn to(sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(crate) fn say(&self, note: &str) {
        (self.0)(note);
    }
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Notes")
    }
}

impl Default for Notes {
    /// Notes go nowhere.
    fn default() -> Self {
        Self::to(|_| {})
    }
}
