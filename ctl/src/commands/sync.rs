//! `sync`, `sync cancel` and `sync history`.

use std::time::Duration;

use monzo_common::api::client::*;
use monzo_common::model::{LoginState, Quarantined, Status, Sync, SyncPhase, SyncState};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::status::unread;
use crate::args::{self, Output, SyncCommand};
use crate::client::Daemon;
use crate::daemon_time::DaemonTime;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress_line::ProgressLine;
use crate::session::Session;
use crate::view::{self, columns};

/// How often the sync itself is asked for, in case its progress does not come.
const LOOK: Duration = Duration::from_millis(500);

/// Past syncs on one page.
const PAGE: u32 = 100;

/// `sync`
pub(super) async fn run(args: &args::Sync, session: &mut Session) -> Result<Exit, Failure> {
    match &args.command {
        None => sync(args, session).await,
        Some(SyncCommand::Cancel) => cancel(session).await,
        Some(SyncCommand::History { problems, limit }) => history(*problems, *limit, session).await,
    }
}

async fn sync(args: &args::Sync, session: &mut Session) -> Result<Exit, Failure> {
    let mut daemon = session.connect().await?;
    let started = daemon.client.sync_start(args.full).await?;
    if args.no_wait {
        let words = if started.joined { "A sync is running already" } else { "A sync has begun" };
        session
            .print_one("sync", &started.sync, || format!("{words}: {}\n", view::clean(&started.sync.id)))?;
        return Ok(Exit::Done);
    }
    if started.joined {
        session.note("A sync is running already; this one joins it.")?;
    }
    let sync = follow(session, &mut daemon, &started.sync.id).await?;
    let accounts = session.ask(&mut daemon, async |client| client.accounts(true).await).await?;
    let style = session.look(&daemon.time);
    session.print_one("sync", &sync, || view::outcome(&sync, &accounts, &style))?;
    verdict(session, &mut daemon, &sync).await
}

/// What a sync's end means to a script; a failed one asks whether the login is to blame.
async fn verdict(session: &mut Session, daemon: &mut Daemon, sync: &Sync) -> Result<Exit, Failure> {
    match sync.state {
        SyncState::Done => Ok(Exit::Done),
        SyncState::Partial => {
            session
                .suggest("`monzoctl sync` tries again what failed; `monzoctl status` shows what needs you")?;
            Ok(Exit::Partial)
        }
        SyncState::Cancelled | SyncState::Running => {
            session.suggest("`monzoctl sync` goes on where this one stopped")?;
            Ok(Exit::Partial)
        }
        SyncState::Failed => {
            let status = session.ask(daemon, async |client| client.status().await).await?;
            let exit = if status.login.state == LoginState::Ready { blame(sync) } else { Exit::LoginNeeded };
            session.suggest(&next_step(exit, &status, &daemon.time))?;
            Ok(exit)
        }
    }
}

/// What to do after a sync that failed.
fn next_step(exit: Exit, status: &Status, time: &DaemonTime) -> String {
    let next = status.sync.next_due_at.filter(|at| *at > time.now);
    match (exit, next) {
        (Exit::LoginNeeded, _) => match status.login.state {
            LoginState::WaitingApproval => {
                "approve the login in the Monzo app, then `monzoctl sync`".to_owned()
            }
            _ => "`monzoctl login`".to_owned(),
        },
        (Exit::TryLater, Some(at)) => format!(
            "wait: monzod itself tries again {} ({}); `monzoctl sync` tries at once",
            time.relative(at),
            time.minute(at)
        ),
        (Exit::TryLater, None) => "`monzoctl sync` again in a few minutes".to_owned(),
        _ => "`monzoctl status` shows what needs you; `monzoctl sync` tries again".to_owned(),
    }
}

/// The exit of a failed sync: that of its faults where they agree, so that a script knows whether to try later.
fn blame(sync: &Sync) -> Exit {
    let each = sync.accounts.iter().filter(|account| account.error.is_some()).map(|account| account.code);
    let whole = sync.error.as_ref().map(|_| sync.code);
    let mut exits = each.chain(whole).map(|code| code.map_or(Exit::Failed, Exit::of));
    let first = exits.next().unwrap_or(Exit::Failed);
    if exits.all(|exit| exit == first) { first } else { Exit::Failed }
}

/// Follows one sync to its end with its progress, over restarts of the daemon.
pub(super) async fn follow(session: &mut Session, daemon: &mut Daemon, id: &str) -> Result<Sync, Failure> {
    let mut progress_line = ProgressLine::begin(session);
    let mut progress = None;
    loop {
        let sync = session.ask(daemon, async |client| client.sync_get(id.to_owned()).await).await?;
        if sync.state != SyncState::Running {
            return Ok(sync);
        }
        if progress.is_none() {
            // Progress is a comfort: without it the sync is asked for until it ends.
            progress = daemon.client.subscribe_sync().await.ok();
        }
        let deadline = Instant::now() + LOOK;
        while let Some(steps) = &mut progress {
            let step = tokio::select! {
                step = steps.next() => step,
                () = sleep_until(deadline) => break,
            };
            match step {
                Some(Ok(step)) if step.sync_id == id => {
                    progress_line.show(session, &step)?;
                    if step.phase == SyncPhase::Ended {
                        break;
                    }
                }
                Some(Ok(_)) => {}
                // The daemon goes away, or this client was too slow to listen.
                Some(Err(_)) | None => progress = None,
            }
        }
        if progress.is_none() {
            sleep_until(deadline).await;
        }
    }
}

async fn cancel(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let cancelled = daemon.client.sync_cancel().await?;
    session.print_one("cancelled", &cancelled, || {
        let words = if cancelled.changed {
            "Cancelled; what was read is kept, and the next sync goes on from there."
        } else {
            "No sync is running."
        };
        format!("{words}\n")
    })?;
    Ok(Exit::Done)
}

/// Past syncs as `--json` prints them.
#[derive(Serialize)]
struct Past {
    v: u8,
    syncs: Vec<Sync>,
    quarantined: Vec<Quarantined>,
}

async fn history(problems: bool, limit: Option<u64>, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let limit = session.limit(limit);
    let mut past = Past { v: 1, syncs: Vec::new(), quarantined: Vec::new() };
    let mut cursor = None;
    loop {
        let left = limit.map_or(PAGE.into(), |limit| limit.saturating_sub(past.syncs.len() as u64));
        let size = u32::try_from(left).unwrap_or(PAGE).min(PAGE);
        if size == 0 {
            break;
        }
        let page = daemon.client.sync_history(problems, cursor, Some(size)).await?;
        if past.quarantined.is_empty() {
            past.quarantined = page.quarantined;
        }
        past.syncs.extend(page.syncs);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let style = session.look(&daemon.time);
    if session.global.form() == Output::Json {
        let text = serde_json::to_string(&past).map_err(crate::session::unprintable)?;
        session.print(&format!("{text}\n"))?;
    } else {
        session.print_list("syncs", columns::SYNC, &past.syncs, || {
            view::syncs(&past.syncs, &past.quarantined, &style)
        })?;
    }
    if past.syncs.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use monzo_common::fault::FaultKind;
    use monzo_common::model::{
        AccountSync, LoginState, Progress, SyncCancelled, SyncCause, SyncHistory, SyncStarted,
    };

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, account, now};

    fn sync_of(state: SyncState, error: Option<&str>) -> Sync {
        Sync {
            id: "sync_1".into(),
            state,
            cause: SyncCause::Request,
            started_at: now(),
            ended_at: (state != SyncState::Running).then(|| now() + jiff::SignedDuration::from_secs(4)),
            accounts: vec![AccountSync {
                account_id: "acc_1".into(),
                pages: 2,
                added: 120,
                changed: 3,
                withdrawn: 0,
                error: error.map(Into::into),
                code: error.map(|_| FaultKind::BankUnreachable),
            }],
            error: None,
            code: None,
        }
    }

    fn step(phase: SyncPhase, pages: u64) -> Progress {
        Progress {
            sync_id: "sync_1".into(),
            phase,
            pages,
            rows: pages * 60,
            windows_done: 0,
            windows: 0,
            window_seconds_left: None,
            accounts: Vec::new(),
            sync: None,
        }
    }

    fn fake(joined: bool, end: Sync) -> Fake {
        let running = sync_of(SyncState::Running, None);
        Fake::new()
            .says("sync.start", &SyncStarted { sync: running.clone(), joined })
            .says_in_turn("sync.get", &[running, end])
            .says("accounts.list", &[account("acc_1", "Current", None)])
            .sends(
                "sync.subscribe",
                &[
                    step(SyncPhase::Accounts, 0),
                    step(SyncPhase::Incremental, 1),
                    step(SyncPhase::Incremental, 2),
                    step(SyncPhase::Reconcile, 2),
                    step(SyncPhase::Ended, 2),
                ],
            )
    }

    #[tokio::test]
    async fn a_sync_tells_each_phase_once_off_a_terminal_and_then_its_outcome() {
        let ran = fake(false, sync_of(SyncState::Done, None)).run(&["sync"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Synced: 120 new, 3 changed, 0 withdrawn (2 pages of 1 account in 4 s)
        --- err
        Asking for accounts and balances
        Reading what is new: 60 rows, 1 page
        Comparing balances: 120 rows, 2 pages
        ");
    }

    #[tokio::test]
    async fn joining_is_told_and_quiet_is_quiet() {
        let ran = fake(true, sync_of(SyncState::Done, None)).run(&["sync", "--json", "-q"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        {"v":1,"sync":{"id":"sync_1","state":"done","cause":"request","started_at":"2026-07-22T10:00:00Z","ended_at":"2026-07-22T10:00:04Z","accounts":[{"account_id":"acc_1","pages":2,"added":120,"changed":3,"withdrawn":0,"error":null,"code":null}],"error":null,"code":null}}
        --- err
        "#);
    }

    #[tokio::test]
    async fn a_partial_sync_names_what_failed() {
        let end = sync_of(SyncState::Partial, Some("the bank answers with failures"));
        let ran = fake(true, end).run(&["sync"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 8
        --- out
        Synced in part: 120 new, 3 changed, 0 withdrawn (2 pages of 1 account in 4 s)
          ✗ Current: the bank answers with failures
        --- err
        A sync is running already; this one joins it.
        Asking for accounts and balances
        Reading what is new: 60 rows, 1 page
        Comparing balances: 120 rows, 2 pages
        try: `monzoctl sync` tries again what failed; `monzoctl status` shows what needs you
        ");
    }

    #[tokio::test]
    async fn a_failed_sync_ends_with_what_to_do_about_it() {
        let page = |state, next_due_at| {
            let mut page = fixture::status();
            (page.login.state, page.sync.next_due_at) = (state, next_due_at);
            page
        };
        let soon = Some(now() + jiff::SignedDuration::from_mins(5));
        let later = Sync { code: Some(FaultKind::BankUnreachable), ..sync_of(SyncState::Failed, None) };
        let later = Sync { error: Some("the bank does not answer".into()), ..later };
        let mut seen = Vec::new();
        for (end, page) in [
            (sync_of(SyncState::Failed, None), page(LoginState::Ready, soon)),
            (later.clone(), page(LoginState::Ready, soon)),
            (later.clone(), page(LoginState::Ready, None)),
            (later.clone(), page(LoginState::LoginNeeded, None)),
            (later, page(LoginState::WaitingApproval, None)),
            (sync_of(SyncState::Cancelled, None), page(LoginState::Ready, soon)),
        ] {
            let ran = fake(false, end).says("system.status", &page).run(&["sync", "-q"], "").await;
            seen.push(format!("{} {}", ran.exit.code(), ran.err.trim_end()));
        }
        insta::assert_snapshot!(seen.join("\n"), @r"
        1 try: `monzoctl status` shows what needs you; `monzoctl sync` tries again
        75 try: wait: monzod itself tries again in 5 min (2026-07-22 11:05); `monzoctl sync` tries at once
        75 try: `monzoctl sync` again in a few minutes
        4 try: `monzoctl login`
        4 try: approve the login in the Monzo app, then `monzoctl sync`
        8 try: `monzoctl sync` goes on where this one stopped
        ");
    }

    #[test]
    fn a_failed_sync_ends_as_its_faults_do_where_they_agree() {
        use FaultKind::{BankRefused, BankUnreachable, RateLimited};
        let of = |accounts: &[FaultKind], whole: Option<FaultKind>| {
            let mut sync = sync_of(SyncState::Failed, None);
            let template = sync.accounts.remove(0);
            sync.accounts = accounts
                .iter()
                .map(|code| AccountSync { error: Some("why".into()), code: Some(*code), ..template.clone() })
                .collect();
            (sync.error, sync.code) = (whole.map(|_| "why".into()), whole);
            blame(&sync)
        };
        assert_eq!(of(&[], None), Exit::Failed);
        assert_eq!(of(&[], Some(BankUnreachable)), Exit::TryLater);
        assert_eq!(of(&[BankUnreachable, RateLimited], None), Exit::TryLater);
        assert_eq!(of(&[BankRefused, BankRefused], None), Exit::Refused);
        assert_eq!(of(&[BankRefused, BankUnreachable], None), Exit::Failed);
    }

    #[tokio::test]
    async fn without_waiting_the_id_is_told() {
        let fake = fake(false, sync_of(SyncState::Done, None));
        let ran = fake.run(&["sync", "--no-wait", "--full"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        A sync has begun: sync_1
        --- err
        ");
        assert_eq!(fake.calls(), "sync.start {\"full\":true}\n");
    }

    #[tokio::test]
    async fn cancelling_says_whether_there_was_something_to_cancel() {
        let none = SyncCancelled { sync: None, changed: false };
        let ran = Fake::new().says("sync.cancel", &none).run(&["sync", "cancel"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        No sync is running.
        --- err
        ");
    }

    #[tokio::test]
    async fn history_follows_the_cursor_and_shows_quarantine() {
        let page = |cursor: Option<&str>| SyncHistory {
            syncs: vec![sync_of(SyncState::Done, None)],
            quarantined: vec![Quarantined {
                id: 1,
                account_id: "acc_1".into(),
                transaction_id: Some("tx_9".into()),
                reason: "the amount is no integer".into(),
                at: now(),
            }],
            cursor: cursor.map(Into::into),
        };
        let fake = Fake::new().says_in_turn("sync.history", &[page(Some("next")), page(None)]);
        let ran = fake.run(&["sync", "history", "--problems"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        BEGAN             TOOK  WHY      STATE  NEW  CHANGED  WITHDRAWN  ID
        2026-07-22 11:00   4 s  request  done   120        3          0  sync_1
        2026-07-22 11:00   4 s  request  done   120        3          0  sync_1

        Unreadable records (kept; `monzoctl show ID` shows one)
        SEEN              ACCOUNT  TRANSACTION  WHY                       ID
        2026-07-22 11:00  acc_1    tx_9         the amount is no integer  record_1
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        sync.history {"cursor":null,"limit":100,"problems":true}
        sync.history {"cursor":"next","limit":100,"problems":true}
        "#);
        let ran = fake.run(&["sync", "history", "-o", "json"], "").await;
        insta::assert_snapshot!(ran, @r#"
        exit 0
        --- out
        {"v":1,"syncs":[{"id":"sync_1","state":"done","cause":"request","started_at":"2026-07-22T10:00:00Z","ended_at":"2026-07-22T10:00:04Z","accounts":[{"account_id":"acc_1","pages":2,"added":120,"changed":3,"withdrawn":0,"error":null,"code":null}],"error":null,"code":null}],"quarantined":[{"id":1,"account_id":"acc_1","transaction_id":"tx_9","reason":"the amount is no integer","at":"2026-07-22T10:00:00Z"}]}
        --- err
        "#);
    }
}
