//! What a target does beside what it asserts: panics of others' decoders that the core turns into refusals are none, and memory
//! has an end.

use std::{
    alloc::System,
    backtrace::Backtrace,
    cell::RefCell,
    panic::{self, AssertUnwindSafe, Location},
    process,
};

use cap::Cap;

/// Far above what the limits of the targets allow to be held: what is beyond was sized by the file alone, and ends the process.
const MOST_BYTES: usize = 256 << 20;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, MOST_BYTES);

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// libFuzzer's own hook ends the process at any panic, but those of others' decoders are caught (`decode/refusal.rs`): what one
/// says is kept until it is known whether anybody caught it. One of ours is a find even there.
pub fn keep_panics() {
    panic::set_hook(Box::new(|panic| {
        let said = format!("{panic}\n{}", Backtrace::capture());
        if panic.location().is_some_and(is_ours) {
            end(&said);
        }
        LAST.with_borrow_mut(|last| *last = said);
    }));
}

/// Neither of a crate from a registry nor of the standard library.
fn is_ours(location: &Location<'_>) -> bool {
    let file = location.file();
    !file.contains("/registry/src/") && !file.starts_with("/rustc/")
}

/// Ends the process where libFuzzer sees it if a panic comes out.
pub fn run(test: impl FnOnce()) {
    if panic::catch_unwind(AssertUnwindSafe(test)).is_err() {
        LAST.with_borrow(|last| end(last));
    }
}

fn end(said: &str) -> ! {
    eprintln!("{said}");
    process::abort()
}
