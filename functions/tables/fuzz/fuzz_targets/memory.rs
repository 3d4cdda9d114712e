//! Memory has an end: a target whose input is small and needs more than this was told how much by the input.

use std::alloc::System;

use cap::Cap;

/// A few slabs, and what becomes of them.
const MOST_BYTES: usize = 256 << 20;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, MOST_BYTES);
