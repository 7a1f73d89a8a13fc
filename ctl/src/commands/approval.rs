//! `sort approve`, `reject`, `cancel` and `undo`: what a person decides about a run.

use monzo_common::api::client::*;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{Run, RunState, SyncState};
use monzo_common::shell;

use super::run::{agreed, consent, nothing, settle, stands};
use super::sync;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// Runs asked for at a time; each has its whole plan.
const PAGE: u32 = 50;

/// `sort approve`
pub(super) async fn approve(args: &args::SortApprove, session: &mut Session) -> Result<Exit, Failure> {
    let look_first = match &args.id {
        Some(id) => format!("`monzoctl show {}` shows its plan", shell::word(id)),
        None => "`monzoctl sort history` lists what waits".to_owned(),
    };
    consent(session, &look_first)?;
    let mut daemon = session.connect().await?;
    let run = match &args.id {
        Some(typed) => daemon.client.run(typed.trim().to_owned()).await?,
        None => match waiting(&daemon).await?.as_slice() {
            [] => return nothing("No run waits for approval.", session),
            [one] => one.clone(),
            several => return Err(which(several)),
        },
    };
    let waits = |run: &Run| matches!(run.state, RunState::Proposed | RunState::Withheld);
    let asks = waits(&run) && !session.global.yes;
    let run = if asks { with_fresh_figures(run, &mut daemon, session).await? } else { run };
    if waits(&run) {
        return agreed(run, String::new(), args.no_wait, &mut daemon, session).await;
    }
    // Approved already, or past it: the daemon says which.
    let answer = daemon.client.approve(Some(run.id.clone())).await?;
    match answer.run {
        Some(run) => stands(&run, &answer.message, args.no_wait, &mut daemon, session).await,
        None => nothing(&answer.message, session),
    }
}

/// A run that waits, as it is after the bank was read again: a plan that is asked about shows no balance of before.
async fn with_fresh_figures(run: Run, daemon: &mut Daemon, session: &mut Session) -> Result<Run, Failure> {
    let started = daemon.client.sync_start(false).await?;
    let ended = sync::follow(session, daemon, &started.sync.id).await?;
    if !matches!(ended.state, SyncState::Done | SyncState::Partial) {
        session.note("warning: the bank could not be read now; the balances are those of the last sync")?;
    }
    session.ask(daemon, async |client| client.run(run.id.clone()).await).await
}

/// The runs of rules that wait for approval; as many as the daemon says there are.
pub(super) async fn waiting(daemon: &Daemon) -> Result<Vec<Run>, Failure> {
    let expected = usize::try_from(daemon.client.status().await?.sorter.proposed).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut cursor = None;
    while found.len() < expected {
        let page = daemon.client.runs(None, cursor, Some(PAGE)).await?;
        found.extend(page.runs.into_iter().filter(|run| run.state == RunState::Proposed && !run.by_hand()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

fn which(runs: &[Run]) -> Failure {
    let named: Vec<String> =
        runs.iter().map(|run| format!("`monzoctl sort approve {}` ({})", run.id, run.rule)).collect();
    Failure::usage(
        format!("{} runs wait for approval", runs.len()),
        format!("say which: {}", named.join(" or ")),
    )
}

/// `sort reject`
pub(super) async fn reject(typed: &str, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let run = daemon.client.run(typed.trim().to_owned()).await?;
    let answer = daemon.client.reject(run.id).await?;
    let message = format!("{}\n", view::sentence(&answer.message));
    session.print_one("run", &answer.run, || message)?;
    Ok(Exit::Done)
}

/// `sort cancel`
pub(super) async fn cancel(args: &args::SortCancel, session: &mut Session) -> Result<Exit, Failure> {
    let mut daemon = session.connect().await?;
    let run = daemon.client.run(args.id.trim().to_owned()).await?;
    let answer = daemon.client.cancel_run(run.id).await?;
    let Some(run) = answer.run else { return nothing(&answer.message, session) };
    let ended = stands(&run, &answer.message, args.no_wait, &mut daemon, session).await?;
    // What was asked for is that it ends: that it had ended, or that money came back or stayed, is no failure.
    let run = daemon.client.run(run.id).await?;
    let as_asked = matches!(run.state, RunState::Cancelled | RunState::Rejected);
    let had_ended = !answer.changed && run.ended_at.is_some();
    Ok(if as_asked || had_ended { Exit::Done } else { ended })
}

/// `sort undo`
pub(super) async fn undo(args: &args::SortUndo, session: &mut Session) -> Result<Exit, Failure> {
    consent(session, &format!("`monzoctl show {}` shows what it moved", shell::word(&args.id)))?;
    let mut daemon = session.connect().await?;
    let run = daemon.client.run(args.id.trim().to_owned()).await?;
    let started = daemon.client.undo(run.id).await?;
    let rest = started.left_out.clone();
    if started.run.is_none() && !rest.is_empty() {
        return Err(stays(&rest));
    }
    let ended = settle(started, args.no_wait, &mut daemon, session).await?;
    let declined = session.unapproved.is_some();
    if declined || rest.is_empty() {
        return Ok(ended);
    }
    for one in &rest {
        session.note(&view::sentence(one))?;
    }
    Ok(if ended == Exit::Done { Exit::Partial } else { ended })
}

/// Nothing that is left of a run can be undone: each of its moves with its reason.
fn stays(rest: &[String]) -> Failure {
    let fault = Fault::new(
        FaultKind::Withheld,
        "what is left of it cannot be undone",
        "what `monzoctl` cannot move, the Monzo app may; for a savings pot see `autosort.withdraw_from`",
    );
    Failure::Fault(Fault { cause: Some(rest.join("\n")), ..fault })
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{RunPage, RunStarted, Status, Sync, SyncCause, SyncStarted};

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, run};

    fn status(proposed: u64) -> Status {
        let mut status = fixture::status();
        status.sorter.proposed = proposed;
        status
    }

    fn named(id: &str, state: RunState) -> Run {
        Run { id: id.into(), ..run(state) }
    }

    fn answer(run: Run, message: &str, changed: bool) -> RunStarted {
        RunStarted { run: Some(run), message: message.into(), changed, left_out: Vec::new() }
    }

    #[tokio::test]
    async fn the_only_one_that_waits_needs_no_name() {
        let page = |runs, cursor: Option<&str>| RunPage { runs, cursor: cursor.map(Into::into) };
        let fake = Fake::new()
            .says("system.status", &status(1))
            .says_in_turn(
                "autosort.runs",
                &[
                    page(vec![run(RunState::Done)], Some("2")),
                    page(vec![named("run_8", RunState::Proposed)], Some("3")),
                ],
            )
            .says("autosort.approve", &answer(named("run_8", RunState::Executing), "Approved.", true))
            .says("autosort.get", &named("run_8", RunState::Done));
        let ran = fake.run(&["sort", "approve", "--yes", "-q"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Done: £1,411.20 moved, 4 of 4 transfers in 4 s [run_8]
          ✓ £394.50 into Bills
          ✓ £850.00 into Rent
          ✓ £66.70 into Holiday
          ✓ £100.00 into Car
          → £600.00 to Joint: for you to send in the app
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        system.status
        autosort.runs {"cursor":null,"limit":50,"rule":null}
        autosort.runs {"cursor":"2","limit":50,"rule":null}
        autosort.approve {"id":"run_8"}
        autosort.get {"id":"run_8"}
        "#);
    }

    #[tokio::test]
    async fn where_none_or_several_wait_it_says_so() {
        let fake = Fake::new().says("system.status", &status(0));
        insta::assert_snapshot!(fake.run(&["sort", "approve", "-y"], "").await, @r"
        exit 0
        --- out
        No run waits for approval.
        --- err
        ");
        let runs = vec![named("run_8", RunState::Proposed), named("run_9", RunState::Proposed)];
        let fake =
            fake.says("system.status", &status(2)).says("autosort.runs", &RunPage { runs, cursor: None });
        insta::assert_snapshot!(fake.run(&["sort", "approve", "-y"], "").await, @r"
        exit 2
        --- out
        --- err
        error: 2 runs wait for approval
        try: say which: `monzoctl sort approve run_8` (payday) or `monzoctl sort approve run_9` (payday)
        ");
    }

    #[tokio::test]
    async fn a_second_approval_says_that_it_was_approved_already() {
        let fake = Fake::new()
            .says("autosort.get", &run(RunState::Done))
            .says("autosort.approve", &answer(run(RunState::Done), "It was approved already.", false));
        insta::assert_snapshot!(fake.run(&["sort", "approve", "run_7", "-y"], "").await, @r"
        exit 0
        --- out
        Done: £1,411.20 moved, 4 of 4 transfers in 4 s [run_7k]
          ✓ £394.50 into Bills
          ✓ £850.00 into Rent
          ✓ £66.70 into Holiday
          ✓ £100.00 into Car
          → £600.00 to Joint: for you to send in the app
        --- err
        It was approved already.
        ");
    }

    #[tokio::test]
    async fn a_run_is_rejected_once() {
        let fake = Fake::new()
            .says("autosort.get", &run(RunState::Proposed))
            .says("autosort.reject", &answer(run(RunState::Rejected), "Rejected; nothing was moved.", true));
        insta::assert_snapshot!(fake.run(&["sort", "reject", "run_7"], "").await, @r"
        exit 0
        --- out
        Rejected; nothing was moved.
        --- err
        ");
        assert_eq!(fake.calls(), "autosort.get {\"id\":\"run_7\"}\nautosort.reject {\"id\":\"run_7k\"}\n");
    }

    #[tokio::test]
    async fn what_was_cancelled_is_done_once_it_has_ended() {
        let mut ended = run(RunState::Partial);
        ended.state = RunState::Cancelled;
        let fake = Fake::new()
            .says_in_turn("autosort.get", &[run(RunState::Executing), run(RunState::Executing), ended])
            .says("autosort.cancel", &answer(run(RunState::Executing), "It ends after this transfer.", true));
        let ran = fake.run(&["sort", "cancel", "run_7k"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 0
        --- out
        Cancelled: £1,411.20 moved, 4 of 4 transfers in 4 s [run_7k]
          ✓ £394.50 into Bills
          ✓ £850.00 into Rent
          ✓ £66.70 into Holiday
          ✓ £100.00 into Car
        --- err
        It ends after this transfer.
        1 of 4: moved £394.50 into Bills
        2 of 4: moved £850.00 into Rent
        3 of 4: moved £66.70 into Holiday
        4 of 4: moved £100.00 into Car
        ");
    }

    #[tokio::test]
    async fn what_had_ended_or_never_began_is_cancelled_all_the_same() {
        for (state, changed) in [(RunState::Rejected, true), (RunState::Partial, false)] {
            let fake = Fake::new()
                .says("autosort.get", &run(state))
                .says("autosort.cancel", &answer(run(state), "it has ended already", changed));
            let ran = fake.run(&["sort", "cancel", "run_7k"], "").await;
            assert_eq!(ran.exit, Exit::Done, "{ran}");
        }
    }

    #[tokio::test]
    async fn what_is_withheld_is_not_approved_without_a_question() {
        let read = Sync {
            id: "sync_1".into(),
            state: SyncState::Done,
            cause: SyncCause::Request,
            started_at: fixture::now(),
            ended_at: Some(fixture::now()),
            accounts: Vec::new(),
            error: None,
            code: None,
        };
        let fake = Fake::new()
            .says("autosort.get", &run(RunState::Withheld))
            .says("sync.start", &SyncStarted { sync: read.clone(), joined: false })
            .says("sync.get", &read);
        let ran = fake
            .run_with(&["sort", "approve", "run_7k"], "n\n", &[], |terminal| terminal.in_is_keyboard = true)
            .await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        assert!(fake.calls().contains("sync.start"), "its balances are those of now: {}", fake.calls());
        assert!(!fake.calls().contains("autosort.approve"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn undoing_is_a_run_of_its_own_with_a_question_of_its_own() {
        let mut back = named("run_9", RunState::Proposed);
        (back.rule, back.plan.rule) = ("undo".into(), "undo".into());
        (back.occurrence, back.undoes) = (None, Some("run_7k".into()));
        let done = Run { state: RunState::Done, ..back.clone() };
        let fake = Fake::new()
            .says_in_turn("autosort.get", &[run(RunState::Done), done.clone()])
            .says("autosort.undo", &answer(back, "", true))
            .says("autosort.approve", &answer(done, "", true));
        assert_eq!(fake.run(&["sort", "undo", "run_7k"], "").await.exit, Exit::Usage);
        let ran = fake.run(&["sort", "undo", "run_7k", "-y"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        assert!(String::from_utf8_lossy(&ran.out).starts_with("Undo  as of"), "{ran}");
        let nothing = RunStarted {
            run: None,
            message: "Nothing remains to be undone.".into(),
            changed: false,
            left_out: Vec::new(),
        };
        let fake = fake.says("autosort.get", &run(RunState::Done)).says("autosort.undo", &nothing);
        insta::assert_snapshot!(fake.run(&["sort", "undo", "run_7k", "-y"], "").await, @r"
        exit 0
        --- out
        Nothing remains to be undone.
        --- err
        ");
    }

    #[tokio::test]
    async fn what_cannot_be_undone_is_named_and_is_the_exit_code() {
        let mut back = named("run_9", RunState::Proposed);
        (back.rule, back.plan.rule, back.cause) =
            ("undo".into(), "undo".into(), monzo_common::model::RunCause::Undo);
        back.occurrence = None;
        let done = Run { state: RunState::Done, ..back.clone() };
        let rest = vec!["£5.00 into Savings is not undone: Savings is locked".to_owned()];
        let fake = Fake::new()
            .says_in_turn("autosort.get", &[run(RunState::Done), done.clone()])
            .says("autosort.undo", &RunStarted { left_out: rest.clone(), ..answer(back, "", true) })
            .says("autosort.approve", &answer(done, "", true));
        let ran = fake.run(&["sort", "undo", "run_7k", "-y"], "").await;
        assert_eq!(ran.exit, Exit::Partial, "{ran}");
        assert!(ran.err.ends_with("£5.00 into Savings is not undone: Savings is locked.\n"), "{ran}");
        let nothing = RunStarted { run: None, message: rest[0].clone(), changed: false, left_out: rest };
        let fake = fake.says("autosort.get", &run(RunState::Done)).says("autosort.undo", &nothing);
        insta::assert_snapshot!(fake.run(&["sort", "undo", "run_7k", "-y"], "").await, @r"
        exit 6
        --- out
        --- err
        error: what is left of it cannot be undone
        cause: £5.00 into Savings is not undone: Savings is locked
        try: what `monzoctl` cannot move, the Monzo app may; for a savings pot see `autosort.withdraw_from`
        ");
        let ran = fake.run(&["sort", "undo", "run_7k", "-y", "--json"], "").await;
        let out = String::from_utf8_lossy(&ran.out);
        let why = r#""cause":"£5.00 into Savings is not undone: Savings is locked""#;
        assert!(out.contains(why) && out.contains(r#""code":"withheld""#), "{ran}");
    }
}
