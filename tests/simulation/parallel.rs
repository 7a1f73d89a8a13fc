//! Many scenarios at once, as many as the machine has cores; the first failure is told whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many seeds are wanted, where somebody says so.
pub fn wanted() -> Option<u64> {
    std::env::var("MONZO_SIMULATION_SEEDS").ok()?.parse().ok()
}

/// Somebody has the time for everything.
pub fn soaking() -> bool {
    wanted().is_some()
}

/// Does `each` for every item, and panics with the first failure.
pub fn all<T: Send>(items: impl Iterator<Item = T> + Send, each: impl Fn(T) + Sync) {
    let items = Mutex::new(items);
    let (failed, first) = (AtomicBool::new(false), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let next = items.lock().expect("no panic while it is held").next();
                    let Some(item) = next else { break };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| each(item))) {
                        failed.store(true, Ordering::Relaxed);
                        first.lock().expect("no panic while it is held").get_or_insert(panic);
                    }
                }
            });
        }
    });
    if let Some(panic) = first.into_inner().expect("no panic while it is held") {
        std::panic::resume_unwind(panic);
    }
}
