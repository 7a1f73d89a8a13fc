//! A sync's progress in a line, and how it ended.

use monzo_common::model::{Account, Progress, Sync, SyncPhase, SyncState};

use super::style::{Paint, Style};
use super::text::clean;

/// `Reading the whole history, 2:31 left: 1,200 rows, 14 pages, 3 of 9 windows, 1 of 2 accounts`
pub fn headline(progress: &Progress) -> String {
    let doing = match progress.phase {
        SyncPhase::Accounts => "Asking for accounts and balances",
        SyncPhase::Capture => "Reading the whole history",
        SyncPhase::Incremental => "Reading what is new",
        SyncPhase::Reconcile => "Comparing balances",
        SyncPhase::Ended => "Done",
    };
    let mut parts = Vec::new();
    if progress.pages > 0 {
        parts.push(count(progress.rows, "row"));
        parts.push(count(progress.pages, "page"));
    }
    if progress.windows > 0 {
        parts.push(format!("{} of {}", progress.windows_done, count(progress.windows.into(), "window")));
    }
    if progress.accounts.len() > 1 {
        let done = progress.accounts.iter().filter(|account| account.done).count();
        let all = u64::try_from(progress.accounts.len()).unwrap_or(u64::MAX);
        parts.push(format!("{done} of {}", count(all, "account")));
    }
    // First, since a narrow screen cuts the end.
    let left = progress.window_seconds_left.map(|left| format!(", {}:{:02} left", left / 60, left % 60));
    let doing = format!("{doing}{}", left.unwrap_or_default());
    if parts.is_empty() { doing } else { format!("{doing}: {}", parts.join(", ")) }
}

/// `1 row`, `1,200 rows`
pub(super) fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// `1,200`
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How a sync ended, and which accounts failed.
pub fn outcome(sync: &Sync, accounts: &[Account], style: &Style) -> String {
    let (paint, word) = match sync.state {
        SyncState::Running => (Paint::Note, "Running"),
        SyncState::Done => (Paint::Good, "Synced"),
        SyncState::Partial => (Paint::Note, "Synced in part"),
        SyncState::Failed => (Paint::Bad, "Failed"),
        SyncState::Cancelled => (Paint::Note, "Cancelled"),
    };
    let sum = |of: fn(&monzo_common::model::AccountSync) -> u64| sync.accounts.iter().map(of).sum::<u64>();
    let [added, changed, withdrawn] =
        [sum(|a| a.added), sum(|a| a.changed), sum(|a| a.withdrawn)].map(grouped);
    let took = sync
        .ended_at
        .map(|ended| format!(" in {}", crate::daemon_time::span(ended.duration_since(sync.started_at))));
    let mut text = format!(
        "{}: {added} new, {changed} changed, {withdrawn} withdrawn ({} of {}{})\n",
        style.paint(paint, word),
        count(sum(|a| a.pages), "page"),
        count(sync.accounts.len().try_into().unwrap_or(u64::MAX), "account"),
        took.unwrap_or_default(),
    );
    if let Some(error) = &sync.error {
        text.push_str(&format!("  {} {}\n", style.paint(Paint::Bad, "✗"), clean(error)));
    }
    for failed in &sync.accounts {
        let Some(error) = &failed.error else { continue };
        let known = accounts.iter().find(|account| account.id == failed.account_id);
        let name = known.map_or(failed.account_id.as_str(), |account| &account.name);
        text.push_str(&format!("  {} {}: {}\n", style.paint(Paint::Bad, "✗"), clean(name), clean(error)));
    }
    text
}

#[cfg(test)]
mod tests {
    use monzo_common::fault::FaultKind;
    use monzo_common::model::{AccountSync, ProgressAccount, SyncCause};

    use super::*;
    use crate::view::fixture::{account, now, style};

    #[test]
    fn progress_says_phase_rows_and_time_left() {
        let part = |id: &str, done| ProgressAccount {
            account_id: id.into(),
            name: id.into(),
            pages: 7,
            rows: 600,
            done,
        };
        let progress = Progress {
            sync_id: "s".into(),
            phase: SyncPhase::Capture,
            pages: 14,
            rows: 1_200,
            windows_done: 3,
            windows: 9,
            window_seconds_left: Some(151),
            accounts: vec![part("acc_1", true), part("acc_2", false)],
            sync: None,
        };
        assert_eq!(
            headline(&progress),
            "Reading the whole history, 2:31 left: 1,200 rows, 14 pages, 3 of 9 windows, 1 of 2 accounts"
        );
    }

    #[test]
    fn the_outcome_names_the_accounts_that_failed() {
        let part = |id: &str, error: Option<&str>| AccountSync {
            account_id: id.into(),
            pages: 1,
            added: 3,
            changed: 1,
            withdrawn: 0,
            error: error.map(Into::into),
            code: error.map(|_| FaultKind::BankUnreachable),
        };
        let sync = Sync {
            id: "s".into(),
            state: SyncState::Partial,
            cause: SyncCause::Request,
            started_at: now(),
            ended_at: Some(now() + jiff::SignedDuration::from_secs(3)),
            accounts: vec![part("acc_1", None), part("acc_2", Some("the bank answers with failures"))],
            error: Some("the disk is full".into()),
            code: Some(FaultKind::StoreUnavailable),
        };
        insta::assert_snapshot!(outcome(&sync, &[account("acc_2", "Joint", None)], &style(None)), @r"
        Synced in part: 6 new, 2 changed, 0 withdrawn (2 pages of 2 accounts in 3 s)
          ✗ the disk is full
          ✗ Joint: the bank answers with failures
        ");
    }
}
