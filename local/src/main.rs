//! `make dev`: starts the local stack and prints where it listens.

fn main() {}
