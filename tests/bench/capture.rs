//! A capture over a line on which each answer takes a tenth of a second, against one request at a time.

use std::time::Duration;

use crate::Extent;
use crate::daemon::Daemon;
use crate::table::{Ratio, Table};

const LATENCY: Duration = Duration::from_millis(100);

/// Rows on a page.
const PAGE: usize = 100;

pub async fn run(extent: Extent, table: &mut Table) {
    let rows = extent.pages * PAGE;
    let (daemon, alone) = Daemon::capture(rows, LATENCY, 1).await;
    let requests = daemon.bank.requests();
    daemon.close().await;
    let (daemon, four) = Daemon::capture(rows, LATENCY, 4).await;
    daemon.close().await;
    let what = format!("capture of {} pages at {LATENCY:?}", extent.pages);
    table.time(format!("{what}, one request at a time ({requests})"), alone.wall, None);
    table.time(
        format!("{what}, four at a time"),
        four.wall,
        Some(Ratio::of(four.wall, alone.wall, 0.3, 0.6)),
    );
}
