//! `profile.html`.

use super::report::Table;

/// The page.
pub(crate) fn page(_table: &Table) -> String {
    String::new()
}
