//! Past syncs and quarantine.

use monzo_common::model::{Account, Quarantined, QuarantinedRecord, Sync, SyncState};

use super::account::facts;
use super::progress::outcome;
use super::style::{Paint, Style};
use super::table::{Align, Table};
use super::text::kept_indent;

/// `sync history`
pub fn syncs(syncs: &[Sync], quarantined: &[Quarantined], style: &Style) -> String {
    let mut text = String::new();
    if syncs.is_empty() {
        text.push_str("No syncs to show.\n");
    } else {
        let mut table = Table::new(&[
            ("BEGAN", Align::Left),
            ("TOOK", Align::Right),
            ("WHY", Align::Left),
            ("STATE", Align::Left),
            ("NEW", Align::Right),
            ("CHANGED", Align::Right),
            ("WITHDRAWN", Align::Right),
            ("ID", Align::Left),
            ("", Align::Flexible),
        ])
        .sparing(&["WITHDRAWN", "CHANGED", "TOOK", "WHY"]);
        syncs.iter().for_each(|sync| add(&mut table, sync, style));
        text.push_str(&table.take(style));
    }
    if !quarantined.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            style.paint(Paint::Strong, "Unreadable records (kept; `monzoctl show ID` shows one)")
        ));
        let mut table = Table::new(&[
            ("SEEN", Align::Left),
            ("ACCOUNT", Align::Left),
            ("TRANSACTION", Align::Left),
            ("WHY", Align::Flexible),
            ("ID", Align::Left),
        ])
        .sparing(&["ACCOUNT", "SEEN"]);
        for record in quarantined {
            let id = record.transaction_id.as_deref().unwrap_or("–");
            table.row([
                &style.time.minute(record.at),
                record.account_id.as_str(),
                id,
                &record.reason,
                &format!("record_{}", record.id),
            ]);
        }
        text.push_str(&table.take(style));
    }
    text
}

fn add(table: &mut Table, sync: &Sync, style: &Style) {
    let (paint, state) = match sync.state {
        SyncState::Running => (Paint::Note, "running"),
        SyncState::Done => (Paint::Good, "done"),
        SyncState::Partial => (Paint::Note, "partial"),
        SyncState::Failed => (Paint::Bad, "failed"),
        SyncState::Cancelled => (Paint::Note, "cancelled"),
    };
    let took = sync.ended_at.map(|ended| crate::daemon_time::span(ended.duration_since(sync.started_at)));
    let sum = |of: fn(&monzo_common::model::AccountSync) -> u64| {
        sync.accounts.iter().map(of).sum::<u64>().to_string()
    };
    let parts = sync.accounts.iter().map(|account| account.error.as_deref());
    let error = std::iter::once(sync.error.as_deref()).chain(parts).flatten().next().unwrap_or_default();
    table.painted([
        (&style.time.minute(sync.started_at), Paint::Plain),
        (&took.unwrap_or_default(), Paint::Quiet),
        (sync.cause.word(), Paint::Quiet),
        (state, paint),
        (&sum(|account| account.added), Paint::Plain),
        (&sum(|account| account.changed), Paint::Plain),
        (&sum(|account| account.withdrawn), Paint::Plain),
        (&sync.id, Paint::Quiet),
        (error, Paint::Bad),
    ]);
}

/// `show RECORD`: a record that could not be understood.
pub fn show_record(found: &QuarantinedRecord, accounts: &[Account], style: &Style) -> String {
    let record = &found.record;
    let account = accounts.iter().find(|account| account.id == record.account_id);
    let account = account.map_or_else(|| record.account_id.to_string(), |account| account.name.clone());
    let text = facts(
        style,
        &[
            ("Unreadable record", format!("record_{}", record.id)),
            ("Transaction", record.transaction_id.clone().unwrap_or_default()),
            ("Account", account),
            ("First seen", style.time.second(record.at)),
            ("Problem", record.reason.clone()),
        ],
    );
    // What cannot be read as JSON is shown as it is.
    let raw = serde_json::from_str::<serde_json::Value>(&found.raw);
    let raw =
        raw.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| found.raw.clone());
    let raw: String = raw.lines().map(|line| format!("  {}\n", kept_indent(line))).collect();
    format!("{text}\n{}\n{raw}", style.paint(Paint::Strong, "As the bank sent it"))
}

/// `show SYNC`
pub fn show_sync(sync: &Sync, accounts: &[Account], style: &Style) -> String {
    let text = facts(
        style,
        &[
            ("Sync", sync.id.clone()),
            ("Reason", sync.cause.to_string()),
            ("Started", style.time.second(sync.started_at)),
            ("Ended", sync.ended_at.map(|at| style.time.second(at)).unwrap_or_default()),
        ],
    );
    format!("{text}{}", outcome(sync, accounts, style))
}
