//! What something costs: time on the wall, and time on the processor.

use std::time::{Duration, Instant};

/// No work for this long means that all is done. Taste.
const QUIET: Duration = Duration::from_millis(40);

/// Less than this in that time is no work.
const NEXT_TO_NOTHING: Duration = Duration::from_millis(1);

/// What something has cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

/// Runs `work` and says what it cost this whole process.
pub async fn measured<T>(work: impl Future<Output = T>) -> (T, Cost) {
    let (began, cpu) = (Instant::now(), processor());
    let done = work.await;
    (done, Cost { wall: began.elapsed(), cpu: processor().saturating_sub(cpu) })
}

/// Waits until this process has nothing to do any more.
pub async fn settled() {
    loop {
        let before = processor();
        tokio::time::sleep(QUIET).await;
        if processor().saturating_sub(before) < NEXT_TO_NOTHING {
            return;
        }
    }
}

/// The time on the processor of all threads of this process that are alive: the runtime's live as long as it does.
fn processor() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").expect("a list of threads");
    let nanoseconds = |entry: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(entry.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.filter_map(nanoseconds).sum())
}

/// The middle one.
pub fn median<T: Ord + Copy>(values: &mut [T]) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}
