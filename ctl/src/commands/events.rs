//! `events` and `ack`.

use monzo_common::api::client::*;
use monzo_common::fault::FaultKind;
use monzo_common::model::Event;
use monzo_common::period::End;
use tokio::time::sleep;

use super::status::unread;
use crate::args::{self, Output};
use crate::client::{Daemon, PAUSE};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::session::{Session, unprintable};
use crate::view::{self, Csv, columns};

/// Events asked for at a time.
const PAGE: u32 = 200;

/// `events`
pub(super) async fn events(args: &args::Events, session: &mut Session) -> Result<Exit, Failure> {
    if args.follow && session.global.form() == Output::Json {
        return Err(Failure::usage(
            "what is followed has no end, so that it cannot be one JSON object",
            "use `-o jsonl`, one object a line",
        ));
    }
    if args.count == 0 && !args.follow {
        return Err(Failure::usage("no events are asked for", "give `-n` a number above 0"));
    }
    let mut daemon = session.connect().await?;
    if args.follow {
        return follow(args.count, &mut daemon, session).await;
    }
    let events = newest(args.count, &daemon).await?;
    let style = session.look(&daemon.time);
    session.print_list("events", columns::EVENT, &events, || view::events(&events, &style))?;
    if events.is_empty() {
        unread(&daemon, session).await?;
    }
    Ok(Exit::Done)
}

/// The newest events, oldest first.
async fn newest(count: u32, daemon: &Daemon) -> Result<Vec<Event>, Failure> {
    let mut events: Vec<Event> = Vec::new();
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    while events.len() < wanted {
        let before = events.last().map(|event| event.id);
        let left = u32::try_from(wanted - events.len()).unwrap_or(PAGE).min(PAGE);
        let page = daemon.client.events(None, before, Some(left)).await?;
        let (more, empty) = (page.more, page.events.is_empty());
        events.extend(page.events);
        if !more || empty {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

/// Prints events as they happen until interrupted; what happened during a restart is caught up with.
async fn follow(count: u32, daemon: &mut Daemon, session: &mut Session) -> Result<Exit, Failure> {
    if session.global.form() == Output::Csv {
        session.print(&Csv(columns::EVENT).header())?;
    }
    let mut live = daemon.client.subscribe_events().await?;
    let mut last = 0;
    for event in newest(count, daemon).await? {
        print(&event, &mut last, daemon, session)?;
    }
    if last == 0 {
        last = newest(1, daemon).await?.last().map_or(0, |event| event.id);
    }
    loop {
        while let Some(Ok(event)) = live.next().await {
            print(&event, &mut last, daemon, session)?;
        }
        sleep(PAUSE).await;
        *daemon = session.connect().await?;
        live = daemon.client.subscribe_events().await?;
        loop {
            let page = daemon.client.events(Some(last), None, Some(PAGE)).await?;
            for event in &page.events {
                print(event, &mut last, daemon, session)?;
            }
            if !page.more || page.events.is_empty() {
                break;
            }
        }
    }
}

/// One event as a line, unless it was printed already.
fn print(event: &Event, last: &mut i64, daemon: &Daemon, session: &mut Session) -> Result<(), Failure> {
    if event.id <= *last {
        return Ok(());
    }
    *last = event.id;
    let text = match session.global.form() {
        Output::Table => view::event(event, &session.look(&daemon.time)),
        Output::Json | Output::Jsonl => {
            format!("{}\n", serde_json::to_string(event).map_err(unprintable)?)
        }
        Output::Csv => Csv(columns::EVENT).row(event).map_err(unprintable)?,
    };
    session.print(&text)
}

/// `ack`
pub(super) async fn ack(args: &args::Ack, session: &mut Session) -> Result<Exit, Failure> {
    let daemon = session.connect().await?;
    let until = args.until.as_deref().map(|day| daemon.time.period(day, End::Until)).transpose()?;
    let until = until.map(|period| period.until);
    if until.is_some_and(|until| until <= daemon.time.now) {
        return Err(Failure::usage("that day is over", "name a day ahead, for example `--until 7d`"));
    }
    let done = match daemon.client.acknowledge(args.id.clone(), until).await {
        Ok(done) => done,
        Err(error) => return Err(perhaps(&args.id, error.into(), &daemon).await),
    };
    let style = session.look(&daemon.time);
    session.print_one("acknowledged", &done, || view::acknowledged(&done, &style))?;
    Ok(Exit::Done)
}

/// An id that nothing has is likely a slip.
async fn perhaps(typed: &str, failure: Failure, daemon: &Daemon) -> Failure {
    if failure.fault_kind() != Some(FaultKind::NotFound) {
        return failure;
    }
    let Ok(status) = daemon.client.status().await else { return failure };
    let ids = status.attention.iter().map(|attention| attention.id.as_str());
    match find::nearest(&typed.to_lowercase(), ids) {
        Some(id) => Failure::usage(
            failure.to_string(),
            format!("did you mean ‘{id}’? `monzoctl status` shows what needs you"),
        ),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use monzo_common::model::{Acknowledged, Attention, EventPage, Severity};

    use super::*;
    use crate::fake::Fake;
    use crate::view::fixture::{self, now};

    fn event(id: i64) -> Event {
        Event {
            id,
            at: now(),
            kind: "sync_failed".into(),
            severity: Severity::Problem,
            message: format!("sync number {id} failed"),
            account_id: None,
            pot_id: None,
            transaction_id: None,
            sync_id: Some(format!("sync_{id}")),
            rule: None,
            run_id: None,
        }
    }

    fn page(ids: &[i64], more: bool) -> EventPage {
        EventPage { events: ids.iter().map(|id| event(*id)).collect(), more }
    }

    #[tokio::test]
    async fn events_are_fetched_from_the_newest_and_shown_from_the_oldest() {
        let fake = Fake::new().says_in_turn("events.list", &[page(&[9, 8], true), page(&[7], false)]);
        insta::assert_snapshot!(fake.run(&["events", "-n", "3"], "").await, @r"
        exit 0
        --- out
        2026-07-22 11:00:00 ✗ sync number 7 failed (sync_failed)
        2026-07-22 11:00:00 ✗ sync number 8 failed (sync_failed)
        2026-07-22 11:00:00 ✗ sync number 9 failed (sync_failed)
        --- err
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        events.list {"after":null,"before":null,"limit":3}
        events.list {"after":null,"before":8,"limit":1}
        "#);
    }

    #[tokio::test]
    async fn following_prints_each_event_once() {
        let fake = Fake::new()
            .says("events.list", &page(&[8, 7], false))
            .sends("events.subscribe", &[event(8), event(9)]);
        let reader = fake.run_until(&["events", "-f", "-o", "jsonl"], 3).await;
        let ids: Vec<i64> = reader
            .lines()
            .map(|line| serde_json::from_str::<Event>(line).expect("an event a line").id)
            .collect();
        assert_eq!(ids, [7, 8, 9]);
        let ran = fake.run(&["events", "--follow", "--json"], "").await;
        assert_eq!(ran.exit, Exit::Usage);
    }

    #[tokio::test]
    async fn one_attention_is_silenced_for_a_while_or_as_long_as_it_lasts() {
        let done = |until, changed| Acknowledged { id: "access_ends".into(), until, changed };
        let until = Some(now() + jiff::SignedDuration::from_hours(48));
        let fake =
            Fake::new().says_in_turn("events.ack", &[done(until, true), done(None, true), done(None, false)]);
        insta::assert_snapshot!(fake.run(&["ack", "access_ends", "--until", "2d"], "").await, @r"
        exit 0
        --- out
        access_ends is silent until 2026-07-24 11:00.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["ack", "access_ends"], "").await, @r"
        exit 0
        --- out
        access_ends is hidden until it is resolved.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["ack", "access_ends"], "").await, @r"
        exit 0
        --- out
        access_ends was silent already.
        --- err
        ");
        insta::assert_snapshot!(fake.run(&["ack", "access_ends", "--until", "yesterday"], "").await, @r"
        exit 2
        --- out
        --- err
        error: that day is over
        try: name a day ahead, for example `--until 7d`
        ");
        insta::assert_snapshot!(fake.calls(), @r#"
        events.ack {"id":"access_ends","until":"2026-07-24T23:00:00Z"}
        events.ack {"id":"access_ends","until":null}
        events.ack {"id":"access_ends","until":null}
        "#);
    }

    #[tokio::test]
    async fn a_slip_is_met_with_the_nearest_attention() {
        let mut status = fixture::status();
        status.attention.push(Attention {
            id: "access_ends".into(),
            code: "access_ends".into(),
            severity: Severity::Note,
            message: "access ends in 7 days".into(),
            hint: "monzoctl login".into(),
        });
        let fake = Fake::new()
            .fails(
                "events.ack",
                FaultKind::NotFound,
                "nothing needs you under ‘acces_end’",
                "monzoctl status",
            )
            .says("system.status", &status);
        insta::assert_snapshot!(fake.run(&["ack", "acces_end"], "").await, @r"
        exit 2
        --- out
        --- err
        error: nothing needs you under ‘acces_end’
        try: did you mean ‘access_ends’? `monzoctl status` shows what needs you
        ");
    }
}
