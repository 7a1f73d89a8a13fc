//! `why`, `payday` and `pots discover`.

use monzo_common::api::client::*;
use monzo_common::fault::FaultKind;
use monzo_common::model::{Bill, Why};

use super::run;
use super::status::unread;
use crate::args;
use crate::client::Daemon;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::session::Session;
use crate::view::{self, columns};

/// `why`
pub(super) async fn why(args: &args::Why, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let why = match subject(args.subject.trim(), &daemon).await? {
        Subject::Sorter(subject) => daemon.client.why(subject).await?,
        Subject::Bill(bill) => Why { subject: bill.name, reasons: bill.evidence, plan: None },
    };
    let style = session.look(&daemon.time);
    session.print_one("why", &why, || view::why(&why, &style))?;
    Ok(Exit::Done)
}

/// What a person asks about.
enum Subject {
    /// The name of a rule, or the id of a pot or run.
    Sorter(String),
    /// A bill.
    Bill(Box<Bill>),
}

async fn subject(typed: &str, daemon: &Daemon) -> Result<Subject, Failure> {
    let rules = daemon.client.rules().await?;
    if let Ok(rule) = find::find(typed, &rules) {
        return Ok(Subject::Sorter(rule.name.clone()));
    }
    let pots = daemon.client.pots().await?;
    let missing = match find::find(typed, &pots) {
        Ok(pot) => return Ok(Subject::Sorter(pot.id.to_string())),
        Err(failure) => failure,
    };
    match daemon.client.run(typed.to_owned()).await.map_err(Failure::from) {
        Ok(run) => Ok(Subject::Sorter(run.id)),
        Err(failure)
            if !matches!(failure.fault_kind(), Some(FaultKind::NotFound | FaultKind::InvalidParams)) =>
        {
            Err(failure)
        }
        Err(_) if missing.to_string().contains("more than one") => Err(missing),
        Err(_) => {
            let bills = daemon.client.bills(true).await?;
            let ambiguous = match find::find(typed, &bills) {
                Ok(bill) => return Ok(Subject::Bill(Box::new(bill.clone()))),
                Err(failure) => failure,
            };
            if ambiguous.to_string().contains("more than one") {
                return Err(ambiguous);
            }
            let names = rules.iter().map(|rule| rule.name.as_str());
            let names = names.chain(pots.iter().filter(|pot| !pot.deleted).map(|pot| pot.name.as_str()));
            let names = names.chain(bills.iter().map(|bill| bill.name.as_str()));
            let nearest = find::nearest(&typed.to_lowercase(), names);
            let listed = if pots.is_empty() {
                "`monzoctl sort rules` lists the rules; no pot is known yet, and `monzoctl status` says why"
            } else {
                "`monzoctl sort rules`, `monzoctl sort history`, `monzoctl pots` and `monzoctl bills` list them"
            };
            Err(Failure::usage(
                format!("there is no rule, run, pot or bill ‘{typed}’"),
                nearest.map_or_else(
                    || listed.to_owned(),
                    |name| format!("did you mean ‘{name}’? Else {listed}"),
                ),
            ))
        }
    }
}

/// `payday`
pub(super) async fn payday(args: &args::Payday, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let calendars = daemon.client.payday(args.count).await?;
    let style = session.look(&daemon.time);
    session.print_list("paydays", columns::CALENDAR, &calendars, || view::paydays(&calendars, &style))?;
    if calendars.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// `pots discover`
pub(super) async fn discover(typed: &str, no_wait: bool, session: &mut Session) -> Result<Exit, Failure> {
    run::consent(session, "a penny goes into the pot and comes back")?;
    let mut daemon = session.connect().await?;
    let pots = daemon.client.pots().await?;
    let pot = find::find(typed, &pots)?;
    let started = daemon.client.discover_pot(pot.id.to_string()).await?;
    run::settle(started, no_wait, &mut daemon, session).await
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use monzo_common::model::{PaydayCalendar, PaydayDate, Run, RunStarted, RunState};

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{pot, rule, run};

    fn fake() -> Fake {
        let reasons = vec!["it waits for a credit from ACME*".into(), "payday was 2 days ago".into()];
        Fake::new()
            .says("autosort.rules", &[rule("payday")])
            .says("pots.list", &[pot("pot_1", "Bills", 0)])
            .says("autosort.get", &run(RunState::Done))
            .says("autosort.why", &Why { subject: "payday".into(), reasons, plan: None })
    }

    #[tokio::test]
    async fn why_takes_a_rule_a_run_or_a_pot() {
        insta::assert_snapshot!(fake().run(&["why", "Payday"], "").await, @r"
        exit 0
        --- out
        payday
          • it waits for a credit from ACME*
          • payday was 2 days ago
        --- err
        ");
        for (typed, sent) in [("payd", "payday"), ("bills", "pot_1"), ("run_7", "run_7k")] {
            let fake = fake();
            let ran = fake.run(&["why", typed, "--json"], "").await;
            assert_eq!(ran.exit, Exit::Done, "{ran}");
            assert!(fake.calls().ends_with(&format!("autosort.why {{\"subject\":\"{sent}\"}}\n")), "{typed}");
        }
        let none = || fake().fails("autosort.get", FaultKind::NotFound, "no run", "look");
        let bill = none().says("insight.bills", &[view::fixture::bill("Gym")]);
        insta::assert_snapshot!(bill.run(&["why", "gym"], "").await, @r"
        exit 0
        --- out
        Gym
          • its payments have one direct debit mandate
        --- err
        ");
        let fake = none().says("insight.bills", &[0_u8; 0]);
        insta::assert_snapshot!(fake.run(&["why", "paydya"], "").await, @r"
        exit 2
        --- out
        --- err
        error: there is no rule, run, pot or bill ‘paydya’
        try: did you mean ‘payday’? Else `monzoctl sort rules`, `monzoctl sort history`, `monzoctl pots` and `monzoctl bills` list them
        ");
    }

    #[tokio::test]
    async fn the_pay_calendar_is_a_list() {
        let next = vec![PaydayDate { date: date(2026, 7, 31), moved_from: None, reason: None }];
        let calendar = PaydayCalendar {
            name: "main".into(),
            origin: "config".into(),
            rhythm: "the last working day".into(),
            next,
            toml: None,
        };
        let fake = Fake::new().says("insight.payday", &[calendar]);
        insta::assert_snapshot!(fake.run(&["payday"], "").await, @r"
        exit 0
        --- out
        main: the last working day (configured)
          Fri 31 Jul 2026
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["payday", "--count", "12", "--json"], "").await, @r#"
        exit 0
        --- out
        {"v":1,"paydays":[
        {"name":"main","origin":"config","rhythm":"the last working day","next":[{"date":"2026-07-31","moved_from":null,"reason":null}],"toml":null}]}
        --- err
        "#);
        assert_eq!(fake.calls(), "insight.payday {\"count\":3}\ninsight.payday {\"count\":12}\n");
        assert_eq!(fake.run(&["payday", "--count", "0"], "").await.exit, Exit::Usage);
        let none = Fake::new().says("insight.payday", &[0_u8; 0]);
        insta::assert_snapshot!(none.run(&["payday"], "").await, @r"
        exit 0
        --- out
        No payday is configured, and the history shows none: add a [[payday]] block.
        --- err
        ");
    }

    #[tokio::test]
    async fn a_discovery_is_a_run_that_is_asked_for() {
        let mut penny = run(RunState::Proposed);
        (penny.rule, penny.plan.rule, penny.occurrence) = ("discover".into(), "discover".into(), None);
        let started = |run: Run| RunStarted {
            run: Some(run),
            message: String::new(),
            changed: true,
            left_out: Vec::new(),
        };
        let done = Run { state: RunState::Done, ..penny.clone() };
        let fake = fake().says("pots.discover", &started(penny)).says("autosort.approve", &started(done));
        let ran = fake.run(&["pots", "discover", "Bills", "--yes"], "").await;
        assert_eq!(ran.exit, Exit::Done, "{ran}");
        assert!(fake.calls().contains("pots.discover {\"pot\":\"pot_1\"}\n"), "{}", fake.calls());
        let known = RunStarted {
            run: None,
            message: "It is known already.".into(),
            changed: false,
            left_out: Vec::new(),
        };
        let fake = fake.says("pots.discover", &known);
        insta::assert_snapshot!(fake.run(&["pots", "discover", "Bills", "--yes"], "").await, @r"
        exit 0
        --- out
        It is known already.
        --- err
        ");
    }
}
