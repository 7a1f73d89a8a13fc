//! A sync of what is new, over histories of several lengths.

use std::time::Duration;

use crate::Extent;
use crate::daemon::Daemon;
use crate::measure::median;
use crate::table::{Ratio, Table};

/// Rows that are new to each sync.
const NEW: usize = 100;

pub async fn run(extent: Extent, table: &mut Table) {
    let mut first = None;
    for rows in extent.histories {
        let (daemon, _) = Daemon::capture(*rows, Duration::ZERO, 4).await;
        // What only the first sync does: all that the bank still serves is read again.
        daemon.sync(NEW).await;
        let (mut walls, mut cpus) = (Vec::new(), Vec::new());
        for _ in 0..extent.rounds {
            let (wall, cpu) = daemon.sync(NEW).await;
            walls.push(wall);
            cpus.push(cpu);
        }
        daemon.close().await;
        let (wall, cpu) = (median(&mut walls), median(&mut cpus));
        let (first_wall, first_cpu) = *first.get_or_insert((wall, cpu));
        let compared = |one, other| (*rows != extent.histories[0]).then(|| Ratio::of(one, other, 1.2, 3.0));
        table.time(format!("sync of {NEW} new rows, {rows} stored"), wall, compared(wall, first_wall));
        table.time("    processor, with the sorter's look after it", cpu, compared(cpu, first_cpu));
    }
}
