//! Sorts files by their bytes.
