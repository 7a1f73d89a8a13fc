//! A run from its proposal to its end: shown, agreed to, approved, followed.
//!
//! The daemon plans and moves; the client shows the plan, asks, and says how it ended. Whatever was approved goes on
//! without it.

use monzo_common::api::client::*;
use monzo_common::fault::{Fault, FaultKind};
use monzo_common::model::{LoginState, Run, RunStarted, RunState, TransferState};

use super::follow::follow;
use crate::args::Output;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::view;

/// What is said where nothing was moved and nothing waits.
pub(super) const UNMOVED: &str = "Nothing was moved.";

/// Nobody can be asked and nobody said yes: said before anything is proposed.
///
/// # Errors
/// A usage failure that says what to add.
pub(super) fn consent(session: &Session, look_first: &str) -> Result<(), Failure> {
    if session.global.yes || session.terminal.in_is_keyboard {
        return Ok(());
    }
    Err(Failure::usage(
        "moving money needs your yes, and there is no terminal to ask on",
        format!("add --yes; {look_first}"),
    ))
}

/// What follows a proposal: the plan, the question, the approval, and the run to its end.
pub(super) async fn settle(
    started: RunStarted,
    no_wait: bool,
    daemon: &mut Daemon,
    session: &mut Session,
) -> Result<Exit, Failure> {
    let Some(run) = started.run else {
        return nothing(&started.message, session);
    };
    if run.state != RunState::Proposed {
        return stands(&run, &started.message, no_wait, daemon, session).await;
    }
    // Which occurrence a rule's run is for is worth saying; what a person typed need not be repeated.
    let message = if run.occurrence.is_some() { started.message } else { String::new() };
    agreed(run, message, no_wait, daemon, session).await
}

/// Shows a run that waits, asks, approves it, and follows it to its end.
///
/// What a person asked for is withdrawn unless they approve it here; what a rule proposed goes on waiting.
pub(super) async fn agreed(
    mut run: Run,
    mut message: String,
    no_wait: bool,
    daemon: &mut Daemon,
    session: &mut Session,
) -> Result<Exit, Failure> {
    loop {
        session.unapproved = run.by_hand().then(|| run.clone());
        show(&run, &message, daemon, session)?;
        // A plan may move nothing and only ask for a payment.
        let question = if run.plan.transfers.is_empty() { "Do this?" } else { "Move this?" };
        if session.agree(question, &unmoved(&run)).await? != Some(true) {
            return Ok(Exit::Done);
        }
        let id = run.id.clone();
        let answered = session.ask(daemon, async |client| client.approve(Some(id.clone())).await).await;
        if answered.as_ref().map_or_else(in_doubt, |_| true) {
            session.unapproved = None;
        }
        let approved = answered?;
        match approved.run {
            Some(same) if same.id == run.id && same.state != RunState::Expired => {
                return stands(&same, &approved.message, no_wait, daemon, session).await;
            }
            Some(new) => {
                other_plan(&approved.message, &new, session)?;
                run = new;
                message.clear();
            }
            None => return Err(changed(&approved.message, None)),
        }
    }
}

/// Whether an approval may have been taken although its answer did not come.
fn in_doubt(failure: &Failure) -> bool {
    failure.fault_kind().is_none_or(|kind| kind == FaultKind::TimedOut)
}

/// What is said where a run is not approved.
fn unmoved(run: &Run) -> String {
    if run.by_hand() {
        return UNMOVED.to_owned();
    }
    let id = view::clean(&run.id);
    format!("Nothing was moved; it waits for `monzoctl sort approve {id}` or `monzoctl sort reject {id}`.")
}

/// Another plan than the one that was agreed to: somebody who can be asked goes on with it, but a yes that was said
/// beforehand does not cover it.
///
/// # Errors
/// The changed plan, where there is nobody to ask or nothing to approve.
pub(super) fn other_plan(message: &str, new: &Run, session: &mut Session) -> Result<(), Failure> {
    if new.state != RunState::Proposed || session.global.yes {
        return Err(changed(message, Some(new)));
    }
    session.note(&format!("The plan has changed: {}", view::clean(message)))
}

/// What was agreed to is not what would be moved now.
fn changed(message: &str, new: Option<&Run>) -> Failure {
    let hint = match new {
        Some(new) if new.state == RunState::Proposed => {
            format!("look at the new plan: `monzoctl show {0}`, then `monzoctl sort approve {0}`", new.id)
        }
        _ => "`monzoctl sort history` shows what became of it".to_owned(),
    };
    let message = format!("the plan has changed, and nothing was moved: {message}");
    Failure::Fault(Fault::new(FaultKind::PlanChanged, message, hint))
}

/// Nothing is to be moved.
pub(super) fn nothing(message: &str, session: &mut Session) -> Result<Exit, Failure> {
    match session.global.form() {
        Output::Table => session.print(&format!("{}\n", view::sentence(message)))?,
        Output::Json => {
            session.note(&view::sentence(message))?;
            session.print("{\"v\":1,\"run\":null}\n")?;
        }
        Output::Jsonl | Output::Csv => session.note(&view::sentence(message))?,
    }
    Ok(Exit::Done)
}

/// The plan, where the person who is asked reads it: on the screen, else beside what is written elsewhere.
fn show(run: &Run, message: &str, daemon: &Daemon, session: &mut Session) -> Result<(), Failure> {
    let style = session.look(&daemon.time);
    let text = view::plan(&run.plan, session.global.verbose, &style);
    if !message.is_empty() {
        session.note(&view::sentence(message))?;
    }
    let asks = !session.global.yes;
    if session.global.quiet && !asks {
        return Ok(());
    }
    match (session.wants_data(), session.terminal.out_is_screen || !asks) {
        (false, true) => session.terminal.show(&view::shown(&format!("{text}\n")), false)?,
        (_, _) if asks => session.say(&text)?,
        _ => {}
    }
    Ok(())
}

/// A run that needs no question: followed while it is under way, else told as it stands.
pub(super) async fn stands(
    run: &Run,
    message: &str,
    no_wait: bool,
    daemon: &mut Daemon,
    session: &mut Session,
) -> Result<Exit, Failure> {
    if !message.is_empty() {
        session.note(&view::sentence(message))?;
    }
    let unfinished = matches!(run.state, RunState::Approved | RunState::Waiting | RunState::Executing);
    if no_wait && unfinished {
        told(run, daemon, session)?;
        let id = view::clean(&run.id);
        session
            .note(&format!("`monzoctl show {id}` says how it goes; `monzoctl sort cancel {id}` ends it."))?;
        return Ok(Exit::Done);
    }
    let run = if unfinished { follow(&run.id, daemon, session).await? } else { run.clone() };
    told(&run, daemon, session)?;
    if unfinished {
        seen(&run, daemon, session).await;
    }
    verdict(&run, daemon, session).await
}

/// A failure that moved nothing and that somebody has just watched is no problem of the status page any more.
async fn seen(run: &Run, daemon: &Daemon, session: &Session) {
    let watched = session.terminal.out_is_screen || session.terminal.err_is_screen;
    if watched && run.state == RunState::Failed {
        // Where this cannot be said, the status page tells of it once more.
        let _ = daemon.client.acknowledge(format!("run_failed:{}", run.id), None).await;
    }
}

/// Prints a run as the answer.
pub(super) fn told(run: &Run, daemon: &Daemon, session: &mut Session) -> Result<(), Failure> {
    let style = session.look(&daemon.time);
    let with_plan = run.state == RunState::Withheld;
    session.print_one("run", run, || {
        let plan = if with_plan { view::plan(&run.plan, false, &style) + "\n" } else { String::new() };
        plan + &view::run_outcome(run, &style)
    })
}

/// What a run's standing means to a script (the exit codes of `monzoctl --help`).
async fn verdict(run: &Run, daemon: &mut Daemon, session: &mut Session) -> Result<Exit, Failure> {
    let any = |state| run.transfers.iter().any(|transfer| transfer.state == state);
    Ok(match run.state {
        RunState::Done => Exit::Done,
        RunState::Partial => Exit::Partial,
        RunState::Withheld | RunState::Expired => Exit::Refused,
        RunState::Failed if any(TransferState::Failed) => Exit::Refused,
        RunState::Cancelled | RunState::Rejected if any(TransferState::Confirmed) => Exit::Partial,
        RunState::Failed | RunState::Cancelled | RunState::Rejected => Exit::Failed,
        RunState::Proposed | RunState::Approved | RunState::Waiting | RunState::Executing => {
            held(run, daemon, session).await?
        }
    })
}

/// Why a run goes no further for now: the login, a freeze, or that it may not begin yet.
async fn held(run: &Run, daemon: &mut Daemon, session: &mut Session) -> Result<Exit, Failure> {
    let status = session.ask(daemon, async |client| client.status().await).await?;
    let begun =
        run.started_at.is_some() || run.transfers.iter().any(|one| one.state != TransferState::Planned);
    if status.login.state != LoginState::Ready {
        return Ok(Exit::LoginNeeded);
    }
    if begun {
        return Ok(Exit::Partial);
    }
    let rules = session.ask(daemon, async |client| client.rules().await).await?;
    let frozen = rules.iter().any(|rule| rule.name == run.rule && rule.frozen);
    Ok(if status.sorter.frozen || frozen { Exit::Refused } else { Exit::TryLater })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use monzo_common::model::{LoginState, Status, Version};

    use super::*;
    use crate::fake::{Fake, Ran};
    use crate::view::fixture::{self, now, rule, run};

    fn answer(run: Run, message: &str, changed: bool) -> RunStarted {
        RunStarted { run: Some(run), message: message.into(), changed, left_out: Vec::new() }
    }

    fn event(id: i64) -> serde_json::Value {
        serde_json::json!({
            "id": id,
            "at": now(),
            "kind": "transfer_confirmed",
            "severity": "note",
            "message": "a transfer was confirmed",
        })
    }

    /// A daemon whose proposal, once approved, goes through these states.
    fn fake(after: &[Run]) -> Fake {
        let executing = run(RunState::Executing);
        Fake::new()
            .says("autosort.rules", &[rule("payday")])
            .says("autosort.run", &answer(run(RunState::Proposed), "For payday 2026-07-22.", true))
            .says("autosort.approve", &answer(executing, "Approved.", true))
            .says_in_turn("autosort.get", after)
            .sends("events.subscribe", &[event(1), event(2), event(3)])
    }

    /// Two transfers are confirmed, two under way.
    fn halfway() -> Run {
        let mut run = run(RunState::Executing);
        run.transfers[0].state = TransferState::Confirmed;
        run.transfers[1].state = TransferState::Confirmed;
        run.transfers[2].state = TransferState::Requested;
        run
    }

    async fn typed(fake: &Fake, line: &[&str], input: &str) -> Ran {
        fake.run_with(line, input, &[], |terminal| terminal.in_is_keyboard = true).await
    }

    #[tokio::test]
    async fn a_run_is_shown_agreed_to_and_followed_to_its_end() {
        let fake = fake(&[halfway(), run(RunState::Done)]);
        insta::assert_snapshot!(typed(&fake, &["sort", "run", "payday"], "y\n").await, @r"
        exit 0
        --- out
        Done: £1,411.20 moved, 4 of 4 transfers in 4 s [run_7k]
          ✓ £394.50 into Bills
          ✓ £850.00 into Rent
          ✓ £66.70 into Holiday
          ✓ £100.00 into Car
          → £600.00 to Joint: for you to send in the app
        --- err
        For payday 2026-07-22.
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00

        Move this? [y/N] Approved.
        1 of 4: moved £394.50 into Bills
        2 of 4: moved £850.00 into Rent
        3 of 4: moved £66.70 into Holiday
        4 of 4: moved £100.00 into Car
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        autosort.rules
        autosort.run {"again":false,"hash":null,"rule":"payday"}
        autosort.approve {"id":"run_7k"}
        autosort.get {"id":"run_7k"}
        autosort.get {"id":"run_7k"}
        "#);
    }

    #[tokio::test]
    async fn off_a_terminal_it_needs_a_yes_before_anything_is_proposed() {
        let fake = fake(&[run(RunState::Done)]);
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday"], "").await, @r"
        exit 2
        --- out
        --- err
        error: moving money needs your yes, and there is no terminal to ask on
        try: add --yes; `monzoctl sort plan payday` shows what it would do
        ");
        assert_eq!(fake.calls(), "");
        for line in [&["sort", "approve"][..], &["sort", "undo", "run_7k"], &["pots", "discover", "Bills"]] {
            assert_eq!(fake.run(line, "").await.exit, Exit::Usage, "{line:?}");
        }
        assert_eq!(fake.calls(), "");
    }

    #[tokio::test]
    async fn a_program_gets_the_run_alone() {
        let fake = fake(&[run(RunState::Done)]);
        let ran = fake.run(&["sort", "run", "payday", "--yes", "--json", "-q"], "").await;
        let out: serde_json::Value = serde_json::from_slice(&ran.out).expect("one object");
        assert_eq!((ran.exit, ran.err.as_str()), (Exit::Done, ""));
        assert_eq!((&out["v"], &out["run"]["state"]), (&1.into(), &"done".into()));
    }

    #[tokio::test]
    async fn without_waiting_it_ends_with_the_approval() {
        let fake = fake(&[]);
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y", "--no-wait"], "").await.err, @r"
        For payday 2026-07-22.
        Approved.
        `monzoctl show run_7k` says how it goes; `monzoctl sort cancel run_7k` ends it.
        ");
        assert!(!fake.calls().contains("autosort.get"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn a_no_leaves_what_a_rule_proposed_and_takes_back_what_a_person_did() {
        let ran = typed(&fake(&[]), &["sort", "run", "payday", "-q"], "n\n").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        let mut by_hand = run(RunState::Proposed);
        (by_hand.occurrence, by_hand.cause) = (None, monzo_common::model::RunCause::Hand);
        let fake = fake(&[])
            .says("autosort.run", &answer(by_hand.clone(), "", true))
            .says("autosort.reject", &answer(by_hand, "", true));
        let ran = typed(&fake, &["sort", "run", "payday"], "\n").await;
        assert!(ran.err.ends_with("Nothing was moved.\n"), "{ran}");
        assert!(fake.calls().ends_with("autosort.reject {\"id\":\"run_7k\"}\n"), "{}", fake.calls());
    }

    #[tokio::test]
    async fn how_it_ended_is_the_exit_code() {
        let failed = |state| {
            let mut run = run(RunState::Failed);
            run.transfers.iter_mut().for_each(|transfer| transfer.state = state);
            run
        };
        let mut stopped = halfway();
        stopped.state = RunState::Cancelled;
        for (end, expected) in [
            (run(RunState::Done), Exit::Done),
            (run(RunState::Partial), Exit::Partial),
            (failed(TransferState::Failed), Exit::Refused),
            (failed(TransferState::Cancelled), Exit::Failed),
            (run(RunState::Expired), Exit::Refused),
            (run(RunState::Withheld), Exit::Refused),
            (run(RunState::Cancelled), Exit::Failed),
            (stopped, Exit::Partial),
        ] {
            let ran = fake(std::slice::from_ref(&end)).run(&["sort", "run", "payday", "-y"], "").await;
            assert_eq!(ran.exit, expected, "{:?}\n{ran}", end.state);
        }
    }

    #[tokio::test]
    async fn a_fault_of_the_daemon_is_the_exit_code() {
        for (kind, expected) in [
            (FaultKind::Withheld, Exit::Refused),
            (FaultKind::PlanChanged, Exit::Refused),
            (FaultKind::LoginNeeded, Exit::LoginNeeded),
            (FaultKind::NotAllowed, Exit::NotAllowed),
            (FaultKind::BankUnreachable, Exit::TryLater),
        ] {
            let fake = fake(&[]).fails("autosort.run", kind, "it is not to be", "mend it");
            assert_eq!(fake.run(&["sort", "run", "payday", "-y"], "").await.exit, expected);
        }
    }

    #[tokio::test]
    async fn what_was_asked_for_by_hand_does_not_outlast_its_refusal() {
        let mut by_hand = run(RunState::Proposed);
        (by_hand.occurrence, by_hand.cause) = (None, monzo_common::model::RunCause::Hand);
        for (run, rejected) in [(by_hand.clone(), true), (run(RunState::Proposed), false)] {
            let fake = fake(&[])
                .says("autosort.run", &answer(run, "", true))
                .says("autosort.reject", &answer(by_hand.clone(), "", true))
                .fails("autosort.approve", FaultKind::Withheld, "the sorter is frozen", "monzoctl sort thaw");
            let ran = fake.run(&["sort", "run", "payday", "-y"], "").await;
            assert_eq!(ran.exit, Exit::Refused, "{ran}");
            assert_eq!(fake.calls().contains("autosort.reject"), rejected, "{}", fake.calls());
        }
    }

    /// A run that waits until the morning.
    fn waits(reason: &str) -> Run {
        let mut run = run(RunState::Waiting);
        run.reason = Some(reason.into());
        run.expires_at = Some(now() + SignedDuration::from_hours(8));
        run
    }

    #[tokio::test]
    async fn a_run_that_may_not_begin_yet_is_for_later() {
        let fake = fake(&[waits("quiet hours")]).says("system.status", &fixture::status());
        let ran = fake.run(&["sort", "run", "payday", "-y", "-q"], "").await;
        assert_eq!(ran.exit, Exit::TryLater);
        let out = String::from_utf8_lossy(&ran.out).into_owned();
        insta::assert_snapshot!(out.lines().skip_while(|line| !line.starts_with("Waiting")).collect::<Vec<_>>().join("\n"), @r"
        Waiting: nothing was moved yet; £1,411.20 in 4 transfers will be moved [run_7k]
          quiet hours
          until 2026-07-22 19:00 (in 8 h)
        ");
    }

    #[tokio::test]
    async fn what_holds_a_run_is_the_exit_code() {
        let lost = |mut status: Status| {
            status.login.state = LoginState::LoginNeeded;
            status
        };
        let frozen = |mut status: Status| {
            status.sorter.frozen = true;
            status
        };
        let mut begun = halfway();
        begun.state = RunState::Waiting;
        begun.expires_at = waits("").expires_at;
        for (run, status, expected) in [
            (waits("the login is lost"), lost(fixture::status()), Exit::LoginNeeded),
            (waits("frozen"), frozen(fixture::status()), Exit::Refused),
            (begun.clone(), fixture::status(), Exit::Partial),
            (begun, lost(fixture::status()), Exit::LoginNeeded),
        ] {
            let fake = fake(&[run]).says("system.status", &status);
            assert_eq!(fake.run(&["sort", "run", "payday", "-y"], "").await.exit, expected);
        }
        let held = rule("payday");
        let held = monzo_common::model::Rule { frozen: true, ..held };
        let fake = fake(&[waits("frozen")])
            .says("system.status", &fixture::status())
            .says("autosort.rules", &[held]);
        assert_eq!(fake.run(&["sort", "run", "payday", "-y"], "").await.exit, Exit::Refused);
    }

    #[tokio::test]
    async fn a_wait_without_an_end_is_left_when_patience_ends() {
        let mut waiting = waits("a sync is running");
        waiting.expires_at = None;
        let version = |minutes| Version {
            version: monzo_common::VERSION.into(),
            pid: 1,
            schema: None,
            now: now() + SignedDuration::from_mins(minutes),
            zone: "Europe/London".into(),
            cycle: None,
        };
        let fake = fake(&[waiting])
            .says("system.status", &fixture::status())
            .says_in_turn("system.version", &[version(0), version(1), version(3), version(7)]);
        assert_eq!(fake.run(&["sort", "run", "payday", "-y"], "").await.exit, Exit::TryLater);
    }

    #[tokio::test]
    async fn a_yes_said_beforehand_does_not_cover_another_plan() {
        let other = Run { id: "run_8".into(), ..run(RunState::Proposed) };
        let fake = fake(&[run(RunState::Done)])
            .says("autosort.approve", &answer(other, "Rent is £900.00 now", true));
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y", "-q", "-o", "json"], "").await, @r#"
        exit 6
        --- out
        {"v":1,"error":{"code":"plan_changed","message":"the plan has changed, and nothing was moved: Rent is £900.00 now","hint":"look at the new plan: `monzoctl show run_8`, then `monzoctl sort approve run_8`"}}
        --- err
        error: the plan has changed, and nothing was moved: Rent is £900.00 now
        try: look at the new plan: `monzoctl show run_8`, then `monzoctl sort approve run_8`
        "#);
        let ran = fake.run(&["sort", "run", "payday", "-y", "--plan", "another"], "").await;
        assert_eq!(ran.exit, Exit::Refused, "{ran}");
    }

    #[tokio::test]
    async fn a_person_is_asked_again_about_another_plan() {
        let other = Run { id: "run_8".into(), ..run(RunState::Proposed) };
        let done = Run { id: "run_8".into(), ..run(RunState::Done) };
        let fake = fake(&[]).says_in_turn(
            "autosort.approve",
            &[answer(other, "Rent is £900.00 now", true), answer(done, "Approved.", true)],
        );
        let ran = typed(&fake, &["sort", "run", "payday"], "y\ny\n").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        insta::assert_snapshot!(ran.err, @r"
        For payday 2026-07-22.
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00

        Move this? [y/N] The plan has changed: Rent is £900.00 now
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00

        Move this? [y/N] Approved.
        ");
    }

    #[tokio::test]
    async fn nothing_to_do_is_done_and_said() {
        let nothing = RunStarted {
            run: None,
            message: "Nothing to move.".into(),
            changed: false,
            left_out: Vec::new(),
        };
        let fake = fake(&[]).says("autosort.run", &nothing);
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y"], "").await, @r"
        exit 0
        --- out
        Nothing to move.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y", "--json"], "").await, @r#"
        exit 0
        --- out
        {"v":1,"run":null}
        --- err
        Nothing to move.
        "#);
    }

    #[tokio::test]
    async fn an_occurrence_that_was_used_names_its_run() {
        let used =
            answer(run(RunState::Done), "payday 2026-07-22 was run already; --again runs it again", false);
        let fake = fake(&[]).says("autosort.run", &used);
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y"], "").await, @r"
        exit 0
        --- out
        Done: £1,411.20 moved, 4 of 4 transfers in 4 s [run_7k]
          ✓ £394.50 into Bills
          ✓ £850.00 into Rent
          ✓ £66.70 into Holiday
          ✓ £100.00 into Car
          → £600.00 to Joint: for you to send in the app
        --- err
        Payday 2026-07-22 was run already; --again runs it again.
        ");
    }

    #[tokio::test]
    async fn what_a_guard_holds_back_is_shown_with_its_reason() {
        let mut held = run(RunState::Withheld);
        held.reason = Some("account_floor: Personal would fall to -£12.00".into());
        held.plan.guards = vec!["account_floor: Personal would fall to -£12.00".into()];
        let fake = fake(&[]).says("autosort.run", &answer(held, "", true));
        insta::assert_snapshot!(fake.run(&["sort", "run", "payday", "-y"], "").await, @r"
        exit 6
        --- out
        Plan of payday  as of 2026-07-22 10:55 (5 min ago)

              WHERE          MOVES     BEFORE         AFTER
        from  Personal  -£1,411.20  £2,611.20  →  £1,200.00
        1     Bills       +£394.50     £18.00  →    £412.50
        2     Rent        +£850.00      £0.00  →    £850.00
        3     Holiday      +£66.70    £433.30  →    £500.00  short by £900.00
              Car         +£100.00      £0.00  →    £100.00
        4     Joint        £600.00                           set aside; you send it

        Moves £1,411.20 in 4 transfers. £1,200.00 stays in Personal; £600.00 must stay.

        Why
          • 3 Holiday and Car, short by £900.00: the rest in equal parts, each up to its goal
          • 3 Holiday and Car, capped: Holiday reaches its goal of £500.00
          ! held back: account_floor: Personal would fall to -£12.00

        Held back: nothing was moved [run_7k]
          account_floor: Personal would fall to -£12.00
        --- err
        ");
    }
}
