//! `sort`: what rules would do, and holding them back.

use jiff::{SignedDuration, Timestamp};
use monzo_common::api::client::*;
use monzo_common::model::{Pot, Rule};
use monzo_common::period::End;
use monzo_common::shell;

use super::status::unread;
use super::{approval, run, transfer};
use crate::args::{self, SortCommand};
use crate::client::Daemon;
use crate::daemon_time::DaemonTime;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::session::Session;
use crate::view::{self, columns};

/// `sort`
pub(super) async fn sort(command: &SortCommand, session: &mut Session) -> Result<Exit, Failure> {
    match command {
        SortCommand::Plan(args) => plan(args, session).await,
        SortCommand::Run(args) => run_rule(args, session).await,
        SortCommand::Approve(args) => approval::approve(args, session).await,
        SortCommand::Reject { id } => approval::reject(id, session).await,
        SortCommand::Cancel(args) => approval::cancel(args, session).await,
        SortCommand::Undo(args) => approval::undo(args, session).await,
        SortCommand::History(args) => transfer::history(args, session).await,
        SortCommand::Rules => rules(session).await,
        SortCommand::Transfers(args) => transfer::transfers(args, session).await,
        SortCommand::Suggest(args) => suggest(args, session).await,
        SortCommand::Backtest(args) => backtest(args, session).await,
        SortCommand::Freeze(args) => freeze(args, session).await,
        SortCommand::Thaw { subject } => thaw(subject.as_deref(), session).await,
    }
}

/// The rule that a person means.
pub(super) async fn rule(typed: &str, daemon: &Daemon) -> Result<Rule, Failure> {
    let rules = daemon.client.rules().await?;
    find::find(typed, &rules).cloned()
}

async fn plan(args: &args::SortPlan, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let at = args.at.as_deref().map(|at| noon_of(at, &daemon.time)).transpose()?;
    let rule = rule(&args.rule, &daemon).await?;
    let plan = daemon.client.plan(rule.name, at).await?;
    let style = session.look(&daemon.time);
    let detail = args.explain || session.global.verbose;
    session.print_one("plan", &plan, || {
        // A plan of another time cannot be run now.
        let advice = if at.is_none() { view::plan_advice(&plan) } else { String::new() };
        view::plan(&plan, detail, &style) + &advice
    })?;
    Ok(Exit::Done)
}

/// The instant that is meant; of a day its noon, when no quiet hours are.
fn noon_of(phrase: &str, time: &DaemonTime) -> Result<Timestamp, Failure> {
    let at = time.instant(phrase, End::Since)?;
    let noon = at.checked_add(SignedDuration::from_hours(12)).unwrap_or(at);
    Ok(if phrase.contains(':') { at } else { noon })
}

async fn run_rule(args: &args::SortRun, session: &mut Session) -> Result<Exit, Failure> {
    run::consent(
        session,
        &format!("`monzoctl sort plan {}` shows what it would do", shell::word(&args.rule)),
    )?;
    let mut daemon = session.connect().await?;
    let rule = rule(&args.rule, &daemon).await?;
    let started = daemon.client.run_rule(rule.name, args.plan.clone(), args.again).await?;
    if let (Some(hash), Some(run)) = (&args.plan, &started.run)
        && !run.plan_hash.starts_with(hash.trim())
    {
        // The answer to a plan that is no longer admissible is the one that is.
        run::other_plan(&started.message, run, session)?;
    }
    run::settle(started, args.no_wait, &mut daemon, session).await
}

async fn rules(session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let rules = daemon.client.rules().await?;
    let style = session.look(&daemon.time);
    session.print_list("rules", columns::RULE, &rules, || view::rules(&rules, &style))?;
    Ok(Exit::Done)
}

async fn suggest(args: &args::SortSuggest, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let suggestion = daemon.client.suggest(args.kind.map(|kind| kind.word().to_owned())).await?;
    session.print_one("suggestion", &suggestion, || {
        suggestion.toml.lines().map(|line| format!("{}\n", view::clean(line))).collect()
    })?;
    let suggests = suggestion.toml.lines().any(|line| line.starts_with("[["));
    if !suggests {
        unread(&daemon, session).await?;
    }
    if !session.wants_data() && suggests {
        session.note(&format!(
            "Read it, change it, save it as {}; then `monzoctl config reload`, and `monzoctl sort rules` lists it.",
            view::clean(&suggestion.save_as)
        ))?;
    }
    Ok(Exit::Done)
}

async fn backtest(args: &args::SortBacktest, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let since = daemon.time.back(&args.since)?;
    if since >= daemon.time.now {
        return Err(Failure::usage(
            "the period lies ahead",
            "the past is replayed, for example `--since 12mo`",
        ));
    }
    let rule = rule(&args.rule, &daemon).await?;
    let backtest = daemon.client.backtest(rule.name, since).await?;
    let style = session.look(&daemon.time);
    session.print_one("backtest", &backtest, || view::backtest(&backtest, &style))?;
    Ok(Exit::Done)
}

async fn freeze(args: &args::SortFreeze, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let until = args.until.as_deref().map(|until| daemon.time.instant(until, End::Until)).transpose()?;
    if until.is_some_and(|until| until <= daemon.time.now) {
        return Err(Failure::usage("that time is over", "name a day ahead, for example `--until 7d`"));
    }
    let name = named(args.rule.as_deref(), &daemon).await?;
    let change = daemon.client.freeze(name, until, args.reason.clone()).await?;
    let style = session.look(&daemon.time);
    session
        .print_one("change", &change, || view::freezes(&change, "Frozen", "It was frozen already", &style))?;
    Ok(Exit::Done)
}

async fn thaw(typed: Option<&str>, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let (rule, pot) = thawed(typed, &daemon).await?;
    let done = match &pot {
        Some(pot) => format!("Thawed: {} may be tried again", view::clean(&pot.name)),
        None => "Thawed".to_owned(),
    };
    let change = daemon.client.thaw(rule, pot.map(|pot| pot.id.to_string())).await?;
    let style = session.look(&daemon.time);
    session.print_one("change", &change, || view::freezes(&change, &done, "It was not frozen", &style))?;
    Ok(Exit::Done)
}

/// The rule that is to be thawed, else the pot; of a name that is neither, what is said of rules.
async fn thawed(typed: Option<&str>, daemon: &Daemon) -> Result<(Option<String>, Option<Pot>), Failure> {
    let Some(typed) = typed else { return Ok((None, None)) };
    let missing = match rule(typed, daemon).await {
        Ok(rule) => return Ok((Some(rule.name), None)),
        Err(failure) => failure,
    };
    let pots = daemon.client.pots().await?;
    let pot = find::find(typed.strip_prefix("pot:").unwrap_or(typed), &pots);
    pot.map(|pot| (None, Some(pot.clone()))).map_err(|_| missing)
}

async fn named(typed: Option<&str>, daemon: &Daemon) -> Result<Option<String>, Failure> {
    match typed {
        None => Ok(None),
        Some(typed) => Ok(Some(rule(typed, daemon).await?.name)),
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Backtest, Freeze, FreezeChange, RunState, Suggestion};
    use monzo_common::money::Currency;

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, now};

    fn fake() -> Fake {
        Fake::new()
            .says("autosort.rules", &[fixture::rule("payday"), fixture::rule("big sweep")])
            .says("autosort.plan", &fixture::plan())
    }

    #[tokio::test]
    async fn a_plan_is_a_table_of_moves_and_says_how_to_do_exactly_that() {
        let fake = fake();
        insta::assert_snapshot!(fake.run(&["sort", "plan", "PAYDAY"], "").await, @r"
        exit 0
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

        To do exactly this: `monzoctl sort run payday --plan 5f2c77`
        --- err
        ");
        assert_eq!(fake.calls(), "autosort.rules\nautosort.plan {\"at\":null,\"rule\":\"payday\"}\n");
    }

    #[tokio::test]
    async fn a_plan_of_another_time_is_no_plan_to_run_and_explains_itself_on_request() {
        let fake = fake();
        let line = ["sort", "plan", "big", "--at", "2026-07-31T09:00"];
        let plain = String::from_utf8_lossy(&fake.run(&line, "").await.out).into_owned();
        assert!(!plain.contains("--plan") && !plain.contains("Council Tax"), "{plain}");
        assert!(fake.calls().ends_with("{\"at\":\"2026-07-31T08:00:00Z\",\"rule\":\"big sweep\"}\n"));
        for flag in ["--explain", "-v"] {
            let full = fake.run(&[&line[..], &[flag]].concat(), "").await;
            assert!(String::from_utf8_lossy(&full.out).contains("Council Tax"), "{full}");
        }
        let ran = fake.run(&["sort", "plan", "payday", "--at", "25:00"], "").await;
        insta::assert_snapshot!(ran, @r"
        exit 2
        --- out
        --- err
        error: ‘25:00’ is not a time
        try: write it as 2026-11-27T09:00, or name a day
        ");
    }

    #[tokio::test]
    async fn a_plan_as_json_is_the_model() {
        let ran = fake().run(&["sort", "plan", "payday", "--json"], "").await;
        let out: serde_json::Value = serde_json::from_slice(&ran.out).expect("one object");
        assert_eq!(out["plan"], serde_json::to_value(fixture::plan()).expect("a plan"));
        assert_eq!((&out["v"], ran.exit), (&1.into(), Exit::Done));
    }

    #[tokio::test]
    async fn a_rule_that_is_not_there_is_met_with_the_nearest() {
        insta::assert_snapshot!(fake().run(&["sort", "plan", "paydya"], "").await, @r"
        exit 2
        --- out
        --- err
        error: there is no rule ‘paydya’
        try: did you mean ‘payday’? Else look at `monzoctl sort rules`
        ");
    }

    #[tokio::test]
    async fn rules_are_a_table_or_the_model() {
        insta::assert_snapshot!(fake().run(&["sort", "rules"], "").await, @r"
        exit 0
        --- out
        RULE       MODE  WHEN       FROM              NEXT                 LEFT  LAST         RESULT
        payday     auto  on payday  account:Personal  2026-07-31 11:00  £600.00  22 days ago  done
        big sweep  auto  on payday  account:Personal  2026-07-31 11:00  £600.00  22 days ago  done
        --- err
        ");
        insta::assert_snapshot!(fake().run(&["sort", "rules", "-o", "csv"], "").await, @r"
        exit 0
        --- out
        name,mode,enabled,frozen,trigger,source,next_at,left,last_at,result,problems,origin
        payday,auto,true,false,on payday,account:Personal,2026-07-31T10:00:00Z,60000,2026-06-30T10:00:00Z,done,[],monzod.toml:12
        big sweep,auto,true,false,on payday,account:Personal,2026-07-31T10:00:00Z,60000,2026-06-30T10:00:00Z,done,[],monzod.toml:12
        --- err
        ");
        let none = Fake::new().says("autosort.rules", &[0_u8; 0]);
        insta::assert_snapshot!(none.run(&["sort", "rules"], "").await, @r"
        exit 0
        --- out
        There are no rules: `monzoctl sort suggest` prints some that your history suggests.
        --- err
        ");
    }

    #[tokio::test]
    async fn a_suggestion_can_be_saved_as_it_is_printed() {
        let toml = "# Salary from ACME on the 25th\n[[autosort.rule]]\nname = \"payday\"\n".to_owned();
        let suggestion = Suggestion { toml, save_as: "conf.d/payday.toml".into() };
        let fake = Fake::new().says("autosort.suggest", &suggestion);
        insta::assert_snapshot!(fake.run(&["sort", "suggest", "top-up"], "").await, @r#"
        exit 0
        --- out
        # Salary from ACME on the 25th
        [[autosort.rule]]
        name = "payday"
        --- err
        Read it, change it, save it as conf.d/payday.toml; then `monzoctl config reload`, and `monzoctl sort rules` lists it.
        "#);
        assert_eq!(fake.calls(), "autosort.suggest {\"kind\":\"top-up\"}\n");
    }

    #[tokio::test]
    async fn a_backtest_looks_a_year_back_unless_told_otherwise() {
        let backtest = Backtest {
            rule: "payday".into(),
            whole_from: Some(now()),
            runs: Vec::new(),
            lowest: Vec::new(),
            failed_bills: Vec::new(),
            part_paid: Vec::new(),
            notes: Vec::new(),
            currency: Currency::GBP,
        };
        let fake = fake().says("autosort.backtest", &backtest);
        let ran = fake.run(&["sort", "backtest", "payday"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        let ran = fake.run(&["sort", "backtest", "payday", "--since", "90d"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        insta::assert_snapshot!(fake.calls(), @r#"
        autosort.rules
        autosort.backtest {"rule":"payday","since":"2025-07-21T23:00:00Z"}
        autosort.rules
        autosort.backtest {"rule":"payday","since":"2026-04-22T23:00:00Z"}
        "#);
    }

    #[tokio::test]
    async fn freezing_and_thawing_say_whether_it_changed_anything() {
        let freeze =
            Freeze { rule: Some("payday".into()), at: now(), until: None, reason: "moving house".into() };
        let change = |freezes: &[Freeze], changed| FreezeChange { freezes: freezes.to_vec(), changed };
        let fake = fake()
            .says_in_turn(
                "autosort.freeze",
                &[change(std::slice::from_ref(&freeze), true), change(&[freeze], false)],
            )
            .says_in_turn("autosort.thaw", &[change(&[], true), change(&[], false)]);
        let line = ["sort", "freeze", "payday", "--reason", "moving house"];
        insta::assert_snapshot!(fake.run(&line, "").await, @r"
        exit 0
        --- out
        Frozen.
          payday is frozen since 2026-07-22 11:00: moving house
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "freeze", "--until", "friday"], "").await, @r"
        exit 0
        --- out
        It was frozen already.
          payday is frozen since 2026-07-22 11:00: moving house
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "thaw", "payday"], "").await, @r"
        exit 0
        --- out
        Thawed.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "thaw"], "").await, @r"
        exit 0
        --- out
        It was not frozen.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["sort", "freeze", "--until", "2026-07-21"], "").await, @r"
        exit 2
        --- out
        --- err
        error: that time is over
        try: name a day ahead, for example `--until 7d`
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        autosort.rules
        autosort.freeze {"reason":"moving house","rule":"payday","until":null}
        autosort.freeze {"reason":null,"rule":null,"until":"2026-07-24T23:00:00Z"}
        autosort.rules
        autosort.thaw {"pot":null,"rule":"payday"}
        autosort.thaw {"pot":null,"rule":null}
        "#);
    }

    #[tokio::test]
    async fn an_interrupt_says_that_what_was_approved_goes_on() {
        let (exit, err) = Fake::new().interrupt(&["sort", "run", "payday", "-y"]).await;
        assert_eq!(exit, Exit::Interrupted);
        insta::assert_snapshot!(err, @r"
        error: interrupted
        try: what was approved goes on; `monzoctl sort history` shows how it stands
        ");
    }

    #[tokio::test]
    async fn history_without_a_rule_of_that_name_still_knows_moves_by_hand() {
        let page = |runs| monzo_common::model::RunPage { runs, cursor: None };
        let fake = fake().says("autosort.runs", &page(vec![fixture::run(RunState::Done)]));
        assert_eq!(fake.run(&["sort", "history", "move"], "").await.exit, Exit::Done);
        let fake = fake.says("autosort.runs", &page(Vec::new()));
        assert_eq!(fake.run(&["sort", "history", "mvoe"], "").await.exit, Exit::Usage);
    }
}
