//! Watches the catalogue.
