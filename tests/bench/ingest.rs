//! Rows in: the daemon's capture against the least that a program could do with the same pages.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use monzod::clock::Clock;
use monzod::monzo::{Method, Request, Transport};
use rusqlite::{Connection, params};
use serde_json::Value;
use tempfile::TempDir;

use crate::Extent;
use crate::bank::{ACCOUNT, Bank, NOW, OPENED};
use crate::daemon::Daemon;
use crate::measure::{Cost, measured, median};
use crate::table::{Ratio, Table};

/// Each is done as often as that, one after the other; the middle ones count.
const ROUNDS: usize = 3;

pub async fn run(extent: Extent, table: &mut Table) {
    let (mut bare_walls, mut bare_cpus, mut walls, mut cpus) = (vec![], vec![], vec![], vec![]);
    let (mut bare_size, mut size) = (0, 0);
    for _ in 0..ROUNDS {
        let (cost, bytes) = bare(extent.ingested).await;
        bare_size = bytes;
        bare_walls.push(cost.wall);
        bare_cpus.push(cost.cpu);
        let (daemon, cost) = Daemon::capture(extent.ingested, Duration::ZERO, 4).await;
        let state = daemon.close().await;
        size = bytes_in(state.path());
        walls.push(cost.wall);
        cpus.push(cost.cpu);
    }
    let rows = extent.ingested;
    let (bare_wall, bare_cpu) = (median(&mut bare_walls), median(&mut bare_cpus));
    let (wall, cpu) = (median(&mut walls), median(&mut cpus));
    table.time(format!("{rows} rows by a bare loop"), bare_wall, None);
    table.time(format!("{rows} rows by a capture"), wall, Some(Ratio::of(wall, bare_wall, 1.0, 4.0)));
    table.time("    processor, the bare loop", bare_cpu, None);
    table.time("    processor, the capture", cpu, Some(Ratio::of(cpu, bare_cpu, 1.3, 5.0)));
    table.add("    bytes a row, the bare loop", format!("{} B", bare_size / rows as u64), None);
    table.add("    bytes a row, the capture", format!("{} B", size / rows as u64), None);
}

/// Fetches, parses, and keeps what was parsed and the JSON by one prepared upsert, in a transaction a page.
async fn bare(rows: usize) -> (Cost, u64) {
    let bank = Arc::new(Bank::new(&Clock::manual(NOW), rows, Duration::ZERO).rendered());
    let state = TempDir::new().expect("a directory");
    let ((), cost) = measured(bare_loop(&bank, &state)).await;
    (cost, bytes_in(state.path()))
}

async fn bare_loop(bank: &Bank, state: &TempDir) {
    let mut connection = Connection::open(state.path().join("bare.db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE rows (id TEXT PRIMARY KEY, created_at INTEGER, settled_at INTEGER, amount INTEGER, \
             currency TEXT, description TEXT, category TEXT, scheme TEXT, merchant TEXT, raw TEXT) STRICT",
        )
        .expect("a table");
    let mut since = OPENED.to_string();
    loop {
        let mut request = Request::new(Method::Get, "/transactions");
        request.query = vec![
            ("account_id", ACCOUNT.to_owned()),
            ("since", since),
            ("before", NOW.to_string()),
            ("limit", "100".to_owned()),
        ];
        let answer = bank.send(request).await.expect("an answer");
        let page: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let listed = page["transactions"].as_array().expect("a list");
        let Some(last) = listed.last() else { return };
        since = last["id"].as_str().expect("an id").to_owned();
        let transaction = connection.transaction().expect("a transaction");
        {
            let mut upsert = transaction
                .prepare_cached(
                    "INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO UPDATE SET \
                     settled_at = excluded.settled_at, amount = excluded.amount, raw = excluded.raw",
                )
                .expect("a statement");
            for row in listed {
                let text = |key: &str| row[key].as_str();
                let at = |key| {
                    text(key).and_then(|at| at.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond)
                };
                let values = params![
                    text("id"),
                    at("created"),
                    at("settled"),
                    row["amount"].as_i64(),
                    text("currency"),
                    text("description"),
                    text("category"),
                    text("scheme"),
                    row["merchant"]["name"].as_str(),
                    row.to_string(),
                ];
                upsert.execute(values).expect("kept");
            }
        }
        transaction.commit().expect("kept");
    }
}

fn bytes_in(directory: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let databases = entries.filter(|entry| entry.path().to_string_lossy().contains(".db"));
    databases.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
