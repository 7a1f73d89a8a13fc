//! What the daemon costs, in one table: `cargo bench -p monzo-tests --bench bench`; README.md says how to read it.
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

mod bank;
mod capture;
mod daemon;
mod ingest;
mod measure;
mod status;
mod sync;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use table::Table;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Rows of the histories that a sync is measured over; the others are compared with the first.
    pub histories: &'static [usize],
    /// Rows of a capture that is compared with a bare loop.
    pub ingested: usize,
    /// Pages of a capture over a slow line.
    pub pages: usize,
    /// Times that each thing is done; the middle one counts.
    pub rounds: usize,
}

/// Minutes in an optimised build.
const FULL: Extent =
    Extent { histories: &[10_000, 100_000, 1_000_000], ingested: 20_000, pages: 200, rounds: 9 };

/// About a minute in a debug build.
const QUICK: Extent = Extent { histories: &[10_000, 100_000], ingested: 5_000, pages: 120, rounds: 7 };

fn main() -> ExitCode {
    // Cargo says `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let quick = arguments.iter().any(|one| one == "--quick");
    let only: Vec<&String> = arguments.iter().filter(|one| !one.starts_with("--")).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| *one == name);
    let extent = if quick { QUICK } else { FULL };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        // A thread that ends would take its time on the processor with it.
        .thread_keep_alive(Duration::from_secs(3600))
        .enable_all()
        .build()
        .expect("a runtime");
    let mut table = Table::default();
    runtime.block_on(async {
        if wanted("ingest") {
            ingest::run(extent, &mut table).await;
        }
        if wanted("sync") {
            sync::run(extent, &mut table).await;
        }
        if wanted("capture") {
            capture::run(extent, &mut table).await;
        }
    });
    if wanted("status") {
        status::run(extent, &mut table);
    }
    print!("{table}");
    if table.far_off() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
