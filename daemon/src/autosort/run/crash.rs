//! Points between two statements at which a debug build can be told to die, for the tests that kill it there.
//!
//! `MONZOD_CRASH_AT=sent:2` aborts the process the second time that it passes the point `sent`. A release build has
//! none of this.

/// Dies here, if a test says so.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static TOLD: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let told = TOLD.get_or_init(|| {
        let text = std::env::var("MONZOD_CRASH_AT").ok()?;
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), count.parse().ok()?))
    });
    if let Some((at, count)) = told
        && at == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        tracing::warn!(point = name, "a test kills the daemon here");
        std::process::abort();
    }
}

/// Dies nowhere.
#[cfg(not(debug_assertions))]
pub(crate) const fn point(_: &str) {}
